"""The process that reads code, started beside the pages that will need it, and in whose name it is asked."""

from __future__ import annotations

import logging
import threading
from typing import Final

from builder.code.reading import warm
from builder.code.reading.turns import Asker, found_by
from builder.errors import CodeRefused
from builder.ui.session import current

_LOG: Final = logging.getLogger("layerwise")
_warming: Final = threading.Lock()


def warm_soon() -> None:
    """Starts the process that reads, beside the page, so that the first text need not wait for it."""
    if _warming.acquire(blocking=False):
        threading.Thread(target=_warm, name="warm-reader", daemon=True).start()


def _warm() -> None:
    try:
        warm()
    except CodeRefused:  # said where a text is read
        _LOG.warning("The process that reads code does not start")
    finally:
        _warming.release()


def _asker() -> Asker:
    """Each owner has one text read at a time, and each of their tabs its newest."""
    session = current()
    return session.owner, str(id(session))


found_by(_asker)
