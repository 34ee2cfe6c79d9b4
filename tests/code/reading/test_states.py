"""Tensors kept for the next call by assignment, and conditions on whether gradients are recorded."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import pytest
import torch
from torch import nn

from builder.code import build_module, styles, write_code
from builder.code.reading import Read, read_here
from builder.errors import CodeRefused
from builder.graph.shapes import infer_shapes
from tests.code.reading.harness import (
    SIZE,
    built,
    copies,
    equal,
    executed,
    fixed_point,
    leaves,
    same,
    values_for,
)
from tests.code.reading.small import HEAD, net, refused, told

X = ["float32[N,8]"]
TURNS = (
    ("train", True),
    ("train", True),
    ("eval", False),
    ("train", False),
    ("eval", True),
    ("eval", True),
    ("train", True),
)


def check_kept(
    source: str,
    expression: str = "Net()",
    inputs: list[str] = X,
    backward_in_eval: bool = True,
    names_stay: bool = True,
) -> Read:
    """Calls in each mode, with gradients and without: the same outputs, gradients and kept tensors.

    What a call gave is the same still after the last one. `names_stay`: whether what is written is read as
    the very same text.
    """
    read = read_here(source, expression, inputs)
    if names_stay:
        fixed_point(read.graph, [k for k in styles() if k != "manual"])
    again = read_here(write_code(read.graph), None, inputs).graph
    problems = infer_shapes(read.graph).problems
    assert [p for p in problems if p.kind != "batch_lost"] == []
    for graph in (read.graph, again):
        theirs, ours = executed(source, expression), built(graph)
        ours.load_state_dict(theirs.state_dict())
        in_turn(theirs, ours, values_for(graph, 5, SIZE), backward_in_eval)
    return read


def in_turn(
    theirs: nn.Module, ours: nn.Module, drawn: list[torch.Tensor], backward_in_eval: bool = True
) -> None:
    given: list[tuple[Any, Any]] = []
    for turn, (mode, recorded) in enumerate(TURNS):
        outputs: list[Any] = []
        gradients: list[list[torch.Tensor | None]] = []
        for model in (theirs, ours):
            model.train(mode == "train")
            model.zero_grad()
            torch.manual_seed(turn)
            values = [v * (turn + 1) if v.is_floating_point() else v for v in copies(drawn)]
            with torch.set_grad_enabled(recorded):
                outputs.append(model(*values))
            if recorded and (mode == "train" or backward_in_eval):
                total = reduce(operator.add, (leaf.square().sum() for leaf in leaves(outputs[-1])))
                if total.requires_grad:
                    total.backward()
            named = sorted(model.named_parameters())
            gradients.append([p.grad for _, p in named])
        where = f"{mode}, call {turn}"
        same(outputs[0], outputs[1], where)
        for one, other in zip(gradients[0], gradients[1], strict=True):
            assert (one is None) == (other is None), f"a gradient is missing in {where}"
            assert one is None or other is None or torch.allclose(one, other), where
        for name, value in ours.named_buffers():
            kept = operator.attrgetter(name)(theirs)
            assert equal(kept.detach(), value), f"{name} differs after {where}"
        assert set(theirs.state_dict()) == set(ours.state_dict())
        given.append((outputs[0], outputs[1]))
    for pair in given:
        same(*pair, "what was given before")


MEAN = "self.m = torch.zeros(8)\nself.l = nn.Linear(8, 8)"
HELD = "self.register_buffer('m', torch.zeros(8))\nself.l = nn.Linear(8, 8)"
CACHE = "self.cache = torch.zeros(8)\nself.l = nn.Linear(8, 8)"


@pytest.mark.parametrize("made", [MEAN, HELD])
@pytest.mark.parametrize(
    "forward",
    [
        "if self.training:\n    m = x.mean(0)\n    self.m = 0.9 * self.m + 0.1 * m\nelse:\n    m = self.m\n"
        "return self.l(x - m)",
        "h = self.l(x)\nif self.training:\n    m = h.mean(0)\n    with torch.no_grad():\n"
        "        self.m = 0.9 * self.m + 0.1 * m\nelse:\n    m = self.m\nreturn h - m",
        "h = self.l(x)\nif self.training:\n    self.m = torch.lerp(self.m, h.detach().mean(0), 0.1)\n"
        "return h * self.m",
        "h = self.l(x)\nif not self.training:\n    return h * self.m\nm = h.mean(0)\n"
        "self.m = (0.9 * self.m + 0.1 * m).detach()\nreturn h - m",
        "old = self.m\nself.m = x.mean(0)\nreturn self.l(x) * old + self.m",
        "h = self.l(x) * self.m\nself.m = self.m + h.detach().mean(0)\nreturn h * self.m",
        "old = self.m\nself.m = self.m + 1\nreturn self.l(x), old, self.m",
        "old = self.m.view(2, 4)\nself.m = self.m + 1\nreturn self.l(x) + old.sum(), old",
        "v = x.mean(0)\nself.m = v\nv.add_(1)\nreturn self.l(x + self.m)",
        "old = self.m\nself.m = old * 2 + 1\nold = old.clone().add_(3)\nreturn self.l(x) * old",
        "self.m = self.m + 1\nself.m = self.m * 2\nself.m += 1\nreturn self.l(x) * self.m",
        "if x.sum() > 0:\n    self.m = self.m + 1\nelse:\n    self.m = self.m - x.mean(0)\n"
        "return self.l(x) * self.m",
        "self.move(x)\nself.move(x)\nreturn self.l(x * self.m)",
        "for _ in range(3):\n    self.m = self.m * 0.5 + x.mean(0)\nreturn self.l(x * self.m)",
        "y = self.l(x) * (self.m if self.training else 1 + self.m)\nself.m = x.amax(0)\nreturn y",
        "self.m = self.m.to(x.device)\nreturn self.l(x) * self.m",
        "setattr(self, 'm', self.m + 1)\nreturn self.l(x) * self.m",
        "y = self.l(x)\nif torch.is_grad_enabled():\n    self.m = 0.9 * self.m + y.detach().mean(0)\n"
        "return y * self.m",
    ],
)
def test_what_is_assigned_is_there_in_the_next_call(made: str, forward: str) -> None:
    more = (
        "@torch.no_grad()\ndef move(self, x):\n    self.m = 0.9 * self.m + 0.1 * self.l(x).mean(0)"
    )
    check_kept(net(made, forward, more))


def test_one_condition_in_another_decides_what_is_kept() -> None:
    forward = "if self.training:\n    if x.sum() > 0:\n        self.m = self.m + 1\nreturn self.l(x) * self.m"
    check_kept(net(MEAN, forward), names_stay=False)
    forward = "if self.training and torch.is_grad_enabled():\n    self.m = self.m + 1\nreturn self.l(x) * self.m"
    check_kept(net(HELD, forward), names_stay=False)


def test_a_counter_keeps_its_dtype_and_its_key() -> None:
    made = "self.register_buffer('steps', torch.tensor(0))\nself.l = nn.Linear(8, 8)"
    source = net(made, "self.steps = self.steps + 1\nreturn self.l(x) / self.steps")
    check_kept(source)


def test_two_attributes_pass_a_tensor_on_from_call_to_call() -> None:
    made = "self.a = torch.zeros(8)\nself.b = torch.ones(8)\nself.l = nn.Linear(8, 8)"
    check_kept(net(made, "self.a, self.b = self.b, x.mean(0)\nreturn self.l(x) * self.a + self.b"))
    check_kept(net(made, "self.b = self.a\nself.a = x.mean(0)\nreturn self.l(x) * self.a + self.b"))


def test_a_spectral_norm_by_hand_goes_on_where_the_last_call_ended() -> None:
    made = (
        "self.w = nn.Parameter(torch.randn(8, 8))\nself.register_buffer('u', torch.ones(8))\n"
        "self.register_buffer('v', torch.ones(8))"
    )
    forward = (
        "u, v = self.u, self.v\nif self.training:\n    with torch.no_grad():\n"
        "        v = F.normalize(self.w.t() @ u, dim=0)\n        u = F.normalize(self.w @ v, dim=0)\n"
        "    self.u = u\n    self.v = v\nsigma = torch.dot(u, self.w @ v)\nreturn x @ (self.w / sigma)"
    )
    check_kept(net(made, forward))


def test_a_module_called_twice_keeps_what_the_second_call_leaves() -> None:
    norm = (
        "class Norm(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.m = torch.zeros(8)\n    def forward(self, x):\n"
        "        self.m = 0.9 * self.m + 0.1 * x.detach().mean(0)\n        return x * self.m\n\n"
    )
    made = "self.n = Norm()\nself.o = Norm()\nself.l = nn.Linear(8, 8)"
    source = net(made, "return self.o(self.n(self.l(self.n(x))))", before=norm)
    graph = check_kept(source).graph
    assert [o.uses for o in graph.owners.values()].count("Norm") == 2
    read = "before = self.n.m\ny = self.n(self.l(x))\nreturn y + before - self.n.m"
    check_kept(net(made, read, before=norm), names_stay=False)


LAST = (
    "class Part(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.last, self.l = torch.zeros(8), nn.Linear(8, 8)\n    def forward(self, x):\n"
    "        h = self.l(x)\n        {}\n        return h\n\n"
)


def test_what_a_part_left_is_read_with_its_gradient_in_the_same_call() -> None:
    before = LAST.format("self.last = h.mean(0)")
    made = "self.p = Part()\nself.l = nn.Linear(8, 8)"
    check_kept(net(made, "h = self.p(x)\nreturn self.l(h) * self.p.last", before=before))


def test_a_list_of_norms_keeps_each_its_own() -> None:
    before = LAST.format(
        "self.last = 0.5 * self.last + h.detach().mean(0)\n        h = h * self.last"
    )
    made = "self.parts = nn.ModuleList([Part() for _ in range(3)])"
    source = net(made, "for p in self.parts:\n    x = p(x)\nreturn x", before=before)
    assert [o.repeat for o in check_kept(source).graph.owners.values()] == [3]


def test_a_part_that_runs_without_gradients_keeps_none() -> None:
    before = LAST.format("self.last = 0.5 * self.last + h.mean(0)\n        h = h * self.last")
    forward = "h = self.l(x)\nwith torch.no_grad():\n    k = self.p(h)\nreturn h * k"
    check_kept(net("self.p = Part()\nself.l = nn.Linear(8, 8)", forward, before=before))
    more = "@torch.no_grad()\ndef keep(self, h):\n    self.m = h"
    forward = (
        "h = self.l(x).mean(0)\ny = self.l(x) * self.m.detach()\nself.keep(h)\nreturn y * self.m"
    )
    check_kept(net(MEAN, forward, more))


def test_a_part_that_one_side_calls_moves_on_that_side() -> None:
    before = LAST.format(
        "self.last = 0.5 * self.last + h.detach().mean(0)\n        h = h * self.last"
    )
    forward = "h = self.l(x)\nif self.training:\n    h = self.p(h)\nreturn h * 2"
    source = net("self.p = Part()\nself.l = nn.Linear(8, 8)", forward, before=before)
    check_kept(source, names_stay=False)


@pytest.mark.parametrize(
    "forward, line",
    [
        ("self.n.add_(1)\ny = self.l(x) * self.m\nself.m = self.n\nreturn y", 11),
        ("y = self.l(x) * self.m\nself.m = self.l.bias.data\nreturn y", 12),
        ("self.m = self.n.detach()\nself.n.add_(1)\nreturn self.l(x) * self.m", 12),
    ],
)
def test_a_tensor_that_changes_under_another_name_is_not_kept(forward: str, line: int) -> None:
    source = net(f"{HELD}\nself.register_buffer('n', torch.ones(8))", forward)
    refused(source, "the very tensor that is changed here", line=line)


def test_a_mean_that_learns_and_is_used_in_evaluation_alone_is_kept_without_gradient() -> None:
    forward = (
        "h = self.l(x)\nif self.training:\n    m = h.mean(0)\n    self.m = 0.9 * self.m + 0.1 * m\n"
        "else:\n    m = self.m\nreturn h - m"
    )
    read = check_kept(net(MEAN, forward), backward_in_eval=False)
    assert "“self.m” is kept for the next call without its gradient" in told(read)


@pytest.mark.parametrize(
    "forward, words, line",
    [
        ("h = self.l(x)\nself.m = 0.9 * self.m + h.mean(0)\nreturn h - self.m", "second backward", 11),
        ("y = self.l(x) - self.m\nself.m = y.mean(0)\nreturn y", "second backward", 11),
        ("self.m = self.m.mean() + x\nreturn self.l(x)", "N×8 of float32", 10),
        ("self.m = (self.m + 1).long()\nreturn self.l(x)", "8 of int64", 10),
        (
            "if self.training:\n    self.m.add_(1)\nelse:\n    self.m = self.m + 1\nreturn self.l(x)",
            "both for the next call",
            11,
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_line(forward: str, words: str, line: int) -> None:
    refused(net(HELD, forward), "“self.m”", words, line=line)


def test_a_plain_tensor_that_forward_never_reads_is_left_out() -> None:
    read = check_kept(net(CACHE, "y = self.l(x)\nif self.training:\n    self.cache = y.mean(0)\nreturn y"))  # fmt: skip
    assert "“self.cache” is left out: forward sets it and never reads it" in told(read)
    assert [o.name for o in read.graph.owners.values()] == ["l"]


def test_a_registered_buffer_that_forward_never_reads_is_kept() -> None:
    made = "self.register_buffer('last', torch.zeros(8))\nself.l = nn.Linear(8, 8)"
    source = net(
        made, "y = self.l(x)\nif self.training:\n    self.last = y.mean(0).detach()\nreturn y"
    )
    read = check_kept(source)
    assert [o.name for o in read.graph.owners.values()] == ["last", "l"]


# Whether gradients are recorded ----------------------------------------------------------------------

BATCH_NORM = (
    HEAD
    + """
