"""Blocks, arranging, the way back, and what is asked before something is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from builder.gallery import project
from builder.graph.model import Graph, Ref
from tests.browser.drawing import Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


def twice() -> Graph:
    """x → (fc, act) → (fc, act) → out: a repeat to be found."""
    net = Net("N", 16)
    for i in range(3):
        net.layer(f"fc{i}", "Linear", out_features=16)
        net.layer(f"act{i}", "ReLU")
    at = {f"fc{i}": (200.0, i * 130.0) for i in range(3)}
    at |= {f"act{i}": (420.0, i * 130.0) for i in range(3)}
    return placed(net.done(), x=(0, 0), out=(640, 260), **at)


def test_blocks_are_grouped_repeated_entered_and_ungrouped_exactly(drawing: Draw) -> None:
    on = drawing(twice())
    page = on.page
    before = on.graph()

    # Ctrl+G, and ungroup gives back exactly what was grouped.
    on.choose("fc1", "act1")
    ids = on.ids()
    on.press("Control+g")
    until(lambda: len(on.ids()) == len(ids) - 1, "one node for two")
    block = (on.ids() - ids).pop()
    on.agrees()
    on.choose(block)
    on.press("Control+Shift+G")
    until(lambda: on.ids() == ids, "the layers of before")
    after = on.saved(lambda g: not g.blocks, "no block")
    assert (after.nodes, after.owners) == (before.nodes, before.owners)
    assert list(after.nodes) == list(before.nodes)

    # Again: with a name and a repeat count, weights shared or its own.
    on.choose("fc1", "act1")
    on.press("Control+g")
    until(lambda: len(on.ids()) == len(ids) - 1, "one node for two")
    block = (on.ids() - ids).pop()
    on.choose(block)
    on.press("F2")
    name = page.get_by_role("textbox", name=re.compile("New name"))
    name.fill("pair")
    name.press("Enter")
    expect(on.node(block).locator(".name")).to_have_text("pair")
    on.node(block).locator(".repeat").click()
    count = page.get_by_role("spinbutton", name="Repeat times")
    count.fill("6")
    page.get_by_role("checkbox", name="with the same weights").check()
    page.get_by_role("button", name="Set", exact=True).click()
    expect(on.node(block).locator(".repeat")).to_have_text("×6 shared")
    graph = on.saved(lambda g: any(o.repeat == 6 for o in g.owners.values()), "six times")
    assert any(o.repeat == 6 and o.shared for o in graph.owners.values())

    # A double-click goes in; an edit there shows outside; breadcrumbs come out.
    on.node(block).locator(".type").dblclick()
    expect(on.node("fc1")).to_be_visible()
    crumbs = on.root.get_by_role("navigation", name="Blocks")
    expect(crumbs.get_by_role("button")).to_have_count(1)
    on.choose("fc1")
    ids = on.ids()
    page.get_by_test_id("palette-torch.nn.Sigmoid").click()
    on.new(ids)
    on.settled()
    crumbs.get_by_role("button").first.click()
    expect(on.node(block)).to_be_visible()
    until(lambda: any(len(b.nodes) == 5 for b in on.graph().blocks.values()), "the edit inside")
    on.agrees()


def test_repeats_are_offered_as_a_fold(drawing: Draw) -> None:
    on = drawing(twice())
    offered = on.page.locator(".folds")
    expect(offered).to_contain_text("3 × Linear–ReLU")
    before = on.graph()
    offered.get_by_role("button", name="Fold into a block").click()
    expect(on.page.locator(".react-flow__node-layer")).to_have_count(3)
    graph = on.saved(lambda g: bool(g.blocks), "a block")
    assert [o.repeat for o in graph.owners.values()] == [3]
    on.press("Control+z")
    expect(on.node("fc2")).to_be_visible()
    assert on.saved(lambda g: not g.blocks, "no block").nodes == before.nodes


def test_arranging_is_one_step_and_covers_nothing(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=16)
    net.layer("two", "Linear", out_features=16)
    net.op("sum", "operator.add", input=net.last, other=net.last.__class__("one"))
    on = drawing(
        placed(net.done(), x=(0, 0), one=(30, 30), two=(60, 60), sum=(90, 90), out=(0, 200))
    )
    start = on.seen()["nodes"]
    for choice, along in (("Left to right", 0), ("Top to bottom", 1)):
        was = on.seen()["nodes"]
        on.menu("Arrange", choice)
        until(lambda was=was: on.seen()["nodes"] != was, "other places")
        on.agrees()
        at = {n: node["at"] for n, node in on.seen()["nodes"].items()}
        assert at["x"][along] < at["one"][along] < at["two"][along] < at["sum"][along]
        boxes = [b for n in at if (b := on.node(n).bounding_box())]
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                assert apart or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    on.press("Control+z", "Control+z")
    until(lambda: on.seen()["nodes"] == start, "the places of before")
    expect(on.page.get_by_test_id("canvas-undo")).to_be_disabled()


def test_the_way_back_crosses_canvas_form_stack_and_repairs(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    net.layer("two", "Linear", in_features=8, out_features=4)
    on = drawing(placed(net.done(), x=(0, 0), one=(200, 0), two=(420, 0), out=(640, 0)))
    page = on.page
    graphs = [on.graph()]

    def step(what: str) -> None:
        was = graphs[-1]
        graphs.append(on.saved(lambda g: g != was, what))

    on.choose("one")
    page.get_by_test_id("palette-torch.nn.ReLU").click()
    step("the canvas's edit")
    on.fit()
    on.choose("one")
    form = page.get_by_role("spinbutton", name="out_features")
    form.fill("12")
    form.press("Enter")
    step("the form's edit")
    on.node("two").get_by_role("button", name=re.compile("problem")).click()
    page.get_by_role("dialog", name="Problems of two").get_by_role("button").nth(1).click()
    step("the repair")
    expect(on.root.get_by_text("No problems")).to_be_visible()
    page.get_by_role("radio", name="Stack").click()
    page.get_by_role("option", name=re.compile("^two")).click()
    page.get_by_test_id("add-torch.nn.Dropout").click()
    step("the stack's edit")
    page.get_by_role("radio", name="Canvas").click()
    expect(page.locator(".react-flow__node-layer")).to_have_count(6)
    on.root.focus()

    for graph in reversed(graphs[:-1]):
        on.press("Control+z")
        on.saved(
            lambda g, graph=graph: (
                g.nodes.keys() == graph.nodes.keys() and g.owners == graph.owners
            ),
            "one step back",
        )
    expect(page.get_by_test_id("canvas-undo")).to_be_disabled()
    for graph in graphs[1:]:
        on.press("Control+y")
        on.saved(lambda g, graph=graph: g.owners == graph.owners, "one step on")
    on.agrees()

    # The list names the steps, and goes to any of them.
    on.root.get_by_role("button", name="What was done").click()
    steps = on.root.get_by_role("menuitemradio")
    expect(steps).to_have_count(5)
    expect(steps.first).to_have_attribute("aria-checked", "true")
    steps.filter(has_text="out_features").click()
    on.saved(lambda g: g.owners == graphs[2].owners, "the chosen step")
    on.agrees()


def test_what_reshapes_others_is_asked_in_the_canvas(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    for i in range(3):
        net.layer(f"act{i}", "ReLU")
    on = drawing(
        placed(
            net.done(),
            x=(0, 0),
            one=(200, 0),
            act0=(400, 0),
            act1=(0, 160),
            act2=(200, 160),
            out=(400, 160),
        )
    )
    page = on.page
    on.choose("one")
    on.press("Delete")
    asked = page.get_by_test_id("canvas-ask")
    expect(asked).to_contain_text("changes 3 layers")
    assert page.get_by_role("dialog").count() == 0  # no modal: the canvas stays usable
    asked.get_by_role("button", name="Keep").click()
    expect(asked).to_have_count(0)
    assert "one" in on.ids() and "one" in on.graph().nodes

    on.choose("one")
    on.press("Delete")
    asked.get_by_role("button", name="Delete").click()
    expect(on.node("one")).to_have_count(0)
    on.saved(lambda g: reads(g, "act0") == ["x"], "act0 reading x")

    # What changes nothing else is not asked.
    on.choose("act1")
    on.press("Delete")
    expect(on.node("act1")).to_have_count(0)
    expect(asked).to_have_count(0)
    on.agrees()


def test_what_comes_out_of_a_block_covers_nothing(drawing: Draw) -> None:
    """ResNet-18 stands in rows: a stage taken out of its block twice fits into no gap of them."""
    on = drawing(project("resnet18").graph)
    stage = next(o for o in on.graph().owners.values() if o.name == "layer2")
    (call,) = on.graph().calls_of(stage.id)
    before = on.ids()
    on.choose(call.id)
    on.press("Control+Shift+G")
    until(lambda: len(on.ids()) == len(before) + 1, "two blocks for the stage")
    on.settled()
    assert covered(on) == []
    first = min(on.ids() - before)
    before = on.ids()
    on.choose(first)
    on.press("Control+Shift+G")
    until(lambda: len(on.ids() - before) > 3, "the layers of one")
    on.settled()
    until(lambda: covered(on) == [], lambda: f"nothing covered: {covered(on)}")
    on.agrees()


def test_several_layers_out_of_blocks_stand_in_rows_of_their_own(drawing: Draw) -> None:
    """A U-Net's first two blocks, one after the other: what the second pushes on stays clear of the first."""
    on = drawing(project("unet").graph)
    for name in ("down1", "down2"):
        block = next(o for o in on.graph().owners.values() if o.name == name)
        (call,) = on.graph().calls_of(block.id)
        before = on.ids()
        on.choose(call.id)
        on.press("Control+Shift+G")
        until(lambda known=before: len(on.ids() - known) == 4, f"the layers of {name}")
        on.settled()
        until(lambda: covered(on) == [], lambda: f"nothing covered: {covered(on)}")
        tops = [on.seen()["nodes"][new]["at"][1] for new in on.ids() - before]
        assert max(tops) - min(tops) < 60  # one row
    on.agrees()


