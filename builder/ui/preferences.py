"""How one person likes to see things: kept in their folder, found again in any tab.

A preference is never worth a message: what cannot be read or kept is as if it had never been chosen.
"""

from __future__ import annotations

import contextlib
import json
from typing import Final

from builder.errors import LayerwiseError
from builder.home import make_folder, write_atomically
from builder.ui import state

_FILE: Final = "preferences.json"
_MOST_BYTES: Final = 10_000
_KEPT: Final = "preferences"
_MOST_PROJECTS: Final = 60  # whose own choices are kept, the newest ones
_OF_A_PROJECT: Final = " of "


def preference(name: str, among: tuple[str, ...]) -> str:
    """What the person chose among some words; the first of them until they did."""
    chosen = _all().get(name)
    return chosen if chosen in among else among[0]


def prefer(name: str, word: str) -> None:
    """Keeps a choice, for this tab at once and for others when they are opened."""
    _keep({**_all(), name: word})


def _keep(chosen: dict[str, str]) -> None:
    state.keep(_KEPT, chosen)
    with contextlib.suppress(LayerwiseError, OSError):
        folder = make_folder(state.owner_dir())
        write_atomically(folder / _FILE, json.dumps(chosen))


def project_preference(name: str, among: tuple[str, ...]) -> str | None:
    """What the person chose for the open project; None until they did."""
    chosen = _all().get(_named(name))
    return chosen if chosen in among else None


def prefer_for_project(name: str, word: str) -> None:
    """Keeps a choice for the open project, also after a reload and in another tab."""
    key, chosen = _named(name), dict(_all())
    chosen.pop(key, None)
    chosen[key] = word  # the newest one last
    projects = list(dict.fromkeys(k.partition(_OF_A_PROJECT)[2] for k in reversed(chosen)))
    kept = {*[each for each in projects if each][:_MOST_PROJECTS], ""}
    _keep({k: v for k, v in chosen.items() if k.partition(_OF_A_PROJECT)[2] in kept})


def _named(name: str) -> str:
    return f"{name}{_OF_A_PROJECT}{state.project_id() or ''}"


def _all() -> dict[str, str]:
    known: dict[str, str] | None = state.recall(_KEPT)
    if known is None:
        known = _read()
        state.keep(_KEPT, known)
    return known


def _read() -> dict[str, str]:
    try:
        path = state.owner_dir() / _FILE
        if path.stat().st_size > _MOST_BYTES:
            return {}
        value = json.loads(path.read_text("utf-8"))
    except (LayerwiseError, OSError, ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}
