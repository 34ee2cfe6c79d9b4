"""Streamlit takes the canvas from the page and draws it anew: nobody who works on it is interrupted.

That happens where a slow line still holds what a full run drew when the canvas's own fragment begins: the
queue then drops the canvas's part of the full run, whose end clears away what it did not draw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from builder.graph.model import Graph, Ref
from tests.browser.drawing import Drawing, placed
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


JUMP = """
url => { navigation.traverseTo(navigation.entries().find(entry => entry.url === url).key) }
"""


class Line:
    """The line between page and server; what the canvas is drawn with can be held back."""

    def __init__(self) -> None:
        self.holding = False
        self.held: list[bytes | str] = []
        self._page: WebSocketRoute | None = None

    def open(self, page: WebSocketRoute) -> None:
        self._page = page
        server = page.connect_to_server()
        server.on_message(self._passed_on)

    def _passed_on(self, data: bytes | str) -> None:
        assert self._page
        if isinstance(data, bytes) and self.holding and self._belongs_to_canvas(data):
            self.held.append(data)
        else:
            self._page.send(data)

    def _belongs_to_canvas(self, data: bytes) -> bool:
        message = ForwardMsg.FromString(data)
        return bool(message.delta.fragment_id) and list(message.metadata.delta_path)[:3] == [
            0,
            4,
            0,
        ]

    def release(self) -> None:
        assert self._page
        self.holding = False
        while self.held:
            self._page.send(self.held.pop(0))


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def slow(browser: Browser, line: Line) -> Iterator[BrowserContext]:
    """A browser whose line can be held."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    context.route_web_socket(re.compile("/_stcore/stream"), line.open)
    yield context
    context.close()


def row(name: str = "Net") -> Graph:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=16)
    net.layer("two", "Linear", out_features=16)
    at = {"one": (240.0, 0.0), "two": (480.0, 0.0)}
    return replace(placed(net.done(), x=(0, 0), out=(720, 0), **at), name=name)


def test_a_wire_begun_and_the_focus_outlive_a_canvas_drawn_anew(
    drawing: Draw, slow: BrowserContext, line: Line
) -> None:
    on = drawing(row(), within=slow)
    on.choose("x")
    on.press("w")
    begun = on.page.locator(".footer .hint")
    expect(begun).to_contain_text("Wire from x")

    line.holding = True
    on.press("ArrowRight")  # the form follows: a full run, whose canvas does not come
    place = on.page.locator(".st-key-lw_canvas_box .canvas-root")
    expect(place).to_have_count(0)
    assert line.held
    on.press("ArrowRight")  # meanwhile one goes on
    line.release()
    expect(place).to_have_count(1)
    expect(place.locator(".react-flow__node-layer")).to_have_count(4)
    expect(begun).to_contain_text("Wire from x")
    expect(on.node("two")).to_be_focused()
    on.press("Enter")
    on.page.get_by_role("menuitem", name="Replace").press("Enter")
    on.saved(lambda g: g.nodes["two"].arguments["input"] == Ref("x"), "the wire")
    on.agrees()


def test_words_being_searched_stay_in_a_canvas_drawn_anew(
    drawing: Draw, slow: BrowserContext, line: Line
) -> None:
    on = drawing(row(), within=slow)
    on.choose("one")
    on.settled()
    line.holding = True
    on.press("ArrowRight", "/")
    search = on.page.get_by_role("combobox", name=re.compile("Search layers"))
    search.press_sequentially("drop")
    place = on.page.locator(".st-key-lw_canvas_box .canvas-root")
    expect(place).to_have_count(0)
    search.press_sequentially("out")
    line.release()
    expect(place).to_have_count(1)
    expect(search).to_have_value("dropout")
    expect(search).to_be_focused()
    before = on.ids()
    on.press("Enter")
    new = on.new(before)
    on.saved(lambda g: new in g.nodes, "the layer")
    on.agrees()


def test_keys_never_go_to_a_project_that_is_not_shown(drawing: Draw, slow: BrowserContext) -> None:
    """A jump in the history from one project's Build page to another's."""
    other = drawing(row("Second"), within=slow)
    other.page.close()
    on = drawing(row("First"), within=slow)
    page, build = on.page, on.page.url
    page.get_by_role("link", name="Gallery").first.click()
    expect(on.root).to_have_count(0)
    page.get_by_text("Second", exact=True).first.click()
    expect(page).to_have_url(re.compile("/build.*" + other.path.stem))
    shown = Drawing(page, on.url, other.path)
    shown.choose("two")
    page.evaluate(JUMP, build)
    expect(page).to_have_url(build)
    expect(page.get_by_role("textbox", name="Project name")).to_have_value("First")
    for _ in range(3):
        on.press("Control+d")
    page.goto(build.replace(on.path.stem, other.path.stem))
    shown.settled()
    expect(page.locator(".react-flow__node-layer")).to_have_count(4)
    assert len(other.graph().nodes) == 4


def test_a_name_being_written_is_kept_by_a_switch_of_pages(
    drawing: Draw, slow: BrowserContext
) -> None:
    on = drawing(row(), within=slow)
    on.choose("two")
    on.press("F2")
    on.page.get_by_role("textbox", name=re.compile("New name")).fill("head")
    on.page.get_by_role("link", name="Code", exact=True).click()
    expect(on.node("two")).to_have_count(0)
    on.page.get_by_role("link", name="Build", exact=True).click()
    expect(on.node("two").locator(".name")).to_have_text("head")
    on.saved(lambda g: g.label("two") == "head", "the name")
