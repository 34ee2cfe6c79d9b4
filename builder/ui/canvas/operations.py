"""What is done on the canvas, carried out: an edit, a look somewhere else, or a question answered.

Each operation is a mapping from a browser; see `reading` for how far it is trusted.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from builder.errors import LayerwiseError, quote
from builder.graph.edits import (
    Edit,
    GroupIntoBlock,
    Rename,
    SetBypassed,
    SetFrame,
    SetFrozen,
    SetInputSpec,
    SetNote,
    SetPositions,
    SetRepeat,
    Several,
    Ungroup,
)
from builder.graph.limits import MAX_NESTED
from builder.graph.model import Frame, TensorSpec
from builder.graph.names import names_in, refuse_name, safe_identifier, suggest_name
from builder.graph.words import is_still
from builder.ui import state
from builder.ui.canvas import clipboard, questions, reading, wiring
from builder.ui.canvas.abilities import can_bypass, can_freeze
from builder.ui.canvas.folds import fold
from builder.ui.canvas.holding import decide, edit_or_ask
from builder.ui.canvas.place import look_at_first_problem, looking_at, select
from builder.ui.canvas.reading import Operation
from builder.ui.expressions import has_batch, read_shape, with_batch
from builder.ui.mending import repair_id

_LOG: Final = logging.getLogger("layerwise")
_MOST_TRIED: Final = 30  # problems whose repairs are looked through for the one that was meant
_MESSAGE: Final = "canvas.message"
_OFFER: Final = "canvas.offer"  # what the message offers to do instead
_ARRANGED: Final = {
    "LR": "Arrange left to right",
    "TB": "Arrange top to bottom",
    "rows": "Arrange in rows",
}
_COLOURS: Final = ("grey", "blue", "teal", "green", "yellow", "orange", "red", "purple")


def handle(operation: Operation) -> None:
    """Carries out one operation. What it has to say (a refusal) is kept for the canvas's message.

    One that makes no sense changes nothing. Nothing here raises: an operation that fails must not
    take with it those done after it.
    """
    act = _ACTS.get(str(operation.get("op")))
    if act is None:
        return
    told = state.take_messages()  # by others: they stay at the top of the page
    try:
        with looking_at(operation.get("in")) as there:
            if there:
                act(operation)
            else:
                state.say(
                    "That was done in a network or block that is not open any more.", "warning"
                )
    except LayerwiseError as refusal:
        state.say(str(refusal), "warning")
    except Exception:
        number = secrets.token_hex(4)
        _LOG.exception("An operation of the canvas failed (error %s)", number)
        state.say(f"That could not be done (error {number}). Nothing was changed.", "error")
    said = state.take_messages()
    for tone, sentence in told:
        state.say(sentence, tone)
    message = {"tone": said[-1][0], "text": said[-1][1], "seq": operation["seq"]} if said else None
    if (offer := state.recall(_OFFER)) is not None:
        state.keep(_OFFER, None)
        message = {**message, "offer": offer} if message else None
    if operation.get("op") not in _SILENT:
        state.keep(_MESSAGE, message)


def message() -> Mapping[str, Any] | None:
    """What the operation done last had to say, None where all went well; first why nothing is saved."""
    if (reason := state.why_not_saved()) is not None:
        return {"tone": "error", "text": reason, "seq": 0}
    told: Mapping[str, Any] | None = state.recall(_MESSAGE)
    return told


# --- places ---------------------------------------------------------------------------------------


def _move(operation: Operation) -> None:
    graph, scope = state.scoped_graph(), state.scope()
    at = {n: p for n, p in reading.points(operation, "at").items() if n in graph.nodes}
    frames = reading.points(operation, "frames")
    parts: list[Edit] = [SetPositions(at, scope=scope)] if at else []
    for name, place in frames.items():
        if name in graph.frames:
            parts.append(SetFrame(name, replace(graph.frames[name], position=place), scope=scope))
    if parts:
        label = f"Move {len(at)} layers" if len(at) > 1 else ""
        state.edit(
            Several(tuple(parts), label) if label and len(parts) > 1 else wiring.together(*parts)
        )


def _pin(operation: Operation) -> None:
    state.pin(reading.points(operation, "at"), reading.boxes(operation, "frames"))
    if operation.get("keep") is True:  # it belongs to what was just done
        state.save()


def _arrange(operation: Operation) -> None:
    parts = wiring.made_room(operation, state.scoped_graph(), "at")
    if parts:
        how = "rows" if operation.get("rows") is True else operation.get("direction")
        label = _ARRANGED["TB" if how == "TB" else "rows" if how == "rows" else "LR"]
        state.edit(Several(tuple(parts), label))


def _frame(operation: Operation) -> None:
    name = reading.identity(operation, "id")
    at, size = reading.point(operation.get("at")), reading.point(operation.get("size"))
    if name is None or at is None or size is None:
        return
    colour, kind = operation.get("colour"), operation.get("kind")
    frame = Frame(
        reading.text(operation, "title") or "",
        colour if colour in _COLOURS else "grey",
        at,
        size,
        reading.text(operation, "text") or "",
        "note" if kind == "note" else "frame",
    )
    state.edit(SetFrame(name, frame, scope=state.scope()))


# --- what a node is -------------------------------------------------------------------------------


def _set(operation: Operation) -> None:
    """A number; what it costs was said while it was written, where the browser is sure of that."""
    edit = questions.setting(operation)
    if edit is not None and operation.get("sure") is True:
        state.edit(edit)
    elif edit is not None:
        edit_or_ask(edit)


def _shape(operation: Operation) -> None:
    """The shape of an input as a person writes it: N×1×28×28, 1,28,28; the batch is put in front."""
    graph, scope = state.scoped_graph(), state.scope()
    identity, text = reading.node(operation, graph), reading.text(operation, "text")
    if identity is None or text is None or graph.nodes[identity].kind != "input":
        return
    spec = graph.nodes[identity].spec
    read = read_shape(text) if text.strip() or not scope else None
    if read is not None and (spec is None or has_batch(spec.shape)):
        read = with_batch(read)
    dtype = spec.dtype if spec else "float32"
    given = None if read is None else TensorSpec(read, dtype)
    edit_or_ask(SetInputSpec(identity, given, scope=scope))


def _rename(operation: Operation) -> None:
    node, name = reading.node(operation, state.scoped_graph()), reading.text(operation, "name")
    if node is None or name is None:
        return
    taken = names_in(state.scoped_graph(), node)
    if refuse_name(name, taken) is not None:
        free = suggest_name(safe_identifier(name), taken)
        state.keep(_OFFER, {"label": free, "op": {"op": "rename", "node": node, "name": free}})
    edit_or_ask(Rename(node, name, scope=state.scope()))


def _note(operation: Operation) -> None:
    node, note = reading.node(operation, state.scoped_graph()), reading.text(operation, "text")
    if node is not None and note is not None:
        state.edit(SetNote(node, note, scope=state.scope()))


def _bypass(operation: Operation) -> None:
    """All of them bypassed, or none where all were."""
    graph = state.scoped_graph()
    able = [n for n in reading.nodes(operation, "nodes", graph) if can_bypass(graph.nodes[n])]
    if not able:
        return state.say("Inputs and outputs pass nothing on: they cannot be bypassed.", "info")
    on = not all(graph.nodes[n].bypassed for n in able)
    edits = [SetBypassed(n, on, scope=state.scope()) for n in able]
    return _each(edits, "Bypass" if on else "Use again")


def _freeze(operation: Operation) -> None:
    graph = state.scoped_graph()
    chosen = reading.nodes(operation, "nodes", graph)
    able = [n for n in chosen if can_freeze(graph, graph.nodes[n], state.scoped_report())]
    found = ((n, graph.stands_for(graph.nodes[n])) for n in able)
    owners = {o.id: (n, o) for n, o in found if o is not None}
    if chosen and not owners:
        return state.say(
            "What is selected has no weights of its own: there is nothing to freeze.", "info"
        )
    on = not all(is_still(owner) for _, owner in owners.values())
    edits = [SetFrozen(node, on, scope=state.scope()) for node, _ in owners.values()]
    return _each(edits, "Freeze" if on else "Unfreeze")


def _each(edits: list[Any], verb: str) -> None:
    if len(edits) > 1:
        edit_or_ask(Several(tuple(edits), f"{verb} {len(edits)} layers"))
    elif edits:
        edit_or_ask(edits[0])


# --- blocks, copies -------------------------------------------------------------------------------


def _group(operation: Operation) -> None:
    graph = state.scoped_graph()
    nodes, new = reading.nodes(operation, "nodes", graph), reading.identity(operation, "id")
    if nodes and new not in graph.nodes:
        name = reading.text(operation, "name") or None
        edit = GroupIntoBlock(nodes, name, new, scope=state.scope())
        edit_or_ask(wiring.together(edit, *_closed(operation, new, nodes)), select_new=True)


def _ungroup(operation: Operation) -> None:
    graph = state.scoped_graph()
    if node := reading.node(operation, graph):
        edit = Ungroup(node, operation.get("stay") is True, scope=state.scope())
        edit_or_ask(wiring.together(edit, *wiring.made_room(operation, graph)))


def _repeat(operation: Operation) -> None:
    node = reading.node(operation, state.scoped_graph())
    times = reading.whole(operation, "repeat", least=1, most=10**6)
    if node is not None and times is not None:
        shared = operation.get("shared") is True
        edit_or_ask(SetRepeat(node, times, shared, scope=state.scope()))


def _fold(operation: Operation) -> None:
    index = reading.whole(operation, "index")
    new = reading.identity(operation, "id")
    edit = fold(index, reading.text(operation, "name"), new) if index is not None else None
    if edit is not None:
        gone = tuple(node for stretch in edit.stretches for node in stretch)
        edit_or_ask(wiring.together(edit, *_closed(operation, edit.id, gone)), select_new=True)


def _closed(operation: Operation, new: str | None, gone: tuple[str, ...]) -> list[Edit]:
    """Where a block stands that took nodes in, and what moves up to it, as far as the browser says."""
    at = reading.point(operation.get("at"))
    if new is None or at is None:
        return []
    kept = {
        **operation,
        "move": {n: p for n, p in reading.points(operation, "move").items() if n not in gone},
    }
    return [
        SetPositions({new: at}, scope=state.scope()),
        *wiring.made_room(kept, state.scoped_graph()),
    ]


def _duplicate(operation: Operation) -> None:
    """A copy beside, which nobody reads and which reads nobody outside."""
    graph = state.scoped_graph()
    nodes = reading.nodes(operation, "nodes", graph)
    if not nodes:
        return
    clipboard.duplicate(nodes, reading.point(operation.get("at")))
    owner = graph.owner_of(graph.nodes[nodes[0]])
    if len(nodes) == 1 and owner is not None and len(graph.calls_of(owner.id)) > 1:
        state.say(f"The copy of {quote(owner.name)} has weights of its own.", "info")


def _copy(operation: Operation) -> None:
    nodes = reading.nodes(operation, "nodes", state.scoped_graph())
    if nodes:
        questions.answer(operation, {"copied": clipboard.copy(nodes)})


def _paste(operation: Operation) -> None:
    text = operation.get("text")
    clipboard.paste(
        reading.point(operation.get("at")),
        keep_inputs=operation.get("keep_inputs") is True,
        text=text if isinstance(text, str) else None,
    )


def _sure(operation: Operation) -> None:
    number = reading.whole(operation, "id", most=10**15)
    if number is not None:
        decide(number)


# --- looking --------------------------------------------------------------------------------------


def _open(operation: Operation) -> None:
    state.enter(reading.identity(operation, "node") or "")


def _leave(operation: Operation) -> None:
    depth = reading.whole(operation, "depth", most=1000)
    if depth is not None:
        state.leave(depth)


def _selecting(operation: Operation) -> None:
    select(reading.nodes(operation, "nodes", state.scoped_graph()))


def _show_problem(operation: Operation) -> None:
    scope = reading.text(operation, "scope") or ""
    path = tuple(part for part in scope.split("/", MAX_NESTED + 1) if part)
    state.select(reading.identity(operation, "node"), path)
    look_at_first_problem()


def _repair(operation: Operation) -> None:
    """The repair that says it does this; a click on a button of before does nothing."""
    wanted = reading.identity(operation, "id")
    found = state.check()
    here = [p for p in found.report.problems if p.scope == state.scope_path()]
    for problem in here[:_MOST_TRIED]:
        for repair in found.repairs.get(problem, ()):
            if repair_id(problem, repair) == wanted:
                edit_or_ask(repair.edit)
                return
    state.say("This problem has changed meanwhile. Look at it again.", "info")


def _goto(operation: Operation) -> None:
    position = reading.whole(operation, "position")
    if position is not None:
        state.goto(position)


_SILENT: Final = frozenset({"pin", "resync", "select", "fits", "effect"})
"""Operations that leave the message of the one before where it is."""

_ACTS: Final[Mapping[str, Callable[[Operation], None]]] = {
    "add": wiring.add,
    "insert": wiring.insert,
    "connect": wiring.connect,
    "disconnect": wiring.disconnect,
    "join": wiring.join,
    "delete": wiring.delete,
    "cut": wiring.cut_out,
    "move": _move,
    "pin": _pin,
    "arrange": _arrange,
    "frame": _frame,
    "set": _set,
    "shape": _shape,
    "rename": _rename,
    "note": _note,
    "bypass": _bypass,
    "freeze": _freeze,
    "group": _group,
    "ungroup": _ungroup,
    "repeat": _repeat,
    "fold": _fold,
    "duplicate": _duplicate,
    "copy": _copy,
    "paste": _paste,
    "open": _open,
    "leave": _leave,
    "select": _selecting,
    "show_problem": _show_problem,
    "repair": _repair,
    "sure": _sure,
    "goto": _goto,
    "undo": lambda _: state.undo(),
    "redo": lambda _: state.redo(),
    "resync": lambda _: None,  # answered by a whole document: see `canvas`
    "fits": questions.fits,
    "effect": questions.effect,
    "picture": questions.picture,
}
