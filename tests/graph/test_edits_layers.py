"""Edits of one layer: its name, arguments, weights, settings, and how it looks."""

from __future__ import annotations

import pytest

from builder.errors import EditRefused
from builder.graph.edits import (
    UNSET,
    AddBranch,
    AddNode,
    Edit,
    Rename,
    RenameModel,
    SetArgument,
    SetBypassed,
    SetCallArgument,
    SetCondition,
    SetFrozen,
    SetInputSpec,
    SetNote,
    SetPosition,
    SetRepeat,
    SetSetting,
    ShareWeights,
    UnshareWeights,
    apply,
    describe,
)
from builder.graph.model import (
    Compare,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    TensorSpec,
    Training,
)
from tests.graph.networks import layer, mlp, skip, wires


def refusal(graph: Graph, edit: Edit) -> str:
    with pytest.raises(EditRefused) as refused:
        apply(graph, edit)
    return str(refused.value)


def test_a_rename_changes_what_people_read_and_no_wire() -> None:
    graph = apply(mlp(), Rename("fc1", "hidden"))
    assert graph.label("fc1") == "hidden"
    assert wires(graph) == wires(mlp())
    assert apply(graph, Rename("fc1", "fc1")) == mlp()


def test_a_name_can_be_kept_and_digits_are_for_layers() -> None:
    assert apply(mlp(), Rename("fc1", "fc1")) == mlp()
    assert apply(mlp(), Rename("fc1", "0")).label("fc1") == "0"
    assert "“layer_0” would do" in refusal(mlp(), Rename("x", "0"))


@pytest.mark.parametrize(
    ("name", "way_out"),
    [("fc2", "“fc3” is free"), ("x", "“x2” is free"), ("forward", "“forward_” would do")],
)
def test_a_bad_name_is_refused_with_a_good_one(name: str, way_out: str) -> None:
    assert way_out in refusal(mlp(), Rename("fc1", name))


def test_the_class_is_renamed() -> None:
    assert apply(mlp(), RenameModel("Net")).name == "Net"
    assert "“class_” would do" in refusal(mlp(), RenameModel("class"))


def test_an_argument_is_set_and_taken_away_again() -> None:
    graph = apply(mlp(), SetArgument("fc1", "in_features", 3))
    assert graph.owners["fc1"].arguments == {"out_features": 8, "in_features": 3}
    assert apply(graph, SetArgument("fc1", "in_features", UNSET)) == mlp()
    assert describe(SetArgument("fc1", "bias", False), graph) == "Set bias of “fc1” to False"


def test_a_value_that_does_not_fit_is_kept_for_the_shape_check_to_tell() -> None:
    graph = apply(mlp(), SetArgument("fc1", "out_features", 10**12))
    assert graph.owners["fc1"].arguments["out_features"] == 10**12


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            SetArgument("fc1", "out_feature", 3),
            "Linear “fc1” has no argument “out_feature”. Did you mean “out_features”?",
        ),
        (
            SetArgument("fc1", "out_features", Ref("x")),
            "Linear “fc1” is made before any value arrives: “out_features” can only be a constant.",
        ),
        (
            SetArgument("fc1", "out_features", 10**30),
            "Linear “fc1” cannot have this “out_features”. "
            "A whole number is larger than the 64 bits PyTorch counts with.",
        ),
        (
            SetArgument("fc1", "out_features", Setting("width")),
            "Linear “fc1” cannot have this “out_features”. There is no setting “width”. "
            "Add it, or write the number itself.",
        ),
        (
            SetArgument("x", "out_features", 3),
            "“x” is an input: only layers and blocks have constructor arguments. "
            "Choose one of those.",
        ),
    ],
)
def test_an_argument_that_means_nothing_is_refused(edit: Edit, sentence: str) -> None:
    assert refusal(mlp(), edit) == sentence


