"""What Python looks at late: lists that a loop changes, zip and keys, what a call finds filled."""

from __future__ import annotations

import pytest

from tests.code.reading.harness import check
from tests.code.reading.small import net, refused

X = ["float32[N,8]"]
L = "self.l = nn.Linear(8, 8)"


@pytest.mark.parametrize(
    "forward",
    [
        "a = [1, 2, 3]\nk = 0\nfor v in a:\n    k += v\n    if v == 2:\n        a.remove(1)",
        "a = [1]\nk = 0\nfor v in a:\n    k += v\n    if v < 4:\n        a.append(v + 1)",
        "d = {'a': 1, 'b': 2}\nfor k in d:\n    d[k] = d[k] * 2\nfor k, v in d.items():\n    d[k] = v + 1\n"
        "k = d['a'] * d['b']",
        "a = [x, x * 2]\nfor i, v in enumerate(a):\n    a[i] = self.l(v)\nk = a[0] + a[1]",
        "a = [1, 2, 3]\nk = 0\nfor v in a:\n    a = []\n    k += v",
        "fs = [lambda t: t * i for i in range(3)]\nk = sum(f(x) for f in fs)",
        "a = [1, 2]\nk = map(lambda t: t * 2, a)\na[1] = 5\nk = sum(k)",
    ],
)
def test_a_loop_goes_through_a_list_as_it_is_by_then(forward: str) -> None:
    check(net(L, f"{forward}\nreturn self.l(x) * k"), "Net()", X)


@pytest.mark.parametrize(
    "forward, line",
    [
        ("d = {'a': 1}\nk = d.keys()\nd['b'] = 3\nk = len(k)", 12),
        ("d = {'a': 1}\nk = d.values()\nd['a'] = 3\nk = sum(k)", 12),
        ("a = [1, 2]\nk = zip(a, a)\na.append(3)\nk = len(list(k))", 12),
        ("a = [1, 2]\nk = iter(a)\nnext(k)\na.append(3)\nk = sum(k)", 13),
        (
            "a = [1]\nk = 0\nfor i, v in enumerate(a):\n    k += v\n    if i < 3:\n        a.append(i)",
            14,
        ),
    ],
)
def test_what_changes_under_zip_and_keys_is_refused(forward: str, line: int) -> None:
    source = net(L, f"{forward}\nreturn self.l(x) * k")
    refused(source, "was changed after this was made", "list(zip(a, b))", line=line)


@pytest.mark.parametrize(
    "made, forward, line",
    [
        (
            "self.k = None",
            "if self.k is None:\n    self.k = True\n    return x\nreturn self.l(x)",
            13,
        ),
        (
            "self.k = None",
            "k = 3 if self.k is None else self.k\nself.k = 7\nreturn self.l(x) * k",
            11,
        ),
        ("pass", "self.calls += 1\nreturn self.l(x) * self.calls", 10),
    ],
)
def test_what_a_second_call_finds_filled_is_refused_where_it_does_another_thing(
    made: str, forward: str, line: int
) -> None:
    source = net(f"{L}\n{made}", forward).replace("(nn.Module):\n", "(nn.Module):\n    calls = 0\n")
    refused(source, "from one call", line=line + 1)


def test_a_mask_that_is_made_in_the_first_call_is_read() -> None:
    forward = "if self.m is None:\n    self.m = torch.ones(8, 8).triu()\nreturn self.l(x) @ self.m"
    check(net(f"{L}\nself.m = None", forward), "Net()", X)


TWO = f"{L}\nself.m = nn.Linear(8, 8)\nself.d = nn.Dropout(0.5)"


@pytest.mark.parametrize(
    "forward",
    [
        "k = 2\ng = (t * k for t in [x, self.l(x)])\nk = 3\nreturn sum(g)",
        "a = [x]\ng = (t * 2 for t in a)\na.append(self.l(x))\nreturn sum(g)",
        "k = 1\nz = 0\nfor y in (t * k for t in [x, self.l(x)]):\n    k = k + 1\n    z = z + y\nreturn z",
        "z = 0\nfor y in (self.d(t) for t in [x, self.l(x)]):\n    z = z + self.d(y)\nreturn z",
        "g = (self.l(t) for t in [x, x + 1])\na = sum(g)\nreturn a + len(list(g))",
        "g = (l(x) for l in (self.l, self.m))\nfor a in g:\n    break\nreturn a - next(g)",
        "z = 0\nfor i, y in enumerate(self.d(t) for t in [x, self.l(x)]):\n    z = z + self.d(y) * i\nreturn z",
        "k = 2\ng = map(lambda t: t * k, [x, self.l(x)])\nk = 3\nreturn sum(g)",
        "i = iter([self.l, self.m])\nfor p, q in zip(i, i):\n    x = p(x) - q(x)\nreturn x",
        "z = zip([self.l, self.m], [1, 2])\nfor p, q in z:\n    break\nfor p, q in z:\n    x = p(x)\nreturn x",
        "v = {'a': self.l, 'b': self.m}.values()\nfor l in [*v, *v]:\n    x = l(x)\nreturn x",
        "g = zip([x], [x])\nif self.training:\n    for p, q in g:\n        x = p + q\nelse:\n"
        "    for p, q in g:\n        x = p - q + 1\nreturn x",
        "g = iter([x, self.l(x)])\ny = next(g) if self.training else next(g) * 2\nreturn y + next(g)",
    ],
)
def test_a_generator_goes_on_where_it_is_asked_and_is_used_up_by_that(forward: str) -> None:
    check(net(TWO, forward), "Net()", X)


@pytest.mark.parametrize(
    "forward, words, line",
    [
        ("g = (t * 2 for t in [x])\nif self.training:\n    x = sum(g)\nreturn x", "one side", 17),
        ("for y in many(self, x):\n    x = x + self.d(y)\nreturn x", "in turns", 16),
        ("for l in self.g:\n    x = l(x)\nreturn x", "second call", 16),
    ],
)
def test_a_generator_that_would_go_on_otherwise_is_refused(
    forward: str, words: str, line: int
) -> None:
    before = "def many(net, x):\n    yield net.d(x)\n    yield net.d(x + 1)\n"
    made = f"{TWO}\nself.g = (l for l in (self.l, self.m))"
    refused(net(made, forward, before=before), words, line=line)


@pytest.mark.parametrize(
    "asked",
    [
        "[self.training, True].count(True)",
        "[self.training, True].index(True)",
        "(True in [self.training, False])",
        "len({self.training, True})",
        "{True: 1, False: 2}[self.training]",
        "[1, 2][self.training]",
        "(self.training == 1)",
        "max(self.training, 0.5)",
        "(x.shape[0] in (1, 2))",
    ],
)
def test_what_only_the_network_knows_is_looked_for_in_no_list(asked: str) -> None:
    said = refused(net(TWO, f"return x * {asked}"), line=11)
    assert "Python stops" not in said.help


def test_something_unknown_may_be_none() -> None:
    forward = "p = os.environ.get('P')\nreturn x if p is None else self.l(x)"
    refused(net(L, forward, before="import os\n"), "os.environ.get", line=10)


def test_the_shape_asked_for_the_batch_is_a_question_of_the_network() -> None:
    check(net(L, "if x.shape == (3, 8):\n    return x\nreturn self.l(x)"), "Net()", X)


def test_a_parameter_has_a_sign() -> None:
    made = "self.a = nn.Parameter(torch.ones(8) * 2)\nself.b = nn.Parameter(-self.a)"
    check(net(made, "return x * self.a + self.b"), "Net()", X)
