"""What the axes of every value in a network count: "batch × channels × height × width".

Names begin at the inputs and are followed through the layers. Where they cannot be known, nothing is
said: a shape alone is true, a wrong name is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from builder.catalogue.entry import Entry
from builder.graph import axis_moves as moves
from builder.graph.axis_moves import BATCH, FEATURES, Names
from builder.graph.blocks import result_paths
from builder.graph.model import Graph, Node, Ref, TensorSpec, Value, iter_refs
from builder.graph.report import NodeReport
from builder.graph.symbols import is_batch
from builder.graph.words import entry_of, part_of

Axes: TypeAlias = dict[Ref, Names]

_SPACE: Final[Mapping[int, Names]] = {
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
}
_USUAL: Final[Mapping[int, Names]] = {
    1: (BATCH,),
    2: (BATCH, FEATURES),
    3: (BATCH, "length", FEATURES),
    4: (BATCH, "channels", "height", "width"),
    5: (BATCH, "channels", "depth", "height", "width"),
}
_KEEPING: Final = frozenset(
    {"activation", "dropout", "normalization", "padding", "pooling", "other", "transformer"}
)
"""Families that leave the axes as they are, whatever they are called."""
_SPATIAL: Final = frozenset({"convolution", "pooling", "normalization", "padding", "dropout"})
_RESIZING: Final = frozenset(
    {"Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "interpolate", "grid_sample"}
    | {"PixelShuffle", "PixelUnshuffle", "pixel_shuffle", "pixel_unshuffle", "ChannelShuffle"}
)


def axes_words(names: Names | None) -> str:
    """The axes as text; "" where they are not known."""
    return " × ".join(names) if names else ""


def name_axes(
    root: Graph,
    graph: Graph,
    reports: Mapping[str, NodeReport],
    given: Mapping[str, Names | None] | None = None,
) -> Axes:
    """The names of every value of a graph, as far as they are known; of a tuple, of its parts.

    `graph`: the network or one of its blocks; `given`: the names of what a block's inputs receive.
    """
    known: Axes = {}
    for node in graph.nodes.values():
        report = reports.get(node.id)
        if report is None or report.result is None:
            continue
        found = _of_node(_Step(root, graph, node, report, known, reports), given)
        for path, names in found.items():
            value = part_of(reports, Ref(node.id, path))
            rank = len(value.shape) if isinstance(value, TensorSpec) else -1
            if names is not None and len(names) == rank:
                known[Ref(node.id, path)] = names
    return known


_Parts: TypeAlias = Mapping[tuple[int, ...], Names | None]


@dataclass(frozen=True)
class _Step:
    """One node, with what is known before it."""

    root: Graph
    graph: Graph
    node: Node
    report: NodeReport
    known: Axes
    reports: Mapping[str, NodeReport]

    @property
    def read(self) -> list[tuple[TensorSpec, Names | None]]:
        """The tensors that arrive by wire, with their names, in the order of the ports."""
        found = []
        entry = entry_of(self.graph, self.node)
        ports = [port.name for port in entry.ports] if entry is not None else self.node.arguments
        for argument in (self.node.arguments.get(port) for port in ports):
            parts = argument if isinstance(argument, tuple) else (argument,)
            for ref in [self.graph.resolve(p) for p in parts if isinstance(p, Ref)]:
                value = part_of(self.reports, ref)
                if isinstance(value, TensorSpec):
                    found.append((value, self.known.get(ref)))
        return found

    @property
    def first(self) -> Names | None:
        """The names of what arrives first."""
        return self.read[0][1] if self.read else None

    def argument(self, name: str, entry: Entry) -> object:
        """An argument's value; torch's default where it is left out, None where it is not plain."""
        owner = self.graph.owner_of(self.node)
        given = {
            **self.report.arguments,
            **(owner.arguments if owner else {}),
            **self.node.arguments,
        }
        if name in given:
            return given[name]
        parameter = entry.parameter(name)
        return parameter.default if parameter is not None else None


def _of_node(step: _Step, given: Mapping[str, Names | None] | None) -> _Parts:
    node, value = step.node, step.report.result
    if node.kind == "input":
        if given is not None:
            return {(): given.get(node.id)}
        return {(): _of_input(step.graph, node, value)}
    if node.kind == "output" or node.bypassed:
        return _passed_on(step)
    if node.kind == "branch":
        return {(): moves.alike(value, step.read)}
    owner = step.graph.owner_of(node)
    block = step.root.blocks.get(owner.block or "") if owner is not None else None
    if block is not None:
        return _of_block(step, block) if step.report.body else {}
    entry = entry_of(step.graph, node)
    return _of_call(step, entry) if entry is not None else {}


def _passed_on(step: _Step) -> _Parts:
    """What an output or a bypassed node hands on: whatever came in first, part by part."""
    refs = [ref for a in step.node.arguments.values() for ref in iter_refs(a)]
    if not refs:
        return {}
    source = step.graph.resolve(refs[0])
    depth = len(source.path)
    return {
        ref.path[depth:]: names
        for ref, names in step.known.items()
        if ref.node == source.node and ref.path[:depth] == source.path
    }


def _of_input(graph: Graph, node: Node, value: Value | None) -> Names | None:
    """An input is what the first layers that read it are made for, else what its rank usually is."""
    if not isinstance(value, TensorSpec) or not value.shape:
        return None
    rank, batched = len(value.shape), is_batch(value.shape[0])
    space = _read_as(graph, node)
    if space and rank == space + 1 + batched and not (rank == 2 and batched):
        return (*((BATCH,) if batched else ()), "channels", *_SPACE[space])
    if not batched:
        return (FEATURES, BATCH) if rank == 2 and is_batch(value.shape[1]) else None
    if rank == 2 and value.dtype.startswith(("int", "uint")):
        return (BATCH, "length")
    return _USUAL.get(rank)


def _read_as(graph: Graph, node: Node) -> int:
    """How many axes of space the layers count that read a value first; 0 where none does."""
    waiting, seen = [node.id], {node.id}
    while waiting:
        for reader in graph.readers_of(waiting.pop(0)):
            entry = entry_of(graph, reader)
            if entry is None or reader.id in seen:
                continue
            seen.add(reader.id)
            if (space := _space_of(entry)) and not reader.bypassed:
                return space
            if entry.family in _KEEPING or entry.family == "arithmetic" or reader.bypassed:
                waiting.append(reader.id)
    return 0


def _space_of(entry: Entry) -> int:
    """2 for Conv2d and max_pool2d, 0 for what has no such number."""
    name = entry.name
    counts = entry.family in _SPATIAL and name[-1:] == "d" and name[-2:-1] in "123"
    return int(name[-2]) if counts and len(name) > 2 else 0


def _of_block(step: _Step, block: Graph) -> _Parts:
    given: dict[str, Names | None] = {}
    for port in block.inputs:
        ref = step.node.arguments.get(port.name or port.id)
        given[port.id] = step.known.get(step.graph.resolve(ref)) if isinstance(ref, Ref) else None
    body = step.report.body[-1]
    inside = name_axes(step.root, block, body.nodes, given)
    found: dict[tuple[int, ...], Names | None] = {}
    for output, path in result_paths(block):
        for ref, names in inside.items():
            if ref.node == output:
                found[path + ref.path] = names
    return found


def _of_call(step: _Step, entry: Entry) -> _Parts:
    value, first, family, name = step.report.result, step.first, entry.family, entry.name
    tensor = value if isinstance(value, TensorSpec) else None
    if family == "convolution" or (family in _SPATIAL and first is None):
        return {path: _spatial(_at(value, path), _space_of(entry)) for path in ((), (0,))}
    if name == "MultiheadAttention":
        return {(0,): first, (1,): moves.attention(_at(value, (1,)))}
    if name in ("Transformer", "scaled_dot_product_attention"):
        return {(): moves.alike(tensor, step.read)}
    if family == "recurrent":
        return _recurrent(step, value)
    if family in _KEEPING or name in _RESIZING:
        return {(): first, (0,): first, (1,): first}
    if family == "linear":
        return {(): moves.mixed(tensor, first)}
    if family == "embedding":
        last = "classes" if name == "one_hot" else FEATURES
        bag = name == "EmbeddingBag"
        return {(): (BATCH, FEATURES) if bag else (*first, last) if first else None}
    if name in ("matmul", "bmm"):
        return {(): moves.product([names for _, names in step.read])}
    if family == "arithmetic" and name not in ("einsum", "outer"):
        return {(): moves.alike(tensor, step.read)}
    if family in ("shape", "merge", "reduction"):
        arguments = {
            p.name: step.argument(p.name, entry)
            for p in (*entry.parameters, *entry.call_parameters)
        }
        return moves.moved(name, arguments, value, step.read)
    return {}


def _spatial(value: Value | None, space: int) -> Names | None:
    """Channels first, with or without a batch."""
    if not isinstance(value, TensorSpec) or not space:
        return None
    if len(value.shape) == space + 2:
        return (BATCH, "channels", *_SPACE[space])
    batched = bool(value.shape) and is_batch(value.shape[0])
    if len(value.shape) == space + 1 and not batched:
        return ("channels", *_SPACE[space])
    return (BATCH, FEATURES) if len(value.shape) == 2 and batched else None


def _recurrent(step: _Step, value: Value | None) -> _Parts:
    """The output has the axes of what came in; a cell's is the state."""
    if isinstance(value, TensorSpec):
        return {(): step.first if len(value.shape) == 2 else None}
    output = _at(value, (0,))
    if not isinstance(output, TensorSpec) or step.first is None:
        return {}
    return {(0,): (*step.first[:-1], FEATURES)} if len(output.shape) == 3 else {}


def _at(value: Value | None, path: tuple[int, ...]) -> Value | None:
    for i in path:
        value = value[i] if isinstance(value, tuple) and i < len(value) else None
    return value
