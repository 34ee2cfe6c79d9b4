"""A sheet as SVG text. Names come from strangers' files: every word goes through `_text`, escaped."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from builder.inspection import theme
from builder.inspection.drawing.frames import INSET, NOTE, NOTE_LINE
from builder.inspection.drawing.letters import STACK, cut, text_width
from builder.inspection.drawing.routes import inset
from builder.inspection.drawing.scene import (
    AXES,
    LINE,
    NOTE_GAP,
    QUIET,
    SIDE,
    TITLE,
    TOP,
    WORDS,
    Card,
)
from builder.inspection.drawing.sheet import Line, Panel, Point, Sheet
from builder.inspection.drawing.ways import before, on, path, plain

_MARGIN: Final = 18.0
_FRAME_SHADE: Final = 0.035
_PANEL_SHADE: Final = 0.07  # as on the canvas
_STRIP: Final = 5.0  # pixels of a card's family colour
# What XML 1.0 cannot hold, even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def paint(sheet: Sheet, dark: bool) -> str:
    """The SVG of a sheet, on the page's own ground."""
    ink = theme.ink(dark)
    width, height = sheet.width + 2 * _MARGIN, sheet.height + 2 * _MARGIN
    brush = _Brush(dark, ink)
    brush.sheet(sheet, _MARGIN, _MARGIN)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{STACK}">',
            f"<title>{_escaped(sheet.scene.name)}</title>",
            f'<rect width="100%" height="100%" fill="{ink.ground}"/>',
            *brush.parts,
            "</svg>",
            "",
        ]
    )


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("�", text), {'"': "&quot;"})


