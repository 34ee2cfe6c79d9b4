"""Train: how to train, one button, and the curves of one run or of those compared; below all runs."""

import streamlit as st

from builder.training.supervisor import get_supervisor
from builder.ui.head import page_head
from builder.ui.keeping import say_if_nothing_is_kept
from builder.ui.live_run import shown_run
from builder.ui.past_runs import compared_runs, past_runs
from builder.ui.training_form import settings_form, train_panel

page_head("Train")
say_if_nothing_is_kept()
get_supervisor().warm_up()
left, right = st.columns([1, 2.6], gap="large")
with left:
    settings_form()
    train_panel()
with right:
    if not compared_runs():
        shown_run()
past_runs()
