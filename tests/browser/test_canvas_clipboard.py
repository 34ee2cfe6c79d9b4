"""Copied layers are text on the system's clipboard: between projects, tabs and browsers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from builder.graph.fragment import fragment_from_text
from builder.graph.project import Project, to_json
from builder.ui.owner import COOKIE, new_token
from builder.ui.projects import new_project_id
from tests.browser.conftest import Server
from tests.browser.drawing import Drawing, placed, reads, until
from tests.graph.sound_networks import Net

Draw = Callable[[], Drawing]


@pytest.fixture
def drawing(browser: Browser, server: Server) -> Iterator[Callable[[], Drawing]]:
    """Opens a small network as another person each time, in one browser."""
    contexts = []

    def draw() -> Drawing:
        context = browser.new_context(viewport={"width": 1600, "height": 900})
        contexts.append(context)
        context.set_default_timeout(30_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
        owner, name = new_token(), new_project_id()
        context.add_cookies([{"name": COOKIE, "value": owner, "url": server.url}])
        path = server.home / "owners" / owner / "projects" / f"{name}.json"
        path.parent.mkdir(parents=True)
        net = Net("N", 4)
        net.layer("fc", "Linear", out_features=8)
        net.layer("act", "ReLU")
        graph = placed(net.done(), x=(0, 0), fc=(220, 0), act=(440, 0), out=(660, 0))
        path.write_text(to_json(Project("Model", graph)), "utf-8")
        page = context.new_page()
        page.goto(f"{server.url}/build?project={name}")
        on = Drawing(page, server.url, path)
        expect(page.locator(".react-flow__node-layer")).to_have_count(4)
        on.settled()
        return on

    yield draw
    for context in contexts:
        context.close()


def clipboard(on: Drawing) -> str:
    on.page.bring_to_front()
    text: str = on.page.evaluate("navigator.clipboard.readText()")
    return text


def put(on: Drawing, text: str) -> None:
    on.page.bring_to_front()
    on.page.evaluate("text => navigator.clipboard.writeText(text)", text)


def test_layers_are_copied_here_and_pasted_by_another_person_in_another_project(
    drawing: Draw,
) -> None:
    here, there = drawing(), drawing()
    put(here, "what was there before")
    here.choose("fc", "act")
    here.press("Control+c")
    until(lambda: "layerwise_fragment" in clipboard(here), "the layers on the clipboard")
    assert list(fragment_from_text(clipboard(here)).nodes) == ["fc", "act"]

    there.page.bring_to_front()
    there.root.focus()
    there.press("Control+v")
    graph = there.saved(lambda g: len(g.nodes) == 6, "two layers more")
    assert [n for n in graph.nodes if n not in ("x", "fc", "act", "out")] == ["fc2", "act2"]
    assert reads(graph, "fc2") == [] and reads(graph, "act2") == ["fc2"]
    there.agrees()
    there.press("Control+z")
    there.saved(lambda g: len(g.nodes) == 4, "the paste undone")

    # Where they were copied their wires are kept if one wants that; cutting goes the same way.
    here.page.bring_to_front()
    here.root.focus()
    here.press("Control+Shift+v")
    kept = here.saved(lambda g: len(g.nodes) == 6, "two layers more")
    assert reads(kept, "fc2") == ["x"]
    here.agrees()
    expect(here.selected()).to_have_count(2)
    expect(here.node("fc2")).to_have_class(re.compile("selected"))
    here.press("Control+x")
    here.saved(lambda g: len(g.nodes) == 4, "the cut")
    until(lambda: '"fc2"' in clipboard(here), "what was cut on the clipboard")
    there.page.bring_to_front()
    there.root.focus()
    there.press("Control+v")
    there.saved(lambda g: len(g.nodes) == 6, "what was cut, pasted")


def test_text_that_is_no_layers_is_refused_in_one_sentence_and_stays_in_the_browser(
    drawing: Draw,
) -> None:
    on = drawing()
    before = on.graph()
    sent: list[str] = []
    on.page.on("websocket", lambda s: s.on("framesent", lambda f: sent.append(str(f))))
    on.page.reload()
    on.settled()
    expect(on.page.locator(".react-flow__node-layer")).to_have_count(4)
    on.root.focus()
    for text, reason in (
        ("hunter2", "The clipboard holds no layers"),
        ('{"layerwise_fragment": 2, "nodes": []}', "reads format 1"),
        ('{"layerwise_fragment": 1, "nodes": [', "The copied text is damaged"),
        ('{"layerwise_fragment": 1, "x": "</script><img src=x onerror=alert(1)>"}', "The copied part"),
        ('{"layerwise_fragment": ' + "[" * 50_000, "The copied text is damaged"),
        ('{"layerwise_fragment": 1}' + " " * 4_000_000, "holds too much"),
    ):  # fmt: skip
        put(on, text)
        on.root.focus()
        on.press("Control+v")
        expect(on.root).to_contain_text(reason)
    on.settled()
    assert on.graph() == before
    assert not any("hunter2" in frame for frame in sent)


def test_without_a_clipboard_the_servers_copy_is_pasted(drawing: Draw) -> None:
    on = drawing()
    put(on, "something else")
    on.page.evaluate(
        """() => {
          navigator.clipboard.write = () => Promise.reject(new Error("no"));
          document.execCommand = () => false;
        }"""
    )
    on.choose("act")
    on.press("Control+c")
    on.settled()
    on.press("Control+v")
    on.saved(lambda g: len(g.nodes) == 5, "one layer more")
