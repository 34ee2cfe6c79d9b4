"""The processes that read: warm, with limits on memory and time, and a new one when one dies.

    each with one question at a time: source, target, inputs → a Read, or the refusal it ended in

Whose question is next, `turns` says.

The text is hostile until proven otherwise, so even our own walk over it is held: the child may use
`MEMORY` bytes beyond what it has when it is warm, `SECONDS` of the clock for a text, and is killed and
named when it takes more.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from select import select
from time import monotonic
from typing import Any, Final

from builder.code.limits import limit_memory
from builder.code.reading.guard import forbid
from builder.code.reading.reading import Read, read_here
from builder.code.reading.turns import QUICK_SECONDS, Turns
from builder.errors import CodeRefused

SECONDS: Final = 2.2
"""A text is answered within 3 seconds, whatever it is."""
PATIENT_SECONDS: Final = 6.5
"""Where the machine is so busy that the text had less than half of that time of a processor."""
MEMORY: Final = 1 << 30
START_SECONDS: Final = 120
_HEAD: Final = struct.Struct("<I")
_LARGEST_ANSWER: Final = 256 << 20
_STOP: Final = _HEAD.pack(0)  # in the place of a question
_STOPPED: Final = "stopped"


class Stopped(Exception):
    """A text gave its place to others before it was read."""


class Child:
    """A warm process. Safe to use from several threads: one text at a time."""

    def __init__(self, command: Sequence[str] = ("-m", "builder.code.reading.child")) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(
        self,
        source: str,
        target: str | None,
        inputs: Sequence[str] | None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> Read:
        """What `read_here` gives, from the child.

        Args:   goes_on: asked each `QUICK_SECONDS` whether it may go on.
        Errors: CodeRefused; Stopped where it might not.
        """
        question = pickle.dumps((source, target, None if inputs is None else list(inputs)))
        with self._lock:
            try:
                answer = self._asked(question, goes_on)
            except (OSError, EOFError):  # ended from outside, perhaps long ago: a new one is asked
                self.close()
                try:
                    answer = self._asked(question, goes_on)
                except (OSError, EOFError):
                    self.close()
                    raise _died() from None
        if answer == _STOPPED:
            raise Stopped
        if isinstance(answer, CodeRefused):
            raise answer
        assert isinstance(answer, Read)
        return answer

    def _asked(self, question: bytes, goes_on: Callable[[], bool]) -> Any:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        until = monotonic() + PATIENT_SECONDS + 2  # it watches the time itself
        try:
            process.stdin.write(_HEAD.pack(len(question)) + question)
            process.stdin.flush()
            while not select([process.stdout], [], [], QUICK_SECONDS)[0] and monotonic() < until:
                if not goes_on():
                    process.stdin.write(_STOP)
                    process.stdin.flush()
                    break
            return self._answer(process, until - monotonic())
        except TimeoutError:
            self.close()
            raise _late() from None

    def warm(self) -> None:
        """Starts the process, so that the first text need not wait for it."""
        with self._lock:
            self._started()

    def close(self) -> None:
        """Ends the process; the next text gets a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            self._answer(self._process, START_SECONDS)  # it says when it is warm
        except (OSError, EOFError, TimeoutError):
            self.close()
            raise CodeRefused("The process that reads code does not start.") from None
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> Any:
        assert process.stdout is not None
        until = monotonic() + seconds
        head = _received(process.stdout.fileno(), _HEAD.size, until)
        (size,) = _HEAD.unpack(head)
        if size > _LARGEST_ANSWER:
            raise EOFError
        # Our own child's answer about our own values: plain data classes.
        return pickle.loads(_received(process.stdout.fileno(), size, until))


def _received(descriptor: int, size: int, until: float) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        left = until - monotonic()
        if left <= 0 or not select([descriptor], [], [], None if left == inf else left)[0]:
            raise TimeoutError
        part = os.read(descriptor, min(1 << 20, size - len(parts)))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _late() -> CodeRefused:
    return CodeRefused(
        "Reading this text takes too long.", kind="limit",
        help="Paste only the part with the network.",
    )  # fmt: skip


def _died() -> CodeRefused:
    return CodeRefused(
        "Reading this text needs too much memory, or ends the process that reads.", kind="limit",
        help="Paste only the part with the network.",
    )  # fmt: skip


