"""Reading code in a real browser: paste it, see what was assumed, change it, open it on the canvas."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

MLP = """import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, in_features, classes=10):
        super().__init__()
        self.fc1 = nn.Linear(in_features, 128)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(128, classes)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))


model = Classifier(784)
optimizer = torch.optim.Adam(model.parameters())
"""


def found(page: Page) -> Locator:
    """What the text makes; the gallery's cards below have shapes too."""
    return page.locator(".st-key-lw_read_found_gallery")


def paste(page: Page, text: str) -> None:
    field = page.get_by_role("textbox", name="Or paste the code")
    field.fill(text)
    page.get_by_role("button", name="Read", exact=True).click()


def test_pasted_code_is_read_changed_and_opened_on_the_canvas(page: Page) -> None:
    page.get_by_role("button", name="Read code").click()
    paste(page, MLP)
    made = page.get_by_role("textbox", name="Made as")
    expect(made).to_have_value("Classifier(784)")
    expect(found(page)).to_contain_text("N×784 → N×10")

    made.fill("Classifier(784, classes=4)")
    made.press("Enter")
    expect(found(page)).to_contain_text("N×784 → N×4")

    page.get_by_role("button", name="Open as a new project").click()
    expect(page.get_by_role("heading", name="Build", exact=True)).to_be_visible()
    for name in ("fc1", "relu", "fc2"):
        layer = page.locator(".react-flow__node-layer").filter(has_text=re.compile(f"^{name}"))
        expect(layer.first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("no problems"))).to_be_visible()


def test_a_refusal_quotes_the_line_and_the_text_stays(page: Page) -> None:
    page.get_by_role("button", name="Read code").click()
    paste(page, MLP.replace("128, classes)", "128, <b>classes</b>)"))
    expect(page.get_by_text("Line 10: Python does not understand this line")).to_be_visible()
    expect(page.get_by_text("self.fc2 = nn.Linear(128, <b>classes</b>)").last).to_be_visible()
    expect(page.get_by_role("textbox", name="Or paste the code")).to_have_value(
        re.compile("<b>classes</b>")
    )
    paste(page, MLP)
    expect(page.get_by_role("button", name="Open as a new project")).to_be_visible()


def test_a_file_is_read_when_it_is_brought(page: Page, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MLP)
    page.get_by_role("button", name="Read code").click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "model.py")
    expect(found(page)).to_contain_text("N×784 → N×10")
