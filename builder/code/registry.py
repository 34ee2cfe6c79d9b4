"""The styles in which a network can be written, and how one is added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from builder.code.writing.functional import write_functional
from builder.code.writing.manual.file import write_manual
from builder.code.writing.mixed import write_mixed
from builder.code.writing.module import write_module
from builder.code.writing.page import Written
from builder.code.writing.sequential import write_ordered, write_sequential
from builder.errors import CodeRefused, did_you_mean, quote
from builder.graph.model import Graph
from builder.graph.report import ShapeReport

MANUAL = "manual"
"""The style that makes no nn.Module."""

Write = Callable[[Graph, ShapeReport, str | None], Written]


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write a network.

    `title`: its name on a tab. `when`: one sentence on when one chooses it. `price`: one on what one
    gives up for it. `write`: graph, its shapes and a class name (or None) to code. `chain_only`: it
    can write only layers that follow one another. `instead`: the nearest style for a network that it
    cannot write, "" for a style that can write every one.
    """

    key: str
    title: str
    when: str
    write: Write
    chain_only: bool = False
    instead: str = ""
    price: str = ""


_styles: dict[str, Style] = {}


def register_style(style: Style) -> None:
    """Adds a style; a second one under the same key replaces the first."""
    _styles[style.key] = style


def styles() -> Mapping[str, Style]:
    """All styles by key, in the order in which they are shown."""
    return MappingProxyType(_styles)


def style_for(key: str) -> Style:
    """The style of a key. Errors: CodeRefused with the nearest key."""
    found = styles().get(key)
    if found is None:
        near = did_you_mean(key, styles())
        known = ", ".join(styles())
        raise CodeRefused(f"There is no code style {quote(key)}. {near or f'There are: {known}.'}")
    return found


register_style(
    Style(
        "sequential",
        "nn.Sequential",
        "The shortest way to write layers that follow one another.",
        write_sequential,
        chain_only=True,
        instead="mixed",
        price="Only one path from input to output; a layer is found by its number, model[0].",
    )
)
register_style(
    Style(
        "ordered",
        "OrderedDict",
        "A Sequential whose layers have names: model.fc1 in place of model[0].",
        write_ordered,
        chain_only=True,
        instead="mixed",
        price="Only one path from input to output, and a line more for every layer's name.",
    )
)
register_style(
    Style(
        "module",
        "nn.Module",
        "Layers with names and a forward you can read, for any network.",
        write_module,
        price="Every layer is written twice: made in __init__, called in forward.",
    )
)
register_style(
    Style(
        "functional",
        "Functional",
        "Only what has weights is a layer; everything else is a function called in forward.",
        write_functional,
        price="print(model) shows no activations, and Dropout must be told when it trains.",
    )
)
register_style(
    Style(
        "mixed",
        "Mixed",
        "A Module that holds Sequentials: short where layers follow one another, free elsewhere.",
        write_mixed,
        price="Layers inside a Sequential are found by number again: model.layers[0].",
    )
)
register_style(
    Style(
        MANUAL,
        "By hand",
        "Raw tensors and the arithmetic written out, to see what a layer does or to invent one.",
        write_manual,
        instead="module",
        price="No print(model) and no state_dict: you keep the list of what learns, which an optimizer takes.",
    )
)
