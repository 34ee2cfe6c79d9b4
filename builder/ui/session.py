"""What one browser session holds, and how it is changed: whole, once, and by one run at a time.

Knows nothing of Streamlit: `builder.ui.state` finds the session in the browser tab and hands it over.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from builder.errors import LayerwiseError
from builder.ui.work import Work

if TYPE_CHECKING:
    from builder.graph.check import Check
    from builder.graph.model import Graph

_P = ParamSpec("_P")
_T = TypeVar("_T")

Tone = Literal["info", "success", "warning", "error"]


@dataclass
class Session:
    """Everything of ours that a browser tab has on the server.

    `scope`: (node id, block name) for each block entered. `left`: the project open before, while the
    URL may still name it. `checks`: the newest first. `kept`: what pages keep under names of theirs.
    `saves_soon`: what is edited now is written once the page has been told of it.
    """

    owner: str
    work: Work | None = None
    left: str | None = None
    scope: tuple[tuple[str, str], ...] = ()
    selected: str | None = None
    run: tuple[str, int | None] | None = None
    messages: list[tuple[Tone, str]] = field(default_factory=list)
    checks: list[tuple[Graph, Check]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    saves_soon: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)


_held: ContextVar[Session | None] = ContextVar("held", default=None)
_find: list[Callable[[], Session]] = []


def found_by(find: Callable[[], Session]) -> None:
    """Says how the session of the script that is running is found."""
    _find[:] = [find]


def current() -> Session:
    """The session of the script that is running."""
    held = _held.get()
    return held if held is not None else _find[0]()


def work() -> Work:
    """The open project. Errors: LayerwiseError where none is open."""
    opened = current().work
    if opened is None:
        raise LayerwiseError("No project is open. Open one from the gallery page.")
    return opened


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is done inside is done whole: no rerun cuts in, no other run of this session does the same.

    Streamlit stops a script for a rerun wherever it touches its own session object. So ours is looked
    up once, before anything is done, and held; inside, draw nothing.
    """
    session = current()
    with session.lock:
        before = _held.set(session)
        try:
            yield
        finally:
            _held.reset(before)


def whole(verb: Callable[_P, _T]) -> Callable[_P, _T]:
    """A verb that changes something: carried out undisturbed."""

    @functools.wraps(verb)
    def carried_out(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with undisturbed():
            return verb(*args, **kwargs)

    return carried_out


@whole
def say(text: str, tone: Tone = "info") -> None:
    """Tells the person one sentence at the top of the page, once."""
    messages = current().messages
    if (tone, text) not in messages:
        messages.append((tone, text))


def take_messages() -> list[tuple[Tone, str]]:
    """The sentences not told yet; `page_head` shows them and they are gone."""
    session = current()
    told, session.messages = session.messages, []
    return told


def recall(name: str, default: Any = None) -> Any:
    """What this session kept under a name, for choices that outlive a page switch but no reload."""
    return current().kept.get(name, default)


@whole
def keep(name: str, value: Any) -> None:
    """Keeps a value for this session; see `recall`. Name it after the page: "graph.batch_shape"."""
    current().kept[name] = value
