"""What one browser session holds: the open project, what is selected in it, and what is chosen.

The sole owner of Streamlit's session_state: pages and forms call these typed functions and never
spell a key of it (but for their own widgets' `key=`). The session is only a copy: every edit is on
disk before the next line runs, found again by the owner cookie and `?project=…` in the URL.

In a page:

    page_head("Train")               # builder.ui.head: opens the project or says how to, first thing
    graph = state.graph()            # the whole network; state.scoped_graph() where the person looks
    state.edit(AddNode("torch.nn.ReLU", after=state.selected()))
    state.set_data_choice(choice)    # saved with the project

The verbs that change something are made for callbacks (`on_click=`), which run before the page is
drawn. Called while a page is being drawn, follow them by `st.rerun()`.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

import streamlit as st

from builder.errors import LayerwiseError, quote
from builder.graph.edits import Edit, RenameModel
from builder.graph.model import BATCH, Graph, Node, Ref, TensorSpec
from builder.graph.project import MAX_BYTES, Project, from_json, to_json
from builder.home import owner_folder
from builder.ui import projects
from builder.ui.owner import COOKIE, is_token, new_token
from builder.ui.work import SavedKind, Work

if TYPE_CHECKING:
    from builder.data import DataChoice
    from builder.graph.check import Check
    from builder.graph.diagnostics import Diagnostic
    from builder.graph.report import ShapeReport
    from builder.training.settings import TrainingSettings

_P = ParamSpec("_P")
_T = TypeVar("_T")

Tone = Literal["info", "success", "warning", "error"]

_KEY: Final = "layerwise"  # the one key of session_state that is ours
_QUERY: Final = "project"
_CHECKS_KEPT: Final = 24  # so that undo and redo cost nothing


@dataclass
class _Session:
    """Everything of ours in session_state."""

    owner: str
    work: Work | None = None
    left: str | None = None  # the project open before, while the URL may still name it
    scope: tuple[tuple[str, str], ...] = ()  # (node id, block name) for each block entered
    selected: str | None = None
    run: tuple[str, int | None] | None = None
    messages: list[tuple[Tone, str]] = field(default_factory=list)
    checks: list[tuple[Graph, Check]] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)


_held: ContextVar[_Session | None] = ContextVar("held", default=None)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is done inside is done whole: no rerun cuts in, no other run of this session does the same.

    Streamlit stops a script for a rerun wherever it touches session_state. So the session is looked
    up once, before anything is done, and held; inside, draw nothing.
    """
    session = _session()
    with session.lock:
        before = _held.set(session)
        try:
            yield
        finally:
            _held.reset(before)


