"""Session state: what changes something is done whole, whatever Streamlit stops meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.state import SafeSessionState
from streamlit.testing.v1 import AppTest


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path))


def opened() -> None:
    from builder.graph.edits import AddNode
    from builder.ui import state

    if not state.is_open():
        state.start_empty()
    state.edit(AddNode("torch.nn.Linear"), select_new=True)


def test_an_edit_looks_at_session_state_once_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wherever a script touches session_state Streamlit may stop it: then the edit is not begun."""
    tab = AppTest.from_function(opened).run()
    looked: list[str] = []
    look = SafeSessionState.__getitem__

    def watched(self: Any, key: str) -> Any:
        if key == "layerwise":
            nodes = len(look(self, key).work.graph.nodes)
            looked.append(f"{nodes}")
        return look(self, key)

    monkeypatch.setattr(SafeSessionState, "__getitem__", watched)
    tab.run()
    assert len(tab.session_state["layerwise"].work.graph.nodes) == 4
    assert set(looked[:-1]) == {"3"}, "never looked at between the change and its saving"


def names() -> None:
    from builder.ui import state

    if not state.is_open():
        state.start_empty()
    state.rename_project("Größe / ../x: *?")
    import streamlit as st

    st.text(state.file_name(".json"))


def test_a_file_name_is_made_of_letters_alone() -> None:
    assert AppTest.from_function(names).run().text[0].value == "größe_x.json"


def one_name() -> None:
    import streamlit as st

    from builder.ui import state

    names = st.session_state.setdefault("names", ["old"])
    key = state.followed("name", names[-1])
    act = state.by_hand(key, lambda: names.append(state.widget(key)))
    st.text_input("Name", names[-1], key=key, on_change=act)


def test_a_value_that_a_form_left_behind_is_no_choice() -> None:
    """The browser sends the widgets it still shows: their old values are given back to nobody."""
    tab = AppTest.from_function(one_name).run()
    tab.text_input[0].set_value("new").run()
    assert tab.session_state["names"] == ["old", "new"]
    tab.session_state["names"] = ["old", "new", "newer"]  # by the canvas; another widget shows it
    tab.run()
    tab.text_input[0].set_value("newest").run()
    tab.text_input[0].set_value("newer").run()  # what it began with can be chosen again
    assert tab.session_state["names"] == ["old", "new", "newer", "newest", "newer"]
    assert tab.text_input[0].key == "name~1"


def old_name() -> None:
    import streamlit as st

    from builder.ui import state

    said: list[str] = []
    first = state.followed("name", "old")
    st.session_state[first] = "old"
    back = state.by_hand(first, lambda: said.append("given back"))
    back()  # its form is not drawn any more, and a message still holds it
    state.followed("name", "new")  # the canvas changed it
    st.session_state[first] = "older"
    back()
    st.text(f"{said}")


def test_an_old_widget_speaks_for_nobody() -> None:
    assert AppTest.from_function(old_name).run().text[0].value == "[]"
