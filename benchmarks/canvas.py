"""How the canvas feels: from an edit to its labels, frames while dragging, bytes an edit sends.

    python benchmarks/canvas.py [--rounds 15] [--layers 10 100 300]

Needs a Chromium, Chrome or Edge. A server of its own runs the app; the times are taken in the page,
by its own clock, so neither Playwright nor the eye is in them:

  node     from the click on the palette until the new layer is painted
  labels   from the same click until the wire into it bears its shape and it says its own
  bare     from a choice in a plain Streamlit box on the same page until the run it asks for is drawn:
           what this machine and Streamlit take for the same road with nothing on it
  frames   a second, while a layer is dragged; `of`: with the mouse only moving over it
  bytes    of the message that answers the edit

Goals on a quiet machine: labels 100 ms at 10 and 100 layers and 150 ms at 300, 30 frames a second at
300, 20 kB at 100. On a busy one look at `labels ÷ bare`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from benchmarks.edit_feedback import conv_bn_relu  # noqa: E402
from builder.graph.project import Project, to_json  # noqa: E402
from builder.ui.owner import COOKIE, new_token  # noqa: E402
from builder.ui.projects import new_project_id  # noqa: E402

LABEL_GOALS = {10: 100, 100: 100, 300: 150}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")

# Waits for the next paint in which something holds, and gives the milliseconds since `start`.
CLICK = """([key, known]) => new Promise((done, failed) => {
  const find = one => { for (const host of document.querySelectorAll("*")) {
    const found = host.shadowRoot?.querySelector(one); if (found) return found; } };
  const canvas = find('[data-testid="canvas"]');
  const layers = () => [...canvas.querySelectorAll(".react-flow__node-layer")];
  const before = new Set(layers().map(one => one.dataset.id));
  const button = canvas.querySelector(`[data-testid="palette-${key}"]`);
  const start = performance.now();
  let node = 0, asked = false;
  const look = () => {
    const fresh = layers().find(one => !before.has(one.dataset.id));
    const now = performance.now();
    if (now - start > 20000) return failed(new Error("no labels"));
    if (fresh && !node) node = now - start;
    const shape = fresh?.querySelector(".foot .shape")?.textContent ?? "";
    const wire = fresh && canvas.querySelector(`.react-flow__edge[data-id^="${fresh.dataset.id}:"] .wire-label`);
    if (shape.includes("N") && wire?.textContent.includes("N")) return done([node, now - start]);
    requestAnimationFrame(look);
  };
  button.click();
  requestAnimationFrame(look);
})"""
FRAMES = """() => { window.lwFrames = []; const count = t => { window.lwFrames.push(t);
  window.lwCounting && requestAnimationFrame(count); }; window.lwCounting = true; requestAnimationFrame(count); }"""
STOP = """() => { window.lwCounting = false; return window.lwFrames; }"""
BARE = """() => new Promise(done => {
  const box = document.querySelector('input[aria-label="Project name"]');
  const start = performance.now();
  const running = () => document.querySelector('[data-testid="stApp"]').dataset.testScriptState;
  let began = false;
  const look = () => {
    const now = performance.now();
    if (running() === "running") began = true;
    if (began && running() !== "running") return done(now - start);
    if (now - start > 3000) return done(null); // it ran between two looks
    setTimeout(look, 1);
  };
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  set.call(box, box.value.endsWith("A") ? box.value.slice(0, -1) : box.value + "A");
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 13, bubbles: true }));
  box.blur();
  look();
})"""


@contextmanager
def server(home: Path) -> Iterator[str]:
    """The app on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    process = subprocess.Popen(
        [*command, "--server.headless", "true"],
        cwd=ROOT,
        env={**os.environ, "LAYERWISE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(1200):
            try:
                urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait()


def opened(page: Page, url: str, home: Path, owner: str, layers: int) -> None:
    """A Conv-BN-ReLU network of so many layers on the canvas."""
    name = new_project_id()
    path = home / "owners" / owner / "projects" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(Project("Chain", conv_bn_relu(layers))), "utf-8")
    page.goto(f"{url}/build?project={name}")
    page.locator(".react-flow__node-layer").first.wait_for()
    quiet(page)


def quiet(page: Page) -> None:
    """Until nothing is on its way."""
    for _ in range(3):
        page.wait_for_selector('[data-testid="canvas"][data-pending="0"]')
        page.wait_for_timeout(150)


def edit_times(page: Page, sizes: list[int], rounds: int) -> tuple[list[float], list[float], int]:
    """Milliseconds to the node and to its labels, and the bytes of an edit's answer (median)."""
    nodes, labels, answers = [], [], []
    for i in range(rounds + 2):
        # Behind a layer in the middle that is in view: all that follow have to be asked again.
        chosen = page.locator(".react-flow__node-layer .type", has_text="BatchNorm2d").first
        chosen.click()
        quiet(page)
        sizes.clear()
        node, label = page.evaluate(CLICK, ["torch.nn.ReLU", []])
        quiet(page)
        if i >= 2:  # the first are warm-ups
            nodes.append(node)
            labels.append(label)
            answers.append(max(sizes))
    return nodes, labels, int(statistics.median(answers))


def drag_frames(page: Page, *, press: bool = True) -> float:
    """Frames a second while a layer is dragged around for about two seconds.

    Without `press` the mouse only moves: what this machine paints at best.
    """
    page.get_by_test_id("canvas-fit").click()
    page.wait_for_timeout(300)
    box = page.locator(".react-flow__node-layer").nth(3).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    if press:
        page.mouse.down()
    page.mouse.move(x + 8, y + 8)
    page.evaluate(FRAMES)
    start = time.monotonic()
    i = 0
    while time.monotonic() - start < 2:
        i += 1
        page.mouse.move(x + 8 + (i * 3) % 160, y + 8 + (i * 2) % 90)
    frames = page.evaluate(STOP)
    page.mouse.up()
    quiet(page)
    return 1000 * (len(frames) - 1) / (frames[-1] - frames[0])


def bare_times(page: Page, rounds: int) -> list[float]:
    """Milliseconds of a plain widget's round trip on the same page."""
    found = []
    for i in range(rounds + 1):
        took = page.evaluate(BARE)
        quiet(page)
        if i and took is not None:
            found.append(took)
    return found or [float("nan")]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--layers", type=int, nargs="+", default=[10, 100, 300])
    chosen = parser.parse_args()
    path = next((p for n in NAMES if (p := shutil.which(n))), None)
    print(
        f"{'layers':>6}{'node':>9}{'labels':>10}{'p90':>9}{'goal':>9}{'bare':>9}{'÷ bare':>9}"
        f"{'frames/s':>10}{'of':>5}{'bytes':>9}"
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder)) as url,
        sync_playwright() as p,
    ):
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(
            viewport={"width": 1600, "height": 1000}, reduced_motion="reduce"
        )
        owner = new_token()
        context.add_cookies([{"name": COOKIE, "value": owner, "url": url}])
        for layers in chosen.layers:
            page = context.new_page()
            sizes: list[int] = []

            def listen(socket: object, sizes: list[int] = sizes) -> None:
                socket.on("framereceived", lambda data: sizes.append(len(data)))  # type: ignore[attr-defined]

            page.on("websocket", listen)
            opened(page, url, Path(folder), owner, layers)
            nodes, labels, answer = edit_times(page, sizes, chosen.rounds)
            best, frames = drag_frames(page, press=False), drag_frames(page)
            bare = statistics.median(bare_times(page, chosen.rounds))
            label = statistics.median(labels)
            high = statistics.quantiles(labels, n=10)[-1]
            goal = LABEL_GOALS.get(layers)
            print(
                f"{layers:>6}{statistics.median(nodes):>6.0f} ms{label:>7.0f} ms{high:>6.0f} ms"
                f"{f'{goal} ms' if goal else '':>9}{bare:>6.0f} ms{label / bare:>9.2f}"
                f"{frames:>10.0f}{best:>5.0f}{answer:>9,}",
                flush=True,
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
