"""`python -m builder.training.worker RUN_DIR [ATTEMPT]`: trains one run, in a process of its own.

It works from its folder alone: it needs no database, no server and no browser, so none of them can
harm it by ending. It says that it lives in workers/<attempt>.json before anything slow is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from builder.training.devices import available_bytes
from builder.training.folder import RunFolder
from builder.training.limits import WORKER_THREADS
from builder.training.processes import this_process

ENDED, TAKEN = 0, 3
_NICENESS = 19


def main(argv: list[str] | None = None) -> int:
    """Trains, and returns 0 however it ended: end.json says how. 3: another worker has this run."""
    parser = argparse.ArgumentParser(prog="python -m builder.training.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("attempt", type=int, nargs="?", default=None)
    arguments = parser.parse_args(argv)
    folder = RunFolder(arguments.folder.resolve())
    attempt = arguments.attempt or folder.attempts + 1
    return work(folder, attempt)


def work(folder: RunFolder, attempt: int) -> int:
    """One attempt at one run."""
    asked_to_end = _listen_for_the_end()
    if not folder.begin(attempt, this_process()):
        return TAKEN
    _be_modest()
    from builder.training.session import run_session

    run_session(folder, attempt, interrupted=asked_to_end)
    return ENDED


def _listen_for_the_end() -> Callable[[], bool]:
    """The end of the machine or container is asked for by SIGTERM: noted here, obeyed at a batch."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server
    return lambda: bool(asked)


def _be_modest() -> None:
    """The pages come first: lowest priority, one thread, and no more memory than there is."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    import torch

    torch.set_num_threads(WORKER_THREADS)
    if not torch.cuda.is_available():
        _limit_memory()


def _limit_memory() -> None:
    """Makes an oversize layer an error that can be told, instead of a machine that stands still.

    Not with CUDA, which reserves addresses far beyond what it uses.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    available = available_bytes()
    if available is None:
        return
    with contextlib.suppress(ValueError, OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + available, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main())
