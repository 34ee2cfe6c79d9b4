"""What a disk that refuses says."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from builder.home import StorageRefused, make_folder, storage_refused, why_nothing_is_kept


def test_a_sentence_about_the_disk_never_names_an_owner() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    said = str(storage_refused(full, Path("/srv/layerwise/owners/secret-token/projects/x.json")))
    assert "secret-token" not in said and "/srv/layerwise" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("place", ["runs/6b0190b5/checkpoints", "runs/6b0190b5/job.json", "runs"])
def test_a_sentence_about_the_disk_names_the_home_not_what_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, place: str
) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    said = str(storage_refused(OSError(number, "It refuses"), tmp_path / "home" / place))
    assert f"{tmp_path}/home" in said and "home/runs" not in said
    elsewhere = str(storage_refused(OSError(number, "It refuses"), tmp_path / "mine"))
    assert f"{tmp_path}/mine" in elsewhere


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken.txt").write_text("")
    with pytest.raises(StorageRefused, match="is a file, so it cannot be the folder") as refused:
        make_folder(tmp_path / "taken.txt" / below)
    assert str(refused.value).startswith(f"{tmp_path}/taken.txt is a file")


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
