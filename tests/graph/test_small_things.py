"""What is said and offered in rarer places: shared calls, N×N, attention on rows, repetitions."""

from __future__ import annotations

from builder.graph.check import check
from builder.graph.edits import AddNode, GroupIntoBlock, SetBypassed, ShareWeights, apply
from builder.graph.model import Graph, Ref
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes
from builder.graph.words import marks_of
from builder.inspection.drawing.scene import scene_of
from tests.graph.networks import mlp, operation, output, start


def marks(graph: Graph, node: str) -> list[str]:
    report = infer_shapes(graph).nodes.get(node, NodeReport())
    return marks_of(graph, graph.nodes[node], report)


def test_the_second_call_of_a_bypassed_layer_has_no_wrong_mark() -> None:
    graph = apply(mlp(), ShareWeights("fc2", "fc1"))
    assert marks(graph, "fc2") == ["weights of fc1"]
    assert marks(apply(graph, SetBypassed("fc1", True)), "fc2") == []
    assert marks(apply(graph, SetBypassed("fc2", True)), "fc2") == ["bypassed"]


def test_a_softmax_over_samples_compared_with_each_other_is_no_mistake() -> None:
    graph = operation(start("N", 16), "t", "torch.transpose", input=Ref("x"), dim0=0, dim1=1)
    graph = operation(graph, "mm", "operator.matmul", input=Ref("x"), other=Ref("t"))
    for dim in (1, -1):
        with_it = operation(graph, "s", "torch.nn.functional.softmax", input=Ref("mm"), dim=dim)
        assert not [p for p in infer_shapes(with_it).problems if p.kind == "over_batch"]


def test_attention_on_rows_is_offered_a_length() -> None:
    graph = output(start("N", 512), "x")
    graph = apply(graph, AddNode("torch.nn.MultiheadAttention", id="a", after="x"))
    found = check(graph)
    repairs = [r for p in found.report.problems if p.node == "a" for r in found.repairs[p]]
    fitting = [r for r in repairs if "nsqueeze" in r.label]
    assert fitting, [r.label for r in repairs]
    mended = infer_shapes(apply(graph, fitting[0].edit))
    assert mended.nodes["a"].result is not None


def test_blocks_inside_blocks_are_unfolded_too() -> None:
    graph = apply(mlp(), GroupIntoBlock(("fc1",), "Inner", "inner"))
    graph = apply(graph, GroupIntoBlock(("inner", "relu"), "Outer", "outer"))
    scene = scene_of(graph, infer_shapes(graph), unfold=True)
    outer = scene.cards["outer"].inside
    assert outer is not None and outer.cards["inner"].inside is not None
