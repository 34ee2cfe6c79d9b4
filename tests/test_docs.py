"""What README and CONTRIBUTING say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
NAMED = re.compile(r"`((?:builder|tests|benchmarks|frontend|pages|docs)/[\w./-]+|\.ci/run)`")
PICTURES = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_pictures_of_the_readme_exist() -> None:
    shown = PICTURES.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert shown and [path for path in shown if not (ROOT / path).is_file()] == []


def test_the_readme_has_the_line_that_ci_runs() -> None:
    after = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- test line -->")[1]
    line = after.strip().splitlines()[1]
    assert line.startswith("python3 -m venv .venv") and line.endswith("-m pytest")


def test_the_counts_of_the_readme_are_the_catalogues() -> None:
    from builder.catalogue import entries

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    kinds = [entry.kind for entry in entries().values()]
    said = re.search(r"what there is: (\d+) layers, (\d+) operations", text)
    assert said and (int(said[1]), int(said[2])) == (kinds.count("layer"), kinds.count("operation"))
