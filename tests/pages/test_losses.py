"""Before trained weights are lost the canvas asks, whichever way they would be."""

from __future__ import annotations

from typing import Any

import pytest

from builder.gallery import project
from builder.graph.project import Project
from builder.ui.canvas import trained
from tests.pages.app import App

WEIGHTS = {
    "conv1.weight": (16, 1, 3, 3),
    "conv1.bias": (16,),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "fc.weight": (10, 512),
    "fc.bias": (10,),
}


@pytest.fixture
def digits(app: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """digits_cnn on the canvas, as if a run had trained it."""
    monkeypatch.setattr(trained, "_runs", lambda: [WEIGHTS])
    return app.open("build", Project("Digits", project("digits_cnn").graph))


def asked(app: App) -> str:
    held = app.session.kept.get("canvas.held")
    return "" if held is None else str(held.text)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ({"op": "rename", "node": "fc", "name": "head"}, "1 layer loses trained weights"),
        ({"op": "bypass", "nodes": ["fc"]}, "1 layer loses trained weights"),
        (
            {"op": "group", "nodes": ["conv1", "relu1"], "name": "Part", "id": "g"},
            "1 layer loses trained weights",
        ),
        (
            {"op": "set", "node": "conv1", "name": "out_channels", "value": 24},
            "changes 3 layers, 2 lose trained weights",
        ),
        (
            {"op": "connect", "from": ["x", []], "to": ["conv2", "input", 0]},
            "changes 3 layers, 2 lose trained weights",
        ),
    ],
    ids=["rename", "bypass", "group", "set", "connect"],
)
def test_what_costs_trained_weights_is_asked_first(
    digits: App, operation: dict[str, Any], text: str
) -> None:
    before = digits.graph
    digits.draw(operation)
    assert text in asked(digits) and digits.graph is before
    digits.draw({"op": "sure", "id": digits.session.kept["canvas.held"].number})
    assert digits.graph != before and asked(digits) == ""


def test_what_costs_none_is_done_at_once(digits: App) -> None:
    digits.draw({"op": "rename", "node": "relu1", "name": "act"})
    digits.draw({"op": "bypass", "nodes": ["pool"]}, {"op": "freeze", "nodes": ["conv1"]})
    assert "act" in digits.labels and digits.graph.owners["conv1"].frozen


def test_going_back_to_the_trained_width_costs_nothing(digits: App) -> None:
    width = {"op": "set", "node": "conv1", "name": "out_channels"}
    digits.draw({**width, "value": 24, "sure": True})
    digits.draw({**width, "value": 32})
    digits.draw({**width, "value": 16})
    assert digits.graph.owners["conv1"].arguments["out_channels"] == 16
