"""What the server does once before the first visit, and while it runs.

With torch imported a full garbage collection takes long, and Streamlit does one after every script
run: thirty sessions then get six updates a second instead of sixty. So config.toml turns that off
(`runner.postScriptGC`, a hidden option), what exists after the warm-up is frozen out of the
collector's sight, and a thread collects the rest now and then.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

_LOG: Final = logging.getLogger("layerwise")
_COLLECT_EVERY_SECONDS: Final = 60.0
_THREADS: Final = 1  # a second one gains little on shape passes and starves the other sessions


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, Any] | None]:
    """The life of the server: warm up, tell jobs left over from last time, collect in between."""
    warm_up()
    reconcile_jobs()
    stopped = threading.Event()
    threading.Thread(target=_collect_until, args=(stopped,), name="collect", daemon=True).start()
    try:
        yield None
    finally:
        stopped.set()


def warm_up() -> None:
    """Imports what the first page needs and takes one network through it, so nobody waits for it."""
    import torch

    torch.set_num_threads(_THREADS)
    from builder.graph.check import check
    from builder.graph.edits import AddNode, apply
    from builder.graph.model import Graph, Node, Ref, TensorSpec

    graph = Graph(
        nodes={
            "x": Node("x", "input", "x", spec=TensorSpec(("N", 8))),
            "out": Node("out", "output", "out", arguments={"value": Ref("x")}),
        }
    )
    check(apply(graph, AddNode("torch.nn.Linear", after="x")))
    gc.collect()
    gc.freeze()


def reconcile_jobs() -> None:
    """Brings the list of training jobs into agreement with the processes that still live."""
    try:
        from builder.training.supervisor import reconcile

        reconcile()
    except Exception:  # a broken job store must not keep the builder from opening
        _LOG.exception("The list of training jobs could not be brought up to date")


def _collect_until(stopped: threading.Event) -> None:
    while not stopped.wait(_COLLECT_EVERY_SECONDS):
        gc.collect()
