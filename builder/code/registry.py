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

Write = Callable[[Graph, ShapeReport, str | None], Written]


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write a network.

    `title`: its name on a tab. `when`: one sentence on when one chooses it. `chain_only`: it cannot
    write every network. `write`: graph, its shapes and a class name (or None) to code.
    """

    key: str
    title: str
    when: str
    write: Write
    chain_only: bool = False


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
    )
)
register_style(
    Style(
        "ordered",
        "OrderedDict",
        "A Sequential whose layers have names: model.fc1 in place of model[0].",
        write_ordered,
        chain_only=True,
    )
)
register_style(
    Style(
        "module",
        "nn.Module",
        "Layers with names and a forward you can read, for any network.",
        write_module,
    )
)
register_style(
    Style(
        "functional",
        "Functional",
        "Only what has weights is a layer; everything else is a function called in forward.",
        write_functional,
    )
)
register_style(
    Style(
        "mixed",
        "Mixed",
        "A Module that holds Sequentials: short where layers follow one another, free elsewhere.",
        write_mixed,
    )
)
register_style(
    Style(
        "manual",
        "By hand",
        "Raw tensors and the arithmetic written out, to see what a layer does or to invent one.",
        write_manual,
    )
)
