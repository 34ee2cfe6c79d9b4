"""Statistics equal torch's own, histograms count every value, and a tensor that moved says how far."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from builder.inspection import statistics as stats
from builder.inspection.statistics import change, histograms, statistics


def test_the_statistics_of_a_small_tensor_by_hand() -> None:
    found = statistics(np.array([[3.0, -4.0], [0.0, 1.0]], dtype=np.float32))

    assert (found.count, found.mean, found.minimum, found.maximum) == (4, 0.0, -4.0, 3.0)
    assert found.norm == pytest.approx(26**0.5)
    assert found.zeros == 0.25
    assert found.deviation == pytest.approx((26 / 3) ** 0.5)


def test_they_equal_torch() -> None:
    value = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    found = statistics(value.numpy())
    assert found.mean == pytest.approx(value.double().mean().item())
    assert found.deviation == pytest.approx(value.double().std().item())
    assert found.norm == pytest.approx(value.double().norm().item())


def test_a_single_number_has_no_deviation() -> None:
    assert statistics(np.array(2.0)).deviation is None


def test_an_empty_tensor_has_nothing_to_sum_up() -> None:
    found = statistics(np.zeros((0, 3)))
    assert found.count == 0 and found.mean is None


def test_what_is_not_finite_is_counted_apart() -> None:
    found = statistics(np.array([1.0, np.nan, np.inf]))
    assert (found.not_finite, found.mean, found.maximum) == (2, 1.0, 1.0)


def test_histograms_share_their_bins_and_count_everything() -> None:
    counted, note = histograms(
        {"before": np.array([0.0, 1.0]), "after": np.array([4.0, 4.0, 2.0])}, bins=4
    )
    assert counted["before"][0].tolist() == [1, 1, 0, 0]
    assert counted["after"][0].tolist() == [0, 0, 1, 2]
    assert counted["before"][1].tolist() == counted["after"][1].tolist() == [0, 1, 2, 3, 4]
    assert note == ""


def test_a_constant_tensor_has_a_histogram() -> None:
    counted, _ = histograms({"bias": np.zeros(5)})
    assert counted["bias"][0].sum() == 5


def test_nothing_finite_gives_an_empty_histogram() -> None:
    counted, _ = histograms({"bias": np.array([np.nan])})
    assert counted["bias"][0].sum() == 0


def test_a_big_tensor_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "MOST_COUNTED", 10)
    counted, note = histograms({"weight": np.arange(100.0)})
    assert counted["weight"][0].sum() == 10
    assert note == "Counted over 10 evenly spaced values of 100."


def test_change_is_measured_against_where_it_began() -> None:
    assert change(np.array([3.0, 8.0]), np.array([3.0, 4.0])) == pytest.approx(4 / 5)
    assert change(np.array([1.0]), np.array([0.0])) is None
    assert change(np.array([1.0]), None) is None
    assert change(np.zeros(2), np.zeros(3)) is None


def test_what_changed_is_said_in_one_sentence_with_its_place() -> None:
    before, now = np.array([[0.0, 0.5], [1.0, -1.0]]), np.array([[0.0, 0.5], [1.0, -3.0]])
    assert stats.change_words(now, before) == (
        "Since epoch 0 a value changed by 0.5 on average (mean |Δ|), most at [1, 1]: −1 → −3."
    )
    assert stats.change_words(now, now) == "Nothing changed since epoch 0."
    lost = np.array([[np.nan, 0.5], [1.0, -1.0]])
    assert stats.change_words(lost, before) == "Nothing changed since epoch 0."
    assert stats.change_words(now, before[0]) == ""