def normalise(x, gamma, beta, moving_mean, moving_var, eps, momentum):
    if not torch.is_grad_enabled():
        z = (x - moving_mean) / torch.sqrt(moving_var + eps)
    else:
        assert len(x.shape) in (2, 4)
        dims = 0 if len(x.shape) == 2 else (0, 2, 3)
        mean = x.mean(dim=dims, keepdim=len(x.shape) == 4)
        var = ((x - mean) ** 2).mean(dim=dims, keepdim=len(x.shape) == 4)
        z = (x - mean) / torch.sqrt(var + eps)
        moving_mean = (1.0 - momentum) * moving_mean + momentum * mean
        moving_var = (1.0 - momentum) * moving_var + momentum * var
    return gamma * z + beta, moving_mean.data, moving_var.data


class Norm(nn.Module):
    def __init__(self, features, dims):
        super().__init__()
        shape = (1, features) if dims == 2 else (1, features, 1, 1)
        self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.moving_mean, self.moving_var = torch.zeros(shape), torch.ones(shape)

    def forward(self, X):
        if self.moving_mean.device != X.device:
            self.moving_mean = self.moving_mean.to(X.device)
            self.moving_var = self.moving_var.to(X.device)
        Y, self.moving_mean, self.moving_var = normalise(
            X, self.gamma, self.beta, self.moving_mean, self.moving_var, eps=1e-5, momentum=0.1
        )
        return Y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm1 = nn.Conv2d(1, 3, 3), Norm(3, 4)
        self.fc, self.norm2, self.head = nn.Linear(27, 5), Norm(5, 2), nn.Linear(5, 2)

    def forward(self, x):
        x = F.avg_pool2d(torch.sigmoid(self.norm1(self.conv(x))), 2).flatten(1)
        return self.head(torch.sigmoid(self.norm2(self.fc(x))))
