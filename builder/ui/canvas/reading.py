"""The fields of an operation, read as what they must be: a browser may send anything at all.

Each reader gives None (or nothing) for what does not fit; what a graph itself refuses (too long a
note, a name that would break the code) is left to its edits, which say so in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from builder.errors import EditRefused
from builder.graph.limits import MAX_TEXT
from builder.graph.model import Graph, Ref
from builder.ui.canvas.wires import Slot, slot_named

_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = (
    20_000  # the graph's own limits are shorter; the canvas's fields keep to them
)
_MOST: Final = 5_000  # nodes in one operation
_FAR: Final = 1e9  # canvas units
_DEEP: Final = 20

Operation = Mapping[str, Any]
Point = tuple[float, float]


def text(operation: Operation, name: str) -> str | None:
    """A text. Errors: EditRefused for one that is too long to be looked at: the old one is kept."""
    value = operation.get(name)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise EditRefused(
            f"This text has {len(value):,} characters, of at most {MAX_TEXT:,}. The old one was kept."
        )
    return value if isinstance(value, str) else None


def identity(operation: Operation, name: str) -> str | None:
    """An id, of something that may or may not exist."""
    value = operation.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID else None


def whole(operation: Operation, name: str, least: int = 0, most: int = 10**9) -> int | None:
    """A whole number within bounds."""
    value = operation.get(name)
    return value if type(value) is int and least <= value <= most else None


def number(operation: Operation, name: str) -> int | float | None:
    """A finite number."""
    value = operation.get(name)
    if type(value) is int and abs(value) < 2**63:
        return value
    return value if type(value) is float and math.isfinite(value) else None


def nodes(operation: Operation, name: str, graph: Graph) -> tuple[str, ...]:
    """Those ids of a list that are nodes of the graph, each once."""
    value = operation.get(name)
    listed = value[:_MOST] if isinstance(value, list) else []
    return tuple(dict.fromkeys(n for n in listed if isinstance(n, str) and n in graph.nodes))


def node(operation: Operation, graph: Graph) -> str | None:
    """The id of a node of the graph."""
    found = identity(operation, "node")
    return found if found in graph.nodes else None


def point(value: object) -> Point | None:
    """A place, or a size: [x, y]."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    fine = all(type(c) in (int, float) and -_FAR <= c <= _FAR for c in value)
    return (float(value[0]), float(value[1])) if fine else None


def boxes(operation: Operation, name: str) -> dict[str, tuple[float, float, float, float]]:
    """Places and sizes by id: [x, y, width, height]."""
    value = operation.get(name)
    found = {}
    for key, box in list(value.items())[:_MOST] if isinstance(value, Mapping) else ():
        if isinstance(key, str) and isinstance(box, list | tuple) and len(box) == 4:
            at, size = point(box[:2]), point(box[2:])
            if at is not None and size is not None and min(size) >= 0:
                found[key] = (*at, *size)
    return found


def points(operation: Operation, name: str) -> dict[str, Point]:
    """Places by id."""
    value = operation.get(name)
    if not isinstance(value, Mapping):
        return {}
    found = {}
    for key, place in list(value.items())[:_MOST]:
        at = point(place)
        if isinstance(key, str) and len(key) <= _LONGEST_ID and at is not None:
            found[key] = at
    return found


def ref(value: object, graph: Graph) -> Ref | None:
    """A value of the graph: [node id, path]."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    source, path = value
    if not isinstance(source, str) or source not in graph.nodes or not isinstance(path, list):
        return None
    fine = len(path) <= _DEEP and all(type(i) is int and 0 <= i < 10_000 for i in path)
    return Ref(source, tuple(path)) if fine else None


def slot(value: object, graph: Graph) -> Slot | None:
    """A slot that can be wired: [node id, port, index]."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        return None
    reader, port, index = value
    if not isinstance(reader, str) or reader not in graph.nodes:
        return None
    if not isinstance(port, str) or not 0 < len(port) <= _LONGEST_ID:
        return None
    fine = type(index) is int and 0 <= index < 10_000
    found = Slot(reader, port, index) if fine else None
    return found if found is not None and not found.fixed else None


def wire(value: object, graph: Graph) -> Slot | None:
    """The slot at the end of a wire, named by the wire's id."""
    found = slot_named(value) if isinstance(value, str) and len(value) <= 3 * _LONGEST_ID else None
    return found if found is not None and found.node in graph.nodes and not found.fixed else None


def wires(operation: Operation, name: str, graph: Graph) -> tuple[Slot, ...]:
    """The slots at the ends of several wires, each once."""
    value = operation.get(name)
    listed = value[:_MOST] if isinstance(value, list) else []
    return tuple(dict.fromkeys(found for w in listed if (found := wire(w, graph)) is not None))
