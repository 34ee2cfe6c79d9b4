"""Code: the network as PyTorch writes it, one tab a style, with what print(model) shows."""

import streamlit as st

from builder.ui import state
from builder.ui.code_view import (
    broken_warning,
    layer_lines,
    parameters_table,
    printed_model,
    source_tabs,
)
from builder.ui.head import page_head
from builder.ui.problems import problem_list

page_head("Code")
if not broken_warning():
    problem_list()
left, right = st.columns([1.15, 1], gap="medium")
with left:
    style = source_tabs(state.graph(), state.file_name(".py"))
with right:
    layer_lines(state.graph())
    printed_model(state.graph(), style)
parameters_table(state.graph())
