"""`python -m builder.export.worker FOLDER`: makes one export, proves it, and lays it into the folder.

The wish comes as one line of JSON on standard input, which then stays open: when it closes, whoever
asked is gone, and this process ends with everything it started. What happens is told as lines of JSON
on standard output: {"step": …}, and at the end {"done": true}, {"refused": sentence} or {"stumbled": …}.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

MAX_FILE: Final = 256 << 20
"""Of a file that a page gives: a browser gets it through the server's memory."""
_MAX_WRITTEN: Final = 2 << 30
"""Of any one file on the way there."""
_NICE: Final = 10  # behind the pages, before trainings, which take what is left
_NO_MEMORY: Final = ("allocate memory", "bad_alloc", "MemoryError", "Cannot allocate")


def main(folder: Path) -> None:
    """Carries out the wish on standard input."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def send(said: dict[str, Any]) -> None:
        with suppress(OSError):  # nobody listens any more
            out.write(f"{json.dumps(said)}\n")
            out.flush()

    line = sys.stdin.readline()
    threading.Thread(target=_end_with_the_line, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    send({"step": "Starting PyTorch"})
    send(_answered(json.loads(line), folder, lambda step: send({"step": step})))


def _answered(wish: dict[str, Any], folder: Path, told: Callable[[str], None]) -> dict[str, Any]:
    import torch

    from builder.errors import LayerwiseError
    from builder.export import kept
    from builder.export.steps import told_to
    from builder.export.wish import Wish
    from builder.graph.size import format_bytes
    from builder.home import storage_refused

    torch.set_num_threads(1)
    _limit()
    try:
        with told_to(told):
            exported = Wish.from_json(wish).carry_out()
        if len(exported.content) > MAX_FILE:
            return {
                "refused": f"The file takes {format_bytes(len(exported.content))}, and this page gives "
                f"files of up to {format_bytes(MAX_FILE)}. `python -m builder export` on a machine of "
                "your own has no such limit."
            }
        kept.write(exported, folder)
    except MemoryError:
        return {"refused": _too_large()}
    except LayerwiseError as refusal:
        lacks_memory = any(word in str(refusal) for word in _NO_MEMORY)
        return {"refused": _too_large() if lacks_memory else str(refusal)}
    except OSError as error:
        return {"refused": str(storage_refused(error, folder))}
    except Exception as error:
        if any(word in str(error) for word in _NO_MEMORY):
            return {"refused": _too_large()}
        return {"stumbled": traceback.format_exc()[-8000:], "kind": type(error).__name__}
    return {"done": True}


def _too_large() -> str:
    from builder.export.proving import MEMORY_BYTES
    from builder.graph.size import format_bytes

    return (
        f"The proof needs more than {format_bytes(MEMORY_BYTES)} of memory, the most that this server "
        "gives one. Make the network or its data smaller, or run `python -m builder export` on a machine "
        "of your own."
    )


def _limit() -> None:
    """No more memory than a proof is given, and no file without end. Windows has no such limits."""
    if sys.platform != "linux":
        return
    import resource

    from builder.code.limits import limit_memory
    from builder.export.proving import MEMORY_BYTES

    limit_memory(MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_WRITTEN, _MAX_WRITTEN))


def _end_with_the_line() -> None:
    """Ends this process, and the clean interpreter that stays in its group, with who asked."""
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
