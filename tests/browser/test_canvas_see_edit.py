"""Seeing what runs through a network, and editing it, on the canvas itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from builder.graph.edits import SetArgument, apply
from builder.graph.model import Graph
from tests.browser.drawing import Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


def row() -> Graph:
    """x → one → act → two → out."""
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    net.layer("act", "ReLU")
    net.layer("two", "Linear", out_features=4)
    return placed(net.done(), x=(0, 0), one=(200, 0), act=(400, 0), two=(600, 0), out=(800, 0))


def pictures() -> Graph:
    net = Net("N", 1, 28, 28)
    net.layer("conv", "Conv2d", out_channels=8, kernel_size=3)
    net.layer("norm", "BatchNorm2d")
    net.layer("flat", "Flatten")
    net.layer("fc", "Linear", out_features=10)
    at = {"x": (0, 0), "conv": (220, 0), "norm": (540, 0), "flat": (0, 220), "fc": (320, 220)}
    return placed(net.done(), out=(640, 220), **at)


def test_shapes_problems_and_totals_are_seen_and_a_problem_is_mended_in_place(
    drawing: Draw,
) -> None:
    broken = apply(pictures(), SetArgument("norm", "num_features", 5))
    on = drawing(broken)
    page = on.page

    # Every wire says its shape, and on hover what its axes are; every layer its numbers.
    expect(on.label("norm:input:0")).to_have_text("N×8×26×26")
    expect(on.wire("norm:input:0").locator("title")).to_have_text(
        "N×8×26×26: batch × channels × height × width"
    )
    expect(on.node("conv").locator(".words")).to_contain_text("kernel_size=3")
    expect(on.node("conv").locator(".weights")).to_have_text("80")

    # A badge on the layer and on the port that fails.
    badge = on.node("norm").get_by_role("button", name=re.compile("problem"))
    expect(badge).to_be_visible()
    expect(on.port("norm", "input:0")).to_have_class(re.compile("failing"))
    expect(on.wire("norm:input:0").locator(".wire")).to_have_class(re.compile("bad"))

    # The footer counts, and goes to the first problem; a click there mends it.
    count = page.get_by_test_id("canvas-problems")
    expect(count).to_have_text("1 problem")
    expect(on.root.locator(".totals")).to_contain_text("4 layers")
    count.click()
    told = page.get_by_role("dialog", name="Problems of norm")
    expect(told).to_contain_text("num_features=5")
    expect(on.node("norm")).to_have_class(re.compile("selected"))
    told.get_by_role("button", name=re.compile("num_features")).first.click()
    expect(badge).to_have_count(0)
    expect(on.root.get_by_text("No problems")).to_be_visible()
    expect(on.root.locator(".totals")).to_contain_text(re.compile("54.186"))
    on.agrees()

    # The badge opens the same, and Undo brings the problem back.
    on.press("Control+z")
    badge.click()
    expect(told).to_be_visible()
    on.press("Escape")
    expect(told).to_have_count(0)

    # Wires as wide as what they carry, when asked for.
    on.press("Control+y")
    expect(badge).to_have_count(0)
    thin = _width(page, "flat:input:0")
    on.menu_check("View", "Wires by size")
    until(lambda: _width(page, "flat:input:0") > thin, "a wider wire")


def _width(page: Page, wire: str) -> float:
    path = page.locator(f'.react-flow__edge[data-id="{wire}"] .react-flow__edge-path')
    width: float = path.evaluate("one => parseFloat(getComputedStyle(one).strokeWidth)")
    return width


def test_numbers_names_and_forms_are_edited_beside_each_other(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page

    # The most used number, on the layer itself: the shapes follow, and it says so before.
    on.choose("one")
    field = page.get_by_role("textbox", name="out_features of one")
    field.fill("32")
    expect(on.node("one").locator(".effect")).to_contain_text("changes 2 layers")
    field.press("Enter")
    expect(on.label("two:input:0")).to_have_text("N×32")
    form = page.get_by_role("spinbutton", name="out_features")
    expect(form).to_have_value("32")

    # The catalogue's form beside the canvas edits the same layer.
    form.fill("24")
    form.press("Enter")
    expect(on.label("two:input:0")).to_have_text("N×24")
    expect(field).to_have_value("24")
    on.saved(lambda g: g.owners["one"].arguments["out_features"] == 24, "24")

    # Renamed in place; Escape leaves it as it was.
    on.node("act").locator(".name").dblclick()
    name = page.get_by_role("textbox", name="New name of act")
    expect(name).to_be_focused()
    name.fill("bend")
    name.press("Enter")
    expect(on.node("act").locator(".name")).to_have_text("bend")
    on.press("F2")
    page.get_by_role("textbox", name="New name of bend").fill("other")
    on.press("Escape")
    expect(on.node("act").locator(".name")).to_have_text("bend")
    on.agrees()


def test_layers_are_selected_moved_aligned_bypassed_frozen_and_deleted(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page

    # By Shift and click, and by a frame.
    on.choose("one", "act")
    page.mouse.click(*on.empty_place())
    expect(on.selected()).to_have_count(0)
    first, last = on.node("one").bounding_box(), on.node("two").bounding_box()
    assert first and last
    page.keyboard.down("Shift")
    on.drag(
        (first["x"] - 12, first["y"] - 30),
        (last["x"] + last["width"] + 12, last["y"] + last["height"] + 30),
    )
    page.keyboard.up("Shift")
    expect(on.selected()).to_have_count(3)
    on.settled()

    # Moved together, in one step.
    before = on.seen()["nodes"]
    x, y = on.centre(on.title("act"))
    on.drag((x, y), (x + 20, y + 120))
    on.agrees()
    after = on.seen()["nodes"]
    moved = {n for n in before if before[n]["at"] != after[n]["at"]}
    assert moved == {"one", "act", "two"}
    on.press("Control+z")
    until(lambda: on.seen()["nodes"] == before, "the places of before")

    # Aligned.
    page.mouse.click(*on.empty_place())
    expect(on.selected()).to_have_count(0)
    on.choose("two")
    x, y = on.centre(on.title("two"))
    on.drag((x, y), (x, y + 90))
    on.choose("act", "two")
    on.menu("Arrange", "Align top")
    until(lambda: on.seen()["nodes"]["two"]["at"][1] == on.seen()["nodes"]["act"]["at"][1], "a row")
    on.agrees()

    # Bypassed by key, frozen by key: both seen and kept.
    on.choose("act")
    on.press("Control+b")
    expect(on.node("act").locator(".layer")).to_have_class(re.compile("bypassed"))
    on.saved(lambda g: g.nodes["act"].bypassed, "the bypass")
    on.choose("one")
    on.press("f")
    expect(on.node("one").locator('[title^="Frozen"]')).to_be_visible()
    on.saved(lambda g: g.owners["one"].frozen, "the freeze")

    # Backspace and Delete: the neighbours are joined where shapes allow.
    on.choose("act")
    on.press("Delete")
    expect(on.node("act")).to_have_count(0)
    on.saved(lambda g: reads(g, "two") == ["one"], "two reading one")
    on.press("Control+z")
    expect(on.node("act")).to_be_visible()
    on.choose("act")
    on.press("Backspace")
    expect(on.node("act")).to_have_count(0)
    on.agrees()


def test_copies_keep_their_wires_only_when_asked(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page
    on.choose("one", "act")
    on.press("Control+c")

    page.mouse.move(*on.empty_place())
    before = on.ids()
    on.press("Control+v")
    until(lambda: len(on.ids() - before) == 2, "two layers more")
    loose = on.ids() - before
    graph = on.saved(lambda g: loose <= g.nodes.keys(), "what was pasted")
    assert {reads(graph, n)[0] if reads(graph, n) else "" for n in loose} - loose == {""}

    before = on.ids()
    on.press("Control+Shift+V")
    until(lambda: len(on.ids() - before) == 2, "two layers more")
    wired = on.ids() - before
    graph = on.saved(lambda g: wired <= g.nodes.keys(), "what was pasted with wires")
    assert {reads(graph, n)[0] for n in wired} - wired == {"x"}

    # Duplicate one: loose beside it. Cut takes away; paste brings back.
    on.fit()
    on.choose("act")
    before = on.ids()
    on.press("Control+d")
    twin = on.new(before)
    on.saved(lambda g: twin in g.nodes and not reads(g, twin), "the duplicate")
    on.choose(twin)
    on.press("Control+x")
    expect(on.node(twin)).to_have_count(0)
    graph = on.saved(lambda g: twin not in g.nodes, "the cut")
    assert reads(graph, "two") == ["act"]
    before = on.ids()
    on.press("Control+v")
    on.new(before)
    on.agrees()


def test_notes_and_coloured_frames(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page
    page.mouse.move(*on.empty_place())
    page.mouse.click(*on.empty_place())
    on.press("n")
    text = page.get_by_role("textbox", name="Text of the note")
    expect(text).to_be_focused()
    text.fill("why this is here")
    on.press("Enter")
    expect(page.locator(".frame.note")).to_have_text("why this is here")

    on.choose("one", "act")
    on.press("Control+Shift+M")
    title = page.get_by_role("textbox", name="Title of the frame")
    title.fill("Encoder")
    on.press("Enter")
    frame = page.locator(".frame.frame", has_text="Encoder")
    expect(frame).to_be_visible()
    frame.locator(".frame-title").click()
    page.get_by_role("group", name="Colour").get_by_role("button", name="green").click()
    graph = on.saved(
        lambda g: {f.colour for f in g.frames.values()} == {"green", "grey"}, "the colour"
    )
    assert {f.title or f.text for f in graph.frames.values()} == {"Encoder", "why this is here"}

    # A frame carries what stands in it.
    before = on.seen()["nodes"]
    x, y = on.centre(frame.locator(".frame-title"))
    on.drag((x, y), (x + 10, y + 100))
    on.agrees()
    after = on.seen()["nodes"]
    assert {n for n in before if before[n]["at"] != after[n]["at"]} == {"one", "act"}
