"""What one browser session holds: the open project, what is selected in it, and what is chosen.

The sole owner of Streamlit's session_state: pages and forms call these typed functions and never
spell a key of it (but for their own widgets' `key=`). The session is only a copy: every edit is on
disk before the next line runs (one done on the canvas once it has been answered), found again by the
owner cookie and `?project=…` in the URL.

In a page:

    page_head("Train")               # builder.ui.head: opens the project or says how to, first thing
    graph = state.graph()            # the whole network; state.scoped_graph() where the person looks
    state.edit(AddNode("torch.nn.ReLU", after=state.selected()))
    state.set_data_choice(choice)    # saved with the project

The verbs that change something are made for callbacks (`on_click=`), which run before the page is
drawn. Called while a page is being drawn, follow them by `draw_anew()` of `builder.ui.anew`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.runtime.state.session_state import Value, WStates

from builder.home import owner_folder
from builder.ui.chosen import (
    choose_run,
    chosen_run,
    data_choice,
    set_data_choice,
    set_training_settings,
    training_settings,
)
from builder.ui.looking import (
    check,
    enter,
    leave,
    problems,
    scope,
    scope_names,
    scope_path,
    scoped_graph,
    scoped_report,
    select,
    selected,
)
from builder.ui.opened import (
    close_project,
    delete_project,
    duplicate_project,
    edit,
    export_project,
    file_name,
    goto,
    graph,
    history,
    import_project,
    is_open,
    keep_mine_as_copy,
    keep_own_text,
    list_projects,
    new_project,
    open_design,
    open_project,
    own_text,
    pin,
    project,
    project_id,
    redo,
    redo_label,
    rename_model,
    rename_project,
    start_empty,
    take_theirs,
    undo,
    undo_label,
    unreadable_projects,
)
from builder.ui.owner import COOKIE, is_token, new_token
from builder.ui.saving import (
    done,
    done_on_disk,
    marked,
    save,
    saved,
    saved_at,
    saving_soon,
    settle,
    unwritten,
    why_not_saved,
)
from builder.ui.session import (
    Session,
    current,
    found_by,
    keep,
    recall,
    say,
    take_messages,
    undisturbed,
)

_KEY: Final = "layerwise"  # the one key of session_state that is ours
_QUERY: Final = "project"
_FOLLOWED: Final = "followed"
_MOST_FOLLOWED: Final = 2000  # widgets; each is a key and a value


def owner() -> str:
    """The token of the person at the browser: names their folder, their runs, their uploads.

    It is a secret: hand it to verbs of `builder`, never show or log it. Without a cookie (refused by
    the browser, or in AppTest) it lives as long as the session.
    """
    return current().owner


def owner_dir() -> Path:
    """The folder of this person's projects and uploads."""
    return owner_folder(owner())


def open_from_url() -> bool:
    """Makes the project named in the URL the open one, else the one worked on last.

    `page_head` calls it at the top of every page. Returns whether a project is open. The URL then
    names it, so that a reload, a copied tab or a bookmark finds it again.
    """
    session = current()
    wanted = st.query_params.get(_QUERY)
    behind = wanted is not None and wanted == session.left  # the URL of before, not caught up yet
    if wanted and not behind and (session.work is None or session.work.id != wanted):
        open_project(wanted)
    if session.work is None and (cards := list_projects()):
        open_project(cards[0].id)
    if session.work is None:
        st.query_params.pop(_QUERY, None)  # or a dead link would be complained about at every rerun
        return False
    if wanted == session.work.id:
        session.left = None
    else:
        st.query_params[_QUERY] = session.work.id
    return True


def widget(key: str, default: Any = None) -> Any:
    """What a widget holds now: for its own callback. A component's value too."""
    return st.session_state.get(key, default)


