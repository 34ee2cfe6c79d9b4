"""Stretches without gradients: whatever leaves them, by whichever way, has no gradient, and nothing else."""

from __future__ import annotations

import pytest

from tests.code.reading.harness import check
from tests.code.reading.small import net

X = ["float32[N,8]"]
MADE = (
    "self.a = nn.Linear(8, 8)\nself.b = nn.Linear(8, 8)\nself.register_buffer('m', torch.zeros(8))\n"
    "self.p = Part()"
)
PART = """class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(8, 8)
        self.q = nn.Linear(8, 8)
    def forward(self, x, kept=None):
        if kept is not None:
            kept.append(self.q(x))
        return self.l(x)
    @torch.no_grad()
    def quiet(self, x):
        return self.q(x)
"""


@pytest.mark.parametrize(
    "inside, behind",
    [
        ("y = self.p(x)", "y + self.a(x)"),
        ("y = self.p(x)", "y, self.a(x)"),
        ("y = self.p(x)", "y * self.p(x)"),
        ("self.m.mul_(0.9).add_(x.mean(0) * 0.1)", "self.a(x) + self.m"),
        ("self.m.copy_(self.a(x).mean(0))", "self.a(x) * self.m"),
        ("self.m.lerp_(end=self.a(x).mean(0), weight=0.1)", "self.a(x) * self.m"),
        ("y = self.p(x, kept)", "kept[0] * self.a(y)"),
        ("y, i = self.a(x).max(1)", "y.unsqueeze(1) * self.b(x)"),
        ("y = self.a(x).chunk(2, 1)", "torch.cat(y, 1) * self.b(x)"),
        ("g = (l(x) for l in (self.a, self.b))", "sum(g)"),
        ("y = self.a(x) if self.training else self.b(x)", "y * self.p(x)"),
        ("self.z = self.a(x)", "self.z * self.b(x)"),
    ],
)
def test_what_is_made_without_gradients_has_none(inside: str, behind: str) -> None:
    forward = f"kept = []\nwith torch.no_grad():\n    {inside}\nreturn {behind}"
    check(net(MADE, forward, before=PART), "Net()", X)


@pytest.mark.parametrize(
    "forward",
    [
        "y = self.p.quiet(x)\nreturn y * self.p(x)",
        "with torch.no_grad():\n    y = self.a(x)\ny += self.b(x)\nreturn y",
        "with torch.no_grad():\n    y = self.a(x)\nz = y\ny.mul_(2)\nreturn z * self.b(x)",
        "if x.sum() > 0:\n    with torch.no_grad():\n        y = self.p(x)\n    return y + self.a(x)\n"
        "return self.b(x)",
        "g = (l(x) for l in (self.a, self.b))\nwith torch.no_grad():\n    s = sum(g)\nreturn s * self.p(x)",
    ],
)
def test_the_stretch_goes_by_when_something_runs(forward: str) -> None:
    check(net(MADE, forward, before=PART), "Net()", X)
