"""The form of a layer normalizes its weight, changes how, and takes it off again."""

from __future__ import annotations

from builder.graph.model import Norm
from builder.graph.project import Project
from tests.code.norm_networks import discriminator, norm, recurrent
from tests.pages.app import App

NEW = "torch.nn.utils.parametrizations."


def test_a_weight_is_normalized_told_and_left_alone_again(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear")
    [owner] = app.graph.owners
    app.field("Normalize the weight").set_value(f"{NEW}spectral_norm").run()
    assert app.graph.owners[owner].norms == (Norm(f"{NEW}spectral_norm"),)
    app.field("n_power_iterations").set_value(3).run()
    assert app.graph.owners[owner].norms == (
        Norm(f"{NEW}spectral_norm", {"n_power_iterations": 3}),
    )
    app.field("n_power_iterations").set_value(1).run()
    assert app.graph.owners[owner].norms == (Norm(f"{NEW}spectral_norm"),)
    app.field("Normalize the weight").set_value("").run()
    assert app.graph.owners[owner].norms == ()
    app.shows_no_trouble()


def test_what_was_read_is_shown_as_it_is_and_exchanged(app: App) -> None:
    app.open("build", Project("p", discriminator("weight_norm")))
    app.draw({"op": "select", "nodes": ["conv2"]})
    assert app.field("Normalize the weight").value == "torch.nn.utils.weight_norm"
    app.field("Normalize the weight").set_value(f"{NEW}orthogonal").run()
    assert app.graph.owners["conv2"].norms == (norm("parametrizations.orthogonal"),)
    assert app.graph.owners["conv1"].norms == (norm("weight_norm"),)
    app.shows_no_trouble()


def test_a_layer_with_several_weights_is_asked_for_each(app: App) -> None:
    app.open("build", Project("p", recurrent()))
    app.draw({"op": "select", "nodes": ["lstm"]})
    assert app.field("Normalize weight_ih_l0").value == "torch.nn.utils.weight_norm"
    app.field("Normalize weight_hh_l0").set_value("").run()
    assert app.graph.owners["lstm"].norms == (norm("weight_norm", name="weight_ih_l0", dim=1),)
    app.shows_no_trouble()


def test_a_layer_without_a_matrix_is_not_asked(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.BatchNorm1d")
    assert not [box for box in app.at.selectbox if "Normalize" in box.label]
    app.shows_no_trouble()
