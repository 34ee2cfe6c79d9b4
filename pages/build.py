"""Build: the stack of layers, the palette to add from, and the form of the selected one."""

import streamlit as st

from builder.ui import state
from builder.ui.forms import layer_form, network_form
from builder.ui.head import page_head
from builder.ui.palette import palette_groups
from builder.ui.problems import problem_list
from builder.ui.workbench import palette, receive_all, stack
from builder.ui.workbench.operations import handle
from builder.ui.workbench.view import stack_data

_ABOVE = 176  # pixels of head over the panes

if state.open_from_url():
    receive_all(handle)
page_head("Build")
left, middle, right = st.columns([1.05, 2.35, 1.6], gap="medium")
with left, st.container(key="lw_palette_box"):
    palette(palette_groups(state.graph()), handle, above=_ABOVE)
with middle, st.container(key="lw_stack_box"):
    stack(stack_data, handle, above=_ABOVE)
with right, st.container(key="lw_side"):
    with st.container(key="lw_mend"):
        problem_list()
    with st.container(key="lw_form"):
        selected = state.selected()
        if selected:
            layer_form(selected)
        else:
            network_form()
            st.caption("Select a layer to edit it, or add one from the palette.")
