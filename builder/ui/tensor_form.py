"""The form of what owns weights apart from its parameters: tensors without a layer, a layer's weight
read by itself, weights that are shared or tied, and layers of a person's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import streamlit as st

from builder.catalogue.entry import Entry
from builder.catalogue.tensors import read_by
from builder.errors import LayerwiseError
from builder.graph import opaque
from builder.graph.edits import (
    UNSET,
    Edit,
    SetArgument,
    SetTie,
    SetWeight,
    Several,
    ShareWeights,
    Unset,
    UnshareWeights,
)
from builder.graph.model import MADE, Argument, Graph, Node, Owner, TensorSpec, format_shape
from builder.graph.report import ShapeReport
from builder.graph.weights import Tensor, report_of, tensors_of
from builder.ui import state
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.expressions import read_argument
from builder.ui.fields import parameter_field
from builder.ui.worded import worded

_ALWAYS: Final = ("init", "dtype", "requires_grad", "persistent")
_MOST: Final = 500  # tensors offered to choose from


def tensor_fields(graph: Graph, node: Node, owner: Owner, entry: Entry, key: str) -> None:
    """Size, first values and type of a raw tensor; only what its way of being filled reads."""
    init = owner.arguments.get("init", "zeros")
    if init == MADE:
        st.caption(f"Made by the operations of the block **{owner.made_by}**.")
    else:
        _size(graph, node, owner, key)
    used = (*_ALWAYS, *read_by(init))
    for parameter in entry.parameters:
        if parameter.name not in used:
            continue

        def change(new: Argument | Unset, name: str = parameter.name) -> None:
            edit_or_ask(_setting(node, name, new))

        if parameter.name == "made_by":
            _maker(node, owner, key)
        else:
            value = owner.arguments.get(parameter.name, UNSET)
            parameter_field(parameter, value, change, key=f"{key}.{parameter.name}", graph=graph)


def _setting(node: Node, name: str, value: Argument | Unset) -> Edit:
    """One argument set; filling by operations begins with the first block that could."""
    scope = state.scope()
    edit = SetArgument(node.id, name, value, scope=scope)
    if name == "init" and value == MADE and (makers := _makers()):
        by = SetArgument(node.id, "made_by", makers[0], scope=scope)
        return Several((by, edit), "Fill by operations")
    return edit


def _makers() -> list[str]:
    """The blocks that can make a tensor: no inputs, one output, operations only."""
    return [
        name
        for name, block in state.graph().blocks.items()
        if len(block.outputs) == 1
        and all(n.kind in ("operation", "output") for n in block.nodes.values())
    ]


def _maker(node: Node, owner: Owner, key: str) -> None:
    makers = list(dict.fromkeys([owner.made_by or "", *_makers()]))
    box = state.followed(worded(f"{key}.made_by", makers), owner.made_by or "")

    def changed() -> None:
        edit_or_ask(_setting(node, "made_by", state.widget(box)))

    st.selectbox(
        "made_by",
        makers,
        makers.index(owner.made_by or ""),
        key=box,
        on_change=state.by_hand(box, changed),
        help="The block whose operations make it",
    )


def _size(graph: Graph, node: Node, owner: Owner, key: str) -> None:
    size = owner.arguments.get("size", ())
    parts = size if isinstance(size, tuple) else (size,)
    text = " × ".join(str(part) for part in parts) if _plain(parts) else ""
    box = state.followed(f"{key}.size", text)

    def changed() -> None:
        written = (state.widget(box) or "").replace("×", ",").strip().strip(",")
        try:
            read = read_argument(written, graph) if written else ()
        except LayerwiseError as refusal:
            state.say(str(refusal), "warning")
            return
        edit_or_ask(_setting(node, "size", read if isinstance(read, tuple) else (read,)))

    st.text_input(
        "Size",
        text,
        key=box,
        max_chars=100,
        on_change=state.by_hand(box, changed),
        placeholder="1 × 65 × 128" if _plain(parts) else "by settings",
        help="Numbers between × or commas, without the batch. Empty: a single number.",
    )


def _plain(parts: tuple[Argument, ...]) -> bool:
    return all(isinstance(part, int) for part in parts)


# --- a tensor of a layer --------------------------------------------------------------------------


def weight_choice(graph: Graph, node: Node, report: ShapeReport | None, key: str) -> None:
    """Which tensor a weight node gives: of every layer and block of this graph."""
    offered = {
        (owner.id, path): f"{_named(owner, path)}   {format_shape(tensor.spec.shape)}"
        for owner, path, tensor in _offered(graph, report)
    }
    now = (node.target, str(node.arguments.get("name", "")))
    offered.setdefault(now, graph.label(node.id))
    box = state.followed(worded(f"{key}.tensor", offered.values()), now)

    def changed() -> None:
        owner, path = state.widget(box)
        edit_or_ask(SetWeight(node.id, owner, path, scope=state.scope()))

    st.selectbox(
        "Tensor",
        list(offered),
        list(offered).index(now),
        key=box,
        format_func=lambda each: offered.get(each, ""),
        on_change=state.by_hand(box, changed),
        help="The tensor itself, as self.emb.weight in the code: it stays the layer’s",
    )


def _offered(graph: Graph, report: ShapeReport | None) -> Iterator[tuple[Owner, str, Tensor]]:
    """Every tensor in a graph, with the owner and the path it is found by."""
    count = 0
    for owner in graph.owners.values():
        made = report_of(graph, owner, report) if report is not None else None
        for path, tensor in (
            tensors_of(graph, state.graph().blocks, owner, made) if made is not None else {}
        ).items():
            count += 1
            if count > _MOST:
                return
            yield owner, path, tensor


def _named(owner: Owner, path: str) -> str:
    return f"{owner.name}.{path}" if path else owner.name


# --- shared and tied weights ----------------------------------------------------------------------


def weight_fields(
    graph: Graph, node: Node, owner: Owner, report: ShapeReport | None, key: str
) -> None:
    """Own weights, those of another layer of the same kind, or single ones that are another's."""
    _shared(graph, node, owner, key)
    every = list(_offered(graph, report))
    mine = [(path, t) for other, path, t in every if other.id == owner.id and t.parameter]
    for path, tensor in mine[:8]:
        _tie(node, owner, path, tensor.spec, every, key)


