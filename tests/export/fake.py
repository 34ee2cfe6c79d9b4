"""A process that keeps to the queue's protocol and makes nothing: it waits until it is told to go on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from builder.export.queue import Exports, Status
from builder.export.wish import Wish

_SCRIPT = """
import json, pathlib, subprocess, sys, time
place, gate = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
wish = json.loads(sys.stdin.readline())
print(json.dumps({"step": "Working"}), flush=True)
if (gate / "grandchild").exists():
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    (gate / "grandchild").write_text(str(child.pid))
while not (gate / "go").exists():
    time.sleep(0.02)
answer = json.loads((gate / "go").read_text() or '{"done": true}')
if "done" in answer:
    place.mkdir()
    (place / "file").write_bytes(b"made")
    proof = answer.get("proof")
    about = {"name": "net.py", "mime": "text/x-python", "size": 4, "made": 0.0, "proof": proof}
    (place / "about.json").write_text(json.dumps(about))
print(json.dumps(answer), flush=True)
"""


def starter(gate: Path) -> Callable[[Path], subprocess.Popen[bytes]]:
    """What stands in for `queue._start`. `gate`: holds "go" once they may end, with their answer."""

    def start(work: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-S", "-c", _SCRIPT, str(work / "export"), str(gate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    return start


def until(done: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for something that happens in another thread or process."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def ended(exports: Exports, wish: Wish) -> Status:
    """How a wish stands once it is no longer under way."""

    def at_rest() -> bool:
        status = exports.status(wish)
        return status is not None and not status.active

    until(at_rest, 120.0)
    status = exports.status(wish)
    assert status is not None
    return status
