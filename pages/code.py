"""Code: the network as PyTorch writes it, in one style or two beside each other."""

import streamlit as st

from builder.errors import LayerwiseError
from builder.ui import state
from builder.ui.canvas import canvas_alone, receive_canvas
from builder.ui.code_reading import read_code_button, read_code_panel
from builder.ui.code_styles import (
    canvas_beside,
    differing_lines,
    refusal_note,
    style_choice,
    what_differs,
    when_which,
)
from builder.ui.code_view import (
    broken_warning,
    parameters_table,
    printed_model,
    source,
    style_text,
)
from builder.ui.exporting import export_button, export_panel
from builder.ui.head import page_head
from builder.ui.problems import problem_list
from builder.ui.weights_panel import weights_button

_ABOVE = 252  # pixels of page over the canvas


def buttons() -> None:
    """What the head has of this page's own."""
    weights_button("code")
    export_button()
    read_code_button("code")


if state.open_from_url() and canvas_beside():
    receive_canvas()
page_head("Code", beside=buttons)
read_code_panel("code")
export_panel()
if not broken_warning():
    problem_list()
graph = state.graph()
first, second = style_choice(graph)
marked = differing_lines(graph, first, second)
columns = st.columns(2 if second or canvas_beside() else [1.15, 1], gap="medium")
for column, style, differs in zip(columns, (first, second), marked, strict=True):
    with column:
        if style is None and canvas_beside():
            with st.container(key="lw_canvas_beside"):
                canvas_alone(above=_ABOVE)
        elif style is None:
            printed_model(graph, first)
            when_which((first,))
        elif isinstance(written := style_text(graph, style), LayerwiseError):
            refusal_note(written, style)
        else:
            source(written, style, state.file_name(".py"), edited=style is first, differs=differs)
if second:
    what_differs(graph, first, second)
    for column, style in zip(st.columns(2, gap="medium"), (first, second), strict=True):
        with column:
            printed_model(graph, style, named=True)
    when_which((first, second))
parameters_table(graph)
