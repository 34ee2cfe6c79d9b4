"""A click that leads to another page is the one by which a field is left: what stood in it is not lost,
and the other page is there, once. (A tap on a touchpad presses and lets go within one millisecond.)"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from builder.gallery import project as starter
from builder.graph.model import Graph
from builder.graph.project import load_project
from tests.browser.drawing import Drawing, until
from tests.browser.test_canvas_redrawn import row
from tests.browser.test_code_editor import code_of, placed, type_at_end, units

Draw = Callable[..., Drawing]


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
