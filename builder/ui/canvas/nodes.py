"""One node as the canvas draws it: words, ports, problems, as plain values.

A view is made anew only when something it shows has changed: `NodeViews` compares what it was made of,
which costs microseconds, and so the same object means to everyone behind it "nothing new here".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from builder import catalogue
from builder.catalogue.entry import Entry, Parameter, Port
from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Graph, Node, Owner, Ref, Value, refs_in
from builder.graph.repairs import Repair
from builder.graph.report import NodeReport
from builder.graph.size import format_parameters
from builder.graph.words import (
    entry_of,
    family_of,
    is_still,
    key_parameters,
    marks_of,
    shape_words,
    source_words,
    type_name,
)
from builder.ui.canvas.kinds import PortKind, kind_of_part, wanted_at
from builder.ui.canvas.wires import slots_of
from builder.ui.mending import REPAIRS_SHOWN, cost_words, repair_id, takes_away
from builder.ui.ports import ports_of

_MOST_PARTS: Final = 12  # parts shown of one tuple
_MOST_QUICK: Final = 2
# The numbers people change most, first those that make a layer what it is.
_QUICK: Final = (
    *("out_features", "out_channels", "hidden_size", "num_embeddings", "embedding_dim"),
    *("num_heads", "nhead", "kernel_size", "stride", "padding", "p", "num_layers", "num_groups"),
    *("num_features", "dim_feedforward", "negative_slope", "alpha", "scale_factor", "groups"),
    *("dim", "start_dim", "end_dim", "chunks", "k"),
)

NodeView = Mapping[str, Any]


@dataclass(frozen=True)
class Around:
    """What a node's view needs to know of its surroundings.

    `label`: its name. `calls`: which call of its owner this is, and of how many. `kinds`: of the values
    that arrive, by slot. `problems`: with their repairs, None where those were not tried yet. `parts`:
    paths of its result that somebody reads. `reads`: the names of what its expressions read. `axes`: of
    each part of its result, as far as they are known.
    """

    node: Node
    owner: Owner | None
    report: NodeReport
    label: str
    calls: tuple[int, int]
    kinds: tuple[PortKind, ...]
    problems: tuple[tuple[Diagnostic, tuple[Repair, ...] | None], ...]
    parts: tuple[tuple[int, ...], ...]
    reads: tuple[str, ...]
    axes: Mapping[tuple[int, ...], str]
    block: Graph | None
    trained: bool
    unread: bool


@dataclass
class NodeViews:
    """The views of one canvas, kept as long as they are true."""

    _known: dict[str, tuple[Around, NodeView]] = field(default_factory=dict)

    def view(self, root: Graph, graph: Graph, around: Around) -> NodeView:
        """The node as it is drawn: the same object as before where nothing has changed."""
        known = self._known.get(around.node.id)
        if known is not None and known[0] == around:
            return known[1]
        made: NodeView = _view(root, graph, around)
        if known is not None and known[1] == made:
            made = known[1]
        self._known[around.node.id] = (around, made)
        return made

    def forget(self, graph: Graph) -> None:
        """Drops the views of nodes that are gone."""
        for gone in [identity for identity in self._known if identity not in graph.nodes]:
            del self._known[gone]


def names_read(graph: Graph, node: Node) -> tuple[str, ...]:
    """The names that a node's expressions show: those it reads other than by a plain wire."""
    plain = {ref for slot, ref in slots_of(node) if not slot.fixed}
    return tuple(
        graph.label(r.node) for r in refs_in(node) if r not in plain and r.node in graph.nodes
    )


def _view(root: Graph, graph: Graph, around: Around) -> dict[str, Any]:
    node, owner, report = around.node, around.owner, around.report
    entry = entry_of(graph, node)
    return {
        "id": node.id,
        "kind": "block" if owner and owner.block else node.kind,
        "type": type_name(graph, node),
        "name": around.label,
        "family": family_of(graph, node),
        "words": key_parameters(graph, node, report),
        "weights": format_parameters(report.parameters) if report.parameters else "",
        "trained": around.trained,
        "shape": shape_words(report.result),
        "axes": around.axes.get((), ""),
        "ins": _ins(root, graph, node, entry, around.kinds),
        "outs": _outs(graph, around, entry),
        "at": None if node.position is None else [round(c, 1) for c in node.position],
        "marks": marks_of(graph, node, report) + (["result unused"] if around.unread else []),
        "bypassed": node.bypassed,
        "frozen": bool(owner and is_still(owner)),
        "shared": around.calls[1] > 1 or bool(owner and owner.repeat > 1 and owner.shared),
        "repeat": owner.repeat if owner else 1,
        "block": owner.block if owner else None,
        "note": node.note,
        "quick": list(_quick(node, owner, entry, report)),
        "problems": [_problem(*each) for each in around.problems],
    }


