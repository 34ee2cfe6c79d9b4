"""The form of a block's call, and of a network's settings: what belongs to more than one layer."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from builder.catalogue.entry import Parameter, ParameterType
from builder.graph.edits import UNSET, SetArgument, SetRepeat, SetSetting, Ungroup, Unset
from builder.graph.model import Argument, Graph, Node, Owner
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.fields import parameter_field

_MOST_REPEATS: Final = 1000
_TYPES: Final[dict[type, ParameterType]] = {bool: "bool", int: "int", float: "float"}


def block_fields(graph: Graph, node: Node, owner: Owner, key: str) -> None:
    """Draws what is special about a block: going in, ungrouping, repeats, and its settings."""
    inside = state.graph().blocks.get(owner.block or "")
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Open the block",
            key=f"{key}.open",
            icon=":material/login:",
            on_click=state.enter,
            args=(node.id,),
        )
        st.button("Ungroup", key=f"{key}.ungroup", on_click=_ungroup, args=(node.id,))
    repeat_key = state.followed(f"{key}.repeat", owner.repeat)
    shared_key = state.followed(f"{key}.shared", owner.shared)

    def changed() -> None:
        repeat = state.widget(repeat_key) or 1
        shared = state.widget(shared_key)
        edit_or_ask(SetRepeat(node.id, repeat, shared, scope=state.scope()))

    left, right = st.columns(2, gap="small", vertical_alignment="bottom")
    with left:
        st.number_input(
            "Repeat",
            min_value=1,
            max_value=max(_MOST_REPEATS, owner.repeat),
            value=owner.repeat,
            step=1,
            key=repeat_key,
            on_change=state.by_hand(repeat_key, changed),
            help="How many times in a row; each time its result goes in again",
        )
    with right:
        st.toggle(
            "Shared weights",
            owner.shared,
            key=shared_key,
            on_change=state.by_hand(shared_key, changed),
            disabled=owner.repeat == 1,
            help="The same weights each time, instead of its own",
        )
    for name, default in (inside.settings if inside else {}).items():
        parameter_field(
            _typed(name, default),
            owner.arguments.get(name, UNSET),
            partial(_set_block_setting, node.id, name),
            key=f"{key}.setting.{name}",
            graph=graph,
        )


def _typed(name: str, default: object) -> Parameter:
    kind = _TYPES.get(type(default), "str")
    return Parameter(name, kind, default=default, help="A setting of this block")


def settings_fields(graph: Graph, key: str) -> None:
    """Draws the configured constants: constructor arguments of the class, with their defaults."""
    if graph.settings:
        st.markdown("**Settings**")
    for name, value in graph.settings.items():
        parameter_field(
            _typed(name, value),
            value,
            partial(_set_setting, name),
            key=f"{key}.setting.{name}",
            graph=graph,
        )
    with st.expander("Add a setting (constructor argument)", key=f"{key}.new", type="compact"):
        st.caption(
            "A number or word with a name, such as dropout=0.5: an argument of `__init__` in the code. "
            "Branches and sizes may use it."
        )
        with st.form(f"{key}.add", border=False, clear_on_submit=True):
            name = st.text_input("Name", max_chars=64)
            text = st.text_input("Value", max_chars=100, placeholder="0.5, 12, True")
            if st.form_submit_button("Add"):
                state.edit(SetSetting(name, _literal(text), scope=state.scope()))
                draw_anew()


def _literal(text: str) -> bool | int | float | str:
    words = {"True": True, "False": False, "true": True, "false": False}
    if text.strip() in words:
        return words[text.strip()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _ungroup(node: str) -> None:
    edit_or_ask(Ungroup(node, scope=state.scope()))


def _set_block_setting(node: str, name: str, value: Argument | Unset) -> None:
    edit_or_ask(SetArgument(node, name, value, scope=state.scope()))


def _set_setting(name: str, value: Argument | Unset) -> None:
    if value is UNSET or value is None or isinstance(value, bool | int | float | str):
        edit_or_ask(SetSetting(name, value, scope=state.scope()))
