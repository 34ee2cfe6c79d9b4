"""What was changed between two readings of a text, done to the graph that the first one shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from builder.code.live.flat import Flat
from builder.code.live.naming import give_names
from builder.code.live.pairing import pairs, same_in_order
from builder.code.live.parts import (
    doing,
    inferred,
    literals_of,
    meant,
    read_by,
    ties_by_name,
    value_of,
)
from builder.code.live.weaving import woven
from builder.graph.blocks import blocks_inside
from builder.graph.edits.lookup import free_id
from builder.graph.model import (
    BLOCK_PREFIX,
    Argument,
    Graph,
    Literals,
    Node,
    Owner,
    Ref,
    map_refs,
    primary_input,
    refs_in,
)
from builder.graph.names import class_names, name_for, names_in, suggest_name

_GONE: Final = Ref("\0gone")


def carried(graph: Graph, was: Flat, now: Flat) -> Graph:
    """The graph as the text has it now. `was`: how the text reads that shows the graph today."""
    blocks = _Blocks(graph, was, now)
    settings = _settings(graph, was, now)
    root = _scope(blocks, "", "", "", settings)
    made: dict[str, Graph] = {}
    while left := [name for name in blocks.wanted if name not in made]:
        for name in left:
            made[name] = blocks.make(name)
    title = now.graph.name if now.graph.name != was.graph.name else graph.name
    return replace(root, name=title, blocks={**blocks.kept, **made}, frames=graph.frames)


def _settings(graph: Graph, was: Flat, now: Flat) -> dict[str, Literals]:
    """The settings of the network: as the text makes it; those it does not read are as they were."""
    found: dict[str, Literals] = {}
    for name, value in graph.settings.items():
        if name in was.settings and name not in now.settings:
            continue  # taken out of the constructor
        found[name] = value
        if now.settings.get(name) != was.settings.get(name) and name in now.settings:
            found[name] = now.settings[name]  # type: ignore[assignment]
    if all(name in found for name in now.graph.settings):
        return {**found, **now.graph.settings}
    return {**now.graph.settings, **{n: v for n, v in found.items() if n not in now.graph.settings}}


class _Blocks:
    """Which block of the text is which block of the graph; each is made when it is first called."""

    def __init__(self, graph: Graph, was: Flat, now: Flat) -> None:
        self.graph, self.was, self.now = graph, was, now
        self.wanted: dict[str, tuple[str, str, str]] = {}  # new name → block of graph, was, now
        self.called: dict[str, str] = {}  # block of now → new name
        self.kept: dict[str, Graph] = {}  # what only stands where no text has it

    def name(self, now: str, was: str | None, here: str | None) -> str:
        """What a block of the text is called in the new graph."""
        if now in self.called:
            return self.called[now]
        if was is None and now in self.was.graph.blocks:
            was = now
        if here is None and was in self.graph.blocks:
            here = was
        title = here if here and (was == now or was is None) else now
        taken = {*self.wanted, *({self.now.graph.name} | class_names(Graph(self.now.graph.name)))}
        self.called[now] = suggest_name(title, taken)
        self.wanted[self.called[now]] = (here or "", was or "", now)
        return self.called[now]

    def keep(self, block: str) -> None:
        """Keeps a block of the graph as it is, with what is inside."""
        for name in blocks_inside(self.graph, block):
            self.kept.setdefault(name, self.graph.blocks[name])

    def make(self, name: str) -> Graph:
        here, was, now = self.wanted[name]
        settings = dict(self.now.graph.blocks[now].settings)
        return replace(_scope(self, here, was, now, settings), name=name)


def _scope(
    blocks: _Blocks, here: str, was: str, now: str, settings: Mapping[str, Literals]
) -> Graph:
    """One graph of the network: the root (""), or a block."""
    root = now == ""
    new = blocks.now.graph if root else blocks.now.graph.blocks[now]
    empty = Graph()
    old = blocks.was.graph if root else blocks.was.graph.blocks.get(was, empty)
    graph = blocks.graph if root else blocks.graph.blocks.get(here, empty)
    old_nameless = {o for scope, o in blocks.was.nameless if scope == was}
    new_nameless = {o for scope, o in blocks.now.nameless if scope == now}
    to_graph = same_in_order(old, graph) or pairs(old, graph, old_nameless)
    to_new = pairs(old, new, old_nameless, new_nameless)
    return Carrier(blocks, graph, old, new, to_graph, to_new, new_nameless, settings).graph_now()


@dataclass
class Carrier:
    """`graph` is what is shown, `old` how its text read, `new` how it reads now."""

    blocks: _Blocks
    graph: Graph
    old: Graph
    new: Graph
    to_graph: Mapping[str, str]
    to_new: Mapping[str, str]
    nameless: set[str]
    settings: Mapping[str, Literals]

    def __post_init__(self) -> None:
        self.back = {there: here for here, there in self.to_new.items()}
        self.ids: dict[str, str] = {}  # node of new → its id
        taken = set(self.graph.nodes)
        for node in self.new.nodes.values():
            kept = self.to_graph.get(self.back.get(node.id, ""))
            if kept is None:
                kept = free_id(None, self._wish(node), taken)
                taken.add(kept)
            self.ids[node.id] = kept
        self.owner_ids: dict[str, str] = {}  # owner of new → its id
        self.before: dict[str, tuple[Owner, Owner]] = {}  # owner of new → of old, of graph
        self.extras = [i for i in self.graph.nodes if i not in set(self.to_graph.values())]
        self._pair_owners()

    def graph_now(self) -> Graph:
        taken_by_rest = self.graph.owners.keys() - {g.id for _, g in self.before.values()}
        for owner in self.new.owners.values():
            if owner.id in self.before:
                self.owner_ids[owner.id] = self.before[owner.id][1].id
        taken = {*self.owner_ids.values(), *taken_by_rest}
        for owner in self.new.owners.values():
            if owner.id not in self.owner_ids:
                wish = owner.name if owner.id not in self.nameless else self._title(owner)
                self.owner_ids[owner.id] = free_id(None, wish, taken)
                taken.add(self.owner_ids[owner.id])
        self.extra_owners: dict[str, Owner] = {}
        nodes = {self.ids[n.id]: self._node(n) for n in self.new.nodes.values()}
        owners = {self.owner_ids[o.id]: self._owner(o) for o in self.new.owners.values()}
        owners |= self.extra_owners
        self._keep_extras(nodes, owners)
        give_names(self, nodes, owners)
        called = {n.target for n in nodes.values() if n.kind in ("layer", "weight")}
        known = {self.owner_ids[i] for i, o in self.new.owners.items() if not self.new.calls_of(i)}
        known |= {o for own in owners.values() for o, _ in own.ties.values()}
        owners = {i: o for i, o in owners.items() if i in called or i in known}
        kept = [self.to_graph[i] for i in self.old.nodes if i in self.to_graph]
        order = woven(
            list(self.graph.nodes),
            [i for i in kept if i in nodes],
            [self.ids[i] for i in self.new.nodes],
            {i: [r.node for r in refs_in(n)] for i, n in nodes.items()},
        )
        owner_order = woven(
            list(self.graph.owners),
            [g.id for o in self.old.owners.values() for b, g in self.before.values() if b is o],
            [self.owner_ids[i] for i in self.new.owners],
            {},
        )
        return replace(
            self.graph,
            nodes={i: nodes[i] for i in order if i in nodes},
            owners={i: owners[i] for i in [*owner_order, *owners] if i in owners},
            settings=self.settings,
            blocks={},
        )

    # Owners ------------------------------------------------------------------------------------

    def _pair_owners(self) -> None:
        used: set[str] = set()
        for node in self.new.nodes.values():
            old = self.old.nodes.get(self.back.get(node.id, ""))
            mine = self.graph.nodes.get(self.ids[node.id])
            held = ("layer", "weight")
            if old is None or mine is None or node.target in self.before:
                continue
            if node.kind in held and old.kind in held and mine.kind in held:
                one, other = self.old.owners[old.target], self.graph.owners[mine.target]
                if one.id not in used and other.id not in used:
                    self.before[node.target] = one, other
                    used |= {one.id, other.id}
        mine_by_name = {o.name: o for o in self.graph.owners.values()}
        old_by_name = {o.name: o for o in self.old.owners.values()}
        for owner in self.new.owners.values():
            pair = old_by_name.get(owner.name), mine_by_name.get(owner.name)
            if owner.id in self.before or pair[0] is None or pair[1] is None:
                continue
            if (
                pair[0].id not in used
                and pair[1].id not in used
                and not self.new.calls_of(owner.id)
            ):
                self.before[owner.id] = pair[0], pair[1]

    def _owner(self, owner: Owner) -> Owner:
        identity = self.owner_ids[owner.id]
        old, mine = self.before.get(owner.id, (None, None))
        ties = {p: (self.owner_ids[i], q) for p, (i, q) in owner.ties.items()}
        target = owner.target
        if owner.block is not None:
            target = BLOCK_PREFIX + self.blocks.name(
                owner.block, old.block if old else None, mine.block if mine else None
            )
        arguments = dict(owner.arguments)
        if owner.made_by:
            arguments["made_by"] = self.blocks.name(
                owner.made_by, old.made_by if old else None, None
            )
        if old is None or mine is None:
            kept = meant(target, arguments) if self.new.calls_of(owner.id) else arguments
            return replace(owner, id=identity, target=target, ties=ties, arguments=kept)
        mine_kind, new_kind = (mine.target, target)
        if old.block is None and owner.block is None and old.target == owner.target:
            new_kind, arguments = mine_kind, self._merged(mine, old.arguments, arguments)
        elif old.block is not None and owner.block is not None:
            arguments = self._merged(mine, old.arguments, arguments)
        else:
            arguments = meant(target, arguments)
        if not self.new.calls_of(owner.id):  # nothing comes in that would say its sizes
            arguments = {**owner.arguments, **arguments}
        same_ties = ties_by_name(self.old, old) == ties_by_name(self.new, owner)
        return replace(
            mine,
            target=new_kind,
            arguments=arguments,
            repeat=owner.repeat if owner.repeat != old.repeat else mine.repeat,
            shared=owner.shared if owner.shared != old.shared else mine.shared,
            norms=owner.norms if owner.norms != old.norms else mine.norms,
            ties=mine.ties if same_ties and mine.ties.keys() == ties.keys() else ties,
        )

    def _merged(
        self, mine: Owner, old: Mapping[str, Argument], new: Mapping[str, Argument]
    ) -> dict[str, Argument]:
        """The arguments of the graph, with those that the text has changed."""
        found = dict(mine.arguments)
        sizes = inferred(mine.target)
        for name in [*old, *(n for n in new if n not in old)]:
            if name in new and name in old and old[name] == new[name]:
                continue
            if name not in new:
                found.pop(name, None)
            elif name in found and value_of(found[name], self.settings) == new[name]:
                continue  # a setting that was changed itself
            elif name in sizes and name not in found:
                continue  # the text fits, so this is what comes in
            else:
                found[name] = new[name]
        return found

    # Nodes -------------------------------------------------------------------------------------

    def _node(self, node: Node) -> Node:
        identity = self.ids[node.id]
        mine = self.graph.nodes.get(identity)
        old = self.old.nodes.get(self.back.get(node.id, ""))
        if mine is None or old is None:
            return self._taken(node)
        spec = node.spec if node.spec != old.spec else mine.spec
        if mine.kind == old.kind and old.kind == node.kind:
            same_call = node.kind != "operation" or old.target == node.target
            arguments = self._called(mine, old, node) if same_call else self._taken(node).arguments
            target = mine.target
            if node.kind in ("layer", "weight"):
                target = self.owner_ids[node.target]
            elif not same_call:
                target = node.target
            return replace(mine, target=target, arguments=arguments, spec=spec)
        if doing(self.old, old) == doing(self.new, node):
            return self._otherwise_written(mine, old, node)
        taken = self._taken(node)
        return replace(taken, note=mine.note, position=mine.position)

    def _taken(self, node: Node) -> Node:
        """A node as it was read."""
        arguments = {k: map_refs(a, self._ref) for k, a in node.arguments.items()}
        target = self.owner_ids[node.target] if node.kind in ("layer", "weight") else node.target
        return replace(node, id=self.ids[node.id], target=target, arguments=arguments)

    def _ref(self, ref: Ref) -> Ref:
        return replace(ref, node=self.ids[ref.node])

    def _then(self, ref: Ref) -> Ref:
        """What a reference of the old text is in the new one."""
        there = self.to_new.get(ref.node)
        return _GONE if there is None else replace(ref, node=there)

    def _called(self, mine: Node, old: Node, new: Node) -> dict[str, Argument]:
        found = dict(mine.arguments)
        for name in [*old.arguments, *(n for n in new.arguments if n not in old.arguments)]:
            then = map_refs(old.arguments[name], self._then) if name in old.arguments else None
            if name in old.arguments and name in new.arguments and then == new.arguments[name]:
                continue
            if name not in new.arguments:
                found.pop(name, None)
                continue
            wanted = map_refs(new.arguments[name], self._ref)
            found[name] = self._past_bypassed(found.get(name), wanted)
        return found

    def _past_bypassed(self, mine: Argument, wanted: Argument) -> Argument:
        """A wire through a bypassed layer is moved at that layer's other end."""
        if not isinstance(mine, Ref) or not isinstance(wanted, Ref) or mine.node not in self.extras:
            return wanted
        last, at = mine.node, self.graph.nodes[mine.node]
        while (ref := primary_input(at)) and ref.node in self.extras:
            last, at = ref.node, self.graph.nodes[ref.node]
        if not self.graph.nodes[mine.node].bypassed or ref is None:
            return wanted
        self._moved = {**getattr(self, "_moved", {}), last: (ref, wanted)}
        return mine

    def _otherwise_written(self, mine: Node, old: Node, new: Node) -> Node:
        """A node that the style writes as a function where the graph has a layer, or the reverse."""
        then = {map_refs(a, self._then) for a in read_by(old)}
        wires = dict(mine.arguments)
        if then != set(read_by(new)):
            firsts = [n for n, a in mine.arguments.items() if isinstance(a, Ref)]
            reads = [a for a in read_by(new) if isinstance(a, Ref)]
            for name, ref in zip(firsts, reads, strict=False):
                wires[name] = self._past_bypassed(mine.arguments[name], self._ref(ref))
        was, now = literals_of(self.old, old), literals_of(self.new, new)
        changed = {k: v for k, v in now.items() if k not in was or was[k] != v}
        owner = self.graph.owner_of(mine)
        if owner is None:
            return replace(mine, arguments={**wires, **changed})
        arguments = {k: a for k, a in owner.arguments.items() if k in now or k not in was}
        self.extra_owners[owner.id] = replace(owner, arguments={**arguments, **changed})
        return replace(mine, arguments=wires)

    # What stays, and names ---------------------------------------------------------------------

    def _keep_extras(self, nodes: dict[str, Node], owners: dict[str, Owner]) -> None:
        """Bypassed layers and what leads nowhere stand in no text: they stay where they can."""
        moved: Mapping[str, tuple[Ref, Ref]] = getattr(self, "_moved", {})
        for identity in self.extras:
            node = self.graph.nodes[identity]
            if identity in moved:
                ref, wanted = moved[identity]
                node = replace(
                    node,
                    arguments={
                        k: map_refs(a, lambda r, ref=ref, wanted=wanted: wanted if r == ref else r)  # type: ignore[misc]
                        for k, a in node.arguments.items()
                    },
                )
            if all(ref.node in nodes for ref in refs_in(node)):
                nodes[identity] = node
                owner = self.graph.owners.get(node.target)
                if node.kind in ("layer", "weight") and owner and owner.id not in owners:
                    owners[owner.id] = owner
                    if owner.block is not None:
                        self.blocks.keep(owner.block)

    def numbered(self) -> bool:
        """Whether the layers of the graph are called by numbers."""
        names = [o.name for o in self.graph.owners.values()]
        return any(n.isdecimal() for n in names) or (not names and not self.graph.nodes)

    def _wish(self, node: Node) -> str:
        owner = self.new.owner_of(node)
        if owner is None or owner.id not in self.nameless or self.numbered():
            return owner.name if owner else node.name or node.id
        return self._title(owner)

    def _title(self, owner: Owner) -> str:
        return name_for(owner.target, names_in(self.graph))
