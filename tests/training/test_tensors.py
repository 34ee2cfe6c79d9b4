"""Networks of raw tensors train; those with own code are told no, unless the server allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from builder.code import model_source, source_module
from builder.errors import CodeRefused
from builder.graph.project import Project
from builder.training.check import check_plan
from builder.training.session import build_model
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData
from tests.code.networks import Net
from tests.code.weight_networks import first_way, opaque


def rows(width: int, targets: int) -> RunData:
    x = torch.randn(32, width)
    y = torch.randn(32, targets)
    return RunData({"train": (x, y), "validation": (x, y)}, "number")


def test_a_network_of_raw_tensors_may_train() -> None:
    found = check_plan(Project("p", first_way()), rows(2, 1), TrainingSettings())
    assert not [p for p in found if p.severity == "error"], found


def test_own_code_does_not_train_unless_the_server_allows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("LAYERWISE_OWN_CODE", raising=False)
    project = Project("p", opaque("N×3"))
    found = check_plan(project, rows(4, 2), TrainingSettings())
    (error,) = [p for p in found if p.severity == "error"]
    assert error.message.startswith("“strange” is code of your own, which this server does not run")
    file = tmp_path / "model.py"
    file.write_text(model_source(project.graph), "utf-8")
    with pytest.raises(CodeRefused, match="LAYERWISE_OWN_CODE"):
        build_model(file)
    monkeypatch.setenv("LAYERWISE_OWN_CODE", "1")
    found = check_plan(project, rows(4, 2), TrainingSettings())
    assert not [p for p in found if p.severity == "error"], found
    assert build_model(file)(torch.randn(3, 4)).shape == (3, 2)


def test_a_note_does_not_pass_for_own_code() -> None:
    source = model_source(first_way())
    assert source_module(source)


def test_tied_weights_train_and_come_back_from_a_checkpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from builder.training.headless import train

    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    net = Net("Both")
    x = net.input("x", "N", 2)
    scale = net.tensor("scale", "parameter", 2, init="ones")
    x = net.op("scaled", "operator.mul", x, scale)
    x = net.op("act", "torch.tanh", net.layer("one", "Linear", x, out_features=2))
    net.output(net.layer("two", "Linear", x, out_features=2))
    net.tie("two", "weight", "one", "weight")
    run = train(Project("Both", net.graph()), "moons", folder=tmp_path / "run", epochs=2)
    assert run.state == "finished"
    state = run.state_dict()
    assert torch.equal(state["one.weight"], state["two.weight"])
    assert not torch.equal(state["scale"], torch.ones(2))
    model: Any = run.module()
    model.load_state_dict(state)
    assert model.two.weight is model.one.weight
