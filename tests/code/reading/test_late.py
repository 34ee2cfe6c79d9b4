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
        ("a = [1, 2]\nk = map(lambda t: t * 2, a)\na[1] = 5\nk = sum(k)", 12),
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
