"""Whatever a graph made by hand holds: code that does nothing but what it says, or one sentence."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.code import styles, write_code
from builder.errors import LayerwiseError
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)
from tests.code.networks import Net, chain
from tests.strategies import arguments, graphs

HOSTILE = "1); __import__('os').system('true'); (1"
CALLED = {"super", "range", "print", "float", "slice", "OrderedDict"}
CALLED |= {"pack_padded_sequence", "pad_packed_sequence"}
CALLED |= {"enumerate", "id", "isinstance", "len", "list", "zip"}  # by the helpers of `manual`


def assert_harmless(source: str) -> None:
    """Imports are torch's, every call is torch's, its own, a layer's or a known builtin's."""
    tree = ast.parse(source)
    own = {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert ast.unparse(node).split()[1] in (
                "collections",
                "torch",
                "torch.nn.functional",
                "torch.nn.utils.rnn",
                "typing",
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id in CALLED | own | {"model", "block"}
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            assert not name.startswith("__") or name in ("__init__", "__name__")
        if isinstance(node, ast.With):
            assert [ast.unparse(item) for item in node.items] == ["torch.no_grad()"]
        assert not isinstance(node, ast.Lambda | ast.Global | ast.Raise | ast.While)


@st.composite
def tampered(draw: st.DrawFn) -> Graph:
    """A network with one thing put where it does not belong."""
    graph = draw(graphs())
    node = draw(st.sampled_from(list(graph.nodes.values())))
    strange = draw(st.one_of(arguments(list(graph.nodes)), st.just(HOSTILE)))
    kind = draw(st.integers(0, 6))
    if kind == 0 and node.arguments:
        name = draw(st.sampled_from(list(node.arguments)))
        node = replace(node, arguments={**node.arguments, name: strange})
    elif kind == 1:
        name = draw(st.sampled_from([HOSTILE, "dim", "input", "other", "index", "training", "x"]))
        node = replace(node, arguments={**node.arguments, name: strange})
    elif kind == 2:
        node = replace(node, target=draw(st.sampled_from([HOSTILE, "torch.hub.load", "os.system"])))
    elif kind == 3:
        node = replace(node, kind=draw(st.sampled_from(["layer", "operation", "branch", "output"])))
    elif kind == 4 and graph.owners:
        owner = draw(st.sampled_from(list(graph.owners.values())))
        name = draw(st.sampled_from([HOSTILE, *owner.arguments, "bias", "padding", "device"]))
        owner = replace(owner, arguments={**owner.arguments, name: strange})
        return replace(graph, owners={**graph.owners, owner.id: owner})
    elif kind == 5:
        value: Any = strange if not isinstance(strange, Ref | tuple) else HOSTILE
        return replace(graph, settings={**graph.settings, "flag1": value, HOSTILE: value})
    elif node.spec is not None:
        node = replace(node, spec=TensorSpec((HOSTILE, 3), HOSTILE))
    return replace(graph, nodes={**graph.nodes, node.id: node})


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(tampered())
def test_a_tampered_network_is_written_or_refused(graph: Graph) -> None:
    for style in styles():
        try:
            source = write_code(graph, style)
        except LayerwiseError as refusal:
            assert str(refusal)
            continue
        assert_harmless(source)


STRANGE: list[Any] = [
    object(),
    b"bytes",
    lambda: 0,
    10**30,
    Size(Ref("x"), HOSTILE),  # type: ignore[arg-type]
    Calc("__import__", 1, 2),  # type: ignore[arg-type]
    Compare("or", 1, 2),  # type: ignore[arg-type]
    Training(),
    GradEnabled(),
    Setting(HOSTILE),
    Slice(HOSTILE, 1, 2),
    (HOSTILE, (HOSTILE,)),
    type("Int", (int,), {"__repr__": lambda self: HOSTILE})(3),
    type("Str", (str,), {"__repr__": lambda self: HOSTILE})("x"),
    type("Float", (float,), {"__repr__": lambda self: HOSTILE})(0.5),
    type("Evil", (tuple,), {})((1, 2)),
]


@pytest.mark.parametrize("value", STRANGE, ids=[str(i) for i in range(len(STRANGE))])
def test_a_strange_argument_is_written_as_what_it_is_or_refused(value: Argument) -> None:
    layer = chain(("fc", "Linear", {"out_features": 4, "bias": value}))
    net = Net()
    x = net.input("x", "N", 16)
    net.nodes["op"] = Node(
        "op", "operation", "op", "torch.flatten", {"input": x, "start_dim": value}
    )
    net.nodes["op2"] = Node(
        "op2", "operation", "op2", "operator.getitem", {"input": x, "index": value}
    )
    net.nodes["op3"] = Node("op3", "operation", "op3", "operator.add", {"input": x, "other": value})
    net.output(x)
    for graph in (layer, net.graph()):
        for style in styles():
            try:
                assert_harmless(write_code(graph, style))
            except LayerwiseError:
                continue


def test_a_layer_that_is_none_is_refused() -> None:
    graph = chain(("fc", "Linear", {"out_features": 4}))
    owner = Owner("fc", "fc", "torch.hub.load", {"repo": "x"})
    with pytest.raises(LayerwiseError, match="no layer or operation"):
        write_code(replace(graph, owners={"fc": owner}))


def test_a_block_inside_itself_is_refused() -> None:
    net = Net("Inner")
    net.owners["again"] = Owner("again", "again", "block:Inner")
    x = net.input("x", "N", 4)
    net.nodes["again"] = Node("again", "layer", "", "again", {"x": x})
    net.output(Ref("again"))
    outer = Net("Outer")
    outer.output(outer.block("inner", net.graph(), outer.input("x", "N", 4)))
    with pytest.raises(LayerwiseError, match="itself"):
        write_code(outer.graph())
