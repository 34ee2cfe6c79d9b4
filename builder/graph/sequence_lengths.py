"""Which inputs of a network say how long its sequences are, and how long they may be."""

from __future__ import annotations

from collections.abc import Mapping

from builder.catalogue.packing import LENGTHS, packs
from builder.graph.model import Graph, Node, Ref, TensorSpec, iter_refs
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.words import entry_of

_PASSES_ON = frozenset(
    f"torch.Tensor.{name}" for name in ("long", "int", "to", "detach", "view", "contiguous")
) | frozenset(f"torch.{name}" for name in ("squeeze", "flatten", "reshape"))
"""What a tensor of lengths stays one behind."""
_DEEPEST = 8  # blocks inside each other that are looked into


def steps_of(graph: Graph, report: ShapeReport, input_id: str) -> int | None:
    """How many steps the sequences have whose lengths an input says; None where it says none."""
    return _steps(graph, graph, report.nodes, {input_id}, 0)


def _steps(
    root: Graph, graph: Graph, reports: Mapping[str, NodeReport], sources: set[str], depth: int
) -> int | None:
    reached = set(sources)
    for node in graph.nodes.values():
        known = reports.get(node.id)
        if known is None or not _read(node) & reached:
            continue
        owner, entry = graph.owner_of(node), entry_of(graph, node)
        block = root.blocks.get(owner.block or "") if owner is not None else None
        if block is not None and known.body and depth < _DEEPEST:
            ports = {
                port.id
                for port in block.inputs
                if _reads(node.arguments.get(port.name or port.id), reached)
            }
            found = _steps(root, block, known.body[0].nodes, ports, depth + 1)
        else:
            found = _told(node, known, reached) if packs(entry) else None
        if found is not None:
            return found
        if node.bypassed or node.target in _PASSES_ON:
            reached.add(node.id)
    return None


def _told(node: Node, known: NodeReport, reached: set[str]) -> int | None:
    spec = known.inputs.get("input")
    if not _reads(node.arguments.get(LENGTHS), reached) or not isinstance(spec, TensorSpec):
        return None
    steps = spec.shape[1 if known.arguments.get("batch_first") is True else 0]
    return steps if isinstance(steps, int) else None


def _read(node: Node) -> set[str]:
    return {ref.node for argument in node.arguments.values() for ref in iter_refs(argument)}


def _reads(argument: object, reached: set[str]) -> bool:
    return isinstance(argument, Ref) and argument.node in reached
