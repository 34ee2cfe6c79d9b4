"""The code of a few networks, as a person would read it. golden_networks.py writes the files."""

from __future__ import annotations

import pytest
import torch

from builder.code import build_module, module_from_source, write_code
from builder.code.registry import MANUAL
from tests.code.golden_networks import FOLDER, GOLDEN
from tests.code.reference import Reference, random_inputs


@pytest.mark.parametrize("name", GOLDEN)
def test_the_code_is_the_golden_file(name: str) -> None:
    network, style = GOLDEN[name]
    assert write_code(network(), style) == (FOLDER / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_file_runs_and_shows_its_shapes(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    exec(compile(source, name, "exec", dont_inherit=True), {"__name__": "__main__"})
    assert capsys.readouterr().out.startswith("torch.Size([4, ")


@pytest.mark.parametrize("name", [name for name, (_, style) in GOLDEN.items() if style != MANUAL])
@pytest.mark.parametrize("training", [False, True])
def test_the_code_computes_what_the_graph_means(name: str, training: bool) -> None:
    network, style = GOLDEN[name]
    graph = network()
    torch.manual_seed(0)
    model = build_module(graph, style).train(training)
    torch.manual_seed(0)
    reference = Reference(graph)
    inputs = random_inputs(graph)
    torch.manual_seed(1)
    given = model(*inputs)
    torch.manual_seed(1)
    torch.testing.assert_close(given, reference.run(inputs, training), rtol=0, atol=0)


def test_every_golden_file_belongs_to_a_network() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(GOLDEN)


def test_a_setting_is_an_argument_of_the_class() -> None:
    source = (FOLDER / "branches_module.py").read_text(encoding="utf-8")
    model = module_from_source(source.replace("hidden: int = 32", "hidden: int = 7"))
    assert model.fc2.in_features == 7
    assert model(torch.ones(2, 16)).shape == (2, 16)
