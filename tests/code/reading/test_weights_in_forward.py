"""What forward does to weights is exact or refused by line; what only looks is left out, and told."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check_in_turn
from tests.code.reading.small import net, told

X = ["float32[N,8]"]
L = "self.l = nn.Linear(8, 8)"
TWO = "self.q = nn.Linear(8, 8)\nself.k = nn.Linear(8, 8)"
PAIRS = "for a, b in zip(self.q.parameters(), self.k.parameters()):\n    "
BEFORE = """
import copy
from torch.nn.utils import parameters_to_vector, vector_to_parameters
@torch.no_grad()
def ema(src, dst, d):
    for s, t in zip(src.parameters(), dst.parameters()):
        t.mul_(d).add_(s, alpha=1 - d)
def fill(m):
    if isinstance(m, nn.Linear):
        m.weight.data.clamp_(-.1, .1)
"""

CHANGING = (
    ".data =", "init.", "setattr", "vector_to", "_foreach", "add_(", "load_state_dict", "state_dict()",
    "mul_(", "reset_", "apply(", "zero_grad", "requires_grad", "self.upd()",
)  # fmt: skip


def by_line(source: str) -> CodeRefused:
    """The refusal of a text: at a line that changes weights, with a way out."""
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", X)
    assert caught.value.line and caught.value.help
    line = source.splitlines()[caught.value.line - 1]
    assert any(word in line for word in CHANGING), line
    return caught.value


@pytest.mark.parametrize(
    "init, forward",
    [
        (L, "for p in self.parameters():\n    p.data.clamp_(-0.01, 0.01)\nreturn self.l(x)"),
        (L, "for p in self.l.parameters():\n    p.data.mul_(0.5)\nreturn self.l(x)"),
        (L, "ps = list(self.l.parameters())\nps[0].data.mul_(0)\nreturn self.l(x)"),
        (L, "for m in self.modules():\n    if isinstance(m, nn.Linear):\n"
            "        m.weight.data.clamp_(-.1, .1)\nreturn self.l(x)"),
        (L, "for m in self.children():\n    m.weight.data[0] = 0\nreturn self.l(x)"),
        (TWO, PAIRS + "b.data.mul_(0.9).add_(a.data, alpha=0.1)\nreturn self.q(x) + self.k(x)"),
        (TWO, PAIRS + "b.data.copy_(0.9 * b.data + 0.1 * a.data)\nreturn self.q(x) + self.k(x)"),
        (TWO, "d = dict(self.q.named_parameters())\nfor n, p in self.k.named_parameters():\n"
              "    p.data.copy_(d[n].data)\nreturn self.k(x)"),
        ("self.w = nn.Parameter(torch.ones(8))", "for p in self.parameters():\n    p.data.mul_(2)\n"
                                                 "return x * self.w"),
        (L, "return self.l(x), sum(p.pow(2).sum() for p in self.parameters())"),
        (L, "return self.l(x), sum(w.abs().mean() for n, w in self.l.named_parameters())"),
    ],
)  # fmt: skip
def test_weights_that_a_loop_reads_or_fills_are_those_of_the_text(init: str, forward: str) -> None:
    check_in_turn(net(init, forward, before=BEFORE), "Net()", X)


@pytest.mark.parametrize(
    "init, forward",
    [
        (L, "for p in self.parameters():\n    p.data = p.data.clamp(-1, 1)\nreturn self.l(x)"),
        (L, "for p in self.parameters():\n    nn.init.ones_(p)\nreturn self.l(x)"),
        (L, "for n, p in list(self.l.named_parameters()):\n"
            "    setattr(self.l, n, nn.Parameter(p * 0.5))\nreturn self.l(x)"),
        (L, "v = parameters_to_vector(self.parameters())\n"
            "vector_to_parameters(v * 0.5, self.parameters())\nreturn self.l(x)"),
        (L, "torch._foreach_mul_(list(self.parameters()), 0.5)\nreturn self.l(x)"),
        (L, "_ = torch._foreach_mul_(list(self.parameters()), 0.5)\nreturn self.l(x)"),
        (TWO, "with torch.no_grad():\n    " + PAIRS.replace("\n", "\n    ")
              + "b.data = b.data * .9 + a.data * .1\nreturn self.k(x)"),
        (TWO, "if self.training:\n    ema(self.q, self.k, 0.9)\nreturn self.k(x)"),
        (TWO + "\ndef upd():\n    for s, t in zip(self.q.parameters(), self.k.parameters()):\n"
               "        t.data = s.data\nself.upd = upd",
         "with torch.no_grad():\n    self.upd()\nreturn self.k(x)"),
        (TWO, "self.k.load_state_dict(self.q.state_dict())\nreturn self.k(x)"),
        (TWO, "for k, v in self.q.state_dict().items():\n    self.k.state_dict()[k].copy_(v)\n"
              "return self.k(x)"),
        (L, "sd = self.l.state_dict()\nsd['weight'].mul_(0.5)\nreturn self.l(x)"),
        (L, "sd = self.l.state_dict()\ny = sd['weight'].mul_(0.5)\nreturn self.l(x)"),
        (L, "self.l.reset_parameters()\nreturn self.l(x)"),
        ("self.b = nn.BatchNorm1d(8)", "self.b.reset_running_stats()\nreturn self.b(x)"),
        (L, "self.apply(fill)\nreturn self.l(x)"),
        (L, "self.l.apply(fill)\nreturn self.l(x)"),
        (L, "self.zero_grad()\nreturn self.l(x)"),
        (L, "for p in self.parameters():\n    p.requires_grad = False\nreturn self.l(x)"),
        (L, "for p in self.parameters():\n    p.requires_grad_(False)\nreturn self.l(x)"),
        (L, "self.l.requires_grad_(False)\nreturn self.l(x)"),
        (L, "self.requires_grad_(False)\nreturn self.l(x)"),
        ("self.w = nn.Parameter(torch.ones(8))", "self.w.requires_grad = False\nreturn x * self.w"),
    ],
)  # fmt: skip
def test_what_forward_does_to_weights_is_never_dropped(init: str, forward: str) -> None:
    by_line(net(init, forward, before=BEFORE))


@pytest.mark.parametrize(
    "line",
    [
        "print(x.shape, sum(p.numel() for p in self.parameters()))",
        "import logging; logging.info('%s', self.l)",
        "import time; time.sleep(0)",
        "torch.cuda.empty_cache()",
        "assert next(self.parameters()).dim() == 2",
    ],
)
def test_what_only_looks_does_not_hinder(line: str) -> None:
    check_in_turn(net(L, f"{line}\nreturn self.l(x)"), "Net()", X)


# What __init__ makes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "init, forward",
    [
        (TWO + "\nself.k.weight = nn.Parameter(self.q.weight)  # here", "return self.k(self.q(x))"),
        (TWO + "\nself.k.weight = nn.Parameter(self.q.weight.t())  # here", "return self.k(self.q(x))"),
        (TWO + "\nself.k.weight = nn.Parameter(self.q.weight.transpose(0, 1))  # here",
         "return self.k(self.q(x))"),
        (TWO + "\nself.k.weight.data = self.q.weight.data  # here", "return self.k(self.q(x))"),
        (TWO + "\nself.k.weight.data = self.q.weight.data.t()  # here", "return self.k(self.q(x))"),
        ("self.w = nn.Parameter(torch.ones(8))\nself.v = nn.Parameter(self.w)  # here",
         "return x * self.w + self.v"),
        ("t = torch.ones(8)\nself.w = nn.Parameter(t)\nself.v = nn.Parameter(t)  # here",
         "return x * self.w + self.v"),
        ("self.w = nn.Parameter(torch.ones(2, 8))\nself.w0 = self.w[0]  # here", "return x * self.w0 + self.w[1]"),
        ("self.register_buffer('pe', torch.zeros(2, 4))\nv = self.pe.view(-1)  # here\nv[2] = 5  # here\n"
         "self.flat = v", "return x * self.flat + self.pe.sum()"),
        ("self.register_buffer('pe', torch.zeros(2, 4))\nv = self.pe.view(-1)\nv[2] = 5  # here",
         "return x + self.pe.sum()"),
        ("self.register_buffer('a', torch.zeros(2, 8))\nself.register_buffer('b', self.a[0])",
         "if self.training:\n    self.a.add_(1)  # here\nreturn x + self.b"),
    ],
)  # fmt: skip
def test_two_tensors_in_one_memory_are_refused(init: str, forward: str) -> None:
    source = net(init, forward)
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", X)
    assert "# here" in source.splitlines()[(caught.value.line or 0) - 1]
    assert caught.value.help


@pytest.mark.parametrize(
    "init, forward",
    [
        (TWO + "\nself.k.weight = self.q.weight", "return self.k(self.q(x))"),
        ("f = torch.arange(16.).view(8, 2)\nself.register_buffer('c', f[:, 0].cos())\n"
         "self.register_buffer('s', f[:, 1].sin())", "return x * self.c + self.s"),
        ("f = torch.arange(16.).view(2, 8)\nself.register_buffer('c', f[0])\n"
         "self.register_buffer('s', f[1])", "return x * self.c + self.s"),
        ("pe = torch.zeros(4, 8)\npe[:, 0::2] = 1\nself.register_buffer('pe', pe.unsqueeze(0))",
         "return x + self.pe[0, 0]"),
    ],
)  # fmt: skip
def test_tensors_of_their_own_are_read(init: str, forward: str) -> None:
    check_in_turn(net(init, forward), "Net()", X)


DRAWN = "is drawn anew each time"


@pytest.mark.parametrize(
    "init, forward, words",
    [
        ("torch.manual_seed(0)\nself.p = torch.randn(8, 8)", "return x @ self.p", DRAWN),
        ("torch.manual_seed(0)\nself.p = torch.randperm(8)", "return x[:, self.p]", DRAWN),
        ("g = torch.Generator().manual_seed(0)\n"
         "self.register_buffer('p', torch.randn(8, 8, generator=g), persistent=False)",
         "return x @ self.p", DRAWN),
        ("e = torch.randn(8)\nself.register_buffer('e', e)\nself.register_buffer('avg', e.clone())",
         "return x * self.e + self.avg", "come of one draw"),
        ("self.q = nn.Linear(8, 8)\nself.t = copy.deepcopy(self.q)", "return self.q(x), self.t(x)",
         "A copy of a layer starts"),
        ("l = nn.Linear(8, 8)\nself.a = nn.ModuleList([copy.deepcopy(l) for _ in range(3)])",
         "for m in self.a:\n    x = m(x)\nreturn x", "A copy of a layer starts"),
        (TWO + "\n" + PAIRS + "b.data.copy_(a.data)", "return self.q(x), self.k(x)", "weights start"),
        (L + "\nfor p in self.parameters():\n    p.data.clamp_(-1, 1)", "return self.l(x)", "weights start"),
        (L + "\nwith torch.no_grad():\n    self.l.weight.uniform_(-1, 1)", "return self.l(x)",
         "weights start"),
    ],
)  # fmt: skip
def test_starts_that_differ_are_told(init: str, forward: str, words: str) -> None:
    assert words in told(read_here(net(init, forward, before="import copy\n"), "Net()", X))


MASKED = """class M(nn.Linear):
    def __init__(self, i, o):
        super().__init__(i, o)
        self.gain = nn.Parameter(torch.ones(o))
    def forward(self, x):
        return super().forward(x) * self.gain
"""


def test_a_layer_of_torch_with_tensors_of_its_own_names_its_keys() -> None:
    read = read_here(net("self.l = M(8, 8)", "return self.l(x)", before=MASKED), "Net()", X)
    assert "“l.gain”" in told(read) and "l2.gain" in told(read)


def test_inside_a_sequential_it_is_refused_by_line() -> None:
    source = net("self.l = nn.Sequential(M(8, 8), nn.ReLU())", "return self.l(x)", before=MASKED)
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", X)
    assert "nn.Sequential(M" in source.splitlines()[(caught.value.line or 0) - 1]
    assert "self.inner = nn.Linear" in caught.value.help
