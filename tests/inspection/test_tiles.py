"""What is shown of a tensor is what lies there, and says so when it is not all."""

from __future__ import annotations

import io

import numpy as np
import pytest

from builder.errors import InspectionRefused
from builder.inspection import export
from builder.inspection.export import to_csv, to_npy
from builder.inspection.tiles import as_matrix, filters, has_filters, table, tile


def test_a_vector_is_one_row_and_a_filter_bank_a_row_a_filter() -> None:
    assert as_matrix(np.float32(2.0)).shape == (1, 1)
    assert as_matrix(np.zeros(5)).shape == (1, 5)
    assert as_matrix(np.zeros((16, 3, 5, 5))).shape == (16, 75)


def test_a_small_tensor_is_shown_whole() -> None:
    part = tile(np.arange(6).reshape(2, 3), ("out_features", "in_features"))
    assert part.values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert part.says == ""
    assert (part.y_title, part.x_title) == ("out_features", "in_features")


def test_a_big_tensor_is_shown_in_part_and_says_which() -> None:
    part = tile(np.arange(100).reshape(10, 10), first_row=4, first_column=7, rows=3, columns=2)
    assert part.values.tolist() == [[47, 48], [57, 58], [67, 68]]
    assert part.says == "Shown are rows 4 to 6 of 10 and columns 7 to 8 of 10."


def test_a_place_outside_is_moved_inside() -> None:
    part = tile(np.arange(100).reshape(10, 10), first_row=99, first_column=-5, rows=3, columns=2)
    assert (part.first_row, part.first_column) == (7, 0)


def test_a_table_is_numbered_as_the_whole_tensor() -> None:
    frame = table(tile(np.arange(100).reshape(10, 10), first_row=4, rows=2, columns=2))
    assert list(frame.index) == [4, 5]
    assert frame.loc[5, "1"] == 51


def test_a_filter_goes_from_its_own_darkest_to_its_own_brightest() -> None:
    shown = filters(np.array([[[[1.0, 3.0], [2.0, 1.0]]], [[[10.0, 10.0], [10.0, 10.0]]]]))
    assert shown.images[0].tolist() == [[0.0, 1.0], [0.5, 0.0]]
    assert shown.images[1].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_two_epochs_of_a_filter_share_their_scale() -> None:
    before = np.array([[[[0.0, 1.0]]]])
    after = np.array([[[[0.0, 4.0]]]])
    assert filters(before, scaled_with=after).images[0].tolist() == [[0.0, 0.25]]
    assert filters(after, scaled_with=before).images[0].tolist() == [[0.0, 1.0]]


def test_three_channels_are_colours_and_more_are_averaged_or_chosen() -> None:
    assert filters(np.zeros((4, 3, 5, 5))).images.shape == (4, 5, 5, 3)
    values = np.stack([np.zeros((2, 2)), np.ones((2, 2)) * [[0, 2]]])[None]
    assert filters(values).says == "The mean of 2 input channels."
    assert filters(values, channel=1).images[0].tolist() == [[0.0, 1.0], [0.0, 1.0]]


def test_many_filters_say_how_many_are_shown() -> None:
    assert filters(np.zeros((100, 1, 3, 3))).says == "The first 64 of 100 filters."


def test_filters_of_one_and_three_dimensions_have_pictures() -> None:
    assert filters(np.zeros((4, 2, 7))).images.shape == (4, 2, 7)
    assert filters(np.zeros((4, 1, 3, 5, 5))).images.shape == (4, 5, 5)


def test_a_filter_of_nan_is_grey() -> None:
    assert filters(np.full((1, 1, 2, 2), np.nan)).images[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_only_convolutions_have_filters() -> None:
    assert has_filters(np.zeros((4, 1, 3, 3)), "convolution")
    assert not has_filters(np.zeros(4), "convolution")
    assert not has_filters(np.zeros((4, 4)), "linear")


def test_csv_gives_every_number_back_exactly() -> None:
    values = np.random.default_rng(0).normal(size=(3, 2, 2)).astype(np.float32)
    text = to_csv(values, "conv.weight")
    assert text.startswith(b"# conv.weight, shape (3, 2, 2)")
    back = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.float32)
    assert (back == values.reshape(3, 4)).all()


def test_npy_gives_shape_and_dtype_back() -> None:
    values = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    back = np.load(io.BytesIO(to_npy(values)), allow_pickle=False)
    assert back.dtype == np.float16 and (back == values).all()


def test_a_csv_of_too_many_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_NUMBERS_IN_CSV", 3)
    with pytest.raises(InspectionRefused, match="holds 4 numbers"):
        to_csv(np.zeros(4), "fc1.weight")