@dataclass(slots=True)
class _Brush:
    """Collects the elements of one picture, the lowest first."""

    dark: bool
    ink: theme.Ink
    parts: list[str] = field(default_factory=list)

    def sheet(self, sheet: Sheet, dx: float, dy: float, ground: str = "") -> None:
        """`ground`: the colour behind it."""
        ground = ground or self.ink.ground
        frames = [key for key in sheet.scene.cards if key in sheet.inside]
        for panel in sheet.panels:
            if panel.kind == "frame":
                self.panel(panel, dx, dy)
            elif panel.lead is not None:
                self.lead(panel.lead, dx, dy)
        for key in frames:
            self.frame(sheet, key, dx, dy)
        for line in sheet.lines:
            self.wire(sheet, line, dx, dy)
        for line in sheet.lines:
            if self._first(sheet, line):
                self.dots(sheet, line, dx, dy)
        for key, card in sheet.scene.cards.items():
            if key not in sheet.inside:
                x, y, w, h = sheet.boxes[key]
                self.card(card, x + dx, y + dy, w, h)
        for key in frames:
            self.headline(sheet, key, dx, dy)
        self.shared(sheet, dx, dy)
        for panel in sheet.panels:
            if panel.kind == "frame":
                self.panel_title(sheet, panel, dx, dy, ground)
            else:
                self.note(sheet, panel, dx, dy, ground)
        for line in sheet.lines:
            for words in line.says:
                quiet = words.size == AXES
                self.text(
                    words.text,
                    words.at[0] + dx,
                    words.at[1] + dy,
                    words.size,
                    self.ink.quiet if quiet else self.ink.text,
                    anchor=words.anchor,
                    halo=self.ground_at(sheet, words.at, ground),
                )

    # Cards ------------------------------------------------------------------------------------------

    def card(self, card: Card, x: float, y: float, w: float, h: float) -> None:
        faint = ' opacity="0.55"' if card.faint else ""
        tip = f"<title>{_escaped(card.problem)}</title>" if card.problem else ""
        self.parts.append(f"<g{faint}>{tip}")
        edge, thick = self.ink.quiet, 1.2
        fill = theme.mix(self.ink.text, self.ink.ground, 0.045)
        mark = ""
        if card.family is not None:
            colours = theme.family_colours(card.family, self.dark)
            fill, mark = colours.fill, colours.mark
            edge = theme.mix(colours.mark, self.ink.ground, 0.6)
        if card.problem:
            edge = theme.problem_colour(self.dark) if card.severe else "#c9800e"
            thick = 2.2
        dash = ' stroke-dasharray="5 3"' if card.dashed else ""
        look = f'fill="{fill}" stroke="{edge}" stroke-width="{thick}"{dash}'
        if card.look == "gate":
            r = w / 2
            self.parts.append(f'<circle cx="{x + r:.1f}" cy="{y + r:.1f}" r="{r:.1f}" {look}/>')
        elif card.look == "sign":
            self.sign(card, x + w / 2, y + h / 2, w / 2, look)
        elif card.look == "pill":
            self.rect(x, y, w, h, h / 2, look)
            self.text(card.title, x + w / 2, y + h / 2 + 4.5, TITLE, bold=True, anchor="middle")
        elif card.look == "choice":
            a = 14.0
            ends = [(x, y + h / 2), (x + a, y), (x + w - a, y), (x + w, y + h / 2)]
            ends += [(x + w - a, y + h), (x + a, y + h)]
            points = " ".join(f"{px:.1f},{py:.1f}" for px, py in ends)
            self.parts.append(f'<polygon points="{points}" stroke-linejoin="round" {look}/>')
            self.words(card, x + 16, y, w - 32, h)
        else:
            if card.copies:
                for shift in (8, 4):
                    self.rect(x + shift, y - shift, w, h, 7, look)
            self.rect(x, y, w, h, 7, look)
            if mark:
                r = 6.4
                self.parts.append(
                    f'<path d="M{x + _STRIP + 0.6:.1f} {y + 0.6:.1f}H{x + r + 0.6:.1f}a{r} {r} 0 0 0 {-r} {r}'
                    f"V{y + h - r - 0.6:.1f}a{r} {r} 0 0 0 {r} {r}H{x + _STRIP + 0.6:.1f}z"
                    f'" fill="{mark}"/>'
                    f'<rect x="{x + 0.6:.1f}" y="{y + r:.1f}" width="{_STRIP}" height="{h - 2 * r:.1f}" '
                    f'fill="{mark}"/>'
                )
            self.words(card, x, y, w, h)
        if card.problem:
            self.warn(card, x + w, y)
        self.parts.append("</g>")

    def words(self, card: Card, x: float, y: float, w: float, h: float) -> None:
        """The lines of a card, in its middle from top to bottom."""
        high = (1 + len(card.lines) + len(card.quiet) + len(card.note)) * LINE
        line = y + (h - high - (NOTE_GAP if card.note else 0)) / 2 + LINE - 3.2
        left = x + SIDE
        self.text(card.title, left, line, TITLE, bold=True)
        if card.badge:
            self.badge(card.badge, x + w - SIDE + 2, line)
        for text in card.lines:
            line += LINE
            self.text(text, left, line, WORDS)
        for text in card.quiet:
            line += LINE
            self.text(text, left, line, QUIET, self.ink.quiet)
        line += NOTE_GAP
        for text in card.note:
            line += LINE
            self.rect(left, line - 11, 2, LINE, 0, f'fill="{self.ink.quiet}" fill-opacity="0.5"')
            self.text(text, left + 6, line, QUIET, self.ink.quiet)

    # Frames and notes of the canvas -----------------------------------------------------------------

    def panel(self, panel: Panel, dx: float, dy: float) -> None:
        x, y, w, h = panel.box
        colour = theme.frame_colour(panel.colour, self.dark)
        look = (
            f'fill="{colour}" fill-opacity="{_PANEL_SHADE}" stroke="{colour}" stroke-opacity="0.4"'
        )
        self.rect(x + dx, y + dy, w, h, 12, look)

    def panel_title(self, sheet: Sheet, panel: Panel, dx: float, dy: float, ground: str) -> None:
        colour = theme.mix(theme.frame_colour(panel.colour, self.dark), self.ink.text, 0.75)
        x, y = panel.box[0] + 12, panel.box[1] + 17
        for text in filter(None, panel.words):
            halo = self.ground_at(sheet, (x, y), ground)
            self.text(text, x + dx, y + dy, TITLE, colour, bold=True, halo=halo)

    def note(self, sheet: Sheet, panel: Panel, dx: float, dy: float, ground: str) -> None:
        colour = theme.mix(theme.frame_colour(panel.colour, self.dark), self.ink.text, 0.4)
        x, y = panel.box[0] + INSET, panel.box[1] + INSET - 3
        for text in panel.words:
            y += NOTE_LINE
            if text:
                halo = self.ground_at(sheet, (x, y), ground)
                self.text(text, x + dx, y + dy, NOTE, colour, halo=halo)

    def lead(self, ends: tuple[Point, Point], dx: float, dy: float) -> None:
        (x1, y1), (x2, y2) = ends
        self.parts.append(
            f'<path d="M{x1 + dx:.1f} {y1 + dy:.1f}L{x2 + dx:.1f} {y2 + dy:.1f}" '
            f'stroke="{self.ink.quiet}" stroke-opacity="0.6" stroke-dasharray="1 3"/>'
        )

    def ground_at(self, sheet: Sheet, at: Point, ground: str) -> str:
        """What is behind a word: the page, with the frames that lie there."""
        for panel in sheet.panels:
            x, y, w, h = panel.box
            if panel.kind == "frame" and x <= at[0] <= x + w and y <= at[1] <= y + h:
                over = theme.frame_colour(panel.colour, self.dark)
                ground = theme.mix(over, ground, _PANEL_SHADE)
        return ground

    # The rest of a card -----------------------------------------------------------------------------

    def badge(self, text: str, right: float, line: float) -> None:
        wide = text_width(text, 11, bold=True) + 10
        self.rect(right - wide, line - 11.5, wide, 15, 7.5, f'fill="{self.ink.quiet}"')
        self.text(text, right - wide / 2, line, 11, self.ink.ground, bold=True, anchor="middle")

    def sign(self, card: Card, x: float, y: float, r: float, look: str) -> None:
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r - 2:.1f}" {look}/>')
        strokes = {"+": "M-7 0H7M0 -7V7", "−": "M-7 0H7", "×": "M-5 -5L5 5M5 -5L-5 5"}
        if card.title in strokes:
            self.parts.append(
                f'<path transform="translate({x:.1f} {y:.1f})" d="{strokes[card.title]}" '
                f'stroke="{self.ink.text}" stroke-width="1.8" fill="none" stroke-linecap="round"/>'
            )
        else:
            self.text(card.title, x, y + 5, 15, bold=True, anchor="middle")

    def warn(self, card: Card, x: float, y: float) -> None:
        colour = theme.problem_colour(self.dark) if card.severe else "#c9800e"
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8.5" fill="{colour}"/>')
        self.text("!", x, y + 4.6, 13, self.ink.ground, bold=True, anchor="middle")

    def frame(self, sheet: Sheet, key: str, dx: float, dy: float) -> None:
        """An unfolded block: a titled frame, and its own sheet inside."""
        card, (x, y, w, h) = sheet.scene.cards[key], sheet.boxes[key]
        x, y = x + dx, y + dy
        fill = theme.mix(self.ink.text, self.ink.ground, _FRAME_SHADE)
        line = theme.problem_colour(self.dark) if card.severe else self.ink.quiet
        dash = ' stroke-dasharray="5 3"' if card.dashed else ""
        look = f'fill="{fill}" stroke="{line}" stroke-width="1.2"{dash}'
        if card.copies:
            for shift in (8, 4):
                self.rect(x + shift, y - shift, w, h, 10, look)
        self.rect(x, y, w, h, 10, look)
        ix, iy = inset(sheet.inside[key], (w, h))
        self.sheet(sheet.inside[key], x + ix, y + iy, fill)

    def headline(self, sheet: Sheet, key: str, dx: float, dy: float) -> None:
        """The title of an unfolded block, over the wire that may pass behind it."""
        card, (x, y, w, _) = sheet.scene.cards[key], sheet.boxes[key]
        x, y = x + dx, y + dy
        ground = theme.mix(self.ink.text, self.ink.ground, _FRAME_SHADE)
        self.text(card.title, x + SIDE, y + TOP + 11, TITLE, bold=True, halo=ground)
        at = x + SIDE + text_width(card.title, TITLE, bold=True) + 8
        if card.badge:
            at += text_width(card.badge, 11, bold=True) + 10
            self.badge(card.badge, at, y + TOP + 11)
            at += 8
        quiet = cut(" · ".join(card.quiet), QUIET, max(x + w - SIDE - at, 0))
        if len(quiet) > 1:
            self.text(quiet, at, y + TOP + 11, QUIET, self.ink.quiet, halo=ground)
        if card.problem:
            self.warn(card, x + w, y)

    def shared(self, sheet: Sheet, dx: float, dy: float) -> None:
        """A dotted line between two calls of one layer that stand beside each other."""
        for key, card in sheet.scene.cards.items():
            if card.same_as not in sheet.boxes:
                continue
            a, b = sheet.boxes[card.same_as], sheet.boxes[key]
            one, two = sorted((a, b), key=lambda r: (r[1], r[0]))
            if abs(one[0] + one[2] / 2 - two[0] - two[2] / 2) < 2 and one[1] + one[3] < two[1]:
                x = one[0] + one[2] / 2 + dx
                ends = (x, one[1] + one[3] + dy, x, two[1] + dy)
            elif abs(one[1] + one[3] / 2 - two[1] - two[3] / 2) < 2:
                one, two = sorted((a, b))
                y = one[1] + one[3] / 2 + dy
                ends = (one[0] + one[2] + dx, y, two[0] + dx, y)
            else:
                continue
            if self._free(sheet, ends, dx, dy):
                x1, y1, x2, y2 = ends
                self.parts.append(
                    f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{self.ink.quiet}" '
                    'stroke-width="2" stroke-dasharray="0.1 5" stroke-linecap="round"/>'
                )

    @staticmethod
    def _free(sheet: Sheet, ends: tuple[float, float, float, float], dx: float, dy: float) -> bool:
        x1, y1, x2, y2 = ends[0] - dx + 1, ends[1] - dy + 1, ends[2] - dx - 1, ends[3] - dy - 1
        return not any(
            min(x1, x2) < b[0] + b[2]
            and max(x1, x2) > b[0]
            and min(y1, y2) < b[1] + b[3]
            and max(y1, y2) > b[1]
            for b in sheet.boxes.values()
        )

    # Wires ------------------------------------------------------------------------------------------

    def wire(self, sheet: Sheet, line: Line, dx: float, dy: float) -> None:
        points = [(x + dx, y + dy) for x, y in line.points]
        points = plain(points)
        arrow = sheet.scene.cards[line.wire.head].look != "gate"
        if line.wire.head in sheet.inside:
            arrow = False
        colour = self.ink.quiet
        dash = (
            ' stroke-dasharray="4 3" stroke-width="1.1"'
            if line.wire.fixed
            else ' stroke-width="1.5"'
        )
        if arrow:
            tip = points[-1]
            points[-1] = before(points[-2], tip, 6.0)
            self.parts.append(self.arrow(points[-2], tip, colour))
        self.parts.append(f'<path d="{path(points)}" fill="none" stroke="{colour}"{dash}/>')

    @staticmethod
    def arrow(before: Point, tip: Point, colour: str) -> str:
        length = max(abs(tip[0] - before[0]) + abs(tip[1] - before[1]), 1e-6)
        ux, uy = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
        norm = (ux * ux + uy * uy) ** 0.5 or 1.0
        ux, uy = ux / norm, uy / norm
        bx, by = tip[0] - 8 * ux, tip[1] - 8 * uy
        return (
            f'<path d="M{tip[0]:.1f} {tip[1]:.1f}L{bx - 3.8 * uy:.1f} {by + 3.8 * ux:.1f}'
            f'L{bx + 3.8 * uy:.1f} {by - 3.8 * ux:.1f}z" fill="{colour}"/>'
        )

    def _first(self, sheet: Sheet, line: Line) -> bool:
        return any(
            other is not line and other.wire.value == line.wire.value for other in sheet.lines
        )

    def dots(self, sheet: Sheet, line: Line, dx: float, dy: float) -> None:
        """A dot where wires of one value part."""
        points = plain(line.points)
        others = [o for o in sheet.lines if o.wire.value == line.wire.value and o is not line]
        for other in others:
            other_points = plain(other.points)
            for p in points[1:-1]:
                met = any(on(p, a, b) for a, b in itertools.pairwise(other_points))
                if met and p not in other_points:
                    self.parts.append(
                        f'<circle cx="{p[0] + dx:.1f}" cy="{p[1] + dy:.1f}" r="2.6" '
                        f'fill="{self.ink.quiet}"/>'
                    )

    # Elements ---------------------------------------------------------------------------------------

    def rect(self, x: float, y: float, w: float, h: float, r: float, look: str) -> None:
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{r:g}" {look}/>'
        )

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        colour: str = "",
        *,
        bold: bool = False,
        anchor: str = "start",
        halo: str = "",
    ) -> None:
        look = f' fill="{colour or self.ink.text}"'
        if bold:
            look += ' font-weight="bold"'
        if anchor != "start":
            look += f' text-anchor="{anchor}"'
        if halo:  # keeps a word readable where a wire runs behind it
            look += f' paint-order="stroke" stroke="{halo}" stroke-width="3"'
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"{look}>{_escaped(text)}</text>'
        )
