"""Which single values a graph may hold, and how much of them: the same for edits and for files."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from builder.errors import did_you_mean, quote
from builder.graph.drawn_parts import FrameColour, FrameKind
from builder.graph.model import (
    Calc,
    Compare,
    Frame,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)

MAX_DEPTH = 20  # levels of brackets inside one argument
MAX_ITEMS = 10_000  # values inside one argument
MAX_TEXT = 10_000  # characters of a text or a note
MAX_NODES = 20_000  # nodes of one graph
MAX_UNFOLDED = 20_000  # layers of a network, every repetition and call of a block counted
MAX_NESTED = 32  # blocks inside each other; written code bears 64
MAX_FRAMES = 500  # frames and notes of one graph
MAX_TITLE = 200  # characters of a frame's title
MAX_INT = 2**63 - 1  # torch counts in 64 bits

DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint8", "bool"),
)
"""The dtypes a value in a network may have, by torch's name."""

CALCULATIONS = ("+", "-", "*", "//")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

_BATCH = re.compile(r"(?:[1-9][0-9]{0,8})?N")
_BROKEN = re.compile(r"[\ud800-\udfff\x00]")


def refuse_argument(value: object) -> str | None:
    """Why a value cannot be an argument at all, None when it can. Says nothing about the layer."""
    return _refuse(value, MAX_DEPTH, [MAX_ITEMS])


def refuse_spec(spec: TensorSpec) -> str | None:
    """Why an input cannot have this shape and dtype, None when it can."""
    if spec.dtype not in DTYPES:
        return f"The dtype {quote(spec.dtype)} is unknown. {did_you_mean(str(spec.dtype), DTYPES) or 'Use float32.'}"
    if len(spec.shape) > 16:
        return f"A shape has at most 16 sizes here, not {len(spec.shape)}."
    for size in spec.shape:
        if isinstance(size, str):
            if not _BATCH.fullmatch(size):
                return f"A size is a whole number from 1, or N for the batch (2N, 3N …), not {quote(size)}."
        elif isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_INT:
            return f"A size is a whole number from 1, or N for the batch, not {quote(size)}."
    return None


def refuse_text(text: str) -> str | None:
    """Why a text cannot be kept, None when it can."""
    if len(text) > MAX_TEXT:
        return f"A text has {len(text):,} characters, of at most {MAX_TEXT:,}."
    return "A text holds a broken character. Write it again." if _BROKEN.search(text) else None


def refuse_position(position: tuple[float, float]) -> str | None:
    """Why a node cannot stand there, None when it can."""
    far = 1e9  # canvas units; also keeps infinity and NaN out
    fine = len(position) == 2 and all(
        isinstance(c, int | float) and not isinstance(c, bool) and -far <= c <= far
        for c in position
    )
    return (
        None if fine else f"A position is two numbers between -1e9 and 1e9, not {quote(position)}."
    )


def refuse_frame(frame: Frame) -> str | None:
    """Why a frame or a note cannot be drawn so, None when it can."""
    if frame.kind not in get_args(FrameKind):
        return f"A frame is a “frame” or a “note”, not {quote(frame.kind)}."
    if frame.colour not in get_args(FrameColour):
        known = ", ".join(get_args(FrameColour))
        hint = did_you_mean(str(frame.colour), get_args(FrameColour)) or f"Known are {known}."
        return f"The colour {quote(frame.colour)} is unknown. {hint}"
    for text, most in ((frame.title, MAX_TITLE), (frame.text, MAX_TEXT)):
        if not isinstance(text, str) or len(text) > most:
            return f"A frame's title has at most {MAX_TITLE} characters, its text {MAX_TEXT:,}."
    if refuse_position(frame.size) or min(frame.size) <= 0:
        return f"A frame's size is two numbers above 0, not {quote(frame.size)}."
    return refuse_text(frame.title) or refuse_text(frame.text) or refuse_position(frame.position)


