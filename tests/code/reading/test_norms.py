"""Layers whose weights are computed from others: read, written and run as the original, bit for bit."""

from __future__ import annotations

import pytest

from builder.code import write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check

HEAD = """
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import utils
from torch.nn.utils import spectral_norm, weight_norm, parametrizations
from torch.nn.utils.parametrizations import orthogonal
"""
IMAGE, ROWS, STEPS = ["float32[N,3,16,16]"], ["float32[N,6]"], ["float32[N,3,12]"]

DISCRIMINATOR = """
class Discriminator(nn.Module):
    def __init__(self, channels=4):
        super().__init__()
        self.conv1 = SN(nn.Conv2d(3, channels, 3, stride=1, padding=1))
        self.conv2 = SN(nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1), n_power_iterations=3)
        self.up = SN(nn.ConvTranspose2d(2 * channels, channels, 2), eps=1e-4)
        self.fc = SN(nn.Linear(channels * 9 * 9, 1, bias=False), "weight", 2)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), 0.1)
        x = self.up(F.leaky_relu(self.conv2(x), 0.1))
        return self.fc(x.flatten(1))
"""
CHAIN = """
model = nn.Sequential(
    SN(nn.Conv2d(3, 4, 3)), nn.LeakyReLU(0.2), SN(nn.Conv2d(4, 8, 3)), nn.Flatten(), SN(nn.Linear(1152, 1)),
)
"""
TCN = """
class Chomp(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, x):
        return x[:, :, :-self.size].contiguous()


class Block(nn.Module):
    def __init__(self, n_in, n_out, kernel, dilation, dropout=0.2):
        super().__init__()
        padding = (kernel - 1) * dilation
        self.conv1 = WN(nn.Conv1d(n_in, n_out, kernel, padding=padding, dilation=dilation))
        self.chomp1, self.relu1, self.dropout1 = Chomp(padding), nn.ReLU(), nn.Dropout(dropout)
        self.net = nn.Sequential(self.conv1, self.chomp1, self.relu1, self.dropout1)
        self.downsample = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else None
        self.relu = nn.ReLU()
        self.init_weights()

    def init_weights(self):
        self.conv1.weight.data.normal_(0, 0.01)
        if self.downsample is not None:
            self.downsample.weight.data.normal_(0, 0.01)

    def forward(self, x):
        rest = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + rest)


class TCN(nn.Module):
    def __init__(self, n_in=3, channels=(4, 4, 6)):
        super().__init__()
        sizes = [n_in, *channels]
        self.network = nn.Sequential(
            *[Block(sizes[i], sizes[i + 1], 2, 2 ** i) for i in range(len(channels))]
        )

    def forward(self, x):
        return self.network(x)
"""
AFTERWARDS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
        self.fc = nn.Linear(4 * 12 * 12, 2)
        THEN

    def forward(self, x):
        return self.fc(self.body(x).flatten(1))
"""
LOOPS = {
    "modules": "for m in self.modules():\n            if isinstance(m, nn.Conv2d):\n                SN(m)",
    "children": "for name, m in self.body.named_children():\n"
    "            if isinstance(m, nn.Conv2d):\n                setattr(self.body, name, SN(m))",
    "apply": "self.apply(lambda m: SN(m) if isinstance(m, (nn.Conv2d, nn.Linear)) else None)",
    "method": "self.apply(self.put)\n\n    def put(self, m):\n"
    "        if isinstance(m, nn.Linear):\n            SN(m)",
    "index": "self.body[0] = SN(self.body[0])",
}
SMALL = {
    "recurrent": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = WN(WN(nn.LSTM(3, 5, batch_first=True), "weight_hh_l0"), name="weight_ih_l0")

    def forward(self, x):
        return self.lstm(x.transpose(1, 2))[0]
""",
    "axes": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = WN(nn.Conv1d(3, 4, 2), dim=1)
        self.b = WN(nn.Conv1d(4, 4, 2), dim=None)
        self.c = SN(nn.Conv1d(4, 5, 2), dim=1)

    def forward(self, x):
        return self.c(self.b(self.a(x)))
""",
    "one_block_with_and_one_without": """
