"""The document: everything the canvas shows of one graph, as plain values that become JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from builder.graph.axes import axes_words, name_axes
from builder.graph.diagnostics import Diagnostic, first_of
from builder.graph.model import Graph, Ref, Value
from builder.graph.outcome import activation_bytes
from builder.graph.repairs import Repair
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import (
    count_layers,
    format_bytes,
    format_layers,
)
from builder.graph.words import flops_words, parameters_words, part_of, shape_words, totals_words
from builder.ui.canvas.kinds import PortKind, kind_of
from builder.ui.canvas.nodes import Around, NodeViews, names_read
from builder.ui.canvas.wires import Slot, slots_of

Document = Mapping[str, Any]

_REPAIRED: Final = 4  # problems whose repairs are tried without being asked for
_NO_REPORT: Final = NodeReport()


@dataclass(frozen=True)
class Looked:
    """What a document is made of. `path`: the nodes entered; `problems`: of the whole network, those
    inside a block at the block too; `places`: each only where it sits.

    `trained`: ids of the graph's nodes whose weights a finished run holds. `rest`: what the session
    knows apart from the graph (history, message, crumbs), taken over as it is.
    """

    root: Graph
    graph: Graph
    report: ShapeReport | None
    path: tuple[str, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    places: tuple[Diagnostic, ...] = ()
    repairs: Mapping[Diagnostic, tuple[Repair, ...]] = field(default_factory=dict)
    selected: tuple[str, ...] = ()
    trained: frozenset[str] = frozenset()
    rest: Mapping[str, Any] = field(default_factory=dict)


def document(looked: Looked, views: NodeViews) -> Document:
    """The document of a graph. Nodes that show the same as before are the same objects."""
    graph = looked.graph
    reports = looked.report.nodes if looked.report else {}
    labels, calls = _labels(graph)
    slots = {node.id: slots_of(node) for node in graph.nodes.values()}
    parts = _parts_read(slots)
    problems = _problems(looked)
    named = name_axes(looked.root, graph, reports)
    axes: dict[str, dict[tuple[int, ...], str]] = {}
    for ref, names in named.items():
        axes.setdefault(ref.node, {})[ref.path] = axes_words(names)
    kinds: dict[Ref, PortKind] = {}
    nodes: dict[str, Any] = {}
    wires: dict[str, Any] = {}
    for node in graph.nodes.values():
        report = reports.get(node.id, _NO_REPORT)
        owner = graph.stands_for(node)
        around = Around(
            node,
            owner,
            report,
            labels[node.id],
            calls.get(node.id, (0, 0)),
            tuple(
                _kind(kinds, graph, ref, reports) for slot, ref in slots[node.id] if not slot.fixed
            ),
            tuple(problems.get(node.id, ())),
            tuple(parts.get(node.id, ())),
            names_read(graph, node) if any(s.fixed for s, _ in slots[node.id]) else (),
            axes.get(node.id, {}),
            looked.root.blocks.get(owner.block) if owner and owner.block else None,
            node.id in looked.trained,
            node.kind != "output" and node.id not in parts,
        )
        nodes[node.id] = views.view(looked.root, graph, around)
        kinds[Ref(node.id)] = kind_of(report.result, axes.get(node.id, {}).get((), ""))
        for part in nodes[node.id]["outs"]:
            kinds[Ref(node.id, tuple(part["path"]))] = part["kind"]
        for slot, ref in slots[node.id]:
            came = graph.resolve(ref)  # past bypassed nodes
            value, words = part_of(reports, came), axes_words(named.get(came))
            wires[slot.id] = _wire(slot, ref, value, words, problems.get(node.id, ()))
    views.forget(graph)
    return {
        "nodes": nodes,
        "order": list(nodes),
        "wires": wires,
        "frames": _frames(graph),
        "selected": list(looked.selected),
        "totals": _totals(graph, looked),
        "first_problem": _first(looked),
        "settings": {name: str(value) for name, value in graph.settings.items()},
        **looked.rest,
    }


def _labels(graph: Graph) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    """Every node's name, and for layers which call of its owner it is, of how many."""
    by_owner: dict[str, list[str]] = {}
    for node in graph.nodes.values():
        if node.kind == "layer" and node.target in graph.owners:
            by_owner.setdefault(node.target, []).append(node.id)
    labels = {
        node.id: graph.label(node.id) if node.kind == "weight" else node.name or node.id
        for node in graph.nodes.values()
    }
    calls: dict[str, tuple[int, int]] = {}
    for owner, called in by_owner.items():
        name = graph.owners[owner].name
        for i, identity in enumerate(called):
            labels[identity] = f"{name} ({i + 1})" if i else name
            calls[identity] = (i, len(called))
    return labels, calls


