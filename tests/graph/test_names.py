"""Names that a layer may carry, and the ones proposed instead."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from builder.errors import ProjectRefused
from builder.graph.names import (
    MAX_NAME,
    class_name,
    name_for,
    names_in,
    refuse_name,
    safe_identifier,
    suggest_name,
)
from builder.graph.validate import validate
from tests.code.networks import chain


@pytest.mark.parametrize(
    "name", ["fc1", "conv_1", "encoder", "x", "T", "é", "日本", "0", "12", "_a"]
)
def test_names_that_may_be_used(name: str) -> None:
    assert refuse_name(name) is None


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("forward", "forward_"),
        ("train", "train_"),
        ("class", "class_"),
        ("match", "match_"),
        ("torch", "torch_"),
        ("self", "self_"),
        ("append", "append_"),  # an attribute of nn.Sequential
        ("x; import os", "x_import_os"),
        ("ﬁx", "fix"),  # the ligature; Python reads it as fix
        ("1a", "layer_1a"),
        ("01", "layer_01"),
        ("__hidden", "hidden"),
        ("a b", "a_b"),
        ("  ", "layer"),
        ("a..b", "a.b"),  # a place in containers
        ("heads.forward", "heads.forward_"),
        ("0.fc", "layer_0.fc"),
        ("fc1.x", "fc1_x"),  # fc1 is a layer, no container
        ("layers.0", "layers_0"),
        ("layers", "layers2"),  # the container of layers.0
        (".", "layer"),
        ("{x}", "x"),
        ("fc1", "fc2"),
        ("0", "1"),
    ],
)
def test_a_refused_name_comes_with_one_that_would_do(name: str, proposed: str) -> None:
    taken = {"fc1", "0", "layers", "layers.0"}
    sentence = refuse_name(name, taken)
    assert sentence is not None and f"“{proposed}”" in sentence
    assert refuse_name(proposed, taken) is None


def test_a_layer_stands_beside_those_of_its_container() -> None:
    assert refuse_name("layers.1", {"layers", "layers.0"}) is None
    assert refuse_name("layers.0.fc", {"layers", "layers.0"}) is not None


def test_a_container_and_a_layer_have_no_name_in_common() -> None:
    for names in (("fc.x", "fc"), ("fc", "fc.x"), ("a.b.c", "a.b")):
        graph = chain(*((name, "Linear", {"out_features": 4}) for name in names))
        with pytest.raises(ProjectRefused, match=r"[Ss]tand inside"):
            validate(graph)
    validate(chain(*((name, "Linear", {"out_features": 4}) for name in ("fc.x", "fc.y"))))


def test_a_new_layer_is_not_named_as_a_container() -> None:
    graph = chain(("linear1.x", "Linear", {"out_features": 4}))
    assert name_for("torch.nn.Linear", names_in(graph)) == "linear2"


def test_a_name_is_needed() -> None:
    assert refuse_name("") == "A name is needed, such as “fc1”."


def test_a_long_name_is_refused_with_the_numbers() -> None:
    assert refuse_name("a" * 64) is None
    assert "65 characters of at most 64" in str(refuse_name("a" * 65))


def test_digits_are_names_of_layers_only() -> None:
    assert refuse_name("3") is None
    assert refuse_name("3", digits=False) is not None


def test_every_attribute_of_a_module_and_every_keyword_is_refused() -> None:
    for name in (*dir(nn.Module()), *dir(nn.Sequential()), *keyword.kwlist, *keyword.softkwlist):
        assert refuse_name(name) is not None, name


@pytest.mark.parametrize(
    ("target", "first", "second"),
    [
        ("torch.nn.Linear", "linear1", "linear2"),
        ("torch.nn.Conv2d", "conv1", "conv2"),
        ("torch.nn.MaxPool2d", "pool1", "pool2"),
        ("torch.nn.BatchNorm1d", "bn1", "bn2"),
        ("torch.nn.ReLU", "relu1", "relu2"),
        ("torch.nn.LeakyReLU", "leaky_relu1", "leaky_relu2"),
        ("torch.nn.PReLU", "prelu1", "prelu2"),
        ("torch.nn.ReLU6", "relu6_1", "relu6_2"),
        ("torch.nn.LSTM", "lstm1", "lstm2"),
        ("torch.nn.MultiheadAttention", "attention1", "attention2"),
        ("torch.cat", "cat1", "cat2"),
        ("operator.add", "add1", "add2"),
        ("operator.and_", "and1", "and2"),
        ("torch.nn.functional.max_pool2d", "max_pool1", "max_pool2"),
        ("block:DoubleConv", "double_conv1", "double_conv2"),
    ],
)
def test_new_nodes_are_named_as_people_name_them(target: str, first: str, second: str) -> None:
    assert name_for(target) == first
    assert name_for(target, {first}) == second


def test_class_names_are_made_of_any_words() -> None:
    assert class_name("residual block") == "ResidualBlock"
    assert class_name("") == "Block"


@settings(deadline=None)  # the first name waits for torch
@given(st.text(max_size=90), st.sets(st.sampled_from(["fc1", "layer", "a", "layer1"])))
def test_any_text_gives_a_name_that_can_be_used(text: str, taken: set[str]) -> None:
    assert refuse_name(safe_identifier(text)) is None
    assert refuse_name(suggest_name(text, taken), taken) is None
    assert refuse_name(class_name(text), digits=False) is None
    assert len(safe_identifier(text)) <= MAX_NAME
    sentence = refuse_name(text, taken)
    assert sentence is None or "\n" not in sentence
