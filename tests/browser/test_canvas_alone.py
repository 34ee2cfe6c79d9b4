"""Every action of the canvas by keys alone, and as a screen reader is told of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from builder.graph.edits import SetArgument, apply
from builder.graph.model import Graph, Ref
from tests.browser.drawing import Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]
ACTIVE = """() => {
  let one = document.activeElement;
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one;
}"""


def row() -> Graph:
    """x → one → act → two → out."""
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    net.layer("act", "ReLU")
    net.layer("two", "Linear", out_features=4)
    return placed(net.done(), x=(0, 0), one=(240, 0), act=(480, 0), two=(720, 0), out=(960, 0))


def live(on: Drawing) -> Locator:
    """What is said aloud."""
    return on.root.locator("[aria-live]")


def go_to(on: Drawing, node: str) -> None:
    """From the canvas along the wires to a layer, by arrows."""
    on.root.focus()
    on.press("Escape")
    expect(on.selected()).to_have_count(0)
    on.press("ArrowRight")
    expect(on.selected()).to_have_count(1)
    for _ in range(12):
        if on.selected().get_attribute("data-id") == node:
            break
        was = on.selected().get_attribute("data-id") or ""
        on.press("ArrowRight")
        expect(on.selected()).not_to_have_attribute("data-id", was)
    on.settled()
    # The form beside the canvas follows what is selected: the next key comes when it has.
    expect(on.node(node)).to_be_focused()


def seen_focus(on: Drawing) -> str:
    """How what has the focus is marked; "" where it is not."""
    mark: str = on.page.evaluate(
        f"""() => {{
          const one = ({ACTIVE})();
          const marked = [one, one.firstElementChild].find(e => e && getComputedStyle(e).outlineStyle !== "none");
          return marked ? getComputedStyle(marked).outlineWidth : "";
        }}"""
    )
    return mark


def test_a_problem_is_found_and_mended_by_keys(drawing: Draw) -> None:
    on = drawing(apply(row(), SetArgument("two", "in_features", 5)))
    on.root.focus()
    on.press("p")
    told = on.page.get_by_role("dialog", name="Problems of two")
    expect(told).to_be_visible()
    repair = told.locator(".repairs button").first
    expect(repair).to_be_focused()
    label = repair.inner_text().split("\n")[0]
    on.press("Tab")
    on.press("Shift+Tab")
    expect(repair).to_be_focused()
    on.press("Escape")
    expect(told).to_have_count(0)
    expect(on.node("two")).to_be_focused()
    on.press("Enter")
    expect(repair).to_be_focused()
    on.press("Enter")
    expect(live(on)).to_contain_text(label[:12])
    expect(on.node("two").locator(".badge")).to_have_count(0)
    expect(on.node("two")).to_be_focused()
    on.press("Control+z")
    expect(live(on)).to_contain_text("Undone")
    expect(on.node("two").locator(".badge")).to_be_visible()
    on.agrees()


def test_wires_are_gone_along_cut_and_filled_by_keys(drawing: Draw) -> None:
    on = drawing(row())
    go_to(on, "act")
    on.press("e")
    expect(live(on)).to_have_text("Wire from one to act, N×8")
    expect(on.wire("act:input:0").locator(".wire")).to_have_class(re.compile("selected"))
    on.press("e")
    expect(live(on)).to_have_text("Wire from act to two, N×8")

    # A layer on it …
    before = on.ids()
    on.press("/")
    expect(on.page.get_by_role("combobox", name="Search layers to add here")).to_be_focused()
    on.page.keyboard.type("dropout")
    on.press("Enter")
    new = on.new(before)
    on.saved(lambda g: new in g.nodes and reads(g, new) == ["act"], "the layer on the wire")
    assert reads(on.graph(), "two") == [new]

    # … and a wire cut: the layer stays, and one goes on from it.
    go_to(on, "one")
    on.press("e", "Delete")
    expect(live(on)).to_have_text("Wire cut")
    on.saved(lambda g: reads(g, "one") == [], "the cut")
    expect(on.node("one")).to_be_focused()
    on.agrees()


def test_a_wire_by_keys_goes_from_the_result_to_the_input_that_is_chosen(drawing: Draw) -> None:
    net = Net("N", 5, 8)
    net.layer("lstm", "LSTM", hidden_size=8, batch_first=True)
    net.owns("attention", "MultiheadAttention", embed_dim=8, num_heads=2, batch_first=True)
    last = Ref("lstm", (0,))
    net.call("read", "attention", query=last, key=last, value=last)
    net.last = Ref("read", (0,))
    on = drawing(placed(net.done(), x=(0, 0), lstm=(240, 0), read=(520, 0), out=(840, 0)))

    go_to(on, "lstm")
    on.press("w")
    results = on.page.get_by_role("menu", name="Which result of lstm?")
    expect(results.get_by_role("menuitem").first).to_be_focused()
    expect(results.get_by_role("menuitem")).to_have_count(3)
    on.press("Enter")
    expect(live(on)).to_contain_text("Wire from output of lstm")
    on.press("Escape")

    go_to(on, "x")
    on.press("w", "ArrowRight", "ArrowRight")
    expect(on.node("read")).to_be_focused()
    on.press("Enter")
    inputs = on.page.get_by_role("menu", name="Which input of attention?")
    expect(inputs.get_by_role("menuitem", name=re.compile("^query"))).to_contain_text("reads lstm")
    inputs.get_by_role("menuitem", name=re.compile("^value")).focus()
    on.press("Enter")
    expect(on.page.get_by_role("menuitem", name="Replace")).to_be_focused()
    on.press("Enter")
    on.saved(lambda g: g.nodes["read"].arguments["value"] == Ref("x"), "the wire to value")

    # What cannot be is said in a sentence, and nothing is changed.
    go_to(on, "read")
    on.press("w")
    on.page.get_by_role("menu").get_by_role("menuitem").first.press("Enter")
    on.press("ArrowLeft", "ArrowLeft")
    on.press("Enter")
    until(lambda: "cycle" in live(on).inner_text() or "reads" in live(on).inner_text(), "a refusal")
    on.agrees()


def test_notes_and_frames_are_reached_moved_sized_and_written_by_keys(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page
    go_to(on, "one")
    on.press("Shift+ArrowRight")
    expect(on.selected()).to_have_count(2)
    on.press("Control+Shift+M")
    page.get_by_role("textbox", name="Title of the frame").press("Enter")
    on.saved(lambda g: len(g.frames) == 1, "the frame")
    frame = page.locator(".react-flow__node-frame")
    expect(frame).to_be_focused()
    name = (frame.get_attribute("data-id") or "").removeprefix("frame:")

    # It carries what stands in it, as by mouse.
    before = on.seen()
    on.press("Alt+ArrowDown")
    until(lambda: on.seen()["frames"][name][1] > before["frames"][name][1], "the frame below")
    moved = {n for n, v in on.seen()["nodes"].items() if v["at"] != before["nodes"][n]["at"]}
    assert moved == {"one", "act"}
    size = on.graph().frames[name].size
    on.press("Alt+Shift+ArrowRight")
    expect(live(on)).to_contain_text(" by ")
    on.saved(lambda g: g.frames[name].size[0] > size[0], "a wider frame")
    on.press("Enter")
    page.get_by_role("textbox", name="Title of the frame").fill("Encoder")
    on.press("Enter")
    on.saved(lambda g: g.frames[name].title == "Encoder", "the title")
    expect(frame).to_be_focused()
    on.press("Tab")
    expect(page.get_by_role("group", name="Colour").get_by_role("button").first).to_be_focused()
    on.press("Tab", "Enter")
    on.saved(lambda g: g.frames[name].colour == "blue", "the colour")
    frame.focus()
    on.press("Delete")
    on.saved(lambda g: not g.frames, "no frame")
    on.agrees()


def test_menus_align_blocks_and_the_way_round_by_keys(drawing: Draw) -> None:
    on = drawing(row())
    page = on.page
    go_to(on, "act")
    on.press("Alt+ArrowDown", "Alt+ArrowDown")
    expect(live(on)).to_contain_text("Moved 16 down")
    until(lambda: on.seen()["nodes"]["act"]["at"][1] == 32, "the layer below")
    on.press("Shift+ArrowRight")
    expect(on.selected()).to_have_count(2)

    # F6 to the toolbar, arrows along it, Enter opens a menu at its first entry, arrows in it.
    on.press("F6")
    for _ in range(4):
        where = page.evaluate(f"() => ({ACTIVE})().closest('.toolbar') !== null")
        if where:
            break
        on.press("F6")
    assert where
    arrange = on.root.get_by_role("button", name="Arrange", exact=True)
    for _ in range(12):
        if arrange.evaluate("one => one.matches(':focus')"):
            break
        on.press("ArrowRight")
    expect(arrange).to_be_focused()
    assert seen_focus(on)
    on.press("Enter")
    menu = page.get_by_role("menu", name="Arrange")
    expect(menu.get_by_role("menuitem", name="Left to right", exact=True)).to_be_focused()
    on.press("Escape")
    expect(arrange).to_be_focused()
    on.press("Enter")
    top = menu.get_by_role("menuitem", name="Align top")
    for _ in range(12):
        if top.evaluate("one => one.matches(':focus')"):
            break
        on.press("ArrowDown")
    on.press("Enter")
    expect(live(on)).to_contain_text("Aligned top")
    until(lambda: on.seen()["nodes"]["act"]["at"][1] == 0, "a row")

    # Into a block and out of it, its name by F2.
    on.press("Control+g")
    expect(live(on)).to_contain_text("2 layers grouped into a block")
    expect(page.locator(".layer.kind-block")).to_be_visible()
    on.settled()
    block = page.locator(".react-flow__node-layer", has=page.locator(".kind-block"))
    on.press("F2")
    page.get_by_role("textbox", name=re.compile("New name")).fill("pair")
    on.press("Enter")
    expect(live(on)).to_contain_text("now called pair")
    expect(block.locator(".name")).to_have_text("pair")
    expect(block).to_be_focused()
    assert seen_focus(on)
    on.press("Enter")
    expect(on.root.get_by_role("navigation", name="Blocks")).to_contain_text("pair")
    expect(on.node("act")).to_be_visible()
    on.root.focus()
    on.press("Escape")
    expect(on.root.get_by_role("navigation", name="Blocks")).not_to_contain_text("pair")
    expect(block).to_be_visible()


def test_the_sheet_lists_every_key_and_holds_the_focus(drawing: Draw) -> None:
    on = drawing(row())
    sheet = on.page.get_by_role("dialog", name="Keys")
    go_to(on, "one")
    on.press("?")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    on.press("Tab")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    # What is pressed here is not done behind it.
    on.press("Delete")
    expect(on.node("one")).to_be_visible()
    on.press("Escape")
    expect(sheet).to_have_count(0)
    expect(on.node("one")).to_be_focused()

    button = on.root.get_by_role("button", name="Keys", exact=True)
    button.click()
    expect(sheet).to_be_visible()
    assert sheet.locator("p").count() > 40
    for said in ("Alt + arrows", "Ctrl + Shift + G", "F6", "E", "?"):
        expect(sheet.locator("kbd").get_by_text(said, exact=True).first).to_be_attached()
    on.press("Escape")
    expect(button).to_be_focused()


def test_layers_ports_wires_and_tools_say_what_they_are(drawing: Draw) -> None:
    on = drawing(row())
    expect(on.node("one")).to_have_attribute("aria-label", "Linear one, N×8")
    expect(on.port("act", "input:0")).to_have_attribute(
        "aria-label", "Input input of act: any value"
    )
    expect(on.port("one", "o")).to_have_attribute("aria-label", "Result of one: N×8")
    expect(on.wire("act:input:0")).to_have_attribute("aria-label", "Wire from one to act, N×8")
    for role in ("button", "toolbar", "menu", "dialog", "textbox"):
        for one in on.root.get_by_role(role).all():
            assert one.get_attribute("aria-label") or one.inner_text().strip()

    # A number changed on the layer itself, by Tab from the layer.
    go_to(on, "one")
    on.press("Tab")
    field = on.page.get_by_role("textbox", name="out_features of one")
    for _ in range(4):
        if field.evaluate("one => one.matches(':focus')"):
            break
        on.press("Tab")
    expect(field).to_be_focused()
    on.page.keyboard.type("32")
    on.press("Enter")
    expect(live(on)).to_contain_text("out_features of one is now 32")
    expect(on.label("act:input:0")).to_have_text("N×32")
    on.agrees()