def _parts_read(slots: Mapping[str, list[tuple[Slot, Ref]]]) -> dict[str, list[tuple[int, ...]]]:
    """For each node that is read: the parts of it that are."""
    found: dict[str, dict[tuple[int, ...], None]] = {}
    for of_node in slots.values():
        for _, ref in of_node:
            found.setdefault(ref.node, {})[ref.path] = None
    return {identity: list(paths) for identity, paths in found.items()}


def _kind(
    kinds: Mapping[Ref, PortKind], graph: Graph, ref: Ref, reports: Mapping[str, NodeReport]
) -> PortKind:
    known = kinds.get(ref)
    return known if known is not None else kind_of(part_of(reports, graph.resolve(ref)))


def _wire(
    slot: Slot,
    ref: Ref,
    value: Value | None,
    axes: str,
    problems: tuple[tuple[Diagnostic, tuple[Repair, ...] | None], ...],
) -> dict[str, Any]:
    port = slot.port.lstrip("~")
    wire: dict[str, Any] = {
        "from": [ref.node, list(ref.path)],
        "to": [slot.node, slot.port, slot.index],
        "shape": shape_words(value),
        "axes": axes,
        "bytes": activation_bytes(value) if value is not None else None,
        "ok": not any(p.severity == "error" and p.port == port for p, _ in problems),
    }
    if slot.fixed:
        wire["fixed"] = True
    return wire


def _problems(
    looked: Looked,
) -> dict[str, tuple[tuple[Diagnostic, tuple[Repair, ...] | None], ...]]:
    """The problems of the nodes shown, with the repairs of the first ones and of what is selected."""
    found: dict[str, list[tuple[Diagnostic, tuple[Repair, ...] | None]]] = {}
    tried = 0
    for problem in looked.problems:
        here = found.setdefault(problem.node, [])
        if problem.scope != looked.path or any(p.message == problem.message for p, _ in here):
            continue  # elsewhere, or the same in every repetition of a block
        wanted = tried < _REPAIRED or problem.node in looked.selected
        tried += 1
        here.append((problem, looked.repairs.get(problem, ()) if wanted else None))
    return {identity: tuple(each) for identity, each in found.items()}


def _totals(graph: Graph, looked: Looked) -> dict[str, Any]:
    count = len(looked.places)
    errors = sum(p.severity == "error" for p in looked.places)
    layers = format_layers(count_layers(graph, looked.root))
    if looked.report is None:
        return {
            "layers": layers,
            "parameters": "",
            "flops": "",
            "memory": "",
            "words": [],
            "problems": count,
            "errors": errors,
        }
    totals = looked.report.totals
    return {
        "layers": layers,
        "parameters": parameters_words(totals),
        "flops": flops_words(totals),
        "memory": format_bytes(totals.memory_bytes),
        "words": [list(words) for words in totals_words(totals)],
        "problems": count,
        "errors": errors,
    }


def _first(looked: Looked) -> dict[str, Any] | None:
    """Where the first problem is: errors before warnings."""
    first = first_of(looked.places)
    return {"node": first.node, "scope": "/".join(first.scope)} if first else None


def _frames(graph: Graph) -> dict[str, Any]:
    return {
        identity: {
            "title": frame.title,
            "colour": frame.colour,
            "at": list(frame.position),
            "size": list(frame.size),
            "text": frame.text,
            "kind": frame.kind,
        }
        for identity, frame in graph.frames.items()
    }
