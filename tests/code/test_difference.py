"""What differs between two texts of code."""

from __future__ import annotations

from builder.code import difference


def test_lines_that_only_one_text_has_are_marked() -> None:
    found = difference("a\nb\nc\n", "a\nx\nc\n")
    assert found is not None
    assert found.text.splitlines() == ["  a", "- b", "+ x", "  c"]
    assert (found.only_first, found.only_second) == (1, 1)


def test_equal_texts_differ_in_nothing() -> None:
    found = difference("a\nb\n", "a\nb\n")
    assert found is not None
    assert found.text == ""


def test_equal_lines_far_from_a_difference_are_left_out() -> None:
    same = [f"line {i}" for i in range(10)]
    found = difference("\n".join([*same, "b", *same]), "\n".join([*same, "c", *same]))
    assert found is not None
    assert found.text.splitlines() == [
        "⋯", "  line 8", "  line 9", "- b", "+ c", "  line 0", "  line 1", "⋯",
    ]  # fmt: skip


def test_texts_too_long_to_compare_are_not_compared() -> None:
    assert difference("a\n" * 2_000, "b\n" * 2_000) is None
