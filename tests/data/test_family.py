"""Every registered set is enrolled: it has a card, loads, splits, and comes out the same twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from builder.data import (
    Card,
    Columns,
    DataChoice,
    Option,
    Samples,
    Source,
    Target,
    card_of,
    cards,
    load_dataset,
    register,
)
from builder.data.registry import unregister
from builder.errors import DataRefused, NotFound
from builder.graph.model import TensorSpec

KEYS = tuple(cards())
GENERATED = tuple(key for key in KEYS if card_of(key).family == "generated")


def test_the_promised_sets_are_there() -> None:
    measured = {"iris", "wine", "breast_cancer", "digits", "diabetes"}
    drawn = {"moons", "circles", "blobs", "spirals", "xor", "line", "sine"}
    assert measured | drawn <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_card_says_what_a_person_must_know(key: str) -> None:
    card = card_of(key)
    assert card.key == key
    facts = dict(card.facts)
    assert {"Rows", "Input", "Target", "Units", "Origin", "Licence"} <= set(facts)
    assert card.target.kind == "number" or len(set(card.target.names)) == card.target.count >= 2


@pytest.mark.parametrize("key", KEYS)
def test_a_card_tells_the_truth_about_the_tensors(key: str) -> None:
    card, data = card_of(key), load_dataset(key)
    assert data.rows == card.rows
    assert data.input_spec == card.spec
    assert data.target == card.target
    assert data.features == card.features
    for part in (data.train, data.validation, data.test):
        assert part.x.dtype == torch.float32
        assert part.x.isfinite().all()
        assert len(part.x) == len(part.y) > 0
        if card.target.kind == "classes":
            assert part.y.dtype == torch.int64
            assert part.y.ndim == 1
            assert 0 <= part.y.min() <= part.y.max() < card.target.count
        else:
            assert part.y.dtype == torch.float32
            assert part.y.shape == (len(part.x), 1)


@pytest.mark.parametrize("key", KEYS)
def test_the_same_choice_gives_the_same_bytes(key: str) -> None:
    first, again = load_dataset(key), load_dataset(DataChoice.from_json(DataChoice(key).to_json()))
    for one, other in zip(
        (*first.train, *first.validation, *first.test),
        (*again.train, *again.validation, *again.test),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("key", KEYS)
def test_a_preview_is_a_table_with_the_target_in_it(key: str) -> None:
    data = load_dataset(key)
    table = data.preview(5)
    assert len(table) == 5
    assert data.target.name in table.columns


@pytest.mark.parametrize("key", GENERATED)
def test_size_noise_and_seed_of_drawn_sets(key: str) -> None:
    calm = load_dataset(key, options={"n": 40, "noise": 0.0, "seed": 1})
    assert calm.rows == 40
    noisy = load_dataset(key, options={"n": 40, "noise": 0.5, "seed": 1})
    other = load_dataset(key, options={"n": 40, "noise": 0.0, "seed": 2})
    calm_all = torch.cat([calm.train.x.flatten(), calm.train.y.flatten().float()])
    for changed in (noisy, other):
        changed_all = torch.cat([changed.train.x.flatten(), changed.train.y.flatten().float()])
        assert not torch.equal(calm_all, changed_all)


@pytest.mark.parametrize("key", ["blobs", "spirals"])
def test_the_number_of_classes_can_be_chosen(key: str) -> None:
    data = load_dataset(key, options={"classes": 5})
    assert data.target.count == 5
    assert set(data.train.y.tolist()) == {0, 1, 2, 3, 4}


def test_a_line_without_noise_is_two_x_plus_one() -> None:
    data = load_dataset("line", options={"noise": 0.0})
    assert torch.allclose(data.train.y, 2 * data.train.x + 1)


def test_iris_starts_as_fisher_wrote_it() -> None:
    first = load_dataset("iris").preview(1).iloc[0].tolist()
    assert first == [5.1, 3.5, 1.4, 0.2, "setosa"]


def test_breast_cancer_keeps_the_class_numbers_of_scikit_learn() -> None:
    data = load_dataset("breast_cancer")
    assert data.target.names == ("malignant", "benign")
    everyone = torch.cat([data.train.y, data.validation.y, data.test.y])
    assert int((everyone == 0).sum()) == 212


def test_digits_are_pictures_or_flat_rows_of_the_same_ink() -> None:
    pictures = load_dataset("digits", standardise=False)
    flat = load_dataset("digits", options={"layout": "flat"}, standardise=False)
    cut = load_dataset("digits", shape=(64,), standardise=False)
    assert pictures.input_spec == TensorSpec(("N", 1, 8, 8))
    assert flat.input_spec == cut.input_spec == TensorSpec(("N", 64))
    assert torch.equal(pictures.train.x.flatten(1), flat.train.x)
    assert torch.equal(cut.train.x, flat.train.x)
    assert pictures.train.x.max() == 1.0


def test_two_classes_can_be_one_number() -> None:
    data = load_dataset("moons", task="binary")
    assert data.target.kind == "binary"
    assert data.target.width == 1
    assert data.train.y.shape == (350, 1)
    assert set(data.train.y.flatten().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"choice": "moons", "options": {"n": 5}}, "between 10 and 20,000"),
        ({"choice": "moons", "options": {"n": "many"}}, "a whole number"),
        ({"choice": "moons", "options": {"noise": float("nan")}}, "a number"),
        ({"choice": "moons", "options": {"nose": 0.1}}, "Did you mean “noise”?"),
        ({"choice": "iris", "options": {"n": 5}}, "It has none."),
        ({"choice": "digits", "options": {"layout": "round"}}, "pictures, flat"),
        ({"choice": "digits", "columns": ("pixel",)}, "no columns to choose"),
        ({"choice": "digits", "task": "number"}, "does not suit"),
        ({"choice": "digits", "shape": (8, 9)}, "64 numbers"),
        ({"choice": "iris", "columns": ("petal lenght",)}, "Did you mean “petal length”?"),
        ({"choice": "iris", "task": "binary"}, "3 classes"),
        ({"choice": "iris", "task": "number"}, "holds text such as “setosa”"),
        ({"choice": "iris", "splitt": (1.0, 0.0, 0.0)}, "Did you mean “split”?"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_words(
    arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(DataRefused) as refused:
        load_dataset(**arguments)  # type: ignore[arg-type]
    assert words in str(refused.value)


def test_a_misspelled_set_gets_the_nearest_name() -> None:
    with pytest.raises(NotFound, match="Did you mean “iris”"):
        load_dataset("irsi")


def test_a_stranger_registers_a_set_in_one_place() -> None:
    def describe(options: object) -> Card:
        return Card(
            key="stairs",
            title="Stairs",
            description="Steps",
            rows=6,
            spec=TensorSpec(("N", 2, 3)),
            target=Target("classes", "step", ("low", "high")),
            options=(Option("seed", "int", 0),),
        )

    def load(options: object) -> Samples:
        x = np.arange(36, dtype=np.float32).reshape(6, 2, 3)
        return Samples(x, np.array([0, 1] * 3))

    register(Source("stairs", describe, load))
    try:
        assert "stairs" in cards()
        data = load_dataset("stairs", split=(0.5, 0.5, 0.0))
        assert data.train.x.shape == (3, 2, 3)
        assert sorted([*data.train.y.tolist(), *data.validation.y.tolist()]) == [0, 0, 0, 1, 1, 1]
        with pytest.raises(ValueError, match="registered already"):
            register(Source("stairs", describe, load))
    finally:
        unregister("stairs")
    assert "stairs" not in cards()
    assert Columns  # what a table would be registered as
