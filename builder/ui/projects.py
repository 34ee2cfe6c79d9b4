"""One person's projects on disk: a file each, written whole or not at all, and weights beside some.

Knows nothing of Streamlit. A `Stamp` says which version of a file was read or written last; a write
that finds another one is refused, so two tabs never overwrite each other unseen.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from builder.errors import LayerwiseError, NotFound, ProjectRefused
from builder.graph.project import MAX_PROJECT_NAME, Project, from_json, parse_json, to_json
from builder.graph.size import count_layers
from builder.home import make_folder, owner_folder, storage_refused, write_atomically
from builder.training.own_weights import weights_beside

Stamp: TypeAlias = tuple[int, int, int]
"""(inode, time of change in ns, bytes): a new file by os.replace never repeats all three."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,40}")
MAX_PROJECTS: Final = int(os.environ.get("LAYERWISE_PROJECTS") or 500)
"""Of one owner: each is a file of some kB that the list reads once; more is a script, not a person."""

_LOCKS: Final = tuple(threading.Lock() for _ in range(64))  # one server process owns the home


class ChangedElsewhere(LayerwiseError):
    """The file on disk is no longer the one this session read: nothing was written."""


@dataclass(frozen=True, slots=True)
class ProjectCard:
    """One line of a person's list of projects. `saved_at`: seconds since 1970.

    `unreadable`: why its file cannot be opened, "" where it can.
    """

    id: str
    name: str
    saved_at: float
    layers: int
    unreadable: str = ""


def is_project_id(text: object) -> bool:
    """Whether a text could be one of our project ids: what comes from a URL is checked by this."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def new_project_id() -> str:
    """A fresh id, short enough for a URL, long enough never to meet another."""
    return secrets.token_urlsafe(9)


def project_path(owner: str, project_id: str) -> Path:
    """Where a project lies. Errors: NotFound for an id that is none of ours."""
    if not is_project_id(project_id):
        raise NotFound("There is no such project. Open one from the gallery page.")
    return owner_folder(owner) / "projects" / f"{project_id}.json"


def list_projects(owner: str) -> list[ProjectCard]:
    """A person's projects that can be opened, the one saved last first."""
    return [card for card in _cards(owner) if not card.unreadable]


def unreadable_projects(owner: str) -> list[ProjectCard]:
    """Those that cannot be opened, with the reason: their files stay, and can be downloaded."""
    return [card for card in _cards(owner) if card.unreadable]


def _cards(owner: str) -> list[ProjectCard]:
    found = (_card(path) for path in (owner_folder(owner) / "projects").glob("*.json"))
    return sorted((card for card in found if card is not None), key=lambda card: -card.saved_at)


def read_file(owner: str, project_id: str) -> bytes:
    """A project's file as it lies there, whatever is in it; b"" where there is none or it is no file.

    Errors: NotFound for an id that is none of ours.
    """
    path = project_path(owner, project_id)
    with _lock(path):
        try:
            return path.read_bytes()
        except OSError:
            return b""


def read_project(owner: str, project_id: str) -> tuple[Project, Stamp]:
    """A project and the stamp of the file it came from.

    Errors: NotFound where there is no such file, ProjectRefused for one that cannot be read.
    """
    path = project_path(owner, project_id)
    with _lock(path):
        stamp = _stamp(path)
        if stamp is None:
            raise NotFound("This project is not here any more. Open another one from the gallery.")
        return from_json(path.read_text("utf-8", errors="strict")), stamp


def write_project(owner: str, project_id: str, project: Project, expected: Stamp | None) -> Stamp:
    """Writes a project if the file is still the one last seen, and gives its new stamp.

    `expected`: the stamp last read or written; None for a file that is not there yet.
    Errors: ChangedElsewhere when it is another one; ProjectRefused when the owner keeps too many;
    OSError when the disk refuses.
    """
    path = project_path(owner, project_id)
    text = to_json(project)
    with _lock(path):
        if _stamp(path) != expected:
            raise ChangedElsewhere("This project was changed in another tab or window.")
        make_folder(path.parent)
        if expected is None:
            _refuse_full(path.parent)
        write_atomically(path, text.encode("utf-8"))
        _CARDS.pop(str(path), None)
        written = _stamp(path)
    if written is None:
        raise OSError(f"{path.name} vanished while it was written.")
    return written


def _refuse_full(folder: Path) -> None:
    kept = sum(1 for _ in folder.glob("*.json"))
    if kept >= MAX_PROJECTS:
        raise ProjectRefused(
            f"You keep {kept} projects, and {MAX_PROJECTS} fit. Delete one on the Gallery page."
        )


def delete_project(owner: str, project_id: str) -> None:
    """Removes a project's file and its weights; one that is not there is no error.

    Errors: NotFound, StorageRefused.
    """
    path = project_path(owner, project_id)
    with _lock(path):
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:  # nothing lies there at all
            return
        except OSError as error:
            raise storage_refused(error, path) from error
        with suppress(OSError):  # weights without a project are swept when the next are kept
            weights_beside(path).unlink(missing_ok=True)


def stamp_on_disk(owner: str, project_id: str) -> Stamp | None:
    """The stamp of the file as it lies there now, None where there is none."""
    return _stamp(project_path(owner, project_id))


_CARDS: Final[dict[str, tuple[Stamp, ProjectCard]]] = {}
_CARDS_KEPT: Final = 2000


def _card(path: Path) -> ProjectCard | None:
    """A file's card, remembered until the file changes: the list is drawn at every rerun."""
    stamp = _stamp(path)
    if stamp is None or not is_project_id(path.stem):
        return None
    known = _CARDS.get(str(path))
    if known is not None and known[0] == stamp:
        return known[1]
    try:
        text = path.read_text("utf-8")
    except OSError:
        return None
    except UnicodeDecodeError:
        text = ""
    try:
        project = from_json(text)
        card = ProjectCard(path.stem, project.name, stamp[1] / 1e9, count_layers(project.graph))
    except ProjectRefused as refusal:
        card = ProjectCard(path.stem, _name_in(text), stamp[1] / 1e9, 0, str(refusal))
    if len(_CARDS) >= _CARDS_KEPT:
        _CARDS.clear()
    _CARDS[str(path)] = (stamp, card)
    return card


def _name_in(text: str) -> str:
    """What a file that is no project calls itself, so that a person knows it again; "" for nothing."""
    try:
        value = parse_json(text)
    except ProjectRefused:
        return ""
    name = value.get("name") if isinstance(value, dict) else None
    return name[:MAX_PROJECT_NAME] if isinstance(name, str) else ""


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with _LOCKS[hash(str(path)) % len(_LOCKS)]:
        yield
