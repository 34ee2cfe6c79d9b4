"""What the browser asks before it does something: what fits, what would change, a picture.

An answer changes nothing, and only the last one is kept: who asks again does not wait for the first.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from builder.catalogue.entry import Parameter
from builder.graph.edits import (
    UNSET,
    DeleteNodes,
    Disconnect,
    Edit,
    SetArgument,
    SetCallArgument,
    SetFrame,
    Several,
)
from builder.graph.words import entry_of
from builder.inspection.drawing import draw
from builder.ui import state
from builder.ui.canvas import fitting, reading
from builder.ui.canvas.losses import effect_words
from builder.ui.canvas.nodes import quick_kind
from builder.ui.canvas.reading import Operation
from builder.ui.canvas.wires import Slot

_ANSWER: Final = "canvas.answer"


def answer(operation: Operation, content: Mapping[str, Any]) -> None:
    """Keeps the answer to an operation for the browser."""
    told = {"seq": operation["seq"], **content}
    state.keep(_ANSWER, told)


def answered(asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The answer given last, while the browser still says that it asked: a picture is large.

    `asked`: what the browser sent last; it repeats an operation until it is answered.
    """
    told: Mapping[str, Any] | None = state.recall(_ANSWER)
    listed = asked.get("ops")
    if told is None or not isinstance(listed, list):
        return None
    waits = any(isinstance(o, Mapping) and o.get("seq") == told["seq"] for o in listed)
    return told if waits else None


def fits(operation: Operation) -> None:
    """For a value that is being dragged: where it can go, and which new layers could read it."""
    graph, report = state.scoped_graph(), state.scoped_report()
    known = report.nodes if report else {}
    value = reading.ref(operation.get("from"), graph)
    slot = reading.slot(operation.get("to"), graph)
    if value is None and slot is not None:
        answer(operation, {"slots": {}, "keys": list(fitting.keys_into(graph, slot, known))})
        return
    if value is None:
        answer(operation, {"slots": {}, "keys": []})
        return
    tensor = fitting.value_at(graph, known, value)
    keys = fitting.keys_for(tensor) if tensor is not None else ()
    slots = fitting.slots_for(state.graph(), graph, value, known)
    answer(operation, {"slots": slots, "keys": list(keys)})


def effect(operation: Operation) -> None:
    """What a change of a number, or a deletion, would do to the rest."""
    edit = setting(operation) if "name" in operation else deletion(operation)
    answer(operation, {"text": effect_words(edit) if edit is not None else ""})


def deletion(operation: Operation) -> Edit | None:
    """The edit that takes away what an operation names; None where that is nothing."""
    graph, scope = state.scoped_graph(), state.scope()
    nodes = reading.nodes(operation, "nodes", graph)
    # What is deleted takes its wires along.
    slots = [s for s in reading.wires(operation, "wires", graph) if s.node not in nodes]
    listed = operation.get("frames")
    frames = [f for f in (listed if isinstance(listed, list) else []) if isinstance(f, str)]
    parts: list[Edit] = cuts(tuple(slots))
    parts += [DeleteNodes(nodes, scope=scope)] if nodes else []
    parts += [SetFrame(name, None, scope=scope) for name in frames if name in graph.frames]
    if len(parts) < 2:
        return parts[0] if parts else None
    return Several(tuple(parts), _deletion_label(len(nodes), len(slots), len(frames)))


def cuts(slots: tuple[Slot, ...]) -> list[Edit]:
    """The edits that take wires away: of one port the last place first, since those behind move up."""
    ordered = sorted(slots, key=lambda slot: -slot.index)
    return [Disconnect(s.node, s.port, s.index, scope=state.scope()) for s in ordered]


def setting(operation: Operation) -> Edit | None:
    """The edit that sets a number on a node; None where the node has no such number."""
    graph = state.scoped_graph()
    identity, value = reading.node(operation, graph), reading.number(operation, "value")
    name = operation.get("name")
    if identity is None or value is None or not isinstance(name, str):
        return None
    node = graph.nodes[identity]
    entry = entry_of(graph, node)
    parameter = entry.parameter(name) if entry else None
    if entry is None or parameter is None or (kind := quick_kind(parameter)) is None:
        return None
    if kind == "int":
        if value != int(value):
            return None
        value = int(value)
    given = UNSET if _is_default(parameter, value) else value
    make = SetArgument if parameter in entry.parameters else SetCallArgument
    return make(identity, name, given, scope=state.scope())


def _is_default(parameter: Parameter, value: float) -> bool:
    """Torch's own value needs no word in the code."""
    default = parameter.default
    return default == value and type(default) is type(value)


def _deletion_label(nodes: int, wires: int, frames: int) -> str:
    counts = ((nodes, "layer"), (wires, "wire"), (frames, "frame"))
    said = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n]
    return f"Delete {', '.join(said)}"


def picture(operation: Operation) -> None:
    """The graph shown as a file to take along, with its nodes where the browser has their middles."""
    graph, report = state.scoped_graph(), state.scoped_report()
    if report is None:
        state.say("Nothing reaches this block yet, so there is nothing to draw.", "info")
        return answer(operation, {"files": []})
    at = {n: p for n, p in reading.points(operation, "at").items() if n in graph.nodes}
    drawing = draw(
        replace(graph, blocks=state.graph().blocks),
        report,
        positions=at,
        dark=operation.get("dark") is True,
    )
    file: dict[str, str]
    if operation.get("format") == "png":
        data = base64.b64encode(drawing.png()).decode("ascii")
        file = {"name": state.file_name(".png"), "type": "image/png", "base64": data}
    else:
        file = {"name": state.file_name(".svg"), "type": "image/svg+xml", "text": drawing.svg}
    return answer(operation, {"files": [file]})
