"""A problem with everything around it that a repair may want to know, and how edits are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound, quote
from builder.graph.blocks import graph_at
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import (
    UNSET,
    AddNode,
    DeleteNode,
    Edit,
    Rename,
    SetArgument,
    SetCallArgument,
    Several,
    apply,
)
from builder.graph.model import (
    Argument,
    Calc,
    Graph,
    Node,
    Ref,
    Size,
    Slice,
    TensorSpec,
    Value,
    iter_refs,
    map_refs,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.shapes import infer_shapes
from builder.graph.wiring import origin_of


@dataclass(frozen=True)
class Candidate:
    """A repair that has not been tried. `tier`: 0 does what the sentence says, higher is further off.

    From LAST on it stands behind all others, whatever they leave open: it takes something away.
    """

    label: str
    edit: Edit
    tier: int = 0


LAST = 8


@dataclass(frozen=True)
class Case:
    """One problem: `graph` is the block (or network) its node stands in, `reports` what is known there."""

    root: Graph
    scope: str
    graph: Graph
    node: Node
    problem: Diagnostic
    reports: Mapping[str, NodeReport]
    entry: Entry | None

    @property
    def label(self) -> str:
        return quote(self.graph.label(self.node.id))

    @property
    def report(self) -> NodeReport:
        return self.reports[self.node.id]

    @property
    def port(self) -> str:
        """The port the problem is about, else the first."""
        if self.problem.port:
            return self.problem.port
        return self.entry.ports[0].name if self.entry else "value"

    @property
    def parameter(self) -> str:
        return self.problem.parameter or ""

    def chosen(self, name: str, node: Node | None = None) -> Argument:
        """An argument as the person set it, at the constructor or the call; None if left out."""
        node = node or self.node
        owner = self.graph.owner_of(node)
        if owner is not None and name in owner.arguments:
            return owner.arguments[name]
        return node.arguments.get(name)

    def argument(self, name: str) -> Argument:
        """An argument as it is: set, inferred, or torch's default."""
        if name in self.report.arguments:
            return self.report.arguments[name]
        chosen = self.chosen(name)
        parameter = self.entry.parameter(name) if self.entry else None
        if chosen is None and parameter is not None and not parameter.required:
            return parameter.default  # type: ignore[return-value]
        return chosen

    def refs(self, port: str | None = None) -> list[Ref]:
        """What a port reads."""
        return list(iter_refs(self.node.arguments.get(port or self.port)))

    def value(self, ref: Ref) -> Value | None:
        """The value behind a reference, None where it is unknown."""
        ref = self.graph.resolve(ref)
        report = self.reports.get(ref.node)
        value = report.result if report else None
        for index in ref.path:
            if not isinstance(value, tuple) or index >= len(value):
                return None
            value = value[index]
        return value

    def tensor(self, ref: Ref) -> TensorSpec | None:
        """The one tensor behind a reference."""
        value = self.value(ref)
        return value if isinstance(value, TensorSpec) else None

    def arriving(self, port: str | None = None) -> TensorSpec | None:
        """The tensor at a port (of many: the first)."""
        refs = self.refs(port)
        return self.tensor(refs[0]) if refs else None

    def source(self, ref: Ref) -> Node | None:
        """The node behind a reference, past bypassed ones."""
        return self.graph.nodes.get(self.graph.resolve(ref).node)

    def origin(self, port: str | None = None) -> Node | None:
        """The node that gave a port's value its shape."""
        return origin_of(self.graph, next(iter(self.refs(port)), None), self.reports)

    def entry_of(self, node: Node) -> Entry | None:
        """What the catalogue knows of a node's target."""
        owner = self.graph.owner_of(node) or self.graph.held_by(node)
        try:
            return catalogue.get(owner.target if owner else node.target)
        except NotFound:
            return None

    def after(self, edit: Edit) -> Case:
        """The same problem in the network after an edit; the reports stay those of before."""
        root = apply(self.root, edit)
        graph = graph_at(root, self.scope)
        return replace(self, root=root, graph=graph, node=graph.nodes[self.node.id])

    def around(self) -> Case | None:
        """For a block's input: the case at the call of the block, at the port that feeds it."""
        source = self.source(self.refs()[0]) if self.refs() else None
        if not self.problem.scope or source is None or source.kind != "input":
            return None
        *scope, caller = self.problem.scope
        port = source.name or source.id
        there = replace(self.problem, node=caller, scope=tuple(scope), port=port)
        return locate(self.root, infer_shapes(self.root), there)

    # Edits ----------------------------------------------------------------------------------------

    def set(self, name: str, value: Argument, tier: int = 0, node: Node | None = None) -> Candidate:
        """Sets a constructor or call argument, of this node or of another one."""
        other = node if node is not None and node.id != self.node.id else None
        target = node or self.node
        where = f" of {quote(self.graph.label(target.id))}" if other else ""
        return Candidate(
            f"Set {name}{where} to {_written(value)}", self.setting(name, value, target), tier
        )

    def setting(self, name: str, value: Argument, node: Node | None = None) -> Edit:
        """The edit behind `set`."""
        node = node or self.node
        entry = self.entry_of(node)
        at_call = entry is not None and any(p.name == name for p in entry.call_parameters)
        kind = SetCallArgument if at_call or node.kind != "layer" else SetArgument
        return kind(node.id, name, value, scope=self.scope)

    def leave_out(self, name: str, tier: int = 1) -> Candidate:
        """Takes an argument away, so that it is inferred or torch's default."""
        parameter = self.entry.parameter(name) if self.entry else None
        follows = parameter is not None and parameter.inferred is not None
        label = f"Let {name} follow its input" if follows else f"Leave {name} out"
        at_call = self.node.kind != "layer" or name in self.node.arguments
        kind = SetCallArgument if at_call else SetArgument
        return Candidate(label, kind(self.node.id, name, UNSET, scope=self.scope), tier)

    def read(
        self,
        ref: Ref,
        label: str,
        tier: int = 0,
        port: str | None = None,
        replacing: Ref | None = None,
    ) -> Candidate:
        """Lets a port read something else, of many values in place of `replacing` (the first)."""
        port = port or self.port
        old = self.refs(port)
        argument: Argument = ref
        if old and isinstance(self.node.arguments.get(port), tuple):
            argument = map_refs(
                self.node.arguments[port], lambda r: ref if r == (replacing or old[0]) else r
            )
        return Candidate(
            label, SetCallArgument(self.node.id, port, argument, scope=self.scope), tier
        )

    def insert(
        self,
        steps: list[tuple[str, dict[str, Argument]]],
        tier: int = 0,
        *,
        ref: Ref | None = None,
        replacing: Ref | None = None,
        port: str | None = None,
        label: str = "",
        then: tuple[Edit, ...] = (),
    ) -> Iterator[Candidate]:
        """Puts nodes between a port and what it reads, leaving all other readers as they are.

        The first node reads `ref` (by default what the port reads first), the last one is read in
        place of `replacing` (by default `ref`).
        """
        port = port or self.port
        read = ref or next(iter(self.refs(port)), None)
        if read is None or read.node not in self.graph.nodes:
            return
        edits: list[Edit] = []
        root, value = self.root, read
        for target, arguments in steps:
            entry = catalogue.get(target)
            graph = graph_at(root, self.scope)
            identity = _free(entry.name.lower(), graph)
            add = AddNode(
                target,
                after=value.node,
                arguments={entry.ports[0].name: value, **arguments},
                id=identity,
                scope=self.scope,
            )
            after = apply(root, add)
            undo = [
                SetCallArgument(node.id, name, argument, scope=self.scope)
                for node in graph.nodes.values()
                for name, argument in node.arguments.items()
                if graph_at(after, self.scope).nodes[node.id] is not node
                and graph_at(after, self.scope).nodes[node.id].arguments.get(name) != argument
            ]
            edits += [add, *undo]
            for edit in undo:
                after = apply(after, edit)
            root, value = after, Ref(identity)
        old = self.node.arguments[port]
        instead = replacing or read
        rewired = map_refs(old, lambda r: value if r == instead else r)
        edits.append(SetCallArgument(self.node.id, port, rewired, scope=self.scope))
        names = " and ".join(_readable(target, arguments) for target, arguments in steps)
        label = label or f"Insert {names} before {self.label}"
        yield Candidate(label, Several((*edits, *then), label), tier)

    def swap(
        self, target: str, tier: int = 0, more: Mapping[str, Argument] | None = None
    ) -> Iterator[Candidate]:
        """Puts a layer of another kind in this one's place, with the arguments both know and `more`."""
        entry, owner = catalogue.get(target), self.graph.owner_of(self.node)
        refs = self.refs(self.entry.ports[0].name) if self.entry else []
        if not refs or (owner is not None and len(self.graph.calls_of(owner.id)) > 1):
            return
        known = {p.name for p in (*entry.parameters, *entry.call_parameters)}
        old = owner.arguments if owner is not None else self.node.arguments
        arguments = {n: v for n, v in old.items() if n in known} | dict(more or {})
        identity = _free(entry.name.lower(), self.graph)
        edits: list[Edit] = [
            AddNode(
                target,
                after=refs[0].node,
                arguments={entry.ports[0].name: refs[0], **arguments},
                id=identity,
                scope=self.scope,
            )
        ]
        changed = graph_at(apply(self.root, edits[0]), self.scope)
        for node in self.graph.nodes.values():
            for name, argument in node.arguments.items():
                wanted = map_refs(
                    argument, lambda r: Ref(identity, r.path) if r.node == self.node.id else r
                )
                if changed.nodes[node.id].arguments.get(name) != wanted and node.id != self.node.id:
                    edits.append(SetCallArgument(node.id, name, wanted, scope=self.scope))
        edits.append(DeleteNode(self.node.id, scope=self.scope))
        name = owner.name if owner is not None else self.node.name
        if name and self.entry is not None and self.entry.name.lower() not in name.lower():
            edits.append(Rename(identity, name, scope=self.scope))
        label = f"Use {entry.name} in place of {self.entry.name if self.entry else 'it'}"
        yield Candidate(label, Several(tuple(edits), label), tier)


