"""One parameter, one widget: the typed fields that the form of a layer is made of.

Each field shows the value that is in the graph, whatever changed it (undo, a repair, another page),
and calls `change` with the new one, or with UNSET to go back to the default or to what is inferred.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import streamlit as st

from builder.catalogue import DTYPES
from builder.catalogue.entry import REQUIRED, Parameter
from builder.errors import LayerwiseError
from builder.graph.edits import UNSET, Unset
from builder.graph.model import Argument, Graph
from builder.graph.words import write_argument, write_index
from builder.ui import state
from builder.ui.expressions import read_argument, read_index

Change: TypeAlias = "Callable[[Argument | Unset], None]"

_SAFE: Final = 2**53 - 1  # the largest whole number a browser keeps exactly
_ONE, _EACH = "One number for all", "One for each axis"


def parameter_field(
    parameter: Parameter,
    value: Argument | Unset,
    change: Change,
    *,
    key: str,
    graph: Graph,
    inferred: str | None = None,
) -> None:
    """Draws the field of one parameter.

    `value`: as set by the person, UNSET where it is left out. `inferred`: for a parameter that is
    worked out, what to show while it is left out ("784, from “flatten”"). `graph`: gives names to
    sizes such as x.size(0).
    """
    if inferred is not None:
        _inferred_field(parameter, value, change, key, graph, inferred)
    else:
        _plain_field(parameter, value, change, key, graph)


def _inferred_field(
    parameter: Parameter,
    value: Argument | Unset,
    change: Change,
    key: str,
    graph: Graph,
    inferred: str,
) -> None:
    number = "".join(c for c in inferred.split(",")[0] if c.isdigit())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        if value is UNSET:
            shown = f"{key}.inferred"
            shown = state.followed(shown, inferred)
            st.text_input(parameter.name, inferred, key=shown, disabled=True, help=_help(parameter))
            st.button(
                "Set",
                key=f"{key}.set",
                on_click=change,
                args=(int(number) if number else 1,),
                help=f"Set {parameter.name} yourself instead of having it worked out",
            )
        else:
            _plain_field(parameter, value, change, key, graph)
            st.button(
                "Infer",
                key=f"{key}.infer",
                on_click=change,
                args=(UNSET,),
                help=f"Work {parameter.name} out from the input again",
            )


def _plain_field(
    parameter: Parameter, value: Argument | Unset, change: Change, key: str, graph: Graph
) -> None:
    shown = parameter.default if value is UNSET else value
    if shown is REQUIRED:
        shown = parameter.suggested
    match parameter.type:
        case "bool" if isinstance(shown, bool):
            _toggle(parameter, shown, change, key)
        case "choice" | "dtype" | "bool":
            _choice(parameter, shown, change, key)
        case "int" if _is_int(shown) or (shown is None and parameter.optional):
            _number(parameter, shown, change, key, int)
        case "float" if _is_number(shown) or (shown is None and parameter.optional):
            _number(parameter, shown, change, key, float)
        case "ints" | "floats":
            _numbers(parameter, shown, change, key, graph)
        case "index":
            _text(parameter, write_index(_argument(shown), graph), change, key, graph, read_index)
        case "str":
            _words(parameter, "" if shown is None else str(shown), change, key)
        case _:
            _text(
                parameter,
                write_argument(_argument(shown), graph),
                change,
                key,
                graph,
                read_argument,
            )


# --- the widgets ----------------------------------------------------------------------------------


def _toggle(parameter: Parameter, value: bool, change: Change, key: str) -> None:
    key = state.followed(key, value)
    st.toggle(
        parameter.name,
        value,
        key=key,
        help=_help(parameter),
        on_change=state.by_hand(key, lambda: change(state.widget(key))),
    )


def _choice(parameter: Parameter, value: object, change: Change, key: str) -> None:
    options: list[Any] = list(parameter.choices)
    if parameter.type == "dtype":
        options = options or list(DTYPES)
    if parameter.type == "bool":
        options = [True, False]
    if parameter.optional or value is None:
        options = [None, *options]
    if value not in options:
        options.append(value)  # from a file: shown as it is, its problem stands at the layer
    key = state.followed(key, value)
    st.selectbox(
        parameter.name,
        options,
        options.index(value),
        key=key,
        format_func=str,
        help=_help(parameter),
        on_change=state.by_hand(key, lambda: change(state.widget(key))),
    )


def _number(
    parameter: Parameter, value: Any, change: Change, key: str, kind: type[int] | type[float]
) -> None:
    low, high = _bounds(parameter, [value], kind)
    shown = None if value is None else kind(value)
    if parameter.optional:
        state.follow(key, shown)  # a default that is a number could not be cleared
    else:
        key = state.followed(key, shown)

    def changed() -> None:
        new = state.widget(key)
        # A cleared field: None where that means something, else back to the default.
        change(new if new is not None or parameter.optional else UNSET)

    st.number_input(
        parameter.name,
        min_value=low,
        max_value=high,
        value=None if parameter.optional else shown,  # not None: no button that clears it
        step=_step(parameter, value, kind),
        format="%d" if kind is int else "%g",
        key=key,
        help=_help(parameter),
        placeholder=str(None if parameter.default is REQUIRED else parameter.default),
        on_change=state.by_hand(key, changed),
    )


def _numbers(parameter: Parameter, value: Any, change: Change, key: str, graph: Graph) -> None:
    """One number, a number for each axis, or a word: kernel_size, padding, dims."""
    kind = int if parameter.type == "ints" else float
    fits = _is_int if kind is int else _is_number
    one = parameter.scalar and fits(value)
    each = (
        isinstance(value, tuple)
        and parameter.length is not None
        and len(value) == parameter.length <= 4
        and all(fits(v) for v in value)
    )
    word = isinstance(value, str) and value in parameter.choices
    if not (one or each or word):
        text = write_argument(_argument(value), graph)
        _text(parameter, text, change, key, graph, read_argument)
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        if one:
            _number(parameter, value, change, f"{key}.one", kind)
        elif each:
            _number_each(parameter, value, change, key, kind)
        else:
            word_key = state.followed(f"{key}.word", value)
            st.text_input(parameter.name, value, key=word_key, disabled=True, help=_help(parameter))
        _ways(parameter, value, change, key)


def _number_each(
    parameter: Parameter, value: tuple[Any, ...], change: Change, key: str, kind: type
) -> None:
    low, high = _bounds(parameter, list(value), kind)
    keys = [state.followed(f"{key}.{i}", kind(part)) for i, part in enumerate(value)]

    def changed() -> None:
        new = tuple(
            state.widget(k) if state.widget(k) is not None else old
            for k, old in zip(keys, value, strict=True)
        )
        change(new)

    for i, (one_key, part) in enumerate(zip(keys, value, strict=True)):
        st.number_input(
            parameter.name if i == 0 else f"{parameter.name}, axis {i + 1}",
            min_value=low,
            max_value=high,
            value=kind(part),
            step=_step(parameter, part, kind),
            format="%d" if kind is int else "%g",
            key=one_key,
            help=_help(parameter) if i == 0 else None,
            label_visibility="visible" if i == 0 else "hidden",
            on_change=state.by_hand(one_key, changed),
        )


def _ways(parameter: Parameter, value: Any, change: Change, key: str) -> None:
    """A small menu of the other ways this parameter may be given."""
    number = value if not isinstance(value, str) else 0
    first = number[0] if isinstance(number, tuple) else number
    ways: dict[str, Argument] = {}
    if parameter.scalar and not _is_number(value):
        ways[_ONE] = first
    if parameter.length and parameter.length > 1 and not isinstance(value, tuple):
        ways[_EACH] = (first,) * parameter.length
    ways.update({f"“{word}”": word for word in parameter.choices if word != value})
    if not ways:
        return
    menu = f"{key}.ways"

    def chosen() -> None:
        way = state.widget(menu)
        if way in ways:
            change(ways[way])

    st.menu_button(
        "",
        list(ways),
        key=menu,
        icon=":material/more_vert:",
        help=f"Other ways to give {parameter.name}",
        on_click=chosen,
        type="tertiary",
    )


def _words(parameter: Parameter, value: str, change: Change, key: str) -> None:
    key = state.followed(key, value)

    def changed() -> None:
        text = state.widget(key)
        change(text if text else UNSET)

    st.text_input(
        parameter.name,
        value,
        key=key,
        max_chars=200,
        help=_help(parameter),
        on_change=state.by_hand(key, changed),
    )


def _text(
    parameter: Parameter,
    value: str,
    change: Change,
    key: str,
    graph: Graph,
    read: Callable[[str, Graph], Argument],
) -> None:
    text_key = state.followed(f"{key}.text", value)

    def changed() -> None:
        text = (state.widget(text_key) or "").strip()
        try:
            new: Argument | Unset = read(text, graph) if text else UNSET
        except LayerwiseError as refusal:
            state.say(f"{parameter.name}: {refusal}", "warning")
            return
        if (
            parameter.type in ("ints", "floats")
            and not parameter.scalar
            and not isinstance(new, tuple)
        ):
            new = new if new is UNSET or new is None else (new,)
        change(new)

    st.text_input(
        parameter.name,
        value,
        key=text_key,
        max_chars=400,
        help=_help(parameter),
        on_change=state.by_hand(text_key, changed),
        placeholder="2, 3" if parameter.type in ("ints", "floats") else "",
    )


# --- small things ---------------------------------------------------------------------------------


def _help(parameter: Parameter) -> str | None:
    """Torch's line about it, with the range and the default. No Markdown of anyone comes through."""
    words = [parameter.help.rstrip(".") + "." if parameter.help else ""]
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None and high < 2**31 - 1:
        words.append(f"From {low:g} to {high:g}.")
    elif low is not None:
        words.append(f"At least {low:g}.")
    if parameter.default is not REQUIRED:
        words.append(f"Default: {parameter.default}.")
    text = " ".join(word for word in words if word)
    return text.replace("*", "\\*").replace("_", "\\_").replace("$", "\\$") or None


def _bounds(parameter: Parameter, values: list[Any], kind: type) -> tuple[Any, Any]:
    """The range of a widget; open where a value from a file already lies outside."""
    low, high = parameter.minimum, parameter.maximum
    given = [v for v in values if v is not None]
    if any(low is not None and v < low for v in given):
        low = None
    if any(high is not None and v > high for v in given):
        high = None
    return (None if low is None else kind(low)), (None if high is None else kind(high))


def _step(parameter: Parameter, value: Any, kind: type) -> Any:
    if kind is int:
        return 1
    if parameter.maximum == 1:
        return 0.05
    size = abs(value) if value else 1.0
    return size if size < 0.01 else 0.1


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _SAFE


def _is_number(value: object) -> bool:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return fits and abs(value) <= _SAFE  # type: ignore[arg-type]


def _argument(value: object) -> Any:
    return value
