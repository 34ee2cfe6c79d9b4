"""Frames and notes of the canvas in a picture: where they were drawn, and around what they held."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.cli import main
from builder.graph.model import Frame, Graph
from builder.graph.project import Project, save_project
from builder.graph.shapes import infer_shapes
from builder.inspection import theme
from builder.inspection.drawing import draw, middles
from builder.inspection.drawing.free import at_positions
from builder.inspection.drawing.letters import text_width, wrapped
from builder.inspection.drawing.routes import lay_out
from builder.inspection.drawing.scene import scene_of
from builder.inspection.drawing.sheet import Panel, Rect, Sheet
from tests.graph import reference
from tests.inspection.networks import mlp

ROOT = Path(__file__).parent.parent.parent


def on_canvas(graph: Graph, **frames: Frame) -> Graph:
    """The network in one row, each layer 240 from the next."""
    nodes = {
        k: replace(n, position=(240.0 * i, 0.0)) for i, (k, n) in enumerate(graph.nodes.items())
    }
    return replace(graph, nodes=nodes, frames=frames)


def around(first: int, last: int, **what: str) -> Frame:
    """A frame around the layers of these places in the row."""
    size = (240.0 * (last - first) + 200, 180.0)
    return Frame(what.get("title", "Part"), "blue", (240.0 * first - 24, -48.0), size)


def note_at(place: float, y: float, text: str = "a note") -> Frame:
    return Frame("", "red", (240.0 * place, y), (160, 40), text, "note")


def laid(graph: Graph, down: bool = False, wrap: bool | None = None) -> Sheet:
    return lay_out(scene_of(graph, infer_shapes(graph)), down, wrap)


def drawn(graph: Graph) -> Sheet:
    return at_positions(scene_of(graph, infer_shapes(graph)), middles(graph), False)


def holds(panel: Panel, box: Rect) -> bool:
    (x, y, w, h), (a, b, c, d) = panel.box, box
    return x <= a and y <= b and a + c <= x + w and b + d <= y + h


def touch(a: Rect, b: Rect) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def test_where_the_canvas_has_places_a_frame_stays_where_it_was_and_holds_its_layers() -> None:
    sheet = drawn(on_canvas(mlp(), f=around(1, 3)))
    (panel,) = sheet.panels
    inside = [key for key, box in sheet.boxes.items() if holds(panel, box)]
    assert inside == list(mlp().nodes)[1:4] and panel.box[2:] == (680.0, 180.0)


def test_a_frame_grows_where_the_picture_has_a_larger_card() -> None:
    graph = on_canvas(mlp(), f=Frame("Tight", "blue", (245, 10), (130, 70)))
    assert holds(drawn(graph).panels[0], drawn(graph).boxes[list(graph.nodes)[1]])


@pytest.mark.parametrize("down", [False, True])
def test_laid_out_anew_a_frame_encloses_its_layers_and_no_other(down: bool) -> None:
    sheet = laid(on_canvas(mlp(), f=around(1, 3)), down)
    (panel,) = sheet.panels
    inside = list(mlp().nodes)[1:4]
    for key, box in sheet.boxes.items():
        assert holds(panel, box) if key in inside else not touch(panel.box, box)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.booleans())
def test_frames_hold_theirs_in_pieces_where_others_stand_between(
    data: st.DataObject, down: bool
) -> None:
    graph = on_canvas(reference.resnet18())
    most = len(graph.nodes) - 1
    first, last = sorted(data.draw(st.tuples(st.integers(0, most), st.integers(0, most))))
    sheet = laid(replace(graph, frames={"f": around(first, last)}), down)
    inside = list(graph.nodes)[first : last + 1]
    for key, box in sheet.boxes.items():
        assert any(holds(p, box) for p in sheet.panels) == (key in inside)
        assert key in inside or not any(touch(p.box, box) for p in sheet.panels)
    assert [p.words for p in sheet.panels].count(("Part",)) <= 1


def test_a_frame_in_a_frame_stays_inside_it() -> None:
    sheet = laid(on_canvas(mlp(), out=around(1, 4, title="Outer"), inn=around(2, 3, title="Inner")))
    outer, inner = sheet.panels
    assert (outer.words, inner.words) == (("Outer",), ("Inner",)) and holds(outer, inner.box)


@pytest.mark.parametrize("y", [-120.0, 140.0])
@pytest.mark.parametrize("down", [False, True])
def test_a_note_stands_beside_what_it_stood_beside_and_on_nothing(down: bool, y: float) -> None:
    sheet = laid(on_canvas(mlp(), n=note_at(2, y)), down)
    (panel,) = sheet.panels
    near = {k: gap(panel.box, box) for k, box in sheet.boxes.items()}
    assert min(near, key=lambda k: near[k]) == list(mlp().nodes)[2] and min(near.values()) < 60
    assert not any(touch(panel.box, box) for box in sheet.boxes.values())


def gap(a: Rect, b: Rect) -> float:
    dx = max(b[0] - a[0] - a[2], a[0] - b[0] - b[2], 0.0)
    dy = max(b[1] - a[1] - a[3], a[1] - b[1] - b[3], 0.0)
    return max(dx, dy)


def test_many_notes_at_one_layer_do_not_cover_each_other() -> None:
    notes = {f"n{i}": note_at(2, 140.0 + i, f"note {i}") for i in range(40)}
    panels = laid(on_canvas(mlp(), **notes)).panels
    assert len(panels) == 40
    assert not any(touch(a.box, b.box) for a, b in itertools.combinations(panels, 2))


def test_nothing_lies_outside_of_the_picture() -> None:
    graph = on_canvas(mlp(), f=around(0, 6), n=note_at(-3, -500), m=note_at(9, 700))
    for sheet in (laid(graph), laid(graph, True), drawn(graph)):
        for x, y, w, h in [p.box for p in sheet.panels]:
            assert x > -0.01 and y > -0.01
            assert x + w < sheet.width + 0.01 and y + h < sheet.height + 0.01


HOSTILE = (
    "</text></svg><script>alert('1')</script><image href=\"http://e.vil/x\"/>&#0;]]>\x00\ud800 "
)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("placed", [False, True])
def test_hostile_words_stay_words(dark: bool, placed: bool) -> None:
    frame = replace(around(1, 3), title=HOSTILE[:120])
    graph = on_canvas(mlp(), f=frame, n=note_at(2, 140, HOSTILE * 30))
    nodes = {k: replace(n, note=HOSTILE * 10) for k, n in graph.nodes.items()}
    graph = replace(graph, nodes=nodes)
    where = middles(graph) if placed else None
    picture = draw(graph, infer_shapes(graph), positions=where, dark=dark)
    tree = ElementTree.fromstring(picture.svg)
    assert {e.tag.split("}")[1] for e in tree.iter()} <= {"svg", "title", "rect", "g", "path", "text", "circle"}  # fmt: skip
    assert not [a for e in tree.iter() for a in e.attrib if "href" in a or a.startswith("on")]
    assert "url(" not in picture.svg and picture.png(0.5)


def test_frames_have_the_colours_of_the_canvas() -> None:
    css = (ROOT / "frontend/canvas/src/style.css").read_text("utf-8")
    light, dark = (dict(re.findall(r"--frame-(\w+): (#\w+)", line)) for line in css.splitlines() if "--frame-grey:" in line)  # fmt: skip
    for name in ("grey", "blue", "teal", "green", "yellow", "orange", "red", "purple"):
        assert (light[name], dark[name]) == (theme.frame_colour(name), theme.frame_colour(name, True))  # type: ignore[arg-type]  # fmt: skip


def test_words_wrap_at_spaces_keep_line_breaks_and_break_where_nothing_else_helps() -> None:
    assert wrapped("one two\n\nthree", 12, 45, 9) == ("one two", "", "three")
    assert wrapped("one two three", 12, 45, 9) == ("one two", "three")
    assert all(text_width(line, 12) <= 45 for line in wrapped("w" * 100, 12, 45, 99))
    assert "".join(wrapped("w" * 100, 12, 45, 99)) == "w" * 100
    assert wrapped("a\nb\nc", 12, 45, 2) == ("a", "b …") and wrapped("", 12, 45, 2) == ()


def test_a_note_of_one_word_without_end_takes_no_time() -> None:
    graph = on_canvas(mlp(), n=note_at(2, 140, "w" * 10_000))
    assert len(laid(graph).panels[0].words) < 70


def test_the_command_line_draws_what_is_drawn_unless_told_otherwise(tmp_path: Path) -> None:
    graph = on_canvas(mlp(), f=around(1, 3, title="Hidden layers"), n=note_at(2, 140))
    save_project(Project("Net", graph), tmp_path / "net.json")

    def width(*more: str) -> int:
        target = tmp_path / "net.svg"
        assert main(["draw", str(tmp_path / "net.json"), "-o", str(target), *more]) == 0
        text = target.read_text("utf-8")
        assert "Hidden layers" in text and "a note" in text
        found = re.search(r'width="(\d+)"', text)
        return int(found[1]) if found else 0

    as_drawn = 240 * (len(graph.nodes) - 1)
    assert as_drawn < width() < as_drawn + 250
    assert width("--arrange") < as_drawn and width("--direction", "down") < 600
