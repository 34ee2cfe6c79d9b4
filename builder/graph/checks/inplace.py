"""Layers that write over their input (inplace=True) where somebody still needs it.

The network is walked once in the order it runs, with the memory of every value: who wrote over it,
and whose backward pass will read it again. What a single call does to memory torch itself has said
(`builder.graph.backward`). Walked while training and, where a Dropout only passes its input on
otherwise, in eval mode too. A network without an in-place layer is not walked at all.

An input of the network may be written over: the training loop gives each batch as a copy.
"""

from __future__ import annotations

from collections.abc import Mapping

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.graph import backward
from builder.graph.checks.memory import SIDES, Held, Memory, Place, Side, Walk, either
from builder.graph.diagnostics import Diagnostic
from builder.graph.model import (
    OPAQUE,
    Argument,
    Graph,
    Literals,
    Node,
    Ref,
    iter_refs,
    primary_input,
    refs_in,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.symbols import Evaluated, evaluate
from builder.graph.weights import report_of, tensors_of
from builder.graph.wiring import reached


def find_inplace(graph: Graph, report: ShapeReport) -> tuple[Diagnostic, ...]:
    """One problem for each in-place layer that writes over what somebody still needs.

    An error where the backward pass fails, a warning where another layer sees the changed numbers.
    """
    graphs = (graph, *graph.blocks.values())
    if not any(_has_inplace(g) for g in graphs):
        return ()
    found: dict[tuple[tuple[str, ...], str], Diagnostic] = {}
    for training in (True, False) if any(_has_dropout(g) for g in graphs) else (True,):
        walk = Walk(graph.blocks, training)
        given = [walk.new(Place((), graph, node)) for node in graph.inputs]
        _walk(walk, graph, report, list(given), (), frozenset(), graph.settings)
        found = {**walk.found, **found}
    return tuple(found.values())


def _has_inplace(graph: Graph) -> bool:
    return any(o.arguments.get("inplace") for o in graph.owners.values()) or any(
        n.arguments.get("inplace") for n in graph.nodes.values() if n.kind == "operation"
    )


def _has_dropout(graph: Graph) -> bool:
    return any("ropout" in o.target for o in graph.owners.values()) or any(
        "dropout" in n.target for n in graph.nodes.values()
    )


def _walk(
    walk: Walk,
    graph: Graph,
    report: ShapeReport,
    given: list[Memory],
    scope: tuple[str, ...],
    outer: frozenset[Side],
    settings: Mapping[str, Literals],
) -> Memory:
    """One graph or block; `given`: where its inputs lie. Returns where its result lies."""
    memory: dict[str, Memory] = {}
    tensors: dict[tuple[str, Argument], Memory] = {}
    fed, sides, used = iter(given), _sides_of(graph, scope), reached(graph)
    for node in graph.nodes.values():
        found = report.nodes.get(node.id)
        if node.kind == "input":
            memory[node.id] = next(fed, None)
            continue
        if found is None or found.result is None:
            continue
        if node.bypassed:
            memory[node.id] = _looked_up(memory, primary_input(node))
            continue
        called = graph.owner_of(node)
        if node.kind == "weight" or (called is not None and called.target == OPAQUE):
            memory[node.id] = tensors.get((node.target, node.arguments.get("name")))
            if called is not None or memory[node.id] is None:  # own code tells nothing of itself
                learns = called is None and _learns(walk.blocks, graph, report, node)
                memory[node.id] = walk.leaf(Place(scope, graph, node), learns)
            if called is None:
                tensors[node.target, node.arguments.get("name")] = memory[node.id]
            continue
        here = outer | sides.get(node.id, frozenset())
        place = Place(scope, graph, node, here)
        if node.kind == "branch":
            memory[node.id] = _branch(walk, node, place, memory)
        elif node.kind == "output":
            memory[node.id] = _looked_up(memory, primary_input(node))
            if not scope:
                walk.read(memory[node.id], place)
        elif found.body:
            memory[node.id] = _block(walk, graph, node, found, place, memory)
        else:
            memory[node.id] = _call(
                walk, graph, report, node, place, memory, settings, is_used=node.id in used
            )
    results = tuple(memory.get(node.id) for node in graph.outputs)
    return results[0] if len(results) == 1 else results


def _learns(blocks: Mapping[str, Graph], graph: Graph, report: ShapeReport, node: Node) -> bool:
    """Whether a weight node gives a parameter that learns."""
    owner = graph.held_by(node)
    made = report_of(graph, owner, report) if owner is not None else None
    if owner is None or made is None:
        return False
    found = tensors_of(graph, blocks, owner, made)
    tensor = found.get(str(node.arguments.get("name", "")))
    return tensor is not None and tensor.learns


def _call(
    walk: Walk,
    graph: Graph,
    report: ShapeReport,
    node: Node,
    place: Place,
    memory: Mapping[str, Memory],
    settings: Mapping[str, Literals],
    *,
    is_used: bool,
) -> Memory:
    """A layer or an operation: it reads, writes, keeps, and gives."""
    owner, found = graph.owner_of(node), report.nodes[node.id]
    entry = catalogue.get(owner.target if owner else node.target)
    inputs = {
        name: _memory_of(memory, argument)
        for name, argument in node.arguments.items()
        if entry.port(name) is not None
    }
    for value in inputs.values():
        walk.read(value, place, is_used=is_used)
    at = {
        (name, *path): held
        for name, value in inputs.items()
        for path, held in backward.leaves(value)
        if held is not None
    }
    learning = frozenset(path for path, held in at.items() if held.learns)
    effects = backward.effects_of(
        entry,
        found.arguments,  # type: ignore[arg-type]
        _given(graph, report, node, entry, settings),
        learning,
        is_frozen=owner is not None and owner.frozen,
        training=walk.training,
    )
    if effects is None:
        return walk.new(place)
    # What writes in place stands from then on in the history of all who read that memory.
    keeps = is_used or bool(effects.writes)
    for path in effects.writes & at.keys():
        walk.write(at[path], place)
    if effects.refuses and is_used:
        walk.refuse(place)
    for path in (effects.keeps_inputs - effects.writes) & at.keys() if keeps else ():
        walk.keep(at[path], place, is_own=False, is_used=is_used)
    several = len(effects.shares) > 1
    results: dict[backward.Path, Held] = {}
    for path, sources in effects.shares.items():
        storages = {s for source in sources if source in at for s, _ in at[source].at}
        learns = path in effects.learns
        if not storages:
            results[path] = walk.new(place, learns)
        else:
            through = any(at[source].several for source in sources if source in at)
            now = tuple((s, walk.version(s)) for s in sorted(storages))
            results[path] = Held(now, learns, several or through)
        if keeps and path in effects.keeps_results:
            walk.keep(results[path], place, is_own=True, is_used=is_used)
    return _shaped(found.result, results, ())


def _given(
    graph: Graph, report: ShapeReport, node: Node, entry: Entry, settings: Mapping[str, Literals]
) -> dict[str, Evaluated]:
    """The values of a call's inputs and literals, by name."""

    def value_of(ref: Ref) -> Evaluated:
        ref = graph.resolve(ref)
        value: Evaluated = report.nodes[ref.node].result
        for index in ref.path:
            value = value[index]  # type: ignore[index]
        return value

    values: dict[str, Evaluated] = dict(report.nodes[node.id].inputs)
    for name, argument in node.arguments.items():
        if name not in values and entry.port(name) is None:
            values[name] = evaluate(argument, value_of, settings)  # type: ignore[arg-type]
    return values


def _block(
    walk: Walk,
    graph: Graph,
    node: Node,
    found: NodeReport,
    place: Place,
    memory: Mapping[str, Memory],
) -> Memory:
    """Every repetition of a block; the results of one feed the first inputs of the next."""
    owner = graph.owner_of(node)
    block = walk.blocks.get(owner.block or "") if owner else None
    if block is None:
        return None
    values = [_memory_of(memory, node.arguments.get(n.name or n.id)) for n in block.inputs]
    settings = {**block.settings, **found.arguments}
    scope, result = (*place.scope, node.id), None
    for body in found.body:
        result = _walk(walk, block, body, values, scope, place.sides, settings)  # type: ignore[arg-type]
        several = len(block.outputs) > 1 and isinstance(result, tuple)
        results = list(result) if several and isinstance(result, tuple) else [result]
        values = [*results, *values[len(results) :]]
    return result


def _branch(walk: Walk, node: Node, place: Place, memory: Mapping[str, Memory]) -> Memory:
    """Either side: the result may lie in the memory of both."""
    for ref in iter_refs(node.arguments.get("condition")):
        walk.read(_looked_up(memory, ref), place)
    sides = []
    for side in SIDES:
        value = _looked_up(memory, next(iter_refs(node.arguments.get(side)), None))
        own = Place(place.scope, place.graph, node, place.sides | {(place.scope, node.id, side)})
        sides.append(walk.as_seen_by(value, own))
    return either(*sides)


def _shaped(value: object, results: Mapping[backward.Path, Held], path: tuple[int, ...]) -> Memory:
    """The memory of a result in the form of the value: a tuple where that is one."""
    if isinstance(value, tuple):
        return tuple(_shaped(part, results, (*path, i)) for i, part in enumerate(value))
    return results.get(path)


def _memory_of(memory: Mapping[str, Memory], argument: Argument) -> Memory:
    if isinstance(argument, tuple):
        return tuple(_memory_of(memory, part) for part in argument)
    return _looked_up(memory, argument) if isinstance(argument, Ref) else None


def _looked_up(memory: Mapping[str, Memory], ref: Ref | None) -> Memory:
    value = memory.get(ref.node) if ref is not None else None
    for index in ref.path if ref is not None else ():
        value = value[index] if isinstance(value, tuple) and index < len(value) else None
    return value


def _sides_of(graph: Graph, scope: tuple[str, ...]) -> dict[str, frozenset[Side]]:
    """For each node that runs on one side of a branch only: which side of which branch."""
    found: dict[str, frozenset[Side]] = {}
    branches = [node for node in graph.nodes.values() if node.kind == "branch"]
    if not branches:
        return found
    readers: dict[str, set[str]] = {node_id: set() for node_id in graph.nodes}
    for node in graph.nodes.values():
        for ref in refs_in(node):
            readers.setdefault(ref.node, set()).add(node.id)
    for branch in branches:
        read = {name: {r.node for r in iter_refs(a)} for name, a in branch.arguments.items()}
        for side in SIDES:
            through = read.get(side, set()) - set().union(
                *(nodes for name, nodes in read.items() if name != side)
            )
            own: set[str] = set()
            for node in reversed(list(graph.nodes.values())):
                inside = own | ({branch.id} if node.id in through else set())
                if node.kind != "input" and readers[node.id] and readers[node.id] <= inside:
                    own.add(node.id)
                    here = (scope, branch.id, side)
                    found[node.id] = found.get(node.id, frozenset()) | {here}
    return found


__all__ = ["find_inplace"]
