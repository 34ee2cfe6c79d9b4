"""Build: the network on the canvas or as a stack of layers, and the form of what is selected."""

import streamlit as st

from builder.ui import state
from builder.ui.canvas import canvas_alone, receive_canvas
from builder.ui.canvas.place import selected as selected_on_canvas
from builder.ui.canvas.trained import trained_before
from builder.ui.forms import layer_form, network_form
from builder.ui.head import page_head
from builder.ui.markdown import plain
from builder.ui.palette import palette_groups
from builder.ui.problems import problem_list
from builder.ui.several_form import several_form
from builder.ui.view_switch import CANVAS, view_chosen, view_switch
from builder.ui.workbench import palette, receive_all, stack
from builder.ui.workbench.operations import handle
from builder.ui.workbench.view import stack_data

_ABOVE = 176  # pixels of head over the panes

if state.open_from_url():
    receive_all(handle)
    receive_canvas()
on_canvas = view_chosen() == CANVAS
page_head("Build", beside=view_switch, history=not on_canvas)
if on_canvas:
    wide, right = st.columns([3.4, 1.6], gap="medium")
    with wide, st.container(key="lw_canvas_box"):
        canvas_alone(above=_ABOVE)
else:
    left, middle, right = st.columns([1.05, 2.35, 1.6], gap="medium")
    with left, st.container(key="lw_palette_box"):
        palette(palette_groups(state.graph()), handle, above=_ABOVE)
    with middle, st.container(key="lw_stack_box"):
        stack(stack_data, handle, above=_ABOVE)
with right, st.container(key="lw_side"):
    selected = state.selected()
    several = selected_on_canvas() if on_canvas else ()
    with st.container(key="lw_mend"):
        if not on_canvas:
            problem_list()
        elif selected and len(several) < 2:
            problem_list(selected)
    with st.container(key="lw_form"):
        if len(several) > 1:
            several_form(several)
        elif selected:
            layer_form(selected)
        else:
            network_form()
            st.caption("Select a layer to edit it, or add one from the palette.")
    if changed := trained_before():
        st.caption(f":material/history: The trained run is from before {plain(changed)}.")
