"""What stands beside the code: `print(model)`, the parameters, and where each layer is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.code.building import build_hollow, source_module
from builder.code.limits import refuse_own_code
from builder.code.registry import MANUAL
from builder.code.write import write_code
from builder.code.writing.scope import paths_in
from builder.code.writing.scopes import find_scopes
from builder.code.writing.sequential import sequential_paths
from builder.errors import CodeRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter of a network.

    `name`: as in the `state_dict`. `count`: how many numbers. `layer`: the node that has it, by its
    key in `paths`. `sequential_name`: its name in the style `sequential` ("0.weight"), None where
    the network is no chain.
    """

    name: str
    shape: tuple[int, ...]
    count: int
    trainable: bool
    layer: str
    sequential_name: str | None


def describe_model(
    graph: Graph, style: str = "module", *, report: ShapeReport | None = None
) -> str:
    """What `print(model)` shows; by hand, where there is no model, the tensors with their shapes.

    Nothing is allocated.
    """
    if style == MANUAL:
        return _tensors(graph, report)
    return str(build_hollow(graph, style, report=report))


def _tensors(graph: Graph, report: ShapeReport | None) -> str:
    """One line a tensor: its name in the file, its shape, and whether it learns."""
    import torch

    refuse_own_code(graph)
    with torch.device("meta"):
        made = vars(source_module(write_code(graph, MANUAL, report=report)))
    rows = [row for name, value in made.items() for row in _rows_of(name, value)]
    if not rows:
        return "No tensors: nothing in this network has weights."
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {learns}".rstrip()
        for name, shape, learns in rows
    )


def _rows_of(name: str, value: object) -> Iterator[tuple[str, str, str]]:
    """(name, shape, "learns") of a tensor, of those in a block, and in a list of blocks."""
    import torch

    if isinstance(value, torch.Tensor) and name != "tensor":
        yield name, str(tuple(value.shape)), "learns" if value.requires_grad else ""
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        for field, part in value._asdict().items():
            yield from _rows_of(f"{name}.{field}", part)
    elif isinstance(value, list) and name != "parameters":
        for place, part in enumerate(value):
            yield from _rows_of(f"{name}[{place}]", part)


def parameter_table(graph: Graph, *, report: ShapeReport | None = None) -> list[ParameterRow]:
    """The parameters by name, in the order of the `state_dict`. Nothing is allocated.

    Errors: CodeRefused where the code cannot be written yet.
    """
    known = report or _shapes(graph)
    named = list(build_hollow(graph, "module", report=known).named_parameters())
    places = paths(graph, report=known)
    owners = {path: node for node, path in reversed(places.items())}
    sequential = _sequential_names(graph, known)
    rows = []
    for place, (name, parameter) in enumerate(named):
        other = sequential[place] if len(sequential) == len(named) else None
        rows.append(_row(name, parameter, _owner_at(name, owners), other))
    return rows


def _row(name: str, parameter: torch.Tensor, layer: str, sequential: str | None) -> ParameterRow:
    return ParameterRow(
        name, tuple(parameter.shape), parameter.numel(), parameter.requires_grad, layer, sequential
    )


def _owner_at(name: str, owners: Mapping[str, str]) -> str:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ".".join(parts[:length])
        if path in owners:
            return owners[path]
    return ""


def _sequential_names(graph: Graph, report: ShapeReport) -> list[str]:
    if not sequential_paths(graph, report):
        return []
    try:
        return [
            name for name, _ in build_hollow(graph, "sequential", report=report).named_parameters()
        ]
    except CodeRefused:
        return []


def paths(
    graph: Graph, style: str = "module", *, report: ShapeReport | None = None
) -> dict[str, str]:
    """Node id → the path of its layer in the module: "conv1", or "0" in the style `sequential`.

    A node inside a block has the key "<node>/<inner node>", with the repetition where the block is
    repeated: "blocks.2/conv1" → "blocks.2.conv1". Nodes without a layer of their own are left out,
    and all of them in a style the network cannot be written in.
    """
    known = report or _shapes(graph)
    if style in ("sequential", "ordered"):
        return sequential_paths(graph, known, named=style == "ordered")
    scopes = find_scopes(graph, known)
    return dict(paths_in(scopes[""], scopes))


def _shapes(graph: Graph) -> ShapeReport:
    from builder.graph.shapes import infer_shapes

    return infer_shapes(graph)
