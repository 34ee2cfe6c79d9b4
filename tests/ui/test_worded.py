"""A select box whose words change is another box: the browser sends words back, not choices."""

from __future__ import annotations

from builder.ui.worded import worded


def test_the_same_words_are_the_same_box() -> None:
    assert worded("input", ["fc1 · N×32"]) == worded("input", ["fc1 · N×32"])


def test_other_words_are_another_box() -> None:
    keys = {
        worded("input", ["fc1 · N×32"]),
        worded("input", ["fc1 · N×64"]),
        worded("input", ["fc1 ·", "N×32"]),
        worded("other", ["fc1 · N×32"]),
    }
    assert len(keys) == 4


def test_a_broken_character_is_no_reason_to_fail() -> None:
    assert worded("input", ["\ud800"]).startswith("input.")
