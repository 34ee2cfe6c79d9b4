"""What a part of a graph may be given at all: one question each, answered by a sentence or None.

Edits ask before they change something, and `validate` asks of a whole file, so what an edit makes can
always be read again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from builder import catalogue
from builder.errors import NotFound, did_you_mean, quote
from builder.graph import opaque
from builder.graph.limits import refuse_argument
from builder.graph.model import (
    BLOCK_PREFIX,
    BUFFER,
    MADE,
    OPAQUE,
    PARAMETER,
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
    iter_refs,
)
from builder.graph.modes import WHEN, refuse_when

MAX_NOTE = 2000  # characters
_ID = re.compile(r"[\w.\-]{1,80}")


def refuse_id(identity: str) -> str | None:
    """Why a text cannot be the id of a node or an owner; None when it can."""
    if _ID.fullmatch(identity):
        return None
    return f"{quote(identity)} cannot be an id: use 1 to 80 letters, digits, _, - and dots, such as “fc1”."


def refuse_note(note: str) -> str | None:
    """Why a note cannot be kept; None when it can."""
    if len(note) > MAX_NOTE:
        return f"A note has at most {MAX_NOTE:,} characters, not {len(note):,}."
    return refuse_argument(note)


def refuse_setting(value: object) -> str | None:
    """Why a value cannot be a configured constant; None when it can."""
    if (
        isinstance(
            value, tuple | Ref | Size | Calc | Compare | Slice | Setting | Training | GradEnabled
        )
        or value is ...
    ):
        return f"A setting is a number, a text, true, false or nothing, not {quote(value)}."
    return refuse_argument(value)


def refuse_target(root: Graph, target: str, kind: str) -> str | None:
    """Why nothing of that kind ("layer" or "operation") stands under this target; None if it does."""
    if target.startswith(BLOCK_PREFIX) and kind == "layer":
        block = target[len(BLOCK_PREFIX) :]
        if block in root.blocks:
            return None
        hint = did_you_mean(block, root.blocks) or "Group some layers into one first."
        return f"There is no block {quote(block)}. {hint}"
    try:
        entry = catalogue.get(target)
    except NotFound as error:
        return str(error)
    if entry.key != target:
        return f"{quote(target)} is kept here as {quote(entry.key)}. Write that."
    if entry.kind != kind:
        return f"{quote(target)} is {_article(entry.kind)}, not {_article(kind)}."
    return None


def refuse_owner_target(root: Graph, target: str) -> str | None:
    """Why nothing that owns weights stands under this target; None if it does: a layer, a block, a
    raw tensor, a layer of own code.
    """
    return None if target in (PARAMETER, BUFFER, OPAQUE) else refuse_target(root, target, "layer")


def refuse_own_parts(root: Graph, owner: Owner) -> str | None:
    """Why a raw tensor or a layer of own code is not whole; None for every other owner."""
    if owner.target == OPAQUE:
        for name in ("source", "call"):
            if name not in owner.arguments:
                return f"The layer {quote(owner.name)} is code of your own, and lacks its {quote(name)}."
    block = owner.made_by
    if owner.raw and owner.arguments.get("init") == MADE and block is None:
        return f"{quote(owner.name)} is made by operations, and lacks “made_by”: the block they stand in."
    if block is None:
        return None
    if block not in root.blocks:
        return f"{quote(owner.name)} is made by {quote(block)}, which is no block here. {did_you_mean(block, root.blocks)}".rstrip()
    inside = root.blocks[block]
    kinds = {n.kind for n in inside.nodes.values()}
    if inside.inputs or len(inside.outputs) != 1 or not kinds <= {"operation", "output"}:
        return (
            f"{quote(owner.name)} is made by {quote(block)}: that block may hold operations only, take no "
            "input, and give one tensor."
        )
    return None


def refuse_constructor_argument(
    root: Graph, graph: Graph, owner: Owner, name: str, value: Argument
) -> str | None:
    """Why an owner cannot be given this argument at all; None when it can (its size may yet not fit)."""
    if owner.target == OPAQUE:
        if name not in opaque.PARTS:
            return _unknown(f"The layer {quote(owner.name)} of own code", name, opaque.PARTS)
        sentence = opaque.refuse_part(name, value)
        return (
            f"{quote(owner.name)} cannot have this {quote(name)}. {sentence}" if sentence else None
        )
    if owner.block is not None:
        known: Collection[str] = root.blocks[owner.block].settings
        what = f"The block {quote(owner.name)}"
    elif owner.raw:
        entry = catalogue.get(owner.target)
        block = root.blocks.get(owner.made_by or "")
        known = [*(p.name for p in entry.parameters), *(block.settings if block else ())]
        what = f"{entry.name} {quote(owner.name)}"
        parameter = entry.parameter(name)
        literal = parameter is not None and not (name == "size" and value == ())
        if literal and parameter and (sentence := catalogue.check_literal(parameter, value)):
            return f"{what} cannot have this {quote(name)}. {sentence}"
    else:
        known = [p.name for p in catalogue.get(owner.target).parameters]
        what = f"{owner.target.rpartition('.')[2]} {quote(owner.name)}"
    if name not in known:
        return _unknown(what, name, known)
    if next(iter_refs(value), None) or _holds(value, (Training, GradEnabled, Compare)):
        return f"{what} is made before any value arrives: {quote(name)} can only be a constant."
    sentence = refuse_argument(value) or refuse_settings(graph, value)
    return f"{what} cannot have this {quote(name)}. {sentence}" if sentence else None


def refuse_call_argument(
    root: Graph, graph: Graph, node: Node, name: str, value: Argument
) -> str | None:
    """Why a call cannot be given this argument at all; None when it can."""
    if sentence := refuse_name_of_argument(root, graph, node, name):
        return sentence
    what = f"{kind_word(node)} {quote(plain_label(graph, node))}"
    tensors, _ = call_names(root, graph, node)
    if name == "condition" and node.kind == "branch":
        if not isinstance(value, Training | GradEnabled | Setting | Compare):
            return f"{what} needs a condition: training, gradients, a setting, or a comparison."
    elif name == WHEN and node.kind == "output":
        if sentence := refuse_when(value):
            return f"{what} cannot be given then. {sentence}"
        if graph.name in root.blocks:
            return (
                f"{what} stands in a block, which gives the same in every mode. Leave “when” out."
            )
    elif _holds(value, (Compare,)):
        return f"{what} cannot compare in {quote(name)}: only the condition of a branch does."
    elif name in tensors and not _reads_values(value, tensors[name]):
        return f"{what} reads a value for {quote(name)}: choose the layer it comes from, not {quote(value)}."
    if sentence := refuse_argument(value) or refuse_settings(graph, value):
        return f"{what} cannot have this {quote(name)}. {sentence}"
    for ref in iter_refs(value):
        source = graph.nodes.get(ref.node)
        if source is None:
            hint = did_you_mean(ref.node, graph.nodes)
            return f"{what} reads {quote(ref.node)}, which does not exist. {hint}".rstrip()
        if source.kind == "output":
            return f"{what} cannot read the output {quote(plain_label(graph, source))}: read what that output reads."
    return None


def refuse_name_of_argument(root: Graph, graph: Graph, node: Node, name: str) -> str | None:
    """Why a call has no argument of this name; None when it has."""
    tensors, literals = call_names(root, graph, node)
    if name in tensors or name in literals:
        return None
    what = f"{kind_word(node)} {quote(plain_label(graph, node))}"
    return _unknown(what, name, [*tensors, *literals])


def refuse_settings(graph: Graph, value: Argument) -> str | None:
    """Why an argument reads a setting that is not there; None if all it reads are."""
    for name in settings_in(value):
        if name not in graph.settings:
            hint = did_you_mean(name, graph.settings) or "Add it, or write the number itself."
            return f"There is no setting {quote(name)}. {hint}"
    return None


def call_names(
    root: Graph, graph: Graph, node: Node
) -> tuple[dict[str, tuple[bool, bool]], list[str]]:
    """The argument names of a node's call: ports with (takes several, takes a number), and literals."""
    if node.kind == "input":
        return {}, []
    if node.kind == "output":
        return {"value": (False, False)}, [WHEN]
    if node.kind == "branch":
        return {"if_true": (False, False), "if_false": (False, False)}, ["condition"]
    if node.kind == "weight":
        return {}, ["name"]
    owner = graph.owner_of(node)
    if owner is not None and owner.target == OPAQUE:
        return dict.fromkeys(opaque.ports(owner) or node.arguments or ("input",), (False, True)), []
    if owner is not None and owner.block is not None:
        return {n.name or n.id: (False, False) for n in root.blocks[owner.block].inputs}, []
    entry = catalogue.get(owner.target if owner else node.target)
    ports = {p.name: (p.many, p.number) for p in entry.ports}
    return ports, [p.name for p in entry.call_parameters]


