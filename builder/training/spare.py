"""A worker kept warm: it has imported torch already, so that the first point is there at once.

Starting Python and importing torch takes 1.5 s or more, most of the wait between a click on Train and
the first point. The spare waits for one line that names a run folder. It ends by itself when its
server is gone (its input closes), and is ended when nobody has looked at the Train page for a while.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Final

from builder.training.folder import RunFolder

_WANTED_FOR_SECONDS: Final = 600.0  # it holds memory: not for longer than it may be of use


class Spare:
    """At most one waiting worker. `launch_waiting()` starts one and gives its process."""

    def __init__(self, launch_waiting: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._launch = launch_waiting
        self._child: subprocess.Popen[bytes] | None = None
        self._wanted_until = 0.0
        self._lock = threading.Lock()

    def want(self) -> None:
        """Somebody may train soon: have one ready. Returns at once."""
        self._wanted_until = time.monotonic() + _WANTED_FOR_SECONDS

    def tend(self, may_start: bool = True) -> None:
        """Starts or ends it as it is wanted. `may_start`: not while another worker is starting."""
        with self._lock:
            wanted = time.monotonic() < self._wanted_until
            if self._child is not None and (not wanted or self._child.poll() is not None):
                self._end()
            if wanted and may_start and self._child is None:
                with contextlib.suppress(OSError):  # without one, jobs start the slower way
                    self._child = self._launch()

    def take(self, folder: RunFolder, attempt: int) -> subprocess.Popen[bytes] | None:
        """Gives the waiting worker a run and hands it over; None when there is none that works."""
        with self._lock:
            child, self._child = self._child, None
        if child is None or child.stdin is None or child.poll() is not None:
            return None
        line = json.dumps({"folder": str(folder.path), "attempt": attempt}) + "\n"
        try:
            child.stdin.write(line.encode())
            child.stdin.close()
        except OSError:
            child.kill()
            child.wait()
            return None
        return child

    def close(self) -> None:
        """Ends it."""
        with self._lock:
            self._wanted_until = 0.0
            self._end()

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child = None
