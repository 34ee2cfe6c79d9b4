"""The colours stay apart, also for eyes that see fewer of them, and every figure wears one template."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest

from builder.catalogue.entry import Family
from builder.inspection import theme

MAIN = (
    "linear", "convolution", "pooling", "activation", "normalization",
    "dropout", "recurrent", "transformer", "embedding",
)  # fmt: skip

# Machado, Oliveira and Fernandes (2009), severity 1: normal, protan, deutan, tritan.
SIGHTS = (
    np.eye(3),
    np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
)  # fmt: skip


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    m1 = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    m2 = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return m2 @ np.cbrt(m1 @ np.clip(rgb, 0, 1))


@pytest.mark.parametrize("dark", [False, True])
def test_every_family_has_colours_that_can_be_read(dark: bool) -> None:
    for family in get_args(Family):
        colours = theme.family_colours(family, dark)
        assert contrast(colours.mark, theme.ink(dark).ground) >= 3, family
        assert contrast(colours.text, colours.fill) >= 7, family


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIGHTS, ids=["normal", "protan", "deutan", "tritan"])
def test_the_main_families_stay_apart_for_every_sight(sight: np.ndarray, dark: bool) -> None:
    seen = {f: oklab(sight @ linear(theme.family_colours(f, dark).mark)) for f in MAIN}
    closest = min(
        itertools.combinations(MAIN, 2), key=lambda p: np.linalg.norm(seen[p[0]] - seen[p[1]])
    )
    assert np.linalg.norm(seen[closest[0]] - seen[closest[1]]) > 0.09, closest


@pytest.mark.parametrize("dark", [False, True])
def test_train_and_validation_stay_apart_for_every_sight(dark: bool) -> None:
    for sight in SIGHTS:
        one, other = (
            oklab(sight @ linear(theme.split_colour(s, dark))) for s in ("train", "validation")
        )
        assert np.linalg.norm(one - other) > 0.1


def test_the_template_is_transparent_and_legible() -> None:
    for dark in (False, True):
        layout = theme.template(dark).layout
        assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert layout.font.size >= 14
        assert layout.font.color == theme.ink(dark).text


def test_mixing_half_black_on_white_gives_grey() -> None:
    assert theme.mix("#000000", "#ffffff", 0.5) == "#808080"
