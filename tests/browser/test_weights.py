"""A person's own code and checkpoint in a real browser: read together, looked at, trained from."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from playwright.sync_api import Page, expect

CODE = """import torch
from torch import nn


class Moons(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.act = nn.Tanh()
        self.fc2 = nn.Linear(16, 2)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))
"""


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    shapes = {"fc1.weight": (16, 2), "fc1.bias": (16,), "fc2.weight": (2, 16), "fc2.bias": (2,)}
    return {name: torch.rand(shape) for name, shape in shapes.items()}


def test_code_is_read_with_its_weights_and_inspect_shows_their_values(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "model.py").write_text(CODE)
    torch.save({"model_state_dict": state(), "epoch": 7}, tmp_path / "model.pt")
    page.get_by_role("button", name="Read code").click()
    page.locator(".st-key-lw_read_file_gallery input[type=file]").set_input_files(
        tmp_path / "model.py"
    )
    found = page.locator(".st-key-lw_read_found_gallery")
    expect(found).to_contain_text("N×2 → N×2")
    page.locator(".st-key-lw_read_weights_gallery input[type=file]").set_input_files(
        tmp_path / "model.pt"
    )
    expect(page.get_by_text("All 4 tensors fit, by name and by shape.")).to_be_visible()
    page.get_by_role("button", name="Open as a new project").click()
    expect(page.get_by_role("heading", name="Build", exact=True)).to_be_visible()
    expect(page.get_by_text("4 tensors of “model.pt” are kept with this project.")).to_be_visible()

    page.get_by_role("link", name="Inspect").click()
    expect(page.get_by_role("heading", name="Inspect", exact=True)).to_be_visible()
    expect(page.get_by_text("Your file, before any training here.")).to_be_visible()
    look_up = page.get_by_role("textbox", name="Look up")
    look_up.fill("model.fc2.weight[1, :3]")
    look_up.press("Enter")
    expect(page.get_by_text(str(state()["fc2.weight"][1, :3]))).to_be_visible()

    page.get_by_role("link", name="Code", exact=True).click()
    expect(page.get_by_role("heading", name="Code", exact=True)).to_be_visible()
    page.get_by_role("button", name="Weights", exact=True).click()
    panel = page.get_by_test_id("stPopoverBody")
    expect(panel).to_contain_text("model.pt")
    expect(panel).to_contain_text("They fit the network: training starts from them.")
    panel.get_by_role("button", name="Take them away").click()
    expect(page.get_by_test_id("stPopoverBody")).not_to_contain_text("They fit the network")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Inspect").click()
    expect(page.get_by_text(re.compile("Nothing has been trained yet"))).to_be_visible()