def test_a_port_reads_what_is_chosen_for_it() -> None:
    assert wires(apply(mlp(), SetCallArgument("fc2", "input", Ref("fc1"))))[3] == "fc2: fc1"
    assert wires(apply(mlp(), SetCallArgument("fc2", "input", UNSET)))[3] == "fc2"


def test_an_unwired_port_comes_back_in_its_place() -> None:
    graph = apply(skip(), SetCallArgument("add", "input", UNSET))
    assert wires(graph)[3] == "add: x"
    assert apply(graph, SetCallArgument("add", "input", Ref("relu"))) == skip()
    assert list(
        apply(graph, SetCallArgument("add", "input", Ref("relu"))).nodes["add"].arguments
    ) == [
        *("input", "other"),
    ]


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            SetCallArgument("fc2", "input", Ref("fc9")),
            "The layer “fc2” reads “fc9”, which does not exist. Did you mean “fc2”?",
        ),
        (
            SetCallArgument("fc2", "input", 3),
            "The layer “fc2” reads a value for “input”: choose the layer it comes from, not “3”.",
        ),
        (
            SetCallArgument("fc2", "weight", Ref("x")),
            "The layer “fc2” has no argument “weight”. It has “input”.",
        ),
        (
            SetCallArgument("fc2", "input", Ref("output")),
            "The layer “fc2” cannot read the output “output”: read what that output reads.",
        ),
        (
            SetCallArgument("output", "value", Compare(">", Ref("fc2"), 0)),
            "The output “output” cannot compare in “value”: only the condition of a branch does.",
        ),
    ],
)
def test_a_wire_that_means_nothing_is_refused(edit: Edit, sentence: str) -> None:
    assert refusal(mlp(), edit) == sentence


def test_call_literals_can_be_sizes_of_other_values() -> None:
    graph = apply(mlp(), AddNode("torch.Tensor.view", id="view"))
    graph = apply(graph, SetCallArgument("view", "shape", (Size(Ref("x"), 0), -1)))
    assert graph.nodes["view"].arguments["shape"] == (Size(Ref("x"), 0), -1)


def test_the_shape_of_an_input_is_checked() -> None:
    assert str(apply(mlp(), SetInputSpec("x", TensorSpec(("N", 3, 2)))).nodes["x"].spec) == "N×3×2"
    assert "not “-1”" in refusal(mlp(), SetInputSpec("x", TensorSpec((-1, 3))))
    assert "not “M”" in refusal(mlp(), SetInputSpec("x", TensorSpec(("M", 3))))
    assert "Did you mean “float32”?" in refusal(
        mlp(), SetInputSpec("x", TensorSpec((3,), "float31"))
    )
    assert "is no input" in refusal(mlp(), SetInputSpec("fc1", TensorSpec((3,))))
    assert "needs a shape" in refusal(mlp(), SetInputSpec("x", None))


def test_bypassing_keeps_the_layer_and_passes_its_input_on() -> None:
    graph = apply(mlp(), SetBypassed("relu", True))
    assert graph.resolve(Ref("relu")) == Ref("fc1")
    assert apply(graph, SetBypassed("relu", False)) == mlp()
    assert "cannot be bypassed" in refusal(mlp(), SetBypassed("output", True))
    loose = apply(mlp(), SetCallArgument("relu", "input", UNSET))
    assert "Wire its input first" in refusal(loose, SetBypassed("relu", True))


def test_freezing_notes_and_positions() -> None:
    graph = apply(mlp(), SetFrozen("fc1", True))
    graph = apply(graph, SetNote("fc1", "from the paper"))
    graph = apply(graph, SetPosition("fc1", (1.5, -2)))
    assert graph.owners["fc1"].frozen
    assert (graph.nodes["fc1"].note, graph.nodes["fc1"].position) == ("from the paper", (1.5, -2))
    assert "only layers and blocks have weights" in refusal(mlp(), SetFrozen("x", True))
    assert "at most 2,000 characters, not 2,001" in refusal(mlp(), SetNote("fc1", "a" * 2001))
    assert "two numbers" in refusal(mlp(), SetPosition("fc1", (float("nan"), 0)))


