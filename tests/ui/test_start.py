"""The server's settings: the hidden one that speed hangs on, and those that safety hangs on."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.server.app_discovery import discover_asgi_app

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))


def flat(settings: dict[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= (
            flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
        )
    return found


@pytest.mark.parametrize("name", flat(SETTINGS))
def test_streamlit_knows_every_setting(name: str) -> None:
    assert name in config._config_options_template


def test_the_hidden_collection_option_exists_is_read_and_is_off() -> None:
    assert config._config_options_template["runner.postScriptGC"].visibility == "hidden"
    assert '"runner.postScriptGC"' in inspect.getsource(script_runner)
    assert SETTINGS["runner"]["postScriptGC"] is False


def test_one_session_never_runs_twice_at_a_time() -> None:
    assert SETTINGS["runner"]["fastReruns"] is False


def test_the_defaults_are_safe() -> None:
    assert SETTINGS["client"]["showErrorDetails"] == "none"
    assert SETTINGS["server"]["enableCORS"] is True
    assert SETTINGS["server"]["enableXsrfProtection"] is True
    assert SETTINGS["server"]["address"] == "localhost"
    assert "localhost" in SETTINGS["server"]["allowedHosts"]
    assert SETTINGS["browser"]["gatherUsageStats"] is False


def test_no_font_or_theme_comes_from_the_internet() -> None:
    assert not [value for value in flat(SETTINGS["theme"]).values() if "http" in str(value)]


def test_streamlit_run_finds_the_app() -> None:
    found = discover_asgi_app(ROOT / "app.py")
    assert found.is_asgi_app and found.app_name == "app"


def test_the_flag_that_keeps_the_old_kind_of_app_away_exists() -> None:
    assert "PagesManager.uses_pages_directory = False" in (ROOT / "app.py").read_text("utf-8")
    assert hasattr(PagesManager, "uses_pages_directory")
    assert "PagesManager.uses_pages_directory" in inspect.getsource(script_runner)


def test_st_app_takes_what_we_give_it() -> None:
    taken = inspect.signature(st.App.__init__).parameters
    assert {"lifespan", "middleware", "on_script_error"} <= set(taken)
