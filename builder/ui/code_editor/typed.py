"""What a person does in the editor: a text that was typed, a line the cursor stands in."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from builder.code import styles, write_with_lines
from builder.code.live import (
    Following,
    Shown,
    label_of,
    lines_of,
    no_longer_called,
    node_at_line,
    other_sizes,
    read_shown,
    take,
    ways_out,
)
from builder.code.live.taking import refuse_long
from builder.code.live.texts import merge
from builder.errors import CodeRefused, LayerwiseError, quote
from builder.graph.edits import Rewrite
from builder.graph.history import same
from builder.graph.model import Graph
from builder.ui import state
from builder.ui.canvas.holding import edit_or_ask, held
from builder.ui.code_editor.texts import keep_asked, keep_text, shown_text, text_of_revision

_LOG: Final = logging.getLogger("layerwise")
KEY: Final = "lw_code_editor"
_WORD: Final = "code.word"
_SAME: Final = "the same network; your comments and layout stay."
_UNSAVED: Final = "It is not saved until you choose above."
_NOT_KEPT: Final = f"the same network. {_UNSAVED}"
_STUMBLED: Final = "Something went wrong on our side with this text. The network is as it was."
_ASKS: Final = "This costs trained weights: say below whether you want it."
_SENT: Final = "code.sent"
_STEP: Final = "code.step"
_ONE_STEP_S: Final = 3.0  # between two rests of one who types
_LONGEST_NOTE: Final = 300
_LONGEST_NAME: Final = 80
_MOST_NAMED: Final = 2
_COUNTED: Final = re.compile(r" and \d+ more$|^\d+ changes$")
_WAY_OUT: Final = re.compile(r" (Set \w+ to [^.]+\.|Did you mean “[^”]*”\?)$")


@dataclass(frozen=True)
class _Said:
    """How the text that was sent last has fared; `graph`: the network it was said about."""

    place: str
    graph: Graph
    said: Mapping[str, Any]


@dataclass(frozen=True)
class _Sent:
    """The text that was taken last, with its number among all that its browser did."""

    place: str
    client: str
    seq: int
    text: str


@dataclass(frozen=True)
class _Step:
    """The last step that was typed: from which network, to which, in which line, when in seconds."""

    begun: Graph
    graph: Graph
    line: int
    at: float


def typed(operation: Mapping[str, Any]) -> None:
    """Carries out one operation of the editor. What makes no sense changes nothing."""
    project, _, style = str(operation.get("doc", "")).rpartition("/")
    if project != state.project_id() or style not in styles():
        return
    try:
        shown = read_shown(shown_text(style, write_with_lines(state.graph(), style)))
    except LayerwiseError as refusal:
        _say(style, operation, "refused", refusal)
        return
    if operation.get("op") == "line" and isinstance(operation.get("line"), int):
        _look_at(shown, operation["line"])
    elif operation.get("op") == "text" and isinstance(operation.get("text"), str):
        try:
            _take(shown, operation["text"], operation)
        except Exception:  # an editor that hears nothing would wait for ever
            _LOG.exception("A typed text could not be taken")
            _say(style, operation, "refused", _STUMBLED)


def word_of(style: str) -> dict[str, Any] | None:
    """How the text that was sent last has fared, for the editor that shows it."""
    known: _Said | None = state.recall(_WORD)
    if known is None or known.place != _place(style):
        return None
    said = dict(known.said)
    if not same(known.graph, state.graph()):
        return said if said["kind"] == "refused" else {**said, "kind": "read", "text": ""}
    if said["kind"] == "asks" and held() is None:
        return {**said, "kind": "refused", "text": "the network was left as it is.", "line": None}
    if said["kind"] == "read" and state.saved() in ("changed_elsewhere", "deleted_elsewhere"):
        return {
            **said,
            "text": _NOT_KEPT if said["text"] == _SAME else f"{said['text']} {_UNSAVED}",
        }
    return said


def unread_style() -> str | None:
    """The style whose text, sent last, is not read, so that the network is not what stands in its editor;
    None where it is read, or is of another project."""
    known: _Said | None = state.recall(_WORD)
    if known is None or known.said["kind"] == "read":
        return None
    project, _, style = known.place.rpartition("/")
    return style if project == state.project_id() else None


def _take(shown: Shown, text: str, operation: Mapping[str, Any]) -> None:
    keep_text(shown)
    try:
        refuse_long(text)
        base = _made_of(shown.style, operation)
        if base is not None and base != shown.text:
            merged = merge(base, shown.text, text)
            if merged is None:
                raise CodeRefused("The network was changed meanwhile, in the same lines.")
            text = merged
        taken = take(shown, text)
    except CodeRefused as refusal:
        ways = ways_out(shown, text, refusal) if text == operation["text"] else ()
        if refusal.reason and (idle := _no_longer_called(shown.text, text)):
            refusal = refusal.saying(f"{refusal.reason} {idle}")
        _say(shown.style, operation, "refused", refusal, ways)
        return
    if taken.graph is shown.graph:
        keep_text(taken.shown, write=True)
        _sent(shown.style, operation)
        _say(shown.style, operation, "read", "" if text == shown.text else _SAME)
        return
    label = taken.label.removeprefix("code: ")
    begun = _typing(shown, text)
    goes_on = "" if begun is None else label_of(begun, taken.graph)
    before = state.graph()
    try:
        edit_or_ask(Rewrite(taken.graph, taken.label, goes_on), here=True)
    except LayerwiseError as refusal:
        _say(shown.style, operation, "refused", refusal)
        return
    if same(state.graph(), taken.graph):
        keep_text(taken.shown, write=True)
        state.keep(
            _STEP, _Step(begun or before, state.graph(), _line(shown, text), time.monotonic())
        )
        _sent(shown.style, operation)
        idle = "" if "no longer called" in label else _no_longer_called(shown.text, text)
        also = _follow(label, other_sizes(shown.text, text))
        notes = " ".join([*filter(None, [also, idle]), *(n for _, n in taken.notes)])[
            :_LONGEST_NOTE
        ]
        _say(shown.style, operation, "read", f"{label}. {notes}".strip())
    elif held() is not None:
        keep_asked(taken.shown)
        _say(shown.style, operation, "asks", _ASKS)
    else:
        _say(shown.style, operation, "refused", "the network was left as it is.")


def _no_longer_called(before: str, text: str) -> str:
    """A sentence on layers that are still made."""
    idle = [f"{quote(name, 30)} (line {line})" for name, line in no_longer_called(before, text)]
    if not idle:
        return ""
    return (
        f"{' and '.join(idle[:3])} {'is' if len(idle) == 1 else 'are'} made and no longer called."
    )


def _follow(label: str, layers: tuple[str, ...]) -> str:
    """A sentence on layers with other sizes that the label does not name: of the network they are no
    change, since there a layer takes what arrives."""
    more = [n[:30] for n in layers if not re.search(rf"\b{re.escape(n)}\b", label)]
    if not more or _COUNTED.search(label):
        return ""
    named = more if len(more) <= _MOST_NAMED else [*more[:_MOST_NAMED], "others"]
    words = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    return f"{words} {'follows' if len(more) == 1 else 'follow'}."


def _typing(shown: Shown, text: str) -> Graph | None:
    """The network the last step began at, where this text goes on with it: one line, typed in one go."""
    last: _Step | None = state.recall(_STEP)
    if last is None or last.graph is not state.graph() or last.line != _line(shown, text):
        return None
    return last.begun if time.monotonic() - last.at < _ONE_STEP_S else None


def _line(shown: Shown, text: str) -> int:
    """The first line in which a text differs from the one shown."""
    pairs = zip_longest(shown.text.split("\n"), text.split("\n"))
    return next((i for i, (was, now) in enumerate(pairs) if was != now), 0)


def _made_of(style: str, operation: Mapping[str, Any]) -> str | None:
    """The text that a person has changed: the one shown, or the one they sent before, where its answer
    had not come yet. `seen`: up to where the answers had.
    """
    seen, client = operation.get("seen"), _client(operation)
    before: _Sent | None = state.recall(_SENT)
    own = before and (before.place, before.client) == (_place(style), client)
    if before and own and type(seen) is int and before.seq > seen:
        return before.text
    return text_of_revision(style, str(operation.get("rev", "")))


def _look_at(shown: Shown, line: int) -> None:
    """Selects the layer that stands in a line."""
    keep_text(shown)
    found = node_at_line(lines_of(shown), line)
    if found is not None and (path := _path_to(state.graph(), found[0])) is not None:
        state.select(found[1], path)


def _path_to(root: Graph, block: str) -> tuple[str, ...] | None:
    """The calls that lead into a block, outermost first; None where nothing calls it."""
    waiting: list[tuple[tuple[str, ...], Graph, str]] = [((), root, "")]
    seen: set[str] = set()
    while waiting:
        path, graph, name = waiting.pop(0)
        if name == block:
            return path
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            called = owner.block if owner else None
            if called is not None and called in root.blocks and called not in seen:
                seen.add(called)
                waiting.append(((*path, node.id), root.blocks[called], called))
    return None


def _sent(style: str, operation: Mapping[str, Any]) -> None:
    """Remembers a text that was taken."""
    client, seq = _client(operation), operation["seq"]
    state.keep(_SENT, _Sent(_place(style), client, seq, str(operation["text"])))


def _client(operation: Mapping[str, Any]) -> str:
    """Who sent it. The operation says so itself: asking Streamlit may end a run in the middle of this."""
    return str(operation.get("by", ""))[:_LONGEST_NAME]


def _place(style: str) -> str:
    return f"{state.project_id()}/{style}"


def _say(
    style: str,
    operation: Mapping[str, Any],
    kind: str,
    said: LayerwiseError | str,
    ways: tuple[Following, ...] = (),
) -> None:
    word: dict[str, Any] = {
        "client": _client(operation),
        "seq": operation["seq"],
        "kind": kind,
        "text": str(said),
        "line": None,
        "help": "",
        "ways": [{"title": way.title, "text": way.text} for way in ways],
    }
    if isinstance(said, CodeRefused) and said.reason:
        word |= {"text": said.reason, "line": said.line, "help": said.help}
        if ways:  # they say how to go on
            word |= {"text": _WAY_OUT.sub("", said.reason), "help": ""}
        if said.misfit is not None and said.line != said.misfit.line:
            where = f"{said.misfit.layer}, called in line {said.line}, "
            told = str(word["text"]).removeprefix(f"{said.misfit.layer} ")
            word |= {"line": said.misfit.line, "text": where + told}
    state.keep(_WORD, _Said(_place(style), state.graph(), word))
