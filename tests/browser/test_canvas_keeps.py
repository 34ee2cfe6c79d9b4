"""Python owns the graph: whatever happens on the way, no edit on the canvas is lost or done twice."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Error, expect

from builder.graph.model import Graph
from tests.browser.conftest import Server
from tests.browser.drawing import Drawing, placed, raw, until
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]
LAYERS = ("torch.nn.ReLU", "torch.nn.Linear", "torch.nn.Dropout", "torch.nn.Sigmoid")


def chain() -> Graph:
    net = Net("N", 16)
    for i in range(4):
        net.layer(f"fc{i}", "Linear", out_features=16)
    at = {f"fc{i}": (220.0 * (i % 3), 200.0 * (i // 3 + 1)) for i in range(4)}
    return placed(net.done(), x=(0, 0), out=(440, 400), **at)


class Line:
    """A line to the server that can be cut and joined again: bytes pass both ways until then."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._up = True
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._up = False
        for end in list(self._open):
            end.close()

    def join(self) -> None:
        self._up = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listener.accept()[0]
            except OSError:
                return
            if not self._up:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        try:
            while self._up:
                for ready in select.select([near, far], [], [], 0.2)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    other[ready].sendall(data)
        except (OSError, ValueError):
            return
        finally:
            for end in other:
                end.close()
                self._open.discard(end)


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    made = Line(server.port)
    yield made
    made.close()


class Hands:
    """A hurried person: edits at random, by mouse and keyboard, without waiting for anything."""

    def __init__(self, on: Drawing, seed: int) -> None:
        self.on, self.page, self.random = on, on.page, random.Random(seed)

    def edit(self) -> None:
        kind = self.random.choices(
            [
                self.add,
                self.move,
                self.nudge,
                self.number,
                self.bypass,
                self.delete,
                self.back,
                self.duplicate,
                self.wire,
            ],
            [30, 16, 12, 12, 8, 10, 6, 4, 8],
        )[0]
        with contextlib.suppress(Error):  # what it reached for has gone meanwhile: so it goes
            kind()

    def pick(self) -> str | None:
        """Clicks some layer; a layer out of sight is not clicked."""
        titles = self.page.locator(".react-flow__node-layer .type")
        box = titles.nth(self.random.randrange(max(1, titles.count()))).bounding_box(timeout=500)
        if box is None:
            return None
        self.page.mouse.click(box["x"] + 5, box["y"] + box["height"] / 2)
        return ""

    def add(self) -> None:
        if self.random.random() < 0.5:
            self.pick()
        key = self.random.choice(LAYERS)
        self.page.get_by_test_id(f"palette-{key}").click(timeout=500)

    def move(self) -> None:
        titles = self.page.locator(".react-flow__node-layer .type")
        box = titles.nth(self.random.randrange(max(1, titles.count()))).bounding_box(timeout=500)
        if box is None:
            return
        x, y = box["x"] + 4, box["y"] + 4
        dx, dy = self.random.randint(-80, 80), self.random.randint(-60, 60)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx / 2, y + dy / 2, steps=2)
        self.page.mouse.move(x + dx, y + dy, steps=2)
        self.page.mouse.up()

    def nudge(self) -> None:
        self.pick()
        self.page.keyboard.press(f"Alt+Arrow{self.random.choice(['Left', 'Right', 'Up', 'Down'])}")

    def number(self) -> None:
        fields = self.page.locator(".quick input")
        if fields.count():
            field = fields.nth(self.random.randrange(max(1, fields.count())))
            field.fill(str(self.random.randint(2, 64)), timeout=500)
            field.press("Enter", timeout=500)

    def bypass(self) -> None:
        self.pick()
        self.page.keyboard.press("Control+b")

    def delete(self) -> None:
        if self.page.locator(".react-flow__node-layer").count() > 4:
            self.pick()
            self.page.keyboard.press(self.random.choice(["Delete", "Backspace"]))
            if self.page.get_by_test_id("canvas-ask").count():
                self.page.keyboard.press("Delete")

    def duplicate(self) -> None:
        self.pick()
        self.page.keyboard.press("Control+d")

    def back(self) -> None:
        self.on.root.focus(timeout=500)
        for _ in range(self.random.randint(1, 3)):
            self.page.keyboard.press("Control+z")
        for _ in range(self.random.randint(0, 2)):
            self.page.keyboard.press("Control+y")

    def wire(self) -> None:
        outs = self.page.locator(".react-flow__handle.source")
        ins = self.page.locator(".react-flow__handle.target:not(.fixed)")
        if not (outs.count() and ins.count()):
            return  # everything was deleted just now
        start = outs.nth(self.random.randrange(max(1, outs.count()))).bounding_box(timeout=500)
        end = ins.nth(self.random.randrange(max(1, ins.count()))).bounding_box(timeout=500)
        if start and end:
            self.page.mouse.move(start["x"] + 4, start["y"] + 4)
            self.page.mouse.down()
            self.page.mouse.move(end["x"] + 4, end["y"] + 4, steps=3)
            self.page.mouse.up()
            for choice in self.page.locator(".slot-choice button").all()[:1]:
                choice.click(timeout=500)
            self.page.keyboard.press("Escape")


