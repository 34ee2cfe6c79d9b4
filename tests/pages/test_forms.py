"""The form of a layer shows first what people set most; the rest is one click away."""

from __future__ import annotations

import pytest

from builder.graph.project import Project
from tests.graph.test_modes import two_heads
from tests.pages.app import App


@pytest.mark.parametrize(
    ("layer", "shown"),
    [
        ("Conv2d", ["in_channels", "out_channels", "kernel_size", "stride", "padding"]),
        (
            "LSTM",
            ["input_size", "hidden_size", "num_layers", "bidirectional", "batch_first", "dropout"],
        ),
        ("Linear", ["in_features", "out_features"]),
        ("Dropout", ["p"]),
        ("MaxPool2d", ["kernel_size", "stride", "padding"]),
    ],
)
def test_the_most_used_parameters_come_first(app: App, layer: str, shown: list[str]) -> None:
    app.open("gallery").click("lw_empty").add(f"torch.nn.{layer}")
    more = next(e for e in app.at.expander if e.label.startswith("More parameters"))
    kinds = ("text_input", "number_input", "selectbox", "toggle")
    hidden = {w.label for kind in kinds for w in more.get(kind)}
    for name in shown:
        app.field(name)
        assert name not in hidden
    assert hidden & {"bias", "inplace", "dilation"}


def test_a_parameter_that_was_set_is_shown_whatever_it_is(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Linear")
    app.field("bias").set_value(False).run()
    assert not [e for e in app.at.expander if e.label.startswith("More parameters")]
    assert app.field("bias").value is False


def test_an_output_says_in_which_mode_it_is_given(app: App) -> None:
    app.open("build", Project("heads", two_heads(None))).send({"op": "select", "node": "beside"})
    app.field("Given").set_value("training").run()
    assert app.graph.nodes["beside"].arguments["when"] == "training"
    assert any("no loss reads it" in caption.value for caption in app.at.caption)
    app.field("Given").set_value("").run()
    assert "when" not in app.graph.nodes["beside"].arguments
    app.shows_no_trouble()
