"""The zip project and the notebook: a plain loop that gives the app's own numbers."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import builder
from builder import gallery
from builder.data import DataChoice, cards, load_dataset
from builder.errors import ExportRefused, LayerwiseError
from builder.export import export_project
from builder.export.data_script import data_script, wanted_rows
from builder.export.project import export_zip
from builder.export.subject import subject_of
from builder.export.training_proof import hold_history
from builder.export.training_script import train_script
from builder.graph.model import Graph
from builder.graph.project import Project
from builder.training.prepare import Plan, make_plan, run_data
from builder.training.settings import TrainingSettings
from tests.code.adversarial import NAMES
from tests.code.networks import chain

LINEAR, RELU = "Linear", "ReLU"


def deep(inputs: int, outputs: int, *ending: tuple[str, str, dict[str, Any]]) -> Graph:
    return chain(
        ("fc1", LINEAR, {"out_features": 12}),
        ("norm", "BatchNorm1d", {}),
        ("act", RELU, {"inplace": True}),
        ("drop", "Dropout", {"p": 0.3}),
        ("fc2", LINEAR, {"out_features": outputs}),
        *ending,
        shape=("N", inputs),
    )


def plan_of(graph: Graph, choice: DataChoice | str, **settings: Any) -> Plan:
    rows = run_data(load_dataset(choice))
    return make_plan(Project("Net", graph), rows, TrainingSettings.of(**settings))


@contextlib.contextmanager
def as_files(folder: Path, files: dict[str, str]) -> Iterator[Any]:
    """train.py imported from a folder in which model.py and data.py lie."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    before, here, kept = list(sys.path), os.getcwd(), torch.get_rng_state()
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        spec = importlib.util.spec_from_file_location("train_of_an_export", folder / "train.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = before
        os.chdir(here)
        torch.set_rng_state(kept)
        for name in ("data", "model"):
            sys.modules.pop(name, None)


CASES = {
    "classes, Adam": (deep(64, 10), DataChoice("digits", shape=(64,)), {}, "module"),
    "a chain, SGD with momentum": (
        deep(2, 2), "moons", {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}, "sequential",
    ),
    "binary, AdamW": (
        deep(30, 1), DataChoice("breast_cancer", task="binary"), {"optimizer": "adamw"}, "functional",
    ),
    "probabilities, Adagrad": (
        deep(2, 1, ("end", "Sigmoid", {})), DataChoice("xor", task="binary"),
        {"optimizer": "adagrad", "loss": "bce", "batch_size": 7}, "ordered",
    ),
    "a number, RMSprop": (
        deep(10, 1), "diabetes", {"optimizer": "rmsprop", "loss": "huber"}, "mixed",
    ),
    "a curve": (deep(1, 1), DataChoice("sine", options={"n": 90, "seed": 5}), {"seed": 3}, "module"),
    "its own input": (deep(4, 4), "iris", {"goal": "input"}, "module"),
    "no validation": (deep(13, 3), DataChoice("wine", split=(0.8, 0.0, 0.2)), {}, "module"),
    "everything trains": (deep(2, 4), DataChoice(
        "spirals", options={"classes": 4, "n": 203}, split=(1.0, 0.0, 0.0)), {}, "module"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_written_loop_gives_the_numbers_of_the_app(case: str, tmp_path: Path) -> None:
    graph, choice, settings, style = CASES[case]
    plan = plan_of(graph, choice, epochs=3, **settings)
    run = builder.train(plan.project, plan.data, folder=tmp_path / "run", epochs=3, **settings)
    assert run.state == "finished", run.sentence
    subject, data = subject_of(graph, style, seed=plan.settings.seed), data_script(plan)
    assert data.rows == {}  # a built-in set is loaded in the open
    project = tmp_path / "project"
    project.mkdir()
    threads = torch.get_num_threads()
    files = {
        "model.py": subject.source, "data.py": data.text,
        "train.py": train_script(subject, plan, "rows"),
    }  # fmt: skip
    with as_files(project, files) as train:
        history = train.main()
    torch.set_num_threads(threads)
    parts = ("train", "validation")
    assert [set(e) for e in history] == [{p for p in parts if e.get(p)} for e in run.metrics()]
    for given, wanted in zip(history, run.metrics(), strict=True):
        for part in given:
            assert given[part]["loss"] == wanted[part]["loss"]  # to the last bit
            for name, value in given[part].items():
                assert value == pytest.approx(wanted[part][name], rel=1e-12)
    trained = torch.load(project / "trained.pt", weights_only=True)
    ours = run.module().state_dict()
    assert all(torch.equal(a, b) for a, b in zip(trained.values(), ours.values(), strict=True))


def test_what_is_frozen_stays_frozen(tmp_path: Path) -> None:
    graph = deep(2, 2)
    owners = {**graph.owners, "fc1": replace(graph.owners["fc1"], frozen=True)}
    plan = plan_of(replace(graph, owners=owners), "moons", epochs=1)
    subject = subject_of(plan.project.graph)
    assert "[p for p in model.parameters() if p.requires_grad]" in train_script(subject, plan, "x")
    ast.parse(train_script(subject, plan, "x"))


@pytest.mark.parametrize("key", [k for k in cards() if k in data_script.__globals__["_LOADS"]])
def test_every_built_in_set_is_written_in_the_open(key: str) -> None:
    dataset = load_dataset(key)
    width = dataset.input_spec.shape[1:]
    outputs = dataset.target.count
    graph = chain(
        ("flat", "Flatten", {}), ("fc", LINEAR, {"out_features": outputs}), shape=("N", *width)
    )
    assert data_script(plan_of(graph, key)).rows == {}


def test_every_set_that_is_built_in_has_its_lines() -> None:
    assert set(cards()) == set(data_script.__globals__["_LOADS"])


def hostile_csv(folder: Path) -> Path:
    """Column and class names, and a file's name, that try to get out of where they stand."""
    drawn = random.Random(0)
    names = [n for n in NAMES if n.strip() and "\x00" not in n and "\ud800" not in n][:6]
    quoted = [
        '"' + n[:200].replace('"', '""').replace("\n", " ").replace("\r", " ") + '"'
        for n in ('"""\nimport os', "'''x", "x\\", "{y}", "-->", names[0])
    ]
    lines = [",".join([*quoted, '"kind"'])]
    for _ in range(60):
        row = [f"{drawn.random():.3f}" for _ in quoted]
        lines.append(",".join([*row, drawn.choice(['"a""""""\nb"', "`c`"])]))
    path = folder / "rows ''' import os #.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_project_of_a_persons_own_rows_is_proven_and_opens_nowhere_else(tmp_path: Path) -> None:
    rows = run_data(load_dataset(path=hostile_csv(tmp_path)))
    graph = replace(deep(6, 2), name="DataLoader")
    project = Project('"""; import os; <script>', graph)
    exported = export_project(project, "zip", data=rows, epochs=2, seed=7, batch_size=9)
    assert exported.name == "import_os_script.zip"
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        names = archive.namelist()
        assert names == sorted(
            ["PROOF.json", "PROOF.txt", "README.md", "data.py", "data.safetensors", "model.py",
             "requirements.txt", "train.py", "weights.safetensors"]
        )  # fmt: skip
        texts = {n: archive.read(n).decode() for n in names if not n.endswith(".safetensors")}
        archive.extractall(tmp_path / "z")
    assert "from model import DataLoader as Network" in texts["train.py"]
    assert "<" not in texts["README.md"].splitlines()[0]
    for name in ("model.py", "train.py", "data.py"):
        imported = {
            (n.module if isinstance(n, ast.ImportFrom) else n.names[0].name)
            for n in ast.walk(ast.parse(texts[name]))
            if isinstance(n, ast.Import | ast.ImportFrom)
        }
        allowed = {"torch", "torch.nn", "data", "model", "pathlib", "safetensors.torch"}
        assert imported <= allowed | {"argparse", "json"}
    assert "equal to the last bit to those of Layerwise" in texts["PROOF.txt"]
    assert json.loads(texts["PROOF.json"])["max_difference"] == 0.0
    assert "torch==2" in texts["requirements.txt"]
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        for command in (["check"], ["format", "--check", "--line-length=100"]):
            done = subprocess.run(
                [ruff, *command, "--isolated", "."], cwd=tmp_path / "z", capture_output=True
            )
            assert done.returncode == 0, done.stdout.decode()


def test_training_goes_on_from_weights_and_prints_lines_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = deep(2, 2)
    plan = plan_of(graph, "moons", epochs=2)
    subject, data = subject_of(graph), data_script(plan)
    files = {
        "model.py": subject.source, "data.py": data.text,
        "train.py": train_script(subject, plan, "moons"),
    }  # fmt: skip
    with as_files(tmp_path, files) as train:
        first = train.main(epochs=2)
        said = capsys.readouterr().out.splitlines()
        number = first[0]["train"]["loss"]
        assert said[0].startswith(f"epoch 1/2: train loss {number:.4g}, accuracy ")
        assert said[2].startswith("test loss ")
        kept = json.loads((tmp_path / "history.json").read_text("utf-8"))
        assert kept["epochs"] == first and set(kept["test"]) == {"loss", "accuracy"}
        assert train.main(epochs=2) == first  # without weights it starts anew
        from safetensors.torch import save_file

        save_file(torch.load("trained.pt", weights_only=True), "weights.safetensors")
        on = train.main(epochs=1, weights="weights.safetensors")
        assert on[0]["train"]["loss"] < first[0]["train"]["loss"]
        save_file({"other": torch.zeros(1)}, "other.safetensors")
        with pytest.raises(RuntimeError, match="Missing key"):
            train.main(weights="other.safetensors")
        trained = Path("trained.pt").read_bytes()
        for wrong, word in (
            (["--epochs", "0"], "one is the least"),
            (["--from", "nope.pt"], "no file nope.pt"),
        ):
            done = subprocess.run([sys.executable, "train.py", *wrong], capture_output=True)
            assert done.returncode == 2 and word in done.stderr.decode()
        assert Path("trained.pt").read_bytes() == trained


def test_the_same_project_has_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    history = [{"train": {"loss": 0.5}}]
    monkeypatch.setattr("builder.export.project.app_figures", lambda *_: history)
    monkeypatch.setattr("builder.export.project.run_clean", lambda *_: [{"history": history}])
    monkeypatch.setattr("builder.export.project.hold", lambda *_: 0.0)
    plan = plan_of(deep(2, 2), "moons")
    first, second = (export_zip(subject_of(deep(2, 2)), plan, "Moons")[0] for _ in range(2))
    assert first == second


def test_another_loss_than_the_apps_is_not_exported() -> None:
    ours = [{"train": {"loss": 0.5}, "validation": {"loss": 0.25}}]
    assert "train 0.5, validation 0.25" in hold_history(ours, ours)
    theirs = [{"train": {"loss": 0.5}, "validation": {"loss": 0.2500001}}]
    with pytest.raises(
        ExportRefused, match=r"validation loss of epoch 1 is 0.2500001, and the app's"
    ):
        hold_history(theirs, ours)


def test_a_run_is_exported_with_its_rows_settings_and_weights(tmp_path: Path) -> None:
    project = gallery.project("moons_mlp")
    run = builder.train(project, "moons", folder=tmp_path / "run", epochs=2, lr=0.05, seed=11)
    exported = export_project(project, "zip", run=run, style="sequential")
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        train = archive.read("train.py").decode()
    assert "SEED = 11\nEPOCHS = 2" in train and "lr=0.05" in train
    assert exported.proof is not None
    assert repr(run.metrics()[0]["train"]["loss"]) in exported.proof.sentences[-1]


def test_a_notebook_runs_top_to_bottom() -> None:
    exported = export_project(gallery.project("moons_mlp"), "ipynb", data="moons", epochs=2)
    book = json.loads(exported.content)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert exported.proof is not None
    assert "Losses of the first epoch, equal to the last bit" in exported.proof.sentences[-1]
    code = ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"]
    assert any("EPOCHS = 2\n" in text for text in code)
    ast.parse("\n".join(code))


def test_a_notebook_of_a_chain_draws_its_weights_after_the_seed() -> None:
    exported = export_project(deep(2, 2), "ipynb", data="moons", style="ordered", epochs=1)
    assert exported.proof is not None and len(exported.proof.more) == 1


def test_by_hand_there_is_no_training_to_write() -> None:
    for to in ("zip", "ipynb"):
        with pytest.raises(LayerwiseError, match=r"“manual” makes no nn.Module"):
            export_project(deep(2, 2), to, data="moons", style="manual")


def test_data_that_does_not_fit_is_refused_as_for_a_training() -> None:
    with pytest.raises(LayerwiseError, match=r"Iris|iris"):
        export_project(deep(2, 2), "zip", data="iris")


def test_wanted_rows_are_what_the_loss_takes() -> None:
    plan = plan_of(deep(2, 1), DataChoice("moons", task="binary"))
    x, y = wanted_rows(plan)["train"]
    assert (y.dtype, y.shape) == (torch.float32, (len(x), 1))
