"""Edits of what stands at one node: its name, its arguments, its weights, how it looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder import catalogue
from builder.errors import EditRefused, did_you_mean, quote
from builder.graph.allowed import (
    refuse_constructor_argument,
    refuse_id,
    refuse_name_of_argument,
    refuse_note,
    refuse_own_parts,
    refuse_setting,
    settings_in,
)
from builder.graph.blocks import graphs, rename_block
from builder.graph.edits.drawn import SetFrame, SetPositions
from builder.graph.edits.lookup import free_id, node_at, owner_at
from builder.graph.edits.nodes import without_idle_owners
from builder.graph.edits.rewiring import settle, with_argument, with_node
from builder.graph.edits.scoped import UNSET
from builder.graph.edits.values import (
    Rename,
    RenameModel,
    SetArgument,
    SetBypassed,
    SetCallArgument,
    SetCondition,
    SetFrozen,
    SetInputSpec,
    SetNote,
    SetPosition,
    SetRepeat,
    SetSetting,
    ShareWeights,
    UnshareWeights,
)
from builder.graph.limits import MAX_FRAMES, refuse_frame, refuse_position, refuse_spec
from builder.graph.model import BUFFER, Argument, Graph, Owner, primary_input
from builder.graph.names import class_names, names_in, refuse_name, suggest_name
from builder.graph.validate import MAX_REPEAT


def rename(root: Graph, graph: Graph, edit: Rename) -> Graph:
    """See `Rename`."""
    node = node_at(graph, edit.node)
    held = graph.held_by(node)
    if held is not None and not held.raw:
        raise EditRefused(
            f"{quote(graph.label(node.id))} is called as its layer: rename {quote(held.name)}."
        )
    owner = held or graph.owner_of(node)
    _refuse(refuse_name(edit.name, names_in(graph, but=node.id), digits=owner is not None))
    if owner is not None:
        return with_owner(graph, replace(owner, name=edit.name))
    return with_node(graph, replace(node, name=edit.name))


def rename_model(root: Graph, edit: RenameModel) -> Graph:
    """See `RenameModel`; this one changes the whole network, as callers hold a block's name."""
    settings = {name for _, graph in graphs(root) for name in graph.settings}
    _refuse(refuse_name(edit.name, class_names(root, but=edit.scope) | settings, digits=False))
    if edit.scope:
        return rename_block(root, edit.scope, edit.name)
    return replace(root, name=edit.name)


def set_argument(root: Graph, graph: Graph, edit: SetArgument) -> Graph:
    """See `SetArgument`."""
    owner = owner_at(graph, edit.node, "constructor arguments")
    if edit.value is UNSET:
        if (
            edit.name not in owner.arguments
        ):  # nothing to take away, but the name must mean something
            _refuse(refuse_constructor_argument(root, graph, owner, edit.name, None))
        return _with_arguments(root, graph, owner, _without(owner.arguments, edit.name))
    _refuse(refuse_constructor_argument(root, graph, owner, edit.name, edit.value))
    return _with_arguments(root, graph, owner, {**owner.arguments, edit.name: edit.value})


def _with_arguments(
    root: Graph, graph: Graph, owner: Owner, arguments: dict[str, Argument]
) -> Graph:
    """The owner made otherwise; of a tensor what only another way of making it took goes."""
    changed = replace(owner, arguments=arguments)
    if owner.raw:
        _refuse(refuse_own_parts(root, changed))
        block = root.blocks.get(changed.made_by or "")
        known = {p.name for p in catalogue.get(owner.target).parameters}
        known |= set(block.settings) if block is not None else set()
        changed = replace(changed, arguments={k: v for k, v in arguments.items() if k in known})
    return with_owner(graph, changed)


def set_call_argument(root: Graph, graph: Graph, edit: SetCallArgument) -> Graph:
    """See `SetCallArgument`. Nodes that would read a later value then move behind it."""
    node = node_at(graph, edit.node)
    if edit.value is UNSET:
        _refuse(refuse_name_of_argument(root, graph, node, edit.name))
        return with_node(graph, replace(node, arguments=_without(node.arguments, edit.name)))
    node = with_argument(root, graph, node, edit.name, edit.value)
    return settle(with_node(graph, node), node.id)


