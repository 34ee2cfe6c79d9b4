"""The open project at work: what it is now, how it came to be so, and whether it is on disk.

Knows nothing of Streamlit. One session holds one `Work`; it changes in place, because it has a life:
opened, edited, saved at every edit, perhaps changed in another tab meanwhile. Its verbs hold a lock:
two runs of one session may overlap for a moment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from builder.errors import EditRefused, ProjectRefused
from builder.graph.blocks import graph_at
from builder.graph.edits import Edit, Rewrite, SetFrame, SetPositions, apply, describe
from builder.graph.history import History, same
from builder.graph.model import Graph
from builder.graph.own_texts import OwnText
from builder.graph.project import Project
from builder.graph.validate import why_invalid
from builder.ui import projects

SavedKind = Literal["saved", "changed_elsewhere", "deleted_elsewhere", "failed"]

_LOG: Final = logging.getLogger("layerwise")
_HISTORIES: Final[OrderedDict[tuple[str, str], tuple[projects.Stamp, History]]] = OrderedDict()
"""Of projects saved by this server, with the version each ends in: a reload can still undo."""
_HISTORIES_KEPT: Final = 500  # graphs share what did not change: some 100 kB for a long afternoon
_histories_lock = threading.Lock()
_WAITING: Final[dict[tuple[str, str], Work]] = {}
"""Projects with an edit that is not on disk yet: whoever reads such a file has it written first."""
_TABS_KEPT: Final = 32  # whose last operation a project's file carries; each reload keeps its tab
_SAVE_WITHIN: Final = 0.2  # seconds, where nobody calls `settle` before


@dataclass
class Work:
    """One person's open project. `stamp`: the version on disk last seen, None before the first save.

    `data` and `training` are JSON objects or None: the rooms that own them read them. `waits`: an edit is
    not written yet, but will be by itself, also if the run that made it is broken off. `refusal`: why
    it could not be written; `told`: the person knows. `done`: of each browser tab the number of its last operation; it is written
    with the graph that the operation changed, so that after a crash exactly the undone ones are done.
    """

    owner: str
    id: str
    name: str
    history: History
    data: Any = None
    training: Any = None
    texts: dict[str, OwnText] = field(default_factory=dict)
    stamp: projects.Stamp | None = None
    saved: SavedKind = "saved"
    saved_at: float = 0.0
    waits: bool = False
    refusal: OSError | ProjectRefused | None = None
    told: bool = True
    done: dict[str, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @classmethod
    def new(cls, owner: str, value: Project) -> Work:
        """A project that is not on disk yet, under a fresh id."""
        history = History(value.graph)
        return cls(
            owner,
            projects.new_project_id(),
            value.name,
            history,
            value.data,
            value.training,
            _of_their_networks(value),
        )

    @classmethod
    def read(cls, owner: str, project_id: str) -> Work:
        """Reads a project from disk. Errors: those of `projects.read_project`."""
        if (waiting := _WAITING.get((owner, project_id))) is not None:
            waiting.settle()
        value, stamp = projects.read_project(owner, project_id)
        work = cls.new(owner, value)
        work.id, work.stamp, work.saved_at = project_id, stamp, stamp[1] / 1e9
        work.done, work.written = dict(value.done), value.done
        with _histories_lock:
            known = _HISTORIES.get((owner, project_id))
        if known is not None and known[0] == stamp:
            work.history = known[1]
        return work

    @property
    def graph(self) -> Graph:
        return self.history.graph

    @property
    def project(self) -> Project:
        return Project(
            self.name, self.graph, self.data, self.training, dict(self.done), self._own_texts()
        )

    def _own_texts(self) -> dict[str, OwnText]:
        """Those of the network as it is now name none of their own."""
        return {
            style: replace(own, graph=None) if own.graph and same(own.graph, self.graph) else own
            for style, own in self.texts.items()
        }

    def mark(self, tab: str, number: int) -> None:
        """Remembers that an operation of a browser tab is in the graph."""
        with self.lock:
            self.done.pop(tab, None)
            self.done[tab] = number
            while len(self.done) > _TABS_KEPT:
                del self.done[next(iter(self.done))]

    def done_on_disk(self) -> Mapping[str, int]:
        """Of each tab the last operation that a crash would not take back."""
        with self.lock:
            return self.written if self.waits or self.saved == "failed" else dict(self.done)

    def edit(self, change: Edit) -> bool:
        """Applies an edit, for undo to take back. Whether anything changed.

        Errors: EditRefused; also for one that makes no network, which no file could give back.
        """
        with self.lock:
            before = self.graph
            label = describe(change, before)
            after = apply(before, change)
            if same(after, before):
                return False
            if sentence := why_invalid(after, before):
                _LOG.error("%r made no network: %s", change, sentence)
                raise EditRefused(f"That was not done, as it would not make a network. {sentence}")
            if isinstance(change, Rewrite) and change.goes_on:
                self.history = self.history.go_on(after, change.goes_on)
            else:
                self.history = self.history.push(after, label)
            return True

    def undo(self) -> None:
        """Takes back the last edit."""
        with self.lock:
            self.history = self.history.undo()

    def redo(self) -> None:
        """Does again what was last taken back."""
        with self.lock:
            self.history = self.history.redo()

    def goto(self, position: int) -> None:
        """Goes to where `position` steps are done; beyond either end changes nothing."""
        with self.lock:
            self.history = self.history.goto(position)

    def pin(
        self,
        scope: str,
        positions: Mapping[str, tuple[float, float]],
        frames: Mapping[str, tuple[float, float, float, float]],
    ) -> None:
        """Keeps where nodes and frames stand, without a step to undo. Written with the next edit.

        Errors: EditRefused.
        """
        with self.lock:
            graph = apply(self.graph, SetPositions(positions, scope=scope))
            known = graph_at(graph, scope).frames
            for name, (x, y, w, h) in frames.items():
                if name in known:
                    frame = replace(known[name], position=(x, y), size=(w, h))
                    graph = apply(graph, SetFrame(name, frame, scope=scope))
            self.history = replace(self.history, graph=graph)

    def save(self) -> OSError | ProjectRefused | None:
        """Writes the project if nobody else has since; why not, where it could not be written.

        Once another tab has saved, nothing is written until `take_theirs`, or a copy.
        """
        with self.lock:
            self._waits_no_more()
            if self.look() in ("changed_elsewhere", "deleted_elsewhere"):
                return None
            value = self.project
            try:
                self.stamp = projects.write_project(self.owner, self.id, value, self.stamp)
            except projects.ChangedElsewhere:
                self.saved = "changed_elsewhere"
                self.look()
                return None
            except (OSError, ProjectRefused) as refusal:
                return self._failed(refusal)
            except UnicodeEncodeError:
                broken = "The project holds a broken character. Write that text again."
                return self._failed(ProjectRefused(broken))
            self.saved, self.saved_at, self.refusal = "saved", time.time(), None
            self.written = value.done
            with _histories_lock:
                _HISTORIES[self.owner, self.id] = (self.stamp, self.history)
                _HISTORIES.move_to_end((self.owner, self.id))
                while len(_HISTORIES) > _HISTORIES_KEPT:
                    _HISTORIES.popitem(last=False)
            return None

    def save_soon(self) -> None:
        """Saves when `settle` is called, or a moment later by itself: after the page has been told."""
        with self.lock:
            if self.waits:
                return
            self.waits = True
            _WAITING[self.owner, self.id] = self
            threading.Timer(_SAVE_WITHIN, self.settle).start()

    def settle(self) -> OSError | ProjectRefused | None:
        """Writes now what waits to be written; why not, where it could not be."""
        with self.lock:
            return self.save() if self.waits else None

    def look(self) -> SavedKind:
        """Whether the file on disk is still the one this session knows (microseconds)."""
        with self.lock:
            if self.saved != "failed" and self.stamp is not None:
                now = projects.stamp_on_disk(self.owner, self.id)
                if now is None:
                    self.saved = "deleted_elsewhere"
                elif now != self.stamp:
                    self.saved = "changed_elsewhere"
            return self.saved

    def take_theirs(self) -> None:
        """Takes over what the other tab saved; what was here stays one undo away.

        Errors: those of `projects.read_project`.
        """
        with self.lock:
            value, stamp = projects.read_project(self.owner, self.id)
            self.name, self.data, self.training = value.name, value.data, value.training
            self.texts = _of_their_networks(value)
            self.history = self.history.push(value.graph, "Take the version of the other tab")
            self._waits_no_more()
            for tab, number in value.done.items():
                self.done[tab] = max(number, self.done.get(tab, 0))
            self.stamp, self.saved, self.saved_at, self.refusal = stamp, "saved", time.time(), None

    def _failed(self, refusal: OSError | ProjectRefused) -> OSError | ProjectRefused:
        self.saved, self.refusal, self.told = "failed", refusal, False
        return refusal

    def _waits_no_more(self) -> None:
        self.waits = False
        if _WAITING.get((self.owner, self.id)) is self:
            del _WAITING[self.owner, self.id]


def _of_their_networks(value: Project) -> dict[str, OwnText]:
    """The texts of a project, each with the network it is of: that one may be edited from now on."""
    return {s: replace(own, graph=own.graph or value.graph) for s, own in value.texts.items()}
