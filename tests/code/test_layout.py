"""Long statements are broken over lines as `ruff format` breaks them."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.code.writing.layout import (
    Each,
    Expression,
    Group,
    Infix,
    Prefixed,
    assignment,
    call,
    condition,
    definition,
    flat,
    lay,
    returned,
    tuple_of,
    width,
)

LONG_NAMES = [3, 8, 20, 30, 45, 64]


class Draw:
    """Random statements of the kinds that the writers use."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def name(self, longest: int = 64) -> str:
        length = self.random.choice([n for n in LONG_NAMES if n <= longest])
        letter = self.random.choice("abé名" if length < 31 else "abé")
        return letter * length

    def number(self) -> str:
        return self.random.choice(["1", "16", "0.5", "1024", "True", '"same"', "(3, 3)"])

    def value(self) -> Expression:
        kind = self.random.randrange(7)
        if kind == 0:
            return Group(
                "(", tuple(self.number() for _ in range(self.random.randint(2, 5))), literal=True
            )
        if kind == 1:
            return call(f"{self.name(30)}.size", "0")
        if kind == 2:
            return Infix((call(f"{self.name(30)}.size", "0"), "2"), ("*",))
        return self.number() if kind < 5 else self.name(30)

    def arguments(self) -> tuple[Expression, ...]:
        count = self.random.choice([0, 1, 1, 2, 3, 6])
        plain = [self.value() for _ in range(self.random.randint(0, count))]
        named = [Prefixed(f"{self.name(8)}{i}=", self.value()) for i in range(count - len(plain))]
        return (*plain, *named)

    def call(self) -> Group:
        front = self.random.choice(["self.", "nn.", "torch.", "F."])
        return call(front + self.name(), *self.arguments())

    def expression(self) -> Expression:
        kind = self.random.randrange(9)
        if kind == 0:
            return Infix((self.name(30), self.random.choice(["2", self.name(30)])), ("+",))
        if kind == 1:
            return Group(
                f"{self.name(30)}[", (":", "1:3", self.name(30))[: self.random.randint(1, 3)], "]"
            )
        if kind == 2:
            return call("nn.ModuleList", Each(self.call(), "for _ in range(3)"))
        if kind == 3:
            every = Prefixed("*", Group("(", (Each(self.call(), "for _ in range(12)"),)))
            return call("nn.Sequential", every)
        if kind == 4:
            items = tuple(self.name(30) for _ in range(self.random.randint(1, 4)))
            return call("torch.cat", tuple_of(items), Prefixed("dim=", "1"))
        if kind == 5:
            return call("nn.ModuleList", Group("[", (self.call(), self.call()), "]", literal=True))
        if kind == 6:
            return self.name(self.random.choice([30, 64]))
        return self.call()

    def statement(self, indent: int) -> Iterator[str]:
        kind = self.random.randrange(8)
        if kind == 0:
            values = tuple(self.name(30) for _ in range(self.random.randint(1, 4)))
            yield from returned(values[0] if len(values) == 1 else tuple_of(values), indent)
        elif kind == 1:
            asked: Expression = Infix(
                (self.name(30), self.random.choice(["0.5", self.name(30)])), (">",)
            )
            asked = self.random.choice([asked, Prefixed("not ", asked), f"self.{self.name()}"])
            yield from condition("if", asked, indent)
            yield " " * (indent + 4) + "pass"
        elif kind == 2:
            yield from lay(self.call(), indent)
        else:
            names = [self.name(30) for _ in range(3)]
            target: Expression = self.random.choice(
                [
                    *("x", "x", names[0], f"self.{self.name()}", f"{names[0]}: Tensor"),
                    *(
                        Group("", (names[0], "_"), ""),
                        Group("", (names[0], Group("(", tuple(names[1:]), literal=True)), ""),
                    ),
                ]
            )
            yield from assignment(target, self.expression(), indent)


def statements(count: int) -> Iterator[str]:
    """Random statements at four depths, one after the other."""
    for seed in range(count):
        depth = seed % 4
        yield from (" " * (4 * d) + "if x:" for d in range(depth))
        yield from Draw(seed).statement(4 * depth)
        yield "# next"


def definitions(count: int) -> Iterator[str]:
    """Methods with random parameters."""
    for seed in range(count):
        draw = Draw(seed)
        names = [draw.name() for _ in range(draw.random.randint(1, 3))]
        yield from [
            "",
            "",
            "class A:",
            *definition("f", ("self", *names), "Tensor", 4),
            "        pass",
        ]


@pytest.mark.parametrize(
    "lines", [statements(3000), definitions(100)], ids=["statements", "methods"]
)
def test_ruff_has_nothing_to_change(lines: Iterator[str], tmp_path: Path) -> None:
    file = tmp_path / "statements.py"
    file.write_text("\n".join(lines).lstrip("\n") + "\n")
    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(file)]
    done = subprocess.run(ruff, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:4000]


def test_a_wide_character_takes_two_columns_and_a_mark_none() -> None:
    assert [width(t) for t in ("a", "é", "名", "e\u0301")] == [1, 1, 2, 1]


def test_a_call_that_fits_stays_on_one_line() -> None:
    assert assignment("x", call("self.fc1", "x"), 8) == ["        x = self.fc1(x)"]


def test_one_expression_flat() -> None:
    doc = call("nn.Conv2d", "3", "16", Prefixed("kernel_size=", "3"))
    assert flat(doc) == "nn.Conv2d(3, 16, kernel_size=3)"
