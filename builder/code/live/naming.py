"""A name of its own for every part of a graph that a text has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from builder.code.live.parts import stem
from builder.graph.model import Node, Owner
from builder.graph.names import name_for, suggest_name

if TYPE_CHECKING:
    from builder.code.live.carrying import Carrier


def give_names(made: Carrier, nodes: dict[str, Node], owners: dict[str, Owner]) -> None:
    """The graph's own names, or the text's where that is another now; numbers are no names."""
    taken = set(made.settings)
    rest: list[tuple[str, str]] = []
    for owner in made.new.owners.values():
        identity = made.owner_ids[owner.id]
        old, mine = made.before.get(owner.id, (None, None))
        if mine is not None and old is not None:
            number = mine.name.isdecimal() and owner.name.isdecimal()
            renamed = owner.name != old.name and (owner.id not in made.nameless or number)
            wish = owner.name if renamed else mine.name
        elif owner.id in made.nameless and not made.numbered():
            rest.append((identity, ""))
            continue
        else:
            wish = owner.name
        if wish in taken:
            rest.append((identity, wish))
            continue
        taken.add(wish)
        owners[identity] = replace(owners[identity], name=wish)
    for identity, node in nodes.items():
        if identity in made.extras:
            owner_of = owners.get(node.target)
            taken.add(owner_of.name if owner_of else node.name)
    taken |= {o.name for i, o in owners.items() if i in made.extra_owners}
    for node in made.new.nodes.values():
        mine_node, identity = nodes[made.ids[node.id]], made.ids[node.id]
        if mine_node.kind in ("layer", "weight"):
            continue
        old_node = made.old.nodes.get(made.back.get(node.id, ""))
        known = made.graph.nodes.get(identity)
        wish = node.name
        if known is not None and old_node is not None and known.kind not in ("layer", "weight"):
            same = stem(old_node.name) == stem(node.name)
            wish = known.name if same else node.name
        wish = suggest_name(wish, taken) if wish in taken else wish
        taken.add(wish)
        nodes[identity] = replace(mine_node, name=wish)
    for identity, wish in rest:
        name = suggest_name(wish, taken) if wish else name_for(owners[identity].target, taken)
        taken.add(name)
        owners[identity] = replace(owners[identity], name=name)
