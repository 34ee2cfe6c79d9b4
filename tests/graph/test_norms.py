"""Weights that are computed from others: what is counted, kept in files, edited and refused."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from torch import nn

from builder import catalogue
from builder.catalogue.norms import NORMS
from builder.errors import EditRefused, ProjectRefused
from builder.graph import edits as e
from builder.graph import meta
from builder.graph.check import check
from builder.graph.effects import effect_of
from builder.graph.fragment import copy_nodes, fragment_from_text, fragment_to_text
from builder.graph.history import same
from builder.graph.model import Argument, Graph, Norm, Owner
from builder.graph.norms import CannotCompute, tensors_with_norms
from builder.graph.project import Project, from_json, to_json
from builder.graph.repairs import repairs_for
from builder.graph.repeats import find_repeats
from builder.graph.report import NodeReport
from builder.graph.shapes import infer_shapes
from builder.graph.validate import validate, why_invalid
from builder.graph.words import marks_of
from tests.code.networks import Net, example_graph
from tests.code.norm_networks import KINDS, NETWORKS, discriminator, norm, recurrent, residual

LAYERS = [
    key
    for key, entry in catalogue.entries().items()
    if entry.kind == "layer" and infer_shapes(example_graph(entry)).totals.parameters
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", LAYERS)
def test_every_layer_keeps_what_torch_keeps(key: str, kind: str) -> None:
    graph = example_graph(catalogue.get(key))
    node = next(n for n in graph.nodes.values() if (o := graph.owner_of(n)) and o.target == key)
    report = infer_shapes(graph).nodes[node.id]
    own = [
        n
        for n, (_, learns) in meta.tensors_of(catalogue.get(key), report.arguments).items()
        if learns and "." not in n
    ]
    for name in own or ["weight"]:
        owner = Owner("", "layer", key, norms=(norm(kind, name=name),))
        layer = catalogue.build_layer(catalogue.get(key), report.arguments)
        ours = theirs = None
        with suppress(CannotCompute):
            ours = tensors_with_norms(owner, NodeReport(arguments=report.arguments))
        with suppress(RuntimeError, ValueError, AttributeError, LookupError):
            theirs = _put_on(layer, kind, name)
        assert (ours is None) == (theirs is None), (name, ours, theirs)
        if ours is not None and theirs is not None:
            assert {n: tuple(spec.shape) for n, (spec, _) in ours.items()} == {
                n: tuple(value.shape) for n, value in theirs.state_dict().items()
            }
            assert {n for n, (_, learns) in ours.items() if learns} == {
                n for n, _ in theirs.named_parameters()
            }


def _put_on(layer: nn.Module, kind: str, name: str) -> nn.Module:
    utils = nn.utils.parametrizations if "." in kind else nn.utils
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = getattr(utils, kind.rpartition(".")[2])(layer, name=name)
    assert isinstance(made, nn.Module)
    return made


@pytest.mark.parametrize("dim", [-1, 0, 1, 2, 3, 4, None])
@pytest.mark.parametrize("kind", KINDS[:4])
def test_along_every_axis_the_shapes_are_those_of_torch(kind: str, dim: int | None) -> None:
    if dim == (-1 if "spectral" in kind else None):
        return  # no value of it here
    given: dict[str, Argument] = {"in_channels": 3, "out_channels": 5, "kernel_size": (2, 3)}
    owner = Owner("", "conv", "torch.nn.ConvTranspose2d", norms=(norm(kind, dim=dim),))
    utils = nn.utils.parametrizations if "." in kind else nn.utils
    if dim == 4:
        with pytest.raises(CannotCompute, match="Choose 0 to 3"):
            tensors_with_norms(owner, NodeReport(arguments=given))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = nn.ConvTranspose2d(3, 5, (2, 3))
        theirs = getattr(utils, kind.rpartition(".")[2])(layer, dim=dim).state_dict()
    ours = tensors_with_norms(owner, NodeReport(arguments=given))
    assert {n: tuple(spec.shape) for n, (spec, _) in ours.items()} == {
        n: tuple(value.shape) for n, value in theirs.items()
    }


def test_weight_norm_adds_a_length_for_each_output_and_spectral_norm_two_vectors() -> None:
    plain = replace_norms(discriminator(), ())
    before = infer_shapes(plain).totals
    weight = infer_shapes(discriminator("weight_norm")).totals
    spectral = infer_shapes(discriminator("spectral_norm")).totals
    assert weight.parameters - before.parameters == 4 + 6 + 1
    assert (spectral.parameters, spectral.buffers) == (
        before.parameters,
        (4 + 27) + (6 + 36) + (1 + 24),
    )


def replace_norms(graph: Graph, norms: tuple[Norm, ...]) -> Graph:
    owners = {i: replace(o, norms=norms) for i, o in graph.owners.items()}
    return replace(graph, owners=owners)


# Files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_a_project_file_gives_the_same_network_back(name: str) -> None:
    graph = NETWORKS[name]()
    validate(graph)
    assert infer_shapes(graph).problems == ()
    text = to_json(Project("p", graph))
    assert '"layerwise": 4' in text
    assert same(from_json(text).graph, graph)


def test_a_network_without_them_is_written_in_its_older_format() -> None:
    assert '"layerwise": 1' in to_json(Project("p", replace_norms(discriminator(), ())))


@pytest.mark.parametrize(
    ("norms", "sentence"),
    [
        ('[{"kind": "torch.nn.utils.spectralnorm"}]', "There is no “torch.nn.utils.spectralnorm”. Did you mean"),
        ('[{"kind": "os.system"}]', "There is no “os.system”"),
        ('[{"kind": "torch.nn.utils.weight_norm", "arguments": {"eps": 1}}]', "weight norm has no argument “eps”"),
        ('[{"kind": "torch.nn.utils.weight_norm", "arguments": {"dim": "0); evil("}}]', "dim"),
        ('[{"kind": "torch.nn.utils.weight_norm", "arguments": {"name": "a b"}}]', "is no name of a weight"),
        ('[{"kind": "torch.nn.utils.weight_norm", "arguments": {"dim": [0]}}]', "plain value"),
        ('[{"kind": 3}]', "kind"),
        ('[{"what": 3}]', "what"),
        ('["spectral_norm"]', "an object"),
        ('"spectral_norm"', "a list"),
        (
            '[{"kind": "torch.nn.utils.weight_norm"}, {"kind": "torch.nn.utils.spectral_norm"}]',
            "in one way",
        ),
    ],
)  # fmt: skip
def test_broken_norms_in_a_file_are_refused_in_a_sentence(norms: str, sentence: str) -> None:
    net = Net()
    net.output(net.layer("fc", "Linear", net.input("x", "N", 4), out_features=2))
    net.norm("fc", "weight_norm")
    text = to_json(Project("p", net.graph()))
    at = text.index('"norms": ') + len('"norms": ')
    rest = text[at:]
    end = rest.index("]") + 1
    with pytest.raises(ProjectRefused, match=sentence.replace("(", r"\(")):
        from_json(text[:at] + norms + rest[end:])


def test_only_layers_of_torch_can_have_one() -> None:
    graph = residual()
    owner = graph.owners["stage"]
    broken = replace(
        graph, owners={**graph.owners, "stage": replace(owner, norms=(norm(KINDS[0]),))}
    )
    assert "It is a block" in str(why_invalid(broken))


# Edits --------------------------------------------------------------------------------------------


def test_setting_and_taking_off_is_one_edit_each() -> None:
    graph = replace_norms(discriminator(), ())
    edit = e.SetNorms("fc", (norm("spectral_norm"),))
    after = e.apply(graph, edit)
    assert after.owners["fc"].norms == (norm("spectral_norm"),)
    assert e.describe(edit, graph) == "Normalize the weight of “fc”: spectral norm"
    assert same(e.apply(after, e.SetNorms("fc", ())), graph)
    assert e.describe(e.SetNorms("fc", ()), graph) == "Normalize the weight of “fc”: none"


def test_it_says_that_trained_weights_are_lost() -> None:
    graph = replace_norms(discriminator(), ())
    effect = effect_of(graph, e.SetNorms("conv1", (norm("weight_norm"),)))
    assert effect.lost == ("conv1",)
    assert effect.shapes["conv1"] == (("weight", (4, 3, 3, 3)), ("bias", (4,)))
    normed = discriminator("weight_norm")
    back = effect_of(normed, e.SetNorms("conv1", ()))
    assert dict(back.shapes["conv1"]).keys() == {"bias", "weight_g", "weight_v"}
    assert effect_of(normed, e.SetFrozen("conv1", True)).lost == ()


def test_a_copy_and_a_paste_keep_it() -> None:
    graph = discriminator()
    text = fragment_to_text(copy_nodes(graph, ["conv1"], graph))
    after = e.apply(graph, e.PasteFragment(fragment_from_text(text)))
    assert [o.norms for o in after.owners.values()].count((norm("spectral_norm"),)) == 4
    twice = e.apply(graph, e.DuplicateNode("conv1"))
    assert [o.norms for o in twice.owners.values()].count((norm("spectral_norm"),)) == 4


def test_a_block_of_them_keeps_it_and_gives_it_back() -> None:
    graph = discriminator()
    grouped = e.apply(graph, e.GroupIntoBlock(("conv1", "act1"), "Stem"))
    assert grouped.blocks["Stem"].owners["conv1"].norms == (norm("spectral_norm"),)
    call = next(n.id for n in grouped.nodes.values() if (o := grouped.owner_of(n)) and o.block)
    opened = e.apply(grouped, e.Ungroup(call))
    assert [o.norms for o in opened.owners.values() if o.norms] == [(norm("spectral_norm"),)] * 3


def test_what_is_normalized_and_what_is_not_are_no_repetition() -> None:
    net = Net()
    x = net.input("x", "N", 8)
    for i in range(6):
        x = net.layer(f"fc{i}", "Linear", x, out_features=8)
        x = net.layer(f"act{i}", "ReLU", x)
        if i != 2:
            net.norm(f"fc{i}", "spectral_norm")
    net.output(x)
    found = {i for repeat in find_repeats(net.graph()) for row in repeat.nodes for i in row}
    assert found and "fc2" not in found


def test_a_tie_to_a_computed_weight_is_refused_both_ways() -> None:
    net = Net()
    x = net.layer("a", "Linear", net.input("x", "N", 6), out_features=6)
    net.output(net.layer("b", "Linear", x, out_features=6))
    net.norm("a", "weight_norm")
    graph = net.graph()
    with pytest.raises(
        EditRefused, match=r"“a\.weight” is computed anew in each call, by weight norm"
    ):
        e.apply(graph, e.SetTie("b", "weight", "a", "weight"))
    with pytest.raises(EditRefused, match="computed anew"):
        e.apply(graph, e.AddNode("weight", arguments={"of": "a", "name": "weight"}))
    plain = e.apply(graph, e.SetNorms("a", ()))
    tied = e.apply(plain, e.SetTie("b", "weight", "a", "weight"))
    for node in ("a", "b"):
        with pytest.raises(EditRefused, match="tied to"):
            e.apply(tied, e.SetNorms(node, (norm("weight_norm"),)))
    read = e.apply(plain, e.AddNode("weight", arguments={"of": "a", "name": "weight"}))
    with pytest.raises(EditRefused, match="is read by itself"):
        e.apply(read, e.SetNorms("a", (norm("weight_norm"),)))


# What is said -------------------------------------------------------------------------------------


def test_a_layer_without_such_a_weight_says_so() -> None:
    net = Net()
    x = net.layer("act", "ReLU", net.input("x", "N", 4))
    net.output(net.layer("fc", "Linear", x, out_features=2))
    net.norm("act", "spectral_norm")
    net.norm("fc", "weight_norm", name="kernel")
    said = [p.message for p in infer_shapes(net.graph()).problems]
    assert said == [
        "ReLU “act” has no parameter “weight”, which spectral norm would compute. Take it away, or name another.",
        "Linear “fc” has no parameter “kernel”, which weight norm would compute. Take it away, or name another.",
    ]  # fmt: skip


def test_its_problems_have_repairs() -> None:
    net = Net()
    x = net.layer("act", "ReLU", net.input("x", "N", 4))
    net.output(net.layer("fc", "Linear", x, out_features=2))
    net.norm("act", "spectral_norm")
    net.norm("fc", "weight_norm", dim=3)
    graph, labels = net.graph(), []
    while problems := check(graph).report.problems:
        found = repairs_for(graph, problems[0])
        labels.append([repair.label for repair in found])
        graph = e.apply(graph, found[0].edit)
    assert labels == [
        ["Take the spectral norm of “act” away"],
        ["Reset dim of the weight norm of “fc”", "Take the weight norm of “fc” away"],
    ]
    assert graph.owners["fc"].norms == (norm("weight_norm"),)


def test_the_canvas_has_a_word_for_each() -> None:
    def said(graph: Graph, node: str) -> list[str]:
        return marks_of(graph, graph.nodes[node], NodeReport())

    assert said(discriminator(), "conv1") == ["spectral norm"]
    assert said(discriminator("parametrizations.orthogonal"), "fc") == ["orthogonal"]
    assert said(recurrent(), "lstm") == ["weight norm"]
    edit = e.SetNorms("lstm", recurrent().owners["lstm"].norms)
    assert e.describe(edit, recurrent()) == (
        "Normalize the weight of “lstm”: weight norm of weight_hh_l0 and weight norm of weight_ih_l0"
    )


@pytest.mark.parametrize("key", NORMS)
def test_the_arguments_are_those_of_torch(key: str) -> None:
    import inspect

    module, _, name = key.rpartition(".")
    function = getattr(
        nn.utils.parametrizations if "parametrizations" in module else nn.utils, name
    )
    _, *theirs = inspect.signature(function).parameters.values()
    assert [(p.name, p.default) for p in theirs] == [
        (p.name, p.default) for p in NORMS[key].parameters
    ]
    assert torch.__version__


def test_a_norm_is_a_value() -> None:
    assert norm("weight_norm", dim=1) == Norm("torch.nn.utils.weight_norm", {"dim": 1})
    assert norm("weight_norm").name == "weight"
