"""The Graph page in AppTest: both pictures, the batch shape a person types, and its refusals."""

from __future__ import annotations

import pytest

from builder.gallery import project
from builder.graph.model import Graph
from builder.graph.project import Project
from tests.code.norm_networks import discriminator
from tests.pages.app import App


@pytest.mark.parametrize("typed", ["5", "4, 5", ""])
def test_the_autograd_graph_runs_on_any_batch_shape(app: App, typed: str) -> None:
    app.open("graph", project("mlp_16_named"))
    app.at.text_input(key="graph_batch_shape").set_value(typed).run()
    given = {"5": "x (5×16)", "4, 5": "x (4×5×16)", "": "x (16)"}[typed]
    assert any(given in caption.value.replace("\\", "") for caption in app.at.caption)
    app.shows_no_trouble()


@pytest.mark.parametrize("typed", ["five", "0", "-3", "1e9", "9" * 40, "5; import os"])
def test_a_batch_shape_that_is_none_gets_one_sentence(app: App, typed: str) -> None:
    app.open("graph", project("mlp_16_named"))
    app.at.text_input(key="graph_batch_shape").set_value(typed).run()
    assert len(app.at.warning) == 1
    app.shows_no_trouble()


def test_saved_tensors_and_attributes_can_be_switched_on(app: App) -> None:
    app.open("graph", project("digits_cnn"))
    app.at.toggle(key="graph_saved").set_value(True)
    app.at.toggle(key="graph_attributes").set_value(True).run()
    assert not app.at.warning
    app.shows_no_trouble()


def test_the_architecture_unfolds(app: App) -> None:
    app.open("graph", project("residual"))
    app.at.session_state["graph_tab"] = "Architecture"
    app.run()
    app.at.toggle(key="graph_unfolded").set_value(True).run()
    assert not app.at.warning
    app.shows_no_trouble()


def test_an_empty_network_says_what_is_missing(app: App) -> None:
    app.open("graph", Project("Empty", Graph("Empty"), None, None))
    assert "needs an input and an output" in app.at.warning[0].value
    app.shows_no_trouble()


def test_a_network_that_does_not_run_offers_its_repair_here(app: App) -> None:
    app.open("gallery").click("lw_open_digits_mlp").add("torch.nn.Conv2d")
    app.at.switch_page("pages/graph.py").run()
    repair = next(b for b in app.at.button if (b.key or "").startswith("lw_repair_"))
    repair.click().run()
    assert not app.session.checks[0][1].report.errors
    app.shows_no_trouble()


@pytest.mark.parametrize("kind", ["spectral_norm", "parametrizations.weight_norm"])
def test_computed_weights_are_in_both_pictures(app: App, kind: str) -> None:
    app.open("graph", Project("p", discriminator(kind)))
    assert not app.at.warning
    app.at.session_state["graph_tab"] = "Architecture"
    app.at.run()
    assert not app.at.warning
    app.shows_no_trouble()
