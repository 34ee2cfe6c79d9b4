"""Random networks that are right: chains and branching ones, wired so that every shape fits.

    @given(graphs())
    def test_something(graph: Graph) -> None: ...

`graphs()` draws everything at once; its switches leave out what a test cannot use. `chains()` are
those that an nn.Sequential can hold. `broken(graphs())` has one wrong width, `arguments()` are loose
values. Sizes are small, so that a forward pass takes milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Literals,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)

Shape = tuple[int, ...]  # without the batch, which is always first

NN = "torch.nn."


@dataclass
class Draft:
    """A graph being drawn: what has been made so far, and the values that can be read."""

    draw: st.DrawFn
    name: str = "Model"
    nodes: dict[str, Node] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    settings: dict[str, Literals] = field(default_factory=dict)
    blocks: dict[str, Graph] = field(default_factory=dict)
    values: list[tuple[Ref, Shape]] = field(default_factory=list)
    reads: dict[str, Shape] = field(default_factory=dict)  # owner → the shape it was made for

    def name_for(self, stem: str) -> str:
        taken = {*self.nodes, *self.owners, *self.settings}
        return next(n for i in range(1, 1000) if (n := f"{stem}{i}") not in taken)

    def input(self, shape: Shape, name: str | None = None) -> Ref:
        name = name or self.name_for("x")
        self.nodes[name] = Node(name, "input", name, spec=TensorSpec(("N", *shape)))
        return self.keep(Ref(name), shape)

    def layer(
        self,
        stem: str,
        target: str,
        source: Ref,
        shape: Shape,
        /,
        port: str = "input",
        **arguments: Any,
    ) -> Ref:
        name = self.name_for(stem)
        target = target if target.startswith("block:") else NN + target
        self.owners[name] = Owner(name, name, target, arguments)
        self.reads[name] = shape
        return self.call(name, {port: source})

    def call(self, owner: str, arguments: dict[str, Argument]) -> Ref:
        node = owner if owner not in self.nodes else self.name_for(f"{owner}_call")
        self.nodes[node] = Node(node, "layer", "", owner, arguments)
        return Ref(node)

    def operation(self, stem: str, target: str, **arguments: Argument) -> Ref:
        name = self.name_for(stem)
        self.nodes[name] = Node(name, "operation", name, target, arguments)
        return Ref(name)

    def branch(self, condition: Argument, if_true: Ref, if_false: Ref) -> Ref:
        name = self.name_for("branch")
        arguments = {"condition": condition, "if_true": if_true, "if_false": if_false}
        self.nodes[name] = Node(name, "branch", name, "", arguments)
        return Ref(name)

    def output(self, value: Ref, name: str | None = None) -> None:
        name = name or self.name_for("output")
        self.nodes[name] = Node(name, "output", name, "", {"value": value})

    def keep(self, ref: Ref, shape: Shape) -> Ref:
        self.values.append((ref, shape))
        return ref

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def one_of(self, options: list[Any]) -> Any:
        return self.draw(st.sampled_from(options))

    def graph(self) -> Graph:
        return Graph(self.name, self.nodes, self.owners, self.settings, self.blocks)


def step(draft: Draft, source: Ref, shape: Shape, functions: bool = True) -> tuple[Ref, Shape]:
    """Adds one layer (or a one-input operation) that reads a value of this shape."""
    kinds = ["activation", "linear", "dropout"]
    if len(shape) == 3:
        kinds += ["conv", "batchnorm2d", "flatten", "flatten"] + (
            ["pool"] if min(shape[1:]) >= 2 else []
        )
    elif len(shape) == 2:
        kinds += ["layernorm", "flatten"] + (
            ["lstm", "gru", "mean", "last", "attention"] if functions else []
        )
    else:
        kinds += ["linear", "batchnorm1d", "layernorm"]
    if functions:
        kinds += ["function", "number", "transpose"] if len(shape) == 2 else ["function", "number"]
    return _STEPS[draft.one_of(kinds)](draft, source, shape)


def _activation(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    kind = d.one_of(["ReLU", "Tanh", "GELU", "Sigmoid", "LeakyReLU"])
    arguments = {"negative_slope": 0.2} if kind == "LeakyReLU" and d.number(0, 1) else {}
    return d.layer(kind.lower(), kind, x, shape, **arguments), shape


def _linear(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    width = d.number(1, 9)
    arguments: dict[str, Any] = {"out_features": width}
    if d.number(0, 3) == 0:
        arguments["bias"] = False
    if d.number(0, 3) == 0:
        arguments["in_features"] = shape[-1]
    return d.layer("fc", "Linear", x, shape, **arguments), (*shape[:-1], width)


def _conv(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    channels, size = d.number(1, 6), d.one_of([1, 3])
    ref = d.layer(
        "conv", "Conv2d", x, shape, out_channels=channels, kernel_size=size, padding=size // 2
    )
    return ref, (channels, *shape[1:])


def _pool(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    kind = d.one_of(["MaxPool2d", "AvgPool2d"])
    return d.layer("pool", kind, x, shape, kernel_size=2), (shape[0], shape[1] // 2, shape[2] // 2)


def _flatten(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    return d.layer("flatten", "Flatten", x, shape), (math.prod(shape),)


def _recurrent(kind: str) -> Any:
    def add(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
        width = d.number(1, 6)
        ref = d.layer(kind.lower(), kind, x, shape, hidden_size=width, batch_first=True)
        if d.number(0, 3) == 0:  # sequences of several lengths, the longest as long as x
            d.nodes[ref.node] = replace(d.nodes[ref.node], arguments=_with_lengths(d, x))
        return Ref(ref.node, (0,)), (shape[0], width)

    return add


def _with_lengths(d: Draft, x: Ref) -> dict[str, Argument]:
    name = d.name_for("lengths")
    told = Node(name, "input", name, spec=TensorSpec(("N",), "int64"))
    d.nodes = {name: told, **d.nodes}
    more: dict[str, Argument] = {"enforce_sorted": False} if d.number(0, 1) else {}
    if d.number(0, 1):
        more["total_length"] = Size(x, 1)
    return {"input": x, "lengths": Ref(name), **more}


def _attention(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    name = d.name_for("attention")
    d.owners[name] = Owner(
        name, name, f"{NN}MultiheadAttention", {"num_heads": 1, "batch_first": True}
    )
    ref = d.call(name, {"query": x, "key": x, "value": x})
    return Ref(ref.node, (0,)), shape


def _function(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    key = d.one_of(["torch.nn.functional.relu", "torch.sigmoid", "torch.tanh", "torch.abs"])
    return d.operation(key.rpartition(".")[2], key, input=x), shape


def _number(d: Draft, x: Ref, shape: Shape) -> tuple[Ref, Shape]:
    stem = d.one_of(["add", "mul", "sub"])
    return d.operation(stem, f"operator.{stem}", input=x, other=d.one_of([2, 0.5, -1])), shape


_STEPS: dict[str, Any] = {
    "activation": _activation,
    "linear": _linear,
    "conv": _conv,
    "pool": _pool,
    "flatten": _flatten,
    "lstm": _recurrent("LSTM"),
    "gru": _recurrent("GRU"),
    "attention": _attention,
    "function": _function,
    "number": _number,
    "dropout": lambda d, x, s: (d.layer("dropout", "Dropout", x, s, p=d.one_of([0.1, 0.5])), s),
    "batchnorm1d": lambda d, x, s: (d.layer("bn", "BatchNorm1d", x, s), s),
    "batchnorm2d": lambda d, x, s: (d.layer("bn", "BatchNorm2d", x, s), s),
    "layernorm": lambda d, x, s: (d.layer("norm", "LayerNorm", x, s), s),
    "mean": lambda d, x, s: (d.operation("mean", "torch.mean", input=x, dim=1), s[1:]),
    "last": lambda d, x, s: (
        d.operation("last", "operator.getitem", input=x, index=(Slice(), -1)),
        s[1:],
    ),
    "transpose": lambda d, x, s: (
        d.operation("transpose", "torch.transpose", input=x, dim0=1, dim1=2),
        (s[1], s[0]),
    ),
}


def join(draft: Draft) -> None:
    """Joins two values by +, × or cat where their shapes allow it."""
    ref, shape = draft.one_of(draft.values)
    alike = [(r, s) for r, s in draft.values if s[1:] == shape[1:] and len(s) == len(shape)]
    other, second = draft.one_of(alike)
    if shape == second and draft.number(0, 2):
        stem = draft.one_of(["add", "mul"])
        draft.keep(draft.operation(stem, f"operator.{stem}", input=ref, other=other), shape)
    elif shape[0] + second[0] <= 64:
        joined = draft.operation("cat", "torch.cat", tensors=(ref, other), dim=1)
        draft.keep(joined, (shape[0] + second[0], *shape[1:]))


def call_again(draft: Draft) -> None:
    """Calls a layer a second time, with the same weights, on a value of the same shape."""
    calls = [
        (owner, ref, shape)
        for owner, shape in draft.reads.items()
        for ref, other in draft.values
        if other == shape and not draft.owners[owner].target.endswith(("LSTM", "GRU"))
    ]
    if not calls:
        return
    owner, ref, _ = draft.one_of(calls)
    first = next(n for n in draft.nodes.values() if n.kind == "layer" and n.target == owner)
    result = next((s for r, s in draft.values if r == Ref(first.id)), None)
    port = next(iter(first.arguments))
    if result is not None:
        draft.keep(draft.call(owner, {port: ref}), result)


def choose(draft: Draft) -> None:
    """Adds a branch on training, on a setting or on the data, between two values of one shape."""
    ref, shape = draft.one_of(draft.values)
    other, _ = draft.one_of([(r, s) for r, s in draft.values if s == shape])
    condition: Argument = draft.one_of([Training(), GradEnabled()])
    kind = draft.number(0, 2)
    if kind == 1:
        name = draft.name_for("flag")
        draft.settings[name] = draft.one_of([True, False])
        condition = Setting(name)
    elif kind == 2:
        score = draft.operation("score", "torch.mean", input=ref)
        condition = Compare(draft.one_of(["<", ">"]), score, 0.5)
    draft.keep(draft.branch(condition, ref, other), shape)


def use_block(draft: Draft) -> None:
    """Adds a block that keeps the shape, once or repeated, with its own or with shared weights."""
    ref, shape = draft.one_of(draft.values)
    name = f"Block{len(draft.blocks) + 1}"
    inner = Draft(draft.draw, name)
    width = Setting("width") if draft.number(0, 1) else draft.number(1, 6)
    if isinstance(width, Setting):
        inner.settings["width"] = draft.number(1, 6)
    x = inner.input(shape, "x")
    y = inner.layer("fc", "Linear", x, shape, out_features=width)
    y = inner.layer("relu", "ReLU", y, shape)
    y = inner.layer("fc", "Linear", y, shape, out_features=shape[-1])
    if draft.number(0, 1):
        y = inner.operation("add", "operator.add", input=y, other=x)
    inner.output(y, "output")
    draft.blocks[name] = inner.graph()
    own = {"width": draft.number(1, 6)} if inner.settings and draft.number(0, 1) else {}
    result = draft.layer("block", f"block:{name}", ref, shape, port="x", **own)
    owner = draft.owners[result.node]
    repeat = draft.number(1, 3)
    draft.owners[result.node] = replace(
        owner, repeat=repeat, shared=repeat > 1 and bool(draft.number(0, 1))
    )
    draft.keep(result, shape)


_SHAPES = [(5,), (8,), (3, 4), (5, 6), (1, 8, 8), (2, 5, 5), (3, 4, 4)]


@st.composite
def graphs(
    draw: st.DrawFn,
    max_steps: int = 10,
    max_inputs: int = 2,
    max_outputs: int = 2,
    branches: bool = True,
    sharing: bool = True,
    blocks: bool = True,
    joins: bool = True,
    functions: bool = True,
    decorated: bool = True,
) -> Graph:
    """A network without problems. `decorated`: some nodes frozen, bypassed, noted, placed."""
    draft = Draft(draw, draw(st.sampled_from(["Model", "Net", "MyNetwork"])))
    for _ in range(draft.number(1, max_inputs)):
        draft.input(draft.one_of(_SHAPES))
    for _ in range(draft.number(1, max_steps)):
        kinds = ["step"] * 5 + ["join"] * 2 * joins + ["share"] * sharing + ["block"] * blocks
        kind = draft.one_of(kinds + ["branch"] * branches)
        if kind == "join":
            join(draft)
        elif kind == "share":
            call_again(draft)
        elif kind == "branch":
            choose(draft)
        elif kind == "block" and len(draft.blocks) < 2:
            use_block(draft)
        else:
            recent = draft.values[-3:] if draft.number(0, 2) else draft.values
            ref, shape = draft.one_of(recent)
            draft.keep(*step(draft, ref, shape, functions))
    draft.output(draft.values[-1][0], "output")
    for i in range(draft.number(1, max_outputs) - 1):
        draft.output(draft.one_of(draft.values)[0], f"output{i + 2}")
    return _decorated(draft) if decorated else draft.graph()


@st.composite
def chains(draw: st.DrawFn, max_steps: int = 8) -> Graph:
    """A network of layers each reading the one before: an nn.Sequential can hold it."""
    draft = Draft(draw)
    ref, shape = draft.input(draft.one_of(_SHAPES), "x"), draft.values[0][1]
    for _ in range(draft.number(1, max_steps)):
        ref, shape = step(draft, ref, shape, functions=False)
    draft.output(ref, "output")
    graph = draft.graph()
    if draft.number(0, 1):  # named by index, as in nn.Sequential
        owners = {o.id: replace(o, name=str(i)) for i, o in enumerate(graph.owners.values())}
        graph = replace(graph, owners=owners)
    return graph


@st.composite
def broken(draw: st.DrawFn, right: st.SearchStrategy[Graph] | None = None) -> tuple[Graph, str]:
    """A network with one wrong number, and the id of the owner it stands at."""
    graph = draw((right or chains()).filter(lambda g: _widths(g)))
    owner = graph.owners[draw(st.sampled_from(_widths(graph)))]
    name = "in_features" if owner.target.endswith("Linear") else "in_channels"
    wrong = replace(owner, arguments={**owner.arguments, name: draw(st.sampled_from([77, 131]))})
    return replace(graph, owners={**graph.owners, owner.id: wrong}), owner.id


def _widths(graph: Graph) -> list[str]:
    return [o.id for o in graph.owners.values() if o.target in (f"{NN}Linear", f"{NN}Conv2d")]


def _decorated(draft: Draft) -> Graph:
    for identity, owner in list(draft.owners.items()):
        if draft.number(0, 7) == 0:
            draft.owners[identity] = replace(owner, frozen=True)
    same_shape = (
        "ReLU",
        "Tanh",
        "GELU",
        "Sigmoid",
        "LeakyReLU",
        "Dropout",
        "BatchNorm1d",
        "LayerNorm",
    )
    for identity, node in list(draft.nodes.items()):
        kind = draft.number(0, 15)
        layer = draft.owners[node.target].target.rpartition(".")[2] if node.kind == "layer" else ""
        if kind == 0 and layer in same_shape:
            draft.nodes[identity] = replace(node, bypassed=True)
        elif kind == 1:
            draft.nodes[identity] = replace(node, note='Why: “é” 日本 <b>*/ """ # x')
        elif kind == 2:
            draft.nodes[identity] = replace(node, position=(draft.number(-50, 900) / 2, 1.25))
    return draft.graph()


def arguments(refs: list[str] | None = None) -> st.SearchStrategy[Argument]:
    """Any argument, nested: literals, tuples, slices, and what only a graph knows."""
    nodes = refs or ["x"]
    paths = st.lists(st.integers(0, 3), max_size=2).map(tuple)
    ref = st.builds(Ref, st.sampled_from(nodes), paths)
    literal = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
        st.just(...),
    )
    leaves = st.one_of(
        literal,
        ref,
        st.builds(Size, ref, st.integers(-4, 4)),
        st.just(Training()),
        st.just(GradEnabled()),
    )

    def wider(inner: st.SearchStrategy[Argument]) -> st.SearchStrategy[Argument]:
        return st.one_of(
            st.lists(inner, max_size=3).map(tuple),
            st.builds(Slice, inner, inner, inner),
            st.builds(Calc, st.sampled_from(["+", "-", "*", "//"]), inner, inner),
            st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, inner),
        )

    return st.recursive(leaves, wider, max_leaves=6)
