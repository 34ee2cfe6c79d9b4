"""The picture of a network: what stands in it, and that it draws every network there is."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from builder import gallery
from builder.errors import InspectionRefused
from builder.graph.model import Graph, Node, Owner, Ref, TensorSpec
from builder.graph.shapes import infer_shapes
from builder.inspection.drawing import Drawing, draw, scene
from tests.inspection.networks import chain, mlp, repeated

NAMESPACE = "{http://www.w3.org/2000/svg}"


def picture(graph: Graph, **how: object) -> Drawing:
    return draw(graph, infer_shapes(graph), **how)  # type: ignore[arg-type]


def texts(drawing: Drawing) -> list[str]:
    tree = ElementTree.fromstring(drawing.svg)
    return ["".join(t.itertext()) for t in tree.iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize("name", gallery.designs())
@pytest.mark.parametrize("direction", ["right", "down"])
def test_every_design_is_drawn_with_all_its_layers(name: str, direction: str) -> None:
    graph = gallery.project(name).graph
    drawing = picture(graph, direction=direction, unfold=True, dark=direction == "down")
    said = " ".join(texts(drawing))
    for node in graph.nodes.values():
        if node.kind in ("input", "output"):
            assert graph.label(node.id) in said
    assert "nan" not in drawing.svg and "inf" not in re.findall(r'"(-?inf|nan)"', drawing.svg)


def test_a_card_tells_type_name_parameters_and_weights_and_the_wire_its_shape() -> None:
    said = texts(picture(mlp()))
    assert {"Linear", "16 → 12", "fc1 · 204 weights", "N×12", "batch × features"} <= set(said)


def test_the_same_network_gives_the_same_picture() -> None:
    assert picture(mlp()).svg == picture(mlp()).svg
    assert picture(mlp()).png(1) == picture(mlp()).png(1)


def test_a_png_is_as_large_as_the_svg_says_times_the_scale() -> None:
    drawing = picture(mlp())
    width, height = struct.unpack(">II", drawing.png(2)[16:24])
    assert (width, height) == (2 * drawing.width, 2 * drawing.height)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e4])
def test_a_png_that_cannot_be_is_refused_in_a_sentence(scale: float) -> None:
    with pytest.raises(InspectionRefused, match="Choose a smaller scale, or SVG"):
        picture(mlp()).png(scale)


def test_names_stay_text() -> None:
    name = '</text><script>alert("1")</script>&amp;\x00\ud800'
    graph = chain({"a": ("ReLU", {})}, name=name)
    graph = replace(graph, owners={"o_a": replace(graph.owners["o_a"], name=name)})
    drawing = picture(graph)
    assert "<script" not in drawing.svg
    assert not [e for e in ElementTree.fromstring(drawing.svg).iter() if "script" in e.tag]
    assert drawing.png(1)


def test_a_name_in_letters_the_font_lacks_is_drawn_all_the_same() -> None:
    graph = chain({"a": ("ReLU", {})})
    graph = replace(graph, owners={"o_a": replace(graph.owners["o_a"], name="激活層")})
    assert "激活層" in texts(picture(graph))
    assert picture(graph).png(1)


def test_a_long_name_does_not_widen_its_card() -> None:
    graph = chain({"a": ("ReLU", {})})
    graph = replace(graph, owners={"o_a": replace(graph.owners["o_a"], name="w" * 500)})
    assert picture(graph).width < 600


def test_a_block_is_one_card_with_its_count_or_a_frame_around_its_insides() -> None:
    folded, open_ = texts(picture(repeated())), texts(picture(repeated(), unfold=True))
    assert "×6" in folded and "Linear" not in folded
    assert "×6" in open_ and "Linear" in open_


def test_a_problem_is_marked_and_told() -> None:
    graph = chain({"fc": ("Linear", {"in_features": 5, "out_features": 2})})
    drawing = picture(graph)
    assert "!" in texts(drawing) and "?" in texts(drawing)
    assert "in_features=5" in drawing.svg


def test_an_empty_network_and_one_without_wires_are_drawn() -> None:
    assert picture(Graph()).png(1)
    two = {n: Node(n, "input", n, spec=TensorSpec(("N", 4))) for n in "ab"}
    assert {"a", "b"} <= set(texts(picture(Graph(nodes=two))))


def test_a_wire_to_what_is_not_there_or_runs_backwards_stops_nothing() -> None:
    nodes = {
        "a": Node("a", "layer", target="o", arguments={"input": Ref("b")}),
        "b": Node("b", "layer", target="o", arguments={"input": Ref("gone")}),
    }
    graph = Graph(nodes=nodes, owners={"o": Owner("o", "relu", "torch.nn.ReLU")})
    assert texts(picture(graph)).count("ReLU") == 2


def test_two_calls_of_one_layer_are_marked() -> None:
    said = texts(picture(gallery.project("siamese").graph))
    assert "same weights as encoder" in said


def test_parts_of_a_tuple_bear_their_names() -> None:
    assert "h_n" in texts(picture(gallery.project("lstm_classifier").graph))


def test_a_network_too_large_for_a_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MOST_NODES", 5)
    with pytest.raises(InspectionRefused, match="7 boxes; 5 are the most"):
        picture(mlp())


def test_cards_stand_where_the_canvas_put_them() -> None:
    graph = mlp()
    at = {key: (300.0 * i, 100.0 * (i % 2)) for i, key in enumerate(graph.nodes)}
    rects = {
        tuple(
            float(r.get(a, 0)) + float(r.get(b, 0)) / 2
            for a, b in (["x", "width"], ["y", "height"])
        )
        for r in ElementTree.fromstring(picture(graph, positions=at).svg).iter(f"{NAMESPACE}rect")
        if r.get("x") and r.get("rx")
    }
    first = min(rects)
    moved = {(x - first[0], y - first[1]) for x, y in rects}
    assert {(300.0, 100.0), (600.0, 0.0), (900.0, 100.0)} <= {
        (round(x, 3), round(y, 3)) for x, y in moved
    }


def test_cards_without_a_place_stand_beside_the_others() -> None:
    drawing = picture(mlp(), positions={"x": (0.0, 0.0)})
    assert texts(drawing).count("Linear") == 3
    assert picture(mlp(), positions={}).png(1)


def test_a_long_chain_is_broken_into_rows_unless_one_does_not_want_it() -> None:
    graph = chain({f"l{i}": ("ReLU", {}) for i in range(40)})
    whole, broken = picture(graph, wrap=False), picture(graph)
    assert whole.width > 4_000 and whole.height < 200
    assert broken.width < 2_000 and 1.2 < broken.width / broken.height < 2.6
