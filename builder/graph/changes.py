"""What two versions of a network differ in, in words: which layers, not where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.errors import quote
from builder.graph.model import Graph, Node, Owner, Ref, map_refs
from builder.graph.size import format_layers


def change_words(before: Graph, now: Graph) -> str:
    """What was done between them, to go on after “before”: "“conv2” was changed"; "" for nothing.

    Places, notes and frames are no difference.
    """
    if before == now:
        return ""
    old, new = _parts(before), _parts(now)
    both = [i for i in new if i in old]
    changed = [i for i in both if _unwired(old[i]) != _unwired(new[i])]
    added = [i for i in new if i not in old]
    gone = [i for i in old if i not in new]
    said = [
        _said([now.label(i) for i in changed], "changed"),
        _said([now.label(i) for i in added], "added"),
        _said([before.label(i) for i in gone], "deleted"),
    ]
    if not any(said):
        said = [_said([now.label(i) for i in both if old[i] != new[i]], "rewired")]
    if words := [each for each in said if each]:
        return " and ".join([", ".join(words[:-1]), words[-1]]) if words[1:] else words[0]
    blocks = [name for name, block in now.blocks.items() if _block_changed(before, name, block)]
    if blocks:
        return _said(blocks, "changed", "block ")
    same = before.settings == now.settings and before.name == now.name
    same = same and list(old) == list(new)
    return "" if same else "its order or its settings were changed"


def _parts(graph: Graph) -> Mapping[str, tuple[Node, Owner | None]]:
    """Every node as it works, with what it calls."""
    return {
        node.id: (replace(node, position=None, note=""), graph.owner_of(node))
        for node in graph.nodes.values()
    }


def _unwired(part: tuple[Node, Owner | None]) -> tuple[Node, Owner | None]:
    """A layer without what it reads: one that is put in front of it changes no more than that."""
    node, owner = part
    held = {name: map_refs(value, lambda _: Ref("")) for name, value in node.arguments.items()}
    return replace(node, arguments=held), owner


def _block_changed(before: Graph, name: str, block: Graph) -> bool:
    old = before.blocks.get(name)
    return old is None or change_words(replace(old, blocks={}), replace(block, blocks={})) != ""


def _said(names: list[str], verb: str, kind: str = "") -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"{kind}{quote(names[0])} was {verb}"
    if kind:
        return f"{len(names)} {kind.strip()}s were {verb}"
    return f"{format_layers(len(names))} were {verb}"
