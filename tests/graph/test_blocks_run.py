"""A grouped network, written and run by torch, computes the very same numbers."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from builder.code import build_module
from builder.errors import EditRefused
from builder.graph.edits import GroupIntoBlock, apply
from builder.graph.model import Graph
from builder.graph.sequence_lengths import steps_of
from builder.graph.shapes import infer_shapes
from tests.strategies import graphs


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.data())
def test_grouping_changes_no_number(graph: Graph, data: st.DataObject) -> None:
    inside = [n.id for n in graph.nodes.values() if n.kind not in ("input", "output")]
    assume(inside)
    first = data.draw(st.integers(0, len(inside) - 1))
    chosen = tuple(inside[first : first + data.draw(st.integers(1, 5))])
    try:
        grouped = apply(graph, GroupIntoBlock(chosen, "Group"))
    except EditRefused:
        assume(False)
    one, other = build_module(graph), build_module(grouped)
    weights = one.state_dict()
    call = next(o.name for i, o in grouped.owners.items() if i not in graph.owners)
    names = {k: k.removeprefix(f"{call}.") for k in other.state_dict()}
    other.load_state_dict({k: weights[k if k in weights else names[k]] for k in names})
    assert len(names) == len(weights)
    values = _drawn(graph)
    for training in (False, True):
        assert all(
            torch.equal(a, b)
            for a, b in zip(
                _results(one.train(training), values),
                _results(other.train(training), values),
                strict=True,
            )
        )


def _drawn(graph: Graph) -> list[Tensor]:
    report, values = infer_shapes(graph), list[Tensor]()
    for node in graph.inputs:
        assert node.spec
        steps = steps_of(graph, report, node.id)
        if steps is not None:  # lengths of sequences, the longest first
            values.append(torch.randint(1, steps + 1, (4,)).sort(descending=True)[0])
        else:
            values.append(torch.randn(4, *node.spec.shape[1:]))  # type: ignore[arg-type]
    return values


def _results(module: torch.nn.Module, values: list[Tensor]) -> list[Tensor]:
    torch.manual_seed(0)  # dropout draws the same
    return _tensors(module(*values))


def _tensors(value: object) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [torch.nan_to_num(value)]
    return [t for part in value for t in _tensors(part)]  # type: ignore[attr-defined]