"""
)
PICTURE = ["float32[N,1,8,8]"]


def test_a_batch_norm_from_scratch_is_read_and_moves_as_in_the_text() -> None:
    read = check_kept(BATCH_NORM, "Net()", PICTURE)
    assert [o.uses for o in read.graph.owners.values() if o.uses] == ["Norm", "Norm2"]
    assert "if torch.is_grad_enabled():" in write_code(read.graph)


@pytest.mark.parametrize("style", styles())
def test_every_style_that_can_write_it_computes_the_same(style: str) -> None:
    graph = read_here(BATCH_NORM, "Net()", PICTURE).graph
    try:
        ours = build_module(graph, style)
    except CodeRefused:
        assert style not in ("module", "typed")
        return
    theirs = executed(BATCH_NORM, "Net()")
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    for turn, recorded in enumerate((True, True, False, True, False)):
        outputs = []
        for model in (theirs, ours):
            with torch.set_grad_enabled(recorded):
                torch.manual_seed(turn)
                outputs.append(model(torch.randn(3, 1, 8, 8)))
        assert torch.allclose(outputs[0], outputs[1], atol=1e-6), (style, turn)


@pytest.mark.parametrize(
    "forward",
    [
        "y = self.l(x)\nif torch.is_grad_enabled():\n    y = y * 2\nreturn y",
        "return self.l(x if torch.is_grad_enabled() else x * 3)",
        "if not torch.is_grad_enabled() or False:\n    return self.l(x)\nreturn self.l(x) * 2",
        "with torch.no_grad():\n    k = 2 if torch.is_grad_enabled() else 3\nreturn self.l(x) * k",
        "if self.training:\n    if torch.is_grad_enabled():\n        x = x + 1\nreturn self.l(x)",
    ],
)
def test_whether_gradients_are_recorded_is_asked_when_it_runs(forward: str) -> None:
    check_kept(net("self.l = nn.Linear(8, 8)", forward))


def test_gradients_that_are_switched_on_and_asked_for_are_refused() -> None:
    forward = (
        "with torch.enable_grad():\n    if torch.is_grad_enabled():\n        x = x + 1\nreturn x"
    )
    refused(net("self.l = nn.Linear(8, 8)", forward), "set in the network", line=10)
