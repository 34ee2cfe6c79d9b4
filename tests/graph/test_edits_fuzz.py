"""Whatever is asked of whatever network: a valid network comes back, or one sentence."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder import catalogue
from builder.errors import EditRefused
from builder.graph import edits as e
from builder.graph.fragment import copy_nodes
from builder.graph.history import History, same
from builder.graph.model import Frame, GradEnabled, Graph, Ref, Setting, TensorSpec, Training
from builder.graph.project import Project, from_json, to_json
from builder.graph.shapes import infer_shapes
from builder.graph.validate import why_invalid
from tests.strategies import arguments, graphs

TARGETS = [
    *("torch.nn.Linear", "torch.nn.ReLU", "torch.nn.LSTM", "torch.nn.MultiheadAttention"),
    *("torch.nn.Bilinear", "operator.add", "torch.cat", "torch.stack", "torch.Tensor.view"),
    *("input", "output", "block:Block1", "block:Block2", "torch.where", "torch.nn.Nothing"),
]
NAMES = ["fc1", "x1", "x", "forward", "class", "0", "12", "new", "é", "a b", "", "Model", "width"]


@st.composite
def edits(draw: st.DrawFn, graph: Graph) -> e.Edit:
    """An edit that may make sense: most name what is there, some what is not."""
    scope = draw(st.sampled_from(["", *graph.blocks])) if draw(st.integers(0, 30)) else "Nowhere"
    inner = graph.blocks.get(scope, graph)
    nodes = list(inner.nodes)
    node = st.sampled_from(nodes if draw(st.integers(0, 30)) else ["nothing"])
    layers = [n.id for n in inner.nodes.values() if n.kind == "layer"]
    layer = st.sampled_from(layers) if layers else node
    repeated = [i for i in layers if inner.owners[inner.nodes[i].target].block]
    block = st.sampled_from(repeated) if repeated else layer
    wired = draw(st.sampled_from(inner.outputs or list(inner.nodes.values())))
    if draw(st.booleans()):
        wired = draw(st.sampled_from(list(inner.nodes.values())))
    name = st.sampled_from(NAMES)
    refs = st.builds(Ref, node, st.sampled_from([(), (), (0,), (1, 0)]))
    argument = st.sampled_from(
        ["input", "other", "tensors", "x", "value", "dim", "out_features", "p", "width", "if_true"]
    )
    values = st.one_of(
        refs, st.just(e.UNSET), arguments(nodes), st.sampled_from([Setting("width"), 0, 3, (1, 2)])
    )
    conditions = st.sampled_from([Training(), GradEnabled(), Setting("flag1"), Setting("no")])
    specs = st.sampled_from([TensorSpec(("N", 5)), TensorSpec((-1, 2)), TensorSpec(("M",)), None])
    some = st.lists(st.sampled_from(nodes), min_size=1, max_size=4)
    parts = st.builds(copy_nodes, st.just(inner), some, st.just(graph))
    kinds = [
        st.builds(e.AddNode, st.sampled_from(TARGETS), st.none() | node, st.none() | name),
        st.builds(e.AddBranch, conditions, refs | node, refs | node, st.none() | node),
        st.builds(e.DeleteNode, node),
        st.builds(e.MoveNode, node, node),
        st.builds(e.DuplicateNode, node),
        st.builds(e.Rename, node, name),
        st.builds(e.SetArgument, node, argument, values),
        st.builds(e.SetArgument, layer, st.just("out_features"), st.integers(0, 9)),
        st.builds(e.SetCallArgument, node, argument, values),
        st.builds(
            e.SetCallArgument, st.just(wired.id), st.sampled_from([*wired.arguments, "input"]), refs
        ),
        st.builds(e.SetInputSpec, node, specs),
        st.builds(e.SetBypassed, node, st.booleans()),
        st.builds(e.SetFrozen, layer, st.booleans()),
        st.builds(e.SetNote, node, st.text(max_size=5)),
        st.builds(e.SetPosition, node, st.none() | st.tuples(st.integers(0, 9), st.floats())),
        st.builds(e.ShareWeights, layer, layer),
        st.builds(e.UnshareWeights, layer),
        st.builds(e.SetCondition, node, conditions),
        st.builds(e.SetSetting, name, st.sampled_from([e.UNSET, 3, True, 0.5, None])),
        st.builds(e.RenameModel, name),
        st.builds(
            e.GroupIntoBlock,
            st.lists(node, min_size=1, max_size=4).map(tuple),
            st.sampled_from(
                ["Group1", "Group2", "Group3", "Block1", "two words", "X", "X1", "Output", "Fc1"]
            ),
        ),
        st.builds(e.Connect, refs | node, node, argument, st.integers(-1, 3)),
        st.builds(e.Disconnect, node, argument, st.integers(-1, 2)),
        st.builds(e.InsertOnWire, st.sampled_from(TARGETS), node, argument, st.integers(0, 1)),
        st.builds(e.Join, refs, refs, st.sampled_from(["add", "cat"])),
        st.builds(e.DeleteNodes, st.lists(node, max_size=4).map(tuple)),
        st.builds(e.SetPositions, st.dictionaries(node, st.tuples(st.floats(), st.floats()))),
        st.builds(e.SetFrame, name, st.none() | st.builds(Frame, name, st.just("blue"))),
        st.builds(e.PasteFragment, parts, st.none() | st.just((1.0, 2)), st.booleans()),
        st.builds(e.FoldRepeats, st.lists(some.map(tuple), max_size=3).map(tuple)),
        st.builds(e.Ungroup, block),
        st.builds(e.SetRepeat, block, st.integers(-1, 4), st.booleans()),
    ]
    edit = draw(draw(st.sampled_from(kinds)))
    object.__setattr__(edit, "scope", scope)
    return edit


@settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_any_edit_gives_a_valid_network_or_a_sentence(data: st.DataObject) -> None:
    first = data.draw(graphs(max_steps=6))
    history = History(first)
    before = to_json(Project("p", first))
    for _ in range(data.draw(st.integers(1, 8))):
        edit = data.draw(edits(history.graph))
        label = e.describe(edit, history.graph)
        assert label and "\n" not in label
        try:
            after = e.apply(history.graph, edit)
        except EditRefused as refusal:
            sentence = str(refusal)
            assert sentence[-1] in ".?", sentence
            assert "\n" not in sentence and len(sentence) < 700, sentence
            continue
        assert why_invalid(after) is None, (why_invalid(after), edit)
        assert why_invalid(after, history.graph) is None
        assert same(from_json(to_json(Project("p", after))).graph, after)
        infer_shapes(after)  # half-built networks are values, never errors
        history = history.push(after, label)
    assert to_json(Project("p", first)) == before, "an edit changed the graph it was given"
    while history.undo_label:
        history = history.undo()
    assert same(history.graph, first)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.data())
def test_grouping_keeps_the_meaning_and_ungrouping_gives_the_same_graph_back(
    data: st.DataObject,
) -> None:
    graph = data.draw(graphs(max_inputs=2, max_steps=9))
    inside = [n.id for n in graph.nodes.values() if n.kind not in ("input", "output")]
    if not inside:
        return
    first = data.draw(st.integers(0, len(inside) - 1))
    if data.draw(st.booleans()):  # neighbours, or any
        chosen = inside[first : first + data.draw(st.integers(1, 5))]
    else:
        chosen = data.draw(st.lists(st.sampled_from(inside), min_size=1, max_size=4, unique=True))
    try:
        grouped = e.apply(graph, e.GroupIntoBlock(tuple(chosen), "Group"))
    except EditRefused:
        return
    assert why_invalid(grouped) is None
    one, other = infer_shapes(graph), infer_shapes(grouped)
    assert not [p for p in other.problems if p.severity == "error"]
    assert one.result == other.result
    assert one.totals.parameters == other.totals.parameters
    assert one.totals.trainable == other.totals.trainable
    assert one.totals.flops == other.totals.flops
    call = next(n.id for n in grouped.nodes.values() if n.id not in graph.nodes)
    back = e.apply(grouped, e.Ungroup(call))
    assert back == graph
    order = [i for i in graph.nodes if i in chosen]
    together = list(graph.nodes)[list(graph.nodes).index(order[0]) :][: len(order)] == order
    assert not together or list(back.nodes) == list(graph.nodes)


def test_every_entry_of_the_catalogue_can_be_added() -> None:
    graph = e.apply(Graph(), e.AddNode("input", id="x"))
    graph = e.apply(graph, e.AddNode("output", id="output"))
    for key in catalogue.entries():
        added = e.apply(graph, e.AddNode(key))
        assert why_invalid(added) is None, key
        assert len(added.nodes) == 3
        assert same(from_json(to_json(Project("p", added))).graph, added), key
