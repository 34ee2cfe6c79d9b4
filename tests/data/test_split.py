from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.split import part_sizes, split_rows
from builder.data.standardise import fit_scale
from builder.errors import DataRefused

USUAL = (0.7, 0.15, 0.15)


def test_150_rows_are_104_23_and_23() -> None:
    assert part_sizes(150, USUAL) == (104, 23, 23)


@given(
    rows=st.integers(3, 400),
    validation=st.integers(0, 49),
    test=st.integers(0, 49),
    seed=st.integers(0, 99),
    classes=st.integers(0, 6),
)
def test_every_row_is_in_one_part(
    rows: int, validation: int, test: int, seed: int, classes: int
) -> None:
    shares = ((100 - validation - test) / 100, validation / 100, test / 100)
    codes = np.arange(rows) % classes if classes else None
    split = split_rows(rows, shares, seed, codes)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert [len(part) > 0 for part in parts] == [share > 0 for share in shares]


def test_every_class_has_its_share_of_every_part() -> None:
    codes = np.array([0] * 100 + [1] * 20)
    split = split_rows(120, (0.5, 0.25, 0.25), 0, codes)
    for part, want in ((split.train, 10), (split.validation, 5), (split.test, 5)):
        assert abs(int((codes[part] == 1).sum()) - want) <= 1


def test_a_class_of_one_row_is_trained_on_and_its_lack_is_told() -> None:
    codes = np.array([0] * 30 + [1])
    split = split_rows(31, USUAL, 5, codes)
    assert 30 in split.train
    assert any("validation part has no row of 1 of the 2 classes" in note for note in split.notes)


def test_another_seed_is_another_split_and_the_same_seed_the_same() -> None:
    one, same, other = (split_rows(50, USUAL, seed) for seed in (1, 1, 2))
    assert one.test.tolist() == same.test.tolist()
    assert one.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("rows", [1, 2])
def test_fewer_rows_than_parts_are_refused(rows: int) -> None:
    with pytest.raises(DataRefused, match="training and validation and test"):
        split_rows(rows, USUAL, 0)


def test_one_row_can_train_when_nothing_else_is_wanted() -> None:
    assert split_rows(1, (1.0, 0.0, 0.0), 0).train.tolist() == [0]


def test_the_training_part_gets_mean_0_and_deviation_1_by_column() -> None:
    x = np.array([[0.0, 10.0], [2.0, 30.0]], np.float32)
    scale = fit_scale(x)
    assert scale.mean == (1.0, 20.0)
    assert scale.deviation == (1.0, 10.0)
    assert scale.apply(x).tolist() == [[-1.0, -1.0], [1.0, 1.0]]


def test_a_constant_becomes_zero_and_stays_finite() -> None:
    x = np.full((5, 1), 0.1, np.float32)
    assert np.abs(fit_scale(x).apply(x)).max() < 1e-6


def test_pictures_are_scaled_by_channel_and_one_hot_columns_not_at_all() -> None:
    pictures = np.zeros((2, 3, 4, 4), np.float32)
    assert len(fit_scale(pictures).mean) == 3
    mixed = np.array([[5.0, 1.0], [7.0, 0.0]], np.float32)
    assert fit_scale(mixed, keep=(False, True)).apply(mixed)[:, 1].tolist() == [1.0, 0.0]
