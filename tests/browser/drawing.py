"""The canvas as a person's hands and eyes find it, and the project file it must agree with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from builder.graph.edits.wires import slots_of
from builder.graph.model import Graph
from builder.graph.project import load_project
from builder.ui.canvas.wires import slots_of as all_slots_of

NEXT_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SEEN = """root => {
  const place = one => {
    const [, x, y] = /translate\\(([-\\d.]+)px,\\s*([-\\d.]+)px\\)/.exec(one.style.transform);
    return [Math.round(x), Math.round(y)];
  };
  const text = (one, inside) => one.querySelector(inside)?.textContent ?? "";
  const layers = [...root.querySelectorAll(".react-flow__node-layer")];
  const frames = [...root.querySelectorAll(".react-flow__node-frame")];
  const edges = [...root.querySelectorAll(".react-flow__edge")];
  return {
    nodes: Object.fromEntries(layers.map(one => [one.dataset.id, {
      at: place(one), name: text(one, ".name"), bypassed: one.querySelector(".bypassed") !== null,
      quick: Object.fromEntries([...one.querySelectorAll(".quick label")].map(
        field => [field.title, field.querySelector("input").value])),
    }])),
    wires: Object.fromEntries(edges.map(one => [
      one.dataset.id, one.querySelector("[data-from]").dataset.from])),
    frames: Object.fromEntries(frames.map(one => [one.dataset.id.replace(/^frame:/, ""), place(one)])),
  };
}"""


@dataclass
class Drawing:
    """One page that shows a project's canvas. `path`: the project's file."""

    page: Page
    url: str
    path: Path

    @property
    def root(self) -> Locator:
        return self.page.get_by_test_id("canvas")

    # --- what is there ----------------------------------------------------------------------------

    def node(self, identity: str) -> Locator:
        return self.page.locator(f'.react-flow__node[data-id="{identity}"]')

    def title(self, identity: str) -> Locator:
        """Where a node is taken to be clicked or dragged: no port, number or badge is there."""
        return self.node(identity).locator(".type")

    def wire(self, identity: str) -> Locator:
        return self.page.locator(f'.react-flow__edge[data-id="{identity}"]')

    def label(self, wire: str) -> Locator:
        return self.wire(wire).locator(".wire-label")

    def text(self, wire: str) -> Locator:
        """What is read on a wire, in whichever form there is room for."""
        return self.wire(wire).locator(".wire-text")

    def port(self, node: str, slot: str) -> Locator:
        """`slot`: "input:0" of an input; "o", "o.0" of an output."""
        return self.node(node).locator(f'.react-flow__handle[data-handleid="{slot}"]')

    def selected(self) -> Locator:
        return self.page.locator(".react-flow__node-layer.selected")

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.root.evaluate(SEEN)
        return found

    def ids(self) -> set[str]:
        return set(self.seen()["nodes"])

    def graph(self) -> Graph:
        """The network as the file has it."""
        return load_project(self.path).graph

    # --- waiting ----------------------------------------------------------------------------------

    def settled(self) -> None:
        """Every operation is acknowledged."""
        self.page.evaluate(NEXT_FRAMES)
        expect(self.root).to_have_attribute("data-pending", "0")

    def new(self, before: set[str]) -> str:
        """The id of the one node more than before."""
        until(lambda: len(self.ids() - before) == 1, "one layer more")
        return (self.ids() - before).pop()

    def saved(self, holds: Callable[[Graph], bool], what: str) -> Graph:
        """The file's network, once something holds of it."""
        until(lambda: holds(self.graph()), f"the file to have: {what}", page=self.page)
        return self.graph()

    def agrees(self) -> None:
        """What is shown is what the file holds: layers, names, numbers, wires, frames."""
        self.settled()
        until(lambda: shown_in(self.graph(), self.seen()) == "", lambda: self._difference())

    def _difference(self) -> str:
        return f"canvas and file to agree: {shown_in(self.graph(), self.seen())}"

    # --- hands ------------------------------------------------------------------------------------

    def centre(self, of: Locator) -> tuple[float, float]:
        """The middle of something, once it stands still."""
        last = None
        for _ in range(200):
            box = of.bounding_box()
            if box is not None and box == last:
                return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            last = box
            self.page.evaluate(NEXT_FRAMES)
        raise AssertionError(f"{of} does not stand still")

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], *, drop: bool = True
    ) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(start[0] + 6, start[1] + 4)
        self.page.mouse.move(*end, steps=6)
        self.page.evaluate(NEXT_FRAMES)
        if drop:
            self.page.mouse.up()

    def pull(
        self, source: Locator, end: Locator | tuple[float, float], *, drop: bool = True
    ) -> None:
        """A wire from one port to another, or to a place."""
        target = end if isinstance(end, tuple) else self.centre(end)
        self.drag(self.centre(source), target, drop=drop)

    def choose(self, *nodes: str) -> None:
        """Selects nodes by clicks, the second and following with Shift."""
        for i, node in enumerate(nodes):
            self.title(node).click(modifiers=["Shift"] if i else [])
            expect(self.node(node)).to_have_class(re.compile(r"\bselected\b"))
        expect(self.selected()).to_have_count(len(nodes))
        named = self.root.get_by_role("toolbar", name="Selected layers")
        expect(named).to_contain_text(
            f"{len(nodes)} layers" if nodes[1:] else self.seen()["nodes"][nodes[0]]["name"]
        )
        self.settled()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def fit(self) -> None:
        self.page.get_by_test_id("canvas-fit").click()
        self.page.evaluate(NEXT_FRAMES)

    def tool(self, name: str | re.Pattern[str]) -> Locator:
        return self.root.get_by_role("button", name=name)

    def menu(self, menu: str, choice: str) -> None:
        self.root.get_by_role("button", name=menu, exact=True).click()
        self.root.get_by_role("menuitem", name=choice, exact=True).click()

    def menu_check(self, menu: str, choice: str) -> None:
        """Switches something in a menu, and closes it."""
        self.root.get_by_role("button", name=menu, exact=True).click()
        self.root.get_by_role("menuitemcheckbox", name=choice, exact=True).click()

    def empty_place(self) -> tuple[float, float]:
        """A place of the ground, away from everything drawn."""
        box = self.page.locator(".stage").bounding_box()
        assert box is not None
        for dy in range(60, int(box["height"]) - 60, 40):
            for dx in range(int(box["width"] / 3), int(box["width"]) - 120, 40):
                x, y = box["x"] + dx, box["y"] + box["height"] - dy
                if self.page.evaluate(ON_GROUND, [x, y]):
                    return x, y
        raise AssertionError("no free place on the canvas")


