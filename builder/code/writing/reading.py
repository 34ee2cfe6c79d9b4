"""The references in what runs, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from builder.code.writing.patterns import Path
from builder.code.writing.steps import Choice, Item, Return, Settle, Step
from builder.errors import CodeRefused, quote
from builder.graph.model import Node, Ref, iter_refs


def refs_of(node: Node) -> Iterator[Ref]:
    """What one node reads."""
    for argument in node.arguments.values():
        yield from iter_refs(argument)


def all_steps(items: Sequence[Item]) -> Iterator[Step]:
    """Every call, those inside branches too."""
    for item in items:
        if isinstance(item, Step):
            yield item
        elif isinstance(item, Choice):
            for side in item.sides:
                yield from all_steps(side)


def all_refs(items: Sequence[Item]) -> Iterator[Ref]:
    """Every reference, those inside branches too."""
    for item in items:
        match item:
            case Step():
                yield from item.reads
            case Settle(value=value):
                yield value
            case Return(values=values):
                yield from values
            case Choice(condition=condition):
                yield from iter_refs(condition)
                for side in item.sides:
                    yield from all_refs(side)


def gives_nothing(ref: Ref, reader: str) -> CodeRefused:
    """The refusal of a reference to what has no value, as an output has none."""
    return CodeRefused(
        f"{quote(reader or 'The result')} reads {quote(ref.node)}, which gives no value. Let it read a "
        "layer, an operation or an input."
    )


def returns(items: Sequence[Item]) -> list[Return]:
    """What is given back, those of one mode first."""
    found: list[Return] = []
    for item in items:
        if isinstance(item, Return):
            found.append(item)
        elif isinstance(item, Choice):
            for side in item.sides:
                found += returns(side)
    return found


def only_returns(items: Sequence[Item]) -> bool:
    """Whether nothing runs any more but the returns of both modes, the last one with one value."""
    if len(items) != 2 or not isinstance(items[1], Return) or len(items[1].values) != 1:
        return False
    first = items[0]
    return isinstance(first, Choice) and all(
        isinstance(item, Return) for side in first.sides for item in side
    )


def read_by_steps(
    items: Sequence[Item], reads: Callable[[Item], set[tuple[str, Path]]]
) -> set[tuple[str, Path]]:
    """What is read by anything but a return. `reads`: what an item reads, with all inside of it."""
    found: set[tuple[str, Path]] = set()
    for item in items:
        if isinstance(item, Choice):
            found |= {(ref.node, ref.path) for ref in iter_refs(item.condition)}
            found |= {value for side in item.sides for value in read_by_steps(side, reads)}
        elif not isinstance(item, Return):
            found |= reads(item)
    return found


def last_reads(
    items: Sequence[Item], reads: Callable[[Item], set[tuple[str, Path]]]
) -> dict[tuple[str, Path], int]:
    """Of each value the last item that reads it."""
    return {value: place for place, item in enumerate(items) for value in reads(item)}
