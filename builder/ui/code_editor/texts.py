"""The texts a person has made of a network, by project and style: the last one of each in the project's
file, those before, which undo shows again, while the server runs."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from builder.code.live import Shown, again, lines_of, restored, show
from builder.code.writing.page import Written
from builder.graph.history import same
from builder.graph.own_texts import OwnText
from builder.ui import state

_PROJECTS_KEPT: Final = 500
_TEXTS_KEPT: Final = 24  # of one style: so that undo shows the text of then
_ASKED: Final = "code.asked"
_texts: Final[OrderedDict[tuple[str, str, str], list[Shown]]] = OrderedDict()
_lock: Final = threading.Lock()

Lines = Mapping[tuple[str, str], tuple[int, ...]]


def shown_text(style: str, written: Written) -> Shown:
    """What is shown of the open network in a style; `written`: as the style writes it."""
    graph = state.graph()
    asked: Shown | None = state.recall(_ASKED)
    if asked is not None and asked.style == style and same(asked.graph, graph):
        keep_text(asked)
        state.keep(_ASKED, None)
    known = _known(style) or _from_the_file(style)
    last = known[0] if known else None
    if last is not None and same(last.graph, graph):
        return last if last.graph is graph else replace(last, graph=graph)
    shown = show(graph, style, last, written.text)
    then = next((old for old in known if same(old.graph, graph)), None)
    if then is not None and last is not None and then.edited:  # own words of then come back too
        then = replace(then, graph=graph)
        shown = (again(then, last) if last.edited else then) or shown
    if then is not None and not shown.edited:  # the last one cannot be taken along
        shown = replace(then, graph=graph)
    if known:
        keep_text(shown)
    return shown


def keep_asked(shown: Shown) -> None:
    """Keeps a text whose network waits for a yes: it is shown when that network is there."""
    state.keep(_ASKED, shown)


def keep_text(shown: Shown, *, write: bool = False) -> None:
    """Keeps a text as the last one of its network and style. `write`: in the file at once, else with the
    next edit.
    """
    own = OwnText(shown.text, shown.graph) if shown.edited else None
    state.keep_own_text(shown.style, own, write=write)
    with _lock:
        place = _place(shown.style)
        others = [s for s in _texts.get(place, ()) if not same(s.graph, shown.graph)]
        _texts[place] = [shown, *others][:_TEXTS_KEPT]
        _texts.move_to_end(place)
        while len(_texts) > _PROJECTS_KEPT:
            _texts.popitem(last=False)


def revision(text: str) -> str:
    """A short name of a text."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def text_of_revision(style: str, name: str) -> str | None:
    """A text that was shown not long ago, by its name."""
    return next((s.text for s in _known(style) if revision(s.text) == name), None)


def lines_at(shown: Shown, written: Written) -> Lines:
    """(block, node) → its lines in the text that is shown."""
    if shown.reading is not None:
        known: tuple[Shown, Lines] | None = state.recall("code.lines")
        if known is None or known[0] is not shown:
            known = shown, lines_of(shown)
            state.keep("code.lines", known)
        return known[1]
    return written_lines(written) if shown.text == written.text else {}


def written_lines(written: Written) -> Lines:
    """(block, node) → its lines in a text as a style writes it."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for key, lines in written.lines.items():
        scope, _, node = key.rpartition("/")
        if lines:
            found[scope, node] = lines
    return found


def _from_the_file(style: str) -> list[Shown]:
    """What was kept with the project, where it still says its network; else the file keeps it unshown."""
    own = state.own_text(style)
    if own is None or own.graph is None:
        return []
    found = restored(style, own.graph, own.text)
    if found is None:
        return []
    keep_text(found)
    return [found]


def _known(style: str) -> list[Shown]:
    with _lock:
        return list(_texts.get(_place(style), ()))


def _place(style: str) -> tuple[str, str, str]:
    return state.owner(), state.project_id() or "", style
