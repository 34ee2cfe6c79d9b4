"""Settings, losses and optimizers: what may be chosen, and what is said about the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from sklearn.metrics import r2_score

from builder.errors import JobRefused, NotFound
from builder.graph.edits import DeleteNode
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.training.callbacks.divergence import Divergence
from builder.training.losses import ending_warning, get_loss, losses, suggest_loss
from builder.training.metrics import metric, metric_set
from builder.training.optimizers import build_optimizer, optimizers
from builder.training.remedies import remove_last
from builder.training.settings import GENERAL, TrainingSettings


def network_ending_with(target: str) -> Graph:
    return Graph(
        nodes={
            "x": Node("x", "input", "x", spec=TensorSpec(("N", 4))),
            "end": Node("end", "layer", target="o", arguments={"input": Ref("x")}),
            "out": Node("out", "output", "out", arguments={"value": Ref("end")}),
        },
        owners={"o": Owner("o", "end", target)},
    )


# --- settings -------------------------------------------------------------------------------------


def test_settings_go_into_json_and_back_with_defaults_left_out() -> None:
    settings = TrainingSettings.of(optimizer="sgd", lr=0.1, momentum=0.9, epochs=5)
    plain = {"optimizer": "sgd", "lr": 0.1, "epochs": 5, "momentum": 0.9}
    assert settings.to_json() == plain
    assert TrainingSettings.from_json(plain) == settings
    assert TrainingSettings().to_json() == {}


def test_the_learning_rate_is_the_optimizers_until_it_is_set() -> None:
    assert TrainingSettings().learning_rate == 0.001
    assert TrainingSettings.of(optimizer="sgd").learning_rate == 0.01
    assert TrainingSettings.of(lr=0.5).learning_rate == 0.5


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"lr": 0}, "The learning rate is a number above 0, but “0” was given."),
        ({"lr": math.nan}, "The learning rate is a number above 0"),
        (
            {"batch_size": 0},
            "The batch size is a whole number from 1 to 1000000, but “0” was given.",
        ),
        ({"epochs": 2.5}, "The number of epochs is a whole number"),
        ({"epochs": True}, "The number of epochs is a whole number"),
        (
            {"loss": "crossentropy"},
            "There is no loss “crossentropy”. Did you mean “cross_entropy”?",
        ),
        ({"momentum": 0.9}, "Adam has no setting “momentum”."),
        ({"optimizer": "sgd", "momentum": 1.0}, "SGD: momentum is at least 0 and below 1"),
        ({"optimizer": "sgd", "nesterov": True}, "set a momentum above 0, such as 0.9"),
        ({"weight_decay": -1}, "Adam: weight_decay is at least 0, but -1 was given."),
        ({"lr": "fast"}, "The learning rate is a number above 0, but “fast” was given."),
        ({"goal": "fame"}, "The goal is “target” or “input”"),
    ],
)
def test_a_wrong_choice_is_one_clear_sentence(chosen: dict[str, object], sentence: str) -> None:
    with pytest.raises(JobRefused) as refusal:
        TrainingSettings.of(**chosen)
    assert sentence in str(refusal.value)


def test_an_unknown_optimizer_names_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean “adam”"):
        TrainingSettings.of(optimizer="adm")


@pytest.mark.parametrize("key", list(optimizers()))
def test_every_optimizer_builds_with_its_own_defaults(key: str) -> None:
    entry = optimizers()[key]
    weight = torch.nn.Parameter(torch.zeros(2))
    made = build_optimizer(key, [weight], entry.lr, {})
    assert type(made).__name__ == entry.torch_name
    defaults = getattr(torch.optim, entry.torch_name)([weight]).defaults
    names = {"lr", "betas", "momentum", "nesterov", "weight_decay", "eps", "alpha", "lr_decay"}
    assert {k: v for k, v in made.defaults.items() if k in names and k != "lr"} == {
        k: v for k, v in defaults.items() if k in names and k != "lr"
    }
    assert all(option.help.endswith(".") for option in entry.options)


def test_a_network_that_is_frozen_has_nothing_to_train() -> None:
    weight = torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    with pytest.raises(JobRefused, match="nothing to train"):
        build_optimizer("adam", [weight], 0.1, {})


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "ending", "loss"),
    [
        ("classes", "torch.nn.Linear", "cross_entropy"),
        ("classes", "torch.nn.LogSoftmax", "nll"),
        ("binary", "torch.nn.Linear", "bce_with_logits"),
        ("binary", "torch.nn.Sigmoid", "bce"),
        ("number", "torch.nn.Linear", "mse"),
    ],
)
def test_the_loss_is_suggested_from_target_and_last_layer(
    kind: str, ending: str, loss: str
) -> None:
    assert suggest_loss(kind, network_ending_with(ending)).key == loss  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss", "output", "kind", "classes", "row", "sentence"),
    [
        ("cross_entropy", ("N", 10), "classes", 10, (), None),
        ("cross_entropy", ("N", 12), "classes", 10, (), None),
        ("cross_entropy", ("N", 2), "classes", 3, (), "The target has 3 classes, but the network gives N×2"),
        ("cross_entropy", ("N",), "classes", 3, (), "Cross-entropy needs N×3, one number a class"),
        ("cross_entropy", ("N", 3, 8, 8), "classes", 3, (), "Cross-entropy needs N×3"),
        ("cross_entropy", ("2N", 3), "classes", 3, (), "one result a row, N×…"),
        ("cross_entropy", ("N", 1), "number", 0, (1,), "is not for this target, which is a number"),
        ("bce_with_logits", ("N", 1), "binary", 2, (1,), None),
        ("bce_with_logits", ("N",), "binary", 2, (1,), None),
        ("bce_with_logits", ("N", 2), "binary", 2, (1,), "Let the last layer give 1 number."),
        ("mse", ("N", 1), "number", 0, (1,), None),
        ("mse", ("N", 4), "number", 0, (1,), "the target is N×1, but the network gives N×4"),
        ("mse", ("N", 3), "classes", 3, (), "which is one of 3 classes. Choose Cross-entropy"),
    ],
)  # fmt: skip
def test_what_a_loss_says_about_an_output(
    loss: str,
    output: tuple[int | str, ...],
    kind: str,
    classes: int,
    row: tuple[int, ...],
    sentence: str | None,
) -> None:
    said = get_loss(loss).refuse(output, kind, classes, row)  # type: ignore[arg-type]
    assert said is None if sentence is None else sentence in str(said)


@pytest.mark.parametrize("key", list(losses()))
def test_every_loss_trains_on_the_target_it_prepares(key: str) -> None:
    loss = losses()[key]
    output = torch.rand(6, 3 if loss.form == "class" else 1, requires_grad=True)
    y = torch.tensor([0, 1, 0, 1, 1, 0])
    prepared = loss.prepare(
        y if loss.form == "class" else y.float().unsqueeze(1), tuple(output.shape[1:])
    )
    value = loss.build()(output, prepared)
    value.backward()
    assert value.shape == ()
    assert loss.help.endswith(".")


def test_numbers_are_never_broadcast_against_each_other() -> None:
    prepared = get_loss("mse").prepare(torch.rand(6), (1,))
    assert prepared.shape == (6, 1)


@pytest.mark.parametrize(
    ("loss", "ending", "said"),
    [
        ("cross_entropy", "torch.nn.Softmax", "Remove Softmax."),
        ("bce_with_logits", "torch.nn.Sigmoid", "Remove Sigmoid, or choose BCE."),
        ("nll", "torch.nn.Linear", "End with LogSoftmax(dim=1)"),
        ("bce", "torch.nn.Linear", "End with Sigmoid"),
        ("cross_entropy", "torch.nn.Linear", None),
    ],
)
def test_doing_the_same_twice_is_noticed(loss: str, ending: str, said: str | None) -> None:
    warning = ending_warning(get_loss(loss), network_ending_with(ending))
    assert warning is None if said is None else said in str(warning)


PASSING_ON = [
    "torch.squeeze", "torch.reshape", "torch.Tensor.view", "torch.flatten", "torch.nn.Flatten",
    "torch.unsqueeze", "torch.permute", "torch.transpose", "torch.clone", "operator.getitem",
    "torch.Tensor.contiguous", "torch.nn.Identity",
]  # fmt: skip


def followed_by(graph: Graph, target: str) -> Graph:
    """The network with one more operation or layer before its output."""
    layer = target.startswith("torch.nn.")
    node = Node(
        "then", "layer" if layer else "operation", target="t" if layer else target,
        arguments={"input": Ref("end")},
    )  # fmt: skip
    out = Node("out", "output", "out", arguments={"value": Ref("then")})
    owners = {**graph.owners, **({"t": Owner("t", "then", target)} if layer else {})}
    return replace(graph, nodes={**graph.nodes, "then": node, "out": out}, owners=owners)


def in_a_block(block: Graph) -> Graph:
    """A network that only calls a block."""
    call = Node("call", "layer", target="b", arguments={"x": Ref("x")})
    nodes = {
        "x": block.nodes["x"],
        "call": call,
        "out": Node("out", "output", "out", arguments={"value": Ref("call")}),
    }
    return Graph(nodes=nodes, owners={"b": Owner("b", "b", "block:B")}, blocks={"B": block})


@pytest.mark.parametrize("after", [*PASSING_ON, "torch.nn.Dropout"])
def test_what_only_hands_values_on_does_not_hide_the_last_layer(after: str) -> None:
    softmax = followed_by(network_ending_with("torch.nn.Softmax"), after)
    assert "Remove Softmax." in str(ending_warning(get_loss("cross_entropy"), softmax))
    (remedy,) = remove_last(softmax)
    assert (remedy.label, remedy.edit) == ("Remove Softmax", DeleteNode("end"))


@pytest.mark.parametrize("after", PASSING_ON)
def test_a_probability_that_is_reshaped_is_still_a_probability(after: str) -> None:
    sigmoid = followed_by(network_ending_with("torch.nn.Sigmoid"), after)
    assert suggest_loss("binary", sigmoid).key == "bce"
    assert suggest_loss("binary", in_a_block(sigmoid)).key == "bce"
    assert remove_last(in_a_block(sigmoid)) == ()


def test_a_dropout_after_a_sigmoid_gives_no_probabilities() -> None:
    network = followed_by(network_ending_with("torch.nn.Sigmoid"), "torch.nn.Dropout")
    assert suggest_loss("binary", network).key == "bce_with_logits"
    said = str(ending_warning(get_loss("bce_with_logits"), network))
    assert said.endswith("this loss applies a sigmoid itself. Remove Sigmoid.")
    assert "Remove that Dropout." in str(ending_warning(get_loss("bce"), network))


def test_a_block_that_hands_on_what_it_gets_leaves_the_last_layer_before_it() -> None:
    network = network_ending_with("torch.nn.Sigmoid")
    inner = Graph(
        nodes={
            "i": Node("i", "input", "i"),
            "o": Node("o", "output", "o", arguments={"value": Ref("i")}),
        }
    )
    nodes = {
        **network.nodes,
        "then": Node("then", "layer", target="b", arguments={"i": Ref("end")}),
        "out": Node("out", "output", "out", arguments={"value": Ref("then")}),
    }
    owners = {**network.owners, "b": Owner("b", "b", "block:B")}
    network = replace(network, nodes=nodes, owners=owners, blocks={"B": inner})
    assert suggest_loss("binary", network).key == "bce"


# --- figures --------------------------------------------------------------------------------------


def figures(key: str, output: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    found = metric_set(key)
    halves = [found.sums(output[i : i + 2], y[i : i + 2]) for i in range(0, len(y), 2)]
    return found.figures(sum(halves[1:], halves[0]).tolist())


def test_accuracy_is_the_share_of_right_answers() -> None:
    output = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [0.0, 9.0]])
    assert figures("classes", output, torch.tensor([0, 0, 0, 1])) == {"accuracy": 0.75}
    scores = torch.tensor([[-1.0], [1.0], [0.2], [-0.2]])
    assert figures("logits", scores, torch.tensor([[0.0], [1.0], [0.0], [0.0]])) == {
        "accuracy": 0.75
    }
    assert figures("probabilities", scores, torch.tensor([[0.0], [1.0], [1.0], [1.0]])) == {
        "accuracy": 0.5
    }


def test_errors_of_numbers() -> None:
    found = figures(
        "numbers",
        torch.tensor([[1.0], [2.0], [3.0], [6.0]]),
        torch.tensor([[1.0], [2.0], [3.0], [4.0]]),
    )
    assert found["mae"] == 0.5
    assert found["rmse"] == 1.0
    assert found["r2"] == pytest.approx(0.2)  # 1 - 4 / 5
    assert metric("mae").title == "Mean absolute error"


def test_r2_is_the_mean_over_the_columns() -> None:
    y = torch.tensor([[0.0, 100.0], [1.0, 200.0], [2.0, 300.0], [3.0, 400.0]])
    output = torch.tensor([[1.5, 100.0], [1.5, 200.0], [1.5, 300.0], [1.5, 400.0]])
    found = figures("numbers", output, y)
    assert found["r2"] == pytest.approx(0.5)  # 0 for the mean itself, 1 for what is met exactly
    assert found["r2"] == pytest.approx(r2_score(y, output))
    assert found["mae"] == pytest.approx(0.5)  # (1.5 + 0.5 + 0.5 + 1.5) / 8
    assert found["rmse"] == pytest.approx(0.625**0.5)  # (2.25 + 0.25 + 0.25 + 2.25) / 8


@pytest.mark.parametrize(("given", "r2"), [(0.1, 1.0), (0.2, 0.5)])
def test_a_constant_column_counts_as_scikit_learn_counts_it(given: float, r2: float) -> None:
    y = torch.tensor([[0.0, 0.1], [1.0, 0.1], [2.0, 0.1]])
    output = torch.tensor([[0.0, given], [1.0, given], [2.0, given]])
    assert figures("numbers", output, y)["r2"] == pytest.approx(r2)
    assert r2_score(y, output) == pytest.approx(r2)


def test_pictures_are_measured_pixel_by_pixel() -> None:
    y, output = torch.rand(6, 1, 2, 2), torch.rand(6, 1, 2, 2)
    expected = r2_score(y.flatten(1), output.flatten(1))
    assert figures("numbers", output, y)["r2"] == pytest.approx(expected, rel=1e-4)


def test_a_constant_target_has_no_r2() -> None:
    found = figures("numbers", torch.zeros(2, 1), torch.ones(2, 1))
    assert math.isnan(found["r2"])


def test_the_cause_of_a_divergence_is_named() -> None:
    assert "The inputs reach 5e+03: standardise them" in Divergence(0.001, 0.001, 5000.0)._causes()
    assert "Try a learning rate of 0.0001" in Divergence(0.001, 0.001, 1.0)._causes()


@pytest.mark.parametrize(
    "chosen",
    [
        *({name: [1]} for name in GENERAL),
        *({name: {"a": 1}} for name in GENERAL),
        *({name: None} for name in GENERAL if name != "lr"),
        {"lr": 10**400},
        {"lr": True},
        {"eps": 10**400},
        {"eps": [1]},
        {"cls": 1},
        {"options": {"eps": 1}},
        [1],
    ],
    ids=str,
)
def test_a_value_of_any_other_type_is_a_sentence_too(chosen: Any) -> None:
    with pytest.raises(JobRefused, match=r"\.$|given"):
        TrainingSettings.from_json(chosen)


def test_settings_made_by_hand_are_checked_as_well() -> None:
    for name in GENERAL:
        assert TrainingSettings(**{name: [1]}).refuse(), name


# --- settings from a stranger's file --------------------------------------------------------------


def usable(stored: dict[str, Any]) -> tuple[dict[str, Any], str]:
    settings, said = TrainingSettings.usable(stored)
    assert settings.refuse() is None
    return settings.to_json(), " ".join(said)


def test_settings_that_can_be_used_stay_beside_those_that_cannot() -> None:
    assert usable({"epochs": "x", "batch_size": -5, "optimizer": "sgd", "momentum": 0.9}) == (
        {"optimizer": "sgd", "momentum": 0.9},
        "The batch size is a whole number from 1 to 1000000, but “-5” was given. “32” is used. "
        "The number of epochs is a whole number from 1 to 1000000, but “x” was given. “20” is used.",
    )


@pytest.mark.parametrize(
    ("stored", "left", "words"),
    [
        ({"epochs": 10**30}, {}, "“20” is used"),
        ({"lr": math.nan, "seed": 3}, {"seed": 3}, "“0.001” is used"),
        (
            {"optimizer": ["__class__"], "lr": 0.5, "epochs": 3},
            {"epochs": 3},
            "Adam with its usual",
        ),
        ({"optimizer": "sgdd", "momentum": 0.9}, {}, "Did you mean “sgd”? Adam with its usual"),
        ({"__init__": 1, "x": 2, "epochs": 3}, {"epochs": 3}, "no setting “__init__” and 1 more"),
        ({"optimizer": "sgd", "nesterov": True}, {"optimizer": "sgd"}, "“False” is used"),
        ({"loss": {"a": []}, "goal": [], "device": 5}, {}, "“auto” is used"),
    ],
)
def test_what_cannot_be_used_is_told_with_what_stands_instead(
    stored: dict[str, Any], left: dict[str, Any], words: str
) -> None:
    kept, said = usable(stored)
    assert kept == left
    assert words in said


def test_many_unknown_settings_are_told_as_one() -> None:
    assert len(usable({f"x{i}": i for i in range(50_000)})[1]) < 200