def test_two_hundred_hurried_edits_are_all_kept(drawing: Draw) -> None:
    on = drawing(chain())
    hands = Hands(on, 20261121)
    for i in range(200):
        hands.edit()
        if i % 40 == 39:
            on.fit()
    on.press("Escape", "Escape")
    on.root.focus()
    on.settled()
    # A layer that was put nowhere gets its place a moment later, and no step of the history of its own.
    on.press("Control+a", "Alt+ArrowRight")
    on.saved(lambda g: None not in [n.position for n in g.nodes.values()], "a place for each")
    on.agrees()
    assert len(on.graph().nodes) > 4
    # The steps are all there: back to the beginning, and to the end again, gives the same.
    end = on.graph()
    on.root.get_by_role("button", name="What was done").click()
    on.root.get_by_role("menuitemradio").last.click()
    on.saved(lambda g: g != end, "an earlier step")
    on.root.get_by_role("button", name="What was done").click()
    on.root.get_by_role("menuitemradio").first.click()
    on.saved(lambda g: g == end, "the end again")
    on.page.reload()
    expect(on.page.locator(".react-flow__node-layer").first).to_be_visible()
    on.fit()  # a first look begins where it can be read, and only what is in view is drawn
    expect(on.page.locator(".react-flow__node-layer")).to_have_count(len(end.nodes))
    on.agrees()


def test_a_key_right_after_a_click_means_what_was_clicked(drawing: Draw) -> None:
    on = drawing(chain())
    on.choose("fc3")
    on.title("fc1").click()
    on.press("Control+b")
    on.saved(lambda g: g.nodes["fc1"].bypassed, "the clicked layer bypassed")
    assert not on.graph().nodes["fc3"].bypassed
    on.agrees()


def test_a_rerun_in_the_middle_of_a_drag_moves_nothing_under_the_hand(drawing: Draw) -> None:
    on = drawing(chain())
    page = on.page
    x, y = on.centre(on.title("fc1"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 30, steps=4)
    held = on.centre(on.title("fc1"))  # the way before a drag begins does not count
    for step in (20, 24, 28):  # reruns that the canvas did not ask for
        name = page.get_by_role("textbox", name="Project name")
        name.fill(f"Network {step}")
        name.press("Enter")
        until(lambda step=step: raw(on.path)["name"] == f"Network {step}", "the project's new name")
        page.mouse.move(x + step, y + step, steps=3)
    here = on.centre(on.title("fc1"))
    assert abs((here[0] - held[0]) - (28 - 40)) < 3 and abs((here[1] - held[1]) - (28 + 30)) < 3
    page.mouse.up()
    on.agrees()


def test_an_edit_right_before_a_page_switch_or_a_reload_is_kept(drawing: Draw) -> None:
    on = drawing(chain())
    page = on.page
    on.choose("fc0")
    before = on.ids()
    page.get_by_test_id("palette-torch.nn.ReLU").click()
    page.get_by_role("link", name="Code", exact=True).first.click()
    on.saved(lambda g: len(g.nodes) == len(before) + 1, "the edit before the switch")
    expect(page.get_by_role("heading", name="Code", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Build", exact=True).first.click()
    expect(page.locator(".react-flow__node-layer")).to_have_count(len(before) + 1)
    on.agrees()

    on.choose("fc2")
    page.get_by_test_id("palette-torch.nn.Tanh").or_(
        page.get_by_test_id("palette-torch.nn.Sigmoid")
    ).first.click()
    page.reload()
    expect(page.locator(".react-flow__node-layer")).to_have_count(len(before) + 2)
    on.saved(lambda g: len(g.nodes) == len(before) + 2, "the edit before the reload")
    on.agrees()


@pytest.mark.parametrize("seconds", [5, 40])
def test_edits_while_the_line_is_cut_arrive_when_it_is_joined(
    drawing: Draw, line: Line, seconds: int
) -> None:
    on = drawing(chain(), line.url)
    page = on.page
    on.choose("fc1")
    before = on.ids()
    line.cut()
    joined = threading.Timer(seconds, line.join)
    joined.start()
    page.get_by_test_id("palette-torch.nn.ReLU").click()
    new = on.new(before)  # seen at once
    x, y = on.centre(on.title("x"))
    on.drag((x, y), (x + 60, y + 20))
    assert new not in on.graph().nodes
    expect(on.root).not_to_have_attribute("data-pending", "0")
    expect(on.root).to_have_attribute("data-pending", "0", timeout=1000 * (seconds + 40))
    graph = on.saved(lambda g: new in g.nodes, "the edit of the cut line")
    assert len(graph.nodes) == len(before) + 1
    on.agrees()
    joined.join()


def test_two_tabs_on_one_project_do_not_silently_overwrite_each_other(drawing: Draw) -> None:
    on = drawing(chain())
    other = on.page.context.new_page()
    try:
        other.goto(on.page.url)
        expect(other.locator(".react-flow__node-layer")).to_have_count(6)
        second = Drawing(other, on.url, on.path)
        second.settled()

        # The first edits; the second, which has not seen it, edits too: it is told, nothing is lost.
        on.choose("fc0")
        ids = on.ids()
        on.page.get_by_test_id("palette-torch.nn.ReLU").click()
        new = on.new(ids)
        graph = on.saved(lambda g: new in g.nodes, "the first tab's edit")
        second.choose("fc2")
        second.page.get_by_test_id("palette-torch.nn.Sigmoid").click()
        told = other.get_by_text("This project was changed in another tab or window.").first
        expect(told).to_be_visible()
        assert on.graph() == graph
        assert len(second.ids()) == 7  # its own edit is still there to be kept

        # It takes theirs, and both agree with the file.
        other.get_by_role("button", name="Show that version").click()
        until(lambda: second.ids() == set(graph.nodes), "the other tab's version")
        second.agrees()
        on.agrees()
    finally:
        other.close()
