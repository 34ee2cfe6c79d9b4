"""What an export is doing at the moment, told to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def tell(step: str) -> None:
    """Says what is being done from now on: “Running the file in a clean Python”."""
    listener = _listener.get()
    if listener is not None:
        listener(step)


@contextmanager
def told_to(listener: Callable[[str], None]) -> Iterator[None]:
    """Inside, `listener` hears each step."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)
