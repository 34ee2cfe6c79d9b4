"""The canvas without a mouse, and its picture."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from builder.graph.model import Graph, Node, TensorSpec
from tests.browser.drawing import Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


def test_a_network_is_built_with_keys_alone(drawing: Draw) -> None:
    nodes = {"x": Node("x", "input", "x", spec=TensorSpec(("N", 16)), position=(0, 0))}
    on = drawing(Graph("Model", nodes))
    page = on.page
    search = page.get_by_role("combobox", name="Search layers to add here")
    on.root.focus()

    # input → Linear → ReLU → output, each from the search that a selected layer opens.
    last = "x"
    on.press("ArrowRight")
    expect(on.node("x")).to_have_class(re.compile("selected"))
    expect(on.node("x")).to_be_focused()
    for typed, count in (("linear", 2), ("relu", 3), ("output", 4)):
        before = on.ids()
        on.press("/")
        expect(search).to_be_focused()
        page.keyboard.type(typed)
        on.press("Enter")
        new = on.new(before)
        expect(page.locator(".react-flow__node-layer")).to_have_count(count)
        on.saved(lambda g, new=new: new in g.nodes, typed)
        assert reads(on.graph(), new) == [last]
        expect(on.node(new)).to_have_class(re.compile("selected"))
        last = new
    on.agrees()
    assert [n.kind for n in on.graph().nodes.values()] == ["input", "layer", "layer", "output"]

    # Along the wires, renaming, a second wire, a cut, moving, deleting.
    on.press("ArrowLeft")
    on.press("F2")
    expect(page.get_by_role("textbox", name=re.compile("New name"))).to_be_focused()
    page.keyboard.type("bend")
    on.press("Enter")
    expect(on.selected().locator(".name")).to_have_text("bend")
    on.press("ArrowLeft")
    expect(on.selected().locator(".type")).to_have_text("Linear")
    linear = on.selected().get_attribute("data-id") or ""
    on.press("w", "ArrowRight", "ArrowRight", "Enter")
    expect(page.get_by_role("menuitem", name="Replace")).to_be_focused()
    on.press("Enter")
    on.saved(lambda g: reads(g, last) == [linear], "the wire by keys")
    on.press("x")
    on.saved(lambda g: reads(g, last) == [], "the cut")
    on.press("Control+z", "Control+z")
    on.saved(lambda g: reads(g, last) != [linear] and reads(g, last) != [], "the wires of before")
    was = on.seen()["nodes"][last]["at"]
    on.press("Alt+ArrowDown")
    until(lambda: on.seen()["nodes"][last]["at"][1] > was[1], "a move")
    on.press("Control+a")
    expect(on.selected()).to_have_count(4)
    on.press("Escape")
    expect(on.selected()).to_have_count(0)
    on.agrees()


def test_the_sheet_of_keys_opens_and_gives_the_focus_back(drawing: Draw) -> None:
    net = Net("N", 4)
    net.layer("act", "ReLU")
    on = drawing(net.done())
    on.root.focus()
    on.press("?")
    sheet = on.page.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("Group into a block")
    expect(sheet).to_contain_text("Shift + drag")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    on.press("Escape")
    expect(sheet).to_have_count(0)
    on.press("ArrowRight")
    expect(on.node("x")).to_be_focused()

    # The focus is seen, and every button of the canvas has a name.
    on.press("Tab")
    ring = on.page.evaluate(
        """() => {
          let one = document.activeElement;
          while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
          const style = getComputedStyle(one);
          return style.outlineStyle + style.boxShadow;
        }"""
    )
    assert ring != "nonenone"
    for button in on.root.get_by_role("button").all():
        assert button.get_attribute("aria-label") or button.inner_text().strip()


def test_what_is_drawn_is_downloaded_as_svg_and_png(drawing: Draw) -> None:
    net = Net("N", 4)
    net.layer("act", "ReLU")
    on = drawing(placed(net.done(), x=(0, 0), act=(200, 0), out=(400, 0)))
    for choice, name, start in (
        ("SVG, for a paper", r"\.svg$", b"<svg"),
        ("PNG, for a slide", r"\.png$", b"\x89PNG"),
    ):
        with on.page.expect_download() as waiting:
            on.menu("Picture", choice)
        assert re.search(name, waiting.value.suggested_filename)
        content = waiting.value.path().read_bytes()
        assert start in content[:200]
        if start == b"<svg":
            assert b"ReLU" in content and "N×4".encode() in content
