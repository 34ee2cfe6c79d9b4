"""What a picture shows, before it has places: cards with their words, and the wires between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from builder.catalogue.entry import Family
from builder.errors import InspectionRefused
from builder.graph.allowed_norms import norm_marks
from builder.graph.axes import axes_words, name_axes
from builder.graph.model import (
    Argument,
    Frame,
    Graph,
    Node,
    Ref,
    TensorSpec,
    Value,
    format_value,
    iter_refs,
    refs_in,
)
from builder.graph.modes import mode_words
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import format_parameters
from builder.graph.words import entry_of, family_of, key_parameters, part_of, type_name
from builder.inspection.drawing.letters import broken, cut, text_width, wrapped

USUAL_SIZE: Final = (144.0, 94.0)  # of a node on the canvas: see frontend/canvas/src/layout.ts
MOST_NODES: Final = 1_000  # more are no picture any more, and would take seconds to lay out
TITLE, WORDS, QUIET, SHAPE, AXES = 13.0, 11.0, 10.5, 11.0, 10.0  # font sizes in pixels
LINE: Final = 14.0  # pixels from line to line
NOTE_GAP: Final = 4.0  # pixels above a card's own note
SIDE, TOP = 12.0, 8.0  # between a card's edge and its words
_NARROWEST, _WIDEST = 84.0, 190.0
_NOTE_WIDTH: Final = 130.0  # of a card with a note of its own, at least
_SIGNS: Final = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "matmul": "@"}
# Families that leave the axes as they are, whatever they are called.
_KEEPING: Final[frozenset[Family]] = frozenset(
    {"activation", "normalization", "dropout", "arithmetic", "merge", "padding", "other"}
)

Look = Literal["card", "pill", "gate", "sign", "choice", "group"]


@dataclass(slots=True)
class Card:
    """One thing in the picture. `width` and `height` in pixels; `inside`: of an unfolded block."""

    key: str
    look: Look
    title: str
    lines: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    note: tuple[str, ...] = ()
    badge: str = ""
    family: Family | None = None
    width: float = 0.0
    height: float = 0.0
    dashed: bool = False
    faint: bool = False
    copies: bool = False
    problem: str = ""
    severe: bool = False
    same_as: str = ""
    inside: Scene | None = None
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: tuple[str, ...] = ()


@dataclass(slots=True)
class Wire:
    """A value on its way from one card to another. `part`: which part of a tuple; `fixed`: only a
    size of it is read. `label`, `axes`: what flows; `end`: what it is read as."""

    tail: str
    head: str
    part: tuple[int, ...] = ()
    label: str = ""
    axes: str = ""
    end: str = ""
    fixed: bool = False
    port: str = ""

    @property
    def value(self) -> tuple[str, tuple[int, ...]]:
        return self.tail, self.part


@dataclass(slots=True)
class Scene:
    """The cards in running order, and the wires.

    `frames`: those of the canvas, and its notes. `stood`: the middle of each card there, where it has
    a place; in canvas units.
    """

    name: str
    cards: dict[str, Card]
    wires: list[Wire]
    frames: tuple[Frame, ...] = ()
    stood: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def scene_of(
    graph: Graph, report: ShapeReport, unfold: bool = False, *, deep: tuple[str, ...] = ()
) -> Scene:
    """The cards and wires of a graph. `deep`: the unfolded blocks around it.

    Errors: InspectionRefused when there are too many cards to draw.
    """
    cards: dict[str, Card] = {}
    for node in graph.nodes.values():
        known = report.nodes.get(node.id, NodeReport())
        cards[node.id] = _card(graph, node, known, unfold, deep)
    frames = tuple(graph.frames.values())
    scene = Scene(graph.name, cards, _wires(graph, report, cards), frames, middles(graph))
    if (count := _count(scene)) > MOST_NODES:
        way_out = "Draw it with its blocks folded." if unfold else "Group layers into blocks first."
        raise InspectionRefused(
            f"This picture has {count:,} boxes; {MOST_NODES:,} are the most. {way_out}"
        )
    return scene


def middles(graph: Graph) -> dict[str, tuple[float, float]]:
    """Where the nodes that have a place on the canvas have their middle there, about."""
    w, h = USUAL_SIZE
    placed = {n.id: n.position for n in graph.nodes.values() if n.position is not None}
    return {key: (x + w / 2, y + h / 2) for key, (x, y) in placed.items()}


def _count(scene: Scene) -> int:
    return sum(1 + (_count(c.inside) if c.inside else 0) for c in scene.cards.values())


# --- cards ----------------------------------------------------------------------------------------


def _card(
    graph: Graph, node: Node, report: NodeReport, unfold: bool, deep: tuple[str, ...]
) -> Card:
    owner, name = graph.owner_of(node), graph.label(node.id)
    if node.kind in ("input", "output"):
        said = " · ".join(word for word in (name, mode_words(node)) if word)
        card = Card(node.id, "gate" if deep else "pill", said)
    elif node.kind == "branch":
        card = Card(node.id, "choice", key_parameters(graph, node, report))
    elif owner is not None and owner.block is not None:
        card = Card(node.id, "card", owner.block, quiet=(name,), family=None)
        block = graph.blocks.get(owner.block)
        if block is not None and unfold and owner.block not in deep:
            card = _group(graph, node, report, owner.block, deep)
    elif (sign := _sign(graph, node)) is not None:
        card = Card(node.id, "sign", sign, family=family_of(graph, node))
    else:
        words = key_parameters(graph, node, report)
        kind = type_name(graph, node)
        card = Card(node.id, "card", kind, (words,) if words else (), family=family_of(graph, node))
        card.quiet = () if name == kind else (name,)
    if owner is not None:
        if owner.repeat > 1:
            card.badge = f"×{owner.repeat}" + (" shared" if owner.shared else "")
        card.copies = owner.repeat > 1 and not owner.shared
        calls = graph.calls_of(owner.id)
        if len(calls) > 1 and calls[0].id != node.id:
            what = "weights" if report.parameters or report.result is None else "layer"
            card.same_as, card.dashed = calls[0].id, True
            card.quiet = (f"same {what} as {owner.name}",)
        elif report.parameters:
            word = "weights" if report.parameters != 1 else "weight"
            card.quiet = (*card.quiet, f"{format_parameters(report.parameters)} {word}")
        card.quiet = (*card.quiet, *norm_marks(owner))
        if owner.frozen:
            card.quiet = (*card.quiet, "frozen")
    if node.bypassed:
        card.quiet = (*card.quiet, "bypassed")
        card.dashed = card.faint = True
    if node.note:
        card.note = (node.note,)
    if report.problem is not None:
        card.problem = report.problem.message
        card.severe = report.problem.severity == "error"
    _measure(card)
    return card


def _group(graph: Graph, node: Node, report: NodeReport, name: str, deep: tuple[str, ...]) -> Card:
    """An unfolded block; a repeated one shows its insides once."""
    block = graph.blocks[name]
    inner = report.body[0] if report.body else ShapeReport({})
    whole = replace(block, blocks=graph.blocks)  # which stand at the network alone
    inside = scene_of(whole, inner, True, deep=(*deep, name))
    card = Card(node.id, "group", name, quiet=(graph.label(node.id),), inside=inside)
    takes = {port.name or port.id: port.id for port in block.inputs}
    card.takes = {**takes, **{port.id: port.id for port in block.inputs}}
    card.gives = tuple(port.id for port in block.outputs)
    return card


def _sign(graph: Graph, node: Node) -> str | None:
    """The sign of an operation on two tensors, which everybody draws as a circle."""
    values = [a for a in node.arguments.values() if a is not None]
    if node.kind != "operation" or len(values) != 2:
        return None
    if not all(isinstance(a, Ref) for a in values):
        return None
    return _SIGNS.get(node.target.rpartition(".")[2])


def _measure(card: Card) -> None:
    """Breaks the words into lines and gives the card its size."""
    if card.look == "sign":
        card.width = card.height = 30.0
        return
    if card.look == "gate":
        card.width = card.height = 9.0
        return
    if card.look == "pill":
        card.title = cut(card.title, TITLE, _WIDEST, bold=True)
        card.width = max(58.0, text_width(card.title, TITLE, bold=True) + 30)
        card.height = 32.0
        return
    quiet = " · ".join(card.quiet)
    badge = text_width(card.badge, TITLE, bold=True) + 16 if card.badge else 0.0
    room = _WIDEST - 2 * SIDE
    card.title = cut(card.title, TITLE, room - badge, bold=True)
    card.lines = tuple(p for line in card.lines for p in broken(line, WORDS, room, 3))
    card.quiet = (
        broken(quiet, QUIET, room, 2) if card.look != "group" else (quiet,) if quiet else ()
    )
    widest = max(
        text_width(card.title, TITLE, bold=True) + badge,
        *(text_width(line, WORDS) for line in (*card.lines, "")),
        *(text_width(line, QUIET) for line in (*card.quiet, "")),
    )
    if card.look == "group":  # all in one line
        widest = text_width(card.title, TITLE, bold=True) + badge + text_width(quiet, QUIET) + 20
    aside = 16.0 if card.look == "choice" else 0.0
    card.width = max(_NARROWEST, round(widest + 2 * SIDE + 2 * aside + 1))
    if card.note:  # it does not widen the card
        card.width = max(card.width, _NOTE_WIDTH)
        card.note = wrapped(card.note[0], QUIET, card.width - 2 * (SIDE + aside) - 6, 4)
    card.height = 2 * TOP + LINE * (1 + len(card.lines) + len(card.quiet)) + 2
    card.height += LINE * len(card.note) + (NOTE_GAP if card.note else 0)
    if card.look == "choice":
        card.height = max(card.height, 44.0)


# --- wires ----------------------------------------------------------------------------------------


def _wires(graph: Graph, report: ShapeReport, cards: Mapping[str, Card]) -> list[Wire]:
    """One wire for ports of one card that read the same value, as attention's query, key and value."""
    places = {name: i for i, name in enumerate(graph.nodes)}
    named = _axes(graph, report)
    wires: list[Wire] = []
    for node in graph.nodes.values():
        found: dict[tuple[Ref, bool, str], list[str]] = {}
        for port, argument in node.arguments.items():
            for ref, carries in _read(argument):
                if places.get(ref.node, len(places)) < places[node.id]:
                    inner = cards[node.id].takes.get(port, "")
                    ports = found.setdefault((ref, carries, inner), [])
                    if port not in ports:
                        ports.append(port)
        several = len(found) > 1
        for (ref, carries, inner), ports in found.items():
            wire = Wire(ref.node, node.id, ref.path, fixed=not carries, port=inner)
            came = graph.resolve(ref)  # past bypassed cards
            value = part_of(report.nodes, came)
            if carries and "gate" not in (cards[ref.node].look, cards[node.id].look):
                wire.label = _flows(value)
                wire.axes = _part_name(graph, came) if came.path else named.get(came, "")
            if carries and several:
                wire.end = _end(graph, node, ports)
            wires.append(wire)
    return wires


