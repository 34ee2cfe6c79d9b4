"""The picture of a network as one draws it for a slide or a paper: SVG and PNG, no `dot`, no browser.

`scene` says what is shown, `layers` and `places` find where, `routes` draws the wires, `frames` brings
the canvas's frames and notes, `paint` writes SVG. Text stays text in the SVG (to search, to edit), laid out with the widths of Arial, which
Helvetica, Liberation Sans and the font we bring share; the PNG is drawn by resvg with that font alone,
so the same network gives the same pixels everywhere. Only a name in letters our font lacks (Chinese,
say) makes resvg look into the machine's own fonts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from builder.errors import InspectionRefused
from builder.graph.model import Graph
from builder.graph.report import ShapeReport
from builder.inspection.drawing import letters
from builder.inspection.drawing.free import at_positions, runs_down
from builder.inspection.drawing.paint import paint
from builder.inspection.drawing.routes import lay_out
from builder.inspection.drawing.scene import middles, scene_of

_MOST_PIXELS: Final = 100_000_000  # of a PNG: 400 MB while it is drawn

__all__ = ["Drawing", "draw", "middles"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished picture. `svg`: its text; `width`, `height`: pixels at scale 1."""

    svg: str
    width: int
    height: int

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, `scale` times as large. Errors: InspectionRefused when too large."""
        if (
            not math.isfinite(scale)
            or scale <= 0
            or self.width * self.height * scale * scale > _MOST_PIXELS
        ):
            raise InspectionRefused(
                f"At scale {scale:g} this picture has {self.width * scale:,.0f} × "
                f"{self.height * scale:,.0f} pixels; {_MOST_PIXELS:,} are the most. "
                "Choose a smaller scale, or SVG."
            )
        import resvg_py

        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=self.svg,
                zoom=scale,
                font_files=list(letters.FILES),
                font_family=letters.FAMILY,
                sans_serif_family=letters.FAMILY,
                skip_system_fonts=letters.drawable(self.svg),
            )
        )


def draw(
    graph: Graph,
    report: ShapeReport,
    *,
    positions: Mapping[str, tuple[float, float]] | None = None,
    direction: Literal["right", "down"] | None = None,
    dark: bool = False,
    unfold: bool = False,
    wrap: bool | None = None,
) -> Drawing:
    """Draws a network, also one that is not finished or has problems.

    Args:    report: of the same graph.
             positions: the middle of each card in pixels, as on the canvas; cards without one are
             placed beside the others. None: everything is laid out here, and frames and notes of
             the canvas go with the cards they were drawn at.
             direction: which way values flow; None: as most wires run between the positions, else
             right. unfold: blocks as frames around their insides.
             wrap: a long network in several rows; None: where it would be a thread on a page.
    Errors:  InspectionRefused when there are too many cards to draw.
    """
    scene, down = scene_of(graph, report, unfold), direction == "down"
    if direction is None and positions is not None:
        down = runs_down(scene, positions)
    sheet = (
        lay_out(scene, down, wrap) if positions is None else at_positions(scene, positions, down)
    )
    svg = paint(sheet, dark)
    return Drawing(svg, round(sheet.width + 36), round(sheet.height + 36))
