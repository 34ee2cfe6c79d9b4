from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data import DataChoice
from builder.data.choice import parse_shape, split_at
from builder.errors import DataRefused

names = st.text(min_size=1, max_size=20)


@given(
    source=names,
    columns=st.none() | st.lists(names, unique=True, max_size=4).map(tuple),
    validation=st.integers(0, 45),
    test=st.integers(0, 45),
    seed=st.integers(0, 2**31 - 1),
    shape=st.none() | st.lists(st.integers(1, 99), min_size=1, max_size=4).map(tuple),
    standardise=st.none() | st.booleans(),
)
def test_a_choice_survives_json(
    source: str,
    columns: tuple[str, ...] | None,
    validation: int,
    test: int,
    seed: int,
    shape: tuple[int, ...] | None,
    standardise: bool | None,
) -> None:
    split = ((100 - validation - test) / 100, validation / 100, test / 100)
    choice = DataChoice(
        source,
        {"n": 5},
        columns=columns,
        split=split,
        split_seed=seed,
        shape=shape,
        standardise=standardise,
    )
    assert DataChoice.from_json(json.loads(json.dumps(choice.to_json()))) == choice


def test_defaults_are_left_out_of_json() -> None:
    assert DataChoice("iris").to_json() == {"source": "iris"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"split": (0.5, 0.5, 0.5)}, "add up to 1"),
        ({"split": (0.0, 0.5, 0.5)}, "training has more than 0"),
        ({"split": (1.2, -0.2, 0.0)}, "none is negative"),
        ({"split": (0.5, 0.5)}, "three shares"),
        ({"split": (float("nan"), 0.5, 0.5)}, "three shares"),
        ({"split": "abc"}, "three shares"),
        ({"split_seed": -1}, "whole number"),
        ({"split_seed": True}, "whole number"),
        ({"task": "guess"}, "auto, classes, binary, number"),
        ({"missing_numbers": "zero"}, "mean, drop"),
        ({"missing_categories": "zero"}, "own, frequent, drop"),
        ({"standardise": "yes"}, "true or false"),
        ({"shape": ()}, "one to four sizes"),
        ({"shape": (0, 8)}, "one to four sizes"),
        ({"columns": ("a", "a")}, "twice"),
        ({"columns": ("a", 3)}, "list of names"),
        ({"target": 3}, "column's name"),
        ({"options": [1]}, "options"),
        ({"source": ""}, "by its name"),
    ],
)
def test_a_field_that_cannot_be_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(DataRefused) as refused:
        DataChoice.from_json({"source": "iris", **fields})
    assert words in str(refused.value)


@pytest.mark.parametrize("data", [None, [], "iris", {}, {"source": 3}])
def test_json_that_is_no_choice_is_refused(data: object) -> None:
    with pytest.raises(DataRefused, match="Choose the data again"):
        DataChoice.from_json(data)


def test_an_unknown_field_gets_the_nearest_name() -> None:
    with pytest.raises(DataRefused, match="Did you mean “split_seed”"):
        DataChoice.from_json({"source": "iris", "splitseed": 3})


@pytest.mark.parametrize("text", ["1, 28, 28", "1×28×28", "1x28x28", "(1, 28, 28)", " 1 28 28 "])
def test_a_shape_is_read_as_people_write_it(text: str) -> None:
    assert parse_shape(text) == (1, 28, 28)


def test_no_shape_is_none_and_words_are_refused() -> None:
    assert parse_shape("  ") is None
    for text in ("big", "1, -2", "1.5", "0", "1,2,3,4,5", "9" * 40):
        with pytest.raises(DataRefused):
            parse_shape(text)


def test_two_cuts_make_three_shares_that_a_choice_takes() -> None:
    assert split_at(70, 85) == (0.7, 0.15, 0.15)
    for first in range(1, 101):
        for second in range(first, 101):
            DataChoice("iris", split=split_at(first, second))
