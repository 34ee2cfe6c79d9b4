"""Where a layer's inputs come from: a field for each port, with every value it could read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from builder.catalogue import parts_of
from builder.catalogue.entry import Part, Port
from builder.graph import opaque
from builder.graph.edits import UNSET, SetCallArgument, Unset
from builder.graph.model import (
    OPAQUE,
    Argument,
    Graph,
    Node,
    Ref,
    TensorSpec,
    Value,
    format_value,
    iter_refs,
)
from builder.graph.report import ShapeReport
from builder.graph.words import entry_of, source_words
from builder.ui import state
from builder.ui.worded import worded

_MOST_PARTS: Final = 12  # parts offered of one tuple result
_NONE: Final = ""
_NUMBER: Final = "#"


def ports_of(graph: Graph, node: Node, root: Graph) -> tuple[Port, ...]:
    """The tensor inputs of any node: a layer's, a block's, a branch's, an output's."""
    entry = entry_of(graph, node)
    if entry is not None:
        return entry.ports
    if node.kind == "branch":
        return Port("if_true"), Port("if_false")
    if node.kind == "output":
        return (Port("value"),)
    owner = graph.owner_of(node)
    block = root.blocks.get(owner.block or "") if owner else None
    names = [block.label(i.id) for i in block.inputs] if block else []
    if owner is not None and owner.target == OPAQUE:
        names = list(opaque.ports(owner))
    wired = [name for name, value in node.arguments.items() if any(iter_refs(value))]
    return tuple(Port(name) for name in dict.fromkeys([*names, *wired]))


def port_fields(graph: Graph, node: Node, report: ShapeReport | None, *, key: str) -> None:
    """Draws a field for each port of a node."""
    offered = values_before(graph, node, report)
    for port in ports_of(graph, node, state.graph()):
        if port.many:
            _many(graph, node, port, offered, f"{key}.{port.name}")
        else:
            _one(graph, node, port, offered, f"{key}.{port.name}")


def values_before(graph: Graph, node: Node, report: ShapeReport | None) -> dict[str, str]:
    """Every value a node may read: token → words with its shape. The nearest one first."""
    found: dict[str, str] = {}
    earlier = []
    for other in graph.nodes.values():
        if other.id == node.id:
            break
        earlier.append(other)
    for other in reversed(earlier):
        if other.kind == "output":
            continue
        known = report.nodes.get(other.id) if report else None
        result = known.result if known else None
        for ref in _refs_of(graph, other, result):
            words = f"{source_words(graph, ref)}   {format_value(_part(result, ref.path))}"
            found[_token(ref)] = words
    return found


def _one(graph: Graph, node: Node, port: Port, offered: Mapping[str, str], key: str) -> None:
    value = node.arguments.get(port.name)
    now = _token(value) if isinstance(value, Ref) else _NONE if value is None else _NUMBER
    words = {**offered}
    if port.optional or value is None:
        words = {_NONE: "not connected", **words}
    if port.number:
        words[_NUMBER] = "a number"
    if now not in words and isinstance(value, Ref):
        words[now] = source_words(graph, value)  # reads something later: refused by the check
    if now == _NUMBER and not port.number:
        words[_NUMBER] = "a fixed value"
    box = state.followed(worded(key, words.values()), now)

    def changed() -> None:
        token = state.widget(box)
        new: Argument = None if token == _NONE else 1.0 if token == _NUMBER else _untoken(token)
        _set(node, port, UNSET if new is None else new)

    st.selectbox(
        port.name,
        list(words),
        list(words).index(now),
        key=box,
        format_func=lambda t: words.get(t, t),
        on_change=state.by_hand(box, changed),
        help=port.help or None,
    )
    if now == _NUMBER and isinstance(value, int | float):
        _number(node, port, value, f"{key}.number")


def _many(graph: Graph, node: Node, port: Port, offered: Mapping[str, str], key: str) -> None:
    """Several values in order; the order they are picked in is the order they are given in."""
    value = node.arguments.get(port.name)
    parts = value if isinstance(value, tuple) else () if value is None else (value,)
    tokens = [_token(part) for part in parts if isinstance(part, Ref)]
    words = {
        **offered,
        **{
            _token(p): source_words(graph, p)
            for p in parts
            if isinstance(p, Ref) and _token(p) not in offered
        },
    }
    if len(set(tokens)) == len(tokens):
        box = state.followed(worded(key, words.values()), tokens)

        def changed() -> None:
            chosen = tuple(_untoken(token) for token in state.widget(box))
            _set(node, port, chosen if chosen else UNSET)

        st.multiselect(
            port.name,
            list(words),
            tokens,
            key=box,
            format_func=lambda t: words.get(t, t),
            on_change=state.by_hand(box, changed),
            placeholder="Choose values, in order",
            max_selections=port.length,
        )
        return
    for i, token in enumerate(tokens):  # one value twice: a list of fields can hold it
        one = state.followed(worded(f"{key}.{i}", words.values()), token)

        def changed_one(i: int = i, one: str = one) -> None:
            new = [*tokens]
            new[i] = state.widget(one)
            _set(node, port, tuple(_untoken(t) for t in new))

        st.selectbox(
            f"{port.name}, {i + 1}",
            list(words),
            list(words).index(token),
            key=one,
            format_func=lambda t: words.get(t, t),
            on_change=state.by_hand(one, changed_one),
        )


def _number(node: Node, port: Port, value: int | float, key: str) -> None:
    key = state.followed(key, float(value))

    def changed() -> None:
        new = state.widget(key)
        if new is not None:
            _set(node, port, int(new) if float(new).is_integer() else float(new))

    st.number_input(
        f"{port.name}, a number",
        value=float(value),
        key=key,
        format="%g",
        on_change=state.by_hand(key, changed),
    )


def _set(node: Node, port: Port, value: Argument | Unset) -> None:
    from builder.ui.canvas.holding import edit_or_ask  # here, because the canvas asks for ports too

    edit_or_ask(SetCallArgument(node.id, port.name, value, scope=state.scope()))


def _refs_of(graph: Graph, node: Node, result: Value | None) -> list[Ref]:
    """The value itself where it is one tensor, else its parts, as far as they are known."""
    entry = entry_of(graph, node)
    named: tuple[Part, ...] = ()
    if entry is not None:
        owner = graph.owner_of(node)
        given = {**(owner.arguments if owner else {}), **node.arguments}
        named = parts_of(entry, given)
    if isinstance(result, TensorSpec) or (result is None and not named):
        return [Ref(node.id)]
    if named:
        known = [p for p in named if result is None or _part(result, p.path) is not None]
        return [Ref(node.id, part.path) for part in known[:_MOST_PARTS]]
    leaves: list[Ref] = []
    _leaves(node.id, result, (), leaves)
    return leaves[:_MOST_PARTS]


def _leaves(node: str, value: Value | None, path: tuple[int, ...], into: list[Ref]) -> None:
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            _leaves(node, part, (*path, i), into)
    else:
        into.append(Ref(node, path))


def _part(value: Value | None, path: tuple[int, ...]) -> Value | None:
    for step in path:
        if not isinstance(value, tuple) or step >= len(value):
            return None
        value = value[step]
    return value


def _token(ref: Ref) -> str:
    return "/".join([ref.node, *map(str, ref.path)])


def _untoken(token: str) -> Ref:
    node, *path = token.split("/")
    return Ref(node, tuple(int(step) for step in path))
