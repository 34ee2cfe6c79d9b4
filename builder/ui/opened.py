"""The open project: opening and closing, and the edits with their history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from builder.errors import LayerwiseError, ProjectRefused, quote
from builder.export.names import file_stem
from builder.graph.edits import Edit, RenameModel, SetFrame, SetNote, SetPosition, SetPositions
from builder.graph.history import same
from builder.graph.model import BATCH, Graph, Node, Ref, TensorSpec
from builder.graph.own_texts import OwnText
from builder.graph.project import MAX_BYTES, MAX_PROJECT_NAME, Project, from_json, to_json
from builder.graph.size import count_layers
from builder.ui import project_weights, projects
from builder.ui.looking import carry_check, forget_what_is_gone, scope, scoped_graph
from builder.ui.saving import save
from builder.ui.session import Session, current, say, whole, work
from builder.ui.stored_choices import take_usable_choices
from builder.ui.work import Work

_COPIES_READ: Final = 20  # of a design, the newest: whether one of them was never changed
_ONLY_SEEN: Final = (SetFrame, SetNote, SetPosition, SetPositions)
"""Edits that change what is seen and nothing that is worked out."""


def is_open() -> bool:
    """Whether a project is open in this session."""
    return current().work is not None


def project_id() -> str | None:
    """The id of the open project, as it stands in the URL."""
    opened = current().work
    return opened.id if opened else None


def project() -> Project:
    """The open project as a value: name, graph, data choice and training settings."""
    return work().project


def graph() -> Graph:
    """The open project's network (the root, wherever the person is looking)."""
    return work().graph


def list_projects() -> list[projects.ProjectCard]:
    """This person's projects that can be opened, the one saved last first."""
    return projects.list_projects(current().owner)


def unreadable_projects() -> list[projects.ProjectCard]:
    """This person's projects that cannot be opened, each with the reason."""
    return projects.unreadable_projects(current().owner)


@whole
def open_project(project_id: str) -> bool:
    """Opens one of this person's projects; says why when it cannot. Returns whether it is open."""
    session = current()
    if session.work and session.work.id == project_id:
        return True
    try:
        found = Work.read(session.owner, project_id)
    except (LayerwiseError, OSError, UnicodeDecodeError) as refusal:
        reason = refusal if isinstance(refusal, LayerwiseError) else "its file cannot be read."
        say(f"Project {quote(project_id)} was not opened: {reason}", "warning")
        return False
    _take_up(session, found)
    return True


@whole
def new_project(value: Project) -> str:
    """Opens a project as a new one of this person's, saves it, and gives its id.

    Where it cannot be saved it is open all the same, and the page says that it is not saved and why.
    """
    session = current()
    fresh = Work.new(session.owner, value)
    _take_up(session, fresh)
    save()
    return fresh.id


@whole
def open_design(value: Project) -> str:
    """Opens a design of the gallery: a copy this person never changed, else a new one, and gives its id.

    A new one beside copies that were changed gets a free name: "U-Net 2".
    """
    named = re.compile(re.escape(value.name) + r"( \d+)?")
    copies = [card for card in list_projects() if named.fullmatch(card.name)]
    layers = count_layers(value.graph)
    for card in [c for c in copies if c.layers == layers][:_COPIES_READ]:
        if project_weights.has_weights(current().owner, card.id):
            continue  # a person brought some: no longer just the design
        try:
            found = Work.read(current().owner, card.id).project
        except (LayerwiseError, OSError, UnicodeDecodeError):
            continue
        if to_json(replace(found, name=value.name)) == to_json(value) and open_project(card.id):
            return card.id
    taken, number, name = {card.name for card in copies}, 1, value.name
    while name in taken:
        number += 1
        name = f"{value.name[: MAX_PROJECT_NAME - 5]} {number}"
    return new_project(replace(value, name=name))


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
    """The open project as the text of a project file.

    Errors: ProjectRefused for what no file can hold: the session keeps it as it is.
    """
    return to_json(replace(project(), done={}))


def file_name(ending: str) -> str:
    """A safe file name made from the project's name: "digits_cnn.json" for the ending ".json"."""
    return file_stem(project().name) + ending


@whole
def duplicate_project() -> None:
    """Saves the open project again under a new id, with its weights, and opens the copy."""
    value, source = project(), work().id
    copy = new_project(replace(value, name=f"{value.name[:80]} (copy)", done={}))
    try:
        project_weights.copy_weights(current().owner, source, copy)
    except LayerwiseError as refusal:
        say(f"The copy has no weights of its own: {refusal}", "warning")


@whole
def delete_project(project_id: str) -> None:
    """Deletes one of this person's projects; the open one is closed.

    Where the disk refuses, or the id is none, the person is told and everything stays as it is.
    """
    session = current()
    try:
        projects.delete_project(session.owner, project_id)
    except LayerwiseError as refusal:
        say(f"The project was not deleted: {refusal}", "error")
        return
    if session.work and session.work.id == project_id:
        _take_up(session, None)


