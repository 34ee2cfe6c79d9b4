"""What is no network at all is told apart from one that is only half built."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from builder import gallery
from builder.errors import EditRefused, ProjectRefused
from builder.graph.edits import (
    AddNode,
    DuplicateNode,
    GroupIntoBlock,
    SetRepeat,
    ShareWeights,
    apply,
)
from builder.graph.limits import unfolded
from builder.graph.model import Compare, Graph, Node, Owner, Ref, TensorSpec, Training
from builder.graph.validate import validate, why_invalid
from tests.graph.networks import layer, mlp, operation, output, start
from tests.strategies import chains, graphs


def with_node(graph: Graph, node: str, **changes: object) -> Graph:
    changed = replace(graph.nodes[node], **changes)  # type: ignore[arg-type]
    return replace(graph, nodes={**graph.nodes, node: changed})


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
def test_random_networks_are_networks(graph: Graph) -> None:
    assert why_invalid(graph) is None


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(chains())
def test_random_chains_are_networks(graph: Graph) -> None:
    assert why_invalid(graph) is None


@pytest.mark.parametrize(
    "graph",
    [
        Graph(),
        start(),
        layer(Graph(), "fc1", "Linear", "fc1"),
    ],
    ids=["nothing", "only an input", "unwired"],
)
def test_half_built_networks_are_networks(graph: Graph) -> None:
    unwired = {i: replace(n, arguments={}) for i, n in graph.nodes.items()}
    validate(replace(graph, nodes=unwired))


def test_a_reference_to_nothing_names_the_nearest() -> None:
    graph = with_node(mlp(), "fc2", arguments={"input": Ref("rellu")})
    assert why_invalid(graph) == (
        "The layer “fc2” reads “rellu”, which does not exist. Did you mean “relu”?"
    )
    with pytest.raises(ProjectRefused, match="rellu"):
        validate(graph)


def test_a_circle_is_named_with_its_path() -> None:
    graph = with_node(mlp(), "fc1", arguments={"input": Ref("fc2")})
    assert why_invalid(graph) == (
        "“fc1” reads “fc2”, and so the values go in a cycle (“fc1 → relu → fc2”). "
        "Cut one of these wires."
    )


def test_a_wrong_order_is_no_circle() -> None:
    graph = mlp()
    order = ["x", "relu", "fc1", "fc2", "output"]
    assert why_invalid(replace(graph, nodes={i: graph.nodes[i] for i in order})) == (
        "“relu” reads “fc1”, which comes later. Put “fc1” before “relu” in the list of nodes."
    )


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (replace(mlp(), nodes={"y": mlp().nodes["x"]}), "make them the same"),
        (replace(mlp(), name="forward"), "“forward_” would do"),
        (replace(mlp(), blocks={"A": start(name="B")}), "calls itself “B”"),
        (replace(mlp(), blocks={"Model": start()}), "The name “Model” is taken; “Model2” is free"),
        (
            replace(mlp(), blocks={"A": replace(start(name="A"), blocks={"B": start()})}),
            "they all stand at the network",
        ),
        (with_node(mlp(), "x", bypassed=True), "The input “x” cannot be bypassed"),
        (with_node(mlp(), "x", target="fc1"), "calls nothing"),
        (with_node(mlp(), "x", spec=TensorSpec(("N", 0))), "A size is a whole number from 1"),
        (with_node(mlp(), "x", name="fc1"), "“fc3” is free"),
        (with_node(mlp(), "output", name=""), None),
        (
            with_node(mlp(), "output", arguments={"value": Training()}),
            "reads a value for “value”",
        ),
        (
            operation(mlp(), "sum", "torch.sum", input=Ref("x"), dim=Compare(">", 1, 2)),
            "only the condition of a branch does",
        ),
        (
            operation(mlp(), "sum", "torch.add", input=Ref("x"), other=1),
            "“torch.add” is kept here as “operator.add”",
        ),
        (output(output(mlp(), "fc2", "o1"), "o1", "o2"), "cannot read the output “o1”"),
        (
            replace(mlp(), settings={"fc1": 3}),
            "The layer “fc1” needs another name. The name “fc1” is taken; “fc3” is free.",
        ),
        (
            replace(mlp(), settings={"a": float("nan")}, owners={}),
            "calls “fc1”, which does not exist",
        ),
        (
            replace(mlp(), owners={**mlp().owners, "b": Owner("b", "b", "block:A", repeat=0)}),
            "There is no block “A”",
        ),
        (
            replace(
                mlp(),
                owners={**mlp().owners, "b": Owner("b", "b", "block:A", repeat=0)},
                blocks={"A": start(name="A")},
            ),
            "repeats “0” times: from 1 to 1000 it can",
        ),
    ],
)
def test_what_is_wrong_is_named(graph: Graph, words: str | None) -> None:
    found = why_invalid(graph)
    assert (found is None) if words is None else (found is not None and words in found), found


def test_what_is_wrong_in_a_block_says_in_which() -> None:
    block = with_node(replace(mlp(), name="Hidden"), "fc2", arguments={"input": Ref("gone")})
    assert str(why_invalid(replace(start(), blocks={"Hidden": block}))).startswith(
        "In the block “Hidden”: The layer “fc2” reads “gone”"
    )


def test_long_circles_and_deep_blocks_need_no_deep_stack() -> None:
    graph = start()
    nodes = dict(graph.nodes)
    for i in range(5000):
        reads = f"n{i - 1}" if i else "n4999"
        nodes[f"n{i}"] = Node(f"n{i}", "operation", f"n{i}", "torch.abs", {"input": Ref(reads)})
    assert "the values go in a cycle" in str(why_invalid(replace(graph, nodes=nodes)))
    blocks = {
        f"B{i}": replace(
            start(name=f"B{i}"), owners={"b": Owner("b", "b", f"block:B{(i + 1) % 900}")}
        )
        for i in range(900)
    }
    assert "Blocks cannot contain themselves" in str(why_invalid(replace(start(), blocks=blocks)))


@pytest.mark.parametrize("key", gallery.designs())
def test_every_design_of_the_gallery_is_a_network(key: str) -> None:
    assert why_invalid(gallery.project(key).graph) is None


def nested(calls: int, depth: int, repeat: int = 1) -> Graph:
    """A ReLU in B0, and each further block calls the one before `calls` times, each repeated."""
    blocks, network = {}, start(name="Net")
    for i in range(depth):
        block = start(name=f"B{i}")
        for call in range(calls):
            target, key = (f"block:B{i - 1}", "x") if i else ("torch.nn.ReLU", "input")
            reads = f"l{call - 1}" if call else "x"
            owner = Owner(f"l{call}", f"l{call}", target, repeat=repeat if i else 1)
            node = Node(f"l{call}", "layer", "", owner.id, {key: Ref(reads)})
            nodes, owners = {**block.nodes, node.id: node}, {**block.owners, owner.id: owner}
            block = replace(block, nodes=nodes, owners=owners)
        blocks[f"B{i}"] = output(block, f"l{calls - 1}")
    owner = Owner("b", "b", f"block:B{depth - 1}", repeat=repeat)
    node = Node("b", "layer", "", "b", {"x": Ref("x")})
    network = replace(network, nodes={**network.nodes, "b": node}, owners={"b": owner})
    return replace(output(network, "b"), blocks=blocks)


@pytest.mark.parametrize(
    ("calls", "depth", "repeat", "words"),
    [
        (1, 1, 1000, None),
        (1, 32, 1, None),
        (1, 3, 1000, "would have 2,001,001,000 layers, of at most 20,000"),
        (2, 20, 1, "would have 2,097,151 layers"),
        (2, 33, 1, "33 deep inside each other, of at most 32"),
        (2, 200, 1, "200 deep inside each other"),
        (3, 32, 1000, "more than 1,000,000,000,000 layers"),
    ],
)
def test_blocks_that_would_run_forever_are_refused(
    calls: int, depth: int, repeat: int, words: str | None
) -> None:
    graph = nested(calls, depth, repeat)
    found = why_invalid(graph)
    assert (found is None) if words is None else (found is not None and words in found), found


def test_an_edit_cannot_make_blocks_that_would_run_forever() -> None:
    graph = nested(2, 10)
    assert unfolded(graph) == (2047, 10)
    full = apply(apply(graph, AddNode("block:B9", id="c")), SetRepeat("b", 8))
    assert unfolded(full) == (9 * 2047, 10)
    for edit in (
        SetRepeat("b", 9),
        DuplicateNode("b"),
        AddNode("block:B9"),
        ShareWeights("c", "b"),
    ):
        with pytest.raises(EditRefused, match=r"would have [\d,]+ layers, of at most 20,000\."):
            apply(full, edit)


def test_an_edit_cannot_put_blocks_too_deep() -> None:
    with pytest.raises(EditRefused, match="33 deep"):
        apply(nested(1, 32), GroupIntoBlock(("b",), "Outer"))
    higher = apply(nested(1, 31), GroupIntoBlock(("b",), "Outer"))
    assert unfolded(higher)[1] == 32


def test_what_is_too_large_already_can_be_made_smaller() -> None:
    graph = nested(1, 2, 1000)
    smaller = apply(graph, SetRepeat("b", 500))
    assert 20_000 < unfolded(smaller)[0] < unfolded(graph)[0]
