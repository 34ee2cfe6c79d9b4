"""How long a person waits: server start, first page, first page of a second visitor.

    python benchmarks/cold_start.py [--runs 5]

Each run starts `streamlit run app.py` with an empty home. "server" is until it answers its health
check; "first page" until a new visitor's browser shows a heading; "next visitor" the same for a
second one.
As a yardstick the same is done, in turn, with an app of one line (`st.write("hello")`).
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    rows: dict[str, dict[str, list[float]]] = {"Layerwise": {}, "one-line app": {}}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text('import streamlit as st\n\nst.title("Layerwise")\n')
        executable = next(
            (p for p in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(p).exists()), None
        )
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        for _ in range(runs):
            for name, script in (("Layerwise", ROOT / "app.py"), ("one-line app", hello)):
                for what, seconds in measure(browser, script).items():
                    rows[name].setdefault(what, []).append(seconds)
        browser.close()
    print(f"median of {runs} interleaved runs, seconds")
    print(f"{'':<16}{'Layerwise':>12}{'one-line app':>14}{'ratio':>8}")
    for what in rows["Layerwise"]:
        ours, theirs = (statistics.median(rows[n][what]) for n in rows)
        print(f"{what:<16}{ours:>12.2f}{theirs:>14.2f}{ours / theirs:>8.1f}")


def measure(browser: Browser, script: Path) -> dict[str, float]:
    """Seconds until the server answers, a first visitor sees a heading, and a second one does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as home:
        begun = time.perf_counter()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", str(script)),
                *("--server.port", str(port), "--server.headless", "true"),
                *("--server.fileWatcherType", "none"),
            ],
            cwd=ROOT,
            env={**os.environ, "LAYERWISE_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                try:
                    urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                    break
                except OSError:
                    time.sleep(0.02)
            seconds = {"server": time.perf_counter() - begun}
            for visitor in ("first page", "next visitor"):
                context = browser.new_context()
                page = context.new_page()
                begun = time.perf_counter()
                page.goto(url)
                page.get_by_role("heading").first.wait_for(timeout=60_000)
                seconds[visitor] = time.perf_counter() - begun
                context.close()
            return seconds
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
