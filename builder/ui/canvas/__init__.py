"""The canvas of the Build page: a packaged component that draws one graph, and what is done on it.

    canvas(above=176)        # draws state.scoped_graph(); canvas_alone: before the page around it
    receive_canvas()         # carries out what waits, before the head of the page is drawn

Its sources are in `frontend/canvas`, its built bundle in `assets`. See README.md.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from pathlib import Path
from typing import Any, Final

import streamlit as st

from builder.graph.model import Graph
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.canvas.document import Document, Looked, document
from builder.ui.canvas.folds import folds
from builder.ui.canvas.holding import held
from builder.ui.canvas.nodes import NodeViews
from builder.ui.canvas.operations import handle, message
from builder.ui.canvas.patch import Revisions
from builder.ui.canvas.place import canvas_id, looks, selected
from builder.ui.canvas.questions import answered
from builder.ui.canvas.trained import trained_nodes, trained_paths
from builder.ui.packaged import packaged
from builder.ui.palette import family_palette, palette_groups
from builder.ui.received import acknowledged, on_disk, receive, sender, sent, unlearn, waits

KEY: Final = "lw_canvas"
_AGAIN: Final = "lw_again"  # the page's button that the browser presses where nothing answers
_QUESTIONS: Final = frozenset({"fits", "effect", "picture"})
_FOLDER: Final = Path(__file__).parent
_LEAST_HEIGHT: Final = 640  # pixels
_HISTORY: Final = 50  # steps listed
_HEAD_START: Final = 0.06  # seconds: else what is drawn next goes along, and is drawn with it
_CANVASES: Final = 12  # whose documents a session keeps


def canvas(*, above: int) -> None:
    """Draws the graph looked at, and carries out what is done on it.

    `above`: pixels of the page above it; it is as high as the window leaves it.
    """
    receive_canvas()
    component = packaged("canvas", _FOLDER, '<div class="canvas-root lw-canvas"></div>')
    component(key=KEY, data=canvas_data(above), on_ops_change=receive_canvas)
    if waits(
        KEY
    ):  # a new session knows what the browser has only now, and calls nobody back for it
        draw_anew()
    state.settle()  # writing takes 10 ms: the answer need not wait for it
    if state.why_not_saved() is not None:
        unlearn(KEY)


def canvas_alone(*, above: int) -> None:
    """The canvas, drawn first when something is done on it, and the rest of the page after it.

    What is done on a fragment runs that alone: its labels do not wait for head and form. Those follow
    where they show something else now; a question (what fits here?) leaves them as they are.
    A session that knows nothing of the fragment (the server was started anew, the line was gone for
    long) passes over its runs in silence: then the browser presses the button, which runs everything.
    """
    st.button("Draw the page anew", key=_AGAIN)
    drawn = [_around()]  # of this run; the fragment is run again with what it was made of

    @st.fragment
    def fragment() -> None:
        canvas(above=above)
        before, drawn[:] = drawn[0], [_around()]
        if before == drawn[0]:
            return
        if before[0] != drawn[0][0]:
            time.sleep(_HEAD_START)
        draw_anew()

    fragment()


def _around() -> tuple[object, ...]:
    """What the page around the canvas shows, as far as the canvas can change it."""
    return (id(state.graph()), selected(), state.scope_path(), state.saved())


def receive_canvas() -> None:
    """Carries out what waits in the browser; a project must be open.

    It is written once it has been answered, or a moment later where another run comes in between.
    """
    with state.undisturbed(), state.saving_soon():
        receive({KEY: handle}, _QUESTIONS)


def canvas_data(above: int) -> dict[str, Any]:
    """The message to the browser: what it does not have yet."""
    asked = sent(KEY)
    drawn = _drawn(canvas_id())
    operations = asked.get("ops")
    lost = isinstance(operations, list) and any(
        isinstance(o, dict) and o.get("op") == "resync" for o in operations[:200]
    )
    told: dict[str, Any] = {
        "canvas": canvas_id(),
        "block": state.scope(),
        **_done(),
        **drawn.revisions.message(shown(drawn.views), None if lost else asked.get("seen")),
        "answer": answered(asked),
        "height": _LEAST_HEIGHT,
        "above": above,
    }
    version = _version(tuple(state.graph().blocks))
    if asked.get("catalogue") != version:
        told["catalogue"] = {"version": version, "groups": palette_groups(state.graph())}
        told["colours"] = family_palette()
    return told


def _done() -> dict[str, Any]:
    """What need not be sent again: of the tab that sends, of all tabs before the first has sent.

    "ack": what was carried out. "written": what of it is on disk, where that is not the same.
    """
    client, done = sender(KEY), acknowledged(KEY)
    written = on_disk(KEY, state.done_on_disk())
    if client is not None:
        done = {client: done.get(client, 0)}
        written = {client: written.get(client, 0)}
    return {"ack": done, "written": written} if state.unwritten() else {"ack": done}


def shown(views: NodeViews) -> Document:
    """The document of the graph looked at, as the session has it now."""
    root, found = state.graph(), state.check()
    labels, position = state.history()
    first = max(0, len(labels) - _HISTORY)
    path = state.scope_path()
    looked = Looked(
        root,
        state.scoped_graph(),
        state.scoped_report(),
        path,
        problems=found.report.problems,
        places=state.problems(),
        repairs=found.repairs,
        selected=selected(),
        trained=trained_nodes(root, path, trained_paths()),
        rest={
            "crumbs": [state.project().name, *_entered(root)],
            "undo": state.undo_label(),
            "redo": state.redo_label(),
            "history": [list(labels[first:]), position, first],
            "folds": folds(),
            "message": message(),
            "asked": held(),
            "look": looks(),
        },
    )
    return document(looked, views)


def _entered(root: Graph) -> list[str]:
    """The blocks entered, each by the name of its call, and what it is a call of."""
    found, graph = [], root
    for node, block in zip(state.scope_path(), state.scope_names(), strict=True):
        name = graph.label(node) if node in graph.nodes else block
        found.append(name if name == block else f"{name} ({block})")
        graph = root.blocks[block]
    return found


@functools.lru_cache(maxsize=256)
def _version(blocks: tuple[str, ...]) -> str:
    """Names what the palette holds: the catalogue, and the blocks of the network."""
    said = json.dumps([palette_groups(Graph()), blocks])
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


class _Drawn:
    """What a session has drawn of one canvas."""

    def __init__(self) -> None:
        self.views, self.revisions = NodeViews(), Revisions()


def _drawn(canvas: str) -> _Drawn:
    with state.undisturbed():
        known: dict[str, _Drawn] = dict(state.recall("canvas.drawn", {}))
        found = known.pop(canvas, None) or _Drawn()
        known[canvas] = found
        while len(known) > _CANVASES:
            del known[next(iter(known))]
        state.keep("canvas.drawn", known)
        return found
