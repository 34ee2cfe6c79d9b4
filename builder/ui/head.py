"""The head of every page: the project, whether it is saved, how it stands, and the way on."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Final

import streamlit as st

from builder.errors import LayerwiseError
from builder.graph.diagnostics import first_of
from builder.graph.size import count_layers, format_count, format_layers
from builder.graph.words import parameters_words
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.canvas.place import look_at_first_problem
from builder.ui.markdown import plain
from builder.ui.places import go_to, next_place, place
from builder.ui.times import moment

_LOG: Final = logging.getLogger("layerwise")
_TONES: Final = {
    "info": (st.info, ":material/info:"),
    "success": (st.success, ":material/check_circle:"),
    "warning": (st.warning, ":material/error:"),
    "error": (st.error, ":material/report:"),
}


def page_head(
    title: str,
    purpose: str | None = None,
    *,
    needs_project: bool = True,
    beside: Callable[[], None] | None = None,
    history: bool = True,
) -> None:
    """Draws the head; call it first on a page.

    `history`: whether Undo and Redo are seen here; else the page shows them, and their keys go on.

    `beside`: draws what a page has of its own in the title's line. `title`: as in `builder.ui.places`, which also knows the purpose and the next page. With
    `needs_project` a page without an open project says so, offers one, and stops there: below this
    call `state.graph()` is safe. Shows what `state.say` was told since the last run.
    """
    here = place(title)
    opened = state.open_from_url()
    with st.container(key="lw_head", gap="small"):
        if opened:
            _project_row(title, history)
        about = purpose or (here.purpose if here else "")
        _title_row(title, about, opened and needs_project, beside if opened else None)
    with st.container(key="lw_told", gap="small"):  # always there: what is below keeps its place
        if opened:
            _saved_elsewhere()
        for tone, text in state.take_messages():
            show, icon = _TONES[tone]
            show(plain(text), icon=icon)
        broken = opened and not _checked()
        if broken:
            _cannot_be_checked(title)
    if needs_project and broken:
        st.stop()
    if needs_project and not opened:
        _nothing_open()
        st.stop()


def _project_row(title: str, history: bool) -> None:
    with st.container(
        key="lw_bar", horizontal=True, vertical_alignment="center", gap="small", wrap=True
    ):
        _name_field(title)
        _saved_state()
        st.space("stretch")
        _data_chip()
        _chip()
        if history:
            _history_buttons()
        else:
            with st.container(key="lw_history_elsewhere", width="content"):
                _history_buttons()


def _name_field(title: str) -> None:
    # A key for each page: on a page switch Streamlit forgets the value under one that stays the same.
    key = f"lw_name_{title}_{state.project_id()}"
    name = state.project().name
    key = state.followed(key, name)

    def rename() -> None:
        state.rename_project(state.widget(key))

    with st.container(key="lw_name", width=280):
        st.text_input(
            "Project name",
            name,
            key=key,
            max_chars=80,
            on_change=state.by_hand(key, rename),
            label_visibility="collapsed",
            placeholder="Untitled network",
        )


def _saved_state() -> None:
    kind = state.saved()
    if kind == "saved":
        with st.container(key="lw_saved", width="content"):  # away while the canvas says otherwise
            st.caption(f":material/cloud_done: Saved {_ago(state.saved_at())}", width="content")
    elif kind == "failed":
        st.button(
            "Not saved: try again",
            key="lw_save_again",
            icon=":material/sync_problem:",
            type="tertiary",
            on_click=_save_again,
        )
    else:
        st.caption(":material/sync_problem: Not saved", width="content")


def _save_again() -> None:
    state.save()


def _ago(seconds: float) -> str:
    """In coarse words: what is drawn stays as it is until the next click."""
    passed = max(0.0, time.time() - seconds)
    if passed < 120:
        return ""
    return moment(seconds)


def _checked() -> bool:
    """Whether the open network can be checked at all; what was not foreseen is logged, once.

    Every page has this head, also the one that leads out: so no network may take it down.
    """
    graph = state.graph()
    known, fine = state.recall("head.checked", (None, True))
    if known is graph and not fine:
        return False
    try:
        state.check()
        fine = True
    except Exception as trouble:
        number = secrets.token_hex(4)
        _LOG.error("A network could not be checked (error %s)", number, exc_info=trouble)
        state.keep("head.error", str(trouble) if isinstance(trouble, LayerwiseError) else number)
        fine = False
    state.keep("head.checked", (graph, fine))
    return fine


def _cannot_be_checked(title: str) -> None:
    why = state.recall("head.error", "")
    st.error(
        f"This network could not be checked ({plain(why)}). It is saved and can be downloaded from "
        "the gallery. Take the last change back with Undo, or open another network.",
        icon=":material/report:",
    )
    if title != "Gallery" and st.button(
        "Go to the gallery", key="lw_out", icon=":material/grid_view:"
    ):
        go_to("Gallery")


def _chip() -> None:
    """Layers · parameters · problems; a click leads to a text that is not read, else to the first problem,
    else to Build."""
    if not _checked():
        st.markdown(":red-badge[:material/error: not checked]", width="content")
        return
    report = state.check().report
    layers = format_layers(count_layers(state.graph()))
    parts = [layers, f"{parameters_words(report.totals)} parameters"]
    problems = state.problems()
    typed = _unread_style()
    if problems or typed is None:
        parts.append(_plural(len(problems), "problem") if problems else "no problems")
    if typed is not None:
        parts.append("text not read")
    leads = "Go to the first problem" if problems else "Every layer fits. Go to the build page"
    clicked = st.button(
        " · ".join(parts),
        key="lw_chip_bad" if report.errors else "lw_chip",
        icon=":material/error:" if problems or typed is not None else ":material/check:",
        help=leads if typed is None else "Go to the text that is not read",
    )
    if clicked and typed is not None:
        _look_at_text(typed)
    elif clicked:
        if first := first_of(problems):
            state.select(first.node, first.scope)
            look_at_first_problem()
        go_to("Build")


def _unread_style() -> str | None:
    """The style on the Code page whose text says something else than the network, None for none."""
    from builder.ui.code_editor.typed import unread_style

    return unread_style()


def _look_at_text(style: str) -> None:
    from builder.ui.code_styles import choose_style

    choose_style(style)
    go_to("Code")


def _data_chip() -> None:
    name, against = _data_name(), does_not_fit()
    help_words = "The chosen data set" if name else "Choose what the network learns from"
    clicked = st.button(
        f"{plain(name)} · does not fit" if name and against else plain(name or "No data set"),
        key="lw_data_bad" if against else "lw_data",
        icon=":material/error:" if against else ":material/table_chart:",
        help=f"The network does not fit this data. {plain(against)}" if against else help_words,
    )
    if clicked:
        go_to("Data")


def _data_name() -> str | None:
    stored = state.project().data
    if stored is None:
        return None
    from builder.data import title_of

    try:
        choice = state.data_choice()
        return title_of(choice, state.owner_dir()) if choice else None
    except LayerwiseError:
        return "Data set missing"


def does_not_fit() -> str:
    """Where the network and the chosen data disagree; "" where they do not or it takes time to say."""
    if state.project().data is None or not _checked():
        return ""
    from builder.data import disagreements
    from builder.ui.data_cache import loaded

    choice = state.data_choice()
    dataset = loaded(choice, state.owner_dir()) if choice else None
    if dataset is None:
        return ""
    found = disagreements(state.graph(), dataset, state.check().report)
    if state.training_settings().goal == "input":  # the output is then held to the input
        found = tuple(one for one in found if one.kind == "input")
    return found[0].message if found else ""


def _history_buttons() -> None:
    undo, redo = state.undo_label(), state.redo_label()
    st.button(
        "Undo",
        key="lw_undo",
        icon=":material/undo:",
        help=f"Take back: {plain(undo)} (Ctrl+Z)" if undo else "Nothing to take back",
        disabled=undo is None,
        on_click=state.undo,
        shortcut="Ctrl+Z",
    )
    st.button(
        "Redo",
        key="lw_redo",
        icon=":material/redo:",
        help=f"Do again: {plain(redo)} (Ctrl+Shift+Z)" if redo else "Nothing to do again",
        disabled=redo is None,
        on_click=state.redo,
        shortcut="Ctrl+Shift+Z",
    )


def _title_row(
    title: str, purpose: str, with_next: bool, beside: Callable[[], None] | None
) -> None:
    following = next_place(title) if with_next else None
    with st.container(key="lw_title", horizontal=True, vertical_alignment="center", gap="medium"):
        st.subheader(title, anchor=False, width="content")
        st.caption(purpose, width="stretch")
        if beside:
            beside()
        if following:
            st.page_link(
                following.file,
                label=f"Next: {following.title}",
                icon=":material/arrow_forward:",
                icon_position="right",
                query_params={"project": state.project_id() or ""},
            )


def _saved_elsewhere() -> None:
    kind = state.saved()
    if kind == "deleted_elsewhere":
        _deleted_elsewhere()
    if kind != "changed_elsewhere":
        return
    with st.container(key="lw_conflict", border=True):
        st.markdown(
            "**This project was changed in another tab or window.** Nothing of it was overwritten, "
            "and what you do here is not saved until you choose."
        )
        with st.container(horizontal=True):
            st.button(
                "Show that version",
                key="lw_take_theirs",
                type="primary",
                on_click=state.take_theirs,
                help="What you have here stays one undo away",
            )
            st.button("Keep mine as a copy", key="lw_keep_mine", on_click=state.keep_mine_as_copy)


def _deleted_elsewhere() -> None:
    with st.container(key="lw_deleted", border=True):
        st.markdown(
            "**This project was deleted in another tab or window.** It is still here as you see it, "
            "but on no disk: what you do is not saved until you keep it."
        )
        with st.container(horizontal=True):
            st.button(
                "Keep it as a copy",
                key="lw_keep_deleted",
                type="primary",
                on_click=state.keep_mine_as_copy,
            )
            if st.button("Let it go", key="lw_let_go", help="Opens the gallery"):
                state.close_project()
                go_to("Gallery")


def _nothing_open() -> None:
    with st.container(border=True, key="lw_nothing", horizontal_alignment="center"):
        st.subheader("No network is open", anchor=False)
        st.markdown("Open one from the gallery, or start with an empty one.")
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Open the gallery", type="primary", key="lw_to_gallery"):
                go_to("Gallery")
            if st.button("Start an empty network", key="lw_start_empty"):
                state.start_empty()
                draw_anew()


def _plural(count: int, word: str) -> str:
    return f"{format_count(count)} {word}{'' if count == 1 else 's'}"
