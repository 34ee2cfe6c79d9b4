"""Every layer and operation of the catalogue: its code runs and gives what torch gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from builder import catalogue
from builder.catalogue.example import example, tensors
from builder.code import build_module, why_not_chain, write_code
from builder.graph.shapes import infer_shapes
from tests.code.networks import MODULES, example_graph
from tests.code.reference import Reference

CHAINS = [key for key, entry in catalogue.entries().items() if entry.chain]


def flat(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in flat(part)]
    return [value]


def assert_same(one: Any, other: Any) -> None:
    first, second = flat(one), flat(other)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        if isinstance(a, torch.Tensor):
            torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
        else:
            assert a == b


@pytest.mark.parametrize("key", catalogue.entries())
def test_the_code_gives_what_torch_gives(key: str) -> None:
    entry = catalogue.get(key)
    graph = example_graph(entry)
    report = infer_shapes(graph)
    assert report.ok, report.errors
    torch.manual_seed(0)
    model = build_module(graph, report=report)
    torch.manual_seed(0)
    reference = Reference(graph)
    assert_same(list(model.state_dict().values()), reference.values())
    inputs = flat(list(tensors(example(entry).inputs, "cpu").values()))
    for training in (False, True):
        torch.manual_seed(1)
        given = model.train(training)(*inputs)
        torch.manual_seed(1)
        assert_same(given, reference.run(inputs, training))


@pytest.mark.parametrize("key", CHAINS)
def test_every_style_has_the_same_weights_and_outputs(key: str) -> None:
    entry = catalogue.get(key)
    graph = example_graph(entry)
    report = infer_shapes(graph)
    assert why_not_chain(graph, report=report) is None
    models = []
    for style in MODULES:
        torch.manual_seed(0)
        models.append(build_module(graph, style, report=report))
    for model in models[1:]:
        assert_same(list(models[0].state_dict().values()), list(model.state_dict().values()))
    inputs = flat(list(tensors(example(entry).inputs, "cpu").values()))
    for training in (False, True):
        results = []
        for model in models:
            torch.manual_seed(1)
            results.append(model.train(training)(*inputs))
        for result in results[1:]:
            assert_same(results[0], result)


def test_a_hundred_layers_can_stand_in_a_chain() -> None:
    assert len(CHAINS) >= 100


@pytest.mark.parametrize("share", range(4))
def test_every_smoke_test_runs(share: int, capsys: pytest.CaptureFixture[str]) -> None:
    for key in list(catalogue.entries())[share::4]:
        source = write_code(example_graph(catalogue.get(key)))
        exec(compile(source, key, "exec", dont_inherit=True), {"__name__": "__main__"})
        assert "torch.Size(" in capsys.readouterr().out, key


def test_whole_numbers_for_an_embedding_stay_below_its_size() -> None:
    source = write_code(example_graph(catalogue.get("torch.nn.Embedding")))
    assert "x = torch.randint(1000, (2, 5))" in source
