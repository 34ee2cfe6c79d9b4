"""What an edited text did to a network, in the few words of an undo button."""

from __future__ import annotations

from collections.abc import Iterator

from builder.errors import quote
from builder.graph.allowed_norms import norm_words
from builder.graph.edits.wording import shown_value
from builder.graph.model import Argument, Graph, Node, iter_refs

_MOST = 60  # characters of what is said behind "code: "


def label_of(before: Graph, after: Graph) -> str:
    """ "code: conv2 out_channels 32 → 64"."""
    changes = sorted(_changes(before, after), key=lambda said: not said.startswith("new "))
    said = [
        c for c in changes if c.startswith("new ") or c.endswith((" removed", " no longer called"))
    ]
    changes = [c for c in changes if not (said and " reads " in c)]
    for name, block in after.blocks.items():
        if name in before.blocks:
            changes += [f"{c} in {name}" for c in _changes(before.blocks[name], block)]
        else:
            changes.append(f"new class {name}")
    changes += [f"class {name} removed" for name in before.blocks if name not in after.blocks]
    if before.name != after.name:
        changes.append(f"{before.name} is now {after.name}")
    if not changes:
        return "code: order changed"
    if len(changes) > 1:
        first = f"{changes[0]} and {len(changes) - 1} more"
        return f"code: {first}" if len(first) <= _MOST else f"code: {len(changes)} changes"
    return f"code: {changes[0]}"


def _changes(before: Graph, after: Graph) -> Iterator[str]:
    for name, value in after.settings.items():
        if name not in before.settings or before.settings[name] != value:
            yield f"{name} {_shown(before.settings.get(name), before)} → {_shown(value, after)}"
    for identity, node in after.nodes.items():
        old = before.nodes.get(identity)
        if old is None:
            yield f"new {_called(after, node)}"
            continue
        was, now = before.label(identity), after.label(identity)
        if was != now:
            yield f"{_short(was)} is now {_short(now)}"
        yield from _arguments(before, after, old, node)
    yield from (
        f"new {_short(owner.name)}, called nowhere yet"
        for identity, owner in after.owners.items()
        if identity not in before.owners and not after.calls_of(identity)
    )
    for identity, node in before.nodes.items():
        if identity in after.nodes:
            continue
        owner = before.owner_of(node)
        still = owner is not None and owner.id in after.owners and not after.calls_of(owner.id)
        yield f"{_called(before, node)} {'no longer called' if still else 'removed'}"


def _arguments(before: Graph, after: Graph, old: Node, new: Node) -> Iterator[str]:
    name = _called(after, new)
    one, other = before.stands_for(old), after.stands_for(new)
    if (one.target if one else old.target) != (other.target if other else new.target):
        kind = (other.target if other else new.target).rpartition(".")[2].rpartition(":")[2]
        yield f"{name} is a {kind}"
        return
    if old.spec != new.spec:
        yield f"{name} {old.spec} → {new.spec}"
    had = {**(one.arguments if one else {}), **old.arguments}
    has = {**(other.arguments if other else {}), **new.arguments}
    for key in [*had, *(k for k in has if k not in had)]:
        if had.get(key) == has.get(key):
            continue
        if [*iter_refs(had.get(key)), *iter_refs(has.get(key))]:
            yield f"{name} reads {_shown(has.get(key), after)}"
            continue
        yield f"{name} {key} {_shown(had.get(key), before)} → {_shown(has.get(key), after)}"
    if one and other and one.norms != other.norms:
        yield f"{name} {' and '.join(map(norm_words, other.norms)) or 'is not normalized'}"
    if one and other and one.repeat != other.repeat:
        yield f"{name} {one.repeat}× → {other.repeat}×"


def _shown(value: Argument, graph: Graph) -> str:
    return "default" if value is None else shown_value(value, graph)


def _called(graph: Graph, node: Node) -> str:
    return _short(graph.label(node.id))


def _short(name: str) -> str:
    return name if name.isidentifier() and len(name) <= 30 else quote(name, 30)
