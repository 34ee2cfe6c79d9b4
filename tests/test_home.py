"""What a disk that refuses says."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from builder.home import storage_refused, why_nothing_is_kept


def test_a_sentence_about_the_disk_never_names_an_owner() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    said = str(storage_refused(full, Path("/srv/layerwise/owners/secret-token/projects/x.json")))
    assert "secret-token" not in said and "/srv/layerwise" in said


def test_a_home_that_takes_what_is_written_has_nothing_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    assert why_nothing_is_kept() is None


@pytest.mark.parametrize("trouble", ["a file", "read-only", "full"])
def test_a_home_that_keeps_nothing_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    words = {"a file": "cannot be", "read-only": "may not be written to", "full": "is full"}
    if trouble == "a file":
        (tmp_path / "home").write_text("")
    elif trouble == "read-only":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        usage = shutil.disk_usage(tmp_path)._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert words[trouble] in str(why_nothing_is_kept())
