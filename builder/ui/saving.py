"""Whether the open project is on disk, and writing it there: at once, or a moment later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from builder.errors import ProjectRefused
from builder.ui.session import current, say, whole, work
from builder.ui.work import SavedKind


def saved() -> SavedKind:
    """Whether the open project is on disk as it is here. Looks at the disk (microseconds).

    "changed_elsewhere": another tab or window saved it since; nothing is overwritten until the
    person chooses by `take_theirs` or `keep_mine_as_copy`. "deleted_elsewhere": it was deleted there,
    and stays so until `keep_mine_as_copy`. "failed": it could not be written.
    """
    settle()
    return work().look()


def saved_at() -> float:
    """When the open project was last written, in seconds since 1970; 0 for not yet."""
    return work().saved_at


@whole
def save() -> bool:
    """Writes the open project; verbs that change it call this themselves. Whether it is on disk now."""
    if current().saves_soon:
        work().save_soon()
        return False
    work().save()
    _tell()
    return work().saved == "saved"


@contextmanager
def saving_soon() -> Iterator[None]:
    """What is edited inside is written by `settle`; where that does not come, a moment later by itself."""
    session = current()
    before, session.saves_soon = session.saves_soon, True
    try:
        yield
    finally:
        session.saves_soon = before


@whole
def settle() -> None:
    """Writes what was edited in `saving_soon` and is not on disk yet."""
    work().settle()
    _tell()


def why_not_saved() -> str | None:
    """Why the open project could not be written, in one sentence and a way out; None where it is."""
    refusal = work().refusal
    if refusal is None:
        return None
    if isinstance(refusal, ProjectRefused):
        return f"Not saved: {refusal} Nothing is lost while this tab is open."
    return (
        f"The disk refused to save: {(refusal.strerror or 'unknown reason').rstrip('.')}. "
        "Nothing is lost in this tab; download the project file before you close it."
    )


def _tell() -> None:
    """Also what a save by itself met, between two runs."""
    reason = why_not_saved()
    if reason is not None and not work().told:
        work().told = True
        say(reason, "error")


@contextmanager
def marked(tab: str, number: int) -> Iterator[None]:
    """What is done inside is written together with the mark that it was done, or neither is."""
    opened = work()
    with opened.lock:
        opened.mark(tab, number)
        yield


def done() -> Mapping[str, int]:
    """Of each browser tab the number of its last operation that is in the open project."""
    return dict(work().done)


def unwritten() -> bool:
    """Whether something done here would be lost by a crash of the server."""
    return work().waits or work().saved == "failed"


def done_on_disk() -> Mapping[str, int]:
    """Of each browser tab the last operation that a crash of the server would not take back."""
    return work().done_on_disk()