class Readers:
    """A few processes that read, and the queue before them."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
        self._children = [Child() for _ in range(self.turns.places)]

    def read(self, source: str, target: str | None, inputs: Sequence[str] | None) -> Read:
        """The network in a text, when its turn comes. Errors: CodeRefused."""
        turn = self.turns.take()
        try:
            while True:
                child = self._children[turn.place]
                try:
                    return child.read(source, target, inputs, lambda: self.turns.goes_on(turn))
                except Stopped:
                    self.turns.again(turn)
        finally:
            self.turns.leave(turn)

    def warm(self) -> None:
        """Starts the processes, so that the first text need not wait for one."""
        for child in self._children:
            child.warm()

    def close(self) -> None:
        """Ends them; the next text gets a new one."""
        for child in self._children:
            child.close()


_readers = Readers()
atexit.register(_readers.close)


def read(source: str, target: str | None = None, inputs: Sequence[str] | None = None) -> Read:
    """The network in a text, read in a process of its own. Errors: CodeRefused."""
    return _readers.read(source, target, inputs)


def warm() -> None:
    """Starts the processes that read ahead of the first text."""
    _readers.warm()


def crowded() -> bool:
    """Whether a text must wait now, as others are being read."""
    return _readers.turns.crowded()


# In the child -------------------------------------------------------------------------------------

_FIRST: Final = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)
    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).mean((2, 3)))
"""


def main() -> None:
    """Answers one text after the other until its parent is gone.

    This process only warms up. A fork of it reads; where that one dies or takes too long, the next is
    forked in a few milliseconds.
    """
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.setrecursionlimit(20_000)
    read_here(_FIRST, None, ["float32[N,1,8,8]"])
    gc.collect()
    gc.freeze()
    worker = _Worker()
    _send(answers, pickle.dumps(None))
    with suppress(EOFError):
        while True:
            (size,) = _HEAD.unpack(_received(0, _HEAD.size, inf))
            if size:  # else it was to be stopped when it was done already
                _send(answers, worker.answer(_received(0, size, inf)))
                worker.revive()
    worker.end()


class _Worker:
    """A fork that reads, with limits of its own."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            _serve(there)
        there.close()
        self.line, self.ended = here, False

    def answer(self, question: bytes) -> bytes:
        begin, used = monotonic(), self._used()
        until = begin + SECONDS
        try:
            self.line.sendall(_HEAD.pack(len(question)) + question)
            line = self.line.fileno()
            ready = select([line, 0], [], [], SECONDS)[0]
            if not ready and self._used() - used < SECONDS / 2:
                until = begin + PATIENT_SECONDS
                ready = select([line, 0], [], [], until - monotonic())[0]
            if 0 in ready and line not in ready:  # to be stopped, or its parent is gone
                return self._ended(_STOPPED)
            (size,) = _HEAD.unpack(_received(line, _HEAD.size, until))
            if size > _LARGEST_ANSWER:  # the rest of it must not stand before the next one's answer
                return self._ended(_died())
            return _received(line, size, until)
        except TimeoutError:
            return self._ended(_late())
        except (OSError, EOFError):
            return self._ended(_died())

    def _used(self) -> float:
        """The seconds of a processor it has had; without limit where that is not told."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return inf
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _ended(self, answer: object) -> bytes:
        os.kill(self.pid, signal.SIGKILL)
        self.ended = True
        return pickle.dumps(answer)

    def revive(self) -> None:
        """A new fork where the last one is gone."""
        if self.ended:
            self.end()
            self.start()

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.line.close()


def _serve(line: socket.socket) -> None:
    """The life of a worker: it never returns."""
    _limit()
    forbid()
    try:
        while True:
            head = line.recv(_HEAD.size, socket.MSG_WAITALL)
            if len(head) < _HEAD.size:
                break
            question = line.recv(_HEAD.unpack(head)[0], socket.MSG_WAITALL)
            data = pickle.dumps(_answered(*pickle.loads(question)))
            line.sendall(_HEAD.pack(len(data)) + data)
    finally:
        os._exit(0)


def _answered(source: str, target: str | None, inputs: list[str] | None) -> Read | CodeRefused:
    try:
        return read_here(source, target, inputs)
    except CodeRefused as refusal:
        told = CodeRefused(refusal.reason, line=refusal.line, help=refusal.help, kind=refusal.kind)
        told.code, told.choices, told.misfit = refusal.code, refusal.choices, refusal.misfit
        return told
    except (RecursionError, MemoryError):
        return _died()
    except Exception as error:  # a mistake of ours must not look like one of theirs
        return CodeRefused(
            f"This text cannot be read: our reader stumbled over it ({type(error).__name__}).",
            kind="stumbled", help="Simplify what stands around the network.",
        )  # fmt: skip


def _send(descriptor: int, data: bytes) -> None:
    data = _HEAD.pack(len(data)) + data
    while data:
        data = data[os.write(descriptor, data) :]


def _limit() -> None:
    """No more memory than a network's text needs; no file of any size; no further processes' time."""
    import resource

    limit_memory(MEMORY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
