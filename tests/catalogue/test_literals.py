"""Whether a value fits its parameter, and what is said when it does not."""

from __future__ import annotations

import math

import pytest

from builder.catalogue import check_literal, get
from builder.catalogue.entry import Parameter


def parameter(key: str, name: str) -> Parameter:
    found = get(key).parameter(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        ("torch.nn.Linear", "out_features", 1),
        ("torch.nn.Linear", "bias", False),
        ("torch.nn.Conv2d", "kernel_size", 3),
        ("torch.nn.Conv2d", "kernel_size", (3, 5)),
        ("torch.nn.Conv2d", "padding", "same"),
        ("torch.nn.Conv2d", "padding", (1, 0)),
        ("torch.nn.MaxPool2d", "stride", None),
        ("torch.nn.AdaptiveAvgPool2d", "output_size", (None, 7)),
        ("torch.nn.ZeroPad2d", "padding", (-1, 0, 0, 1)),
        ("torch.nn.Dropout", "p", 1),
        ("torch.nn.BatchNorm1d", "momentum", None),
        ("torch.Tensor.masked_fill", "value", -math.inf),
        ("torch.reshape", "shape", (2, -1)),
        ("torch.reshape", "shape", (object(), -1)),  # a size known only when it runs
        ("torch.mean", "dim", (2, 3)),
        ("operator.getitem", "index", (..., 0, slice(None, 2))),
        ("torch.einsum", "equation", "ij,jk->ik"),
    ],
)
def test_a_value_that_fits_passes(key: str, name: str, value: object) -> None:
    assert check_literal(parameter(key, name), value) is None


@pytest.mark.parametrize(
    ("key", "name", "value", "sentence"),
    [
        (
            "torch.nn.Linear",
            "out_features",
            0,
            "out_features takes a whole number of at least 1; it was given 0.",
        ),
        (
            "torch.nn.Linear",
            "out_features",
            2**31,
            "out_features takes a whole number from 1 to 2147483647; it was given 2147483648.",
        ),
        (
            "torch.nn.Linear",
            "out_features",
            10**100,
            "out_features was given a whole number too large for torch (beyond 2⁶³).",
        ),
        (
            "torch.nn.Linear",
            "out_features",
            True,
            "out_features takes a whole number of at least 1; it was given True.",
        ),
        (
            "torch.nn.Linear",
            "out_features",
            "<b>ten</b>",
            "out_features takes a whole number of at least 1; it was given “<b>ten</b>”.",
        ),
        ("torch.nn.Linear", "bias", 1, "bias takes True or False; it was given 1."),
        (
            "torch.nn.Conv2d",
            "kernel_size",
            (3,),
            "kernel_size takes a whole number or 2 whole numbers, each of at least 1; "
            "it was given (3,).",
        ),
        (
            "torch.nn.Conv2d",
            "padding",
            "smae",
            "padding takes a whole number or 2 whole numbers, each of at least 0, "
            "or “valid” or “same”; it was given “smae”. Did you mean “same”?",
        ),
        (
            "torch.nn.Dropout",
            "p",
            1.5,
            "p takes a number from 0 to 1; it was given 1.5.",
        ),
        ("torch.nn.Dropout", "p", math.nan, "p takes a number from 0 to 1; it was given nan."),
        (
            "torch.nn.Linear",
            "out_features",
            None,
            "out_features takes a whole number of at least 1; it was given None.",
        ),
        (
            "torch.einsum",
            "equation",
            "ij\nimport os",
            "equation takes one line of text; it was given “ij import os”.",
        ),
        (
            "operator.getitem",
            "index",
            (1.5,),
            "index takes a whole number, a slice, … or a tuple of these; it was given (1.5,).",
        ),
    ],
)
def test_a_value_that_does_not_fit_gets_one_clear_sentence(
    key: str, name: str, value: object, sentence: str
) -> None:
    assert check_literal(parameter(key, name), value) == sentence


def test_a_very_long_value_is_not_repeated_in_full() -> None:
    for value in ("x" * 100_000, tuple(range(100_000)), 10**5000, (10**5000, 1)):
        sentence = check_literal(parameter("torch.nn.Conv2d", "kernel_size"), value)
        assert sentence is not None and len(sentence) < 250
