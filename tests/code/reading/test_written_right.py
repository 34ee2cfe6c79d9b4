"""What a teacher of PyTorch found written wrong: each text runs as it did before it was read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from builder.code.reading import read_here
from builder.code.write import write_code
from builder.errors import CodeRefused
from builder.graph.model import TensorSpec
from tests.code.reading.harness import check

HEAD = "import torch\nfrom torch import nn\n\n\n"


def net(*forward: str) -> str:
    lines = "\n".join(f"        {line}" for line in forward)
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.l = nn.Linear(8, 8)\n\n    def forward(self, x):\n{lines}\n"
    )


def refusal(text: str, target: str | None = None) -> CodeRefused:
    with pytest.raises(CodeRefused) as refused:
        read_here(text, target, "float32[N, 8]")
    return refused.value


def test_an_argument_named_as_a_word_of_python_goes_by_its_place() -> None:
    read = read_here(
        net("return torch.empty(8).uniform_(0, 1) * self.l(x)"), inputs="float32[N, 8]"
    )
    assert "uniform_(0, to=1)" in write_code(read.graph)


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_a_rounded_division_keeps_torchs_backward(mode: str) -> None:
    text = net(f"return torch.div(self.l(x), 2, rounding_mode='{mode}') + x")
    check(text, inputs="float32[N, 8]")
    assert f'torch.divide(x, 2, rounding_mode="{mode}")' in write_code(
        read_here(text, inputs="float32[N, 8]").graph
    )


def test_heads_that_share_keys_are_read_and_written() -> None:
    text = (
        f"{HEAD}import torch.nn.functional as F\n\n\nclass Net(nn.Module):\n"
        "    def forward(self, q, k, v):\n"
        "        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)\n"
    )
    check(text, inputs=["float32[N, 4, 7, 8]", "float32[N, 2, 7, 8]", "float32[N, 2, 7, 8]"])


def test_sizes_to_split_in_are_a_list_as_torchs_types_want_it(tmp_path: Path) -> None:
    text = net("a, b = self.l(x).split([3, 5], 1)", "return torch.cat([b, a], 1)")
    check(text, inputs="float32[N, 8]")
    code = write_code(read_here(text, inputs="float32[N, 8]").graph)
    assert "torch.split(x, [3, 5], dim=1)" in code
    (tmp_path / "model.py").write_text(code)
    judged = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "model.py"], cwd=tmp_path, capture_output=True
    )
    assert judged.returncode == 0, judged.stdout.decode()


@pytest.mark.parametrize(
    "written",
    ["self.l.weight.clamp_(-0.1, 0.1)", "self.l.weight[0] = 0", "self.l.bias.view(2, 4).zero_()"],
)
def test_a_parameter_that_forward_writes_over_is_refused_by_line(written: str) -> None:
    refused = refusal(net("with torch.no_grad():", f"    {written}", "return self.l(x)"))
    assert refused.line == 12
    assert "is written over while the network runs." in str(refused)


@pytest.mark.parametrize("depth", [65, 200, 500])
def test_modules_too_deep_to_be_written_are_not_read(depth: int) -> None:
    text = f"{HEAD}m = nn.Linear(8, 8)\nfor _ in range({depth}):\n    m = nn.Sequential(m, nn.ReLU())\n"
    refused = refusal(text, "m")
    assert re.match("Line 7: Modules stand more than 64 deep inside each other", str(refused))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (net("return x.shape"), 11, "The network gives no tensor. Let forward end with a return"),
        (
            f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.l = nn.Linear(8, 8)\n",
            5,
            "“Net” has no forward",
        ),
        (net("return self.l(x)").replace("(8, 8)", "(8, 0)"), 8, "it was given 0"),
        (net("a, b = x", "return self.l(a)"), 11, "Give forward one argument for each tensor"),
        (
            f"{HEAD}from mylib import Base\nclass Net(Base):\n    def forward(self, x):\n        return x\n",
            6,
            "“Net” inherits from “Base”, whose code is not in this text but in mylib.",
        ),
        (
            "import torchvision\nmodel = torchvision.models.resnet18()\n",
            2,
            "“torchvision.models.resnet18”, whose code is not in this text",
        ),
    ],
)
def test_a_refusal_names_its_line_and_a_way_out(text: str, line: int, words: str) -> None:
    refused = refusal(text)
    assert refused.line == line
    assert words in str(refused)
    assert refused.help


@pytest.mark.parametrize("first", ["nn.Dropout(0.2)", "nn.ReLU()"])
def test_the_layer_behind_a_dropout_or_activation_says_the_input(first: str) -> None:
    read = read_here(f"{HEAD}model = nn.Sequential({first}, nn.Linear(8, 8))\n")
    assert [n.spec for n in read.graph.inputs] == [TensorSpec(("N", 8))]


def test_a_tuple_of_states_that_the_text_hands_over_is_an_input_each() -> None:
    read = read_here(
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.r = nn.LSTM(8, 8, batch_first=True)\n\n    def forward(self, x, state):\n"
        "        return self.r(x, state)[0]\n\nm = Net()\nh, c = torch.zeros(1, 4, 8), torch.zeros(1, 4, 8)\n"
        "m(torch.randn(4, 32, 8), (h, c))\n"
    )
    assert [n.name for n in read.graph.inputs] == ["x", "state_0", "state_1"]
    assert any("an input of its own" in sentence for sentence in read.assumptions)
