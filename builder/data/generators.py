"""Sets drawn on the spot from a seed: points in the plane to tell apart, and curves to follow.

Only numpy is needed, so these load at once. The same options give the same bytes: numpy's PCG64
stream is stable across versions for `random`, `normal` and `permutation` on one platform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from builder.data.card import Card, Option, Target
from builder.data.registry import Columns, Options, Source, register
from builder.graph.model import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Codes: TypeAlias = npt.NDArray[np.int64]
    Draw: TypeAlias = Callable[[np.random.Generator, dict[str, Any]], tuple[Floats, Any]]

_ORIGIN = "Drawn on the spot by Layerwise from the seed"
_LICENCE = "none needed: made-up numbers"
_UNITS = "none: coordinates around 0"


def _options(noise: float, n: int = 500, most_noise: float = 1.0) -> tuple[Option, ...]:
    return (
        Option("n", "int", n, 10, 20_000, title="Rows", help="How many rows are drawn."),
        Option(
            "noise",
            "float",
            noise,
            0.0,
            most_noise,
            title="Noise",
            help="Standard deviation of what is added to each value.",
        ),
        Option("seed", "int", 0, 0, 2**31 - 1, title="Seed", help="The same seed, the same set."),
    )


def _classes(default: int, most: int) -> Option:
    return Option("classes", "int", default, 2, most, title="Classes", help="How many groups.")


def _circle_of(angle: Floats, radius: Floats | float) -> Floats:
    import numpy as np

    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def moons(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Codes]:
    """Two half circles that hold each other: (n, 2) points, codes 0 (upper) and 1 (lower)."""
    import numpy as np

    codes = np.arange(options["n"]) % 2
    upper = _circle_of(random.random(options["n"]) * np.pi, 1.0)
    points = np.where(codes[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return points - np.array([0.5, 0.25]), codes


def circles(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Codes]:
    """A ring around a ring: radius 1 (code 0, outer) and 0.5 (code 1, inner)."""
    import numpy as np

    codes = np.arange(options["n"]) % 2
    radius = np.where(codes == 0, 1.0, 0.5)
    return _circle_of(random.random(options["n"]) * 2 * np.pi, radius), codes


def blobs(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Codes]:
    """Round heaps on a circle of radius 2, one a class; `noise` is their spread."""
    import numpy as np

    codes = np.arange(options["n"]) % options["classes"]
    turn = random.random() * 2 * np.pi
    return _circle_of(turn + codes * (2 * np.pi / options["classes"]), 2.0), codes


def spirals(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Codes]:
    """Arms that wind one and a half times around the middle, one a class."""
    import numpy as np

    codes = np.arange(options["n"]) % options["classes"]
    along = np.sqrt(random.random(options["n"]))
    start = codes * (2 * np.pi / options["classes"])
    return _circle_of(start + along * 3 * np.pi, along * 2.0), codes


def xor(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Codes]:
    """Squares of a chessboard, -1 to 1: code 0 where both signs agree, 1 where they differ."""
    import numpy as np

    codes = np.arange(options["n"]) % 2
    points = random.random((options["n"], 2)) * 2 - 1
    points[:, 1] = np.abs(points[:, 1]) * np.sign(points[:, 0]) * np.where(codes == 0, 1, -1)
    return points, codes


def line(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Floats]:
    """y = 2x + 1 for x from -1 to 1."""
    x = random.random((options["n"], 1)) * 2 - 1
    return x, 2 * x[:, 0] + 1


def sine(random: np.random.Generator, options: dict[str, Any]) -> tuple[Floats, Floats]:
    """y = sin(πx) for x from -2 to 2: two full waves."""
    import numpy as np

    x = random.random((options["n"], 1)) * 4 - 2
    return x, np.sin(np.pi * x[:, 0])


def _register(
    key: str,
    title: str,
    description: str,
    draw: Draw,
    options: tuple[Option, ...],
    name_classes: Callable[[Options], tuple[str, ...]] | None,
) -> None:
    """Points get their noise on the coordinates, curves on y."""
    features = ("x1", "x2") if name_classes else ("x",)

    def describe(chosen: Options) -> Card:
        values: Options = {option.name: option.default for option in options} | dict(chosen)
        target = (
            Target("classes", "class", name_classes(values))
            if name_classes
            else Target("number", "y")
        )
        return Card(
            key=key,
            title=title,
            description=description,
            rows=int(values["n"]),
            spec=TensorSpec(("N", len(features))),
            target=target,
            features=features,
            units=_UNITS,
            origin=_ORIGIN,
            licence=_LICENCE,
            family="generated",
            options=options,
            standardise=False,
        )

    def load(chosen: Options) -> Columns:
        import numpy as np
        import pyarrow as pa

        random = np.random.Generator(np.random.PCG64(int(chosen["seed"])))
        x, y = draw(random, dict(chosen))
        noise = float(chosen["noise"])
        columns: dict[str, Any] = {}
        if name_classes:
            x = x + noise * random.standard_normal(x.shape)
            names = name_classes(chosen)
            target = pa.array([names[code] for code in y])
        else:
            target = pa.array(y + noise * random.standard_normal(y.shape))
        columns = {name: pa.array(x[:, i]) for i, name in enumerate(features)}
        card = describe(chosen)
        columns[card.target.name] = target
        return Columns(pa.table(columns), card.target.name)

    register(Source(key, describe, load))


def _numbered(word: str) -> Callable[[Options], tuple[str, ...]]:
    return lambda options: tuple(f"{word} {i + 1}" for i in range(int(options["classes"])))


_register(
    "moons",
    "Moons",
    "Two half circles that hold each other: no straight line parts them.",
    moons,
    _options(noise=0.15),
    lambda options: ("upper", "lower"),
)
_register(
    "circles",
    "Circles",
    "A ring around a ring: one hidden layer is enough, none is not.",
    circles,
    _options(noise=0.08),
    lambda options: ("outer", "inner"),
)
_register(
    "blobs",
    "Blobs",
    "Round heaps of points, one a class: what a linear layer can do.",
    blobs,
    (*_options(noise=0.5, most_noise=3.0), _classes(3, 12)),
    _numbered("blob"),
)
_register(
    "spirals",
    "Spirals",
    "Arms wound around each other: needs depth, width and patience.",
    spirals,
    (*_options(noise=0.05, n=900), _classes(3, 6)),
    _numbered("arm"),
)
_register(
    "xor",
    "XOR",
    "Same sign or different sign: the set that a single layer cannot learn.",
    xor,
    _options(noise=0.05),
    lambda options: ("same sign", "different sign"),
)
_register(
    "line",
    "Line",
    "Linear regression: find the 2 and the 1 in y = 2x + 1.",
    line,
    _options(noise=0.2, n=200),
    None,
)
_register(
    "sine",
    "Sine",
    "A wave to follow: what hidden layers add to a straight line.",
    sine,
    _options(noise=0.1),
    None,
)