def set_condition(root: Graph, graph: Graph, edit: SetCondition) -> Graph:
    """See `SetCondition`."""
    node = node_at(graph, edit.node)
    if node.kind != "branch":
        raise EditRefused(
            f"{quote(graph.label(node.id))} is no branch, so it has no condition. Choose a branch."
        )
    call = SetCallArgument(edit.node, "condition", edit.condition, scope=edit.scope)
    return set_call_argument(root, graph, call)


def set_input_spec(root: Graph, graph: Graph, edit: SetInputSpec) -> Graph:
    """See `SetInputSpec`."""
    node = node_at(graph, edit.node)
    if node.kind != "input":
        raise EditRefused(
            f"{quote(graph.label(node.id))} is no input: its shape follows from what it reads. Choose an input."
        )
    if edit.spec is None and not edit.scope:
        raise EditRefused(f"The input {quote(graph.label(node.id))} needs a shape, such as N×64.")
    _refuse(refuse_spec(edit.spec) if edit.spec else None)
    return with_node(graph, replace(node, spec=edit.spec))


def set_bypassed(root: Graph, graph: Graph, edit: SetBypassed) -> Graph:
    """See `SetBypassed`."""
    node = node_at(graph, edit.node)
    if node.kind in ("input", "output", "weight"):
        raise EditRefused(
            f"The {node.kind} {quote(graph.label(node.id))} cannot be bypassed. Choose a layer."
        )
    if edit.bypassed and primary_input(node) is None:
        raise EditRefused(
            f"{quote(graph.label(node.id))} reads nothing that could be passed through. Wire its input first."
        )
    return with_node(graph, replace(node, bypassed=edit.bypassed))


def set_frozen(root: Graph, graph: Graph, edit: SetFrozen) -> Graph:
    """See `SetFrozen`."""
    owner = owner_at(graph, edit.node, "weights")
    if owner.target == BUFFER:
        raise EditRefused(f"{quote(owner.name)} is a buffer: it does not learn anyway.")
    if owner.raw:  # what code says of it, once
        arguments = _without(owner.arguments, "requires_grad")
        arguments |= {"requires_grad": False} if edit.frozen else {}
        return with_owner(graph, replace(owner, arguments=arguments, frozen=False))
    return with_owner(graph, replace(owner, frozen=edit.frozen))


def set_note(root: Graph, graph: Graph, edit: SetNote) -> Graph:
    """See `SetNote`."""
    _refuse(refuse_note(edit.note))
    return with_node(graph, replace(node_at(graph, edit.node), note=edit.note))


def set_position(root: Graph, graph: Graph, edit: SetPosition) -> Graph:
    """See `SetPosition`."""
    _refuse(refuse_position(edit.position) if edit.position is not None else None)
    return with_node(graph, replace(node_at(graph, edit.node), position=edit.position))


def set_positions(root: Graph, graph: Graph, edit: SetPositions) -> Graph:
    """See `SetPositions`."""
    moved = {}
    for identity, position in edit.positions.items():
        _refuse(refuse_position(position) if position is not None else None)
        moved[identity] = replace(node_at(graph, identity), position=position)
    return replace(graph, nodes={**graph.nodes, **moved})


def set_frame(root: Graph, graph: Graph, edit: SetFrame) -> Graph:
    """See `SetFrame`."""
    if edit.frame is None:
        if edit.id not in graph.frames:
            raise EditRefused(f"There is no frame {quote(edit.id)}. It may have been deleted.")
        return replace(graph, frames=_without(graph.frames, edit.id))
    _refuse(refuse_id(edit.id) or refuse_frame(edit.frame))
    if edit.id not in graph.frames and len(graph.frames) >= MAX_FRAMES:
        raise EditRefused(f"A network has at most {MAX_FRAMES} frames and notes. Delete one first.")
    return replace(graph, frames={**graph.frames, edit.id: edit.frame})