def _tie(
    node: Node,
    owner: Owner,
    path: str,
    spec: TensorSpec,
    every: list[tuple[Owner, str, Tensor]],
    key: str,
) -> None:
    own = ("", "")
    offered = {own: "its own values"} | {
        (other.id, there): f"the same tensor as {_named(other, there)}"
        for other, there, tensor in every
        if tensor.parameter and tensor.spec == spec and other.id != owner.id
        if there not in other.ties
    }
    now = owner.ties.get(path, own)
    offered.setdefault(now, "another tensor")
    tied_to = any((owner.id, path) in other.ties.values() for other, _, _ in every)
    if len(offered) == 1 or (tied_to and now == own):
        return
    box = state.followed(worded(f"{key}.tie.{path}", offered.values()), now)

    def changed() -> None:
        other, there = state.widget(box)
        edit = SetTie(node.id, path, other or None, there, scope=state.scope())
        if (other or None) is not None or path in owner.ties:
            edit_or_ask(edit)

    st.selectbox(
        f"{path or owner.name} is",
        list(offered),
        list(offered).index(now),
        key=box,
        format_func=lambda each: offered.get(each, ""),
        on_change=state.by_hand(box, changed),
        help="Tied weights are one tensor under two names, as in a language model’s first and last "
        "layer",
    )


def _shared(graph: Graph, node: Node, owner: Owner, key: str) -> None:
    called: Callable[[str], list[Node]] = graph.reads_of if owner.raw else graph.calls_of
    calls = called(owner.id)
    sharing = len(calls) > 1 and calls[0].id != node.id
    others = {
        calls_of[0].id: other.name
        for other in graph.owners.values()
        if other.target == owner.target and other.id != owner.id
        if (calls_of := called(other.id))
    }
    if sharing:
        others[calls[0].id] = owner.name
    if not others or owner.raw:
        return
    own = ""
    now = calls[0].id if sharing else own
    box = state.followed(worded(f"{key}.weights", others.values()), now)

    def changed() -> None:
        chosen = state.widget(box)
        edit: Edit = (
            ShareWeights(node.id, chosen, scope=state.scope())
            if chosen
            else UnshareWeights(node.id, scope=state.scope())
        )
        edit_or_ask(edit)

    st.selectbox(
        "Weights",
        [own, *others],
        [own, *others].index(now),
        key=box,
        format_func=lambda n: f"those of {others[n]}" if n in others else "its own",
        on_change=state.by_hand(box, changed),
        help="Two layers that share weights are one module, called twice",
    )


# --- own code -------------------------------------------------------------------------------------


def own_code_fields(node: Node, owner: Owner, key: str) -> None:
    """The text of a layer of own code, how it is made, and what the person says that it gives."""
    gives = owner.arguments.get("gives", ())
    texts = gives if isinstance(gives, tuple) else (gives,)
    _text(node, "gives", "Gives", "; ".join(str(t) for t in texts), key, "N×64")
    _text(node, "call", "Made by", str(owner.arguments.get("call", "")), key, "Strange(3)")
    box = state.followed(f"{key}.source", str(owner.arguments.get("source", "")))

    def changed() -> None:
        edit_or_ask(_setting(node, "source", state.widget(box) or ""))

    st.text_area(
        "Its text",
        str(owner.arguments.get("source", "")),
        key=box,
        height=200,
        max_chars=10_000,
        on_change=state.by_hand(box, changed),
        help="It is kept and written into the code as it is; reading it runs nothing",
    )
    names = ", ".join(opaque.ports(owner))
    st.caption(
        "Code of your own: everything around it works, and it is part of what you download. It runs, "
        "trains and is measured only where who runs this server has allowed that."
        + (f" It takes {names}." if names else "")
    )


def _text(node: Node, name: str, title: str, text: str, key: str, example: str) -> None:
    box = state.followed(f"{key}.{name}", text)

    def changed() -> None:
        written = (state.widget(box) or "").strip()
        value: Argument | Unset = written
        if name == "gives":
            value = tuple(part.strip() for part in written.split(";") if part.strip()) or UNSET
        edit_or_ask(_setting(node, name, value))

    st.text_input(
        title,
        text,
        key=box,
        max_chars=400,
        placeholder=example,
        on_change=state.by_hand(box, changed),
    )
