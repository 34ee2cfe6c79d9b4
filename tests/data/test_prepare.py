from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from builder.data import Card, Columns, DataChoice, Dataset, Target
from builder.data.dataset import build_dataset
from builder.errors import DataRefused
from builder.graph.model import TensorSpec

LETTERS = ["a", "b"] * 10
NUMBERS = [float(i) for i in range(20)]


def dataset(held: dict[str, object], goal: str = "y", **fields: object) -> Dataset:
    table = pa.table(held)
    card = Card(
        "upload:test",
        "test.csv",
        "",
        table.num_rows,
        TensorSpec(("N", table.num_columns - 1)),
        Target("number", goal),
        family="upload",
    )
    choice = DataChoice("upload:test", **{"standardise": False, **fields})  # type: ignore[arg-type]
    return build_dataset(choice, card, Columns(table, goal))


def everything(data: Dataset) -> list[list[float]]:
    rows = [row for part in (data.train, data.validation, data.test) for row in part.x.tolist()]
    return sorted(rows)


def said(data: Dataset, words: str) -> bool:
    return any(words in note for note in data.notes)


def test_texts_become_columns_of_0_and_1() -> None:
    data = dataset({"color": ["red", "blue"] * 10, "y": NUMBERS})
    assert data.features == ("color = blue", "color = red")
    assert everything(data) == [[0.0, 1.0]] * 10 + [[1.0, 0.0]] * 10
    assert said(data, "“color” holds text and becomes 2 columns of 0 and 1: “blue”, “red”.")


def test_a_hole_gets_the_mean_of_the_training_part_only() -> None:
    x = [None, *NUMBERS[1:]]
    data = dataset({"x": x, "y": [i + 0.5 for i in NUMBERS], "z": NUMBERS}, columns=("z", "x"))
    filled = dict(everything(data))[0.0]
    known = [row[1] for row in data.train.x.tolist() if row[0] != 0.0]
    assert filled == pytest.approx(float(np.mean(known)))
    assert said(data, "“x” has 1 missing value: the training mean")


def test_rows_with_holes_can_be_left_out() -> None:
    data = dataset({"x": [None, None, *NUMBERS[2:]], "y": LETTERS}, missing_numbers="drop")
    assert data.rows == 18
    assert said(data, "2 rows with missing values are left out; 18 stay.")


@pytest.mark.parametrize(
    ("policy", "features"),
    [("own", ("c = p", "c = q", "c = missing")), ("frequent", ("c = p", "c = q"))],
)
def test_missing_texts_are_a_category_or_the_most_frequent(
    policy: str, features: tuple[str, ...]
) -> None:
    texts = [None, *["p"] * 15, *["q"] * 4]
    data = dataset({"c": texts, "y": LETTERS}, missing_categories=policy)
    assert data.features == features
    assert said(data, "“c” has 1 missing value")
    assert all(sum(row) == 1.0 for row in everything(data))


def test_infinite_values_count_as_missing() -> None:
    data = dataset({"x": [float("inf"), 1e300, *NUMBERS[2:]], "y": LETTERS})
    assert said(data, "“x” has 2 values that are infinite or too big for float32")
    assert data.train.x.isfinite().all()


def test_booleans_are_0_and_1_and_dates_are_years_since_2000() -> None:
    days = [datetime.date(2000, 1, 1)] * 10 + [datetime.date(2010, 1, 1)] * 10
    data = dataset({"flag": [True, False] * 10, "day": days, "y": NUMBERS})
    assert {row[0] for row in everything(data)} == {0.0, 1.0}
    assert sorted({round(row[1], 1) for row in everything(data)}) == [0.0, 10.0]
    assert said(data, "“day” holds dates: they count as years since 2000.")


def test_empty_columns_and_free_text_are_left_out_and_told() -> None:
    data = dataset(
        {
            "nothing": pa.nulls(120),
            "essay": [f"text {i}" for i in range(120)],
            "x": [float(i) for i in range(120)],
            "y": LETTERS * 6,
        }
    )
    assert data.features == ("x",)
    assert said(data, "“nothing” is empty in every row: left out.")
    assert said(data, "“essay” holds 120 different texts")


