"""Sequences of several lengths: packed in front of a recurrent layer, unpacked behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from builder.catalogue.packing import ENFORCE_SORTED, LENGTHS, PACKING, TOTAL_LENGTH, packs
from builder.code.writing.calls import called
from builder.code.writing.layout import Expression, Group, assignment, call, flat, in_brackets, lay
from builder.code.writing.literals import argument, keyword
from builder.code.writing.patterns import Path, leaves
from builder.code.writing.shapes import part_of, shape_text
from builder.code.writing.variables import UNREAD
from builder.graph.model import Graph, Node, Ref, iter_refs

if TYPE_CHECKING:
    from builder.code.writing.forward import ForwardWriter
    from builder.code.writing.page import Page

PACKED: Final = "packed"
PACK: Final = "pack_padded_sequence"
PAD: Final = "pad_packed_sequence"
_PACKED = Ref("")  # what the layer reads in place of its input
_USUAL: Final = {"batch_first": "False", ENFORCE_SORTED: "True"}


def names_of_packing(graph: Graph) -> set[str]:
    """The variables that a forward needs for packed sequences, where it has any."""
    packed = any(n.arguments.get(LENGTHS) is not None for n in graph.nodes.values())
    return {PACKED, TOTAL_LENGTH} if packed else set()


def wrote_packed(writer: ForwardWriter, page: Page, node: Node, level: int) -> bool:
    """Writes a call that is told how long each sequence is; False where it is told nothing.

    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True)
    packed, h_n = self.gru(packed)
    output, _ = pad_packed_sequence(packed, batch_first=True)
    """
    entry, owner = writer.entry(node), writer.graph.owner_of(node)
    if entry is None or owner is None or not packs(entry) or node.arguments.get(LENGTHS) is None:
        return False
    keys, indent = [writer.scope.key(node)], 4 * level
    first = entry.ports[0].name
    given = {**node.arguments, "batch_first": owner.arguments.get("batch_first")}

    def read(ref: Ref) -> str:
        return PACKED if ref is _PACKED else writer.variables.read(ref, node.id)

    def spelled(name: str) -> Expression:
        return argument(given[name], read, writer.setting, entry.parameter(name))

    def options(*names: str) -> list[Expression]:
        found = {name: spelled(name) for name in names if given.get(name) is not None}
        return [keyword(name, v) for name, v in found.items() if flat(v) != _USUAL.get(name)]

    lengths = f"{flat(spelled(LENGTHS))}.cpu()"
    packed = call(PACK, spelled(first), lengths, *options("batch_first", ENFORCE_SORTED))
    page.write(assignment(PACKED, packed, indent), keys)
    pattern = writer.variables.patterns[node.id]
    whole = isinstance(pattern, tuple) and not pattern
    output, states = pattern if isinstance(pattern, list) else (pattern if whole else None, None)
    name = writer.target(output, node)
    padding = options("batch_first") if name != UNREAD else []
    if name != UNREAD and any(iter_refs(given.get(TOTAL_LENGTH))):
        # In front, since the states may take the name of what it reads.
        page.write(assignment(TOTAL_LENGTH, spelled(TOTAL_LENGTH), indent), keys)
        padding.append(keyword(TOTAL_LENGTH, TOTAL_LENGTH))
    elif name != UNREAD:
        padding += options(TOTAL_LENGTH)

    rest = {n: a for n, a in node.arguments.items() if n not in PACKING}
    inner = replace(node, arguments={**rest, first: _PACKED})
    function = writer.scope.member(node.target)
    value = called(entry, inner, function, read, writer.setting, writer.in_training)
    if whole and name != UNREAD:
        _write_whole(writer, page, node, value, padding, indent)
        return True
    kept = PACKED if name != UNREAD else UNREAD
    target = Group("", (kept, in_brackets(writer.target(states, node))), "")
    nothing = flat(target) == "_, _"
    lines = lay(value, indent) if nothing else writer.assign(page, target, value, indent, node)
    page.say(lines, _comment(writer, node, list(leaves(states))), keys)
    if name != UNREAD:
        padded = assignment(Group("", (name, UNREAD), ""), call(PAD, PACKED, *padding), indent)
        page.say(padded, _comment(writer, node, list(leaves(output))), keys)
        writer.types.settles(flat(name), True)
    return True


def _write_whole(
    writer: ForwardWriter,
    page: Page,
    node: Node,
    value: Expression,
    padding: list[Expression],
    indent: int,
) -> None:
    """Where output and states are read as one: the packed output gives its place to the plain one."""
    keys = [writer.scope.key(node)]
    name = writer.variables.names[node.id, ()]
    page.write(writer.assign(page, name, value, indent, node), keys)
    output = f"{flat(call(PAD, f'{name}[0]', *padding))}[0]"
    page.say(
        assignment(name, Group("(", (output, f"{name}[1]"), literal=True), indent),
        writer.comment(node),
        keys,
    )


def _comment(writer: ForwardWriter, node: Node, paths: list[Path]) -> str:
    value = writer.scope.result_everywhere(node.id)
    named = [p for p in paths if writer.variables.names[node.id, p] != UNREAD]
    if value is None:
        return ""
    shown = [shape_text(part_of(value, path)) for path in named]
    if len(shown) > 1 and len(set(shown)) == 1 and shown[0]:
        return f"{shown[0]} each"
    return ", ".join(shown) if all(shown) else ""