def settings_in(value: Argument) -> list[str]:
    """The names of the settings an argument reads."""
    return [part.name for part in parts_of(value) if isinstance(part, Setting)]


def _reads_values(value: Argument, port: tuple[bool, bool]) -> bool:
    many, number = port
    if isinstance(value, Ref):
        return True
    if isinstance(value, tuple):
        return many and all(_reads_values(part, (True, False)) for part in value)
    numeric = isinstance(value, int | float | Size | Calc | Setting) and not isinstance(value, bool)
    return number and numeric


def _holds(value: Argument, kinds: tuple[type, ...]) -> bool:
    return any(isinstance(part, kinds) for part in parts_of(value))


def parts_of(value: Argument) -> Iterator[Argument]:
    """An argument and all that stands in it, left to right; what a size is taken of is no part."""
    yield value
    match value:
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            yield from parts_of(left)
            yield from parts_of(right)
        case Slice(start=start, stop=stop, step=step):
            for part in (start, stop, step):
                yield from parts_of(part)
        case tuple():
            for part in value:
                yield from parts_of(part)


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    names = ", ".join(quote(k) for k in list(known)[:8])
    hint = did_you_mean(name, known) or (f"It has {names}." if known else "It has none.")
    return f"{what} has no argument {quote(name)}. {hint}"


def kind_word(node: Node) -> str:
    return {"layer": "The layer", "operation": "The operation", "branch": "The branch"}.get(
        node.kind, f"The {node.kind}"
    )


def plain_label(graph: Graph, node: Node) -> str:
    owner = graph.owner_of(node) or graph.held_by(node)
    return owner.name if owner else node.name or node.id


def _article(kind: str) -> str:
    return f"an {kind}" if kind == "operation" else f"a {kind}"