def test_a_text_target_becomes_classes_in_the_order_of_the_alphabet() -> None:
    data = dataset({"x": NUMBERS, "y": ["wolf", "cat"] * 10})
    assert data.target == Target("classes", "y", ("cat", "wolf"))
    assert said(data, "“cat” is 0, “wolf” is 1")


def test_few_whole_numbers_are_classes_and_decimals_are_numbers() -> None:
    grades = dataset({"x": NUMBERS, "y": [3, 7, 10, 3] * 5})
    assert grades.target.names == ("3", "7", "10")
    assert said(grades, "choose the task “number”")
    assert dataset({"x": NUMBERS, "y": [i / 2 for i in range(20)]}).target.kind == "number"
    assert dataset({"x": NUMBERS, "y": [3, 7, 10, 3] * 5}, task="number").target.kind == "number"


def test_rows_without_a_target_are_left_out() -> None:
    data = dataset({"x": NUMBERS, "y": [None, *LETTERS[1:]]})
    assert data.rows == 19
    assert said(data, "1 row has no “y” and is left out.")


def test_numbers_are_standardised_by_the_training_part_and_texts_are_not() -> None:
    data = dataset({"x": NUMBERS, "c": LETTERS, "y": LETTERS}, standardise=True)
    assert float(data.train.x[:, 0].mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(data.train.x[:, 0].std(unbiased=False)) == pytest.approx(1.0, abs=1e-5)
    assert set(data.train.x[:, 1].tolist()) == {0.0, 1.0}


def test_the_input_does_not_change_with_the_seed_of_the_split() -> None:
    texts = ["rare", *["common", "usual"] * 10][:20]
    shapes = {dataset({"c": texts, "y": LETTERS}, split_seed=seed).input_spec for seed in range(6)}
    assert shapes == {TensorSpec(("N", 3))}


def test_features_can_be_cut_into_pictures() -> None:
    data = dataset({f"p{i}": NUMBERS for i in range(4)} | {"y": LETTERS}, shape=(1, 2, 2))
    assert data.input_spec == TensorSpec(("N", 1, 2, 2))
    assert data.features == ()


@pytest.mark.parametrize(
    ("columns", "fields", "words"),
    [
        ({"x": NUMBERS, "y": ["a"] * 20}, {}, "“y” is “a” in every row: there is nothing to tell"),
        ({"x": NUMBERS, "y": [0.5] * 20}, {}, "“y” is 0.5 in every row: there is nothing to learn"),
        ({"x": NUMBERS, "y": pa.nulls(20)}, {}, "“y” is empty in every row"),
        (
            {"x": NUMBERS * 2, "y": [f"name {i}" for i in range(40)]},
            {},
            "“y” holds 40 different values in 40 rows, too many to be classes",
        ),
        ({"x": NUMBERS, "y": LETTERS}, {"task": "number"}, "“y” holds text such as “a”"),
        ({"x": NUMBERS, "y": ["a", "b", "c", "a"] * 5}, {"task": "binary"}, "3 classes"),
        (
            {"x": NUMBERS, "y": [datetime.date(2020, 1, 1)] * 20},
            {},
            "“y” holds dates, which no loss can learn",
        ),
        ({"x": NUMBERS, "y": LETTERS}, {"target": "z"}, "The data has no column “z”"),
        ({"x": NUMBERS, "y": LETTERS}, {"columns": ("x", "y")}, "cannot be a feature too"),
        ({"x": pa.nulls(20), "y": LETTERS}, {}, "No column is left as a feature"),
        (
            {"x": [1.0, *[None] * 19], "w": [None, *NUMBERS[1:]], "y": LETTERS},
            {"missing_numbers": "drop"},
            "Every row has a missing value",
        ),
        ({"x": NUMBERS, "y": LETTERS}, {"shape": (2, 2)}, "A row has 1 numbers and 2×2 needs 4"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_a_way_out(
    columns: dict[str, object], fields: dict[str, object], words: str
) -> None:
    with pytest.raises(DataRefused) as refused:
        dataset(columns, **fields)
    assert words in str(refused.value)


def test_one_row_cannot_be_split() -> None:
    with pytest.raises(DataRefused, match="One row cannot be split"):
        dataset({"x": [1.0], "y": [0.5]})
