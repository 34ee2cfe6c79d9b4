"""What Layerwise raises, and how it is worded.

A mistake in a *model* is a `Diagnostic` (a value: half-built networks are normal). What is raised
here is a request that cannot be carried out. Its text is written for the screen: what, where,
what was received, and the way out.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_QUOTE_LIMIT = 60  # characters of a person's own text that a sentence may repeat


class LayerwiseError(Exception):
    """A refusal whose text can be shown to a person as it is, without a traceback."""


class EditRefused(LayerwiseError):
    """An edit that cannot be applied: the graph stays as it was."""


class ProjectRefused(LayerwiseError):
    """A project file that cannot be read as a project."""


class Misfit(NamedTuple):
    """What would make a layer of a text fit what arrives: one number (or tuple) it is made with.

    `line`: where it is made; `layer`: its class, "Linear"; `parameter`: "in_features".
    """

    line: int
    layer: str
    parameter: str
    was: object
    needed: object


class CodeRefused(LayerwiseError):
    """A network that cannot be written in the style asked for, or a text that cannot be read as one.

    Of a text: `line` where it stands (from 1), `code` what stands there, `reason` why, `help` what
    would help, `choices` the networks that the text holds, `misfit` the one number to be changed.
    """

    code: str = ""
    choices: tuple[str, ...] = ()
    misfit: Misfit | None = None

    def __init__(
        self, reason: str = "", *, line: int | None = None, help: str = "", kind: str = ""
    ) -> None:
        self.reason, self.line, self.help, self.kind = reason, line, help, kind
        where = f"Line {line}: " if line is not None else ""
        super().__init__(f"{where}{reason} {help}".strip())

    def saying(self, reason: str) -> CodeRefused:
        """The same refusal in other words."""
        told = CodeRefused(reason, line=self.line, help=self.help, kind=self.kind)
        told.code, told.choices, told.misfit = self.code, self.choices, self.misfit
        return told


class WeightsRefused(LayerwiseError):
    """A file of weights that cannot be opened, kept, or loaded into its network, with the reason."""


class DataRefused(LayerwiseError):
    """A data set that cannot be read, prepared or fitted."""


class JobRefused(LayerwiseError):
    """A training job that cannot start, with what would have to change."""


class ExportRefused(LayerwiseError):
    """A file to take along that cannot be made, or whose proof failed, with the reason."""


class InspectionRefused(LayerwiseError):
    """A look inside that cannot be given, such as a graph too big to draw."""


class NotFound(LayerwiseError):
    """A name that stands for nothing here; the nearest names are in the sentence."""


def quote(text: object, limit: int = _QUOTE_LIMIT) -> str:
    """A person's own text, made safe to repeat in a sentence: “…”, shortened, no control marks."""
    flat = "".join(
        " " if unicodedata.category(c)[0] in "CZ" and c != " " else c
        for c in str(text)[: limit * 4]
    )
    flat = " ".join(flat.split())
    return f"“{flat if len(flat) <= limit else flat[: limit - 1] + '…'}”"


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """ "Did you mean “Linear”?" for a near miss, else the empty string."""
    near = difflib.get_close_matches(name[:200], list(options), n=1)
    return f"Did you mean {quote(near[0])}?" if near else ""
