"""What is only drawn: frames and notes behind the nodes of a canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FrameKind = Literal["frame", "note"]
FrameColour = Literal["grey", "blue", "teal", "green", "yellow", "orange", "red", "purple"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A coloured frame behind nodes on the canvas, or a note without a border. It changes no code.

    `position`: its upper left corner, `size`: width and height, both in canvas units.
    """

    title: str = ""
    colour: FrameColour = "grey"
    position: tuple[float, float] = (0, 0)
    size: tuple[float, float] = (320, 200)
    text: str = ""
    kind: FrameKind = "frame"
