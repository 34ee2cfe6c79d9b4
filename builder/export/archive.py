"""A zip whose bytes depend on its files alone: fixed times and rights, names in order, no way out of it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Final

_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip. Errors: ValueError for a name that is not a plain file's, or "..": ours are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(files.items()):
            if not _NAME.fullmatch(name) or ".." in name:
                raise ValueError(f"{name!r} is no plain name of a file")
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()