def _whole(verb: Callable[_P, _T]) -> Callable[_P, _T]:
    """A verb that changes something: carried out undisturbed."""

    @functools.wraps(verb)
    def carried_out(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with undisturbed():
            return verb(*args, **kwargs)

    return carried_out


# --- who, and where their files are ---------------------------------------------------------------


def owner() -> str:
    """The token of the person at the browser: names their folder, their runs, their uploads.

    It is a secret: hand it to verbs of `builder`, never show or log it. Without a cookie (refused by
    the browser, or in AppTest) it lives as long as the session.
    """
    return _session().owner


def owner_dir() -> Path:
    """The folder of this person's projects and uploads."""
    return owner_folder(owner())


# --- the open project -----------------------------------------------------------------------------


def open_from_url() -> bool:
    """Makes the project named in the URL the open one, else the one worked on last.

    `page_head` calls it at the top of every page. Returns whether a project is open. The URL then
    names it, so that a reload, a copied tab or a bookmark finds it again.
    """
    session = _session()
    wanted = st.query_params.get(_QUERY)
    behind = wanted is not None and wanted == session.left  # the URL of before, not caught up yet
    if wanted and not behind and (session.work is None or session.work.id != wanted):
        open_project(wanted)
    if session.work is None and (cards := projects.list_projects(session.owner)):
        open_project(cards[0].id)
    if session.work is None:
        st.query_params.pop(_QUERY, None)  # or a dead link would be complained about at every rerun
        return False
    if wanted == session.work.id:
        session.left = None
    else:
        st.query_params[_QUERY] = session.work.id
    return True


def is_open() -> bool:
    """Whether a project is open in this session."""
    return _session().work is not None


def project_id() -> str | None:
    """The id of the open project, as it stands in the URL."""
    work = _session().work
    return work.id if work else None


def project() -> Project:
    """The open project as a value: name, graph, data choice and training settings."""
    return _work().project


def graph() -> Graph:
    """The open project's network (the root, wherever the person is looking)."""
    return _work().graph


def list_projects() -> list[projects.ProjectCard]:
    """This person's projects, the one saved last first."""
    return projects.list_projects(owner())


@_whole
def open_project(project_id: str) -> bool:
    """Opens one of this person's projects; says why when it cannot. Returns whether it is open."""
    session = _session()
    if session.work and session.work.id == project_id:
        return True
    try:
        work = Work.read(session.owner, project_id)
    except (LayerwiseError, OSError, UnicodeDecodeError) as refusal:
        reason = refusal if isinstance(refusal, LayerwiseError) else "its file cannot be read."
        say(f"Project {quote(project_id)} was not opened: {reason}", "warning")
        return False
    _take_up(session, work)
    return True


@_whole
def new_project(value: Project) -> str:
    """Saves a project as a new one of this person's, opens it, and gives its id."""
    session = _session()
    work = Work.new(session.owner, value)
    _take_up(session, work)
    _save()
    return work.id


def start_empty() -> str:
    """Opens a new network with nothing but an input and an output, and gives its project id."""
    blank = Graph(
        nodes={
            "input": Node("input", "input", "x", spec=TensorSpec((BATCH, 784))),
            "output": Node("output", "output", "output", arguments={"value": Ref("input")}),
        }
    )
    return new_project(Project("Untitled network", blank))


def import_project(raw: bytes) -> bool:
    """Opens an uploaded project file as a new project; a file that is none is refused in words."""
    if len(raw) > MAX_BYTES:
        say(
            f"This file holds {len(raw) / 1e6:.1f} MB; a project file may hold "
            f"{MAX_BYTES / 1e6:.0f} MB.",
            "error",
        )
        return False
    try:
        value = from_json(raw.decode("utf-8"))
    except UnicodeDecodeError:
        say("This file is not text in UTF-8, so it is no Layerwise project.", "error")
        return False
    except LayerwiseError as refusal:
        say(str(refusal), "error")
        return False
    new_project(value)
    return True


def export_project() -> str:
    """The open project as the text of a project file."""
    return to_json(project())


def file_name(ending: str) -> str:
    """A safe file name made from the project's name: "digits_cnn.json" for the ending ".json"."""
    stem = re.sub(r"[^a-z0-9]+", "_", project().name.lower()).strip("_")[:60]
    return (stem or "network") + ending


@_whole
def duplicate_project() -> str:
    """Saves the open project again under a new id and opens the copy."""
    value = project()
    return new_project(replace(value, name=f"{value.name[:80]} (copy)"))


@_whole
def delete_project(project_id: str) -> None:
    """Deletes one of this person's projects; the open one is closed."""
    session = _session()
    projects.delete_project(session.owner, project_id)
    if session.work and session.work.id == project_id:
        _take_up(session, None)


@_whole
def rename_project(name: str) -> None:
    """Gives the open project another name; an empty one changes nothing."""
    work = _work()
    clean = " ".join(name.split())[:80]
    if clean and clean != work.name:
        work.name = clean
        _save()


def rename_model(name: str) -> bool:
    """Gives the network, or the block looked at, another class name in the code."""
    return edit(RenameModel(name, scope=scope()))


# --- saving ---------------------------------------------------------------------------------------


def saved() -> SavedKind:
    """Whether the open project is on disk as it is here. Looks at the disk (microseconds).

    "changed_elsewhere": another tab or window saved it since; nothing is overwritten until the
    person chooses by `take_theirs` or `keep_mine_as_copy`. "failed": the disk refused.
    """
    return _work().look()


def saved_at() -> float:
    """When the open project was last written, in seconds since 1970; 0 for not yet."""
    return _work().saved_at


@_whole
def save_again() -> bool:
    """Tries once more after the disk refused."""
    return _save()


@_whole
def take_theirs() -> None:
    """Shows what the other tab saved. What this tab had stays one undo away."""
    try:
        _work().take_theirs()
    except (LayerwiseError, OSError) as refusal:
        say(f"{refusal} Keep yours as a copy.", "error")
        return
    _forget_what_is_gone(_session())


def keep_mine_as_copy() -> None:
    """Saves this tab's version under a new id and leaves the other tab's alone."""
    duplicate_project()


def _save() -> bool:
    refusal = _work().save()
    if refusal is not None:
        say(
            f"The disk refused to save: {refusal.strerror or 'unknown reason'}. "
            "Nothing is lost in this tab; download the project file before you close it.",
            "error",
        )
    return _work().saved == "saved"


# --- edits and their history ----------------------------------------------------------------------


@_whole
def edit(change: Edit, *, select_new: bool = False) -> bool:
    """Applies an edit, remembers it for undo, and saves. Returns whether it was applied.

    A refused edit changes nothing and is told as a message at the top of the page. `select_new`:
    selects the node that came with it.
    """
    session, there = _session(), set(scoped_graph().nodes)
    try:
        changed = _work().edit(change)
    except LayerwiseError as refusal:
        say(str(refusal), "warning")
        return False
    if changed:
        _save()
    _forget_what_is_gone(session)
    new = [node for node in scoped_graph().nodes if node not in there]
    if select_new and new:
        session.selected = new[-1]
    return True


@_whole
def undo() -> None:
    """Takes back the last edit of the network."""
    _work().undo()
    _forget_what_is_gone(_session())
    _save()


@_whole
def redo() -> None:
    """Does again what was last taken back."""
    _work().redo()
    _forget_what_is_gone(_session())
    _save()


def undo_label() -> str | None:
    """What undo would take back ("Add Linear behind “fc1”"), None when there is nothing."""
    return _work().history.undo_label


def redo_label() -> str | None:
    """What redo would do again, None when there is nothing."""
    return _work().history.redo_label


# --- what is derived from the graph ---------------------------------------------------------------


def check() -> Check:
    """Shapes, problems and tried repairs of the open network, worked out once per graph."""
    from builder.graph.check import check as check_graph

    session, current = _session(), graph()
    for known, found in session.checks:
        if known is current:
            return found
    found = check_graph(current)
    session.checks = [(current, found), *session.checks[: _CHECKS_KEPT - 1]]
    return found


def problems() -> tuple[Diagnostic, ...]:
    """The problems of the open network, each once: where it sits, not also at the blocks around it."""
    found = check().report.problems
    inside = {p.scope[:depth] for p in found for depth in range(1, len(p.scope) + 1)}
    return tuple(p for p in found if (*p.scope, p.node) not in inside)


def scoped_report() -> ShapeReport | None:
    """The shapes of the graph being looked at: the root's, or those of the block entered.

    None where a block is entered that nothing has reached yet (its input has no shape).
    """
    report: ShapeReport = check().report
    for node_id, _ in _session().scope:
        node = report.nodes.get(node_id)
        if node is None or not node.body:
            return None
        report = node.body[0]
    return report


# --- where the person looks -----------------------------------------------------------------------


def scope() -> str:
    """The name of the block being looked at, "" for the root: what `Edit.scope` wants."""
    entered = _session().scope
    return entered[-1][1] if entered else ""


def scope_path() -> tuple[str, ...]:
    """The ids of the nodes entered, outermost first: what `Diagnostic.scope` holds."""
    return tuple(node_id for node_id, _ in _session().scope)


def scope_names() -> tuple[str, ...]:
    """The blocks entered, outermost first, for breadcrumbs."""
    return tuple(block for _, block in _session().scope)


def scoped_graph() -> Graph:
    """The graph being looked at: the root, or the block entered."""
    root = graph()
    return root.blocks[scope()] if scope() else root


@_whole
def enter(node_id: str) -> None:
    """Goes into the block a node calls; anything else changes nothing."""
    session, here = _session(), scoped_graph()
    node = here.nodes.get(node_id)
    owner_called = here.owner_of(node) if node else None
    if owner_called and owner_called.block in graph().blocks:
        session.scope = (*session.scope, (node_id, owner_called.block or ""))
        session.selected = None


@_whole
def leave(depth: int = -1) -> None:
    """Comes out of blocks until `depth` are entered; -1 comes out of one. Selects what was left."""
    session = _session()
    keep = len(session.scope) - 1 if depth < 0 else depth
    if 0 <= keep < len(session.scope):
        session.selected = session.scope[keep][0]
        session.scope = session.scope[:keep]


def selected() -> str | None:
    """The id of the selected node of `scoped_graph()`, the same on every page."""
    return _session().selected


@_whole
def select(node_id: str | None, scope: tuple[str, ...] | None = None) -> None:
    """Selects a node. `scope`: the path of node ids into blocks, as a `Diagnostic` holds it."""
    session = _session()
    if scope is not None and scope != scope_path():
        leave(0)
        for block_node in scope:
            enter(block_node)
    session.selected = node_id if node_id in scoped_graph().nodes else None


# --- choices saved with the project ---------------------------------------------------------------


def data_choice() -> DataChoice | None:
    """The chosen data set with its options, split and target; None before one is chosen."""
    from builder.data import DataChoice

    stored = _work().data
    if stored is None:
        return None
    try:
        return DataChoice.from_json(stored)
    except LayerwiseError:
        return None  # written by another version: as if none were chosen


@_whole
def set_data_choice(choice: DataChoice | None) -> None:
    """Chooses a data set for the open project (saved with it), or none."""
    work = _work()
    stored = None if choice is None else choice.to_json()
    if stored != work.data:
        work.data = stored
        _save()


def training_settings() -> TrainingSettings:
    """The open project's training settings; the usual ones until some were set."""
    from builder.training.settings import TrainingSettings

    stored = _work().training
    if stored is None:
        return TrainingSettings()
    try:
        return TrainingSettings.from_json(stored)
    except LayerwiseError:
        return TrainingSettings()


@_whole
def set_training_settings(settings: TrainingSettings) -> None:
    """Keeps the training settings with the open project."""
    work = _work()
    stored = settings.to_json()
    if stored != work.training:
        work.training = stored
        _save()


# --- choices of this session ----------------------------------------------------------------------


def chosen_run() -> tuple[str, int | None] | None:
    """The run (and the epoch, None for its last) that the Train and Inspect pages show."""
    return _session().run


@_whole
def choose_run(run_id: str | None, epoch: int | None = None) -> None:
    """Chooses the run, and the epoch, to look at."""
    _session().run = None if run_id is None else (run_id, epoch)


def recall(name: str, default: Any = None) -> Any:
    """What this session kept under a name, for choices that outlive a page switch but no reload."""
    return _session().kept.get(name, default)


@_whole
def keep(name: str, value: Any) -> None:
    """Keeps a value for this session; see `recall`. Name it after the page: "graph.batch_shape"."""
    _session().kept[name] = value


def widget(key: str, default: Any = None) -> Any:
    """What a widget holds now: for its own callback. A component's value too."""
    return st.session_state.get(key, default)


def follow(key: str, value: Any) -> None:
    """Makes a widget show a value of the project, also when something else changed it.

    Call it just before the widget is drawn with that `key` and without a value of its own. Use a key
    on one page only: after a page switch Streamlit shows an empty widget under a key it knew before.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def dark() -> bool:
    """Whether the page is shown dark, for pictures drawn in Python."""
    return bool(st.context.theme.type == "dark")


# --- messages -------------------------------------------------------------------------------------


@_whole
def say(text: str, tone: Tone = "info") -> None:
    """Tells the person one sentence at the top of the page, once."""
    messages = _session().messages
    if (tone, text) not in messages:
        messages.append((tone, text))


def take_messages() -> list[tuple[Tone, str]]:
    """The sentences not told yet; `page_head` shows them and they are gone."""
    session = _session()
    told, session.messages = session.messages, []
    return told


# --- inside ---------------------------------------------------------------------------------------


def _session() -> _Session:
    held = _held.get()
    if held is not None:
        return held
    session: _Session | None = st.session_state.get(_KEY)
    if session is None:
        cookie = st.context.cookies.get(COOKIE)
        session = _Session(owner=cookie if cookie and is_token(cookie) else new_token())
        st.session_state[_KEY] = session
    return session


def _work() -> Work:
    work = _session().work
    if work is None:
        raise LayerwiseError("No project is open. Open one from the gallery page.")
    return work


def _take_up(session: _Session, work: Work | None) -> None:
    """Another project: looked at from the top, nothing selected.

    The URL follows when the page is drawn; until then it still names the one that is left.
    """
    session.left = session.work.id if session.work else None
    session.work, session.scope, session.selected, session.run = work, (), None, None


def _forget_what_is_gone(session: _Session) -> None:
    """After an edit or undo: leaves blocks and selections that are no longer in the network."""
    here = graph()
    for depth, (node_id, block) in enumerate(session.scope):
        node = here.nodes.get(node_id)
        called = here.owner_of(node) if node else None
        if called is None or called.block != block or block not in graph().blocks:
            session.scope, session.selected = session.scope[:depth], None
            break
        here = graph().blocks[block]
    if session.selected not in scoped_graph().nodes:
        session.selected = None
