"""data.py: the rows a network is trained on, prepared as the app prepares them.

A built-in set is loaded from where it comes from, and split and scaled in the open; the text is run
here, and only taken where it gives the very rows of the app. Everything else, and every file of a
person's own, lies in data.safetensors beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from builder.code.building import source_module
from builder.data.split import part_sizes
from builder.errors import LayerwiseError
from builder.export.names import as_comment, as_literal
from builder.training.prepare import Plan
from builder.training.tensors import PARTS

if TYPE_CHECKING:
    from torch import Tensor

    from builder.data.choice import DataChoice

_MOST_NAMES: Final = 100


@dataclass(frozen=True)
class DataScript:
    """The text of data.py. `rows`: what lies beside it, {} for a built-in set. `needs`: packages."""

    text: str
    rows: Mapping[str, Tensor]
    needs: tuple[str, ...]


def data_script(plan: Plan) -> DataScript:
    """The rows of a plan as a script."""
    wanted = wanted_rows(plan)
    text = built_in(plan)
    if text is not None and _gives(text, wanted):
        needs = ("numpy", "scikit-learn") if "sklearn" in text else ("numpy",)
        return DataScript(text, {}, needs)
    tensors = {
        f"{name}.{letter}": value.contiguous().clone()
        for name, pair in wanted.items()
        for letter, value in zip("xy", pair, strict=True)
    }
    return DataScript(_doc(plan) + _STORED, tensors, ())


def wanted_rows(plan: Plan) -> dict[str, tuple[Tensor, Tensor]]:
    """x and y of every part, as the loss takes them."""
    found = {}
    for name in PARTS:
        if name in plan.data.parts:
            x, y = plan.data.parts[name]
            goal = x if plan.settings.goal == "input" else y
            found[name] = (x, plan.loss.prepare(goal, plan.output_shape))
    return found


def built_in(plan: Plan) -> str | None:
    """data.py of a built-in set with its own target; None for any other."""
    from builder.data import DataChoice, card_of
    from builder.data.registry import source

    try:
        choice = DataChoice.from_json(plan.data.about.get("choice"))
        card = card_of(choice.source, choice.options)
        options = {o.name: o.default for o in source(choice.source).describe({}).options}
    except LayerwiseError:
        return None
    load = _LOADS.get(choice.source)
    own_target = choice.target in ("", card.target.name) and choice.columns is None
    if (
        load is None
        or not own_target
        or (choice.task == "number") != (card.target.kind == "number")
    ):
        own_target = own_target and choice.task == "auto"
    if load is None or not own_target:
        return None
    options |= choice.options
    values = {name: as_literal(value) for name, value in options.items()}
    values["flat"] = "64" if options.get("layout") == "flat" else "1, 8, 8"
    lines = load.format(**values)
    classes = card.target.kind != "number"
    scaled = card.standardise if choice.standardise is None else choice.standardise
    return "".join(
        (
            _doc(plan),
            _HEAD,
            "from sklearn import datasets\n" if "datasets." in lines else "",
            _LOAD.format(lines=lines, y="int64" if classes else "float32"),
            _SPREAD if classes else "",
            _split(plan, choice, classes),
            _SCALE if scaled else "",
            _parts(plan, choice, scaled),
        )
    )


def _doc(plan: Plan) -> str:
    data = plan.data
    names = ""
    for what, listed in (("Columns", data.about.get("features")), ("Classes", data.classes)):
        if listed:
            names += f"\n\n{what}: {as_comment(', '.join(map(str, listed[:_MOST_NAMES])), 2000)}."
    return (
        f'"""The rows of {as_comment(data.title)}, prepared as in Layerwise; to learn: '
        f'{as_comment(data.target)}.{names}\n"""\n\n'
    )


def _split(plan: Plan, choice: DataChoice, classes: bool) -> str:
    rows = sum(plan.data.rows.values())
    train, validation, _ = part_sizes(rows, choice.split)
    order = "spread(classes, random)" if classes else "random.permutation(len(classes))"
    return _SPLIT.format(
        seed=choice.split_seed, order=order, first=train, second=train + validation
    )


def _parts(plan: Plan, choice: DataChoice, scaled: bool) -> str:
    shape = f"    x = x.reshape(len(x), {_sizes(choice.shape)})\n" if choice.shape else ""
    scale = '    x = standardised(x, numbers["train"])\n' if scaled else ""
    if plan.loss.form == "class":
        kind, sizes = "torch.int64", plan.output_shape[1:]
    else:
        kind, sizes = "torch.float32", plan.output_shape
    goal = "x" if plan.settings.goal == "input" else "y"
    return _PARTS_OF.format(
        shape=shape, scale=scale, goal=goal, kind=kind, sizes="".join(f", {s}" for s in sizes)
    )


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _gives(text: str, wanted: Mapping[str, tuple[Tensor, Tensor]]) -> bool:
    """Whether the text gives the very rows. It is ours: nothing of a person stands in it as code."""
    import torch

    given: Any = vars(source_module(text, "data.py"))["load_data"]()
    return list(given) == list(wanted) and all(
        a.dtype == b.dtype and torch.equal(a, b)
        for name, pair in wanted.items()
        for a, b in zip(given[name], pair, strict=True)
    )


