"""Every page test has an empty home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.app import App


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def app() -> App:
    return App()
