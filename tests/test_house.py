"""The house keeps its shape: imports point down, the core does not know its frame."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A room may import the rooms to its right, and itself. `app → pages → ui → export → {…} → graph → catalogue`.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "home": {"errors"},
    "catalogue": {"errors"},
    "graph": {"catalogue", "errors"},
    "gallery": {"graph", "errors"},
    "code": {"graph", "catalogue", "errors"},
    "data": {"graph", "catalogue", "errors", "home"},
    "training": {"code", "data", "graph", "catalogue", "errors", "home"},
    "inspection": {"training", "code", "data", "graph", "catalogue", "errors", "home"},
    "export": {"inspection", "training", "code", "data", "graph", "catalogue", "errors", "home"},
}


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "builder").parts
    return parts[0].removesuffix(".py")


def imported_modules(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{path}: relative import; write builder.<room> so that direction shows")
    return found


SOURCES = sorted((ROOT / "builder").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room not in ROOMS:  # ui, cli and the package itself stand above all rooms
        return
    allowed = ROOMS[room] | {room}
    for module in imported_modules(path):
        parts = module.split(".")
        if parts[0] == "builder" and len(parts) > 1:
            assert parts[1] in allowed, f"builder/{room} imports builder.{parts[1]}"
        assert parts[0] not in {"app", "pages", "tests"}, f"builder/{room} imports {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_ui_imports_streamlit(path: Path) -> None:
    if room_of(path) != "ui":
        assert not any(m.split(".")[0] == "streamlit" for m in imported_modules(path))


def test_only_state_spells_session_state() -> None:
    owners = {ROOT / "builder/ui/state.py"}
    named = {
        p
        for p in [*SOURCES, *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
        if "session_state" in p.read_text(encoding="utf-8")
    }
    assert named <= owners, f"session_state is spelled outside its owner: {named - owners}"


def test_only_draw_anew_asks_for_a_rerun() -> None:
    """A bare one undoes a change of pages that the person has asked for meanwhile."""
    owner = ROOT / "builder/ui/anew.py"
    named = {
        p
        for p in [*SOURCES, *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
        if "st.rerun(" in p.read_text(encoding="utf-8")
    }
    assert named == {owner}


def test_importing_builder_loads_neither_torch_nor_streamlit() -> None:
    code = (
        "import builder, sys; "
        "print(sorted({'torch', 'streamlit', 'pandas', 'plotly', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_no_file_of_the_product_has_outgrown_a_comfortable_read() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in SOURCES
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long
