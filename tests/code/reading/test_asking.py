"""What a person is told and may say: the networks of a text, its inputs in one field, the line refused."""

from __future__ import annotations

import json

import pytest

from builder.code.reading import read_here
from builder.code.reading.asking import split_inputs, write_inputs
from builder.code.reading.inputs import parse_inputs
from builder.code.reading.source import notebook, place_of
from builder.errors import CodeRefused
from builder.graph.model import TensorSpec

HEAD = "import torch\nfrom torch import nn\n"
PAIR = (
    HEAD
    + """
class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return self.fc(x)

class Config:
    width = 4

class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = Part()

    def forward(self, x):
        return self.part(x)

critic = nn.Sequential(nn.Linear(4, 1))
"""
)


def test_the_networks_of_a_text_are_told_parts_last_and_each_can_be_meant() -> None:
    choices = read_here(PAIR).choices
    assert choices == ("Generator", "critic", "Part")
    for name in choices:
        assert read_here(PAIR, name).choices == choices


def test_a_refusal_tells_them_too_and_quotes_its_line() -> None:
    with pytest.raises(CodeRefused) as caught:
        read_here(PAIR.replace("nn.Linear(4, 4)", "nn.Linear(4, four)"), "Generator")
    assert caught.value.code == "self.fc = nn.Linear(4, four)"
    assert caught.value.choices == ("Generator", "critic", "Part")


def test_the_line_of_a_notebook_is_that_of_its_code() -> None:
    cells = [
        {"cell_type": "code", "source": "x = 1"},
        {"cell_type": "code", "source": HEAD + "model = nn.Sequential(nn.Linear(2, two))"},
    ]
    with pytest.raises(CodeRefused) as caught:
        read_here(json.dumps({"cells": cells}))
    assert caught.value.code == "model = nn.Sequential(nn.Linear(2, two))"


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("", None),
        ("float32[N, 1, 28, 28]", ["float32[N, 1, 28, 28]"]),
        ("float32[N,3], int64[7, N]", ["float32[N,3]", "int64[7, N]"]),
        ("(N, 3); [N]", ["(N, 3)", "[N]"]),
        ("nonsense", ["nonsense"]),
    ],
)
def test_inputs_are_split_where_one_ends(text: str, inputs: list[str] | None) -> None:
    assert split_inputs(text) == inputs


def test_inputs_are_written_as_they_are_read() -> None:
    said = ["float32[N, 3, 8, 8]"]
    graph = read_here(HEAD + "m = nn.Sequential(nn.Conv2d(3, 4, 3))", None, said).graph
    assert split_inputs(write_inputs(graph)) == said


COURSE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, 3, padding=1)
        self.fc = nn.Linear(16 * {0}, 10)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1))
"""


def test_a_picture_of_eight_by_eight_is_found() -> None:
    read = read_here(COURSE.format("8 * 8"))
    assert write_inputs(read.graph) == "float32[N, 1, 8, 8]"


def test_a_refusal_that_may_come_from_a_guess_says_what_was_tried() -> None:
    with pytest.raises(CodeRefused) as refusal:
        read_here(COURSE.format(5))
    assert "float32[N, 1, 28, 28] was tried first" in refusal.value.help
    with pytest.raises(CodeRefused) as refusal:
        read_here(COURSE.format(5), inputs=["float32[N, 1, 28, 28]"])
    assert "was tried" not in refusal.value.help


def test_a_layer_made_of_a_tensor_is_told_how_to_be_written() -> None:
    with pytest.raises(CodeRefused, match="makes a layer, and a tensor is given to it"):
        read_here(
            COURSE.format("8 * 8").replace("torch.relu(self.conv(x))", "nn.ReLU(self.conv(x))")
        )


@pytest.mark.parametrize("text", ["1,8,8", " 1, 8, 8 ", "1×8×8", "1x8x8", "N, 1, 8, 8"])
def test_sizes_alone_are_one_input_with_the_batch_in_front(text: str) -> None:
    assert parse_inputs(split_inputs(text)) == [TensorSpec(("N", 1, 8, 8))]


def test_a_line_of_a_notebook_is_found_in_its_cell() -> None:
    cells = [
        {"cell_type": "code", "source": "a = 1\n", "execution_count": 4},
        {"cell_type": "code", "source": "!pip install torch"},
        {"cell_type": "code", "source": ["b = 2\n", "c = 3"]},
    ]
    text = json.dumps({"cells": cells})
    lines = notebook(text).split("\n")
    assert place_of(text, lines.index("a = 1") + 1) == "cell [4], line 1"
    assert place_of(text, lines.index("c = 3") + 1) == "code cell 3, line 2"
    assert place_of("a = 1", 1) == "line 1" and place_of(text, None) == ""
