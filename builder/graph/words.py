"""Layers in words: what kind each is, the parameters worth a line, where values come from, and arguments
as one would type them (`x.size(0), -1`). The stack, the canvas, the forms and the pictures say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from builder import catalogue
from builder.catalogue.entry import Entry, Family
from builder.errors import NotFound
from builder.graph.allowed_norms import norm_marks
from builder.graph.model import (
    OPAQUE,
    PARAMETER,
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
    Value,
    format_shape,
    format_value,
    iter_refs,
)
from builder.graph.modes import mode_words
from builder.graph.report import NodeReport, Totals
from builder.graph.size import format_bytes, format_exact, format_flops, format_parameters

# Pairs that read best as "in → out".
_PAIRS: Final = (
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
    ("num_embeddings", "embedding_dim"),
)
_LONGEST: Final = 64  # characters of parameters in a row; the form has them all


def family_of(graph: Graph, node: Node) -> Family:
    """The family whose colour a node bears."""
    held = graph.held_by(node)
    entry = entry_of(graph, node) or (_entry(held.target) if held is not None else None)
    if entry is not None:
        return entry.family
    return "merge" if node.kind == "branch" else "other"


def entry_of(graph: Graph, node: Node) -> Entry | None:
    """The catalogue entry behind a layer, operation or raw tensor; None for all else."""
    owner = graph.stands_for(node)
    key = owner.target if owner else node.target
    known = node.kind in ("layer", "operation") or (owner is not None and owner.raw)
    if not known or (owner and owner.block):
        return None
    return _entry(key)


def _entry(key: str) -> Entry | None:
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
    if node.kind == "weight":
        return "Weight"
    if owner is not None and owner.target == OPAQUE:
        return "own code"
    return node.target.rpartition(".")[2] if node.target else node.kind


def key_parameters(graph: Graph, node: Node, report: NodeReport) -> str:
    """The parameters worth a line: "1 → 16, kernel_size=3", "dim=1", "if training", “only while training”."""
    owner, entry = graph.owner_of(node), entry_of(graph, node)
    if node.kind == "input":
        return "" if node.spec is None or node.spec.dtype == "float32" else node.spec.dtype
    if node.kind == "output":
        return mode_words(node)
    if node.kind == "weight":
        given = report.result
        if not isinstance(given, TensorSpec):
            return ""
        odd = f" {given.dtype}" if given.dtype != "float32" else ""
        return format_shape(given.shape) + odd
    if owner is not None and owner.target == OPAQUE:
        return str(owner.arguments.get("call", ""))[:_LONGEST]
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


def shape_words(value: Value | None) -> str:
    """A shape, several with commas for a tuple, "?" where it is not known."""
    if isinstance(value, tuple) and value and all(isinstance(v, TensorSpec) for v in value):
        return ", ".join(format_shape(v.shape) for v in value if isinstance(v, TensorSpec))
    return format_value(value)


def part_of(nodes: Mapping[str, NodeReport], ref: Ref) -> Value | None:
    """The value a reference stands for, as far as it is known."""
    value = nodes[ref.node].result if ref.node in nodes else None
    for step in ref.path:
        value = value[step] if isinstance(value, tuple) and step < len(value) else None
    return value


def values_read(node: Node) -> list[tuple[str, Ref]]:
    """Every value a node reads, with the argument it is read for."""
    return [(name, ref) for name, value in node.arguments.items() for ref in iter_refs(value)]


def is_still(owner: Owner) -> bool:
    """Whether an owner was told not to learn: frozen, or a parameter without a gradient."""
    return owner.frozen or (owner.raw and owner.arguments.get("requires_grad") is False)


def marks_of(graph: Graph, node: Node, report: NodeReport) -> list[str]:
    """What is special about a node, each in a word or two: "bypassed", "frozen", "×6"."""
    owner, held = graph.owner_of(node), graph.held_by(node)
    marks = ["bypassed"] if node.bypassed else []
    if held is not None and held.raw:
        marks += ["frozen"] if is_still(held) and held.target == PARAMETER else []
        marks += ["not saved"] if held.arguments.get("persistent") is False else []
    tied = owner or held
    for path, (other, theirs) in tied.ties.items() if tied is not None else ():
        source = graph.owners.get(other)
        name = f"{source.name}.{theirs}" if source and theirs else source.name if source else "?"
        marks.append(f"{path} is {name}" if path else f"is {name}")
    if owner is not None:
        marks += norm_marks(owner)
        marks += ["frozen"] if owner.frozen else []
        if owner.repeat > 1:
            marks.append(f"×{owner.repeat}" + (" shared" if owner.shared else ""))
        calls = [call for call in graph.calls_of(owner.id) if not call.bypassed]
        if not node.bypassed and len(calls) > 1 and calls[0].id != node.id:
            marks.append(f"{'weights of' if report.parameters else 'the same'} {owner.name}")
    return marks


def write_argument(argument: Argument, graph: Graph) -> str:
    """An argument as text: "3", "3, 5", "x.size(0) * 2", "None"."""
    if isinstance(argument, tuple):
        inside = ", ".join(_write(part, graph) for part in argument)
        return inside + "," if len(argument) == 1 else inside
    return _write(argument, graph)


def write_index(index: Argument, graph: Graph) -> str:
    """What stands between the brackets of x[…]: ":, 0, 1:3"."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(_write(part, graph) for part in parts)