def test_two_calls_share_weights_until_one_gets_its_own() -> None:
    shared = apply(mlp(), ShareWeights("fc2", "fc1"))
    assert list(shared.owners) == ["fc1", "relu"]
    assert [shared.label(i) for i in ("fc1", "fc2")] == ["fc1", "fc1 (2)"]
    apart = apply(shared, UnshareWeights("fc2"))
    assert apart.owners["fc2"].arguments == {"out_features": 8}
    assert apart == mlp()


def test_only_layers_of_one_kind_share_weights() -> None:
    assert refusal(mlp(), ShareWeights("relu", "fc1")) == (
        "“relu” is a “ReLU” and “fc1” a “Linear”: only layers of one kind can share weights. "
        "Choose another layer."
    )
    assert "have the same weights already" in refusal(mlp(), ShareWeights("fc1", "fc1"))
    assert "shares its weights with no other call" in refusal(mlp(), UnshareWeights("fc1"))


def test_a_branch_gets_another_condition() -> None:
    graph = apply(mlp(), AddBranch(Training(), "fc1", "relu", id="b"))
    graph = apply(graph, SetSetting("deep", True))
    graph = apply(graph, SetCondition("b", Setting("deep")))
    assert graph.nodes["b"].arguments["condition"] == Setting("deep")
    by_score = SetCondition("b", Compare(">", Ref("fc1"), 0.5))
    assert apply(graph, by_score).nodes["b"].arguments["condition"] == by_score.condition
    by_gradient = SetCondition("b", GradEnabled())
    assert apply(graph, by_gradient).nodes["b"].arguments["condition"] == GradEnabled()
    assert "is no branch" in refusal(graph, SetCondition("fc1", Training()))
    assert "needs a condition" in refusal(graph, SetCondition("b", True))  # type: ignore[arg-type]
    assert "go in a cycle" in refusal(graph, SetCondition("b", Compare(">", Ref("fc2"), 0.5)))


def test_a_setting_in_use_stays() -> None:
    graph = apply(mlp(), SetSetting("width", 8))
    graph = apply(graph, SetArgument("fc1", "out_features", Setting("width")))
    assert refusal(graph, SetSetting("width", UNSET)) == (
        "“fc1” uses the setting “width”. Give “fc1” a number of its own first."
    )
    free = apply(graph, SetArgument("fc1", "out_features", 8))
    assert apply(free, SetSetting("width", UNSET)) == mlp()


def test_settings_have_names_of_their_own_and_plain_values() -> None:
    assert "“fc3” is free" in refusal(mlp(), SetSetting("fc1", 3))
    assert "“Model2” is free" in refusal(mlp(), SetSetting("Model", 3))
    assert "A setting is a number" in refusal(mlp(), SetSetting("a", (1, 2)))  # type: ignore[arg-type]
    assert "Did you mean “width”?" in refusal(
        apply(mlp(), SetSetting("width", 3)), SetSetting("widht", UNSET)
    )


def test_only_blocks_repeat() -> None:
    assert "Group “fc1” into a block first" in refusal(mlp(), SetRepeat("fc1", 3))
    assert "only layers and blocks have repetitions" in refusal(mlp(), SetRepeat("x", 3))


def test_hostile_text_is_repeated_short_and_flat() -> None:
    sentence = refusal(mlp(), Rename("fc1", "<script>\n\x1b[31m" + "a" * 5000))
    assert "\n" not in sentence and "\x1b" not in sentence and len(sentence) < 400


def test_edits_of_layers_never_change_the_graph_they_are_given() -> None:
    graph = layer(mlp(), "extra", "Linear", "fc2", out_features=2)
    apply(graph, SetArgument("fc1", "out_features", 99))
    apply(graph, Rename("fc1", "other"))
    assert graph == layer(mlp(), "extra", "Linear", "fc2", out_features=2)
