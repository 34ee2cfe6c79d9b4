"""What one side of a condition changes: as in the text in each mode and call, or refused by line."""

from __future__ import annotations

import pytest
import torch

from tests.code.reading.harness import built, check_in_turn
from tests.code.reading.small import net, refused

X = ["float32[N,8]"]
MEAN = "self.register_buffer('m', torch.zeros(8))\nself.l = nn.Linear(8, 8)"
TWO = "self.a = nn.Linear(8, 8)\nself.b = nn.Linear(8, 8)"
SAME_SIDE = "same side of the condition"

# A running mean --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forward",
    [
        "if self.training:\n    self.m.lerp_(x.mean(0), 0.1)\n    return self.l(x - self.m)\n"
        "return self.l(x)",
        "m = self.m\nif self.training:\n    m.lerp_(x.mean(0), 0.1)\nreturn self.l(x - m)",
        "m = self.m\nif self.training:\n    m.mul_(0.9).add_(0.1 * x.mean(0))\nreturn self.l(x - m)",
        "if not self.training:\n    return self.l(x) - self.m\nself.m.lerp_(x.mean(0), 0.1)\n"
        "return self.l(x) - self.m",
        "m = self.m\nif not self.training:\n    return self.l(x)\nm.lerp_(x.mean(0), 0.1)\n"
        "return self.l(x) - m",
        "return self.l(x - self.m.lerp_(x.mean(0), 0.1) if self.training else x - self.m)",
        "return self.l(x - self.m if not self.training else x - self.m.lerp_(x.mean(0), 0.1))",
        "m = self.m\ny = x\nif self.training:\n    m.lerp_(x.mean(0), 0.1)\nif self.training:\n"
        "    y = x - m\nreturn self.l(y)",
        "m = self.m\nif x.sum() > 0:\n    m.add_(1)\nelse:\n    m.sub_(1)\nreturn self.l(x - m)",
    ],
)
def test_a_running_mean_is_moved_in_the_mode_that_moves_it(forward: str) -> None:
    check_in_turn(net(MEAN, forward), "Net()", X)


@pytest.mark.parametrize(
    "forward",
    [
        "if self.training:\n    self.m.lerp_(x.mean(0), 0.1)\n    y = x\nelse:\n    y = x - self.m",
        "m = self.m\nif self.training:\n    m.lerp_(x.mean(0), 0.1)\n    y = x\nelse:\n    y = x - m",
        "m = self.m\nif self.training:\n    m += x.mean(0)\n    y = x\nelse:\n    y = x - m",
        "m = self.m\nif not self.training:\n    m.add_(1)\n    y = x\nelse:\n    y = x - m",
        "m = self.m\nif x.sum() > 5:\n    y = x\nelif self.training:\n    m.add_(1)\n    y = x * 2\n"
        "else:\n    y = x - m",
        "m = self.m\nif self.training:\n    if True:\n        m.add_(1)\n    y = x\nelse:\n    y = x - m",
        "m = self.m\nif self.training:\n    if x.sum() > 0:\n        m.add_(1)\n        y = x\n    else:\n"
        "        y = x - m\nelse:\n    y = x + m",
        "m = self.m\nif len(x) == 1:\n    m.add_(1)\n    y = x\nelse:\n    y = x - m",
        "y = x - self.m\nif self.training:\n    self.m.add_(1)",
        "y = x - self.m\nif self.training:\n    self.m += 1\ny = y + self.m",
        "self.move(x)\ny = x - self.m",
        "if self.training:\n    self.m.data.lerp_(x.mean(0), 0.1)\ny = x - self.m",
    ],
)
def test_a_running_mean_that_only_the_other_side_reads_moves_all_the_same(forward: str) -> None:
    more = "@torch.no_grad()\ndef move(self, x):\n    if self.training:\n        self.m.mul_(0.9).add_(x.mean(0))"
    source = net(MEAN, f"{forward}\nreturn self.l(y)", more)
    check_in_turn(source, "Net()", X)


