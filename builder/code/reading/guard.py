"""What the process that reads never does, whatever a text says: where it began to, it ends itself.

The walk over a text calls none of this. The guard stands behind it for the day that one of torch's own
functions, asked with a person's values, would.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

_NEVER: Final = (
    "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "pty.",
    "socket.", "ssl.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "nntplib.",
    "telnetlib.", "webbrowser.", "shutil.", "tempfile.", "os.remove", "os.rename", "os.rmdir", "os.mkdir",
    "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.chflags", "os.utime", "os.putenv",
    "os.unsetenv", "os.kill", "os.killpg", "ctypes.dlopen", "pickle.", "sqlite3.", "mmap.", "winreg.",
)  # fmt: skip
_TO_WRITE: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def forbid() -> None:
    """From now on this process starts none, reaches no network, loads no pickle and writes no file."""
    sys.dont_write_bytecode = True
    sys.addaudithook(_look)


def is_forbidden(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event of Python's is one that reading a text never causes."""
    if event == "open":
        flags = arguments[2] if len(arguments) > 2 else 0
        return isinstance(flags, int) and bool(flags & _TO_WRITE)
    return event.startswith(_NEVER)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if is_forbidden(event, arguments):
        os._exit(1)
