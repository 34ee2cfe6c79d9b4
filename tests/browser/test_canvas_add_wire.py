"""Adding and wiring on the canvas, each way a person does it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from builder.graph.model import Graph
from tests.browser.drawing import Drawing, placed, reads
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


def small() -> Graph:
    net = Net("N", 1, 28, 28)
    net.layer("conv", "Conv2d", out_channels=8, kernel_size=3)
    net.layer("relu", "ReLU")
    return placed(net.done(), x=(0, 0), conv=(260, 0), relu=(600, 0), out=(600, 260))


def test_a_layer_is_added_by_click_drag_search_and_by_a_wire_dropped_on_nothing(
    drawing: Draw,
) -> None:
    on = drawing(small())
    page = on.page

    # A click puts it behind the selected layer, wired, and selects it.
    on.choose("conv")
    before = on.ids()
    page.get_by_test_id("palette-torch.nn.BatchNorm2d").click()
    norm = on.new(before)
    expect(on.node(norm).locator(".shape")).to_have_text("N×8×26×26")
    expect(on.node(norm)).to_have_class(re.compile("selected"))
    graph = on.saved(lambda g: norm in g.nodes, "the clicked layer")
    assert (reads(graph, norm), reads(graph, "relu")) == (["conv"], [norm])

    # From the searched palette, dragged to a place: it stands there, without a wire.
    before = on.ids()
    page.get_by_role("searchbox", name="Search layers").fill("dropou")
    there = on.empty_place()
    on.drag(on.centre(page.get_by_test_id("palette-torch.nn.Dropout")), there)
    drop = on.new(before)
    x, y = on.centre(on.node(drop))
    assert abs(x - there[0]) < 90 and abs(y - there[1]) < 60
    assert reads(on.saved(lambda g: drop in g.nodes, "the dragged layer"), drop) == []
    page.get_by_role("searchbox", name="Search layers").fill("")

    # A double-click on the ground opens the search there; keys choose.
    before = on.ids()
    page.mouse.dblclick(*on.empty_place())
    search = page.get_by_role("combobox", name="Search layers to add here")
    expect(search).to_be_focused()
    page.keyboard.type("softmax")
    expect(page.get_by_role("option").first).to_contain_text("Softmax")
    on.press("Enter")
    softmax = on.new(before)
    assert reads(on.saved(lambda g: softmax in g.nodes, "the searched layer"), softmax) == []

    # A wire dropped on nothing: what fits this shape stands first.
    on.fit()
    before = on.ids()
    on.pull(on.port("relu", "o"), on.empty_place())
    expect(search).to_be_focused()
    first = page.get_by_role("option").first
    expect(first).to_contain_text("fits")
    expect(page.get_by_role("option", name=re.compile("^MaxPool2d"))).to_contain_text("fits")
    page.keyboard.type("maxpool2d")
    on.press("Enter")
    pool = on.new(before)
    expect(on.node(pool).locator(".shape")).to_have_text("N×8×13×13")
    graph = on.saved(lambda g: pool in g.nodes, "the layer at the wire's end")
    assert (reads(graph, pool), reads(graph, "out")) == (["relu"], ["relu"])
    on.agrees()


def test_a_layer_is_dropped_on_a_wire(drawing: Draw) -> None:
    on = drawing(small())
    page = on.page

    # From the palette.
    before = on.ids()
    on.drag(
        on.centre(page.get_by_test_id("palette-torch.nn.BatchNorm2d")),
        on.centre(on.text("relu:input:0")),
    )
    norm = on.new(before)
    graph = on.saved(lambda g: norm in g.nodes, "the layer on the wire")
    assert (reads(graph, norm), reads(graph, "relu")) == (["conv"], [norm])

    # One that stood loose already.
    before = on.ids()
    start = on.centre(page.get_by_test_id("palette-torch.nn.Dropout"))
    on.drag(start, on.empty_place())
    drop = on.new(before)
    on.settled()
    on.drag(on.centre(on.title(drop)), on.centre(on.text("out:value:0")))
    graph = on.saved(lambda g: reads(g, drop) == ["relu"], "the loose layer on the wire")
    assert reads(graph, "out") == [drop]
    on.agrees()
    on.press("Control+z")
    on.saved(lambda g: reads(g, drop) == [] and reads(g, "out") == ["relu"], "one step back")


def test_ports_are_wired_and_refuse_with_the_reason_at_the_cursor(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    net.layer("two", "ReLU")
    net.layer("loose", "Tanh")
    graph = net.done()
    del graph.nodes["loose"].arguments["input"]  # type: ignore[attr-defined]
    on = drawing(
        placed(graph, x=(0, 0), one=(220, 0), two=(440, 0), loose=(220, 220), out=(660, 220))
    )
    page = on.page

    # From port to port.
    on.pull(on.port("one", "o"), on.port("loose", "input:0"))
    expect(on.label("loose:input:0")).to_have_text("N×8")
    on.saved(lambda g: reads(g, "loose") == ["one"], "the wire")

    # A circle is refused, and says why at the cursor; nothing changes.
    on.pull(on.port("two", "o"), on.port("one", "input:0"), drop=False)
    reason = page.locator(".cursor-reason")
    expect(reason).to_contain_text("would make a cycle")
    box, where = reason.bounding_box(), on.centre(on.port("one", "input:0"))
    assert box and abs(box["x"] - where[0]) < 80 and abs(box["y"] - where[1]) < 80
    page.mouse.up()
    assert reads(on.graph(), "one") == ["x"]

    # Select one, click another: Alt and a click, or W and a click.
    on.choose("one")
    on.press("w")
    on.title("out").click()
    page.get_by_role("menuitem", name="Replace").click()
    on.saved(lambda g: reads(g, "out") == ["one"], "the clicked wire")
    on.press("Control+z")
    on.saved(lambda g: reads(g, "out") == ["loose"], "the wire of before")

    # An input that is taken offers to replace, to add or to concatenate.
    before = on.ids()
    on.pull(on.port("two", "o"), on.port("out", "value:0"))
    page.get_by_role("menuitem", name=re.compile("^Add")).click()
    added = on.new(before)
    graph = on.saved(lambda g: added in g.nodes, "the sum")
    assert set(reads(graph, added)) == {"loose", "two"} and reads(graph, "out") == [added]
    expect(on.label("out:value:0")).to_have_text("N×8")
    on.press("Control+z")
    on.saved(lambda g: added not in g.nodes, "no sum")
    before = on.ids()
    on.pull(on.port("two", "o"), on.port("out", "value:0"))
    page.get_by_role("menuitem", name=re.compile("^Concatenate")).click()
    on.new(before)
    expect(on.label("out:value:0")).to_have_text("N×16")
    on.agrees()


def test_a_port_that_cannot_take_a_value_says_why(drawing: Draw) -> None:
    net = Net("N", 12, 16)
    net.layer("lstm", "LSTM", hidden_size=8, batch_first=True)
    net.layer("act", "ReLU", net.last.__class__("lstm", (0,)))
    net.layer("picture", "Conv2d", out_channels=4, kernel_size=3)
    graph = net.done()
    del graph.nodes["picture"].arguments["input"]  # type: ignore[attr-defined]
    on = drawing(
        placed(graph, x=(0, 0), lstm=(220, 0), act=(520, 0), picture=(520, 220), out=(820, 0))
    )
    # Parts of a tuple are ports by name.
    expect(on.node("lstm").locator(".port-names")).to_contain_text("h_n")
    expect(on.port("lstm", "o.1.0")).to_have_attribute("title", re.compile("h_n.*1×N×8"))
    on.pull(on.port("lstm", "o.0"), on.port("picture", "input:0"), drop=False)
    port = on.port("picture", "input:0")
    expect(port).to_have_class(re.compile("refuses"))
    expect(on.page.locator(".cursor-reason")).to_be_visible()  # also under a hand that keeps still
    on.page.mouse.up()
    on.settled()
    assert reads(on.graph(), "picture") == []
    on.pull(on.port("lstm", "o.1.0"), on.port("act", "input:0"))
    on.page.get_by_role("menuitem", name="Replace").click()
    expect(on.label("act:input:0")).to_have_text("1×N×8")
    on.agrees()
