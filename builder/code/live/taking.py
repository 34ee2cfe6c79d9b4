"""The graph of an edited text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from builder.code.live.alike import alike
from builder.code.live.carrying import carried
from builder.code.live.flat import Flat, read_flat
from builder.code.live.following import Shown, read_shown
from builder.code.live.shapes import with_shapes
from builder.code.live.wording import label_of
from builder.code.registry import MANUAL
from builder.code.write import write_code
from builder.errors import CodeRefused, LayerwiseError, quote
from builder.graph.blocks import graphs
from builder.graph.history import same
from builder.graph.model import OPAQUE, Graph
from builder.graph.validate import why_invalid

_LONGEST = 200_000  # characters of a text that is read while it is typed
_NAMED = ("module", "functional")
"""The styles in which every layer has its own name."""


@dataclass(frozen=True)
class Taken:
    """`graph`: what the text means now, the very same one where that is no other. `label`: the change in
    words, for undo. `shown`: the text to go on with. `notes`: what was left out or assumed, by line."""

    graph: Graph
    label: str
    shown: Shown
    notes: tuple[tuple[int | None, str], ...] = ()


def take(shown: Shown, text: str) -> Taken:
    """What a text means that a person made of the one shown.

    Errors: CodeRefused with line, reason and help; then nothing has changed.
    """
    graph = shown.graph
    if shown.style == MANUAL:
        raise CodeRefused("Code by hand is not read.", help="Edit it in another style.")
    refuse_long(text)
    if text == shown.text:
        return Taken(graph, "", shown)
    now = read_flat(text, shown.style, graph)
    _refuse_own_code(now)
    shown = read_shown(shown)
    was = shown.reading
    assert was is not None
    if alike(was.graph, now.graph) and _same_words(was, now):
        return Taken(graph, "", replace(shown, text=text, reading=now, edited=True))
    after = _agreed(graph, was, now, shown.style)
    if same(after, graph):
        return Taken(graph, "", replace(shown, text=text, reading=now, edited=True))
    notes = (*now.read.notes, *((None, said) for said in now.read.assumptions))
    text = with_shapes(text, write_code(graph, shown.style), write_code(after, shown.style))
    fresh = Shown(shown.style, after, text, reading=now, edited=True)
    return Taken(after, label_of(graph, after), fresh, notes)


def refuse_long(text: str) -> None:
    """Errors: CodeRefused for a text that is too long to be read while it is typed."""
    if len(text) > _LONGEST:
        raise CodeRefused(f"The text has {len(text):,} characters, of at most {_LONGEST:,}.")


def _refuse_own_code(now: Flat) -> None:
    """A layer that cannot be read is most often one half typed: it must not replace what is there."""
    for _, graph in graphs(now.graph):
        for owner in graph.owners.values():
            if owner.target != OPAQUE:
                continue
            said = next(iter(now.read.refusals), None)
            raise CodeRefused(
                said.reason if said else f"{quote(owner.name)} cannot be read.",
                line=said.line if said else next((n for n, _ in now.read.notes if n), None),
                help=(said.help if said else "") or "“Read code” can keep it as your own code.",
            )


def _same_words(was: Flat, now: Flat) -> bool:
    """Whether everything has the name it had."""
    words = [
        [
            graph.name,
            *(n.name for n in graph.nodes.values()),
            *(o.name for o in graph.owners.values()),
        ]
        for graph in (was.graph, now.graph)
    ]
    return words[0] == words[1] and was.settings == now.settings


def _agreed(graph: Graph, was: Flat, now: Flat, style: str) -> Graph:
    """The graph with what changed, proven to be the network of the text."""
    empty = replace(was, graph=Graph())
    for before, base in ((graph, was), (graph, replace(was, graph=graph)), (Graph(), empty)):
        try:
            after = carried(before, base, now)
        except (LayerwiseError, KeyError, ValueError, TypeError):
            continue
        if why_invalid(after) is None and is_of(after, now, style):
            return after
    raise CodeRefused(
        "This text was read, but the network it makes cannot be kept without changing what it does.",
        help="“Read code” opens it as a project of its own.",
    )


def is_of(graph: Graph, now: Flat, style: str) -> bool:
    """Whether a graph, written and read again, is the network that was read."""
    for written in dict.fromkeys((style, "module")):
        try:
            text = write_code(graph, written)
            settings = {**graph.settings, **now.graph.settings}  # also those that nothing reads
            if text == write_code(replace(now.graph, settings=settings), written):
                return True
            again = read_flat(text, written, graph)
        except CodeRefused:
            continue
        return alike(again.graph, now.graph, names=written == style and style in _NAMED)
    return False
