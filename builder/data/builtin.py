"""The sets that come with scikit-learn, so they work offline: measured tables, and digits.

Facts on the cards are those of the UCI Machine Learning Repository (which gives these sets under
CC BY 4.0), of scikit-learn's own descriptions, and of the papers named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from builder.data.card import Card, Option, Target
from builder.data.registry import Columns, Options, Samples, Source, register
from builder.graph.model import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_UCI_LICENCE = "CC BY 4.0 (UCI); shipped with scikit-learn (BSD-3-Clause)"

IRIS = Card(
    key="iris",
    title="Iris",
    description="Three kinds of iris told apart by the size of their petals and sepals.",
    rows=150,
    spec=TensorSpec(("N", 4)),
    target=Target("classes", "species", ("setosa", "versicolor", "virginica")),
    features=("sepal length", "sepal width", "petal length", "petal width"),
    units="centimetres",
    origin="R. A. Fisher, 1936, as corrected in scikit-learn; UCI, doi 10.24432/C56C76",
    licence=_UCI_LICENCE,
    link="https://archive.ics.uci.edu/dataset/53/iris",
)

WINE = Card(
    key="wine",
    title="Wine",
    description="Which of three growers made an Italian wine, from its chemical analysis.",
    rows=178,
    spec=TensorSpec(("N", 13)),
    target=Target("classes", "grower", ("grower 1", "grower 2", "grower 3")),
    features=(
        "alcohol",
        "malic acid",
        "ash",
        "alcalinity of ash",
        "magnesium",
        "total phenols",
        "flavanoids",
        "nonflavanoid phenols",
        "proanthocyanins",
        "color intensity",
        "hue",
        "od280/od315 of diluted wines",
        "proline",
    ),
    units="as measured, different for each column: standardise",
    origin="M. Forina et al., PARVUS; S. Aeberhard, 1992; UCI, doi 10.24432/C5PC7J",
    licence=_UCI_LICENCE,
    link="https://archive.ics.uci.edu/dataset/109/wine",
)

_NUCLEUS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)

BREAST_CANCER = Card(
    key="breast_cancer",
    title="Breast cancer",
    description="Malignant or benign, from the shape of cell nuclei under a microscope.",
    rows=569,
    spec=TensorSpec(("N", 30)),
    target=Target("classes", "diagnosis", ("malignant", "benign")),
    features=(
        *(f"mean {part}" for part in _NUCLEUS),
        *(f"{part} error" for part in _NUCLEUS),
        *(f"worst {part}" for part in _NUCLEUS),
    ),
    units="pixels of the microscope picture and ratios: standardise",
    origin="Wolberg, Mangasarian, Street & Street, Wisconsin, 1993; UCI, doi 10.24432/C5DW2B",
    licence=_UCI_LICENCE,
    link="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
)

DIABETES = Card(
    key="diabetes",
    title="Diabetes",
    description="How far diabetes has gone after a year, from ten measurements at its start.",
    rows=442,
    spec=TensorSpec(("N", 10)),
    target=Target("number", "progression", unit="points (25 to 346)"),
    features=(
        "age",
        "sex",
        "body mass index",
        "blood pressure",
        "total cholesterol",
        "ldl",
        "hdl",
        "total cholesterol / hdl",
        "log triglycerides",
        "blood sugar",
    ),
    units="years, kg/m², mm Hg, mg/dl; sex as 1 or 2",
    origin="Efron, Hastie, Johnstone & Tibshirani, “Least Angle Regression”, 2004",
    licence="no licence stated by its authors; shipped with scikit-learn (BSD-3-Clause)",
    link="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
)

_LAYOUT = Option(
    "layout",
    "choice",
    "pictures",
    choices=("pictures", "flat"),
    title="Layout",
    help="Pictures of 1×8×8 for convolutions, or flat rows of 64 numbers for linear layers.",
)


def _describe_digits(options: Options) -> Card:
    flat = options.get("layout", _LAYOUT.default) == "flat"
    return Card(
        key="digits",
        title="Digits",
        description="Handwritten digits, scanned small: the quickest real picture task.",
        rows=1797,
        spec=TensorSpec(("N", 64) if flat else ("N", 1, 8, 8)),
        target=Target("classes", "digit", tuple(str(digit) for digit in range(10))),
        units="ink in 17 steps, 0 (paper) to 1 (full)",
        origin="E. Alpaydin & C. Kaynak, 1998, test part; UCI, doi 10.24432/C50P49",
        licence=_UCI_LICENCE,
        link="https://archive.ics.uci.edu/dataset/80",
        family="pictures",
        options=(_LAYOUT,),
    )


def _load_digits(options: Options) -> Samples:
    import numpy as np
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    x = (bunch.images / 16.0).astype(np.float32)
    shape = (64,) if options["layout"] == "flat" else (1, 8, 8)
    return Samples(x.reshape(-1, *shape), bunch.target.astype(np.int64))


def _table(card: Card, x: npt.NDArray[np.float64], y: npt.NDArray[Any]) -> Columns:
    import pyarrow as pa

    columns: dict[str, Any] = {name: pa.array(x[:, i]) for i, name in enumerate(card.features)}
    names = card.target.names
    columns[card.target.name] = pa.array([names[code] for code in y] if names else y)
    return Columns(pa.table(columns), card.target.name)


def _load_table(card: Card, loader: str, arguments: Mapping[str, bool]) -> Columns:
    from sklearn import datasets

    bunch: Any = getattr(datasets, loader)(**arguments)
    return _table(card, bunch.data, bunch.target)


def _register_tables() -> None:
    for card, loader, arguments in (
        (IRIS, "load_iris", {}),
        (WINE, "load_wine", {}),
        (BREAST_CANCER, "load_breast_cancer", {}),
        # scaled=False gives the measurements themselves; standardising is the recipe's part.
        (DIABETES, "load_diabetes", {"scaled": False}),
    ):

        def describe(options: Options, card: Card = card) -> Card:
            return card

        def load(
            options: Options,
            card: Card = card,
            loader: str = loader,
            arguments: Mapping[str, bool] = arguments,
        ) -> Columns:
            return _load_table(card, loader, arguments)

        register(Source(card.key, describe, load))


register(Source("digits", _describe_digits, _load_digits))
_register_tables()
