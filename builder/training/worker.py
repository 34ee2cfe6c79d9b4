"""`python -m builder.training.worker RUN_DIR [ATTEMPT]`: trains one run, in a process of its own.

It works from its folder alone: it needs no database, no server and no browser, so none of them can
harm it by ending. It says that it lives in workers/<attempt>.json before anything slow is imported.
With `--spare` it imports first and waits for a line that names the folder (spare.py).
"""

from __future__ import annotations

import argparse
import contextlib
import json
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
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("attempt", type=int, nargs="?")
    parser.add_argument("--spare", action="store_true", help="import first, then wait for a folder")
    arguments = parser.parse_args(argv)
    if arguments.spare:
        return wait_and_work()
    if arguments.folder is None:
        parser.error("the folder of a run is needed")
    folder = RunFolder(arguments.folder.resolve())
    return work(folder, arguments.attempt or folder.attempts + 1)


def wait_and_work() -> int:
    """Gets ready, waits for the one run it is going to train, and ends with its server until then."""
    get_ready()
    be_modest()
    line = sys.stdin.readline()
    if not line.strip():
        return ENDED
    wanted = json.loads(line)
    folder = RunFolder(Path(wanted["folder"]))
    _write_into(folder.log)
    os.chdir(folder.path)
    return work(folder, int(wanted["attempt"]))


def work(folder: RunFolder, attempt: int) -> int:
    """One attempt at one run."""
    asked_to_end = _listen_for_the_end()
    if not folder.begin(attempt, this_process()):
        return TAKEN
    get_ready()  # while somebody waits: not yet at the lowest priority
    be_modest()
    from builder.training.session import run_session

    _limit_memory()
    run_session(folder, attempt, interrupted=asked_to_end)
    return ENDED


def be_modest() -> None:
    """The pages come first: lowest priority, one thread."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    import torch

    torch.set_num_threads(WORKER_THREADS)


def get_ready() -> None:
    """Imports all that a training needs, and takes one step of an optimizer, which imports more."""
    import torch

    import builder.training.session  # noqa: F401  imported for its own imports

    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weight], fused=True)
    torch.nn.functional.mse_loss(weight, torch.ones(1)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _listen_for_the_end() -> Callable[[], bool]:
    """The end of the machine or container is asked for by SIGTERM: noted here, obeyed at a batch."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: asked.append(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server
    return lambda: bool(asked)


def _limit_memory() -> None:
    """Makes an oversize layer an error that can be told, instead of a machine that stands still.

    Not with CUDA, which reserves addresses far beyond what it uses.
    """
    import torch

    try:
        import resource
    except ImportError:  # Windows
        return
    available = available_bytes()
    if available is None or torch.cuda.is_available():
        return
    with contextlib.suppress(ValueError, OSError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + available, resource.RLIM_INFINITY))


def _write_into(log: Path) -> None:
    """From here on what is printed belongs to the run."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


if __name__ == "__main__":
    sys.exit(main())
