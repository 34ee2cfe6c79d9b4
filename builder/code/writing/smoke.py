"""The few lines at the end that run the network once, on random input of the right kind."""

from __future__ import annotations

from collections.abc import Mapping

from builder.code.writing.layout import Expression, Infix, assignment, call, flat, lay, tuple_of
from builder.code.writing.literals import keyword
from builder.code.writing.naming import LONGEST_VARIABLE, Namespace, says_nothing
from builder.graph.model import (
    Argument,
    Dim,
    Graph,
    Literals,
    Node,
    Ref,
    TensorSpec,
    Value,
    iter_refs,
)
from builder.graph.modes import given_in, has_modes
from builder.graph.report import ShapeReport
from builder.graph.sequence_lengths import steps_of
from builder.graph.symbols import CannotEvaluate, dim_per_sample, evaluate
from builder.graph.wiring import no_references

BATCH = 4
_BAG = "torch.nn.EmbeddingBag"
_PASSES_ON = frozenset(
    {
        "torch.Tensor.view", "torch.reshape", "torch.flatten", "torch.transpose", "torch.permute",
        "torch.squeeze", "torch.unsqueeze", "operator.getitem", "torch.Tensor.long",
        "torch.Tensor.to", "torch.Tensor.contiguous", "torch.nn.Flatten", "torch.nn.Unflatten",
        "torch.nn.Identity",
    }
)  # fmt: skip


def smoke_test(
    graph: Graph,
    report: ShapeReport,
    make: str,
    reserved: frozenset[str],
    function: str = "model",
) -> list[str]:
    """`if __name__ == "__main__":` and what stands under it; nothing where an input is unknown.

    `make`: how the model is made, "" where it is there. `function`: what is called.
    """
    if not can_run(graph, report):
        return []
    specs = [report.nodes[n.id].result for n in graph.inputs]
    space, names = input_names(graph, reserved)
    lines = ["", "", 'if __name__ == "__main__":']
    if make:
        lines += assignment("model", make, 4)
    for name, node, spec in zip(names, graph.inputs, specs, strict=True):
        assert isinstance(spec, TensorSpec)
        lines += assignment(name, _drawn(graph, report, node, spec), 4)
    in_mode = [keyword("training", "True")] if has_modes(graph) and function != "model" else []
    result = call(function, *names, *in_mode)
    ends = given_in(graph, training=True)  # a network that is made trains, until eval() is called
    outputs = [report.nodes[n.id].result if n.id in report.nodes else None for n in ends]
    if len(outputs) == 1 and isinstance(outputs[0], TensorSpec) and in_mode:
        kept = space.claim("outputs")
        lines += [*assignment(kept, result, 4), *said_tensor(graph, kept)]
        return [*lines, *lay(call("print", f"{kept}.shape"), 4)]
    if len(outputs) == 1 and isinstance(outputs[0], TensorSpec):
        return [*lines, *lay(call("print", f"{flat(result)}.shape"), 4)]
    kept = space.claim("outputs")
    values = outputs[0] if len(outputs) == 1 else tuple(outputs)
    shapes = _shapes(kept, values)  # type: ignore[arg-type]
    if not shapes:  # nobody knows what comes out: shown as it is
        return [*lines, *lay(call("print", result), 4)]
    lines += assignment(kept, result, 4)
    return [*lines, *lay(call("print", *shapes), 4)]


def said_tensor(graph: Graph, name: str) -> list[str]:
    """That a function which gives a tuple in evaluation gave a tensor while training."""
    alone = has_modes(graph) and len(given_in(graph, training=True)) == 1
    return [f"    assert isinstance({name}, Tensor)"] if alone else []


def drawn_inputs(graph: Graph, report: ShapeReport) -> list[str]:
    """What is drawn for each input, as one line of Python; nothing where an input is unknown."""
    if not can_run(graph, report):
        return []
    specs = [(node, report.nodes[node.id].result) for node in graph.inputs]
    return [
        flat(_drawn(graph, report, node, spec))
        for node, spec in specs
        if isinstance(spec, TensorSpec)
    ]


def can_run(graph: Graph, report: ShapeReport) -> bool:
    """Whether every input can be drawn."""
    specs = [report.nodes[n.id].result if n.id in report.nodes else None for n in graph.inputs]
    return bool(specs) and all(_can_be_drawn(spec) for spec in specs)


def input_names(graph: Graph, reserved: frozenset[str]) -> tuple[Namespace, list[str]]:
    """What the inputs are called under `__main__`, and the names in use there."""
    space = Namespace({*reserved, "model"}, LONGEST_VARIABLE)
    labels = [node.name or node.id for node in graph.inputs]
    if len(labels) == 1 and says_nothing(labels[0]):
        labels = ["x"]
    return space, [space.claim(label, "x") for label in labels]


def _drawn(graph: Graph, report: ShapeReport, node: Node, spec: TensorSpec) -> Expression:
    starts = _starts(graph, report, node, spec) or _lengths(graph, report, node, spec)
    if starts is not None:
        return starts
    return random_tensor(spec, _below(graph, node), _draws_chances(graph, node))


def _shapes(name: str, value: Value | None) -> list[Expression]:
    if isinstance(value, tuple):
        return [shape for i, part in enumerate(value) for shape in _shapes(f"{name}[{i}]", part)]
    return [f"{name}.shape"] if value is not None else []


