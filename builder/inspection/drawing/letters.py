"""How wide text is, read from the font that the pictures are drawn with.

`assets/layerwise-sans-*.ttf` is Arimo (SIL Open Font License, see `assets/OFL.txt`) with fewer
characters and an arrow more. Its letters are exactly as wide as Arial's, Helvetica's and Liberation
Sans's, so an SVG laid out with it fits on any machine, and a PNG is drawn with the file itself.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ASSETS: Final = Path(__file__).parent / "assets"
FILES: Final = tuple(str(_ASSETS / f"layerwise-sans-{name}.ttf") for name in ("regular", "bold"))
FAMILY: Final = "Layerwise Sans"
STACK: Final = "'Layerwise Sans', Arimo, Arial, Helvetica, 'Liberation Sans', sans-serif"
_WIDE: Final = 1.0  # em of a letter the font lacks: Chinese, Japanese and Korean are that wide


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Pixels that a line of text takes at a font size in pixels."""
    widths = _widths(bold)
    return size * sum(widths.get(ord(letter), _WIDE) for letter in text)


def cut(text: str, size: float, room: float, bold: bool = False) -> str:
    """The text, or as much of it as fits into `room` pixels with "…" behind."""
    if text_width(text, size, bold) <= room:
        return text
    while text and text_width(text + "…", size, bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def broken(text: str, size: float, room: float, most: int) -> tuple[str, ...]:
    """The text in lines of `room` pixels, broken at spaces; what exceeds `most` lines ends in "…"."""
    lines: list[str] = []
    words = [word for word in text.split(" ") if word]  # thin spaces hold a number together
    while words and len(lines) < most:
        line = words.pop(0)
        while words and text_width(f"{line} {words[0]}", size) <= room:
            line = f"{line} {words.pop(0)}"
        if words and len(lines) == most - 1:
            line = f"{line} {words[0]}…"
        lines.append(cut(line, size, room))
    return tuple(lines)


def wrapped(text: str, size: float, room: float, most: int) -> tuple[str, ...]:
    """A person's own text in lines of `room` pixels: their line breaks kept, words too long broken.

    What exceeds `most` lines ends in "…".
    """
    lines: list[str] = []
    for written in text.splitlines():
        line = ""
        for word in written.split():
            joined = f"{line} {word}" if line else word
            if text_width(joined, size) <= room:
                line = joined
                continue
            if line:
                lines.append(line)
            line = word
            while text_width(line, size) > room and len(line) > 1 and len(lines) <= most:
                fits = _fitting(line, size, room)
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line)
        if len(lines) > most:
            return (*lines[: most - 1], cut(lines[most - 1] + " …", size, room))
    return tuple(lines)


def _fitting(text: str, size: float, room: float) -> int:
    """How many letters of a text fit into a line; one at least."""
    used = 0.0
    for i, letter in enumerate(text):
        used += text_width(letter, size)
        if used > room:
            return max(i, 1)
    return len(text)


def drawable(text: str) -> bool:
    """Whether the font has every letter of a text, so that no other font is needed."""
    widths = _widths(False)
    return all(ord(letter) in widths or letter.isspace() for letter in text)


@functools.cache
def _widths(bold: bool) -> Mapping[int, float]:
    """Each character's advance in em, from the font's tables `cmap` (format 4) and `hmtx`.

    Source: learn.microsoft.com, "OpenType specification", the chapters of these names.
    """
    data = Path(FILES[bold]).read_bytes()
    tables = {}
    for i in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _, offset, _ = struct.unpack_from(">4sIII", data, 12 + 16 * i)
        tables[tag] = offset
    em = struct.unpack_from(">H", data, tables[b"head"] + 18)[0]
    count = struct.unpack_from(">H", data, tables[b"hhea"] + 34)[0]
    advances = [struct.unpack_from(">H", data, tables[b"hmtx"] + 4 * i)[0] for i in range(count)]
    start = tables[b"cmap"] + struct.unpack_from(">I", data, tables[b"cmap"] + 8)[0]
    n = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends = struct.unpack_from(f">{n}H", data, start + 14)
    starts = struct.unpack_from(f">{n}H", data, start + 16 + 2 * n)
    deltas = struct.unpack_from(f">{n}H", data, start + 16 + 4 * n)
    at = start + 16 + 6 * n
    offsets = struct.unpack_from(f">{n}H", data, at)
    widths: dict[int, float] = {}
    for i, (first, last, delta, offset) in enumerate(
        zip(starts, ends, deltas, offsets, strict=True)
    ):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                place = at + 2 * i + offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", data, place)[0]
            glyph = (glyph + delta) & 0xFFFF
            if glyph:
                widths[code] = advances[min(glyph, count - 1)] / em
    return widths
