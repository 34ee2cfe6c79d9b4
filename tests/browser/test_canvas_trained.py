"""Before trained weights are lost the canvas says so, with a run that really trained."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from builder.data import DataChoice
from builder.gallery import project
from builder.training import JobRequest, Store, Supervisor, TrainingSettings
from tests.browser.conftest import Server
from tests.browser.drawing import Drawing, until

Draw = Callable[..., Drawing]


@pytest.fixture
def trained(drawing: Draw, server: Server, visitor: tuple[BrowserContext, str]) -> Drawing:
    """digits_cnn on the canvas, after one epoch on the digits."""
    digits = project("digits_cnn")
    on = drawing(digits.graph)
    supervisor = Supervisor(Store(server.home))
    try:
        job = JobRequest(
            digits, DataChoice("digits"), TrainingSettings.of(epochs=1), visitor[1],
            project_id=on.path.stem,
        )  # fmt: skip
        run_id = supervisor.start(job)
        until(lambda: not supervisor.store.get(run_id, visitor[1]).active, "the run", 120)
        assert supervisor.store.get(run_id, visitor[1]).state == "finished"
    finally:
        supervisor.close()
    return on


def channels(on: Drawing) -> object:
    return on.graph().owner_of(on.graph().nodes["conv1"]).arguments["out_channels"]  # type: ignore[union-attr]


def test_what_would_lose_trained_weights_is_said_before_it_is_done(trained: Drawing) -> None:
    on, page = trained, trained.page
    before = on.graph()
    assert channels(on) == 16
    ask = page.get_by_test_id("canvas-ask")

    # A number on the layer: said while it is written, and nothing is done by Escape.
    number = on.node("conv1").get_by_role("textbox", name=re.compile("out_channels"))
    on.choose("conv1")
    number.click()
    page.keyboard.type("24")
    effect = on.node("conv1").get_by_role("status")
    expect(effect).to_have_text("changes 3 layers, 2 lose trained weights")
    assert on.graph() == before
    on.press("Escape")
    expect(effect).to_have_count(0)

    # Typed and entered before that could be read: asked, then kept.
    number.click()
    page.keyboard.type("24")
    on.press("Enter")
    expect(ask).to_contain_text("changes 3 layers, 2 lose trained weights")
    expect(ask).to_contain_text("out_channels")
    ask.get_by_role("button", name="Keep").click()
    on.agrees()
    assert on.graph().nodes.keys() == before.nodes.keys() and channels(on) == 16

    # In the form: asked before it is done, and done by a yes.
    field = page.get_by_role("spinbutton", name="out_channels")
    field.fill("32")
    field.press("Enter")
    expect(ask).to_contain_text("changes 3 layers, 2 lose trained weights")
    expect(field).to_have_value("16")
    assert channels(on) == 16
    ask.get_by_role("button", name="Do it").click()
    on.saved(lambda _: channels(on) == 32, "32 channels")
    expect(field).to_have_value("32")

    # What is lost is lost: no second warning for the same weights.
    field.fill("40")
    field.press("Enter")
    on.saved(lambda _: channels(on) == 40, "40 channels")
    expect(ask).to_have_count(0)

    # Deleting: the last layer's weights are still those of the run.
    on.choose("fc")
    on.press("Delete")
    expect(ask).to_contain_text("1 layer loses trained weights")
    assert "fc" in on.graph().nodes
    on.press("Delete")
    on.saved(lambda g: "fc" not in g.nodes, "the deletion")
    on.agrees()
