"""Edits of tensors and ties, and what follows when the owners they name move or change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from builder import catalogue
from builder.errors import EditRefused, quote
from builder.graph.allowed import refuse_constructor_argument, refuse_own_parts
from builder.graph.allowed_norms import refuse_norms, refuse_uses
from builder.graph.allowed_weights import inside, refuse_path, refuse_tie
from builder.graph.blocks import change_refs, graphs, with_graph
from builder.graph.edits.lookup import free_id, new_name, node_at, owner_at
from builder.graph.edits.rewiring import owners_behind, place, with_node
from builder.graph.edits.values import AddNode, SetNorms, SetTie, SetWeight
from builder.graph.limits import refuse_position
from builder.graph.model import Graph, Node, Owner, TensorSpec
from builder.graph.names import names_in
from builder.graph.shapes import infer_shapes
from builder.graph.weights import report_of, tensors_of


def add_tensor(root: Graph, graph: Graph, edit: AddNode) -> Graph:
    """A raw tensor with what gives it, or what gives a tensor of a layer that is there ("weight")."""
    if edit.position is not None and (sentence := refuse_position(edit.position)):
        raise EditRefused(sentence)
    before = [n.id for n in graph.nodes.values() if n.kind != "output"]
    after = edit.after
    if after is None or node_at(graph, after).kind == "output":
        after = before[-1] if before else None
    given = dict(edit.arguments)
    if edit.target == "weight":
        of, which = _nearest(root, graph, after) if "of" not in given else (None, "")
        owner_id, path = given.pop("of", of), given.pop("name", which)
        owner = graph.owners.get(owner_id) if isinstance(owner_id, str) else None
        if owner is None or given or not isinstance(path, str):
            raise EditRefused("There is no layer with weights in front of it. Add one first.")
        _refuse(refuse_path(root, owner, path))
        return _placed(graph, edit, owner, path, after)
    name = new_name(edit.name, f"torch.{edit.target}", names_in(graph))
    if "size" not in given and "made_by" not in given:
        given = {"size": _size_like(root, graph, after), **given}
    owner = Owner(free_id(None, name, graph.owners), name, edit.target, given)
    for argument, value in given.items():
        _refuse(refuse_constructor_argument(root, graph, owner, argument, value))
    _refuse(refuse_own_parts(root, owner))
    graph = replace(graph, owners=owners_behind(graph, owner, after))
    return _placed(graph, edit, owner, "", after)


def _nearest(root: Graph, graph: Graph, after: str | None) -> tuple[str | None, str]:
    """The last layer with tensors up to a node, and the first of these."""
    report = infer_shapes(replace(graph, blocks=root.blocks))
    found: tuple[str | None, str] = (None, "")
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        made = report_of(graph, owner, report) if owner is not None else None
        if owner is not None and made is not None:
            tensors = tensors_of(graph, root.blocks, owner, made)
            found = (owner.id, next(iter(tensors))) if tensors else found
        if node.id == after:
            break
    return found


def _placed(graph: Graph, edit: AddNode, owner: Owner, path: str, after: str | None) -> Graph:
    label = f"{owner.name}_{path}".replace(".", "_") if path else owner.name
    node = Node(
        free_id(edit.id, label, graph.nodes),
        "weight",
        target=owner.id,
        arguments={"name": path} if path else {},
        position=edit.position,
    )
    if after is None:
        return replace(graph, nodes={node.id: node, **graph.nodes})
    return place(graph, node, after)


def _size_like(root: Graph, graph: Graph, after: str | None) -> tuple[int, ...]:
    """The last size of the value it is added behind, so that the two can be joined at once."""
    suggested = catalogue.defaults_for(catalogue.get("parameter"))["size"]
    if after is not None:
        report = infer_shapes(replace(graph, blocks=root.blocks)).nodes.get(after)
        value = report.result if report else None
        if isinstance(value, TensorSpec) and value.shape and isinstance(value.shape[-1], int):
            return (value.shape[-1],)
    return suggested  # type: ignore[no-any-return]


def set_weight(root: Graph, graph: Graph, edit: SetWeight) -> Graph:
    """See `SetWeight`."""
    node = node_at(graph, edit.node)
    if node.kind != "weight":
        raise EditRefused(
            f"{quote(graph.label(node.id))} gives no tensor of a layer. Choose a parameter or weight."
        )
    owner = graph.owners.get(edit.owner)
    if owner is None:
        raise EditRefused(f"There is no layer {quote(edit.owner)} here. It may have been deleted.")
    _refuse(refuse_path(root, owner, edit.name))
    arguments = {"name": edit.name} if edit.name else {}
    changed = with_node(graph, replace(node, target=owner.id, arguments=arguments))
    return without_idle(changed, [node.target])


def set_tie(root: Graph, graph: Graph, edit: SetTie) -> Graph:
    """See `SetTie`."""
    node = node_at(graph, edit.node)
    owner = graph.owner_of(node) or graph.held_by(node)
    if owner is None:
        raise EditRefused(f"{quote(graph.label(node.id))} has no weights to tie. Choose a layer.")
    ties = {path: tie for path, tie in owner.ties.items() if path != edit.name}
    if edit.owner is None:
        if edit.name not in owner.ties:
            raise EditRefused(
                f"{quote(edit.name or owner.name)} is not tied: nothing is to be done."
            )
    else:
        tie = edit.owner, edit.other
        _refuse(refuse_tie(root, graph, owner, edit.name, tie))
        for other in graph.owners.values():
            if (owner.id, edit.name) in other.ties.values():
                raise EditRefused(
                    f"{quote(other.name)} is tied to {quote(owner.name)}: untie it first, or tie it the "
                    "other way round."
                )
        ties[edit.name] = tie
    return replace(graph, owners={**graph.owners, owner.id: replace(owner, ties=ties)})


def set_norms(root: Graph, graph: Graph, edit: SetNorms) -> Graph:
    """See `SetNorms`."""
    owner = replace(owner_at(graph, edit.node, "weights"), norms=edit.norms)
    _refuse(refuse_norms(owner) or refuse_uses(graph, owner))
    return replace(graph, owners={**graph.owners, owner.id: owner})


def without_idle(graph: Graph, owners: Collection[str]) -> Graph:
    """The graph without those of the owners that no node calls or reads any more."""
    called = {n.target for n in graph.nodes.values() if n.kind in ("layer", "weight")}
    idle = {i for i in owners if i in graph.owners and i not in called}
    if not idle:
        return graph
    return replace(graph, owners={i: o for i, o in graph.owners.items() if i not in idle})


# Into a block and out of it ---------------------------------------------------------------------


def lifted(
    graph: Graph, moved: Mapping[str, Owner], block: Owner
) -> tuple[list[Owner], Graph, Owner]:
    """What becomes of tensors and ties when owners move into a block: (moved, rest, block's owner).

    Who read a tensor of theirs reads it by its path through the block, and so do ties.
    """
    stay: list[Owner] = []
    block_ties: dict[str, tuple[str, str]] = {}
    for owner in moved.values():
        inner = {p: tie for p, tie in owner.ties.items() if tie[0] in moved}
        block_ties |= {_join(owner, p): tie for p, tie in owner.ties.items() if tie[0] not in moved}
        stay.append(replace(owner, ties=inner))
    nodes = {}
    for identity, node in graph.nodes.items():
        if node.kind == "weight" and node.target in moved:
            path = _join(moved[node.target], str(node.arguments.get("name", "")))
            node = replace(node, target=block.id, arguments={"name": path})
        nodes[identity] = node
    owners = {}
    for identity, owner in graph.owners.items():
        ties = {
            p: (block.id, _join(moved[source], q)) if source in moved else (source, q)
            for p, (source, q) in owner.ties.items()
        }
        owners[identity] = owner if ties == owner.ties else replace(owner, ties=ties)
    return stay, replace(graph, nodes=nodes, owners=owners), replace(block, ties=block_ties)


def lowered(
    graph: Graph, block: Graph, called: Owner, opened: Mapping[str, Owner]
) -> tuple[Graph, dict[str, Owner]]:
    """The inverse of `lifted`, for a block whose content comes out. `opened`: inner id → owner here."""

    def found(path: str) -> tuple[str, str]:
        inner = inside(block, path)
        if inner is None:
            raise EditRefused(f"{quote(called.name)} has no tensor {quote(path)}: untie it first.")
        return opened[inner[0].id].id, inner[1]

    ties: dict[str, dict[str, tuple[str, str]]] = {}
    for inner in block.owners.values():
        own = {p: (opened[source].id, q) for p, (source, q) in inner.ties.items()}
        ties[opened[inner.id].id] = own
    for path, tie in called.ties.items():
        owner_id, rest = found(path)
        ties[owner_id][rest] = tie
    nodes = {}
    for identity, node in graph.nodes.items():
        if node.kind == "weight" and node.target == called.id:
            target, rest = found(str(node.arguments.get("name", "")))
            node = replace(node, target=target, arguments={"name": rest} if rest else {})
        nodes[identity] = node
    owners = {}
    for identity, owner in graph.owners.items():
        changed = {p: found(q) if s == called.id else (s, q) for p, (s, q) in owner.ties.items()}
        owners[identity] = owner if changed == owner.ties else replace(owner, ties=changed)
    content = {i: replace(o, ties=ties[o.id]) for i, o in opened.items()}
    return replace(graph, nodes=nodes, owners=owners), content


def _join(owner: Owner, path: str) -> str:
    return f"{owner.name}.{path}" if path else owner.name


# After every edit -------------------------------------------------------------------------------


def follow_tensors(before: Graph, after: Graph) -> Graph:
    """The network after an edit, with paths into blocks by the names that are there now.

    What led to an owner that is gone is taken away: a tie, or what gave its tensor. EditRefused where
    an edit leaves a tensor without the operations that make it.
    """
    for scope, graph in list(graphs(after)):
        for owner in graph.owners.values():
            if owner.made_by and (sentence := refuse_own_parts(after, owner)):
                raise EditRefused(sentence)
        had = before.blocks.get(scope) if scope else before
        changed = _followed(before, after, had, graph)
        if changed is not graph:
            after = with_graph(after, scope, changed)
    return after


def _followed(before: Graph, after: Graph, had: Graph | None, graph: Graph) -> Graph:
    nodes, owners = dict(graph.nodes), dict(graph.owners)

    def now(owner_id: str, path: str) -> str | None:
        owner = graph.owners.get(owner_id)
        old = had.owners.get(owner_id) if had is not None else None
        if owner is None:
            return None
        if owner.block is None or old is None or old.block is None:
            return path
        way = _way(before, old, path)
        return path if way is None else _path(after, owner, *way)

    for owner in graph.owners.values():
        ties = {
            new: (source, theirs)
            for path, (source, other) in owner.ties.items()
            if (new := now(owner.id, path)) is not None
            and (theirs := now(source, other)) is not None
        }
        if ties != owner.ties:
            owners[owner.id] = replace(owner, ties=ties)
    gone = set()
    for node in graph.nodes.values():
        path = node.arguments.get("name") if node.kind == "weight" else None
        if isinstance(path, str):
            new = now(node.target, path)
            if new is None:
                gone.add(node.id)
            elif new != path:
                nodes[node.id] = replace(node, arguments={"name": new})
    if gone:
        kept = (n for i, n in nodes.items() if i not in gone)
        nodes = {n.id: change_refs(n, lambda r: None if r.node in gone else r) for n in kept}
    same = nodes == graph.nodes and owners == graph.owners
    return graph if same else replace(graph, nodes=nodes, owners=owners)


def _way(root: Graph, owner: Owner, path: str) -> tuple[list[tuple[str, str]], str] | None:
    """The owners on the way to a tensor by their ids, each behind its repetition, and the rest."""
    steps: list[tuple[str, str]] = []
    while owner.block is not None:
        index = ""
        if owner.repeat > 1 and not owner.shared:
            index, _, path = path.partition(".")
        found = inside(root.blocks[owner.block], path) if owner.block in root.blocks else None
        if found is None:
            return None
        owner, path = found
        steps.append((index, owner.id))
    return steps, path


def _path(root: Graph, owner: Owner, steps: list[tuple[str, str]], rest: str) -> str | None:
    parts: list[str] = []
    for index, identity in steps:
        block = root.blocks.get(owner.block or "")
        if block is None or identity not in block.owners:
            return None
        if owner.repeat > 1 and not owner.shared:
            if int(index or 0) >= owner.repeat:
                return None
            parts.append(index or "0")
        owner = block.owners[identity]
        parts.append(owner.name)
    return ".".join([*parts, rest] if rest else parts)


def has_tensors(root: Graph) -> bool:
    """Whether there is anything that `follow_tensors` could have to do."""
    return any(True for _ in _tensors(root))


def _tensors(root: Graph) -> Iterator[str]:
    for _, graph in graphs(root):
        yield from (o.id for o in graph.owners.values() if o.ties or o.made_by)
        yield from (n.id for n in graph.nodes.values() if n.kind == "weight" and n.arguments)


def _refuse(sentence: str | None) -> None:
    if sentence:
        raise EditRefused(sentence)
