"""Which process is which: a process id alone is given out again, with its start time it is unique."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process for all time: its id, and when it started as the system tells it."""

    pid: int
    started: str

    @property
    def void(self) -> bool:
        """Stands for no process at all: an attempt that nobody may begin any more."""
        return self.pid == 0

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie, dead but not yet collected, does not)."""
        return self.pid > 0 and start_time(self.pid) == self.started

    def terminate(self) -> None:
        """Asks it to end. A process that is gone is no error."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


def this_process() -> ProcessMark:
    """The mark of the process that calls this."""
    return ProcessMark(os.getpid(), start_time(os.getpid()) or "")


def start_time(pid: int) -> str | None:
    """When a process started, in the system's own words; None when it does not run."""
    if sys.platform == "linux":
        return _from_proc(pid)
    if sys.platform == "win32":
        return _from_windows(pid)
    return _from_ps(pid)


def _from_proc(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    # The command's name stands in brackets and may hold anything, so count from the last one.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X", "x"} else fields[19]  # clock ticks since boot


def _from_ps(pid: int) -> str | None:
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = done.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def _from_windows(pid: int) -> str | None:
    import ctypes
    from ctypes import wintypes

    kernel: object = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    query_limited_information, still_active = 0x1000, 259
    handle = kernel.OpenProcess(query_limited_information, False, pid)  # type: ignore[attr-defined]
    if not handle:
        return None
    try:
        code = wintypes.DWORD()
        times = [wintypes.FILETIME() for _ in range(4)]
        pointers = [ctypes.byref(t) for t in times]
        if not kernel.GetExitCodeProcess(handle, ctypes.byref(code)):  # type: ignore[attr-defined]
            return None
        if code.value != still_active:
            return None
        if not kernel.GetProcessTimes(handle, *pointers):  # type: ignore[attr-defined]
            return None
        return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
    finally:
        kernel.CloseHandle(handle)  # type: ignore[attr-defined]


def read_mark(text: str) -> ProcessMark:
    """The mark a row holds; one that no process has where the row is damaged."""
    try:
        pid, started = json.loads(text)
        return ProcessMark(int(pid), str(started))
    except (ValueError, TypeError):
        return ProcessMark(0, "")
