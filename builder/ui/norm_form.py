"""How the weights of a layer are normalized: chosen here, with what each way is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from builder.catalogue.entry import Parameter
from builder.catalogue.norms import NORMS, NormEntry
from builder.graph.edits import UNSET, SetNorms, Unset
from builder.graph.model import Argument, Graph, Literals, Node, Norm, Owner
from builder.graph.norms import can_be_computed
from builder.graph.report import ShapeReport
from builder.graph.weights import report_of
from builder.ui import state
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.fields import parameter_field

_NONE: Final = ""
_SHORT: Final = 8  # characters of a name that two of them have room for on a line
_MOST: Final = 4  # weights of one layer that are asked for; more only where they are normalized


def norm_fields(
    graph: Graph, node: Node, owner: Owner, report: ShapeReport | None, key: str
) -> None:
    """For each weight of a layer: as it is, or computed by one of torch's ways, with its arguments."""
    made = report_of(graph, owner, report) if report is not None else None
    if made is None or node.kind != "layer":
        return
    set_now = {norm.name: norm for norm in owner.norms}
    names = can_be_computed(owner, made)
    for name in [n for i, n in enumerate(names) if i < _MOST or n in set_now]:
        what = "the weight" if names == ["weight"] else name
        _way(node, owner, name, f"Normalize {what}", f"{key}.norm.{name}")
        if name in set_now and set_now[name].kind in NORMS:
            _arguments(graph, node, owner, set_now[name], f"{key}.norm.{name}")


def _way(node: Node, owner: Owner, name: str, title: str, key: str) -> None:
    now = next((norm.kind for norm in owner.norms if norm.name == name), _NONE)
    box = state.followed(key, now)

    def changed() -> None:
        chosen = state.widget(box)
        given: dict[str, Literals] = {} if name == "weight" else {"name": name}
        _put(node, owner, name, Norm(chosen, given) if chosen else None)

    options = [_NONE, *NORMS]
    if now not in options:
        options.append(now)
    st.selectbox(
        title,
        options,
        options.index(now),
        key=box,
        format_func=_words,
        on_change=state.by_hand(box, changed),
        help="Computes the weight anew in each call. Those of torch.nn.utils are the older functions, "
        "whose tensors have other names in the state_dict",
    )


def _words(kind: str) -> str:
    entry = NORMS.get(kind)
    if entry is None:
        return kind.rpartition(".")[2] or "none"
    return entry.name if entry.is_new else f"{entry.name} (torch.nn.utils)"


def _arguments(graph: Graph, node: Node, owner: Owner, norm: Norm, key: str) -> None:
    entry = NORMS[norm.kind]
    st.caption(f"{entry.help} [PyTorch’s page]({entry.link})")
    shown = [p for p in entry.parameters if p.name != "name"]
    for parameter in [p for p in shown if len(p.name) > _SHORT]:
        _argument(graph, node, owner, norm, parameter, entry, key)
    short = [p for p in shown if len(p.name) <= _SHORT]
    for parameter, place in zip(short, st.columns(len(short)) if short else (), strict=True):
        with place:
            _argument(graph, node, owner, norm, parameter, entry, key)


def _argument(
    graph: Graph,
    node: Node,
    owner: Owner,
    norm: Norm,
    parameter: Parameter,
    entry: NormEntry,
    key: str,
) -> None:
    def change(new: Argument | Unset) -> None:
        given = {n: a for n, a in norm.arguments.items() if n != parameter.name}
        plain = isinstance(new, bool | int | float | str | None)
        if plain and new is not UNSET and new != parameter.default:
            given[parameter.name] = new  # type: ignore[assignment]
        _put(node, owner, norm.name, replace(norm, arguments=given))

    value = norm.arguments.get(parameter.name, UNSET)
    parameter_field(
        parameter, value, change, key=f"{key}.{entry.key}.{parameter.name}", graph=graph
    )


def _put(node: Node, owner: Owner, name: str, norm: Norm | None) -> None:
    """Exchanges the norm of one weight, in its place."""
    others = {each.name: each for each in owner.norms}
    if norm is not None:
        others[name] = norm
    else:
        others.pop(name, None)
    edit_or_ask(SetNorms(node.id, tuple(others.values()), scope=state.scope()))
