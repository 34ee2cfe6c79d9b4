"""Tensors of one's own on the Build page: added, sized, filled, wired, read of a layer, and tied."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.graph.model import Ref
from builder.graph.project import Project
from tests.code.weight_networks import STRANGE, gpt, opaque, vit
from tests.pages.app import App


def test_a_parameter_is_added_sized_and_filled(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear").add("parameter")
    [owner] = [o for o in app.graph.owners.values() if o.raw]
    assert owner.arguments["size"] == (64,)
    app.field("Size").set_value("1 × 65 × 128").run()
    app.field("init").set_value("normal").run()
    app.field("std").set_value(0.02).run()
    [owner] = [o for o in app.graph.owners.values() if o.raw]
    assert owner.arguments == {"size": (1, 65, 128), "init": "normal", "std": 0.02}
    app.field("requires_grad").set_value(False).run()
    assert app.graph.owners[owner.id].arguments["requires_grad"] is False
    app.field("Name").set_value("pos").run()
    assert app.graph.owners[owner.id].name == "pos"
    app.shows_no_trouble()


def test_a_buffer_dropped_at_a_port_is_read_there(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear", "operator.mul")
    [product] = [n.id for n in app.graph.nodes.values() if n.target == "operator.mul"]
    slot = [product, "other", 0]
    app.draw({"op": "add", "key": "buffer", "id": "kept", "at": [0, 0], "to": slot})
    assert app.graph.nodes[product].arguments["other"] == Ref("kept")
    assert app.graph.owners[app.graph.nodes["kept"].target].target == "buffer"
    app.shows_no_trouble()


def test_the_weight_of_a_layer_is_added_and_chosen(app: App) -> None:
    app.open("build", Project("p", gpt()))
    app.draw({"op": "add", "key": "weight", "id": "read", "at": [0, 0]})
    assert app.graph.nodes["read"].target == "head"
    app.field("Tensor").set_value(("norm", "bias")).run()
    assert app.graph.label("read") == "norm.bias"
    app.shows_no_trouble()


def test_a_tie_is_undone_and_made_in_the_form(app: App) -> None:
    app.open("build", Project("p", gpt()))
    app.draw({"op": "select", "nodes": ["head"]})
    app.field("weight is").set_value(("", "")).run()
    assert app.graph.owners["head"].ties == {}
    app.field("weight is").set_value(("emb", "weight")).run()
    assert app.graph.owners["head"].ties == {"weight": ("emb", "weight")}
    app.shows_no_trouble()


def test_own_code_is_asked_what_it_gives(app: App) -> None:
    app.open("build", Project("p", opaque()))
    app.draw({"op": "select", "nodes": ["strange"]})
    assert any("Say its shape" in said for said in app.said) or app.field("Gives").value == ""
    app.field("Gives").set_value("N×3").run()
    assert app.graph.owners["strange"].arguments["gives"] == ("N×3",)
    app.field("Made by").set_value("import os").run()
    assert app.graph.owners["strange"].arguments["call"] == "Strange(2.0)"
    app.shows_no_trouble()


@pytest.mark.parametrize("page", ["build", "code", "graph", "inspect", "train", "data"])
def test_own_code_is_run_on_no_page(
    app: App, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as the page opens nor by anything on it that can be pressed."""
    monkeypatch.delenv("LAYERWISE_OWN_CODE", raising=False)
    touched = tmp_path / "touched"
    touch = f"open({str(touched)!r}, 'w')"
    graph = opaque("N×3")
    strange = graph.owners["strange"]
    source = f"{touch}\n{STRANGE}".replace("super().__init__()", f"super().__init__(); {touch}")
    arguments = {**strange.arguments, "source": source, "call": f"Strange(len(str({touch})))"}
    owners = {**graph.owners, "strange": replace(strange, arguments=arguments)}
    app.open(page, Project("p", replace(graph, owners=owners)))
    app.shows_no_trouble()
    for key in [button.key for button in app.at.button if button.key]:
        if any(button.key == key and not button.disabled for button in app.at.button):
            app.click(key)
    assert not touched.exists()


@pytest.mark.parametrize("page", ["code", "graph", "train", "data"])
@pytest.mark.parametrize("name", ["opaque", "vit"])
def test_the_other_pages_show_it_and_run_no_own_code(app: App, page: str, name: str) -> None:
    graph = opaque("N×3") if name == "opaque" else vit()
    app.open(page, Project("p", graph))
    app.shows_no_trouble()
