"""Where layers come to stand on the canvas: put on wires, inserted, copied, arranged in frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import expect

from builder.graph.model import Frame, Graph
from tests.browser.drawing import NEXT_FRAMES, Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]
Box = dict[str, float]


def chain(*, flatten: bool = True, skip: bool = False) -> Graph:
    net = Net("N", 1, 28, 28)
    net.layer("conv1", "Conv2d", out_channels=16, kernel_size=3)
    net.layer("relu1", "ReLU")
    pool = net.layer("pool1", "MaxPool2d", kernel_size=2)
    conv = net.layer("conv2", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    if skip:
        net.op("add1", "operator.add", input=conv, other=pool)
    if flatten:
        net.layer("flatten1", "Flatten")
    net.layer("linear1", "Linear", out_features=10)
    return net.done()


def box(on: Drawing, node: str) -> Box:
    found = on.node(node).bounding_box()
    assert found is not None
    return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}


def in_view(on: Drawing, *nodes: str) -> bool:
    stage = on.page.locator(".stage").bounding_box()
    assert stage is not None
    right, bottom = stage["x"] + stage["width"] + 1, stage["y"] + stage["height"] + 1
    return all(
        b["x"] >= stage["x"] - 1
        and b["y"] >= stage["y"] - 1
        and b["x"] + b["width"] <= right
        and b["y"] + b["height"] <= bottom
        for b in (box(on, node) for node in nodes)
    )


def level(on: Drawing, *nodes: str) -> bool:
    """Whether the main ports of layers are at one height."""
    heights = [on.centre(on.port(node, "o"))[1] for node in nodes]
    return max(heights) - min(heights) < 2


def seen_on_line(on: Drawing, node: str, other: str) -> None:
    until(lambda: in_view(on, node), f"{node} in view")
    until(lambda: level(on, other, node), f"{node} on the line of {other}")


def apart(on: Drawing) -> None:
    """No layer covers another."""
    boxes = [box(on, node) for node in on.ids()]
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert (
                a["x"] + a["width"] <= b["x"] + 1
                or b["x"] + b["width"] <= a["x"] + 1
                or a["y"] + a["height"] <= b["y"] + 1
                or b["y"] + b["height"] <= a["y"] + 1
            )


def test_a_layer_whose_box_covers_a_wire_is_put_on_it(drawing: Draw) -> None:
    net = Net("N", 8)
    net.layer("fc1", "Linear", out_features=8)
    net.layer("fc2", "Linear", out_features=8)
    graph = net.done()
    net.layer("loose", "ReLU")
    loose = replace(net.nodes["loose"], arguments={})
    graph = replace(
        graph,
        nodes={**graph.nodes, "loose": loose},
        owners={**graph.owners, "loose": net.owners["loose"]},
    )
    on = drawing(
        placed(graph, x=(0, 0), fc1=(260, 0), fc2=(500, 0), out=(760, 0), loose=(300, 300))
    )
    page = on.page
    on.fit()
    start = on.centre(on.port("fc1", "o"))
    end = on.centre(on.port("fc2", "input:0"))
    beside = ((start[0] + end[0]) / 2, start[1] - 18)  # the pointer is not on the wire
    on.drag(on.centre(on.title("loose")), beside, drop=False)

    # The wire is lit above the layer, and its reader makes room.
    lit = on.wire("fc2:input:0").locator(".wire")
    until(lambda: "over" in (lit.get_attribute("class") or "").split(), "the wire to be lit")
    until(lambda: box(on, "fc2")["x"] > end[0] + 40, "the reader to make room")
    page.mouse.up()
    graph = on.saved(lambda g: reads(g, "loose") == ["fc1"], "the layer on the wire")
    assert reads(graph, "fc2") == ["loose"]
    until(lambda: level(on, "fc1", "loose", "fc2"), "one line")
    apart(on)
    on.agrees()
    page.get_by_test_id("canvas-undo").click()
    on.saved(lambda g: reads(g, "fc2") == ["fc1"] and not reads(g, "loose"), "one step back")
    on.agrees()

    # From the palette as well, with the pointer beside the line.
    before = on.ids()
    start, end = on.centre(on.port("fc1", "o")), on.centre(on.port("fc2", "input:0"))
    there = ((start[0] + end[0]) / 2, start[1] + 16)
    on.drag(on.centre(page.get_by_test_id("palette-torch.nn.Dropout").first), there)
    drop = on.new(before)
    graph = on.saved(lambda g: drop in g.nodes, "the dropped layer")
    assert (reads(graph, drop), reads(graph, "fc2")) == (["fc1"], [drop])
    until(lambda: level(on, "fc1", drop, "fc2"), "one line")
    apart(on)


def test_what_is_inserted_stands_on_the_line_and_in_view(drawing: Draw) -> None:
    on = drawing(chain(flatten=False), size=(1280, 800))
    page = on.page

    # A repair of the badge.
    on.node("linear1").locator(".badge").click()
    before = on.ids()
    page.locator(".problems .repairs button", has_text="Flatten").first.click()
    flat = on.new(before)
    on.settled()
    until(lambda: in_view(on, flat), "the new layer in view")
    apart(on)
    page.get_by_test_id("canvas-undo").click()
    until(lambda: flat not in on.ids(), "one step back")
    on.settled()

    # A sum in front of a taken port, in a row.
    on.menu("Arrange", "Left to right")
    page.keyboard.press("Escape")
    on.choose("conv2")
    page.keyboard.press("2")
    page.evaluate(NEXT_FRAMES)
    before = on.ids()
    places = on.seen()["nodes"]
    page.keyboard.press("-")
    page.keyboard.press("-")
    on.pull(on.port("pool1", "o"), on.port("linear1", "input:0"))
    page.get_by_role("menuitem", name="Add").click()
    total = on.new(before)
    on.saved(lambda g: reads(g, total) == ["conv2", "pool1"], "the sum")
    on.settled()
    until(lambda: in_view(on, total, "conv2"), "the sum in view")
    until(lambda: level(on, "pool1", "conv2", total), "one line")
    apart(on)
    page.get_by_test_id("canvas-undo").click()
    on.settled()
    until(lambda: on.seen()["nodes"] == places, "all where it was")

    # Clicked in the palette: the line stays a line.
    on.choose("pool1")
    for key in ("torch.nn.ReLU", "torch.nn.Conv2d", "torch.nn.Dropout"):
        before = on.ids()
        page.get_by_test_id(f"palette-{key}").first.click()
        new = on.new(before)
        on.settled()
        seen_on_line(on, new, "pool1")
        apart(on)
    on.agrees()


def test_frames_and_notes_go_with_their_layers(drawing: Draw) -> None:
    graph = placed(
        chain(skip=True),
        **{
            name: (i * 300.0, 0.0)
            for i, name in enumerate(
                ("x", "conv1", "relu1", "pool1", "conv2", "add1", "flatten1", "linear1", "out")
            )
        },
    )
    frames = {
        "block": Frame("block", "blue", (1176, -48), (520, 200), "", "frame"),
        "note": Frame("", "grey", (2100, 120), (200, 60), "Try 20", "note"),
    }
    on = drawing(replace(graph, frames=frames))
    was = on.seen()
    for style in ("Left to right, in rows", "Top to bottom", "Left to right"):
        on.menu("Arrange", style)
        on.settled()
        on.fit()
        holds, note, near = box(on, "frame:block"), box(on, "frame:note"), box(on, "linear1")
        for node in on.ids():
            b = box(on, node)
            inside = (
                holds["x"] < b["x"] + b["width"] / 2 < holds["x"] + holds["width"]
                and holds["y"] < b["y"] + b["height"] / 2 < holds["y"] + holds["height"]
            )
            assert inside == (node in ("conv2", "add1")), (style, node)
        assert abs(note["x"] - near["x"]) < 150
        assert 0 < note["y"] - near["y"] < 200, style
        on.agrees()
        page = on.page
        page.get_by_test_id("canvas-undo").click()
        on.settled()
        until(lambda: on.seen()["frames"] == was["frames"], "the frames where they were")
        assert on.seen()["nodes"] == was["nodes"]


def test_a_duplicate_is_loose_and_goes_without_a_question(drawing: Draw) -> None:
    on = drawing(chain())
    on.choose("conv2")
    before = on.ids()
    on.press("Control+d")
    copy = on.new(before)
    graph = on.saved(lambda g: copy in g.nodes, "the copy")
    assert reads(graph, copy) == []
    assert reads(graph, "flatten1") == ["conv2"]
    on.settled()
    apart(on)
    on.agrees()
    expect(on.node(copy)).to_be_visible()
    on.choose(copy)
    on.press("Delete")
    on.saved(lambda g: copy not in g.nodes, "the copy gone")
    expect(on.page.get_by_test_id("canvas-ask")).to_have_count(0)
