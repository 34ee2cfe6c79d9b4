"""A real server and a real browser for the tests in this folder.

The browser is the machine's Chromium, Chrome or Edge, else playwright's own. With none the tests
skip with one line that says how to get one; under CI=true that is a failure.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from builder.graph.model import Graph
from builder.graph.project import Project, to_json
from builder.ui.owner import COOKIE, new_token
from builder.ui.projects import new_project_id
from tests.browser.drawing import Drawing

expect.set_options(timeout=30_000)  # two shared cores may be busy; a pass does not wait

ROOT = Path(__file__).parent.parent.parent
ARTIFACTS = ROOT / "test-results"

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
)
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NO_BROWSER = (
    "No browser found for tests/browser: install Chromium, Chrome or Edge "
    "(Debian: apt install chromium), or run `playwright install chromium`."
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one worker: two browsers on two cores only wait for each other."""
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@dataclass
class Server:
    """A running `streamlit run app.py` with a home of its own; `restart` keeps home and port."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        self.process = start_server(self.home, self.port)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start_server(home: Path, port: int) -> subprocess.Popen[bytes]:
    """`streamlit run app.py` with a home of its own, once it answers."""
    log = (home / "server.log").open("ab")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)),
            *("--server.headless", "true", "--server.fileWatcherType", "none"),
        ],
        cwd=ROOT,
        env={**os.environ, "LAYERWISE_HOME": str(home)},
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
            return process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    process.kill()
    pytest.fail("The server did not start:\n" + (home / "server.log").read_text()[-3000:])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    running = Server(home, port, start_server(home, port))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def browser_path() -> str | None:
    """The machine's own Chromium, Chrome or Edge; None leaves it to playwright."""
    found = next((p for n in _NAMES if (p := shutil.which(n))), None)
    return found or next((p for p in _PLACES if Path(p).exists()), None)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = browser_path()
    try:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
    except Error:
        if path or os.environ.get("CI", "").lower() == "true":
            pytest.fail(_NO_BROWSER)
        pytest.skip(_NO_BROWSER)
    yield started
    started.close()


@pytest.fixture
def page(browser: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor's page (no cookies), already at the gallery. A failure leaves a screenshot."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    opened = context.new_page()
    opened.goto(server.url)
    failed_before = request.session.testsfailed
    yield opened
    if request.session.testsfailed > failed_before:
        ARTIFACTS.mkdir(exist_ok=True)
        opened.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
    context.close()


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[tuple[BrowserContext, str]]:
    """One person's browser for all tests of the canvas, and the name the server knows them by."""
    context = browser.new_context(
        viewport={"width": 1920, "height": 1080}, reduced_motion="reduce", accept_downloads=True
    )
    context.set_default_timeout(30_000)
    owner = new_token()
    yield context, owner
    context.close()


@pytest.fixture
def drawing(
    visitor: tuple[BrowserContext, str], server: Server, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Drawing]]:
    """Opens a network on the canvas of a new page. A failure leaves a screenshot.

    `size`: of the window, else 1920 × 1080. `within`: another browser of that person.
    """
    usual, owner = visitor
    opened: list[Page] = []

    def draw(
        graph: Graph,
        url: str = server.url,
        size: tuple[int, int] | None = None,
        within: BrowserContext | None = None,
    ) -> Drawing:
        context = within or usual
        context.add_cookies([{"name": COOKIE, "value": owner, "url": url}])
        name = new_project_id()
        path = server.home / "owners" / owner / "projects" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(Project(graph.name, graph)), "utf-8")
        page = context.new_page()
        if size:
            page.set_viewport_size({"width": size[0], "height": size[1]})
        opened.append(page)
        page.goto(f"{url}/build?project={name}")
        drawn = Drawing(page, url, path)
        layers = page.locator(".react-flow__node-layer")
        if len(graph.nodes) > 40:  # then only what is in view is in the page
            expect(layers.nth(10)).to_be_attached()
        else:
            expect(layers).to_have_count(len(graph.nodes))
        drawn.settled()
        return drawn

    failed_before = request.session.testsfailed
    yield draw
    if request.session.testsfailed > failed_before:
        ARTIFACTS.mkdir(exist_ok=True)
        for i, page in enumerate(opened):
            if not page.is_closed():
                page.screenshot(path=ARTIFACTS / f"{request.node.name}-{i}.png")
    for page in opened:
        page.close()
