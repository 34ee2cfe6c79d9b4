"""Any edit of networks with tensors, ties and own code: a valid network, or one sentence."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.code import build_module
from builder.errors import EditRefused
from builder.graph import edits as e
from builder.graph.history import same
from builder.graph.model import Graph
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.code.weight_networks import NETWORKS, opaque
from tests.graph.test_edits_fuzz import edits

EVERY = [*(make() for make in NETWORKS.values()), opaque("N×3")]


@st.composite
def tensor_edits(draw: st.DrawFn, graph: Graph) -> e.Edit:
    """An edit that is about tensors, or any."""
    scope = draw(st.sampled_from(["", *graph.blocks]))
    inner = graph.blocks.get(scope, graph)
    node, owner = st.sampled_from(list(inner.nodes)), st.sampled_from([*inner.owners, "no"])
    path = st.sampled_from(["", "weight", "bias", "fc.weight", "gain", "0.gain", "w"])
    size = st.sampled_from([(4,), (), (2, 3), 5, "x", e.UNSET])
    kinds = [
        st.builds(e.AddNode, st.sampled_from(["parameter", "buffer", "weight"]), st.none() | node),
        st.builds(e.SetWeight, node, owner, path),
        st.builds(e.SetTie, node, path, st.none() | owner, path),
        st.builds(e.SetArgument, node, st.sampled_from(["size", "init", "made_by", "gives"]), size),
        edits(graph),
        edits(graph),
    ]
    edit = draw(draw(st.sampled_from(kinds)))
    if not edit.scope:
        object.__setattr__(edit, "scope", scope)
    return edit


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_any_edit_gives_a_valid_network_or_a_sentence(data: st.DataObject) -> None:
    graph = data.draw(st.sampled_from(EVERY))
    for _ in range(data.draw(st.integers(1, 8))):
        edit = data.draw(tensor_edits(graph))
        assert e.describe(edit, graph)
        try:
            after = e.apply(graph, edit)
        except EditRefused as refusal:
            sentence = str(refusal)
            assert sentence[-1] in ".?" and len(sentence) < 700, sentence
            continue
        assert why_invalid(after) is None, (why_invalid(after), edit)
        assert same(from_json(to_json(Project("p", after))).graph, after)
        infer_shapes(after)
        graph = after


@settings(
    max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_grouping_keeps_every_tensor_and_ungrouping_gives_the_same_graph_back(
    data: st.DataObject,
) -> None:
    graph = data.draw(st.sampled_from(EVERY[:-1]))
    inside = [n.id for n in graph.nodes.values() if n.kind not in ("input", "output")]
    chosen = data.draw(st.lists(st.sampled_from(inside), min_size=1, max_size=5, unique=True))
    try:
        grouped = e.apply(graph, e.GroupIntoBlock(tuple(chosen), "Group", "call"))
    except EditRefused:
        return
    assert why_invalid(grouped) is None
    report = infer_shapes(grouped)
    assert not report.errors, report.errors
    assert report.totals.parameters == infer_shapes(graph).totals.parameters
    module = build_module(grouped)
    assert sum(p.numel() for p in module.parameters()) == report.totals.parameters
    assert same(e.apply(grouped, e.Ungroup("call")), graph)