def _flows(value: Value | None) -> str:
    if value is None:
        return "?"
    words = format_value(value)
    if isinstance(value, TensorSpec) and value.dtype != "float32":
        words += f" {value.dtype}"
    return cut(words, SHAPE, 170)


def _part_name(graph: Graph, ref: Ref) -> str:
    """What torch calls a part of a tuple: h_n."""
    entry = entry_of(graph, graph.nodes[ref.node])
    found = next((p.name for p in entry.parts if p.path == ref.path), "") if entry else ""
    return found or "part " + ".".join(str(i) for i in ref.path)


def _end(graph: Graph, node: Node, ports: list[str]) -> str:
    """What a value is read as, where that cannot be seen from the card."""
    if node.kind == "branch":
        sides = {"if_true": "if true", "if_false": "if false", "condition": "if"}
        return ", ".join(sides.get(port, port) for port in ports)
    owner, entry = graph.owner_of(node), entry_of(graph, node)
    if owner is None or (entry is not None and any(p.many for p in entry.ports)):
        return ""
    if owner.block:
        block = graph.blocks.get(owner.block)
        names = {p.id: p.name or p.id for p in block.inputs} if block else {}
        ports = [names.get(port, port) for port in ports]
    return cut(", ".join(ports), AXES, 110)


def _axes(graph: Graph, report: ShapeReport) -> dict[Ref, str]:
    """The names of the axes of each value, where they are others than those that came in."""
    named = name_axes(graph, graph, report.nodes)
    told: dict[Ref, str] = {}
    for ref, names in named.items():
        before = next(iter(refs_in(graph.nodes[ref.node])), None)
        known = named.get(graph.resolve(before)) if before is not None else None
        told[ref] = axes_words(names) if names != known else ""
    return told


def _read(argument: Argument) -> list[tuple[Ref, bool]]:
    """The references in an argument, and whether the value itself flows or only a size of it."""
    if isinstance(argument, Ref):
        return [(argument, True)]
    if isinstance(argument, tuple):
        return [pair for part in argument for pair in _read(part)]
    return [(ref, False) for ref in iter_refs(argument)]
