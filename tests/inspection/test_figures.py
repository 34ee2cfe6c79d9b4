"""Figures show the numbers they were given, with named axes, and never read a name as markup."""

from __future__ import annotations

import numpy as np
import pytest

from builder.inspection import figures, theme
from builder.inspection.figures import Curve


def test_a_curve_keeps_its_points_and_its_gap() -> None:
    figure = figures.curves([Curve("train", [1, 2, 3], [0.5, None, 0.25])], y_title="Loss")

    line = figure.data[0]
    assert list(line.x) == [1, 2, 3]
    assert list(line.y) == [0.5, None, 0.25]
    assert line.line.color == theme.split_colour("train")
    assert figure.layout.xaxis.title.text == "Epoch"
    assert figure.layout.yaxis.title.text == "Loss"


def test_infinity_and_nan_leave_gaps() -> None:
    figure = figures.curves(
        [Curve("validation", [1, 2], [float("inf"), float("nan")])], y_title="Loss"
    )
    assert list(figure.data[0].y) == [None, None]


def test_a_long_curve_is_thinned_but_keeps_its_end() -> None:
    figure = figures.curves(
        [Curve("train", range(10_001), [1.0] * 10_001)], y_title="Loss", x_title="Step"
    )
    assert len(figure.data[0].x) <= figures.MOST_CURVE_POINTS + 1
    assert figure.data[0].x[-1] == 10_000


def test_an_empty_chart_can_be_drawn() -> None:
    assert figures.curves([], y_title="Loss").data == ()
    assert figures.curves([Curve("train", [], [])], y_title="Loss").data[0].x == ()


def test_runs_are_told_apart_by_colour_and_the_split_by_dash() -> None:
    lines = [Curve("train", [1], [1.0]), Curve("validation", [1], [2.0])]
    figure = figures.compare_runs({"first": lines, "second": lines}, y_title="Loss")

    first_train, first_validation, second_train, _ = figure.data
    assert first_train.line.color == first_validation.line.color != second_train.line.color
    assert first_train.line.dash == "dot" and first_validation.line.dash == "solid"


def test_a_heatmap_has_zero_in_the_middle_and_row_zero_on_top() -> None:
    figure = figures.heatmap(np.array([[1.0, -3.0]]), x_title="in", y_title="out")
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-3.0, 3.0)
    assert figure.layout.yaxis.autorange == "reversed"


def test_two_heatmaps_can_share_a_scale() -> None:
    before, after = np.array([[1.0]]), np.array([[-4.0]])
    limit = figures.largest(before, after)
    assert limit == 4.0
    drawn = [
        figures.heatmap(a, x_title="x", y_title="y", limit=limit).data[0] for a in (before, after)
    ]
    assert drawn[0].zmax == drawn[1].zmax == 4.0


def test_the_largest_of_nothing_or_of_nan_is_one() -> None:
    assert (
        figures.largest()
        == figures.largest(np.array([np.nan]))
        == figures.largest(np.zeros(3))
        == 1.0
    )


def test_a_histogram_draws_each_bin_at_its_middle() -> None:
    figure = figures.histogram({"epoch 0": (np.array([2, 5]), np.array([0.0, 1.0, 2.0]))})
    assert list(figure.data[0].x) == [0.5, 1.5]
    assert list(figure.data[0].y) == [2, 5]


@pytest.mark.parametrize("shape", [(1, 3, 3), (10, 5, 5), (8, 3, 3, 3)])
def test_a_filter_grid_has_one_picture_a_filter(shape: tuple[int, ...]) -> None:
    images = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    assert len(figures.filter_grid(images).data) == shape[0]


def test_names_stay_text() -> None:
    hostile = '<a href="javascript:alert(1)">run</a>'
    figure = figures.compare_runs({hostile: [Curve("train", [1], [1.0])]}, y_title=hostile)
    assert "<a" not in figure.to_json().replace("\\u003c", "<")


def test_a_scatter_gives_each_group_its_own_symbol() -> None:
    figure = figures.scatter(np.zeros((3, 2)), ["a", "b", "a"], x_title="x", y_title="y")
    assert [len(t.x) for t in figure.data] == [2, 1]
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
