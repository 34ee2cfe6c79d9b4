"""The panel that reads code: paste it or bring a file, see what was assumed, open it as a new project.

The text is read in the warm child (`builder.code.reading`), never run, and shown only as code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import streamlit as st

from builder.code.reading import Read
from builder.code.reading.asking import write_inputs
from builder.code.reading.limits import MAX_LINES, MAX_SOURCE
from builder.code.reading.source import place_of
from builder.data import DataChoice, card_of
from builder.errors import CodeRefused
from builder.inspection.sketch import sketch
from builder.ui import state
from builder.ui.markdown import plain
from builder.ui.places import go_to
from builder.ui.reader_process import warm_soon
from builder.ui.readings import (
    Question,
    Reading,
    ask,
    ask_again,
    ask_file,
    close,
    is_open,
    of_file,
    open_read,
    read_what_was_asked,
    switch,
    text,
)
from builder.ui.weights_panel import bring_with, weights_field
from builder.ui.worded import worded

_FILE_MIB: Final = 30  # a notebook with its pictures
_TEXT_HEIGHT: Final = 400  # pixels
_MOST_SHOWN: Final = 40_000  # characters of a file
_LONGEST_SHOWN: Final = 160  # characters of a call that stands in a field
_MOST_SAID: Final = 300
_NOTES_SHOWN: Final = 12
_PICTURE_WIDTH: Final = 240  # pixels
_EXAMPLE: Final = "import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    …"


def read_code_button(place: str) -> None:
    """Opens and closes the panel on a page."""
    st.button(
        "Close" if is_open(place) else "Read code",
        key=f"lw_read_switch_{place}",
        icon=":material/close:" if is_open(place) else ":material/input:",
        help=None
        if is_open(place)
        else "Your PyTorch code, pasted or from a file, becomes a network",
        on_click=switch,
        args=(place,),
    )


def read_code_panel(place: str) -> None:
    """The panel, where it is open on that page: the text on the left, what it makes on the right."""
    if not is_open(place):
        return
    warm_soon()
    with st.container(key=f"lw_read_{place}", border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.markdown("**Read code**", width="content")
            st.caption(
                "A network in PyTorch becomes layers, blocks and wires; its names stay. "
                "The text is read, never run."
            )
        left, right = st.columns([1, 1], gap="large")
        with left:
            _source(place)
        with right:
            reading = read_what_was_asked()
            if reading is None:
                _what_is_read()
            else:
                _answer(place, reading)


# The text -----------------------------------------------------------------------------------------


def _source(place: str) -> None:
    file_key, text_key = f"lw_read_file_{place}", f"lw_read_text_{place}"
    file = st.file_uploader(
        "A Python file or a notebook",
        type=["py", "ipynb"],
        key=file_key,
        max_upload_size=_FILE_MIB,
        on_change=lambda: ask_file(state.widget(file_key)),
    )
    if file is not None:
        st.caption("Take the file away to paste a text instead.")
        shown = of_file()
        if shown:
            st.code(shown[:_MOST_SHOWN], language="python", line_numbers=True, height=_TEXT_HEIGHT)
        return
    state.follow(text_key, text())
    with st.form(f"lw_read_form_{place}", border=False):
        st.text_area(
            "Or paste the code",
            key=text_key,
            height=_TEXT_HEIGHT,
            placeholder=_EXAMPLE,
            help=f"Up to {MAX_SOURCE:,} characters in {MAX_LINES:,} lines. A whole page with code in "
            "fences and a console session are read too.",
        )
        st.form_submit_button(
            "Read",
            key=f"lw_read_go_{place}",
            type="primary",
            icon=":material/input:",
            on_click=lambda: ask(str(state.widget(text_key) or "")),
        )


def _what_is_read() -> None:
    st.markdown("**What is read**")
    st.markdown(
        "- an `nn.Sequential`, or `nn.Module` classes, several and nested\n"
        "- how the network is made and what goes into it, where the text says so; else it is "
        "worked out, and can be changed here\n"
        "- the rest of the text, training and data, is passed over"
    )


# What it makes ------------------------------------------------------------------------------------


def _answer(place: str, reading: Reading) -> None:
    if isinstance(reading.result, CodeRefused):
        _refused(place, reading.result, reading.question)
        _fields(place, reading)
        return
    _fields(place, reading)
    _found(place, reading)


def _fields(place: str, reading: Reading) -> None:
    """Which network, how it is made, and what goes in: as it was said or assumed, to be changed."""
    question, result = reading.question, reading.result
    made, inputs, name = question.target or "", question.inputs, ""
    if not isinstance(result, CodeRefused):
        made, inputs, name = result.target, write_inputs(result.graph), result.graph.name
    mark = f"{place}_{reading.number}"
    called = next((choice for choice in result.choices if choice[:1].isupper()), "")
    if len(result.choices) > 1:
        key = worded(f"lw_read_which_{mark}", result.choices)
        name = next((n for n in (made.partition("(")[0], name) if n in result.choices), "")
        st.selectbox(
            "Which network",
            result.choices,
            index=result.choices.index(name) if name else None,
            key=key,
            placeholder="The text holds several",
            on_change=lambda: ask_again(target=str(state.widget(key) or ""), inputs=""),
        )
    with st.container(horizontal=True, gap="small"):
        made_key, inputs_key = f"lw_read_made_{mark}", f"lw_read_inputs_{mark}"
        st.text_input(
            "Made as",
            made if len(made) <= _LONGEST_SHOWN else "",
            key=made_key,
            max_chars=_MOST_SAID,
            placeholder=f"{called}(…)" if called else "Net(784, 10)",
            help="The call that makes the network, such as Net(784, 10)",
            on_change=lambda: ask_again(target=str(state.widget(made_key) or "")),
        )
        st.text_input(
            "What goes in",
            inputs if len(inputs) <= _MOST_SAID else "",
            key=inputs_key,
            max_chars=_MOST_SAID,
            placeholder="1, 28, 28",
            help="The sizes of one sample, such as 1, 28, 28. With its type, and for several inputs: "
            "float32[N, 1, 28, 28], int64[N, 7]. N is the batch.",
            on_change=lambda: ask_again(inputs=str(state.widget(inputs_key) or "")),
        )


def _refused(place: str, refusal: CodeRefused, question: Question) -> None:
    where = _where(question.source, refusal.line)
    st.error(plain(f"{where}{refusal.reason} {refusal.help}".strip()), icon=":material/report:")
    if refusal.code:
        st.code(refusal.code, language="python", wrap_lines=True)
    if refusal.kind in ("limit", "stumbled"):
        st.button(
            "Try again",
            key=f"lw_read_again_{place}",
            icon=":material/refresh:",
            on_click=ask_again,
        )


def _where(source: str, line: int | None) -> str:
    """ "Line 4: ", of a notebook "Cell [7], line 2: "; "" for no line."""
    found = place_of(source, line)
    return f"{found[0].upper()}{found[1:]}: " if found else ""


def _found(place: str, reading: Reading) -> None:
    result = reading.result
    assert not isinstance(result, CodeRefused)
    with st.container(key=f"lw_read_found_{place}", border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            if svg := _picture(reading, state.dark()):
                st.image(svg, width=_PICTURE_WIDTH)
            with st.container(gap="xsmall", width="stretch"):
                st.markdown(f"**{plain(result.graph.name) or 'Network'}**")
                for part in reading.facts.split(" · "):
                    st.caption(plain(part))
        _said(reading)
        chosen = _data_choice(place, reading)
        weights_field(place, result.graph, reading.number)
        if st.button(
            "Open as a new project",
            key=f"lw_read_open_{place}",
            type="primary",
            icon=":material/arrow_forward:",
        ):
            open_read(reading, chosen)
            bring_with(place)
            close(place)
            go_to("Build")


def _data_choice(place: str, reading: Reading) -> DataChoice | None:
    """The ready sets that fit the network, to take one along; None where none is wanted."""
    if not reading.data:
        return None
    known = {choice.source: choice for choice in reading.data}
    taken = st.pills(
        "Data that fit",
        list(known),
        key=f"lw_read_data_{place}_{reading.number}",
        format_func=lambda source: card_of(source).title,
        help="The new project opens with the set you choose here. Your own file: on the Data page.",
    )
    return known.get(str(taken))


def _said(reading: Reading) -> None:
    """What was assumed, what does not fit, what was left out."""
    result = reading.result
    assert not isinstance(result, CodeRefused)
    noted = [*result.notes, *((r.line, f"{r.reason} {r.help}".strip()) for r in result.refusals)]
    with st.container(gap="xsmall"):
        for words in _constructor(reading, result):
            st.caption(f":material/tune: {plain(words)}")
        for assumption in result.assumptions:
            st.caption(f":material/help: {plain(assumption)}")
        if reading.problems:
            many = f"{reading.problems} problems" if reading.problems > 1 else "a problem"
            st.caption(f":material/error: It has {many}, which the Build page shows.")
        for line, words in noted[:_NOTES_SHOWN]:
            where = _where(reading.question.source, line)
            st.caption(f":material/info: {plain(where)}{plain(words)}")
        if len(noted) > _NOTES_SHOWN:
            st.caption(f"{len(noted) - _NOTES_SHOWN} more notes.")


def _constructor(reading: Reading, result: Read) -> Iterator[str]:
    """What becomes of the constructor's arguments, and of the text itself."""
    kept = [f"{name}={value!r}" for name, value in result.graph.settings.items()]
    if kept:
        yield f"Stay settings of the network: {', '.join(kept)[:_MOST_SAID]}."
    if result.fixed:
        yield (
            f"Built in: {', '.join(result.fixed)[:_MOST_SAID]}. For other values change the call “Made as”."
        )
    if reading.texts:
        yield "Your text stays on the Code page, with its comments."
    else:
        yield "The Code page writes it anew, without your comments."


def _picture(reading: Reading, dark: bool) -> str:
    """The network at a glance, drawn once; "" for one too long to draw."""
    known, was_dark, svg = state.recall("reading.picture", (0, False, ""))
    if known != reading.number or was_dark != dark:
        assert not isinstance(reading.result, CodeRefused)
        svg = sketch(reading.result.graph, dark)
        state.keep("reading.picture", (reading.number, dark, svg))
    return str(svg)