def _can_be_drawn(spec: Value | None) -> bool:
    return isinstance(spec, TensorSpec)


def _draws_chances(graph: Graph, node: Node) -> bool:
    """Whether an input is read as probabilities."""
    return any(reader.target == "torch.bernoulli" for reader in graph.readers_of(node.id))


def _starts(graph: Graph, report: ShapeReport, node: Node, spec: TensorSpec) -> Expression | None:
    """Where the bags of an nn.EmbeddingBag begin, if that is what an input says: from 0, growing.

    With include_last_offset the last one is where the words end.
    """
    for reader in graph.readers_of(node.id):
        owner, known = graph.owner_of(reader), report.nodes.get(reader.id)
        words = known.inputs.get("input") if known is not None else None
        if owner is None or owner.target != _BAG or len(spec.shape) != 1:
            continue
        if reader.arguments.get("offsets") != Ref(node.id) or not isinstance(words, TensorSpec):
            continue
        bags, count = batch_size(spec.shape[0]), batch_size(words.shape[0])
        kind = [] if spec.dtype == "int64" else [keyword("dtype", f"torch.{spec.dtype}")]
        if owner.arguments.get("include_last_offset") is True:
            return call(
                "torch.linspace",
                "0",
                str(count),
                str(bags),
                keyword("dtype", f"torch.{spec.dtype}"),
            )
        places = call("torch.arange", str(bags), *kind)
        step = count // bags if bags else 1
        return places if step == 1 else Infix((places, str(step)), ("*",))
    return None


def _lengths(graph: Graph, report: ShapeReport, node: Node, spec: TensorSpec) -> Expression | None:
    """How long each sequence is, if that is what an input says: as long as the input allows."""
    steps = steps_of(graph, report, node.id)
    if steps is None:
        return None
    shape = tuple_of(tuple(str(batch_size(dim)) for dim in spec.shape))
    kind = [] if spec.dtype == "int64" else [keyword("dtype", f"torch.{spec.dtype}")]
    return call("torch.full", shape, str(steps), *kind)


def random_tensor(spec: TensorSpec, below: int, chances: bool = False) -> Expression:
    """`torch.randn(4, 3, 32, 32)`, whole numbers from 0 to below - 1, or True and False."""
    sizes = tuple(str(batch_size(dim)) for dim in spec.shape)
    shape = tuple_of(sizes)
    if spec.dtype == "bool":
        return call("torch.randint", "2", shape, keyword("dtype", "torch.bool"))
    if "int" in spec.dtype:
        kind = [] if spec.dtype == "int64" else [keyword("dtype", f"torch.{spec.dtype}")]
        return call("torch.randint", str(below), shape, *kind)
    kind = [] if spec.dtype == "float32" else [keyword("dtype", f"torch.{spec.dtype}")]
    return call("torch.rand" if chances else "torch.randn", *(sizes or (shape,)), *kind)


def batch_size(dim: Dim, batch: int = BATCH) -> int:
    """A size with N written as a number: "2N" is 8 for a batch of 4."""
    return dim if isinstance(dim, int) else dim_per_sample(dim) * batch


def _below(graph: Graph, node: Node) -> int:
    """How large whole numbers may be: what every embedding that reads them holds, 2 if unknown."""
    limits = _limits(graph, graph.blocks, {node.id}, graph.settings)
    return min(limits) if limits else 2


def _limits(
    graph: Graph,
    blocks: Mapping[str, Graph],
    sources: set[str],
    settings: Mapping[str, Literals],
    depth: int = 0,
) -> list[int]:
    found: list[int] = []
    reached = set(sources)
    for node in graph.nodes.values():
        read = {r.node for a in node.arguments.values() for r in iter_refs(a)}
        if not read & reached:
            continue
        owner = graph.owner_of(node)
        target = owner.target if owner is not None else node.target
        if node.bypassed or target in _PASSES_ON or node.kind == "branch":
            reached.add(node.id)
        elif owner is not None and (inner := blocks.get(owner.block or "")) and depth < 8:
            ports = {
                p.id
                for p in inner.inputs
                if _reads(node.arguments.get(p.name or p.id, node.arguments.get(p.id)), reached)
            }
            given = {name: _known(owner.arguments.get(name), settings) for name in inner.settings}
            theirs = {n: v if given[n] is None else given[n] for n, v in inner.settings.items()}
            found += _limits(inner, blocks, ports, theirs, depth + 1)
        elif owner is not None:
            found += _counted(owner.arguments.get("num_embeddings"), settings)
        elif target == "torch.nn.functional.one_hot":
            found += _counted(node.arguments.get("num_classes"), settings)
    return found


def _counted(size: Argument, settings: Mapping[str, Literals]) -> list[int]:
    number = _known(size, settings)
    return [number] if isinstance(number, int) and number > 0 else []


def _known(value: Argument, settings: Mapping[str, Literals]) -> Literals:
    """A value with the settings put in; None where it is not known before the data."""
    try:
        return evaluate(value, no_references, settings)  # type: ignore[return-value]
    except CannotEvaluate:
        return None


def _reads(argument: Argument, reached: set[str]) -> bool:
    return isinstance(argument, Ref) and argument.node in reached
