"""The stack view's rows: what each layer shows in one line, worked out from graph and shapes.

Plain values, no Streamlit: the component in `assets` only draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound
from builder.graph.model import (
    Argument,
    Graph,
    Node,
    Ref,
    TensorSpec,
    Value,
    format_shape,
    format_value,
    iter_refs,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import format_exact, format_parameters
from builder.ui.expressions import write_argument, write_index

# Pairs that read best as "in → out".
_PAIRS: Final = (
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
    ("num_embeddings", "embedding_dim"),
)
_LONGEST: Final = 64  # characters of parameters in a row; the form has them all
_AXES: Final = {
    2: "batch × features",
    3: "batch × length × features",
    4: "batch × channels × height × width",
    5: "batch × channels × depth × height × width",
}
_CHANNELS_FIRST: Final = {"convolution", "pooling"}


def rows_of(graph: Graph, report: ShapeReport | None) -> list[dict[str, Any]]:
    """A row for each node, in running order. `report`: of the same graph, None where unknown."""
    rows: list[dict[str, Any]] = []
    previous = None
    nodes = report.nodes if report else {}
    read = {r.node for n in graph.nodes.values() for _, r in _wired(n)}
    for node in graph.nodes.values():
        row = _row(graph, node, nodes.get(node.id, NodeReport()), previous)
        if node.kind != "output" and node.id not in read:
            row["marks"].append("result unused")
        if previous is not None and all(ref.node != previous.id for _, ref in _wired(node)):
            row["apart"] = True
            rows[-1]["below"] = _from_elsewhere(graph, node, nodes)
        rows.append(row)
        previous = node
    return rows


def entry_of(graph: Graph, node: Node) -> Entry | None:
    """The catalogue entry behind a layer or operation; None for a block, an input, an output."""
    owner = graph.owner_of(node)
    key = owner.target if owner else node.target
    if node.kind not in ("layer", "operation") or (owner and owner.block):
        return None
    try:
        return catalogue.get(key)
    except NotFound:
        return None  # from a project of another version: drawn, with its problem


def type_name(graph: Graph, node: Node) -> str:
    """What kind of thing a node is, in one or two words: "Conv2d", "cat", "block Encoder"."""
    owner, entry = graph.owner_of(node), entry_of(graph, node)
    if entry is not None:
        return entry.name
    if owner is not None and owner.block:
        return f"block {owner.block}"
    return node.target.rpartition(".")[2] if node.target else node.kind


def key_parameters(graph: Graph, node: Node, report: NodeReport) -> str:
    """The parameters worth a line: "1 → 16, kernel_size=3", "dim=1", "if training"."""
    owner, entry = graph.owner_of(node), entry_of(graph, node)
    if node.kind == "input":
        return "" if node.spec is None or node.spec.dtype == "float32" else node.spec.dtype
    if node.kind == "branch":
        return f"if {write_argument(node.arguments.get('condition'), graph)}"
    words: list[str] = []
    if owner is not None:
        words += _constructor_words(graph, owner.arguments, report.arguments)
    if entry is not None:
        for parameter in entry.call_parameters:
            if parameter.name in node.arguments:
                value = node.arguments[parameter.name]
                if parameter.type == "index":
                    words.append(f"[{write_index(value, graph)}]")
                else:
                    words.append(f"{parameter.name}={_in_line(value, graph)}")
        for port in entry.ports:  # the number in `x * 2`
            value = node.arguments.get(port.name)
            if value is not None and not any(iter_refs(value)):
                words.append(f"{port.name}={_in_line(value, graph)}")
    text = ", ".join(words)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def source_words(graph: Graph, ref: Ref) -> str:
    """Where a value comes from, in words: "conv1", "lstm · h_n"."""
    node = graph.nodes.get(ref.node)
    if node is None:
        return "nothing"
    label = graph.label(ref.node)
    if not ref.path:
        return label
    entry = entry_of(graph, node)
    part = next((p.name for p in entry.parts if p.path == ref.path), None) if entry else None
    return f"{label} · {part or ''.join(f'[{i}]' for i in ref.path)}"


def axes(value: Value | None, family: str = "") -> str:
    """The axes of a shape by name, for a tooltip; "" where there is no usual name."""
    if not isinstance(value, TensorSpec):
        return ""
    if len(value.shape) == 3 and family in _CHANNELS_FIRST:
        return "batch × channels × length"
    return _AXES.get(len(value.shape), "")


def _row(graph: Graph, node: Node, report: NodeReport, previous: Node | None) -> dict[str, Any]:
    owner, entry = graph.owner_of(node), entry_of(graph, node)
    family = entry.family if entry else {"branch": "merge"}.get(node.kind, "other")
    row: dict[str, Any] = {
        "id": node.id,
        "name": graph.label(node.id),
        "type": type_name(graph, node),
        "family": family,
        "kind": "block" if owner and owner.block else node.kind,
        "parameters": key_parameters(graph, node, report),
        "shape": _shape(report.result),
        "axes": axes(report.result, family),
        "count": format_parameters(report.parameters) if report.parameters else "",
        "exact": format_exact(report.parameters) if report.parameters else "",
        "sources": _sources(graph, node, previous),
        "marks": _marks(graph, node, report),
    }
    if report.problem is not None:
        row["problem"] = report.problem.message
        row["severity"] = report.problem.severity
    if node.note:
        row["note"] = node.note
    return row


def _shape(value: Value | None) -> str:
    if isinstance(value, tuple) and value and all(isinstance(v, TensorSpec) for v in value):
        return ", ".join(format_shape(v.shape) for v in value if isinstance(v, TensorSpec))
    return format_value(value)


def _sources(graph: Graph, node: Node, previous: Node | None) -> list[str]:
    """Where inputs come from, said only where it is not simply the row above."""
    wired = _wired(node)
    if node.kind == "input" or not wired:
        return []
    if len(wired) == 1 and previous and wired[0][1] == Ref(previous.id, wired[0][1].path):
        return [] if not wired[0][1].path else [f"from {source_words(graph, wired[0][1])}"]
    if len({name for name, _ in wired}) == 1:
        return ["from " + ", ".join(source_words(graph, ref) for _, ref in wired)]
    return [f"{name} from {source_words(graph, ref)}" for name, ref in wired]


def _from_elsewhere(graph: Graph, node: Node, nodes: Mapping[str, NodeReport]) -> str:
    """What stands above a row that does not read the row before: "from flatten1 · N×400"."""
    wired = _wired(node)
    words = [f"{source_words(graph, ref)} · {_shape(_part(nodes, ref))}" for _, ref in wired]
    if len({name for name, _ in wired}) > 1:
        return ", ".join(f"{w[0]} from {said}" for w, said in zip(wired, words, strict=True))
    return "from " + ", ".join(words) if words else ""


def _part(nodes: Mapping[str, NodeReport], ref: Ref) -> Value | None:
    value = nodes[ref.node].result if ref.node in nodes else None
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value


def _wired(node: Node) -> list[tuple[str, Ref]]:
    """Every value a node reads, with the argument it is read for."""
    return [(name, ref) for name, value in node.arguments.items() for ref in iter_refs(value)]


def _marks(graph: Graph, node: Node, report: NodeReport) -> list[str]:
    owner = graph.owner_of(node)
    marks = ["bypassed"] if node.bypassed else []
    if owner is not None:
        marks += ["frozen"] if owner.frozen else []
        if owner.repeat > 1:
            marks.append(f"×{owner.repeat}" + (" shared" if owner.shared else ""))
        calls = graph.calls_of(owner.id)
        if len(calls) > 1 and calls[0].id != node.id:
            marks.append(f"{'weights of' if report.parameters else 'the same'} {owner.name}")
    return marks


def _constructor_words(
    graph: Graph, given: Mapping[str, Argument], written: Mapping[str, Argument]
) -> list[str]:
    values = {**given, **written}
    words, told = [], set()
    for left, right in _PAIRS:
        if right in values:
            known = _in_line(values[left], graph) if left in values else "?"
            words.append(f"{known} → {_in_line(values[right], graph)}")
            told |= {left, right}
            break
    shown = {**{n: v for n, v in written.items() if n not in told}, **given}
    for name, value in shown.items():
        if name not in told:
            words.append(f"{name}={_in_line(value, graph)}")
    return words


def _in_line(value: Argument, graph: Graph) -> str:
    text = write_argument(value, graph)
    return f"({text})" if isinstance(value, tuple) else text