def locate(root: Graph, report: ShapeReport, problem: Diagnostic) -> Case | None:
    """The case of a problem; None where its node is gone or nothing is known of it."""
    graph, scope, nodes, rest = root, "", report, problem
    for caller in problem.scope:
        node = graph.nodes.get(caller)
        owner = graph.owner_of(node) if node else None
        bodies = nodes.nodes[caller].body if caller in nodes.nodes else ()
        if owner is None or owner.block is None or owner.block not in root.blocks or not bodies:
            return None
        rest = replace(rest, scope=rest.scope[1:])
        nodes = next((b for b in bodies if any(p.same_place(rest) for p in b.problems)), bodies[0])
        scope, graph = owner.block, root.blocks[owner.block]
    if problem.node not in graph.nodes:
        return None
    node = graph.nodes[problem.node]
    case = Case(root, scope, graph, node, problem, nodes.nodes, None)
    return replace(case, entry=case.entry_of(node))


def _free(stem: str, graph: Graph) -> str:
    number, identity = 1, stem
    while identity in graph.nodes or identity in graph.owners:
        number += 1
        identity = f"{stem}_{number}"
    return identity


def _readable(target: str, arguments: Mapping[str, Argument]) -> str:
    """“Flatten”, “Linear to 64”: what is inserted, with the one number that matters."""
    name = catalogue.get(target).name
    for size in ("out_features", "out_channels", "num_embeddings"):
        if size in arguments:
            return f"{name}({size}={arguments[size]})"
    if not arguments or name in ("float", "long", "bool"):
        return f".{name}()" if name in ("float", "long", "bool") else name
    shown = ", ".join(f"{n}={_written(v)}" for n, v in arguments.items())
    return f"{name}({shown})"


def _written(value: Argument) -> str:
    """A value as code writes it; what holds a slice is written as an index: [:, -1]."""
    parts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, Slice) or part is ... for part in parts):
        return "[" + ", ".join(_part_of_index(part) for part in parts) + "]"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, tuple):
        return (
            "("
            + ", ".join(_written(part) for part in value)
            + ("," if len(value) == 1 else "")
            + ")"
        )
    if isinstance(value, int | float | bool) or value is None:
        return str(value)
    if isinstance(value, Size):
        return f"x.size({value.dim})"
    if isinstance(value, Calc):
        return f"{_written(value.left)} {value.op} {_written(value.right)}"
    return "x.size(…)"


def _part_of_index(part: Argument) -> str:
    if part is ...:
        return "..."
    if not isinstance(part, Slice):
        return _written(part)
    bounds = ["" if b is None else _written(b) for b in (part.start, part.stop, part.step)]
    return ":".join(bounds if bounds[2] else bounds[:2])
