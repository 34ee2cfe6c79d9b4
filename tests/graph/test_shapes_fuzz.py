"""Whatever a graph holds, `infer_shapes` answers, and so does `repairs_for`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder import catalogue
from builder.graph.diagnostics import Diagnostic
from builder.graph.model import (
    Calc,
    Compare,
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
from builder.graph.repairs import repairs_for
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes
from tests.graph.sound_networks import NETWORKS

KEYS = list(catalogue.entries())
NAMES = sorted({p.name for e in catalogue.entries().values() for p in e.parameters})

numbers = st.sampled_from(
    [0, 1, -1, 2, 3, 7, 28, 64, 255, -3, 10**6, 2**31 - 1, 2**31, 2**63, -(2**63), 10**40]
)
scalars = st.one_of(
    numbers,
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0.0, 0.5, -1.0, 1e308, float("inf"), float("nan"), "same", "Слой", "", ..., 1e-9]
    ),
)


def refs(ids: list[str]) -> st.SearchStrategy[Ref]:
    return st.builds(
        Ref,
        st.sampled_from([*ids, "gone"]),
        st.sampled_from([(), (), (), (0,), (1, 0), (5,), (-1,)]),
    )


def arguments(ids: list[str]) -> st.SearchStrategy[Any]:
    some = refs(ids)
    sizes = st.builds(Size, some, st.integers(-5, 5))
    leaf = st.one_of(scalars, some, sizes, st.builds(Setting, st.sampled_from(["hidden", "lost"])))
    calc = st.builds(Calc, st.sampled_from(["+", "-", "*", "//"]), leaf, leaf)
    other = st.one_of(
        calc,
        st.builds(Slice, leaf, leaf, leaf),
        st.just(Training()),
        st.builds(Compare, st.sampled_from(["<", "=="]), leaf, leaf),
    )
    return st.one_of(leaf, other, st.lists(st.one_of(leaf, other), max_size=4).map(tuple))


@st.composite
def mutants(draw: st.DrawFn) -> Graph:
    graph = NETWORKS[draw(st.sampled_from(list(NETWORKS)))]()
    for _ in range(draw(st.integers(1, 4))):
        graph = mutate(draw, graph)
    return graph


def mutate(draw: st.DrawFn, graph: Graph) -> Graph:
    ids = list(graph.nodes)
    node = graph.nodes[draw(st.sampled_from(ids))]
    owner = graph.owner_of(node)
    way = draw(st.integers(0, 9))
    if way <= 2 and owner is not None:
        known = (
            [p.name for p in catalogue.get(owner.target).parameters] if owner.block is None else []
        )
        name = draw(st.sampled_from([*known, *known, "dim", "weird"]))
        value = draw(arguments(ids))
        owner = replace(owner, arguments={**owner.arguments, name: value})
        return replace(graph, owners={**graph.owners, owner.id: owner})
    if way == 3 and owner is not None:
        owner = replace(
            owner,
            target=draw(st.sampled_from([*KEYS, "block:B", "torch.nn.Nonsense"])),
            repeat=draw(st.sampled_from([1, 1, 3, 0, -1, 10**9])),
            shared=draw(st.booleans()),
        )
        return replace(graph, owners={**graph.owners, owner.id: owner})
    if way == 4 and node.kind == "input":
        shape = draw(
            st.lists(st.one_of(numbers, st.sampled_from(["N", "2N", "M", ""])), max_size=6)
        )
        dtype = draw(
            st.sampled_from(["float32", "int64", "bool", "complex64", "float16", "nonsense"])
        )
        return with_node(graph, replace(node, spec=TensorSpec(tuple(shape), dtype)))
    if way == 5:
        return with_node(graph, replace(node, bypassed=True))
    if way == 6:
        order = draw(st.permutations(ids))
        return replace(graph, nodes={i: graph.nodes[i] for i in order})
    if way == 7:
        return replace(graph, nodes={i: n for i, n in graph.nodes.items() if i != node.id})
    if way == 8:
        kind = draw(st.sampled_from(["branch", "operation", "layer", "input", "output"]))
        call = {n: draw(arguments(ids)) for n in ("input", "condition", "if_true", "if_false")}
        new = Node("новый", kind, "новый", draw(st.sampled_from(KEYS)), call)
        return with_node(graph, new)
    name = draw(st.sampled_from([*node.arguments, "input", "dim", "weird"]))
    changed = replace(node, arguments={**node.arguments, name: draw(arguments(ids))})
    return with_node(graph, changed)


def with_node(graph: Graph, node: Node) -> Graph:
    block = Graph("B", {"i": Node("i", "input", "input")}, {}, {"hidden": 4})
    nodes = {**graph.nodes, node.id: node}
    return replace(graph, nodes=nodes, settings={"hidden": 8}, blocks={"B": block})


def assert_answers(graph: Graph) -> None:
    report = infer_shapes(graph)
    assert isinstance(report, ShapeReport)
    assert set(report.nodes) == set(graph.nodes)
    assert all(isinstance(p, Diagnostic) and p.message.strip() for p in report.problems)
    for problem in report.problems[:2]:
        repairs_for(graph, problem)


@settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(mutants())
def test_no_mutation_of_a_network_makes_it_raise(graph: Graph) -> None:
    assert_answers(graph)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_no_layer_with_odd_arguments_makes_it_raise(data: st.DataObject) -> None:
    entry = catalogue.get(
        data.draw(st.sampled_from([k for k in KEYS if k.startswith("torch.nn.")]))
    )
    names = [p.name for p in entry.parameters]
    chosen = {n: data.draw(scalars) for n in names if data.draw(st.booleans())}
    shape = data.draw(st.lists(st.sampled_from(["N", 1, 2, 3, 8, 0, 2**31, 2**62]), max_size=5))
    dtype = data.draw(st.sampled_from(["float32", "float32", "int64", "bool"]))
    kind = "layer" if entry.kind == "layer" else "operation"
    call = {p.name: Ref("x") for p in entry.ports}
    target = "it" if kind == "layer" else entry.key
    nodes = {
        "x": Node("x", "input", "x", spec=TensorSpec(tuple(shape), dtype)),
        "it": Node("it", kind, "it", target, {**call, **(chosen if kind == "operation" else {})}),
        "out": Node("out", "output", "out", arguments={"value": Ref("it")}),
    }
    owners = {"it": Owner("it", "it", entry.key, chosen)} if kind == "layer" else {}
    assert_answers(Graph("M", nodes, owners))