def test_a_batch_norm_of_ones_own_is_a_block_and_moves_without_gradient() -> None:
    norm = (
        "class Norm(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.g = nn.Parameter(torch.ones(8))\n"
        "        self.register_buffer('m', torch.zeros(8))\n"
        "        self.register_buffer('steps', torch.tensor(0))\n"
        "    def forward(self, x):\n        if self.training:\n            m = x.mean(0)\n"
        "            with torch.no_grad():\n                self.m.mul_(0.9).add_(0.1 * m)\n"
        "                self.steps += 1\n        else:\n            m = self.m\n"
        "        return (x - m) * self.g\n\n"
    )
    source = net("self.a = Norm()\nself.l = nn.Linear(8, 8)\nself.b = Norm()", "return self.b(self.l(self.a(x)))", before=norm)  # fmt: skip
    graph = check_in_turn(source, "Net()", X).graph
    assert [o.uses for o in graph.owners.values()] == ["Norm", None, "Norm"]
    model = built(graph)
    for _ in range(2):  # a buffer with a gradient would fail in the second step
        model(torch.randn(3, 8)).sum().backward()


@pytest.mark.parametrize(
    "forward, line",
    [
        (
            "m = self.m\ny = x\nif self.training:\n    m.add_(1)\nif not self.training:\n    y = x - m",
            13,
        ),
        ("y = x\nif self.training:\n    n = torch.rand_like(x)", 12),
        ("n = torch.rand_like(x)\ny = x + n if self.training else x", 10),
    ],
)
def test_what_a_branch_cannot_hold_on_its_side_is_refused(forward: str, line: int) -> None:
    refused(net(MEAN, f"{forward}\nreturn self.l(y)"), SAME_SIDE, line=line)


def test_a_tensor_with_a_gradient_is_not_changed_without_one() -> None:
    more = "@torch.no_grad()\ndef twice(self, h):\n    h.mul_(2)"
    source = net(MEAN, "h = self.l(x)\nself.twice(h)\nreturn h", more)
    refused(source, "while no gradients are computed", line=11)


# What forward makes itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forward",
    [
        "h = self.a(x)\nif self.training:\n    h *= 2\nreturn self.b(h)",
        "h = self.a(x)\nv = h[:, :4]\nif self.training:\n    h.mul_(2)\nreturn self.b(h) + v.sum()",
        "h = self.a(x)\nif self.training:\n    h.mul_(2)\n    y = x\nelse:\n    y = h\nreturn self.b(y)",
        "h = self.a(x)\nv = h[:, :4]\nif self.training:\n    v *= 2\nreturn self.b(h)",
        "h = self.a(x)\nif self.training:\n    h[:, 0] = 1\nelse:\n    h[:, 0] = 2\nreturn self.b(h)",
        "h = self.a(x)\nif self.training:\n    h *= 2\n    return self.b(h)\nreturn self.b(h) + 1",
        "h = self.a(x)\nif self.training:\n    F.relu(h, inplace=True)\nreturn self.b(h)",
        "h = self.a(x)\ny = x.clone() if self.training else h\ny.add_(1)\nreturn self.b(h) + y",
        "n = x\nif self.training:\n    n = torch.rand_like(x)\nh = self.a(x)\nif self.training:\n"
        "    h = h + n\nreturn self.b(h)",
        "if not self.training:\n    n = x\nelse:\n    n = torch.rand_like(x)\nif self.training:\n    y = x + n\n"
        "else:\n    y = x\nreturn self.b(y)",
    ],
)
def test_a_tensor_is_changed_on_the_side_that_changes_it(forward: str) -> None:
    check_in_turn(net(TWO, forward), "Net()", X)


@pytest.mark.parametrize(
    "forward, line",
    [
        (
            "h = self.a(x)\ns = h.mean()\nh[:, 0] = 0\ny = h - s if self.training else h\nreturn self.b(y)",
            11,
        ),
        (
            "h = self.a(x)\nv = h[:, :4]\nif self.training:\n    k = h * 2\nh.add_(1)\n"
            "y = x + k if self.training else x\nreturn self.b(y) + v.sum() + h",
            13,
        ),
        (
            "if self.training:\n    n = torch.rand_like(x)\nr = torch.rand_like(x)\n"
            "return self.b(x + n * r if self.training else x + r)",
            11,
        ),
        (
            "c = self.a(x).sum()\nask = c > 0\nd = c.view(1)\nc.sub_(100)\ny = x\nif ask:\n    y = self.b(x)\n"
            "return y + d",
            16,
        ),
    ],
)
def test_what_would_run_behind_a_change_is_refused(forward: str, line: int) -> None:
    refused(net(TWO, forward), "This would run behind line", line=line)


