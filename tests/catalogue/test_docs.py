"""Torch's docstrings become plain text."""

from __future__ import annotations

import pytest
from torch import nn

from builder.catalogue.docs import (
    argument_help,
    first_sentence,
    plain,
    quoted_words,
    sentence_about,
)


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        (":attr:`in_channels` and :math:`C_{\\text{in}}`", "in_channels and C_in"),
        ("size :math:`H \\times W`", "size H × W"),
        (":math:`\\frac{1}{1 + x}`", "1/(1 + x)"),
        ("See :func:`~torch.nn.functional.relu`", "See relu"),
        ("the `link <https://example.com>`_ here", "the link here"),
        ("``True`` or **never**", "True or never"),
    ],
)
def test_markup_goes_and_words_stay(marked: str, text: str) -> None:
    assert plain(marked) == text


def test_the_first_sentence_skips_signatures_and_notes() -> None:
    doc = """f(input, dim=(0, 1)) -> Tensor

    .. note::
        Not this.

    Applies it, e.g. here. Then more.
    """
    assert first_sentence(doc) == "Applies it, e.g. here."
    assert first_sentence(None) == ""


def test_arguments_are_read_with_their_continuation_lines() -> None:
    said = argument_help(nn.Conv2d.__doc__)
    assert list(said)[:3] == ["in_channels", "out_channels", "kernel_size"]
    assert sentence_about(said["padding"]) == "Padding added to all four sides of the input."
    assert sentence_about(said["bias"]) == "If True, adds a learnable bias to the output."
    assert quoted_words(said["padding_mode"]) == ("zeros", "reflect", "replicate", "circular")