def _problem(problem: Diagnostic, repairs: tuple[Repair, ...] | None) -> dict[str, Any]:
    return {
        "message": problem.message,
        "severity": problem.severity,
        "port": problem.port,
        "repairs": None
        if repairs is None
        else [
            {
                "id": repair_id(problem, r),
                "label": r.label,
                "cost": cost_words(r),
                "deletes": takes_away(r),
            }
            for r in repairs[:REPAIRS_SHOWN]
        ],
    }


# --- ports ----------------------------------------------------------------------------------------


def _ins(
    root: Graph, graph: Graph, node: Node, entry: Entry | None, kinds: tuple[PortKind, ...]
) -> list[dict[str, Any]]:
    if node.kind == "input":
        return []
    wired = [slot for slot, _ in slots_of(node) if not slot.fixed]
    arriving: dict[str, PortKind] = {}
    count: dict[str, int] = {}
    for slot, kind in zip(wired, kinds, strict=True):
        arriving.setdefault(slot.port, kind)
        count[slot.port] = max(count.get(slot.port, 0), slot.index + 1)
    ports = list(ports_of(graph, node, root))
    known = {port.name for port in ports}
    ports += [Port(name) for name in count if name not in known]
    return [
        {
            "name": port.name,
            "kind": arriving.get(port.name, "any"),
            "wanted": wanted_at(entry, port.name),
            "many": port.many,
            "optional": port.optional or port.number,
            "slots": count.get(port.name, 0) if port.many else max(1, count.get(port.name, 0)),
            **({"most": port.length} if port.many and port.length else {}),
        }
        for port in ports
    ]


def _outs(graph: Graph, around: Around, entry: Entry | None) -> list[dict[str, Any]]:
    """The parts of a result, each by its name: LSTM's output, h_n and c_n.

    Whichever part of a bypassed node is read, it is what came in.
    """
    node, value = around.node, around.report.result
    if node.kind == "output":
        return []
    named = _named_parts(around, entry)
    for path in around.parts:  # read somewhere, though not among the usual parts
        if path not in named:
            named[path] = (
                source_words(graph, Ref(node.id, path)).partition(" · ")[2] if path else ""
            )
    return [
        {
            "path": list(path),
            "name": name,
            "kind": kind_of_part(name, part, around.axes.get(path, "")),
            "shape": shape_words(part),
        }
        for path, name in named.items()
        for part in [value if node.bypassed else _part(value, path)]
    ]


def _named_parts(around: Around, entry: Entry | None) -> dict[tuple[int, ...], str]:
    node, owner, value = around.node, around.owner, around.report.result
    if entry is not None:
        given = {**(owner.arguments if owner else {}), **node.arguments}
        parts = catalogue.parts_of(entry, given)
        if parts:
            return {part.path: part.name for part in parts}
    names: list[str] = []
    if around.block is not None:
        names = [around.block.label(output.id) for output in around.block.outputs]
        if node.bypassed and len(names) > 1:
            return {(i,): name for i, name in enumerate(names[:_MOST_PARTS])}
    if not isinstance(value, tuple):
        return {(): ""}
    if len(names) != len(value):
        names = [f"part {i}" for i in range(len(value))]
    return {(i,): name for i, name in enumerate(names[:_MOST_PARTS])}


def _part(value: Value | None, path: tuple[int, ...]) -> Value | None:
    for step in path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value


# --- the numbers on the node itself ---------------------------------------------------------------


def _quick(
    node: Node, owner: Owner | None, entry: Entry | None, report: NodeReport
) -> Iterator[dict[str, Any]]:
    """The at most two numbers that can be edited on the node."""
    if entry is None or (owner and owner.block):
        return
    found = []
    for parameter in (*entry.parameters, *entry.call_parameters):
        if parameter.name not in _QUICK or parameter.inferred:
            continue
        given = owner.arguments if owner and parameter in entry.parameters else node.arguments
        value = given.get(parameter.name, report.arguments.get(parameter.name, parameter.default))
        if kind := quick_kind(parameter):
            fine = isinstance(value, int if kind == "int" else int | float)
            if fine and not isinstance(value, bool):
                found.append((parameter, kind, value))
    found.sort(key=lambda each: _QUICK.index(each[0].name))
    for parameter, kind, value in found[:_MOST_QUICK]:
        yield {
            "name": parameter.name,
            "value": value,
            "kind": kind,
            "min": parameter.minimum,
            "max": parameter.maximum,
        }


def quick_kind(parameter: Parameter) -> str | None:
    """How a number on the node is edited; None for what only the form can edit."""
    if parameter.type == "int" or (parameter.type == "ints" and parameter.scalar):
        return "int"
    return "float" if parameter.type == "float" else None
