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


TENSORS = {
    "buffer": "self.register_buffer({0!r}, torch.zeros(2))",
    "parameter": "self.register_parameter({0!r}, nn.Parameter(torch.zeros(2)))",
}
WITH_TENSOR = """import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {0}
        self.fc = nn.Linear(4, 2)
    def forward(self, x):
        return self.fc(x) + getattr(self, {1!r})
net = Net()
net(torch.zeros(1, 4))
"""


@pytest.mark.parametrize("kind", TENSORS)
@pytest.mark.parametrize("name", ["", "a.b", "forward", "__class__"])
def test_what_torch_refuses_as_the_name_of_a_tensor_is_refused(name: str, kind: str) -> None:
    with pytest.raises(CodeRefused, match=f"cannot be the name of a {kind}") as refusal:
        read_here(WITH_TENSOR.format(TENSORS[kind].format(name), name), None, None)
    assert refusal.value.line == 6


@pytest.mark.parametrize("kind", TENSORS)
@pytest.mark.parametrize("name", ["0", "append", "a b", "class"])
def test_a_tensor_with_an_odd_name_is_read(name: str, kind: str) -> None:
    graph = read_here(WITH_TENSOR.format(TENSORS[kind].format(name), name), None, None).graph
    assert from_json(to_json(Project("Odd", graph))).graph == graph
    assert len(build_module(graph).state_dict()) == 3


def test_what_a_container_has_itself_is_no_name_in_it() -> None:
    with pytest.raises(CodeRefused, match="every module has a “append” of its own"):
        read_here("from torch import nn\n" + PLACES["added"].format("append"), None, None)
    assert read_here("from torch import nn\n" + PLACES["added"].format("keys"), None, None).graph


BEYOND = [
    "nn.Linear(len(range(10**30)), 2)",
    "nn.Linear(4, list(range(10**30))[0])",
    "nn.Linear(4, range(10**30)[10**25])",
    "nn.Linear(4, sum(range(-10**30, 10**30)))",
]


@pytest.mark.parametrize("layer", BEYOND)
def test_a_count_beyond_all_is_a_limit(layer: str) -> None:
    with pytest.raises(CodeRefused, match="far too many values") as refusal:
        read_here(f"from torch import nn\nnet = nn.Sequential({layer})\n", None, None)
    assert (refusal.value.kind, refusal.value.line) == ("limit", 2)


def test_a_number_beyond_floats_is_named() -> None:
    with pytest.raises(CodeRefused, match="too large for torch"):
        read_here("from torch import nn\nnet = nn.Sequential(nn.Dropout(10**400))\n", None, None)
