"""Names that a text gives to layers, and that Python or a project cannot have."""

from __future__ import annotations

import pytest

from builder.code import build_module
from builder.code.reading import read_here
from builder.errors import CodeRefused
from builder.graph.project import Project, from_json, to_json

ODD = [
    "a b",
    "F",
    "None",
    "_",
    "<script>",
    "%s",
    "class",
    "ab\ncd",
    "x" * 100,
    "ß",
    "1a",
]
PLACES = {
    "added": "net = nn.Sequential()\nnet.add_module({0!r}, nn.Linear(4, 2))\n",
    "in a dict": (
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.m = nn.ModuleDict({{{0!r}: nn.Linear(4, 2), 'other': nn.ReLU()}})\n"
        "    def forward(self, x):\n"
        "        return self.m['other'](self.m[{0!r}](x))\n"
        "net = Net()\n"
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ODD)
def test_what_is_read_can_be_saved_opened_and_built(name: str, place: str) -> None:
    text = (
        "import torch\nfrom torch import nn\n"
        + PLACES[place].format(name)
        + "net(torch.zeros(1, 4))\n"
    )
    read = read_here(text, None, None)
    assert from_json(to_json(Project("Odd", read.graph))).graph == read.graph
    (weight, bias) = build_module(read.graph).state_dict()
    assert weight.endswith("weight") and bias.endswith("bias")
    kept = weight.removesuffix(".weight") == (name if place == "added" else f"m.{name}")
    assert kept or any("keys will not fit" in said for _, said in read.notes)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["train", "forward", "", "parameters", "a.b"])
def test_what_torch_refuses_is_refused_by_its_line(name: str, place: str) -> None:
    text = (
        "import torch\nfrom torch import nn\n"
        + PLACES[place].format(name)
        + "net(torch.zeros(1, 4))\n"
    )
    with pytest.raises(CodeRefused, match="cannot be the name of a layer") as refusal:
        read_here(text, None, None)
    assert refusal.value.line == (4 if place == "added" else 6)
