"""The picture on a card: one bar a layer in its family's colour, arcs where wires jump, no words."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from builder.gallery import designs, project
from builder.graph.model import Graph, Node, Ref
from builder.inspection import theme
from builder.inspection.sketch import HEIGHT, MOST_NODES, WIDTH, sketch

from .networks import chain, mlp, repeated

SVG = "{http://www.w3.org/2000/svg}"


def drawn(graph: Graph, dark: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(sketch(graph, dark))


def bars(graph: Graph) -> list[ElementTree.Element]:
    return list(drawn(graph).iter(f"{SVG}rect"))


def test_every_layer_is_a_bar_in_its_familys_colour() -> None:
    linear, relu = theme.family_colours("linear").mark, theme.family_colours("activation").mark
    assert [bar.get("fill") for bar in bars(mlp())] == [linear, relu, linear, relu, linear]


def test_a_wider_layer_is_a_taller_bar() -> None:
    net = chain({"a": ("Linear", {"out_features": 64}), "b": ("Linear", {"out_features": 2})})
    first, last = (float(bar.get("height", 0)) for bar in bars(net))
    assert first > 2 * last


def test_a_wire_that_jumps_over_a_layer_is_an_arc_above_it() -> None:
    net = chain({"a": ("Linear", {"out_features": 16}), "b": ("ReLU", {})})
    nodes = dict(net.nodes)
    output = nodes.pop("y")
    nodes["add"] = Node(
        "add", "operation", "add", "torch.add", {"input": Ref("b"), "other": Ref("x")}
    )
    nodes["y"] = replace(output, arguments={"value": Ref("add")})
    straight = [path.get("d", "") for path in drawn(net).iter(f"{SVG}path")]
    jumping = [p.get("d", "") for p in drawn(replace(net, nodes=nodes)).iter(f"{SVG}path")]
    top = min(float(bar.get("y", 0)) for bar in bars(net))

    def bends_above(path: str) -> bool:
        return float(re.split(r"[C ]", path)[3]) < top

    assert len(jumping) == len(straight) + 2
    assert sum(map(bends_above, jumping)) == 1 and not any(map(bends_above, straight))


def test_a_repeated_block_shows_its_copies_and_its_insides() -> None:
    fills = [bar.get("fill") for bar in bars(repeated())]
    frames, stripes = fills[:3], fills[3:]
    assert len(set(frames)) == 1
    assert stripes == [theme.family_colours(f).mark for f in ("linear", "activation")]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("key", designs())
def test_every_design_fits_its_picture_and_has_no_words_in_it(key: str, dark: bool) -> None:
    picture = drawn(project(key).graph, dark)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= {
        *("svg", "g", "rect", "path", "circle")
    }
    assert not "".join(picture.itertext())
    for bar in picture.iter(f"{SVG}rect"):
        x, y, wide, tall = (float(bar.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + wide <= WIDTH and y + tall <= HEIGHT


def test_names_and_unknown_layers_of_a_stranger_are_drawn_as_bars() -> None:
    hostile = '"/><script>alert(1)</script>'
    net = chain({hostile: ("NoSuchLayer", {})}, name=hostile)
    assert "script" not in sketch(net)
    assert len(bars(net)) == 1


def test_an_empty_network_and_one_too_long_have_no_picture() -> None:
    long = chain({f"r{i}": ("ReLU", {}) for i in range(MOST_NODES)})
    assert sketch(Graph("Empty")) == sketch(long) == ""
