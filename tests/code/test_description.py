"""What stands beside the code, and how styles are added."""

from __future__ import annotations

import importlib

import pytest

from builder.code import (
    Style,
    Written,
    build_module,
    describe_model,
    parameter_table,
    paths,
    register_style,
    styles,
    write_code,
)
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport
from builder.graph.shapes import infer_shapes
from tests.code.golden_networks import residual_cnn, simple_mlp
from tests.code.networks import MODULES, chain


def test_a_model_is_described_as_print_shows_it() -> None:
    assert describe_model(simple_mlp()) == (
        "SimpleNet(\n"
        "  (layer1): Linear(in_features=784, out_features=128, bias=True)\n"
        "  (relu): ReLU()\n"
        "  (layer2): Linear(in_features=128, out_features=10, bias=True)\n"
        ")"
    )
    assert "(0): Linear(in_features=784" in describe_model(simple_mlp(), "sequential")


def test_the_table_has_every_parameter_with_both_names() -> None:
    rows = parameter_table(simple_mlp())
    assert [(r.name, r.sequential_name, r.shape, r.count, r.layer) for r in rows] == [
        ("layer1.weight", "0.weight", (128, 784), 100352, "layer1"),
        ("layer1.bias", "0.bias", (128,), 128, "layer1"),
        ("layer2.weight", "2.weight", (10, 128), 1280, "layer2"),
        ("layer2.bias", "2.bias", (10,), 10, "layer2"),
    ]


def test_the_table_agrees_with_the_sums() -> None:
    graph = residual_cnn()
    assert sum(row.count for row in parameter_table(graph)) == infer_shapes(graph).totals.parameters


def test_a_layer_of_many_gigabytes_is_described_without_being_made() -> None:
    graph = chain(("fc", "Linear", {"out_features": 2_000_000}), shape=("N", 200_000))
    assert parameter_table(graph)[0].count == 400_000_000_000


def test_every_path_leads_to_a_layer() -> None:
    graph = residual_cnn()
    model = build_module(graph)
    found = paths(graph)
    assert found["stage1.2/bn2"] == "stage1.2.bn2"
    assert all(model.get_submodule(path) for path in found.values() if "relu" not in path)


def test_the_built_in_styles_stand_in_order() -> None:
    assert tuple(styles())[:5] == MODULES
    assert all(style.title and style.when.endswith(".") for style in styles().values())


def test_a_style_is_added_as_ours_are(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = importlib.import_module("builder.code.registry")
    monkeypatch.setattr(registry, "_styles", dict(styles()))

    def write(graph: Graph, _report: ShapeReport, name: str | None) -> Written:
        return Written(f"# {name or graph.name}\n", {})

    register_style(Style("comment", "A comment", "To say little.", write))
    assert write_code(simple_mlp(), "comment") == "# SimpleNet\n"


def test_an_unknown_style_is_refused_with_the_nearest() -> None:
    with pytest.raises(CodeRefused, match="Did you mean “module”"):
        write_code(simple_mlp(), "modul")
