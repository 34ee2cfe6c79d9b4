"""An export in a real browser: pressed, proven, downloaded, and run as its README says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

import builder
from builder.data import load_dataset
from builder.gallery import project
from builder.graph.project import Project, to_json
from builder.ui.owner import COOKIE
from builder.ui.projects import new_project_id
from tests.browser.conftest import Server

PROOF_MILLISECONDS = 120_000


def panel(visitor: tuple[BrowserContext, str], server: Server, value: Project) -> Page:
    """The panel on the Code page of a new project."""
    context, owner = visitor
    context.add_cookies([{"name": COOKIE, "value": owner, "url": server.url}])
    name = new_project_id()
    path = server.home / "owners" / owner / "projects" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(value), "utf-8")
    page = context.new_page()
    page.goto(f"{server.url}/code?project={name}")
    page.get_by_role("button", name="Export", exact=True).click()
    expect(go(page)).to_be_visible()
    return page


def go(page: Page) -> Locator:
    return page.locator(".st-key-lw_export").get_by_role("button", name="Export", exact=True)


def choose(page: Page, title: str) -> None:
    page.locator(".st-key-lw_export_format label").filter(has_text=re.compile(f"^{title}")).click()
    expect(page.locator(".st-key-lw_export strong").filter(has_text=title).first).to_be_visible()


def downloaded(page: Page, to: Path) -> Path:
    """Waits for the proof, and saves the file under the name the browser gives it."""
    button = page.locator(".st-key-lw_export_download").get_by_role("button")
    expect(button).to_be_visible(timeout=PROOF_MILLISECONDS)
    with page.expect_download() as caught:
        button.click()
    path = to / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def test_a_project_is_proven_downloaded_and_gives_the_apps_own_numbers(
    visitor: tuple[BrowserContext, str], server: Server, tmp_path: Path
) -> None:
    value = replace(project("digits_mlp"), name='Моя «сеть» "1"', training={"epochs": 3, "seed": 7})
    page = panel(visitor, server, value)
    choose(page, "Project")
    go(page).click()
    expect(page.get_by_text("Making and proving: Project")).to_be_visible()
    # It goes on while one is on another page.
    page.get_by_role("link", name="Data", exact=True).first.click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    page.get_by_role("link", name="Code", exact=True).first.click()
    path = downloaded(page, tmp_path)
    assert path.name == "моя_сеть_1.zip"
    expect(
        page.get_by_text("Proven: it gives what the network gives, bit for bit.")
    ).to_be_visible()

    folder = tmp_path / "clean"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    assert "python train.py" in (folder / "README.md").read_text("utf-8")
    environment = {n: v for n, v in os.environ.items() if n not in ("PYTHONPATH", "LAYERWISE_HOME")}
    said = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    run = builder.train(value, load_dataset(value.data), folder=tmp_path / "run")
    figures = [epoch[part]["loss"] for epoch in run.metrics() for part in ("train", "validation")]
    assert len(figures) == 6
    written = json.loads((folder / "history.json").read_text("utf-8"))["epochs"]
    parts = ("train", "validation")
    assert [epoch[part]["loss"] for epoch in written for part in parts] == figures
    assert f"epoch 1/3: train loss {figures[0]:.4g}, accuracy " in said
    page.close()


def test_after_an_edit_the_file_says_so_and_a_cancelled_one_leaves_the_button(
    visitor: tuple[BrowserContext, str], server: Server, tmp_path: Path
) -> None:
    page = panel(visitor, server, project("digits_mlp"))
    go(page).click()
    path = downloaded(page, tmp_path)
    assert path.name == "digits_64_32_10.py"
    text = path.read_text("utf-8")
    assert text.startswith("# Exported by Layerwise") and "nn.Linear(64, 32)" in text

    line = page.locator(".cm-line").filter(has_text="nn.ReLU()")
    line.click()
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.insert_text("Tanh")
    expect(page.get_by_text("This is of the network before “relu” was changed.")).to_be_visible()
    go(page).click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(go(page)).to_be_visible()
    expect(page.get_by_text("This is of the network before “relu” was changed.")).to_be_visible()
    page.close()
