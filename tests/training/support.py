"""A tiny network, as the code room would write it, with a run folder around it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from builder.training.folder import RunFolder
from builder.training.losses import get_loss
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData, save_data

MLP = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 16)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.drop(self.act(self.hidden(x))))
"""

LINE = """
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 1)

    def forward(self, x):
        return self.head(x)
"""

SLOW = MLP.replace("return", "import time; time.sleep(0.002); return")


def moons(rows: int = 240) -> RunData:
    """Two half circles, drawn here so that these tests need no other room."""
    generator = torch.Generator().manual_seed(7)
    half = rows // 2
    angle = torch.rand(half, generator=generator) * torch.pi
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    x = torch.cat([upper, lower]) + 0.08 * torch.randn(rows, 2, generator=generator)
    y = torch.cat([torch.zeros(half), torch.ones(half)]).long()
    order = torch.randperm(rows, generator=generator)
    x, y = x[order], y[order]
    cut = rows * 3 // 4
    parts = {"train": (x[:cut], y[:cut]), "validation": (x[cut:], y[cut:])}
    return RunData(parts, "classes", ("upper", "lower"), title="Moons")


def line(rows: int = 100) -> RunData:
    """y = 2 a - b + 1."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(rows, 2, generator=generator)
    y = (2 * x[:, :1] - x[:, 1:] + 1).float()
    cut = rows * 3 // 4
    parts = {"train": (x[:cut], y[:cut]), "validation": (x[cut:], y[cut:])}
    return RunData(parts, "number", title="Line")


def write_folder(
    path: Path,
    data: RunData | None = None,
    code: str = MLP,
    loss: str = "cross_entropy",
    output: tuple[int, ...] = (2,),
    **settings: Any,
) -> RunFolder:
    """A run folder, ready to be trained."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    folder.model.write_text(code)
    save_data(data or moons(), folder.data)
    get_loss(loss)
    folder.write_job(
        {
            "name": "test",
            "settings": TrainingSettings.of(**settings).to_json(),
            "loss": loss,
            "output_shape": list(output),
        }
    )
    return folder


@contextmanager
def mounted(place: Path, megabytes: int) -> Iterator[Path]:
    """A small disk of its own, where this user may mount one; else the test is skipped."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("No disk can be mounted here.")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leaves no byte free."""
    with suppress(OSError), open(disk / "filler", "wb", buffering=0) as file:
        while file.write(b"0" * 1000):
            pass


def wait_until(done: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer. Fails after a while instead of hanging."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = done()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"Did not happen within {seconds} s.")
