"""Where a value could go: every slot of a graph tried, and every layer that could read it.

Nothing is guessed from ranks or names: each node is judged as it would be with that wire, by the same
check that judges it afterwards. What was judged once is remembered by shape.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph.diagnostics import Diagnostic
from builder.graph.model import Argument, Graph, Node, Owner, Ref, TensorSpec, refs_in
from builder.graph.remember import Remembered
from builder.graph.report import NodeReport
from builder.graph.shapes import judge_node
from builder.graph.words import part_of
from builder.ui.canvas.kinds import PortKind, kind_of, wanted_at
from builder.ui.canvas.wires import Slot, slots_of
from builder.ui.palette import usual_keys
from builder.ui.ports import ports_of

_PATIENCE_SECONDS: Final = 0.08
_judged: Final[Remembered[str]] = Remembered(50_000)  # "yes" or "no", by key and shape


def slots_for(
    root: Graph, graph: Graph, value: Ref, known: Mapping[str, NodeReport]
) -> dict[str, str]:
    """For each port, as "node:port": why the value cannot go there, "" where it can.

    A port that takes many is judged with the value behind those it has.
    """
    before = _worked_out_from(graph, value.node)
    found: dict[str, str] = {}
    for node in graph.nodes.values():
        for port in ports_of(graph, node, root) if node.kind != "input" else ():
            name = f"{node.id}:{port.name}"
            if node.id in before:
                found[name] = _circle(graph, node.id, value.node)
                continue
            now = node.arguments.get(port.name)
            many = port.many and now is not None
            given: Argument = (
                (*(now if isinstance(now, tuple) else (now,)), value) if many else value
            )
            if port.many and port.length is not None:
                # What is not wired yet is taken as what is: a state has two parts of one size.
                parts = given if isinstance(given, tuple) else (given,)
                given = (*parts, *(value,) * (port.length - len(parts)))
                if len(given) > len(parts) and _parts_differ(graph, node):
                    found[name] = ""
                    continue
            tried = replace(node, arguments={**node.arguments, port.name: given})
            problem = judge_node(root, graph, tried, known).problem
            found[name] = _reason(problem, port.name)
    return found


def _parts_differ(graph: Graph, node: Node) -> bool:
    """Whether the states of an LSTM are of two sizes: its h is projected, its c is not."""
    owner = graph.owner_of(node)
    return owner is not None and bool(owner.arguments.get("proj_size"))


def keys_for(value: TensorSpec) -> tuple[str, ...]:
    """The catalogue's keys that can read a value: made for its kind and usual ones first.

    Judging a layer never tried before takes milliseconds, and the person waits: after a while those
    not judged yet are left out, and the next time they are judged.
    """
    until = time.perf_counter() + _PATIENCE_SECONDS
    found = []
    for key in _ranked(kind_of(value)):
        if (known := _judged.get((key, value))) is None:
            if time.perf_counter() > until:
                continue
            known = _judged.put((key, value), "yes" if _reads(key, value) else "no")
        if known == "yes":
            found.append(key)
    return tuple(found)


def keys_into(graph: Graph, slot: Slot, known: Mapping[str, NodeReport]) -> tuple[str, ...]:
    """What could stand in front of a slot: what can read the value the slot reads, or its node's first."""
    node = graph.nodes[slot.node]
    refs = [ref for place, ref in slots_of(node) if place == slot] or refs_in(node)
    value = value_at(graph, known, refs[0]) if refs else None
    return keys_for(value) if value is not None else ()


@functools.lru_cache(maxsize=16)
def _ranked(kind: PortKind) -> tuple[str, ...]:
    """Every key that takes a tensor: first what is made for this kind or for all, the usual ones first."""
    usual = {key: place for place, key in enumerate(usual_keys())}

    def rank(entry: Entry) -> tuple[bool, bool, int, bool, str]:
        whole_stack = (
            entry.inner is not None or entry.key == "torch.nn.Transformer"
        )  # slow to judge
        wanted = wanted_at(entry, entry.ports[0].name)
        strange = wanted not in ("any", kind) and (wanted, kind) != ("features", "sequence")
        return (
            whole_stack,
            strange,
            usual.get(entry.key, len(usual)),
            wanted != kind,
            entry.name.lower(),
        )

    able = [entry for entry in catalogue.entries().values() if entry.ports]
    return tuple(entry.key for entry in sorted(able, key=rank))


def _reads(key: str, value: TensorSpec) -> bool:
    """Whether a new layer or operation of that kind, as it is added, can read a value."""
    entry = catalogue.get(key)
    given = catalogue.defaults_for(entry)
    wired: dict[str, Argument] = {}
    for port in entry.ports:
        if not port.optional:
            wired[port.name] = (Ref("x"),) * (port.length or 2) if port.many else Ref("x")
    source = Node("x", "input", "x", spec=value)
    made = {p.name for p in entry.parameters}
    call = {**wired, **{k: v for k, v in given.items() if k not in made}}
    if entry.kind == "layer":
        owner = Owner("new", "new", key, {k: v for k, v in given.items() if k in made})
        node, owners = Node("new", "layer", "", "new", call), {"new": owner}
    else:
        node, owners = Node("new", "operation", "new", key, call), {}
    graph = Graph(nodes={"x": source, "new": node}, owners=owners)
    report = judge_node(graph, graph, node, {"x": NodeReport(result=value)})
    problem = report.problem
    return report.result is not None and (problem is None or problem.severity != "error")


def value_at(graph: Graph, known: Mapping[str, NodeReport], value: Ref) -> TensorSpec | None:
    """The tensor a reference stands for, None for a tuple or where it is not known."""
    found = part_of(known, graph.resolve(value))
    return found if isinstance(found, TensorSpec) else None


def _reason(problem: Diagnostic | None, port: str) -> str:
    if problem is None or problem.severity != "error" or problem.port not in (None, port):
        return ""
    return problem.message


def _worked_out_from(graph: Graph, node: str) -> set[str]:
    """The node and all that it is worked out from: what must not read it."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        identity = waiting.pop()
        if identity not in found and identity in graph.nodes:
            found.add(identity)
            waiting += [ref.node for ref in refs_in(graph.nodes[identity])]
    return found


def _circle(graph: Graph, reader: str, source: str) -> str:
    label = quote(graph.label(reader))
    if reader == source:
        return f"{label} cannot read its own result."
    return (
        f"{quote(graph.label(source))} is worked out from {label}: the values would go in a cycle."
    )
