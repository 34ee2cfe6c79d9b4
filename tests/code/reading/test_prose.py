"""Code copied with the page around it, with fences half closed, or without its indentation."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from builder.graph.model import Setting

NET = """import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(x)
"""
PAGE = f"""
Okay, let's define the following network, as you've seen:
torch.nn.Linear
): a densely connected layer.
{NET}
Output:

Net(
  (fc): Linear(in_features=8, out_features=4, bias=True)
)
Here's a picture of it.
"""
FLAT = """import torch.nn as nn
class Net(nn.Module):
def __init__(self, width):
# Call the parent class
super().__init__()
self.fc = nn.Linear(
8, width)
self.out = nn.Linear(width, 2)
def forward(self, x):
x = self.fc(x)
return self.out(x)
# Make it
model = Net(5)
print(model)
"""


@pytest.mark.parametrize(
    "text", [PAGE, f"```python\n{NET}", f"~~~\n{NET}\n~~~\n", f"Text\n```\n{NET}```"]
)
def test_what_stands_around_code_is_left_out(text: str) -> None:
    assert [o.target for o in read_here(text).graph.owners.values()] == ["torch.nn.Linear"]


def test_lines_left_out_are_told() -> None:
    assert read_here(PAGE).assumptions[0] == "7 lines are left out, being no Python."


def test_lost_indentation_of_a_class_is_found_again_and_told() -> None:
    read = read_here(FLAT)
    assert [o.arguments["out_features"] for o in read.graph.owners.values()] == [
        Setting("width"),
        2,
    ]
    assert read.graph.settings == {"width": 5}
    assert read.target == "Net(5)"
    assert "The indentation of “Net” was lost" in read.assumptions[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (NET.replace("nn.Linear(8, 4)", "nn.Linear(8 4)"), 7),
        (NET.replace("        return", "      return self.fc(x)\n        return"), 11),
        (FLAT.replace("x = self.fc(x)", "if x.mean() > 0:\nx = self.fc(x)"), 3),
    ],
)
def test_a_mistake_in_code_is_no_sentence(text: str, line: int) -> None:
    with pytest.raises(CodeRefused) as refused:
        read_here(text)
    assert refused.value.line == line


def test_pythons_indentation_error_is_said_in_our_words() -> None:
    with pytest.raises(CodeRefused) as refused:
        read_here(FLAT.replace("x = self.fc(x)", "if x.mean() > 0:\nx = self.fc(x)"))
    assert "it may have been lost in copying" in str(refused.value)
