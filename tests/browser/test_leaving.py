"""A click that leads to another page is the one by which a field is left: what stood in it is not lost,
and the other page is there, once. (A tap on a touchpad presses and lets go within one millisecond.)"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from builder.gallery import project as starter
from builder.graph.model import Graph
from builder.graph.project import load_project
from tests.browser.drawing import Drawing, until
from tests.browser.test_canvas_redrawn import row
from tests.browser.test_code_editor import code_of, placed, type_at_end, units

Draw = Callable[..., Drawing]


class Pause:
    """A line between page and server on which nothing moves for a while."""

    def __init__(self) -> None:
        self.still = False
        self._waiting: list[Callable[[], None]] = []

    def open(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(lambda data: self._pass(lambda: server.send(data)))
        server.on_message(lambda data: self._pass(lambda: page.send(data)))

    def _pass(self, send: Callable[[], None]) -> None:
        if self.still:
            self._waiting.append(send)
        else:
            send()

    def end(self) -> None:
        self.still = False
        while self._waiting:
            self._waiting.pop(0)()


def write(on: Drawing, where: str) -> None:
    """Writes into a field and leaves the focus there."""
    page = on.page
    if where == "name on the canvas":
        on.press("F2")
        page.get_by_role("textbox", name=re.compile("New name")).fill("head")
        return
    field = {
        "number on the canvas": on.node("two").locator(".quick input").first,
        "number in the form": page.get_by_role("spinbutton", name="out_features").last,
    }[where]
    field.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("24")


def follow(page: Page, title: str) -> None:
    page.get_by_role("link", name=title, exact=True).click()


def width(graph: Graph) -> object:
    return graph.owners["two"].arguments["out_features"]


@pytest.mark.parametrize(
    ("where", "code_says"),
    [
        ("name on the canvas", "self.head = nn.Linear(16, 16)"),
        ("number on the canvas", "self.two = nn.Linear(16, 24)"),
        ("number in the form", "self.two = nn.Linear(16, 24)"),
    ],
)
def test_what_is_being_written_is_in_the_code_that_is_gone_to(
    drawing: Draw, where: str, code_says: str
) -> None:
    on = drawing(row())
    code_of(on)  # the style is remembered
    follow(on.page, "Build")
    on.choose("two")
    on.settled()
    write(on, where)
    follow(on.page, "Code")
    expect(on.page).to_have_url(re.compile("/code"))
    expect(on.page.get_by_test_id("code-editor")).to_contain_text(code_says)
    follow(on.page, "Build")
    expect(on.node("two")).to_be_visible()
    on.agrees()


def test_a_name_of_the_project_is_kept_by_a_way_to_another_page(drawing: Draw) -> None:
    on = drawing(row())
    field = on.page.get_by_role("textbox", name="Project name")
    field.fill("Other")
    follow(on.page, "Code")
    expect(on.page).to_have_url(re.compile("/code"))
    expect(field).to_have_value("Other")
    until(lambda: load_project(on.path).name == "Other", "the name in the file")


def test_code_that_is_being_typed_is_on_the_canvas_that_is_gone_to(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    type_at_end(page, "self.fc = nn.Linear", 2, "12")
    follow(page, "Build")
    expect(on.node("fc")).to_contain_text("12")
    on.saved(lambda graph: units(graph) == 12, "12 units")


def test_a_number_of_the_training_is_kept_by_a_way_to_another_page(drawing: Draw) -> None:
    on = drawing(starter("digits_cnn").graph)
    follow(on.page, "Train")
    field = on.page.get_by_role("spinbutton", name=re.compile("Epochs"))
    field.click()
    on.page.keyboard.press("Control+a")
    on.page.keyboard.insert_text("17")
    follow(on.page, "Data")
    expect(on.page).to_have_url(re.compile("/data"))
    expect(on.page.get_by_role("heading", name="Data", exact=True)).to_be_visible()

    def kept() -> bool:
        return "17" in str(load_project(on.path).training)

    until(kept, "17 epochs in the file")


def test_what_is_done_after_a_slow_way_and_back_is_told(drawing: Draw, browser: Browser) -> None:
    """The server answers only after the way was taken: the canvas that is come back to is no silent one."""
    pause = Pause()
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    context.route_web_socket(re.compile("/_stcore/stream"), pause.open)
    on = drawing(row(), within=context)
    on.choose("one")
    on.settled()
    pause.still = True
    on.press("Control+d")
    follow(on.page, "Code")
    on.page.wait_for_timeout(2600)  # longer than a way waits
    pause.end()
    expect(on.page).to_have_url(re.compile("/code"))
    follow(on.page, "Build")
    on.choose("two")
    on.press("F2")
    on.page.get_by_role("textbox", name=re.compile("New name")).fill("head")
    on.press("Enter")
    on.saved(lambda graph: graph.label("two") == "head" and len(graph.nodes) == 5, "both edits")
    on.agrees()
    context.close()


def test_the_way_to_the_page_one_is_on_stops_nothing(drawing: Draw) -> None:
    on = drawing(row())
    follow(on.page, "Build")
    on.choose("one")
    on.press("Control+d")
    follow(on.page, "Code")
    expect(on.page).to_have_url(re.compile("/code"))
    on.saved(lambda graph: len(graph.nodes) == 5, "the copy")


@pytest.mark.parametrize("twice", ["Code", "Graph"])
def test_of_two_clicks_in_one_moment_the_last_one_leads(drawing: Draw, twice: str) -> None:
    on = drawing(row())
    on.choose("two")
    write(on, "number in the form")
    both = [on.page.get_by_role("link", name=n, exact=True).bounding_box() for n in ("Code", twice)]
    for box in both:
        assert box
        on.page.mouse.click(box["x"] + 8, box["y"] + 8)
    expect(on.page.get_by_role("heading", name=twice, exact=True)).to_be_visible()
    on.saved(lambda graph: width(graph) == 24, "24 features")


def test_a_field_left_by_tab_is_told_before_the_link_is_taken(drawing: Draw) -> None:
    on = drawing(row())
    field = on.page.get_by_role("textbox", name="Project name")
    field.fill("Other")
    on.page.get_by_role("link", name="Code", exact=True).focus()
    on.page.keyboard.press("Enter")
    expect(on.page.get_by_role("heading", name="Code", exact=True)).to_be_visible()
    until(lambda: load_project(on.path).name == "Other", "the name in the file")


def test_back_goes_one_page_back(drawing: Draw) -> None:
    page = drawing(row()).page
    for title in ("Code", "Graph"):
        follow(page, title)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(page).to_have_url(re.compile(r"\?project="))
    for title in ("Code", "Build"):
        page.go_back()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Code", exact=True)).to_be_visible()
