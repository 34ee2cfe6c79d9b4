"""The text of a graph; of the one shown before, what says the same stays as the person wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from builder.code.live.alike import alike
from builder.code.live.flat import Flat, read_flat
from builder.code.live.shapes import with_shapes, without_shapes
from builder.code.live.texts import merge
from builder.code.write import write_code
from builder.errors import CodeRefused
from builder.graph.history import same
from builder.graph.model import Graph


@dataclass(frozen=True)
class Shown:
    """A graph and the text that shows it in a style.

    `edited`: a person's own text, no longer as it is written. `reading`: how it reads, where that is
    known. `note`: what happened to a person's text, "" for nothing.
    """

    style: str
    graph: Graph
    text: str
    edited: bool = False
    reading: Flat | None = field(default=None, compare=False)
    note: str = ""


def show(
    graph: Graph, style: str, before: Shown | None = None, written: str | None = None
) -> Shown:
    """The text of a graph in a style.

    Args:   before: what was shown last. Its comments and its layout stay, but for what has changed in
            the graph since. written: the graph as it is written, where that is known.
    Errors: CodeRefused where the style cannot write the graph.
    """
    if before is not None and before.style == style and same(before.graph, graph):
        return before if before.graph is graph else replace(before, graph=graph)
    fresh = write_code(graph, style) if written is None else written
    if before is None or not before.edited or before.style != style:
        return Shown(style, graph, fresh)
    try:
        last = write_code(before.graph, style)
    except CodeRefused:
        return Shown(style, graph, fresh, note=_ANEW)
    if last == fresh:
        return replace(before, graph=graph, note="")
    for text in _taken_along(last, before.text, fresh):
        if text == fresh:
            return Shown(style, graph, fresh)
        try:
            reading = read_flat(text, style, graph)
            if _says(reading, fresh, style, graph):
                return Shown(style, graph, text, edited=True, reading=reading)
        except CodeRefused:
            continue
    return Shown(style, graph, fresh, note=_ANEW)


def _taken_along(last: str, mine: str, fresh: str) -> Iterator[str]:
    """A person's text with what has changed: line by line; else with the code that has, and then the
    shapes beside it, as a text of their own has none.
    """
    text = merge(last, mine, fresh)
    if text is not None:
        yield text
    bare = merge(without_shapes(last), mine, without_shapes(fresh))
    if bare is not None and bare != text:
        yield with_shapes(bare, last, fresh)


def again(then: Shown, last: Shown) -> Shown | None:
    """The text that a graph had before, as undo and redo come back to it, with what the person has
    changed since in the texts of other graphs: `last` is the newest of those. None where the two do
    not go together.
    """
    there = show(
        last.graph, then.style, then
    )  # what became of it while the network was another one
    if there.text == last.text:
        return replace(then, note="")
    text = merge(there.text, then.text, last.text)
    return None if text is None else restored(then.style, then.graph, text)


def restored(style: str, graph: Graph, text: str) -> Shown | None:
    """A person's text that was kept beside its network; None where it does not say that network."""
    try:
        reading = read_flat(text, style, graph)
        fine = _says(reading, write_code(graph, style), style, graph)
    except CodeRefused:
        return None
    return Shown(style, graph, text, edited=True, reading=reading) if fine else None


def _says(reading: Flat, written: str, style: str, graph: Graph) -> bool:
    """Whether a text that was read says what a written one does: it is written just so, or reads so.

    `bias=True` and a size that comes in anyway are not written. Errors: CodeRefused.
    """
    return write_code(reading.graph, style) == written or alike(
        reading.graph, read_flat(written, style, graph).graph
    )


def read_shown(shown: Shown) -> Shown:
    """The same, with how its text reads. Errors: CodeRefused."""
    if shown.reading is not None:
        return shown
    return replace(shown, reading=read_flat(shown.text, shown.style, shown.graph))


_ANEW = "The network was changed where your own text stood: it is written anew."
