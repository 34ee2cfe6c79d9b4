"""The component's script: named by its content, and without a way for text to become markup."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from builder.ui.workbench.rename import name_for, script

TEXT = script().read_text("utf-8")


def test_the_script_is_named_by_its_content() -> None:
    assert script().name == name_for(script().read_bytes()), (
        "run: python -m builder.ui.workbench.rename"
    )


def test_no_text_becomes_markup() -> None:
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "DOMParser",
    ):
        assert way not in TEXT


def test_nothing_is_fetched_from_elsewhere() -> None:
    assert not re.findall(r"https?://|import\(|fetch\(|^import ", TEXT, re.MULTILINE)


def test_the_script_is_whole() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node to read JavaScript")
    checked = subprocess.run(
        [node, "--check", "--input-type=module", "-"], input=TEXT.encode(), capture_output=True
    )
    assert checked.returncode == 0, checked.stderr.decode()
