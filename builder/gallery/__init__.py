"""Starter designs: project files with a title and one line of what each teaches.

A design is a JSON file in `designs/` (saved by the app like any project) and an entry in
`index.json`. Adding one is adding these two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import NotFound, did_you_mean, quote

if TYPE_CHECKING:
    from builder.graph.project import Project

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Design:
    """One card of the gallery.

    `data`: the key of the data set it is made for; `style`: the code style it teaches; where there is
    one.
    """

    key: str
    title: str
    group: str
    lesson: str
    data: str | None = None
    style: str | None = None

    @property
    def path(self) -> Path:
        return _FOLDER / "designs" / f"{self.key}.json"


@cache
def designs() -> Mapping[str, Design]:
    """Every design by its key, in the order the gallery shows them."""
    listed = json.loads((_FOLDER / "index.json").read_text(encoding="utf-8"))
    return {card["key"]: Design(**card) for card in listed}


def project(key: str) -> Project:
    """The design as a project of one's own, with its data set chosen.

    Errors: NotFound with the nearest key.
    """
    from builder.graph.project import load_project

    if key not in designs():
        raise NotFound(
            f"There is no gallery design {quote(key)}. {did_you_mean(key, designs())} "
            "`python -m builder gallery` lists them."
        )
    return load_project(designs()[key].path)
