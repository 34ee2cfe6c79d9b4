"""The colours of Layerwise's pictures, and the one plotly template they all share.

A layer family has one colour everywhere: on the canvas, in the code margin, in diagrams and charts.
The nine families met most were spread by a search in OKLab so that any two stay apart for normal
sight and for the three dichromacies as simulated by Machado et al. (2009); every colour has a
contrast of at least 3:1 with the page. A name always stands beside it: colour alone says nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from builder.catalogue.entry import Family
from builder.graph.drawn_parts import FrameColour

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, slots=True)
class Colours:
    """One family's colours, as "#rrggbb": `mark` for lines and dots, `fill` behind `text`."""

    mark: str
    fill: str
    text: str


@dataclass(frozen=True, slots=True)
class Ink:
    """What a page is drawn with: text, quieter text, lines and the ground beneath, as "#rrggbb"."""

    text: str
    quiet: str
    line: str
    ground: str


_INK: Final = {
    False: Ink(text="#1b2430", quiet="#5a6675", line="#c9d1da", ground="#ffffff"),
    True: Ink(text="#eef2f6", quiet="#a3afbc", line="#3c4754", ground="#0e1117"),
}

_FAMILY_MARKS: Final[Mapping[Family, tuple[str, str]]] = {  # light page, dark page
    "linear": ("#1039a1", "#5a6fe2"),
    "convolution": ("#c03e0a", "#b06504"),
    "pooling": ("#c9800e", "#f0ca01"),
    "activation": ("#047b50", "#63f09a"),
    "normalization": ("#7e5cd2", "#cc92ff"),
    "dropout": ("#a18b85", "#c2d8eb"),
    "recurrent": ("#944e93", "#f56a96"),
    "transformer": ("#3d2e5d", "#6e5c8e"),
    "embedding": ("#3699ca", "#08acbf"),
    "padding": ("#95747a", "#e0a071"),
    "vision": ("#4181ba", "#90c0d7"),
    "distance": ("#7b8858", "#8bb41f"),
    "shape": ("#515d6c", "#b2c1ad"),
    "arithmetic": ("#533c36", "#8b706e"),
    "reduction": ("#8d3b1f", "#c67e4f"),
    "merge": ("#752006", "#b13a42"),
    "other": ("#51485c", "#8a947d"),
}

# The colours of frames and notes, as `frontend/canvas/src/style.css` has them: light page, dark page.
_FRAME_COLOURS: Final[Mapping[FrameColour, tuple[str, str]]] = {
    "grey": ("#6b7683", "#97a3b1"),
    "blue": ("#2f6fb3", "#6aa9e6"),
    "teal": ("#12808a", "#4fb9c2"),
    "green": ("#2c8a4b", "#66c487"),
    "yellow": ("#a98307", "#d8b53a"),
    "orange": ("#c2660c", "#ea9a4a"),
    "red": ("#c23b3b", "#ea7f7f"),
    "purple": ("#7e5cd2", "#b497f0"),
}

TRAIN: Final = ("#0072b2", "#56b4e9")
VALIDATION: Final = ("#d55e00", "#e69f00")
TEST: Final = ("#009e73", "#2fc99b")

_RUN_COLOURS: Final = (
    ("#0072b2", "#d55e00", "#009e73", "#a8528a", "#8a6d00", "#3a8fc4", "#333333", "#8f3b76"),
    ("#56b4e9", "#e69f00", "#2fc99b", "#dd8fbd", "#f0e442", "#ff8f5a", "#d0d6dc", "#b7a4f5"),
)
DASHES: Final = ("solid", "dash", "dot", "dashdot")

# Weights: white (or the page's dark) is zero, blue below and orange above: Okabe and Ito's two poles.
DIVERGING: Final = (
    ((0.0, "#0b3c7d"), (0.25, "#5b9bd5"), (0.5, "#f7f7f7"), (0.75, "#ee9a4d"), (1.0, "#9c3d00")),
    ((0.0, "#8cc8ff"), (0.25, "#2f6fb3"), (0.5, "#161b22"), (0.75, "#b85f10"), (1.0, "#ffc47d")),
)
SEQUENTIAL: Final = "Cividis"

FONT: Final = '"Source Sans", "Source Sans 3", system-ui, sans-serif'
FONT_SIZE: Final = 15  # pixels: still read from the last row of a classroom


def ink(dark: bool) -> Ink:
    """The colours of text, lines and ground."""
    return _INK[dark]


def family_colours(family: Family, dark: bool = False) -> Colours:
    """The colours of a layer family on a light or a dark page."""
    mark = _FAMILY_MARKS[family][dark]
    ground = _INK[dark]
    return Colours(
        mark=mark, fill=mix(mark, ground.ground, 0.22 if dark else 0.14), text=ground.text
    )


def frame_colour(colour: FrameColour, dark: bool = False) -> str:
    """The colour of a frame or a note on the canvas, before it is mixed with the page's."""
    return _FRAME_COLOURS[colour][dark]


def split_colour(split: str, dark: bool = False) -> str:
    """The colour of "train", "validation" or "test", the same in every chart."""
    return {"train": TRAIN, "validation": VALIDATION, "test": TEST}[split][dark]


def problem_colour(dark: bool = False) -> str:
    """The outline of a layer that has a problem."""
    return "#ff6b6b" if dark else "#c4122f"


def run_colour(index: int, dark: bool = False) -> str:
    """The colour of the index-th of several runs on one chart; it comes round after eight."""
    colours = _RUN_COLOURS[dark]
    return colours[index % len(colours)]


def run_dash(index: int) -> str:
    """The line style that keeps runs apart once the colours come round."""
    return DASHES[(index // len(_RUN_COLOURS[0])) % len(DASHES)]


def mix(over: str, under: str, share: float) -> str:
    """`over` laid on `under` with an opacity of `share` (0 to 1); all as "#rrggbb"."""
    pairs = [(int(over[i : i + 2], 16), int(under[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


@functools.cache
def template(dark: bool = False) -> go.layout.Template:
    """The plotly template of every figure: transparent paper, quiet grid, legible from afar.

    Give figures to Streamlit with `theme=None`: its own theme would paint over this one.
    """
    import plotly.graph_objects as go

    page = _INK[dark]
    axis = {
        "gridcolor": mix(page.line, page.ground, 0.6),
        "zerolinecolor": page.line,
        "linecolor": page.line,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": page.line,
        "tickfont": {"size": FONT_SIZE - 1, "color": page.quiet},
        "title": {"font": {"size": FONT_SIZE, "color": page.text}, "standoff": 10},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": FONT_SIZE, "color": page.text},
            "separators": ".\u2009",  # thin spaces between thousands, as everywhere
            "title": {"font": {"size": FONT_SIZE + 2}, "x": 0, "xanchor": "left"},
            "colorway": list(_RUN_COLOURS[dark]),
            "colorscale": {
                "diverging": [list(stop) for stop in DIVERGING[dark]],
                "sequential": SEQUENTIAL,
            },
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"size": FONT_SIZE},
                "bgcolor": "rgba(0,0,0,0)",
            },
            "hovermode": "x unified",
            "hoverlabel": {
                "bgcolor": mix(page.text, page.ground, 0.06),
                "bordercolor": page.line,
                "font": {"family": FONT, "size": FONT_SIZE - 1, "color": page.text},
            },
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 14}},
        }
    )
