"""What grouping must not change: which nodes run at all, and the order of those that must keep it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from builder.errors import EditRefused, quote
from builder.graph.model import Argument, Graph, Node, Ref, iter_refs, refs_in

_DRAWS = re.compile(
    r"dropout|rand|bernoulli|multinomial|normal_|torch\.normal|rrelu|fractional|gumbel", re.I
)
_DRAWS_BY_DEFAULT = re.compile(r"torch\.nn\.Transformer")


def refuse_lost_branch(graph: Graph, chosen: Collection[str]) -> None:
    """A side of a branch runs only when it is chosen; a block runs whole. EditRefused if that clashes."""
    branches = [n for n in graph.nodes.values() if n.kind == "branch" and not n.bypassed]
    for branch in branches:
        label = quote(graph.label(branch.id))
        for side in ("if_true", "if_false"):
            only_here = _runs_only_for(graph, branch, side)
            inside = [i for i in chosen if i in only_here]
            if branch.id not in chosen and inside and len(inside) < len(chosen):
                raise EditRefused(
                    f"{quote(graph.label(inside[0]))} runs only on one side of the branch {label}, and a block runs "
                    "as a whole. Choose nodes of one side only, or the branch with both its sides."
                )
            missing = [i for i in only_here if i not in chosen]
            if branch.id in chosen and missing:
                raise EditRefused(
                    f"{quote(graph.label(missing[0]))} runs only when the branch {label} needs it. "
                    "Choose it too, or leave the branch out."
                )


def refuse_passing(
    root: Graph, graph: Graph, chosen: Collection[str], order: list[str], call: str
) -> None:
    """Grouped nodes come to stand together. EditRefused where a node they pass must keep its place."""
    old = {identity: i for i, identity in enumerate(graph.nodes)}
    new = {identity: i for i, identity in enumerate(order)}
    members = [graph.nodes[i] for i in graph.nodes if i in chosen]
    first, last = old[members[0].id], old[members[-1].id]
    for other in list(graph.nodes.values())[first:last]:
        if other.id in chosen:
            continue
        for member in members:
            passes = (old[member.id] < old[other.id]) != (new[call] < new[other.id])
            if passes and _must_keep_order(root, graph, member, other):
                raise EditRefused(
                    f"{quote(graph.label(other.id))} stands between the nodes of the group, and its order with "
                    f"{quote(graph.label(member.id))} is part of the meaning (random numbers, or a value changed in "
                    "place). Choose it too, or move it first."
                )


def swaps_meaning(root: Graph, graph: Graph, one: Collection[str], other: Collection[str]) -> bool:
    """Whether some of `one` must keep their order with some of `other`, when they pass each other."""

    def any_of(
        chosen: Collection[str], holds: Callable[[str, Mapping[str, Argument]], bool]
    ) -> bool:
        return any(_any(root, graph, graph.nodes[i], holds) for i in chosen)

    if not one or not other:
        return False
    if any_of(one, _in_place) or any_of(other, _in_place):
        return True
    return any_of(one, _draws) and any_of(other, _draws)


def _runs_only_for(graph: Graph, branch: Node, side: str) -> set[str]:
    """The nodes that no output needs but through this side of the branch; inputs do not run."""
    through = _needed(graph, list(iter_refs(branch.arguments.get(side))))
    outputs = [ref for node in graph.outputs for ref in refs_in(node)]
    otherwise = _needed(graph, outputs, branch.id, side)
    return {i for i in through - otherwise if graph.nodes[i].kind != "input"}


def _needed(graph: Graph, refs: list[Ref], branch: str = "", without: str = "") -> set[str]:
    """The nodes worked out for these values, without one side of one branch."""
    found: set[str] = set()
    waiting = [ref.node for ref in refs]
    while waiting:
        identity = waiting.pop()
        if identity not in found:
            found.add(identity)
            for name, argument in graph.nodes[identity].arguments.items():
                if identity != branch or name != without:
                    waiting += [ref.node for ref in iter_refs(argument)]
    return found


def _must_keep_order(root: Graph, graph: Graph, one: Node, other: Node) -> bool:
    both_draw = _any(root, graph, one, _draws) and _any(root, graph, other, _draws)
    return both_draw or _any(root, graph, one, _in_place) or _any(root, graph, other, _in_place)


def _any(
    root: Graph, graph: Graph, node: Node, holds: Callable[[str, Mapping[str, Argument]], bool]
) -> bool:
    return any(holds(*call) for call in _calls(root, graph, node))


def _calls(root: Graph, graph: Graph, node: Node) -> Iterator[tuple[str, Mapping[str, Argument]]]:
    """The targets that run in a node, blocks opened, with the arguments of each."""
    if node.kind == "weight":
        return
    owner = graph.owner_of(node)
    if owner is not None and owner.block is not None:
        block = root.blocks[owner.block]
        for inner in block.nodes.values():
            yield from _calls(root, block, inner)
    else:
        arguments = {**(owner.arguments if owner else {}), **node.arguments}
        yield owner.target if owner else node.target, arguments


def _draws(target: str, arguments: Mapping[str, Argument]) -> bool:
    dropout = arguments.get("dropout", 0.1 if _DRAWS_BY_DEFAULT.match(target) else 0)
    return dropout != 0 or bool(_DRAWS.search(target))


def _in_place(target: str, arguments: Mapping[str, Argument]) -> bool:
    return arguments.get("inplace", False) is not False or target.endswith("_")
