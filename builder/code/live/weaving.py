"""The order of a graph's parts when a text has put others among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def woven(
    graph: Sequence[str],
    kept: Sequence[str],
    text: Sequence[str],
    reads: Mapping[str, Sequence[str]],
) -> list[str]:
    """Ids in the order of the graph, with new ones where the text has them.

    Args: graph: the order today. kept: those the text had before, in its order. text: its order now.
          reads: what must stand in front of each. Where the text has turned its parts round, it decides.
    """
    there = set(text)
    if [i for i in kept if i in there] == [i for i in text if i in set(kept)]:
        order = [i for i in graph if i in there or i not in set(kept)]
        fixed = list(text)
    else:
        order, fixed = list(text), [i for i in graph if i not in set(kept)]
        fixed = [*graph] if fixed else []
    for at, identity in enumerate(fixed):
        if identity in order or (identity in set(kept) and identity not in there):
            continue
        before = next((i for i in reversed(fixed[:at]) if i in order), None)
        order.insert(order.index(before) + 1 if before is not None else 0, identity)
    done: dict[str, None] = {}

    def put(identity: str, above: tuple[str, ...] = ()) -> None:
        if identity in done or identity in above:
            return
        for read in reads.get(identity, ()):
            if read in known:
                put(read, (*above, identity))
        done[identity] = None

    known = set(order)
    for identity in order:
        put(identity)
    return list(done)