_POINTS = """    random = np.random.Generator(np.random.PCG64({seed}))
%s    x = points + {noise} * random.standard_normal(points.shape)
    y = codes
"""
_CURVE = """    random = np.random.Generator(np.random.PCG64({seed}))
%s    y = curve + {noise} * random.standard_normal(curve.shape)
"""
_TABLE = "    table = datasets.load_%s(%s)\n    x, y = table.data, table.target\n"

_LOADS: Final[Mapping[str, str]] = {
    "digits": (
        "    digits = datasets.load_digits()\n"
        "    x, y = (digits.images / 16.0).reshape(-1, {flat}), digits.target\n"
    ),
    "iris": _TABLE % ("iris", ""),
    "wine": _TABLE % ("wine", ""),
    "breast_cancer": _TABLE % ("breast_cancer", ""),
    "diabetes": _TABLE % ("diabetes", "scaled=False"),
    "moons": _POINTS
    % """    codes = np.arange({n}) % 2
    angle = random.random({n}) * np.pi
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.where(codes[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    points = points - np.array([0.5, 0.25])
""",
    "circles": _POINTS
    % """    codes = np.arange({n}) % 2
    radius = np.where(codes == 0, 1.0, 0.5)
    angle = random.random({n}) * 2 * np.pi
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
""",
    "blobs": _POINTS
    % """    codes = np.arange({n}) % {classes}
    angle = random.random() * 2 * np.pi + codes * (2 * np.pi / {classes})
    points = np.stack([2.0 * np.cos(angle), 2.0 * np.sin(angle)], axis=1)
""",
    "spirals": _POINTS
    % """    codes = np.arange({n}) % {classes}
    along = np.sqrt(random.random({n}))
    angle = codes * (2 * np.pi / {classes}) + along * 3 * np.pi
    radius = along * 2.0
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
""",
    "xor": _POINTS
    % """    codes = np.arange({n}) % 2
    points = random.random(({n}, 2)) * 2 - 1
    points[:, 1] = np.abs(points[:, 1]) * np.sign(points[:, 0]) * np.where(codes == 0, 1, -1)
""",
    "line": _CURVE
    % """    x = random.random(({n}, 1)) * 2 - 1
    curve = 2 * x[:, 0] + 1
""",
    "sine": _CURVE
    % """    x = random.random(({n}, 1)) * 4 - 2
    curve = np.sin(np.pi * x[:, 0])
""",
}
"""How a built-in set comes to x and y."""

_HEAD = """from typing import Any

import numpy as np
import torch
"""

_LOAD = '''from torch import Tensor

Values = np.ndarray[Any, np.dtype[Any]]


def load_rows() -> tuple[Values, Values]:
    """x (rows, …) and y (rows,), as the set has them."""
{lines}    return x.astype(np.float32), y.astype(np.{y})


'''

_SPREAD = '''def spread(classes: Values, random: np.random.Generator) -> Values:
    """All rows in an order of which any stretch holds every class in about its share."""
    place = np.empty(len(classes))
    for code in np.unique(classes):
        shuffled = random.permutation(np.flatnonzero(classes == code))
        offsets = random.random(len(shuffled))
        offsets[0] = 0.0
        place[shuffled] = (np.arange(len(shuffled)) + offsets) / len(shuffled)
    return np.argsort(place, kind="stable")


'''

_SPLIT = '''def split(classes: Values) -> dict[str, Values]:
    """The numbers of the rows that train, validate and test."""
    random = np.random.Generator(np.random.PCG64({seed}))
    order = {order}
    parts = np.split(order, [{first}, {second}])
    names = ("train", "validation", "test")
    return {{name: np.sort(part) for name, part in zip(names, parts, strict=True) if len(part)}}


'''

_SCALE = '''def standardised(x: Values, training: Values) -> Values:
    """Mean 0 and deviation 1 in every column (channel), measured on the training rows."""
    axes = (0, *range(2, x.ndim))
    mean = x[training].mean(axis=axes, dtype=np.float64, keepdims=True)
    deviation = x[training].std(axis=axes, dtype=np.float64, keepdims=True)
    deviation[deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-30)] = 1.0  # a constant
    scaled: Values = (x - mean.astype(np.float32)) / deviation.astype(np.float32)
    return scaled


'''

_PARTS_OF = '''def load_data() -> dict[str, tuple[Tensor, Tensor]]:
    """x and y for "train", "validation" and "test"; a part without rows is left out."""
    x, y = load_rows()
    numbers = split(y)
{shape}{scale}    parts = {{}}
    for name, rows in numbers.items():
        goal = torch.from_numpy({goal}[rows]).to({kind})
        parts[name] = (torch.from_numpy(x[rows]), goal.reshape(len(rows){sizes}))
    return parts
'''

_STORED = '''from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor


def load_data() -> dict[str, tuple[Tensor, Tensor]]:
    """x and y for "train", "validation" and "test"; a part without rows is left out."""
    tensors = load_file(Path(__file__).with_name("data.safetensors"))
    return {
        name: (tensors[f"{name}.x"], tensors[f"{name}.y"])
        for name in ("train", "validation", "test")
        if f"{name}.x" in tensors
    }
'''
