"""What an edit would do to the rest of the network, said before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from builder import catalogue
from builder.graph import meta
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import Edit, Several, apply
from builder.graph.model import PARAMETER, Argument, Graph, Norm, Owner, TensorSpec
from builder.graph.norms import tensors_with_norms
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.shapes import infer_shapes

Shapes: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]
"""Names and shapes of what a layer has in its `state_dict`, in its order."""


@dataclass(frozen=True, slots=True)
class Effect:
    """`changed`: nodes that stay but give another shape, or none any more, or are built with weights of
    another shape; in running order, in the graph the edit works in, in whichever of a block's calls.
    `elsewhere`: the same in all other graphs, each as (scope, node).

    `lost`: paths in the `state_dict` whose parameters vanish or get another shape, repetitions
    written out ("encoder.0.fc"); `shapes`: of each the names and shapes of its parameters and buffers now.
    `problems`: those the network has afterwards and has not now.
    """

    changed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    shapes: Mapping[str, Shapes] = field(default_factory=dict, compare=False)


def effect_of(graph: Graph, edit: Edit) -> Effect:
    """What the edit changes apart from what it is about.

    Errors: EditRefused, as `apply`.
    """
    after = apply(graph, edit)
    before_report, after_report = infer_shapes(graph), infer_shapes(after)
    had, has = _Weights(graph, before_report), _Weights(after, after_report)
    changed = list(_changed(_runs(graph, before_report), _runs(after, after_report)))
    here = scope_of(edit)
    lost = {path: _shapes(made) for path, made in had.made.items() if has.lack(path, made)}
    return Effect(
        tuple(node for scope, node in changed if scope == here),
        tuple(lost),
        tuple(
            p
            for p in after_report.problems
            if not any(p.same_place(other) for other in before_report.problems)
        ),
        elsewhere=tuple((scope, node) for scope, node in changed if scope != here),
        shapes=lost,
    )


def scope_of(edit: Edit) -> str:
    """The graph an edit works in; of several, that of the first."""
    while isinstance(edit, Several):
        if not edit.edits:
            return ""
        edit = edit.edits[0]
    return edit.scope


_Runs = Mapping[str, list[tuple[Graph, ShapeReport]]]


def _runs(root: Graph, report: ShapeReport) -> _Runs:
    """Every graph by its scope, with a report for each time it runs; equal repetitions count once."""
    found: dict[str, list[tuple[Graph, ShapeReport]]] = {"": [(root, report)]}
    waiting = [(root, report)]
    while waiting:
        graph, current = waiting.pop(0)
        for identity, node in current.nodes.items():
            owner = graph.owner_of(graph.nodes[identity])
            if owner is None or owner.block is None or owner.block not in root.blocks:
                continue
            for body in {id(body): body for body in node.body}.values():
                run = (root.blocks[owner.block], body)
                found.setdefault(owner.block, []).append(run)
                waiting.append(run)
    return found


def _changed(before: _Runs, after: _Runs) -> Iterator[tuple[str, str]]:
    """Each node that is another one in some run of its graph, with its scope."""
    for scope, runs in before.items():
        pairs = list(zip(runs, after.get(scope, ()), strict=False))
        for identity in runs[0][0].nodes:
            if any(_differs(identity, *pair) for pair in pairs):
                yield scope, identity


def _differs(
    identity: str, before: tuple[Graph, ShapeReport], after: tuple[Graph, ShapeReport]
) -> bool:
    (graph, was), (new_graph, now) = before, after
    old, new = was.nodes.get(identity), now.nodes.get(identity)
    if old is None or new is None or old.result is None:
        return False
    if old.result != new.result:
        return True
    owner, other = (
        graph.owner_of(graph.nodes[identity]),
        new_graph.owner_of(new_graph.nodes[identity]),
    )
    if owner is None or other is None or owner.block is not None or owner.target != other.target:
        return False
    same = old.arguments == new.arguments and owner.norms == other.norms
    if same or not (old.parameters and new.parameters):
        return False
    return _shapes(_made(owner, old)) != _shapes(_made(other, new))


_Made = tuple[str, Mapping[str, Argument], tuple[Norm, ...]]


class _Weights:
    """Where a network keeps weights: each path of its `state_dict`, with what decides their shapes.

    `unknown`: paths of layers and blocks that cannot be built now, as nothing reaches them.
    """

    def __init__(self, root: Graph, report: ShapeReport) -> None:
        self.made: dict[str, _Made] = {}
        self.unknown: set[str] = set()
        self._collect(root, "", root, report)

    def lack(self, path: str, made: _Made) -> bool:
        """Whether weights made so are not to be found under the path any more."""
        if path in self.made:
            now = self.made[path]
            return now != made and _shapes(now) != _shapes(made)
        parts = path.split(".")
        return not any(".".join(parts[: i + 1]) in self.unknown for i in range(len(parts)))

    def _collect(self, root: Graph, prefix: str, graph: Graph, report: ShapeReport) -> None:
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            if owner is None:
                continue
            one, path = report.nodes[node.id], prefix + owner.name
            if owner.block is not None:
                bodies = one.body[:1] if owner.shared else one.body
                for i, body in enumerate(bodies):
                    own = f"{path}.{i}." if owner.repeat > 1 and not owner.shared else f"{path}."
                    self._collect(root, own, root.blocks[owner.block], body)
                if len(bodies) < (1 if owner.shared else owner.repeat):
                    self.unknown.add(path)
            elif one.parameters + one.buffers or owner.ties:
                self.made.setdefault(path, _made(owner, one))
            elif one.result is None:
                self.unknown.add(path)
        for owner in graph.owners.values():
            made = report.owned.get(owner.id)
            if owner.raw and owner.arguments.get("persistent") is not False:
                self._keep(prefix + owner.name, made)
            elif made is not None:
                self.made[prefix + owner.name] = _made(owner, made)

    def _keep(self, path: str, made: NodeReport | None) -> None:
        if made is None or not isinstance(made.result, TensorSpec):
            self.unknown.add(path)
        else:
            self.made[path] = (PARAMETER, {"size": tuple(made.result.shape)}, ())


def _made(owner: Owner, report: NodeReport) -> _Made:
    return owner.target, report.arguments, owner.norms


def _shapes(made: _Made) -> Shapes:
    """The names and shapes of the weights of a layer that was built before."""
    target, arguments, norms = made
    if target == PARAMETER:
        return (("", arguments["size"]),)  # type: ignore[return-value]
    if norms:
        owner = Owner("", "", target, norms=norms)
        found = tensors_with_norms(owner, NodeReport(arguments=arguments))
        return tuple((name, tuple(map(int, spec.shape))) for name, (spec, _) in found.items())
    module = meta.build(catalogue.get(target), arguments)
    return tuple((name, tuple(value.shape)) for name, value in module.state_dict().items())
