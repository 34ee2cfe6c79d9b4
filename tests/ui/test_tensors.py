"""Tensors, ties and own code on the canvas, in the stack, in pictures and in what a training checks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.graph.edits import SetFrozen, apply
from builder.graph.shapes import infer_shapes
from builder.inspection.architecture import architecture_graph
from builder.inspection.drawing import draw
from builder.inspection.sketch import sketch
from builder.training.gradients import nothing_learns
from builder.ui.palette import palette_groups
from builder.ui.workbench.rows import rows_of
from tests.code.weight_networks import NETWORKS, first_way, gpt, kept, opaque, transposed, vit
from tests.ui.test_canvas_document import drawn

EVERY = {**NETWORKS, "opaque": lambda: opaque("N×3"), "asks": opaque}


@pytest.mark.parametrize("name", EVERY)
def test_every_view_draws_it(name: str) -> None:
    graph = EVERY[name]()
    report = infer_shapes(graph)
    assert set(drawn(graph)["nodes"]) == set(graph.nodes)
    assert [row["id"] for row in rows_of(graph, report)] == list(graph.nodes)
    assert draw(graph, report).svg.startswith("<svg")
    assert "digraph" in architecture_graph(graph)
    assert sketch(graph).startswith("<svg")


def test_a_tensor_has_a_card_with_its_size_and_no_port() -> None:
    node = drawn(vit())["nodes"]["pos_embed_tensor"]
    assert (node["kind"], node["type"], node["name"]) == ("weight", "Parameter", "pos_embed")
    assert (node["words"], node["weights"], node["ins"]) == ("1×17×32", "544", [])
    assert [out["path"] for out in node["outs"]] == [[]]


def test_a_card_says_what_is_frozen_tied_or_not_saved() -> None:
    frozen = drawn(apply(first_way(), SetFrozen("w1_tensor", True)))["nodes"]["w1_tensor"]
    assert frozen["frozen"] and "frozen" in frozen["marks"]
    assert "weight is emb.weight" in drawn(gpt())["nodes"]["head"]["marks"]
    assert "not saved" in drawn(kept())["nodes"]["steps_tensor"]["marks"]
    assert drawn(transposed())["nodes"]["encoder_weight"]["name"] == "encoder.weight"


def test_own_code_has_a_port_for_each_thing_it_takes() -> None:
    node = drawn(opaque("N×3"))["nodes"]["strange"]
    assert [port["name"] for port in node["ins"]] == ["x", "shift"]
    assert (node["type"], node["words"]) == ("own code", "Strange(2.0)")


def test_the_palette_offers_parameters_buffers_and_the_weight_of_a_layer() -> None:
    entries = {e["key"]: e for group in palette_groups(first_way()) for e in group["entries"]}
    assert {"parameter", "buffer", "weight"} <= set(entries)
    assert entries["parameter"]["name"] == "Parameter"


def test_a_picture_shows_the_size_of_a_tensor() -> None:
    graph = vit()
    svg = draw(graph, infer_shapes(graph)).svg
    assert "pos_embed" in svg
    assert "1×17×32" in svg


def test_what_learns_is_found_also_where_it_is_no_layer() -> None:
    for name in ("first_way", "vit", "gpt", "transposed"):
        graph = NETWORKS[name]()
        assert nothing_learns(graph, infer_shapes(graph)) is None, name
    graph = first_way()
    owners = {
        i: replace(o, arguments={**o.arguments, "requires_grad": False})
        for i, o in graph.owners.items()
    }
    report = infer_shapes(replace(graph, owners=owners))
    assert report.totals.trainable == 0
