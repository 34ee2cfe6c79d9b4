"""The sizes that follow a number that was changed in a text."""

from __future__ import annotations

import pytest

from builder import read_code
from builder.code.live import Following, let_follow, show, take
from builder.errors import CodeRefused

TEXT = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3)  # Größe
        self.norm = nn.BatchNorm2d(num_features=4 * 4)
        self.many = nn.Sequential(nn.Conv2d(16, 16, 3), nn.Conv2d(16, 32, 3))
        self.last = nn.Linear(
            32,
            width,
        )
        self.end = nn.Linear(width, 2)

    def forward(self, x):
        x = self.many(self.norm(self.first(x)))
        return self.end(self.last(x.mean((2, 3))))


net = Net()
net(torch.randn(2, 3, 12, 12))
"""


def follow(old: str, new: str) -> Following | None:
    shown = show(read_code(TEXT), "module")
    text = TEXT.replace(old, new, 1)
    shown = take(shown, TEXT).shown
    with pytest.raises(CodeRefused) as refusal:
        take(shown, text)
    return let_follow(shown, text, refusal.value)


def test_every_size_behind_the_changed_one_follows() -> None:
    found = follow("3, 16, 3)  # Größe", "3, 24, 3)  # Größe")
    assert found is not None
    assert "num_features=24)" in found.text
    assert "nn.Sequential(nn.Conv2d(24, 16, 3), nn.Conv2d(16, 32, 3))" in found.text


def test_what_is_given_by_name_or_over_lines_follows() -> None:
    found = follow("nn.Conv2d(16, 32, 3))", "nn.Conv2d(16, 40, 3))")
    assert found == Following(
        TEXT.replace("16, 32, 3))", "16, 40, 3))").replace("            32,", "            40,"),
        "Set in_features in line 12 to 40",
    )
    found = follow("num_features=4 * 4", "num_features=4 * 5")
    assert found == Following(
        TEXT.replace("num_features=4 * 4", "num_features=16"), "Set num_features in line 10 to 16"
    )


def test_several_sizes_follow_in_one_go() -> None:
    chain = TEXT.replace(
        "nn.Sequential(nn.Conv2d(16, 16, 3), nn.Conv2d(16, 32, 3))", "nn.Conv2d(16, 32, 3)"
    )
    shown = show(read_code(chain), "module")
    shown = take(shown, chain).shown
    text = chain.replace("3, 16, 3)  # Größe", "3, 24, 3)  # Größe")
    with pytest.raises(CodeRefused) as refusal:
        take(shown, text)
    found = let_follow(shown, text, refusal.value)
    assert found and found.title == "Let 2 sizes follow, in lines 10, 11"
    assert "num_features=24)" in found.text and "nn.Conv2d(24, 32, 3)" in found.text
    assert take(shown, found.text).label.startswith("code: first out_channels 16 → 24")


def test_a_number_with_a_name_is_left_to_the_person() -> None:
    assert follow("            width,\n        )", "            width + 1,\n        )") is None
