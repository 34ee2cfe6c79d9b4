"""What a text does that a network cannot hold is refused by line, or told; never left out silently."""

from __future__ import annotations

import pytest

from builder.code.reading import Read, read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def net(made: str, forward: str, more: str = "", before: str = "") -> str:
    """A class of a few lines; `made` begins at line 7 where `before` is empty."""

    def indented(text: str, by: int) -> str:
        return "".join(" " * by + line + "\n" for line in text.splitlines())

    return (
        f"{HEAD}{before}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{indented(made, 8)}    def forward(self, x):\n{indented(forward, 8)}{indented(more, 4)}"
    )


def refused(source: str, *words: str, line: int, inputs: str = "float32[N,8]") -> CodeRefused:
    """The refusal of a text; it names its line, and these words stand in it."""
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", [inputs])
    said = f"{caught.value.reason} {caught.value.help}"
    assert caught.value.line == line, said
    assert all(word in said for word in words), said
    assert caught.value.help, "a refusal names a way out"
    return caught.value


def told(read: Read) -> str:
    return " ".join([*read.assumptions, *(text for _, text in read.notes)])


# Names of outputs ------------------------------------------------------------------------------------


def test_an_output_named_like_the_second_use_of_a_shared_layer_is_a_node_of_its_own() -> None:
    source = net("self.c = nn.Linear(8, 8)", "a = self.c(x)\nc_2 = self.c(a)\nreturn a + c_2, c_2")
    graph = check(source, "Net()", ["float32[N,8]"]).graph
    assert [n.id for n in graph.nodes.values() if n.kind == "layer"] == ["c", "c_2"]


def test_the_last_state_of_a_cell_may_go_out_beside_all_of_them() -> None:
    check(
        net(
            "self.c = nn.GRUCell(8, 6)",
            "h = torch.zeros(x.size(0), 6)\nouts = []\nfor t in range(3):\n    h = self.c(x[:, t], h)\n"
            "    outs.append(h)\nreturn torch.stack(outs, 1), h",
        ),
        "Net()",
        ["float32[N,3,8]"],
    )


# Frozen weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "freezing, line",
    [
        ("self.l.bias.requires_grad = False", 8),
        ("self.l.weight.requires_grad_(False)", 8),
        (
            "for n, p in self.named_parameters():\n    if 'bias' in n:\n        p.requires_grad_(False)",
            10,
        ),
        ("for i, p in enumerate(self.parameters()):\n    if i < 1:\n        p.requires_grad = False", 10),
        ("self.requires_grad_(False)\nself.l.bias.requires_grad = True", 9),
    ],
)
def test_a_layer_of_which_a_part_is_frozen_is_refused(freezing: str, line: int) -> None:
    refused(
        net(f"self.l = nn.Linear(8, 8)\n{freezing}", "return self.l(x)"), "frozen as a whole", line=line
    )


@pytest.mark.parametrize(
    "freezing, frozen",
    [
        ("for p in self.l.parameters():\n    p.requires_grad = False", True),
        ("self.l.weight.requires_grad = False\nself.l.bias.requires_grad = False", True),
        ("self.l.weight.requires_grad = False\nself.l.weight.requires_grad = True", False),
        ("self.requires_grad_(False)\nfor p in self.l.parameters():\n    p.requires_grad = True", False),
        ("self.l.requires_grad_(requires_grad=False)", True),
    ],
)
def test_a_layer_is_frozen_once_all_of_its_parameters_are(freezing: str, frozen: bool) -> None:
    source = net(f"self.l = nn.Linear(8, 8)\n{freezing}", "return self.l(x)")
    assert check(source, "Net()", ["float32[N,8]"]).graph.owners["l"].frozen is frozen
