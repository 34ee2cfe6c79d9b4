"""torchviz's drawing, redrawn: names that stay from run to run, and the colours of the house."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from builder.errors import InspectionRefused
from builder.inspection import theme
from builder.inspection.layers import kind_of

if TYPE_CHECKING:
    from torch import nn

_NODE = re.compile(r'^\t(-?\d+) \[label="?(.*?)"?(?: fillcolor=(\w+))?\]\n?$', re.DOTALL)
_EDGE = re.compile(r"^\t(-?\d+) -> (-?\d+)(?: \[(.*)\])?\n?$", re.DOTALL)


class Restyled:
    """torchviz's drawing with node names that do not change from run to run, and our colours.

    torchviz names its nodes by memory address; here they are n0, n1, … in the order drawn, so one
    network gives one text, and no address leaves the process.
    """

    def __init__(self, layers: Mapping[str, theme.Colours], dark: bool) -> None:
        self.names: set[str] = set()
        self._layers = layers
        self._ink = theme.ink(dark)
        self._known: dict[str, str] = {}
        self._kinds = {
            "lightblue": theme.family_colours("linear", dark),
            "orange": theme.family_colours("pooling", dark),
            "darkolivegreen1": theme.family_colours("activation", dark),
            "darkolivegreen3": theme.family_colours("activation", dark),
        }

    @property
    def boxes(self) -> int:
        return len(self._known)

    def write(self, body: list[str]) -> str:
        """The whole text, from the statements of torchviz's Digraph."""
        nodes: dict[str, tuple[str, str | None]] = {}
        edges: list[str] = []
        for part in dict.fromkeys(body):
            if edge := _EDGE.match(part):
                tail, head, style = edge.groups()
                wire = f"  {self._name(tail)} -> {self._name(head)}"
                edges.append(wire + (f" [{style}]" if style else ""))
            elif node := _NODE.match(part):
                address, label, kind = node.groups()
                # A parameter may be drawn again as a saved tensor: it stays a parameter.
                if nodes.get(name := self._name(address), ("", None))[1] != "lightblue":
                    nodes[name] = (label, kind)
            else:
                raise InspectionRefused("torchviz drew something this version cannot read.")
        boxes = [f"  {name} [{self._look(*look)}]" for name, look in nodes.items()]
        return "\n".join([*_opening(self._ink), *boxes, *edges, "}", ""])

    def _name(self, address: str) -> str:
        return self._known.setdefault(address, f"n{len(self._known)}")

    def _look(self, label: str, kind: str | None) -> str:
        colours = self._kinds.get(kind or "")
        # The first line of a tensor's label is its name, empty for one that has none.
        name, _, rest = label.partition("\n")
        if kind == "lightblue" and name in self._layers:
            self.names.add(name)
            colours = self._layers[name]
        if kind is not None:
            label = "\n".join(part.strip() for part in (name, rest) if part.strip())
        if "---" in label:  # attributes: torchviz fills up with spaces, which says nothing here
            text = re.sub(r" *: +", ": ", label).replace("\n", "\\l") + "\\l"
        else:
            text = label.replace("\n", "\\n")
        look = f'label="{text}"'
        if colours is not None:
            look += f' fillcolor="{colours.fill}" color="{colours.mark}"'
        if kind in ("darkolivegreen1", "darkolivegreen3"):
            look += " penwidth=2.5"
        if kind == "orange":
            look += ' style="filled,dashed"'
        return look


def _opening(ink: theme.Ink) -> list[str]:
    quiet = theme.mix(ink.text, ink.ground, 0.07)
    return [
        "digraph autograd {",
        '  graph [bgcolor="transparent" ranksep=0.28 nodesep=0.22]',
        f'  node [shape=box style="filled" fillcolor="{quiet}" color="{ink.line}" '
        f'fontcolor="{ink.text}" fontname="Courier" fontsize=12 height=0.3 margin="0.12,0.06"]',
        f'  edge [color="{ink.quiet}" arrowsize=0.7]',
    ]


def only_outputs(outputs: Mapping[str, tuple[int, ...]], dark: bool) -> str:
    colours = theme.family_colours("activation", dark)
    boxes = [
        f'  n{index} [label="({", ".join(map(str, shape))})" fillcolor="{colours.fill}" '
        f'color="{colours.mark}" penwidth=2.5]'
        for index, shape in enumerate(outputs.values())
    ]
    return "\n".join([*_opening(theme.ink(dark)), *boxes, "}", ""])


def colours_of(module: nn.Module, dark: bool) -> dict[str, theme.Colours]:
    """For every parameter the colours of the layer family it belongs to."""
    from builder.catalogue import entries

    known = entries()
    colours = {}
    for path, layer in module.named_modules():
        entry = known.get(f"torch.nn.{kind_of(layer)}")
        family = entry.family if entry and type(layer).__module__.startswith("torch.nn") else None
        prefix = f"{path}." if path else ""
        for name, _ in layer.named_parameters():
            if family is not None:  # inner layers come later and keep the word over their parents
                colours[prefix + name] = theme.family_colours(family, dark)
            colours.setdefault(prefix + name, theme.family_colours("other", dark))
    return colours