class Block(nn.Module):
    def __init__(self, n, norm):
        super().__init__()
        conv = nn.Conv1d(n, n, 3, padding=1)
        self.conv = SN(conv) if norm else conv

    def forward(self, x):
        return torch.relu(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = Block(3, True), Block(3, False), Block(3, True)

    def forward(self, x):
        return self.c(self.b(self.a(x)))
""",
    "called_twice": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = SN(nn.Conv1d(3, 3, 3, padding=1))

    def forward(self, x):
        return self.conv(torch.relu(self.conv(x)))
""",
    "frozen": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = SN(nn.Conv1d(3, 3, 3)), WN(nn.Conv1d(3, 3, 3))
        self.a.requires_grad_(False)
        for p in self.b.parameters():
            p.requires_grad = False
        self.c = nn.Conv1d(3, 2, 1)

    def forward(self, x):
        return self.c(self.b(self.a(x)))
""",
    "rows_of_equal_ones": """
def conv(n):
    return SN(nn.Conv1d(n, n, 3, padding=1))


class Net(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.layers = nn.ModuleList([nn.Sequential(conv(n), nn.ReLU()) for _ in range(4)])
        self.more = nn.ModuleList([conv(n) for _ in range(2)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        for layer in self.more:
            x = x + layer(x)
        return x
""",
    "only_while_training": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = SN(nn.Conv1d(3, 3, 1)), WN(nn.Conv1d(3, 3, 1))

    def forward(self, x):
        if self.training:
            x = self.a(x)
        return self.b(x)
""",
    "never_called": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = SN(nn.Conv1d(3, 3, 1)), WN(nn.Conv1d(3, 4, 1))

    def forward(self, x):
        return self.b(x)
""",
}


def text(body: str, generation: str = "utils") -> str:
    """A text with the older functions (`utils`) or the newer ones."""
    for short, name in (("SN(", "spectral_norm("), ("WN(", "weight_norm(")):
        body = body.replace(short, f"{generation}.{name}")
    return HEAD + body


GENERATIONS = ("utils", "parametrizations")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_discriminator_with_spectral_norm(generation: str) -> None:
    graph = check(text(DISCRIMINATOR, generation), inputs=IMAGE).graph
    where = {"utils": "nn.utils", "parametrizations": "nn.utils.parametrizations"}[generation]
    assert f"self.fc = {where}.spectral_norm(\n" in write_code(graph)
    assert [norm.kind for norm in graph.owners["conv1"].norms] == [f"torch.{where}.spectral_norm"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_chain_stays_a_chain(generation: str) -> None:
    graph = check(text(CHAIN, generation), "model", IMAGE).graph
    assert write_code(graph, "sequential").count("spectral_norm(") == 3


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_temporal_network_whose_layers_stand_under_two_names(generation: str) -> None:
    check(text(TCN, generation), "TCN()", STEPS)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", LOOPS)
def test_norms_that_are_put_on_afterwards(name: str, generation: str) -> None:
    check(text(AFTERWARDS.replace("THEN", LOOPS[name]), generation), "Net()", IMAGE)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", SMALL)
def test_small_ones(name: str, generation: str) -> None:
    check(text(SMALL[name], generation), "Net()", STEPS)


@pytest.mark.parametrize(
    "wrapped",
    [
        "orthogonal(nn.Linear(6, 6))",
        "orthogonal(nn.Linear(6, 4))",
        "orthogonal(nn.Linear(6, 9), orthogonal_map='cayley')",
        "orthogonal(nn.Linear(6, 4), use_trivialization=False)",
    ],
)
def test_orthogonal_weights(wrapped: str) -> None:
    check(text(f"model = nn.Sequential({wrapped}, nn.Tanh())"), "model", ROWS)


@pytest.mark.parametrize(
    "off",
    [
        "utils.remove_spectral_norm(utils.spectral_norm(LAYER))",
        "utils.remove_weight_norm(utils.weight_norm(LAYER))",
        "utils.parametrize.remove_parametrizations(parametrizations.weight_norm(LAYER), 'weight')",
        "utils.parametrize.remove_parametrizations(orthogonal(LAYER), tensor_name='weight')",
    ],
)
def test_a_norm_that_is_taken_off_again_is_none(off: str) -> None:
    layer = off.replace("LAYER", "nn.Linear(6, 4)")
    graph = read_here(text(f"model = nn.Sequential({layer}, nn.ReLU())"), "model", ROWS).graph
    assert all(not owner.norms for owner in graph.owners.values())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("self.a = SN(nn.Linear(6, 6)); self.b.weight = self.a.weight", "computed anew in each call"),
        ("self.b = SN(self.b); self.b.weight = self.a.weight", "computed anew in each call"),
        ("self.b = SN(nn.Sequential(self.b))", "Only the weight of a single layer"),
        ("self.b = SN(SN(self.b))", "One weight is computed in one way"),
        ("self.b = utils.weight_norm(parametrizations.weight_norm(self.b, 'bias'))", "choose one"),
        ("self.b = SN(self.b, 'kernel')", "no parameter “kernel”"),
        ("self.b = SN(self.b, n_power_iterations=0)", "n_power_iterations"),
        ("self.c = nn.Sequential(SN(self.b))", "stands under two names, with spectral norm"),
        ("utils.parametrize.register_parametrization(self.b, 'weight', nn.Tanh())", "a formula of your own"),
        ("torch.nn.utils.prune.l1_unstructured(self.b, 'weight', 0.3)", "Pruning"),
    ],
)  # fmt: skip
def test_what_cannot_be_held_is_said(body: str, said: str) -> None:
    net = f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        {body}

    def forward(self, x):
        return self.b(self.a(x))
"""
    with pytest.raises(CodeRefused, match=said):
        read_here(text(net), "Net()", ROWS)


def test_a_weight_that_is_computed_is_not_read_by_itself() -> None:
    net = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = SN(nn.Linear(6, 6))

    def forward(self, x):
        return F.linear(self.a(x), self.a.weight)
"""
    with pytest.raises(CodeRefused, match="is read or tied by itself"):
        read_here(text(net), "Net()", ROWS)
    check(text(net.replace("self.a.weight", "self.a.weight_orig")), "Net()", ROWS)


def test_forward_puts_no_norm_on_a_layer() -> None:
    net = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 6)

    def forward(self, x):
        return SN(self.a)(x)
"""
    with pytest.raises(CodeRefused, match="in each call anew"):
        read_here(text(net), "Net()", ROWS)