def follow(key: str, value: Any) -> None:
    """Makes a widget show a value of the project, also when something else changed it.

    Call it just before the widget is drawn with that `key` and without a value of its own. Use a key
    on one page only: after a page switch Streamlit shows an empty widget under a key it knew before.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def followed(key: str, value: Any) -> str:
    """The key of a widget beside the canvas: draw it with this key and with `value` as its own.

    What a browser sends holds all widgets' values as it knows them. One sent before it drew a value
    that something else changed (the canvas, an undo) brings the old value; and of two runs drawn at
    once it misses what the first one set by `follow`, and brings an empty widget's. Streamlit takes
    either for a person's choice and hands it to the callback: the change would silently be taken back.
    So a value that changed from elsewhere is another widget, which starts with it.
    """
    known: dict[str, tuple[int, Any]] = recall(_FOLLOWED, None) or {}
    number, last = known.pop(key, (0, value))
    if st.session_state.get(_numbered(key, number), last) != value:
        number += 1
    known[key] = number, value
    while len(known) > _MOST_FOLLOWED:
        del known[next(iter(known))]
    keep(_FOLLOWED, known)
    return _numbered(key, number)


def by_hand(key: str, act: Callable[[], None]) -> Callable[[], None]:
    """The callback of a widget drawn under a key of `followed`: only what a person chose is done.

    Streamlit forgets a widget that is not drawn any more. A message sent before the browser knew of
    that still holds its value, which then counts as new: an old name would be given back to a layer.
    """

    def changed() -> None:
        known: dict[str, tuple[int, Any]] = recall(_FOLLOWED, None) or {}
        base, mark, number = key.rpartition("~")
        if not mark or not number.isdigit() or base not in known:
            base, number = key, "0"
        drawn = known.get(base)
        now = st.session_state.get(key)
        if drawn is not None and (drawn[0] != int(number) or drawn[1] == now):
            return
        if drawn is not None:
            known[base] = drawn[0], now
            keep(_FOLLOWED, known)
        act()

    return changed


def _numbered(key: str, number: int) -> str:
    return f"{key}~{number}" if number else key


def dark() -> bool:
    """Whether the page is shown dark, for pictures drawn in Python."""
    return bool(st.context.theme.type == "dark")


def _of_this_tab() -> Session:
    session: Session | None = st.session_state.get(_KEY)
    if session is None:
        cookie = st.context.cookies.get(COOKIE)
        session = Session(owner=cookie if cookie and is_token(cookie) else new_token())
        st.session_state[_KEY] = session
    return session


def _forget_what_is_no_json() -> None:
    """Makes a component's value that cannot be read count as none.

    Streamlit reads it as JSON before any script runs, and keeps what it could not read: every later
    run of that tab would end there, where no page can catch it.
    """
    read = WStates.__getitem__
    if hasattr(read, "__wrapped__"):
        return

    @functools.wraps(read)
    def guarded(states: WStates, key: str) -> Any:
        try:
            return read(states, key)
        except (ValueError, RecursionError):
            states.states[key] = Value(states.widget_metadata[key].deserializer(None))
            return read(states, key)

    WStates.__getitem__ = guarded  # type: ignore[method-assign]


found_by(_of_this_tab)
_forget_what_is_no_json()

__all__ = [
    "by_hand",
    "check",
    "choose_run",
    "chosen_run",
    "close_project",
    "dark",
    "data_choice",
    "delete_project",
    "done",
    "done_on_disk",
    "duplicate_project",
    "edit",
    "enter",
    "export_project",
    "file_name",
    "follow",
    "followed",
    "goto",
    "graph",
    "history",
    "import_project",
    "is_open",
    "keep",
    "keep_mine_as_copy",
    "keep_own_text",
    "leave",
    "list_projects",
    "marked",
    "new_project",
    "open_design",
    "open_from_url",
    "open_project",
    "own_text",
    "owner",
    "owner_dir",
    "pin",
    "problems",
    "project",
    "project_id",
    "recall",
    "redo",
    "redo_label",
    "rename_model",
    "rename_project",
    "save",
    "saved",
    "saved_at",
    "saving_soon",
    "say",
    "scope",
    "scope_names",
    "scope_path",
    "scoped_graph",
    "scoped_report",
    "select",
    "selected",
    "set_data_choice",
    "set_training_settings",
    "settle",
    "start_empty",
    "take_messages",
    "take_theirs",
    "training_settings",
    "undisturbed",
    "undo",
    "undo_label",
    "unreadable_projects",
    "unwritten",
    "why_not_saved",
    "widget",
]