# Lists and objects -----------------------------------------------------------------------------------

BOX = "class Box:\n    def __init__(self):\n        self.h = None\n        self.kept = []\n\n"


@pytest.mark.parametrize(
    "forward, line",
    [
        (
            "d = {'k': []}\nif self.training:\n    d['k'].append(x)\ny = d['k'][0] if d['k'] else x",
            16,
        ),
        (
            "box = Box()\nif self.training:\n    box.kept.append(x)\ny = box.kept[0] if box.kept else x * 2",
            16,
        ),
        ("found = set()\nif self.training:\n    found.add(1)\ny = x * (1 + len(found))", 16),
        ("outs = []\nself.put(x, outs)\ny = outs[0] if outs else x * 2", 20),
    ],
)
def test_what_only_one_side_puts_into_a_list_or_an_object_is_refused(
    forward: str, line: int
) -> None:
    more = "def put(self, x, outs):\n    if not self.training:\n        return\n    outs.append(x)\n    return"
    source = net(TWO, f"{forward}\nreturn self.b(self.a(y))", more, before=BOX)
    refused(source, "changed on one side", line=line)


@pytest.mark.parametrize(
    "forward",
    [
        "box = Box()\nbox.h = x\nif self.training:\n    box.h = x * 2\ny = box.h",
        "d = {'h': x}\nif self.training:\n    d['h'] = x * 2\ny = d['h']",
        "hs = [x, x * 2]\nif self.training:\n    hs[0] = x * 3\ny = hs[0] + hs[1]",
    ],
)
def test_what_stands_in_a_list_or_an_object_is_another_one_on_each_side(forward: str) -> None:
    check_in_turn(net(TWO, f"{forward}\nreturn self.b(self.a(y))", before=BOX), "Net()", X)


# Questions about what differs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forward",
    [
        "aux = None\nif self.training:\n    aux = x\ny = self.a(x)\nif aux is not None:\n    y = y + 1",
        "k = 1\nif self.training:\n    k = 2\ny = self.a(x)\nif k > 1:\n    y = y + 1",
        "y = self.a(x) * (x if self.training is not False else x * 2)",
        "y = self.a(x) * (x if True == self.training else x * 2)",
        "p = 0.5\ny = self.a(x)\nif not (self.training and p):\n    y = y + 1",
        "p = 0.5\ny = self.a(x)\nif self.training or p:\n    y = y + 1",
        "y = self.a(x) * (1 if isinstance(self.training, bool) else 2)",
    ],
)
def test_a_question_about_the_mode_is_asked_in_each_mode(forward: str) -> None:
    check_in_turn(net(TWO, f"{forward}\nreturn self.b(y)"), "Net()", X)


@pytest.mark.parametrize(
    "forward, line",
    [
        ("y = self.a(x) * (self.training or 3)", 10),
        ("k = 2 if (self.training, 1) == (True, 1) else 3\ny = self.a(x) * k", 10),
        ("k = 2 if self.training in (True,) else 3\ny = self.a(x) * k", 10),
        ("match self.training:\n    case True:\n        y = x\n    case _:\n        y = x * 2", 10),
    ],
)
def test_a_number_that_is_another_one_while_training_is_refused(forward: str, line: int) -> None:
    refused(net(TWO, f"{forward}\nreturn self.b(y)"), line=line)


def test_two_buffers_of_one_tensor_are_refused_where_one_is_written() -> None:
    made = f"{MEAN}\nm = torch.ones(8)\nself.register_buffer('p', m)\nself.register_buffer('q', m)"
    refused(net(made, "self.p.add_(1)\nreturn self.l(x) * self.q"), "one tensor", line=13)
