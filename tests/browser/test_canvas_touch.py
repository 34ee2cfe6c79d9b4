"""The canvas under fingers: one pans, a tap selects, two zoom, two taps wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Locator, expect

from builder.graph.model import Graph, Ref
from tests.browser.drawing import NEXT_FRAMES, Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]
Point = tuple[float, float]


@pytest.fixture
def tablet(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport={"width": 1024, "height": 768},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(30_000)
    yield context
    context.close()


def fork() -> Graph:
    """x → one → out, and two that nobody reads."""
    net = Net("N", 16)
    one = net.layer("one", "Linear", out_features=8)
    net.layer("two", "Linear", Ref("x"), out_features=4)
    net.last = one
    return placed(net.done(), x=(0, 0), one=(220, 0), two=(220, 160), out=(460, 0))


class Fingers:
    """Real touches, through the browser's own protocol."""

    def __init__(self, on: Drawing) -> None:
        self.on = on
        self.session: CDPSession = on.page.context.new_cdp_session(on.page)

    def touch(self, kind: str, *points: Point) -> None:
        at = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def tap(self, what: Locator) -> None:
        self.on.page.touchscreen.tap(*self.on.centre(what))

    def move(self, starts: list[Point], ends: list[Point]) -> None:
        self.touch("touchStart", *starts)
        for step in range(1, 9):
            pairs = zip(starts, ends, strict=True)
            between = [
                (a[0] + (b[0] - a[0]) * step / 8, a[1] + (b[1] - a[1]) * step / 8) for a, b in pairs
            ]
            self.touch("touchMove", *between)
            self.on.page.evaluate(NEXT_FRAMES)
        self.touch("touchEnd")


def zoom(on: Drawing) -> float:
    found: float = on.page.locator(".react-flow__viewport").evaluate(
        "one => +/scale\\(([\\d.]+)/.exec(one.style.transform)[1]"
    )
    return found


def test_one_finger_pans_a_tap_selects_two_fingers_zoom(
    drawing: Draw, tablet: BrowserContext
) -> None:
    on = drawing(fork(), within=tablet)
    fingers = Fingers(on)
    x, y = on.empty_place()

    before, near = on.node("one").bounding_box(), zoom(on)
    fingers.move([(x, y)], [(x - 80, y - 40)])
    after = on.node("one").bounding_box()
    assert before and after
    assert after["x"] == pytest.approx(before["x"] - 80, abs=12)
    assert after["y"] == pytest.approx(before["y"] - 40, abs=12)
    assert zoom(on) == near
    expect(on.selected()).to_have_count(0)

    fingers.tap(on.title("one"))
    expect(on.node("one")).to_have_class(re.compile(r"\bselected\b"))
    expect(on.root.get_by_role("toolbar", name="Selected layers")).to_be_visible()

    x, y = on.empty_place()
    fingers.move([(x - 20, y), (x + 20, y)], [(x - 80, y), (x + 80, y)])
    until(lambda: zoom(on) > near * 1.3, "a nearer view")
    # The page itself stays as large as it is, and nothing was moved by all that.
    assert on.page.evaluate("visualViewport.scale") == 1
    assert on.seen()["nodes"]["one"]["at"] == [220, 0]
    on.agrees()


def test_two_taps_on_ports_wire_them_and_a_finger_moves_a_layer(
    drawing: Draw, tablet: BrowserContext
) -> None:
    on = drawing(fork(), within=tablet)
    fingers = Fingers(on)

    fingers.tap(on.port("one", "o"))
    expect(on.port("two", "input:0")).to_have_class(re.compile("takes|refuses"))
    fingers.tap(on.port("two", "input:0"))
    on.root.get_by_role("menuitem", name="Replace").tap()
    on.saved(lambda g: reads(g, "two") == ["one"], "the wire")

    # What cannot be wired says why, and leaves everything as it was.
    fingers.tap(on.port("two", "o"))
    fingers.tap(on.port("one", "input:0"))
    expect(on.root.locator(".cursor-reason")).to_contain_text("cycle")
    on.saved(lambda g: reads(g, "one") == ["x"], "the wire of before")

    # Layer to layer, by the bar of what is selected and the tool in the head.
    fingers.tap(on.title("one"))
    on.tool("Wire from the selected layer").tap()
    fingers.tap(on.title("out"))
    on.settled()

    at = on.seen()["nodes"]["two"]["at"]
    x, y = on.centre(on.title("two"))
    fingers.move([(x, y)], [(x + 40, y + 60)])
    until(lambda: on.seen()["nodes"]["two"]["at"][1] > at[1] + 20, "a move")
    on.agrees()


def test_the_canvas_is_usable_on_a_phone(drawing: Draw, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    context.set_default_timeout(30_000)
    on = drawing(fork(), within=context)
    assert on.page.evaluate("document.documentElement.scrollWidth") <= 390
    # Ports can be hit: what answers to a finger is at least 24 pixels wide.
    width = on.port("one", "o").evaluate(
        "one => one.getBoundingClientRect().width - 2 * parseFloat(getComputedStyle(one, '::before').left)"
    )
    assert width >= 24
    before = on.ids()
    on.tool("Layers to add").tap()
    on.page.get_by_test_id("palette-torch.nn.ReLU").tap()
    new = on.new(before)
    on.saved(lambda g: new in g.nodes, "the layer")
    context.close()
