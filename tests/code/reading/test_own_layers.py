"""Where one layer is strange, its text is kept and the rest of the network is read."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import builder
from builder.code import build_module, write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.shapes import infer_shapes
from tests.code.reading.harness import executed

SORTED = '''
import math
import numpy as np
import torch
from torch import nn

SCALE = 2.0


def scaled(values):
    return values * SCALE


class Sorted(nn.Module):
    """Sorts on the CPU."""

    def __init__(self, size, out=16):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.fc = nn.Linear(size, out)

    def forward(self, x, mask=None):
        h = np.sort(x.detach().cpu().numpy())  # a comment that stays
        return self.fc(scaled(torch.from_numpy(h)) * self.weight)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(4, 8)
        self.strange = Sorted(8)
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        x = self.strange(x)
        return self.head(x)


model = Net()
model(torch.randn(3, 4))
'''


def _with(graph: Graph, owner: str, gives: str) -> Graph:
    arguments = {**graph.owners[owner].arguments, "gives": gives}
    return replace(
        graph,
        owners={**graph.owners, owner: replace(graph.owners[owner], arguments=arguments)},
    )


def test_a_layer_with_numpy_keeps_its_text_and_the_rest_is_read() -> None:
    read = read_here(SORTED)
    assert [(o.name, o.target) for o in read.graph.owners.values()] == [
        ("stem", "torch.nn.Linear"),
        ("strange", "opaque"),
        ("head", "torch.nn.Linear"),
    ]
    kept = read.graph.owners["strange"].arguments
    assert kept["call"] == "Sorted(8)"
    assert "# a comment that stays" in str(kept["source"])
    assert "SCALE = 2.0" in str(kept["source"]) and "import math" not in str(kept["source"])
    (line, said), *_ = read.notes
    assert line == 23 and "numpy.sort" in said and "shape" in said


def test_its_shape_is_asked_from_the_person() -> None:
    graph = read_here(SORTED).graph
    (problem,) = infer_shapes(graph).problems
    assert (problem.node, problem.kind, problem.parameter) == ("strange", "opaque_gives", "gives")
    assert infer_shapes(_with(graph, "strange", "N×16")).ok


def test_it_runs_only_where_the_owner_of_the_server_allows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = _with(read_here(SORTED).graph, "strange", "N×16")
    monkeypatch.delenv("LAYERWISE_OWN_CODE", raising=False)
    with pytest.raises(CodeRefused, match="LAYERWISE_OWN_CODE"):
        build_module(graph)
    monkeypatch.setenv("LAYERWISE_OWN_CODE", "1")
    ours, theirs = build_module(graph), executed(SORTED, "Net()")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(5, 4)
    assert torch.equal(ours(x), theirs(x))


def test_what_is_written_of_it_is_read_again() -> None:
    graph = read_here(SORTED).graph
    written = write_code(graph)
    assert write_code(read_here(written, "Net()", ["float32[N,4]"]).graph) == written


def test_through_the_child_process_too() -> None:
    assert builder.read_code(SORTED).owners["strange"].target == "opaque"


def test_a_strange_init_is_kept_as_well() -> None:
    text = SORTED.replace("nn.Parameter(torch.ones(size))", "nn.Parameter(torch.load('w.pt'))")
    text = text.replace("np.sort(x.detach().cpu().numpy())", "x").replace(
        "torch.from_numpy(h)", "h"
    )
    text = text.replace("super().__init__()\n        self.weight", "super().__init__()\n"
                        "        for line in open('sizes.txt'):\n            size = int(line)\n"
                        "        self.weight")  # fmt: skip
    graph = read_here(text).graph
    assert graph.owners["strange"].target == "opaque"
    assert "open('sizes.txt')" in str(graph.owners["strange"].arguments["source"])


def test_a_network_that_is_strange_itself_is_refused_by_line() -> None:
    text = SORTED.replace("x = self.strange(x)", "x = torch.from_numpy(np.sort(x.numpy()))")
    with pytest.raises(CodeRefused, match=r"Line 36: What numpy\.sort") as caught:
        read_here(text)
    assert caught.value.help


def test_a_layer_that_is_wrong_is_no_layer_of_own_code() -> None:
    text = SORTED.replace("np.sort(x.detach().cpu().numpy())", "x @ torch.ones(3, 3)")
    with pytest.raises(CodeRefused) as caught:
        read_here(text)
    assert caught.value.line == 23


def test_a_layer_made_with_another_one_cannot_stand_alone() -> None:
    text = SORTED.replace("Sorted(8)", "Sorted(8, nn.Linear(8, 16))").replace(
        "nn.Linear(size, out)", "out"
    )
    with pytest.raises(CodeRefused, match=r"numpy\.sort"):
        read_here(text)