def set_setting(root: Graph, graph: Graph, edit: SetSetting) -> Graph:
    """See `SetSetting`."""
    if edit.value is UNSET:
        if edit.name not in graph.settings:
            hint = did_you_mean(edit.name, graph.settings) or "It may have been removed."
            raise EditRefused(
                f"There is no setting {quote(edit.name)} in {quote(graph.name)}. {hint}"
            )
        _refuse_use(graph, edit.name)
        return replace(graph, settings=_without(graph.settings, edit.name))
    _refuse(refuse_setting(edit.value))
    if edit.name not in graph.settings:
        _refuse(refuse_name(edit.name, names_in(graph) | class_names(root), digits=False))
    return replace(graph, settings={**graph.settings, edit.name: edit.value})


def share_weights(root: Graph, graph: Graph, edit: ShareWeights) -> Graph:
    """See `ShareWeights`."""
    old = owner_at(graph, edit.node, "weights")
    new = owner_at(graph, edit.with_node, "weights")
    if old is new:
        raise EditRefused(
            f"{quote(old.name)} and {quote(graph.label(edit.with_node))} have the same weights already."
        )
    if old.target != new.target:
        kinds = [quote(o.target.rpartition(":")[2].rpartition(".")[2]) for o in (old, new)]
        raise EditRefused(
            f"{quote(old.name)} is a {kinds[0]} and {quote(new.name)} a {kinds[1]}: only layers of one kind "
            "can share weights. Choose another layer."
        )
    node = replace(graph.nodes[edit.node], target=new.id)
    return without_idle_owners(with_node(graph, node), [old.id])


def unshare_weights(root: Graph, graph: Graph, edit: UnshareWeights) -> Graph:
    """See `UnshareWeights`."""
    owner = owner_at(graph, edit.node, "weights")
    if len(graph.reads_of(owner.id) if owner.raw else graph.calls_of(owner.id)) == 1:
        raise EditRefused(
            f"{quote(owner.name)} shares its weights with no other call: nothing is to be done."
        )
    name = suggest_name(owner.name, names_in(graph))
    own = replace(owner, id=free_id(None, name, graph.owners), name=name, ties={})
    owners: dict[str, Owner] = {}
    for identity, other in graph.owners.items():
        owners[identity] = other
        if identity == owner.id:
            owners[own.id] = own
    return with_node(replace(graph, owners=owners), replace(graph.nodes[edit.node], target=own.id))


def set_repeat(root: Graph, graph: Graph, edit: SetRepeat) -> Graph:
    """See `SetRepeat`."""
    owner = owner_at(graph, edit.node, "repetitions")
    if owner.block is None:
        raise EditRefused(f"Only a block can repeat. Group {quote(owner.name)} into a block first.")
    if (
        isinstance(edit.repeat, bool)
        or not isinstance(edit.repeat, int)
        or not 1 <= edit.repeat <= MAX_REPEAT
    ):
        raise EditRefused(
            f"A block repeats from 1 to {MAX_REPEAT} times, not {quote(edit.repeat)}."
        )
    block = root.blocks[owner.block]
    if edit.repeat > 1 and not 1 <= len(block.outputs) <= len(block.inputs):
        raise EditRefused(
            f"{quote(owner.block)} has {len(block.inputs)} inputs and {len(block.outputs)} outputs: to repeat, each "
            "result feeds the next, so it needs an input for every output."
        )
    return with_owner(graph, replace(owner, repeat=edit.repeat, shared=edit.shared))


def with_owner(graph: Graph, owner: Owner) -> Graph:
    """The graph with an owner exchanged, in its place."""
    return replace(graph, owners={**graph.owners, owner.id: owner})


def _refuse_use(graph: Graph, setting: str) -> None:
    holders = [(graph.label(n.id), n.arguments) for n in graph.nodes.values()]
    holders += [(o.name, o.arguments) for o in graph.owners.values()]
    for label, arguments in holders:
        if any(setting in settings_in(value) for value in arguments.values()):
            raise EditRefused(
                f"{quote(label)} uses the setting {quote(setting)}. Give {quote(label)} a number of its own first."
            )


def _refuse(sentence: str | None) -> None:
    if sentence:
        raise EditRefused(sentence)


def _without(mapping: Any, key: str) -> dict[str, Any]:
    return {k: v for k, v in mapping.items() if k != key}