def test_what_comes_out_of_a_block_goes_aside_where_nothing_can_make_room(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("up", "Linear", reads=Ref("x"), out_features=16)
    net.layer("down", "Linear", reads=Ref("x"), out_features=16)
    net.op("sum", "operator.add", input=Ref("up"), other=Ref("down"))
    net.layer("apart", "Linear", reads=Ref("x"), out_features=16)
    net.last = Ref("sum")
    at = {"up": (300.0, 0.0), "down": (300.0, 150.0), "sum": (560.0, 60.0), "apart": (160.0, 400.0)}
    on = drawing(placed(net.done(), x=(0, 0), out=(840, 60), **at))
    ids = on.ids()
    on.choose("up", "down", "sum")
    on.press("Control+g")
    until(lambda: len(on.ids()) == len(ids) - 2, "one node for three")
    (block,) = on.ids() - ids
    on.choose(block)
    for _ in range(5):
        on.press("Alt+ArrowDown")
    on.settled()
    assert covered(on) == []
    stood = on.seen()["nodes"]["apart"]["at"]
    on.press("Control+Shift+G")
    until(lambda: on.ids() == ids, "the layers of before")
    until(lambda: covered(on) == [], lambda: f"nothing covered: {covered(on)}")
    now = on.seen()["nodes"]
    assert now["apart"]["at"] == stood
    apart = [now["down"]["at"][i] - now["up"]["at"][i] for i in (0, 1)]
    assert apart == [0, 150]  # as they stood to each other
    on.agrees()


def covered(on: Drawing) -> list[tuple[str, str]]:
    """Layers that lie over each other, in pairs."""
    boxes: dict[str, list[float]] = on.root.evaluate(
        """root => Object.fromEntries([...root.querySelectorAll(".react-flow__node-layer")].map((one) => {
          const box = one.getBoundingClientRect();
          return [one.dataset.id, [box.left, box.top, box.right, box.bottom]];
        }))"""
    )
    return [
        (one, other)
        for one, a in boxes.items()
        for other, b in boxes.items()
        if one < other and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]
