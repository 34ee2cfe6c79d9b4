"""Layerwise: `streamlit run app.py` serves the `app` below; each visit then runs this file as a page."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from starlette.middleware import Middleware
    from streamlit.runtime.pages_manager import PagesManager

    from builder.ui.door import DoorMiddleware
    from builder.ui.owner import OwnerMiddleware
    from builder.ui.shell import explain
    from builder.ui.start import lifespan

    # Beside a folder named pages, Streamlit takes the first visit after a start for an app of its old
    # kind and would run pages/build.py without this file around it. tests/ui/test_start.py guards it.
    PagesManager.uses_pages_directory = False

    app = st.App(
        __file__,
        lifespan=lifespan,
        middleware=[Middleware(DoorMiddleware), Middleware(OwnerMiddleware)],
        on_script_error=explain,
    )
else:
    from builder.ui.shell import run_page

    run_page()
