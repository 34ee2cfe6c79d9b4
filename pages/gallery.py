"""Gallery: the start page. A design opens in one click; a person's own projects stand first."""

import streamlit as st

from builder.gallery import designs, project
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.cards import cards_style, design_cards, own_projects, unreadable_projects
from builder.ui.code_reading import read_code_button, read_code_panel
from builder.ui.code_styles import show_style
from builder.ui.head import page_head
from builder.ui.keeping import download_project, say_if_nothing_is_kept
from builder.ui.places import go_to

page_head("Gallery", needs_project=False)
cards_style()
say_if_nothing_is_kept()

with st.container(key="lw_start", horizontal=True, vertical_alignment="center", gap="small"):
    if st.button("Start an empty network", icon=":material/add:", type="primary", key="lw_empty"):
        state.start_empty()
        go_to("Build")
    with st.popover("Open a project file", icon=":material/upload_file:"):
        uploaded = st.file_uploader(
            "A project file of Layerwise", type=["json"], key="lw_upload", max_upload_size=20
        )
        if uploaded and st.button("Open it", type="primary", key="lw_upload_open"):
            if state.import_project(uploaded.getvalue()):
                go_to("Build")
            draw_anew()
    read_code_button("gallery")
    if state.is_open():
        download_project()
        st.button(
            "Duplicate this project",
            icon=":material/content_copy:",
            key="lw_duplicate",
            on_click=state.duplicate_project,
        )

    st.space("stretch")
    search = st.text_input(
        "Search the gallery",
        key="lw_gallery_search",
        placeholder="Search the gallery",
        label_visibility="collapsed",
        icon=":material/search:",
        max_chars=60,
        width=280,
    )

read_code_panel("gallery")

if (state.list_projects() or state.unreadable_projects()) and not search:
    st.subheader("Your networks", anchor=False)
    mine = own_projects()
    unreadable_projects()
    if mine and state.open_project(mine):
        go_to("Build")

chosen = design_cards(search or "")
if chosen:
    state.open_design(project(chosen))
    show_style(designs()[chosen].style)
    go_to("Build")
