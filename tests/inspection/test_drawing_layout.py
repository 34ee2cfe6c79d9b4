"""Where things stand in a picture: nothing overlaps, wires run around cards, chains are straight."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder import gallery
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import infer_shapes
from builder.inspection.drawing.free import at_positions
from builder.inspection.drawing.letters import broken, cut, drawable, text_width
from builder.inspection.drawing.routes import lay_out
from builder.inspection.drawing.scene import scene_of
from builder.inspection.drawing.sheet import Sheet
from tests.inspection.networks import mlp


def sheet_of(graph: Graph, down: bool = False, **how: bool) -> Sheet:
    return lay_out(scene_of(graph, infer_shapes(graph), how.pop("unfold", False)), down, **how)


def net(reads: dict[str, list[str]]) -> Graph:
    """A network by who reads whom; what reads several adds them up or joins them."""
    nodes: dict[str, Node] = {}
    owners: dict[str, Owner] = {}
    for name, sources in reads.items():
        if not sources:
            nodes[name] = Node(name, "input", name, spec=TensorSpec(("N", 8)))
        elif len(sources) == 1:
            owners[name] = Owner(name, name, "torch.nn.ReLU")
            nodes[name] = Node(name, "layer", target=name, arguments={"input": Ref(sources[0])})
        else:
            wires = {"tensors": tuple(Ref(s) for s in sources), "dim": 1}
            nodes[name] = Node(name, "operation", name, "torch.cat", wires)
    return Graph("Net", nodes, owners)


def overlapping(sheet: Sheet) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, p), (b, q) in itertools.combinations(sheet.boxes.items(), 2)
        if p[0] < q[0] + q[2] and q[0] < p[0] + p[2] and p[1] < q[1] + q[3] and q[1] < p[1] + p[3]
    ]


def run_over(sheet: Sheet) -> list[tuple[str, str, str]]:
    """Wires that run over a card: tail, head and the card."""
    found = []
    for line in sheet.lines:
        for p, q in itertools.pairwise(line.points):
            for key, (x, y, w, h) in sheet.boxes.items():
                left, right = sorted((p[0], q[0]))
                top, bottom = sorted((p[1], q[1]))
                if left < x + w - 1 and right > x + 1 and top < y + h - 1 and bottom > y + 1:
                    found.append((line.wire.tail, line.wire.head, key))
    return [f for f in found if f[2] not in f[:2]]


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(2, 24))
    reads: dict[str, list[str]] = {}
    for i in range(count):
        before = list(reads)
        many = draw(st.integers(0, min(3, len(before))))
        near = before[-6:] if draw(st.booleans()) else before
        reads[f"n{i}"] = draw(st.permutations(near))[:many] if near else []
    return net(reads)


@settings(max_examples=40, deadline=None)
@given(networks(), st.booleans())
def test_no_card_stands_on_another_and_no_wire_runs_over_a_card(graph: Graph, down: bool) -> None:
    sheet = sheet_of(graph, down)
    assert not overlapping(sheet)
    assert not run_over(sheet)


@pytest.mark.parametrize("name", gallery.designs())
@pytest.mark.parametrize("down", [False, True])
def test_the_gallery_is_laid_out_cleanly(name: str, down: bool) -> None:
    for unfold in (False, True):
        sheet = sheet_of(gallery.project(name).graph, down, unfold=unfold)
        assert not overlapping(sheet) and not run_over(sheet)
        for box in sheet.boxes.values():
            assert box[0] >= -0.01 and box[0] + box[2] <= sheet.width + 0.01
            assert box[1] >= -0.01 and box[1] + box[3] <= sheet.height + 0.01


@settings(max_examples=20, deadline=None)
@given(networks())
def test_every_wire_goes_from_its_tail_to_its_head(graph: Graph) -> None:
    sheet = sheet_of(graph)
    for line in sheet.lines:
        (x, y, w, h), (a, b, _, d) = sheet.boxes[line.wire.tail], sheet.boxes[line.wire.head]
        assert line.points[0][0] == pytest.approx(x + w) and y <= line.points[0][1] <= y + h
        assert line.points[-1][0] == pytest.approx(a) and b <= line.points[-1][1] <= b + d


def test_a_chain_is_straight() -> None:
    middles = {round(y + h / 2, 3) for _, y, _, h in sheet_of(mlp()).boxes.values()}
    assert len(middles) == 1


def test_a_skip_leaves_its_chain_straight_and_runs_around_it() -> None:
    graph = net({"x": [], "a": ["x"], "b": ["a"], "c": ["b", "x"], "d": ["c"]})
    sheet = sheet_of(graph)
    middles = {round(y + h / 2, 3) for _, y, _, h in sheet.boxes.values()}
    skip = next(line for line in sheet.lines if (line.wire.tail, line.wire.head) == ("x", "c"))
    assert len(middles) == 1
    assert min(p[1] for p in skip.points) < min(y for _, y, _, _ in sheet.boxes.values())


def test_equal_branches_stand_on_both_sides_of_what_joins_them() -> None:
    boxes = sheet_of(net({"x": [], "a": ["x"], "b": ["x"], "c": ["a", "b"]})).boxes
    middle = {k: y + h / 2 for k, (_, y, _, h) in boxes.items()}
    assert middle["x"] == pytest.approx(middle["c"], abs=1)
    assert (middle["a"] + middle["b"]) / 2 == pytest.approx(middle["c"], abs=1)


def test_a_unet_has_the_shape_of_a_u() -> None:
    sheet = sheet_of(gallery.project("unet").graph)
    names = {sheet.scene.cards[k].quiet[0].split(" ")[0]: b for k, b in sheet.boxes.items() if sheet.scene.cards[k].quiet}  # fmt: skip
    assert names["down1"][1] < names["down2"][1] < names["bottom"][1]
    assert names["cat1"][1] < names["cat2"][1] < names["bottom"][1]


def test_wires_find_their_way_around_cards_that_a_person_put_in_it() -> None:
    graph = net({"x": [], "a": ["x"], "b": ["a"], "c": ["b", "x"]})
    scene = scene_of(graph, infer_shapes(graph))
    at = {"x": (0.0, 0.0), "a": (200.0, 0.0), "b": (400.0, 0.0), "c": (600.0, 0.0)}
    for down in (False, True):
        places = {k: (y, x) if down else (x, y) for k, (x, y) in at.items()}
        assert not run_over(at_positions(scene, places, down))


def test_rows_of_a_long_network_do_not_overlap() -> None:
    reads: dict[str, list[str]] = {"x": []}
    before = "x"
    for i in range(12):
        reads |= {f"a{i}": [before], f"b{i}": [f"a{i}"], f"c{i}": [f"b{i}", before]}
        before = f"c{i}"
    for down in (False, True):
        sheet = sheet_of(net(reads), down, wrap=True)
        assert not overlapping(sheet) and not run_over(sheet)
        assert 0.4 < sheet.width / sheet.height < 2.8


def test_letters_are_as_wide_as_arials() -> None:
    assert text_width("Conv2d", 1000) == pytest.approx(722 + 556 + 556 + 500 + 556 + 556, abs=3)
    assert text_width("→", 10) > 4
    assert drawable("1 → 16 × ÄÖé αω") and not drawable("漢")


def test_text_is_cut_and_broken_to_fit() -> None:
    assert cut("abcdefgh", 10, 1000) == "abcdefgh"
    short = cut("abcdefgh" * 9, 10, 60)
    assert short.endswith("…") and text_width(short, 10) <= 60
    lines = broken("one two three four five six", 10, 50, 2)
    assert len(lines) == 2 and lines[1].endswith("…")
    assert all(text_width(line, 10) <= 50 for line in lines)
