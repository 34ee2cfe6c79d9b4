"""Pictures of data sets: every registered one has a figure and a card picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from builder.data import cards, load_dataset
from builder.inspection.samples import can_be_drawn, everything, sample_figure, telling_pair
from builder.inspection.thumbnails import thumbnail

KEYS = tuple(cards())


@pytest.mark.parametrize("key", KEYS)
def test_every_set_has_a_figure_and_a_picture_for_its_card(key: str) -> None:
    dataset = load_dataset(key)
    assert can_be_drawn(dataset)
    for dark in (False, True):
        assert len(sample_figure(dataset, dark=dark).data) >= 1
        root = ET.fromstring(thumbnail(dataset, dark))
        assert len(root) > 100
        assert len(thumbnail(dataset, dark)) < 60_000


def test_points_are_drawn_in_the_units_they_came_in() -> None:
    iris = load_dataset("iris")
    x, y = everything(iris)
    assert x.shape == (150, 4)
    assert len(y) == 150
    assert x[:, 2].min() == pytest.approx(1.0, abs=1e-4)
    assert x[:, 2].max() == pytest.approx(6.9, abs=1e-4)


def test_the_two_features_that_tell_most_about_iris_are_its_petals() -> None:
    iris = load_dataset("iris")
    assert [iris.features[i] for i in telling_pair(iris)] == ["petal length", "petal width"]


def test_the_axes_can_be_chosen() -> None:
    figure = sample_figure(load_dataset("iris"), axes=("sepal width", "petal length"))
    assert figure.layout.xaxis.title.text == "sepal width"
    assert [trace.name for trace in figure.data] == ["setosa", "versicolor", "virginica"]


def test_a_sheet_shows_one_picture_of_each_class_in_turn() -> None:
    sheet = sample_figure(load_dataset("digits")).data[0]
    tops = [str(word) for word in np.asarray(sheet.text)[0] if word]
    assert sorted(set(tops)) == [str(digit) for digit in range(10)]
