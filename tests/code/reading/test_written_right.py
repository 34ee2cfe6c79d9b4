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
    assert "A parameter is written over while the network runs." in str(refused)


@pytest.mark.parametrize("depth", [65, 200, 500])
def test_modules_too_deep_to_be_written_are_not_read(depth: int) -> None:
    text = f"{HEAD}m = nn.Linear(8, 8)\nfor _ in range({depth}):\n    m = nn.Sequential(m, nn.ReLU())\n"
    refused = refusal(text, "m")
    assert re.match("Line 7: Modules stand more than 64 deep inside each other", str(refused))
