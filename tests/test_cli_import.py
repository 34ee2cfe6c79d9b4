"""`python -m builder import`: text to project file, what was assumed, where it cannot be read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import builder
from builder import cli

TEXT = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 8, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.conv(x))

class Net(nn.Module):
    def __init__(self, in_channels, classes=10):
        super().__init__()
        self.encoder = Encoder(in_channels)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.encoder(x).mean((2, 3)))
"""


class Wanted(nn.Module):
    """What the text above makes, for its state_dict."""

    def __init__(self, in_channels: int = 1) -> None:
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.conv = nn.Conv2d(in_channels, 8, 3)
        self.fc = nn.Linear(8, 10)


def run(*words: object) -> int:
    return cli.main(["import", *map(str, words)])


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(TEXT)
    return path


def test_a_file_becomes_a_project_and_what_was_assumed_is_said(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(text, "-o", tmp_path / "net.json") == 0
    said = capsys.readouterr().err
    assert "assumed: Made as Net(in_channels=3)" in said
    assert "also in the text, by --target: Encoder" in said
    assert "Net: N×3×32×32 → N×10 · 4 layers · 314 parameters · 1 block" in said
    assert list(builder.load_project(tmp_path / "net.json").graph.blocks) == ["Encoder"]


def test_a_sequential_is_not_also_in_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chain.py"
    path.write_text("from torch import nn\nmodel = nn.Sequential(nn.Linear(8, 4), nn.ReLU())\n")
    assert run(path, "-o", tmp_path / "net.json") == 0
    assert "also in the text" not in capsys.readouterr().err


def test_sizes_alone_are_taken_for_one_sample(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(text, "--target", "Net(1, classes=4)", "--input", "1,28,28") == 0
    assert "N×1×28×28 → N×4" in capsys.readouterr().err


def test_target_and_input_are_taken_as_said(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(text, "--target", "Net(1, classes=4)", "--input", "float32[N,1,28,28]") == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["name"] == "Net"
    assert "assumed" not in said
    assert "N×1×28×28 → N×4" in said


def test_a_notebook_and_standard_input_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [
        {"cell_type": "markdown", "source": "# A net"},
        {"cell_type": "code", "source": ["!pip install torch\n", TEXT]},
    ]
    notebook = json.dumps({"cells": cells})
    (tmp_path / "net.ipynb").write_text(notebook)
    assert run(tmp_path / "net.ipynb") == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(notebook.encode())))
    assert run("-") == 0
    assert json.loads(capsys.readouterr().out.split("\n}\n")[0] + "\n}")["name"] == "Net"


def test_what_cannot_be_read_is_named_by_file_line_and_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.py"
    path.write_text(TEXT + "model = Net(1\n")
    assert run(path) == 2
    where, line, help_ = capsys.readouterr().err.splitlines()
    assert where.startswith(f"{path}:21: Python does not understand this line")
    assert line == "    model = Net(1"
    assert help_.startswith("Mend it")


def test_a_name_that_is_not_there_says_which_are(
    text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(text, "--target", "Nett(1)") == 2
    said = capsys.readouterr().err
    assert "The text holds Net, Encoder: choose one by --target." in said


def test_a_file_that_is_no_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_bytes(b"\xff\xfe\x00\x01")
    assert run(tmp_path / "net.py") == 2
    assert "not text in UTF-8" in capsys.readouterr().err
    assert run(tmp_path / "none.py") == 2


def test_a_pipe_or_a_device_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "net.py"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path):
        assert run(path) == 2
        said = (
            f"{path}: This is no file.\nGive a .py file or a notebook, or - for standard input.\n"
        )
        assert capsys.readouterr().err == said


def test_weights_that_fit_are_said_to_and_kept_beside_the_project(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(Wanted().state_dict(), tmp_path / "net.safetensors")
    torch.save({"model_state_dict": Wanted().state_dict(), "epoch": 3}, tmp_path / "net.pt")
    for name in ("net.safetensors", "net.pt"):
        given = ("--target", "Net(1)", "--weights", tmp_path / name, "-o", tmp_path / "net.json")
        assert run(text, *given) == 0
        said = capsys.readouterr().err
        assert f"{name}: All 4 tensors fit, by name and by shape." in said
        assert f"Wrote {tmp_path / 'net.weights.safetensors'}: train and export take" in said
        assert len(load_file(tmp_path / "net.weights.safetensors")) == 4


def test_weights_that_do_not_fit_are_named_and_end_in_1(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = Wanted(3).state_dict()
    del weights["fc.bias"]
    save_file({**weights, "head.bias": torch.zeros(2)}, tmp_path / "net.safetensors")
    assert run(text, "--target", "Net(1)", "--weights", tmp_path / "net.safetensors") == 1
    said = capsys.readouterr().err
    assert (
        "net.safetensors: They do not fit: the file lacks “fc.bias”; the network lacks “head.bias”; "
        "“encoder.conv.weight” is 8×3×3×3 in the file and 8×1×3×3 in the network.\n"
    ) in said


def test_a_checkpoint_that_cannot_be_opened_loses_no_project(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    assert run(text, "--weights", tmp_path / "whole.pt", "-o", tmp_path / "net.json") == 1
    assert "nothing else is opened" in capsys.readouterr().err
    assert builder.load_project(tmp_path / "net.json").name == "Net"
    assert not (tmp_path / "net.weights.safetensors").exists()


SMALL = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))
"""


def small() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    shapes = {"fc1.weight": (8, 2), "fc1.bias": (8,), "fc2.weight": (2, 8), "fc2.bias": (2,)}
    return {name: torch.rand(shape) for name, shape in shapes.items()}


def test_what_was_imported_is_trained_and_exported_with_its_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SMALL)
    torch.save(small(), "mine.pt")
    assert run("net.py", "--weights", "mine.pt", "-o", "net.json") == 0

    short = ["--data", "moons", "--epochs", "1", "--quiet"]
    assert cli.main(["train", "net.json", *short, "--run", "first"]) == 0
    assert "Weights: net.weights.safetensors." in capsys.readouterr().err
    begun = builder.open_run("first").state_dict(0)
    assert all(torch.equal(begun[name], value) for name, value in small().items())

    assert cli.main(["export", "net.json", "--to", "safetensors", "-o", "out.safetensors"]) == 0
    assert all(torch.equal(load_file("out.safetensors")[n], v) for n, v in small().items())
    assert "Proven with weights of a file that was brought." in capsys.readouterr().err

    other = {name: value + 1 for name, value in small().items()}
    save_file({f"module.{n}": v for n, v in other.items()}, "other.safetensors")
    named = ["--weights", "other.safetensors"]
    assert cli.main(["train", "net.json", *short, "--run", "second", *named]) == 0
    begun = builder.open_run("second").state_dict(0)
    assert all(torch.equal(begun[name], value) for name, value in other.items())
    assert cli.main(["train", "net.json", *short, "--run", "third", "--no-weights"]) == 0
    assert builder.open_run("third").start is None


def test_weights_beside_a_changed_project_are_refused_with_the_way_out(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(SMALL)
    Path("wide.py").write_text(SMALL.replace("8", "9"))
    torch.save(small(), "mine.pt")
    assert run("net.py", "--weights", "mine.pt", "-o", "net.json") == 0
    assert run("wide.py", "-o", "net.json") == 0
    assert "net.weights.safetensors lies there from before" in capsys.readouterr().err
    assert cli.main(["train", "net.json", "--data", "moons", "--run", "run"]) == 2
    said = capsys.readouterr().err
    assert "“mine.pt” does not fit the network: “fc1.weight” is 8×2 in the file and 9×2" in said
    assert "--no-weights leaves it out" in said
    assert not Path("run").exists()
    assert cli.main(["export", "net.json", "--to", "py", "--weights", "gone.pt"]) == 2
    assert "There is no file “gone.pt”" in capsys.readouterr().err
    both = ["--weights", "mine.pt", "--no-weights"]
    assert cli.main(["export", "net.json", "--to", "py", *both]) == 2
    assert "choose one" in capsys.readouterr().err


def test_weights_for_a_network_that_is_only_printed_are_checked_and_not_kept(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(Wanted().state_dict(), tmp_path / "net.safetensors")
    assert run(text, "--target", "Net(1)", "--weights", tmp_path / "net.safetensors") == 0
    assert "All 4 tensors fit" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.py", "net.safetensors"]
