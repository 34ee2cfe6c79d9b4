"""Lists, dicts and objects with tensors that are handed to a block: what it does to them is seen outside."""

from __future__ import annotations

import pytest

from tests.code.reading.harness import check
from tests.code.reading.small import net, refused

X = ["float32[N,8]"]
MADE = "self.a = nn.Linear(8, 8)\nself.k = Block()"


def text(inside: str, forward: str, made: str = MADE) -> str:
    body = "".join(f"        {line}\n" for line in inside.splitlines())
    block = (
        "class Box:\n    pass\n\nclass Block(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.l = nn.Linear(8, 8)\n    def forward(self, x, outs):\n"
    )
    return net(made, forward, before=f"{block}{body}\n")


@pytest.mark.parametrize(
    "inside, forward",
    [
        ("outs.append(self.l(x))\nreturn x", "outs = [x]\ny = self.k(x, outs)\nreturn outs[1] + y"),
        ("outs += [self.l(x)]\nreturn x", "outs = [x]\ny = self.k(x=x, outs=outs)\nreturn outs[-1] + y"),
        ("outs[0] = self.l(x)\nreturn x", "outs = [x]\ny = self.k(x, outs)\nreturn outs[0] + y"),
        ("return self.l(outs.pop())", "outs = [x, x * 2]\ny = self.k(x, outs)\nreturn outs[-1] + y * len(outs)"),
        ("outs = outs + [self.l(x)]\nreturn outs[-1]", "outs = [x]\ny = self.k(x, outs)\nreturn y * len(outs)"),
        ("outs.append(self.l(x))\nreturn outs", "outs = [x]\nr = self.k(x, outs)\nouts.append(x)\nreturn sum(r)"),
        ("outs['b'] = self.l(x)\nreturn x", "outs = {'a': x}\ny = self.k(x, outs)\nreturn outs['b'] + y"),
        ("outs.pop('a')\nreturn self.l(x)", "d = {'a': x, 'b': x * 2}\ny = self.k(x, d)\nreturn y * len(d)"),
        ("outs['k'].append(self.l(x))\nreturn x", "d = {'k': [x]}\ny = self.k(x, d)\nreturn d['k'][1] + y"),
        ("outs[1].append(self.l(x))\nreturn x", "t = (x, [x])\ny = self.k(x, t)\nreturn t[1][1] + y"),
        ("x.append(self.l(outs[0]))\nreturn outs[-1]", "outs = [x]\ny = self.k(outs, outs)\nreturn y * len(outs)"),
        ("outs.h = [*outs.h, self.l(x)]\nreturn x", "b = Box()\nb.h = [x]\ny = self.k(x, b)\nreturn b.h[1] + y"),
        ("outs.add(3)\nreturn self.l(x)", "s = {1}\ny = self.k(x, s)\nreturn y * len(s)"),
        ("self.seen = outs\nreturn self.l(x)", "o = [x]\ny = self.k(x, o)\no.append(x)\nreturn y * len(self.k.seen)"),
        ("outs[0].mul_(2)\nreturn self.l(x)", "h = self.a(x)\nouts = [h]\ny = self.k(x, outs)\nreturn outs[0] + y"),
    ],
)  # fmt: skip
def test_what_a_block_does_to_what_it_is_handed_is_seen_outside(inside: str, forward: str) -> None:
    check(text(inside, forward), "Net()", X)


def test_dense_blocks_that_only_read_a_list_are_blocks() -> None:
    made = "self.ks = nn.ModuleList([Block() for _ in range(3)])"
    forward = "outs = [x]\nfor k in self.ks:\n    outs.append(k(x, outs))\nreturn sum(outs)"
    graph = check(text("return self.l(sum(outs))", forward, made), "Net()", X).graph
    assert len(graph.blocks) == 3  # each is handed one tensor more


def test_a_list_of_the_network_that_a_block_makes_longer_is_refused() -> None:
    made = f"{MADE}\nself.outs = [torch.zeros(8)]"
    source = text("outs.append(x)\nreturn self.l(x)", "return self.k(x, self.outs)", made)
    refused(source, "goes from one call of forward to the next", line=22)


def test_a_tensor_that_is_handed_to_a_block_and_read_by_nobody_is_left_out() -> None:
    check(text("return self.l(x)", "return self.k(x, x * 2)"), "Net()", X)
    check(text("return self.l(x)", "return self.k(self.k(x, [x * 2]), [])"), "Net()", X)
