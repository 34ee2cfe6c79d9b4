"""Tensors without a layer, ties and own code: what a graph holds of them, and what edits keep."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.errors import EditRefused, ProjectRefused
from builder.graph import edits as e
from builder.graph.check import check
from builder.graph.effects import effect_of
from builder.graph.fragment import copy_nodes, fragment_from_text, fragment_to_text
from builder.graph.history import same
from builder.graph.model import Graph, Node, Owner, Ref
from builder.graph.opaque import shape_from_text
from builder.graph.project import Project, from_json, to_json
from builder.graph.repeats import find_repeats
from builder.graph.shapes import infer_shapes
from builder.graph.validate import validate, why_invalid
from builder.graph.words import key_parameters, marks_of, type_name
from tests.code.networks import Net
from tests.code.weight_networks import (
    NETWORKS,
    first_way,
    gpt,
    kept,
    opaque,
    scaled_block,
    transposed,
    vit,
)

EVERY = {**NETWORKS, "opaque": lambda: opaque("N×3")}


@pytest.mark.parametrize("name", EVERY)
def test_a_project_file_gives_the_same_network_back(name: str) -> None:
    graph = EVERY[name]()
    validate(graph)
    text = to_json(Project("p", graph))
    assert '"layerwise": 2' in text
    assert same(from_json(text).graph, graph)


def test_what_the_first_format_holds_is_still_written_so() -> None:
    net = Net()
    net.output(net.layer("fc", "Linear", net.input("x", "N", 4), out_features=2))
    text = to_json(Project("p", net.graph()))
    assert '"layerwise": 1' in text
    assert same(from_json(text.replace('"layerwise": 1', '"layerwise": 2')).graph, net.graph())


def test_a_tie_is_a_line_of_a_file() -> None:
    text = to_json(Project("p", gpt()))
    assert '"ties": {\n          "weight": ["emb", "weight"]\n        }' in text


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"id": "w", "kind": "weight", "target": "no"}, "which does not exist"),
        ({"id": "w", "kind": "weight", "target": "fc"}, "say which tensor"),
        (
            {"id": "w", "kind": "weight", "target": "raw", "arguments": {"name": "x"}},
            "a tensor itself",
        ),
        ({"id": "w", "kind": "weight", "target": "raw", "bypassed": True}, "cannot be bypassed"),
        ({"id": "w", "kind": "layer", "target": "raw"}, "read it by a weight node"),
        ({"id": "w", "kind": "weight", "target": "fc", "arguments": {"name": "a b"}}, "no path"),
    ],
)
def test_a_file_whose_weight_is_none_says_why(part: dict[str, object], sentence: str) -> None:
    import json

    net = Net()
    net.output(net.layer("fc", "Linear", net.input("x", "N", 4), out_features=2))
    net.owners["raw"] = Owner("raw", "raw", "parameter", {"size": (2,)})
    value = json.loads(to_json(Project("p", net.graph())))
    value["model"]["nodes"].append(part)
    with pytest.raises(ProjectRefused, match=sentence):
        from_json(json.dumps(value))


def test_ties_that_cannot_be_are_no_network() -> None:
    graph = gpt()

    def tied(owner: str, path: str, tie: tuple[str, str]) -> str | None:
        changed = replace(graph.owners[owner], ties={path: tie})
        return why_invalid(replace(graph, owners={**graph.owners, owner: changed}))

    assert "beside it" in (tied("head", "weight", ("no", "weight")) or "")
    assert "to itself" in (tied("head", "weight", ("head", "weight")) or "")
    assert "is tied itself" in (tied("emb", "weight", ("head", "weight")) or "")


def test_cards_say_what_a_tensor_is() -> None:
    graph = vit()
    report = infer_shapes(graph)
    node = graph.nodes["pos_embed_tensor"]
    assert graph.label(node.id) == "pos_embed"
    assert (type_name(graph, node), key_parameters(graph, node, report.nodes[node.id])) == (
        "Parameter",
        "1×17×32",
    )
    other = transposed()
    read = other.nodes["encoder_weight"]
    assert other.label(read.id) == "encoder.weight"
    assert type_name(other, read) == "Weight"
    tied = gpt()
    assert marks_of(tied, tied.nodes["head"], infer_shapes(tied).nodes["head"]) == [
        "weight is emb.weight"
    ]


def test_a_tensor_is_added_as_wide_as_what_stands_before_it() -> None:
    net = Net()
    net.output(net.layer("fc", "Linear", net.input("x", "N", 4), out_features=6))
    graph = e.apply(net.graph(), e.AddNode("parameter", "fc", "scale", {"init": "ones"}))
    owner = graph.owners["scale"]
    assert owner == Owner("scale", "scale", "parameter", {"size": (6,), "init": "ones"})
    assert graph.nodes["scale"] == Node("scale", "weight", target="scale")
    assert list(graph.owners) == ["fc", "scale"]
    assert [p.kind for p in infer_shapes(graph).problems] == ["unused"]
    graph = e.apply(graph, e.Join(Ref("fc"), Ref("scale"), "add"))
    assert infer_shapes(graph).problems == ()


def test_a_tensor_of_a_layer_is_added_and_chosen_anew() -> None:
    net = Net()
    x = net.layer("fc", "Linear", net.input("x", "N", 4), out_features=4)
    net.output(net.layer("fc2", "Linear", x, out_features=4))
    graph = e.apply(net.graph(), e.AddNode("weight", arguments={"of": "fc", "name": "bias"}))
    (node,) = [n for n in graph.nodes.values() if n.kind == "weight"]
    graph = e.apply(graph, e.SetWeight(node.id, "fc2", "weight"))
    assert graph.label(node.id) == "fc2.weight"
    with pytest.raises(EditRefused, match="say which tensor"):
        e.apply(graph, e.SetWeight(node.id, "fc2"))


def test_renaming_deleting_and_freezing_a_tensor() -> None:
    graph = e.apply(first_way(), e.Rename("w1_tensor", "weights1"))
    assert graph.owners["w1"].name == "weights1"
    graph = e.apply(graph, e.SetFrozen("w1_tensor", True))
    assert graph.owners["w1"].arguments["requires_grad"] is False
    assert infer_shapes(graph).totals.frozen == 16
    graph = e.apply(graph, e.SetFrozen("w1_tensor", False))
    assert "requires_grad" not in graph.owners["w1"].arguments
    after = e.apply(graph, e.DeleteNode("b1_tensor"))
    assert "b1" not in after.owners
    assert infer_shapes(after).nodes["add1"].problem is not None
    with pytest.raises(EditRefused, match="cannot be bypassed"):
        e.apply(graph, e.SetBypassed("w1_tensor", True))
    with pytest.raises(EditRefused, match="is a buffer"):
        e.apply(kept(), e.SetFrozen("eye_tensor", True))


def test_a_layer_stays_as_long_as_its_weight_is_read() -> None:
    graph = e.apply(transposed(), e.SetArgument("encoder", "in_features", 12))
    after = e.apply(graph, e.DeleteNode("encoder"))
    assert "encoder" in after.owners
    assert infer_shapes(after).totals.parameters == 65
    last = e.apply(after, e.DeleteNode("encoder_weight"))
    assert "encoder" not in last.owners


def test_deleting_what_a_tie_leads_to_gives_the_other_its_own_values() -> None:
    after = e.apply(gpt(), e.DeleteNode("emb"))
    assert after.owners["head"].ties == {}


def test_a_copy_has_weights_of_its_own() -> None:
    graph = e.apply(gpt(), e.DuplicateNode("head"))
    assert graph.owners["head2"].ties == {}
    graph = e.apply(first_way(), e.DuplicateNode("w1_tensor"))
    assert graph.owners["w2_2" if "w2_2" in graph.owners else "w3"].arguments["size"] == (2, 8)


def test_what_is_pasted_is_tied_as_it_was() -> None:
    graph = gpt()
    fragment = copy_nodes(graph, ["emb", "norm", "head"], graph)
    assert same_owners(fragment_from_text(fragment_to_text(fragment)).owners, fragment.owners)
    after = e.apply(graph, e.PasteFragment(fragment, keep_inputs=True))
    (new,) = [o for i, o in after.owners.items() if o.ties and i != "head"]
    assert new.ties["weight"][0] not in ("emb", "head")
    assert copy_nodes(graph, ["head"], graph).owners["head"].ties == {}
    after = e.apply(
        first_way(), e.PasteFragment(copy_nodes(first_way(), ["w1_tensor"], first_way()))
    )
    assert len(after.owners) == 5


def same_owners(one: object, other: object) -> bool:
    return one == other


def test_tying_and_untying_in_one_step_each() -> None:
    graph = e.apply(gpt(), e.SetTie("head", "weight"))
    assert infer_shapes(graph).totals.parameters == 2 * 800 + 32
    back = e.apply(graph, e.SetTie("head", "weight", "emb", "weight"))
    assert same(back, gpt())
    with pytest.raises(EditRefused, match="untie it first"):
        e.apply(back, e.SetTie("emb", "weight", "norm", "weight"))


GROUPS = {
    "emb inside": ("emb",),
    "head inside": ("norm", "head"),
    "both inside": ("emb", "norm", "head"),
}


@pytest.mark.parametrize("chosen", GROUPS)
def test_grouping_keeps_a_tie_and_ungrouping_gives_it_back(chosen: str) -> None:
    graph = gpt()
    grouped = e.apply(graph, e.GroupIntoBlock(GROUPS[chosen], "Group", "call"))
    assert why_invalid(grouped) is None
    assert infer_shapes(grouped).totals.parameters == infer_shapes(graph).totals.parameters
    assert infer_shapes(grouped).problems == ()
    assert same(e.apply(grouped, e.Ungroup("call")), graph)


def test_a_tensor_read_in_front_of_the_block_it_went_into_is_found() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    w = net.tensor("w", "parameter", 4)
    early = net.op("early", "operator.add", x, w)
    later = net.op("later", "operator.mul", early, net.weight("w"))
    net.output(later)
    graph = net.graph()
    grouped = e.apply(graph, e.GroupIntoBlock(("w_tensor1", "later"), "Group", "call"))
    assert grouped.nodes["w_tensor"].arguments == {"name": "w"}
    assert infer_shapes(grouped).problems == ()
    assert infer_shapes(grouped).totals.parameters == 4
    assert same(e.apply(grouped, e.Ungroup("call")), graph)


def test_a_path_into_a_block_follows_names_and_repetitions() -> None:
    graph = scaled_block()
    graph = e.apply(graph, e.Rename("gain_tensor", "factor", scope="Scale"))
    assert graph.nodes["second_gain"].arguments == {"name": "factor"}
    graph = e.apply(graph, e.SetRepeat("second", 3))
    assert graph.nodes["second_gain"].arguments == {"name": "0.factor"}
    assert infer_shapes(graph).problems == ()
    graph = e.apply(graph, e.DeleteNode("gain_tensor", scope="Scale"))
    assert "second_gain" not in graph.nodes
    assert why_invalid(graph) is None


def test_an_effect_names_the_tensors_that_are_lost() -> None:
    assert effect_of(first_way(), e.DeleteNode("b1_tensor")).lost == ("b1",)
    assert effect_of(first_way(), e.SetArgument("w1_tensor", "size", (2, 9))).lost == ("w1",)
    assert effect_of(first_way(), e.SetArgument("w1_tensor", "init", "zeros")).lost == ()


def test_stretches_with_tensors_of_their_own_fold_and_tied_ones_do_not() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    for i in range(3):
        w = net.tensor(f"w{i}", "parameter", 4, init="ones")
        x = net.op(f"m{i}", "operator.mul", x, w)
        x = net.op(f"a{i}", "torch.tanh", x)
    net.output(x)
    (found,) = find_repeats(net.graph())
    folded = e.apply(net.graph(), e.FoldRepeats(found.nodes))
    assert infer_shapes(folded).totals.parameters == 12
    net.tie("w1", "", "w0", "")
    assert find_repeats(net.graph()) == ()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({}, "raw_size"),
        ({"size": (3,), "init": "eye"}, "raw_init"),
        ({"size": (3,), "init": "xavier_uniform"}, "raw_init"),
        ({"size": (3,), "dtype": "int64"}, "raw_init"),
    ],
)
def test_a_tensor_that_cannot_be_made_says_why(arguments: dict[str, object], kind: str) -> None:
    net = Net()
    x = net.input("x", "N", 3)
    net.owners["w"] = Owner("w", "w", "parameter", arguments)  # type: ignore[arg-type]
    net.output(net.op("sum", "operator.add", x, net.weight("w")))
    graph = net.graph()
    problem = infer_shapes(graph).problems[0]
    assert (problem.node, problem.kind) == ("w_tensor", kind)
    assert check(graph).repairs[problem], problem.message


def test_tied_tensors_of_other_sizes_can_be_untied() -> None:
    graph = gpt()
    graph = e.apply(graph, e.SetArgument("head", "out_features", 40))
    (problem,) = infer_shapes(graph).problems
    labels = [r.label for r in check(graph).repairs[problem]]
    assert "Untie weight of “head”" in labels


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("N×64", ("N", 64), "float32"),
        ("N, 3, 32, 32", ("N", 3, 32, 32), "float32"),
        ("(N, 64)", ("N", 64), "float32"),
        ("int64[7, N]", (7, "N"), "int64"),
        ("scalar", (), "float32"),
        ("[]", (), "float32"),
    ],
)
def test_a_shape_is_read_as_people_write_it(
    text: str, shape: tuple[int | str, ...], dtype: str
) -> None:
    spec = shape_from_text(text)
    assert spec is not None
    assert (spec.shape, spec.dtype) == (shape, dtype)


@pytest.mark.parametrize("text", ["", "N×", "a,b", "-1", "N×0", "float99[3]", "[" * 500, "9" * 100])
def test_no_shape_is_read_from_other_texts(text: str) -> None:
    assert shape_from_text(text) is None or text == "N×"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "def ("),
        ("source", "x"),
        ("source", "(" * 5000),
        ("call", "Strange(3); exec('')"),
        ("call", "a.b()"),
        ("call", "Strange"),
        ("gives", ("what",)),
    ],
)
def test_own_code_that_cannot_be_read_is_refused(name: str, value: str) -> None:
    graph = opaque("N×3")
    owner = graph.owners["strange"]
    broken = replace(owner, arguments={**owner.arguments, name: value})
    assert why_invalid(replace(graph, owners={**graph.owners, "strange": broken}))
    with pytest.raises(EditRefused):
        e.apply(graph, e.SetArgument("strange", name, value))


def test_what_stands_around_own_code_goes_on_working() -> None:
    graph: Graph = opaque("N×3")
    assert infer_shapes(graph).ok
    for edit in (
        e.DuplicateNode("strange"),
        e.Rename("strange", "odd"),
        e.GroupIntoBlock(("fc", "strange"), "Group"),
        e.AddNode("torch.nn.ReLU", "strange"),
        e.SetArgument("strange", "gives", ("N×3", "N×5")),
    ):
        assert why_invalid(e.apply(graph, edit)) is None, edit


def test_a_parameter_that_is_written_over_in_place_is_found() -> None:
    def written_over(**arguments: bool) -> Graph:
        net = Net()
        x = net.input("x", "N", 4)
        w = net.tensor("w", "parameter", 4, init="normal", **arguments)
        w = net.layer("relu", "ReLU", w, inplace=True)
        net.output(net.op("sum", "operator.add", x, w))
        return net.graph()

    (problem,) = infer_shapes(written_over()).problems
    assert problem.node == "relu"
    assert "writes over a parameter" in problem.message
    assert infer_shapes(written_over(requires_grad=False)).problems == ()
