"""Data: choose what the network learns from, see it, cut it, and let the network fit it."""

import streamlit as st

from builder.errors import LayerwiseError
from builder.ui import state
from builder.ui.data_form import set_form
from builder.ui.data_gallery import gallery
from builder.ui.data_set import (
    begin_at_the_top,
    chosen_set,
    facts,
    first_rows,
    fit_panel,
    heading,
    parts,
    picture,
    planned_fit,
    show,
    try_to_load,
    uploaded_table,
)
from builder.ui.head import page_head
from builder.ui.markdown import plain

page_head("Data")
choice = state.data_choice()
begin_at_the_top()

if choice is None or state.recall("data.view") == "all":
    if choice is not None and st.button("Back to the chosen set", icon=":material/arrow_back:"):
        show("set")
    made = gallery()
    if made is not None:
        state.set_data_choice(made)
        show("set")
    st.stop()

try:
    card, upload = chosen_set(choice)
except LayerwiseError as refusal:
    st.warning(plain(refusal), icon=":material/error:")
    state.set_data_choice(None)
    st.button("Choose another set", type="primary")
    st.stop()

heading(card)
left, right = st.columns([1.7, 1], gap="large")
with left, st.spinner("Reading the data and trying the network on it…"):
    dataset = try_to_load(choice)
    fit = planned_fit(dataset) if dataset is not None else None
with right:  # only now, from top to bottom: nothing that is there already moves
    if dataset is not None and fit is not None:
        fit_panel(dataset, fit)
    set_form(choice, card, upload)
with left:
    if upload is not None:
        uploaded_table(upload)
    if dataset is not None:
        picture(dataset)
        parts(dataset)
    facts(card, dataset)
    if upload is None and dataset is not None:
        first_rows(dataset)
