"""A person's own text of a network, as the project file holds it: in lines, with the network it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.errors import ProjectRefused, quote
from builder.graph.encoding import Json, check_keys, graph_from_json, graph_to_json
from builder.graph.model import Graph
from builder.graph.validate import validate

MAX_TEXTS = 12  # one of each style
MAX_TEXT = 200_000  # characters of one
_MAX_STYLE = 40  # characters of a style's name


@dataclass(frozen=True)
class OwnText:
    """A text with a person's own comments and layout. `graph`: the network it says, None for the
    project's own: what was edited since somewhere else is brought into the text where it is shown.
    """

    text: str
    graph: Graph | None = None


def texts_to_json(texts: Mapping[str, OwnText]) -> dict[str, Json]:
    """By style: {"text": lines, "model": the network, left out where it is the project's}."""
    found: dict[str, Json] = {}
    for style, own in texts.items():
        part: dict[str, Json] = {"text": list(own.text.split("\n"))}
        if own.graph is not None:
            part["model"] = graph_to_json(own.graph)
        found[style] = part
    return found


def texts_from_json(value: Json) -> dict[str, OwnText]:
    """The texts of a project file. Errors: ProjectRefused."""
    if not isinstance(value, dict) or len(value) > MAX_TEXTS:
        raise ProjectRefused(
            f"The project has {quote(value)} for “code”: an object with a text by style is needed. "
            "Take that key out of the file."
        )
    return {_style(name): _text(name, part) for name, part in value.items()}


def _style(name: str) -> str:
    if len(name) > _MAX_STYLE:
        raise ProjectRefused(f"{quote(name)} is too long for a style of code. Take it out.")
    return name


def _text(name: str, value: Json) -> OwnText:
    where = f"The text {quote(name)} in “code”"
    if not isinstance(value, dict):
        raise ProjectRefused(f"{where} is {quote(value)}: an object with “text” is needed.")
    check_keys(value, {"text", "model"}, where)
    lines = value.get("text")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ProjectRefused(f"{where} needs its “text” as a list of lines.")
    text = "\n".join(str(line) for line in lines)
    if len(text) > MAX_TEXT:
        raise ProjectRefused(f"{where} has {len(text):,} characters, of at most {MAX_TEXT:,}.")
    if "model" not in value:
        return OwnText(text)
    graph = graph_from_json(value["model"])
    validate(graph)
    return OwnText(text, graph)
