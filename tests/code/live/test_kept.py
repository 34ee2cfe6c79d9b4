"""What two sequences have in common, and two changes of one text brought together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.code.live.kept import Budget, TooDifferent, kept
from builder.code.live.texts import merge

texts = st.lists(st.sampled_from("abc"), max_size=14)


def longest(one: list[str], other: list[str]) -> int:
    """The length of the longest common subsequence, by the textbook's table."""
    row = [0] * (len(other) + 1)
    for a in one:
        before = 0
        for j, b in enumerate(other):
            row[j + 1], before = (before + 1 if a == b else max(row[j], row[j + 1])), row[j + 1]
    return row[-1]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(texts, texts)
def test_the_most_is_kept_in_order(one: list[str], other: list[str]) -> None:
    pairs = kept(one, other, Budget())
    assert all(one[i] == other[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert len(pairs) == longest(one, other)


def test_what_differs_too_much_ends() -> None:
    with pytest.raises(TooDifferent):
        kept([str(i) for i in range(5_000)], [str(-i) for i in range(5_000)], Budget())


def test_repeated_lines_in_three_rhythms_are_given_up() -> None:
    """What takes difflib minutes."""
    base, one, other = ("".join(f"# a\n# b{i % n}\n" for i in range(9_000)) for n in (7, 5, 3))
    assert merge(base, one, other) is None


def test_a_comment_and_a_number_in_a_long_text_are_both_kept() -> None:
    lines = [f"    nn.Linear(64, 64),  # {i}\n    nn.ReLU(),\n" for i in range(1_000)]
    base = "".join(lines)
    one = base.replace("# 500\n", "# 500, mine\n")
    other = base.replace("nn.Linear(64, 64),  # 20\n", "nn.Linear(64, 32),  # 20\n")
    both = one.replace("nn.Linear(64, 64),  # 20\n", "nn.Linear(64, 32),  # 20\n")
    assert merge(base, one, other) == both