def refuse_unfolding(root: Graph, before: Graph | None = None) -> str | None:
    """Why blocks cannot be repeated so often or stand so deep, None when they can.

    With `before`, only what has grown since is refused, so that a network can always be made smaller.
    """
    if not root.blocks:
        return None
    layers, depth = unfolded(root)
    if layers <= MAX_UNFOLDED and depth <= MAX_NESTED:
        return None
    had_layers, had_depth = unfolded(before) if before is not None else (0, 0)
    if depth > max(MAX_NESTED, had_depth):
        return f"Blocks would stand {depth:,} deep inside each other, of at most {MAX_NESTED}. Ungroup some of them."
    if layers > max(MAX_UNFOLDED, had_layers):
        many = f"{layers:,}" if layers < _COUNTED else f"more than {_COUNTED:,}"
        return (
            f"With every block written out, the network would have {many} layers, of at most "
            f"{MAX_UNFOLDED:,}. Repeat or call a block less often."
        )
    return None


_COUNTED = 10**12  # nobody needs to know more digits


def unfolded(root: Graph) -> tuple[int, int]:
    """The layers of the network or of its largest block once every block is written out, and how

    many blocks stand inside each other. Unfolds nothing: each block is counted once. Blocks that
    contain themselves are refused elsewhere; here they only end.
    """
    known: dict[str, tuple[int, int]] = {}
    entered: set[str] = set()
    waiting = list(root.blocks)
    while waiting:
        name = waiting[-1]
        if name not in known and name not in entered:
            entered.add(name)
            inner = {o.uses: None for o in root.blocks[name].owners.values() if o.uses}
            waiting += [b for b in inner if b in root.blocks and b not in entered]
            continue
        waiting.pop()
        if name not in known:
            known[name] = _counted(root.blocks[name], known)
    every = [_counted(root, known), *known.values()]
    return max(layers for layers, _ in every), max(depth for _, depth in every)


def _counted(graph: Graph, known: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Layers and depth of one graph, given those of the blocks it calls."""
    calls = Counter(n.target for n in graph.nodes.values() if n.kind == "layer")
    layers = sum(n.kind in ("operation", "branch") for n in graph.nodes.values())
    depth = 0
    for owner in graph.owners.values():
        times = max(1, calls[owner.id])
        if owner.block is None:
            layers += times
            continue
        inner, deep = known.get(owner.block, (0, 0))
        layers += times * owner.repeat * (1 + inner)
        depth = max(depth, 1 + deep)
    return min(layers, _COUNTED), depth


def _refuse(value: object, depth: int, left: list[int]) -> str | None:
    """One walk for every value; `left` counts down how many parts the argument may still have."""
    left[0] -= 1
    if depth < 0:
        return f"It has more than {MAX_DEPTH} brackets inside each other."
    if left[0] < 0:
        return f"It has more than {MAX_ITEMS:,} parts."
    match value:
        case None | bool() | float() | Training() | GradEnabled():
            return None
        case int():
            fits = -MAX_INT <= value <= MAX_INT
            return (
                None if fits else "A whole number is larger than the 64 bits PyTorch counts with."
            )
        case str():
            return refuse_text(value)
        case Ref(node=str(), path=tuple() as path):
            fine = len(path) <= MAX_DEPTH and all(
                type(i) is int and 0 <= i < MAX_ITEMS for i in path
            )
            return None if fine else "The path of a part is a few whole numbers from 0."
        case Size(of=Ref() as of, dim=int() as dim) if not isinstance(dim, bool):
            return _refuse(of, depth, left) or _refuse(dim, depth, left)
        case Calc(op=op, left=one, right=other) if op in CALCULATIONS:
            return _refuse(one, depth - 1, left) or _refuse(other, depth - 1, left)
        case Compare(op=sign, left=one, right=other) if sign in COMPARISONS:
            return _refuse(one, depth - 1, left) or _refuse(other, depth - 1, left)
        case Slice(start=start, stop=stop, step=step):
            return _refuse((start, stop, step), depth, left)
        case Setting(name=str()):
            return None
        case tuple():
            return next((s for part in value if (s := _refuse(part, depth - 1, left))), None)
        case _ if value is ...:
            return None
    return f"{quote(value)} is no value a layer can be given."
