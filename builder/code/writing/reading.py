"""The references in what runs, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
