"""Code as courses write it: names that stay, an activation on its layer's line, types only at the head."""

from __future__ import annotations

import pytest

from builder.code import write_code, write_with_lines
from builder.code.reading import read_here
from builder.gallery import project
from tests.code.networks import Net

_TWO_BRANCHES = """
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch1 = nn.Linear(8, 4)
        self.branch2 = nn.Sequential(nn.Linear(8, 4), nn.ReLU())
        self.rnn = nn.LSTM(8, 8, batch_first=True)
        self.head = nn.Linear(8, 8)

    def forward(self, x, seq):
        b1 = F.relu(self.branch1(x))
        b2 = self.branch2(x)
        combined = torch.cat([b1, b2], dim=1)
        h0 = torch.zeros(1, seq.size(0), 8)
        c0 = torch.zeros(1, seq.size(0), 8)
        out, _ = self.rnn(seq, (h0, c0))
        feat = self.head(combined)
        feat = F.relu(feat)
        return feat + out[:, -1]
"""


def lines(source: str) -> list[str]:
    return [line.split("  # ")[0].strip() for line in source.splitlines()]


@pytest.mark.parametrize("style", ["module", "functional", "mixed"])
def test_values_keep_the_names_of_the_text(style: str) -> None:
    graph = read_here(_TWO_BRANCHES, None, ["float32[N,8]", "float32[N,5,8]"]).graph
    written = lines(write_code(graph, style))
    assert "def forward(self, x: Tensor, seq: Tensor) -> Tensor:" in written
    assert "b2 = self.branch2(x)" in written
    assert "combined = torch.cat((b1, b2), dim=1)" in written
    assert "rnn, _ = self.rnn(seq, (h0, c0))" in written
    assert not any(
        line.startswith("feat") for line in written
    )  # written over: no name of one value


def test_an_activation_stands_on_the_line_of_its_layer() -> None:
    graph = project("digits_cnn").graph
    written = write_with_lines(graph, "functional")
    place = next(
        n for n, line in enumerate(written.text.splitlines(), 1) if "F.relu(self.conv1" in line
    )
    line = written.text.splitlines()[place - 1].strip()
    assert line.startswith("x = F.max_pool2d(F.relu(self.conv1(x)), ")
    for node in ("conv1", "relu1", "pool"):
        assert place in written.lines[node]
    assert write_code(read_here(written.text).graph, "functional") == written.text


def test_what_others_read_too_is_not_joined() -> None:
    net = Net()
    middle = net.layer("fc", "Linear", net.input("x", "N", 4), out_features=4)
    act = net.layer("act", "ReLU", middle)
    net.output(net.op("add1", "operator.add", act, middle))
    written = lines(write_code(net.graph(), "functional"))
    assert "fc = self.fc(x)" in written
    assert not any("F.relu(self.fc" in line for line in written)


def test_an_input_that_is_read_again_stays_x() -> None:
    written = lines(write_code(project("resnet18").graph, "module"))
    assert "def forward(self, x: Tensor) -> Tensor:" in written
    assert "inputs = x" in written
    assert not any(": Tensor = " in line for line in written)


def test_a_type_is_said_at_the_head() -> None:
    written = lines(write_code(project("siamese").graph, "module"))
    head = written.index("def forward(self, left: Tensor, right: Tensor) -> Tensor:")
    assert written[head + 1] == "x: Tensor"


def test_blocks_say_their_shapes_and_take_their_sizes_alike() -> None:
    source = write_code(project("resnet18").graph, "module")
    assert '"""Maps (N, in_channels, H, W) to (N, channels, H/2, W/2)."""' in source
    assert "def __init__(self, in_channels: int, channels: int) -> None:" in source
    assert "DownBlock(64, 128)" in source


def test_mixed_keeps_the_parts_of_a_network() -> None:
    source = write_code(project("autoencoder").graph, "mixed")
    assert "self.encoder = nn.Sequential(" in source
    assert "self.decoder = nn.Sequential(" in source
    resnet = write_code(project("resnet18").graph, "mixed")
    assert all(f"self.layer{n} = nn.Sequential(" in resnet for n in range(1, 5))
