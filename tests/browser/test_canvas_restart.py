"""A server that is killed in the middle, and tabs that are copies of each other: no edit is lost or doubled."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from builder.graph.model import Graph
from tests.browser.conftest import Server, free_port, start_server
from tests.browser.drawing import Drawing, placed, raw, until
from tests.graph.sound_networks import Net

NOT_SAVED = re.compile("^[23] changes not saved yet$")

Draw = Callable[..., Drawing]


def chain() -> Graph:
    net = Net("N", 16)
    for i in range(3):
        net.layer(f"fc{i}", "Linear", out_features=16)
    at = {f"fc{i}": (220.0 * (i + 1), 0.0) for i in range(3)}
    return placed(net.done(), x=(0, 0), out=(880, 0), **at)


@pytest.fixture
def mortal(server: Server, tmp_path: Path) -> Iterator[Server]:
    """A server of its own over the same home, to be killed."""
    port = free_port()
    running = Server(server.home, port, start_server(server.home, port))
    yield running
    running.stop()


def bypass(on: Drawing, node: str) -> None:
    on.title(node).click()
    on.press("Control+b")


def bypassed(graph: Graph) -> set[str]:
    return {node.id for node in graph.nodes.values() if node.bypassed}


def test_what_is_done_while_the_server_is_killed_and_started_is_done_once(
    drawing: Draw, mortal: Server
) -> None:
    on = drawing(chain(), mortal.url)
    page = on.page
    on.choose("fc0")
    on.press("Control+d")
    on.saved(lambda g: len(g.nodes) == 6, "a copy")
    on.settled()

    mortal.stop(signal.SIGKILL)
    before = on.ids()
    bypass(on, "fc1")
    page.get_by_test_id("palette-torch.nn.ReLU").click()
    new = on.new(before)
    told = page.get_by_test_id("canvas-unsaved")
    # Three, where word of the copy being written was on its way when the server died.
    expect(told).to_have_text(NOT_SAVED)
    expect(page.get_by_text("Saved", exact=True)).not_to_be_visible()
    mortal.restart()
    expect(on.root).to_have_attribute("data-pending", "0", timeout=90_000)
    graph = on.saved(lambda g: new in g.nodes and "fc1" in bypassed(g), "both edits")
    assert len(graph.nodes) == 7, "the copy of before is not made again"
    expect(told).to_have_count(0)

    # Nor by what comes next; and the first value typed beside the canvas counts.
    name = page.get_by_role("textbox", name="Project name")
    name.fill("After the crash")
    name.press("Enter")
    until(lambda: raw(on.path)["name"] == "After the crash", "the new name")
    bypass(on, "fc2")
    on.saved(lambda g: bypassed(g) == {"fc1", "fc2"}, "one edit more")
    assert len(on.graph().nodes) == 7
    on.agrees()


def test_a_reload_after_a_restart_takes_up_what_was_done_meanwhile(
    drawing: Draw, mortal: Server
) -> None:
    on = drawing(chain(), mortal.url)
    bypass(on, "fc0")
    on.saved(lambda g: bypassed(g) == {"fc0"}, "the first edit")
    on.settled()
    mortal.stop(signal.SIGKILL)
    bypass(on, "fc1")
    on.press("Control+d")
    # Three, where word of the first one being written was on its way when the server died.
    expect(on.page.get_by_test_id("canvas-unsaved")).to_have_text(NOT_SAVED)
    mortal.restart()
    on.page.reload()
    on.saved(lambda g: len(g.nodes) == 6, "the copy")
    on.agrees()
    assert bypassed(on.graph()) >= {"fc0", "fc1"} and len(on.graph().nodes) == 6


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
def test_a_duplicated_tab_is_another_tab(drawing: Draw, locks: bool) -> None:
    on = drawing(chain())
    if not locks:  # as on plain http from another machine
        on.page.context.add_init_script(
            "try { if (sessionStorage.getItem('no locks'))"
            " Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined }) } catch {}"
        )
        on.page.evaluate("sessionStorage.setItem('no locks', 'yes')")
        on.page.reload()
        expect(on.page.locator(".react-flow__node-layer")).to_have_count(5)
        assert on.page.evaluate("navigator.locks === undefined")
    bypass(on, "fc0")
    on.saved(lambda g: bypassed(g) == {"fc0"}, "the first tab's edit")
    on.settled()
    with on.page.expect_popup() as opened:  # it copies sessionStorage, as "Duplicate tab" does
        on.page.evaluate("window.open(location.href)")
    other = opened.value
    try:
        second = Drawing(other, on.url, on.path)
        expect(other.locator(".react-flow__node-layer")).to_have_count(5)
        second.settled()
        bypass(second, "fc1")
        on.saved(lambda g: bypassed(g) == {"fc0", "fc1"}, "the second tab's edit")
        second.agrees()
        assert tab_of(on) != tab_of(second)
        # Each keeps its name over a reload.
        names = tab_of(on), tab_of(second)
        for one in (on, second):
            one.page.reload()
            expect(one.page.locator(".react-flow__node-layer")).to_have_count(5)
            one.settled()
        bypass(second, "fc2")
        on.saved(lambda g: bypassed(g) == {"fc0", "fc1", "fc2"}, "an edit after the reload")
        assert (tab_of(on), tab_of(second)) == names
    finally:
        other.close()


def tab_of(on: Drawing) -> str:
    """The name under which a tab sends its operations."""
    kept = f"JSON.parse(sessionStorage.getItem('layerwise.canvas.{on.path.stem}')).client"
    return str(on.page.evaluate(kept))