ON_GROUND = """([x, y]) => {
  const host = document.elementFromPoint(x, y);
  let clear = true;
  for (const [dx, dy] of [[0, 0], [90, 0], [-90, 0], [0, 50], [0, -50]]) {
    const at = host?.shadowRoot?.elementFromPoint(x + dx, y + dy);
    clear &&= at?.classList.contains("react-flow__pane") ?? false;
  }
  return clear;
}"""


def until(
    holds: Callable[[], object],
    what: str | Callable[[], str],
    seconds: float = 30,
    page: Page | None = None,
) -> None:
    """Waits for what no locator can see; a pass does not wait.

    `page`: Playwright goes on meanwhile, and hands on what a test lets through its routes.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited for {what if isinstance(what, str) else what()}")
        if page is None:
            time.sleep(0.03)
        else:
            page.wait_for_timeout(30)


def shown_in(graph: Graph, seen: dict[str, Any]) -> str:
    """How a network and what the canvas shows of it differ, "" where they do not."""
    wanted: dict[str, Any] = {"nodes": {}, "wires": {}, "frames": {}}
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        values = {**(owner.arguments if owner else {}), **node.arguments}
        shown = seen["nodes"].get(node.id, {})
        wanted["nodes"][node.id] = {
            "at": [round(p) for p in node.position] if node.position else shown.get("at"),
            "name": graph.label(node.id),
            "bypassed": node.bypassed,
            # A number that was never set stands in the file by not being there.
            "quick": {k: str(values.get(k, v)) for k, v in shown.get("quick", {}).items()},
        }
        for slot, ref in all_slots_of(node):
            wanted["wires"][slot.id] = ref.node
    for name, frame in graph.frames.items():
        wanted["frames"][name] = [round(p) for p in frame.position]
    differences = []
    for kind, there in wanted.items():
        for key in sorted(there.keys() | seen[kind].keys()):
            if there.get(key) != seen[kind].get(key):
                differences.append(
                    f"{kind} {key}: file {there.get(key)}, shown {seen[kind].get(key)}"
                )
    return "; ".join(differences[:6])


def reads(graph: Graph, node: str) -> list[str]:
    """What a node reads, in the order of its ports."""
    found = graph.nodes.get(node)  # None as long as it is not saved
    return [ref.node for _, _, ref in slots_of(found)] if found is not None else []


def raw(path: Path) -> dict[str, Any]:
    """A project's file as it lies there."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def placed(graph: Graph, **at: tuple[float, float]) -> Graph:
    """The network with its nodes standing at these places."""
    nodes = {
        name: replace(node, position=at.get(name, node.position))
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)
