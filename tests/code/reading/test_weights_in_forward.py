"""What forward does to weights is exact or refused by line; what only looks is left out, and told."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check_in_turn
from tests.code.reading.small import net

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
