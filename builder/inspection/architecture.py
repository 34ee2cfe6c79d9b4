"""The architecture diagram: a network as boxes and wires, in DOT, the text Graphviz reads.

A box shows a layer's name, how PyTorch would print it, and its weights, in its family's colour; a
wire shows the shape that flows along it. Blocks are one box (×6 when repeated), or unfolded into a
frame around their insides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from builder import catalogue
from builder.catalogue.entry import Entry, Family
from builder.errors import InspectionRefused, NotFound
from builder.graph.allowed_norms import norm_marks
from builder.graph.model import (
    Argument,
    Graph,
    Node,
    Owner,
    Ref,
    TensorSpec,
    Value,
    format_value,
    iter_refs,
)
from builder.graph.remember import Remembered
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.size import format_count, format_exact
from builder.graph.words import family_of, key_parameters, type_name
from builder.inspection import dot, theme
from builder.inspection.wording import call_words, show_argument

MOST_NODES = 1_500  # as many as Graphviz lays out in a browser within seconds
_FONT = "Helvetica"  # a name whose widths Graphviz knows by heart, for any browser
_drawn: Remembered[tuple[Graph, str]] = Remembered(64)


def architecture_graph(
    graph: Graph, unfolded: bool = False, dark: bool = False, *, across: bool = False
) -> str:
    """The network's diagram as DOT, also of one that is not finished or has problems.

    Args:    unfolded: blocks as frames around their insides instead of one box each.
             across: from left to right instead of top down.
    Errors:  InspectionRefused when there are more boxes than can be drawn.
    """
    key = (id(graph), unfolded, dark, across)
    known = _drawn.get(key)
    if known is None:  # the graph is kept beside its drawing, so that no other one can get its id
        known = _drawn.put(key, (graph, _draw(graph, unfolded, dark, across)))
    return known[1]


def _draw(graph: Graph, unfolded: bool, dark: bool, across: bool) -> str:
    from builder.graph.shapes import infer_shapes

    drawing = _Drawing(graph.blocks, unfolded, theme.ink(dark), dark)
    drawing.graph(graph, infer_shapes(graph), ())
    ink = theme.ink(dark)
    return "\n".join(
        [
            "digraph architecture {",
            f'  graph [bgcolor="transparent" rankdir={"LR" if across else "TB"} ranksep=0.42 '
            f'nodesep=0.35 fontname="{_FONT}" fontsize=13 fontcolor="{ink.text}"]',
            f'  node [shape=box style="filled,rounded" fontname="{_FONT}" fontsize=14 '
            f'fontcolor="{ink.text}" penwidth=1.6 margin="0.2,0.09"]',
            f'  edge [fontname="{_FONT}" fontsize=11 fontcolor="{ink.quiet}" color="{ink.quiet}" '
            "arrowsize=0.75]",
            *("  " + line for line in drawing.lines),
            "}",
            "",
        ]
    )


@dataclass
class _Place:
    """Where a node's wires end and begin in the drawing: at itself, or at an unfolded block's ports."""

    takes: Mapping[str, str]
    gives: tuple[str, ...]
    name: str


@dataclass
class _Drawing:
    """Collects the statements of one diagram, outermost graph first."""

    blocks: Mapping[str, Graph]
    unfolded: bool
    ink: theme.Ink
    dark: bool
    lines: list[str] = field(default_factory=list)
    boxes: int = 0
    deep: tuple[str, ...] = ()

    def graph(self, graph: Graph, report: ShapeReport, path: tuple[str, ...]) -> dict[str, _Place]:
        places: dict[str, _Place] = {}
        for node in graph.nodes.values():
            known = report.nodes.get(node.id, NodeReport())
            places[node.id] = self.node(graph, node, known, (*path, node.id))
        for node in graph.nodes.values():
            self.wires(graph, node, report, places)
            self.shared(graph, node, report, places)
        return places

    # Boxes --------------------------------------------------------------------------------------

    def node(self, graph: Graph, node: Node, report: NodeReport, path: tuple[str, ...]) -> _Place:
        owner = graph.owner_of(node)
        block = self.blocks.get(owner.block) if owner and owner.block else None
        if owner and owner.block and block and self.unfolded and owner.block not in self.deep:
            return self.frame(graph, node, owner, block, report, path)
        name = dot.node_name(path)
        self.box(name, self.look(graph, node, owner, report))
        return _Place({}, (name,), name)

    def box(self, name: str, look: dict[str, str | int | float]) -> None:
        self.boxes += 1
        if self.boxes > MOST_NODES:
            way_out = "Fold the blocks." if self.unfolded else "Group layers into blocks first."
            raise InspectionRefused(
                f"This diagram has more than {format_exact(MOST_NODES)} boxes, too many to draw. {way_out}"
            )
        self.lines.append(dot.node(name, **look))

    def frame(
        self,
        graph: Graph,
        node: Node,
        owner: Owner,
        block: Graph,
        report: NodeReport,
        path: tuple[str, ...],
    ) -> _Place:
        """An unfolded block. A repeated one is drawn once, with its count in the title."""
        title = f"{graph.label(node.id)}{_times(owner)} · {owner.block}"
        opening = [
            f'subgraph "cluster_{dot.node_name(path)}" {{',
            f"  label={dot.label(title, quiet=_remarks(graph, node, owner, report), ink=self.ink.quiet)}",
            f'  style="rounded{",dashed" if node.bypassed else ""}" color="{self.ink.quiet}" '
            f'bgcolor="{theme.mix(self.ink.text, self.ink.ground, 0.04)}" labeljust=l margin=14',
        ]
        self.lines.extend(opening)
        outside, self.deep = self.deep, (*self.deep, owner.block or "")
        inner = self.graph(block, report.body[0] if report.body else ShapeReport({}), path)
        self.deep = outside
        self.lines.append("}")
        takes = {}
        for port in block.inputs:
            takes[port.id] = takes[port.name or port.id] = inner[port.id].name
        gives = tuple(inner[output.id].name for output in block.outputs)
        first = next(iter(takes.values()), gives[0] if gives else "")
        return _Place(takes, gives or (first,), first)

    def look(
        self, graph: Graph, node: Node, owner: Owner | None, report: NodeReport
    ) -> dict[str, str | int | float]:
        quiet = _remarks(graph, node, owner, report)
        title = graph.label(node.id) + (_times(owner) if owner else "")
        held = graph.held_by(node)
        entry = _entry((owner or held).target if owner or held else node.target)  # type: ignore[union-attr]
        if node.kind in ("input", "output"):
            look = self.plain(title, [node.kind] if title != node.kind else [])
            look["shape"] = "ellipse"
            look["style"] = "filled"
        elif node.kind == "weight":
            words = [f"{type_name(graph, node)} {key_parameters(graph, node, report)}".strip()]
            look = self.coloured(family_of(graph, node), title, words, quiet)
        elif node.kind == "branch":
            condition = show_argument(node.arguments.get("condition"), graph)
            look = self.plain(title, [f"if {condition}"])
            look["shape"] = "diamond"
            look["style"] = "filled"
            look["margin"] = "0.02,0.02"
        elif owner is not None and owner.block is not None:
            look = self.plain(title, [owner.block], quiet)
            look["peripheries"] = 2 if owner.repeat > 1 else 1
            look["penwidth"] = 2.2
        else:
            words = call_words(graph, node, owner, entry, report)
            look = self.coloured(entry.family if entry else "other", title, words, quiet)
        if node.bypassed or (owner and graph.calls_of(owner.id)[0].id != node.id):
            look["style"] = f"{look['style']},dashed"
        if node.bypassed:
            look["fillcolor"] = "transparent"
        if report.problem is not None and report.problem.severity == "error":
            look["color"] = theme.problem_colour(self.dark)
            look["penwidth"] = 3
        return look

    def coloured(
        self, family: Family, title: str, details: list[str], quiet: list[str]
    ) -> dict[str, str | int | float]:
        colours = theme.family_colours(family, self.dark)
        return {
            "label": dot.label(title, details, quiet, self.ink.quiet),
            "fillcolor": colours.fill,
            "color": colours.mark,
            "style": "filled,rounded",
            "class": f"family-{family}",
        }

    def plain(
        self, title: str, details: list[str], quiet: list[str] | None = None
    ) -> dict[str, str | int | float]:
        return {
            "label": dot.label(title, details, quiet or (), self.ink.quiet),
            "fillcolor": theme.mix(self.ink.text, self.ink.ground, 0.06),
            "color": self.ink.quiet,
            "style": "filled,rounded",
        }

    # Wires --------------------------------------------------------------------------------------

    def wires(
        self, graph: Graph, node: Node, report: ShapeReport, places: Mapping[str, _Place]
    ) -> None:
        here = places[node.id]
        # One wire for ports of one box that read the same value, as attention's query, key and value.
        ports: dict[tuple[str, str, Ref, bool], list[str]] = {}
        for port, argument in node.arguments.items():
            for ref, carries in _wired(argument):
                if (source := places.get(ref.node)) is not None:
                    several = len(source.gives) > 1 and ref.path
                    tail = (
                        source.gives[ref.path[0] % len(source.gives)]
                        if several
                        else source.gives[0]
                    )
                    head = here.takes.get(port, here.name)
                    together = ports.setdefault((tail, head, ref, carries), [])
                    if not together or node.kind == "branch" or port not in together:
                        together.append(port)
        for (tail, head, ref, carries), names in ports.items():
            self.lines.append(dot.edge(tail, head, **self.wire(node, names, ref, report, carries)))

    def wire(
        self, node: Node, ports: list[str], ref: Ref, report: ShapeReport, carries: bool
    ) -> dict[str, str | int | float]:
        if not carries:
            return {"style": "dotted", "label": " size "}
        value = _part(report.nodes.get(ref.node, NodeReport()).result, ref.path)
        words = [format_value(value)] if value is not None else []
        if isinstance(value, TensorSpec) and value.dtype != "float32":
            words.append(value.dtype)
        if node.kind == "branch":
            sides = {"if_true": "if true", "if_false": "if false"}
            words.insert(0, " and ".join(sides.get(port, port) for port in ports) + ":")
        elif len(ports) > 1:
            words.append(f"({', '.join(ports)})")
        look: dict[str, str | int | float] = {"label": f" {' '.join(words)} "} if words else {}
        if node.kind == "branch" and ports == ["condition"]:
            look["style"] = "dotted"
        return look

    def shared(
        self, graph: Graph, node: Node, report: ShapeReport, places: Mapping[str, _Place]
    ) -> None:
        """A dotted line between two calls of one layer: they share its weights, if it has any."""
        owner = graph.owner_of(node)
        calls = graph.calls_of(owner.id) if owner else []
        if len(calls) > 1 and calls[0].id != node.id:
            tail, head = places[calls[0].id].name, places[node.id].name
            here = report.nodes.get(node.id, NodeReport())
            look = {"style": "dotted", "dir": "none", "label": f" {_same(here)} "}
            self.lines.append(dot.edge(tail, head, **look, constraint="false"))


def _remarks(graph: Graph, node: Node, owner: Owner | None, report: NodeReport) -> list[str]:
    """The quiet lines of a box: what it weighs, and what is special about it."""
    calls = graph.calls_of(owner.id) if owner else []
    marks = []
    if len(calls) > 1 and calls[0].id != node.id and owner:
        marks.append(f"{_same(report)} as {owner.name}")
    elif report.parameters:
        marks.append(f"{format_count(report.parameters)} parameters")
    if owner and owner.repeat > 1:
        marks.append("shared weights" if owner.shared else "own weights each")
    marks += norm_marks(owner) if owner else []
    if owner and owner.frozen:
        marks.append("frozen")
    if node.bypassed:
        marks.append("bypassed")
    return [" · ".join(marks)] if marks else []


def _same(report: NodeReport) -> str:
    """What two calls of one layer have in common; a Sigmoid has no weights to share."""
    without = report.result is not None and not report.parameters
    return "same layer" if without else "same weights"


def _times(owner: Owner) -> str:
    return f" ×{owner.repeat}" if owner.repeat > 1 else ""


def _entry(key: str) -> Entry | None:
    """The catalogue's entry; None for what it does not know, which is drawn all the same."""
    try:
        return catalogue.get(key)
    except NotFound:
        return None


def _wired(argument: Argument) -> Iterator[tuple[Ref, bool]]:
    """References in an argument, and whether the value itself flows or only a size of it."""
    if isinstance(argument, Ref):
        yield argument, True
    elif isinstance(argument, tuple):
        for part in argument:
            yield from _wired(part)
    else:
        for ref in iter_refs(argument):
            yield ref, False


def _part(value: Value | None, path: tuple[int, ...]) -> Value | None:
    for index in path:
        if not isinstance(value, tuple) or not -len(value) <= index < len(value):
            return None
        value = value[index]
    return value
