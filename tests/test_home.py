"""What a disk that refuses says."""

from __future__ import annotations

import errno
from pathlib import Path

from builder.home import storage_refused


def test_a_sentence_about_the_disk_never_names_an_owner() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    said = str(storage_refused(full, Path("/srv/layerwise/owners/secret-token/projects/x.json")))
    assert "secret-token" not in said and "/srv/layerwise" in said