def totals_words(totals: Totals) -> list[tuple[str, str, str]]:
    """The footer: (number, word, what it means exactly)."""
    words = [(parameters_words(totals), "parameters", _parameters_meaning(totals))]
    if totals.frozen:
        words.append(
            (
                format_parameters(totals.trainable),
                "trainable",
                "The others are frozen: requires_grad is False",
            )
        )
    words.append((flops_words(totals), "per sample", _flops_meaning(totals)))
    words.append(
        (
            format_bytes(totals.memory_bytes),
            "training memory",
            "What training takes with one sample: weights, gradients, Adam's two moments and "
            "activations. Each further sample of the batch adds its activations.",
        )
    )
    return words


def parameters_words(totals: Totals) -> str:
    """9 930; "≥ 9 930" where weights have no size yet, as nothing known reaches them."""
    if not totals.parameters_unknown:
        return format_parameters(totals.parameters)
    return f"≥ {format_parameters(totals.parameters)}" if totals.parameters else "?"


def _parameters_meaning(totals: Totals) -> str:
    text = f"{format_exact(totals.parameters)} numbers that are weights"
    if not (count := totals.parameters_unknown):
        return text
    who = "one layer have" if count == 1 else f"{format_exact(count)} layers have"
    return f"{text}. The weights of {who} no size yet: what they read is not known"


def flops_words(totals: Totals) -> str:
    """8.2 kFLOPs; "≥ 8.2 kFLOPs" where those of some layers are not known, "? FLOPs" where none are."""
    if not totals.flops_unknown:
        return format_flops(totals.flops)
    return f"≥ {format_flops(totals.flops)}" if totals.flops else format_flops(None)


def _flops_meaning(totals: Totals) -> str:
    text = "Floating-point operations of one forward pass; of a branch, the side that takes more"
    count = totals.flops_unknown
    if not count:
        return text
    who = (
        "one layer or operation are"
        if count == 1
        else f"{format_exact(count)} layers and operations are"
    )
    return f"{text}. Those of {who} not known and not counted"


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


def _write(argument: Argument, graph: Graph) -> str:
    match argument:
        case Ref(node=node):
            return graph.label(node) if node in graph.nodes else "?"
        case Size(of=of, dim=dim):
            return f"{_write(of, graph)}.size({dim})"
        case Calc(op=op, left=left, right=right) | Compare(op=op, left=left, right=right):
            return f"{_operand(left, graph)} {op} {_operand(right, graph)}"
        case Slice(start=start, stop=stop, step=step):
            text = ":".join("" if p is None else _write(p, graph) for p in (start, stop))
            return text if step is None else f"{text}:{_write(step, graph)}"
        case Setting(name=name):
            return name
        case Training():
            return "training"
        case GradEnabled():
            return "gradients are recorded"
        case tuple():
            return f"({', '.join(_write(p, graph) for p in argument)})"
        case str():
            return repr(argument)
    return "..." if argument is Ellipsis else repr(argument)


def _operand(argument: Argument, graph: Graph) -> str:
    text = _write(argument, graph)
    return f"({text})" if isinstance(argument, Calc | Compare) else text