@whole
def rename_project(name: str) -> None:
    """Gives the open project another name; an empty one changes nothing."""
    opened = work()
    clean = " ".join(name.split())[:80]
    if clean and clean != opened.name:
        try:
            replace(opened.project, name=clean)
        except ProjectRefused as refusal:
            say(str(refusal), "warning")
            return
        opened.name = clean
        save()


def rename_model(name: str) -> bool:
    """Gives the network, or the block looked at, another class name in the code."""
    return edit(RenameModel(name, scope=scope()))


# --- saving ---------------------------------------------------------------------------------------


@whole
def take_theirs() -> None:
    """Shows what the other tab saved. What this tab had stays one undo away."""
    try:
        work().take_theirs()
        take_usable_choices(work())
    except (LayerwiseError, OSError) as refusal:
        say(f"{refusal} Keep yours as a copy.", "error")
        return
    forget_what_is_gone(current())


def keep_mine_as_copy() -> None:
    """Saves this tab's version under a new id and leaves the other tab's alone."""
    duplicate_project()


@whole
def close_project() -> None:
    """Lets go of the open project as it is."""
    _take_up(current(), None)


@whole
def own_text(style: str) -> OwnText | None:
    """What this person made of the code in a style, with the network that text is of."""
    return work().texts.get(style)


@whole
def keep_own_text(style: str, own: OwnText | None, *, write: bool) -> None:
    """Keeps a person's text with the project, or none. `write`: now, else with the next edit."""
    opened = work()
    known = opened.texts.get(style)
    if own is None:
        opened.texts.pop(style, None)
    else:
        opened.texts[style] = own
    unchanged = known is own or (
        known is not None
        and own is not None
        and known.text == own.text
        and (
            known.graph is own.graph or (known.graph and own.graph and same(known.graph, own.graph))
        )
    )
    if write and not unchanged:
        save()


# --- edits and their history ----------------------------------------------------------------------


@whole
def edit(change: Edit, *, select_new: bool = False) -> bool:
    """Applies an edit, remembers it for undo, and saves. Returns whether it was applied.

    A refused edit changes nothing and is told as a message at the top of the page. `select_new`:
    selects the node that came with it.
    """
    session, there, before = current(), set(scoped_graph().nodes), graph()
    try:
        changed = work().edit(change)
    except LayerwiseError as refusal:
        say(str(refusal), "warning")
        return False
    if changed:
        if isinstance(change, _ONLY_SEEN):
            carry_check(before, graph())
        save()
    forget_what_is_gone(session)
    new = [node for node in scoped_graph().nodes if node not in there]
    if select_new and new:
        session.selected = new[-1]
    return True


@whole
def undo() -> None:
    """Takes back the last edit of the network."""
    work().undo()
    forget_what_is_gone(current())
    save()


@whole
def redo() -> None:
    """Does again what was last taken back."""
    work().redo()
    forget_what_is_gone(current())
    save()


@whole
def goto(position: int) -> None:
    """Goes to where `position` steps of `history` are done; beyond either end changes nothing."""
    before = graph()
    work().goto(position)
    if graph() is not before:
        forget_what_is_gone(current())
        save()


@whole
def pin(
    positions: Mapping[str, tuple[float, float]],
    frames: Mapping[str, tuple[float, float, float, float]] | None = None,
) -> None:
    """Keeps where nodes of the graph looked at stand, silently: no step to undo, no message.

    `frames`: where its frames and notes stand, and how large they are.

    It is written with the next edit: looking at a network in a second tab changes no file.
    """
    here = scoped_graph().nodes
    fresh = {node: at for node, at in positions.items() if node in here}
    try:
        before = graph()
        work().pin(scope(), fresh, frames or {})
        carry_check(before, graph())
    except LayerwiseError:
        return  # places that cannot be: the layout finds others


def history() -> tuple[tuple[str, ...], int]:
    """What was done, step by step, and how many of these steps are done now (the rest is undone)."""
    known = work().history
    return known.labels, len(known.past)


def undo_label() -> str | None:
    """What undo would take back ("Add Linear behind “fc1”"), None when there is nothing."""
    return work().history.undo_label


def redo_label() -> str | None:
    """What redo would do again, None when there is nothing."""
    return work().history.redo_label


def _take_up(session: Session, opened: Work | None) -> None:
    """Another project: looked at from the top, nothing selected.

    The URL follows when the page is drawn; until then it still names the one that is left.
    """
    session.left = session.work.id if session.work else None
    session.work, session.scope, session.selected, session.run = opened, (), None, None
    if opened is not None:
        take_usable_choices(opened)
