"""The stack's rows: what a layer says of itself in one line, and how long networks are folded."""

from __future__ import annotations

from typing import Any

import pytest

from builder.gallery import designs, project
from builder.graph.shapes import infer_shapes
from builder.ui.markdown import plain
from builder.ui.palette import palette_groups
from builder.ui.workbench.rows import rows_of
from builder.ui.workbench.window import fold
from tests.graph.networks import layer, output, start


def rows(key: str) -> dict[str, dict[str, Any]]:
    graph = project(key).graph
    return {row["name"]: row for row in rows_of(graph, infer_shapes(graph))}


def test_a_layer_says_its_sizes_its_count_and_its_shape() -> None:
    first = next(row for row in rows("mlp_784_sequential").values() if row["type"] == "Linear")
    assert (first["parameters"], first["shape"]) == ("784 → 128", "N×128")
    assert (first["count"], first["exact"]) == ("100\u2009480", "100\u2009480")


def test_where_an_input_comes_from_is_said_only_where_it_is_not_the_row_above() -> None:
    assert all(not row["sources"] for row in rows("mlp_784_sequential").values())
    merged = [row for row in rows("unet").values() if row["type"] == "cat"]
    assert [row["sources"] for row in merged] == [["from down2, up2"], ["from down1, up1"]]


def test_a_row_that_does_not_read_the_row_above_stands_apart() -> None:
    graph = layer(start(), "side", "Linear", "x", out_features=4)
    graph = output(layer(graph, "fc", "Linear", "x", out_features=2), "fc")
    x, side, fc, end = rows_of(graph, infer_shapes(graph))
    assert (side["below"], side["marks"]) == ("from x · N×8", ["result unused"])
    assert fc["apart"] and not fc["marks"]
    assert not any("below" in row or "apart" in row for row in (x, end))


def test_shared_weights_are_marked_at_the_second_call() -> None:
    marks = [mark for row in rows("siamese").values() for mark in row["marks"]]
    assert any(mark.startswith("weights of") for mark in marks)


def test_a_row_without_shapes_is_still_a_row() -> None:
    assert all(row["shape"] == "?" for row in rows_of(project("unet").graph, None))


@pytest.mark.parametrize("key", list(designs()))
def test_every_gallery_network_has_rows_without_problems(key: str) -> None:
    for row in rows(key).values():
        assert "problem" not in row
        assert len(row["parameters"]) <= 64


def test_the_palette_holds_the_whole_catalogue_once_beside_the_usual_ones() -> None:
    from builder import catalogue

    usual, *groups = palette_groups(project("unet").graph)
    keys = [entry["key"] for group in groups for entry in group["entries"]]
    assert set(catalogue.entries()) <= set(keys) and len(keys) == len(set(keys))
    assert usual["entries"][0]["name"] == "Linear"
    assert "block:DoubleConv" in keys


def test_a_short_network_is_not_folded() -> None:
    listed = [{"id": str(i)} for i in range(120)]
    assert fold(listed, None) == listed


@pytest.mark.parametrize("at", [None, 0, 500, 999, 10**9, -5])
def test_a_long_network_shows_its_ends_and_the_place_looked_at(at: int | None) -> None:
    listed = [{"id": str(i)} for i in range(1000)]
    shown = fold(listed, at)
    ids = [row["id"] for row in shown if "id" in row]
    assert ids[0] == "0" and ids[-1] == "999"
    assert len(shown) <= 12 * 2 + 40 * 2 + 1 + 2
    assert len(ids) + sum(row.get("fold", 0) for row in shown) == 1000
    if at is not None and 0 <= at < 1000:
        assert str(at) in ids


def test_unfolding_shows_what_was_folded() -> None:
    listed = [{"id": str(i)} for i in range(1000)]
    seen, at = set(), 0
    for _ in range(40):
        shown = fold(listed, at)
        seen |= {row["id"] for row in shown if "id" in row}
        later = [row for row in shown if "fold" in row]
        if not later or len(seen) == 1000:
            break
        at = later[-1]["at"]
    assert len(seen) == 1000


def test_a_persons_words_are_never_markdown() -> None:
    assert plain("**a** :red[b] $x$ <i>") == "\\*\\*a\\*\\* \\:\u2060red\\[b\\] \\$x\\$ \\<i\\>"
    assert plain("one\n# two") == "one \\# two"


def test_what_streamlit_looks_for_after_the_escapes_is_kept_apart() -> None:
    joiner = "\u2060"
    assert plain("http://a.b") == f"http\\:{joiner}//a\\.b"
    assert plain("www.a.b") == f"www{joiner}\\.a\\.b"
    assert plain("me@a.b") == f"me\\@{joiner}a\\.b"
    assert plain(":material/bug:") == f"\\:{joiner}material/bug\\:"
    assert plain("a->b") == f"a\\-{joiner}\\>b"
    assert plain("&lt;") == "\\&lt;"


def test_characters_that_turn_a_sentence_around_are_shown_as_such() -> None:
    assert plain("\u202egnp.exe") == "�gnp\\.exe"
