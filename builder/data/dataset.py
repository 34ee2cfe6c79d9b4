"""`load_dataset`: a choice in, tensors out, the same ones every time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.data.card import Card, Target, check_options
from builder.data.choice import DataChoice
from builder.data.prepare import Prepared, prepare
from builder.data.registry import Columns, Content, Samples, source
from builder.data.split import split_rows
from builder.data.standardise import Scale, fit_scale
from builder.errors import DataRefused, did_you_mean, quote
from builder.graph.model import TensorSpec, format_shape

FILE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".data", ".parquet", ".pq")

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa
    import torch

    Floats = npt.NDArray[np.float32]


class Part(NamedTuple):
    """Rows for one purpose: `x` (rows, *shape) float32; `y` as the `Target` says."""

    x: torch.Tensor
    y: torch.Tensor


@dataclass(frozen=True, eq=False)
class Dataset:
    """Tensors ready for batches, and what was done to get them.

    `card`: the set's, with the input and target these tensors have. `features`: one name a column
    of x, () for pictures. `scale`: what standardised x, None when nothing did. `notes`: what was
    handled, one sentence each. `head`: the first rows as they were brought, None for pictures.
    """

    choice: DataChoice
    card: Card
    train: Part
    validation: Part
    test: Part
    features: tuple[str, ...]
    scale: Scale | None
    notes: tuple[str, ...]
    head: pa.Table | None

    @property
    def input_spec(self) -> TensorSpec:
        """One batch of inputs: float32, ("N", 4) or ("N", 1, 8, 8)."""
        return self.card.spec

    @property
    def target(self) -> Target:
        """What y holds."""
        return self.card.target

    @property
    def rows(self) -> int:
        """How many rows the three parts hold together."""
        return sum(len(part.x) for part in (self.train, self.validation, self.test))

    def preview(self, rows: int = 20) -> pd.DataFrame:
        """The first rows as brought; for pictures the first of the training part, pixel by pixel."""
        import pandas as pd

        if self.head is not None:
            frame: pd.DataFrame = self.head.slice(0, rows).to_pandas()
            return frame
        pixels = self.train.x[:rows].flatten(1).numpy()
        table = pd.DataFrame(pixels, columns=[f"pixel {i}" for i in range(pixels.shape[1])])
        names, codes = self.target.names, self.train.y[:rows].flatten().tolist()
        table.insert(0, self.target.name, [names[int(c)] for c in codes] if names else codes)
        return table


def load_dataset(
    choice: DataChoice | Mapping[str, Any] | str | None = None,
    *,
    path: str | Path | None = None,
    owner_dir: Path | None = None,
    **fields: Any,
) -> Dataset:
    """Loads a data set: `load_dataset("digits")`, `load_dataset(path="x.csv", target="species")`.

    Args:    choice: a name, a DataChoice, or its JSON. path: a file instead, read as an upload is.
             owner_dir: where an owner's uploads lie. fields: fields of DataChoice to set.
    Returns: tensors on the CPU; the same choice gives the same bytes.
    Errors:  DataRefused; NotFound for a name that is no data set.
    """
    fields = {name: value for name, value in fields.items() if value is not None}
    if isinstance(choice, str) and path is None and _is_path(choice):
        choice, path = None, choice
    if (choice is None) == (path is None):
        raise DataRefused("Name a data set or give the path of a file, one of the two.")
    if path is not None:
        return _load_file(Path(path), fields)
    choice = _chosen(choice, fields)
    if choice.upload_id is not None:
        return _load_upload(choice, owner_dir)
    found = source(choice.source)
    plain = found.describe({})
    options = check_options(plain.title, plain.options, choice.options)
    return build_dataset(choice, found.describe(options), found.load(options))


def title_of(choice: DataChoice, owner_dir: Path | None = None) -> str:
    """What a chosen set is called. Errors: NotFound when it is gone; DataRefused."""
    if choice.upload_id is None:
        return source(choice.source).describe({}).title
    from builder.data.uploads import open_upload

    if owner_dir is None:
        raise DataRefused("An uploaded file belongs to someone. Give owner_dir, its folder.")
    return open_upload(owner_dir, choice.upload_id).filename


def build_dataset(choice: DataChoice, card: Card, content: Content) -> Dataset:
    """Carries out a choice on the content of a set. Errors: DataRefused."""
    head = None
    if isinstance(content, Columns):
        known = (
            card.target if card.target.name == content.target and card.family != "upload" else None
        )
        made = prepare(content.table, content.target, known, choice)
        head = content.table.slice(0, 50)
    else:
        made = _prepare_samples(content, card, choice)
    x, shaped = _shaped(made.x, choice)
    scale = None
    if card.standardise if choice.standardise is None else choice.standardise:
        keep = made.one_hot if x.ndim == 2 else ()
        scale = fit_scale(x[made.split.train], keep)
        x = scale.apply(x)
    features = () if shaped else made.features
    effective = replace(
        card,
        spec=TensorSpec(("N", *x.shape[1:])),
        target=made.target,
        features=features,
    )
    return Dataset(
        choice,
        effective,
        train=_part(x, made.y, made.split.train),
        validation=_part(x, made.y, made.split.validation),
        test=_part(x, made.y, made.split.test),
        features=features,
        scale=scale,
        notes=(*made.notes, *_scale_notes(x, made, scale)),
        head=head,
    )


def _is_path(name: str) -> bool:
    """A name that can only be a file's: with an ending we read, or with a folder in it."""
    return name.lower().endswith(FILE_ENDINGS) or "/" in name or "\\" in name


def _chosen(
    choice: DataChoice | Mapping[str, Any] | str | None, fields: dict[str, Any]
) -> DataChoice:
    if isinstance(choice, str):
        choice = DataChoice(choice)
    elif not isinstance(choice, DataChoice):
        choice = DataChoice.from_json(choice)
    known = DataChoice.__dataclass_fields__
    for name in fields:
        if name not in known:
            hint = did_you_mean(name, known) or f"It has {', '.join(known)}."
            raise DataRefused(f"A choice of data has no field {quote(name)}. {hint}")
    return replace(choice, **fields)


def _load_upload(choice: DataChoice, owner_dir: Path | None) -> Dataset:
    from builder.data.uploads import open_upload, read_table

    if owner_dir is None:
        raise DataRefused(
            "An uploaded file belongs to someone. Give owner_dir, the folder it was stored in."
        )
    assert choice.upload_id is not None
    upload = open_upload(owner_dir, choice.upload_id)
    return build_dataset(choice, upload.card, Columns(read_table(upload), upload.target))


def _load_file(path: Path, fields: Mapping[str, Any]) -> Dataset:
    from builder.data.uploads import check_upload

    with tempfile.TemporaryDirectory(prefix="layerwise-") as folder:
        upload = check_upload(path, path.name, Path(folder))
        return load_dataset(f"upload:{upload.id}", owner_dir=Path(folder), **fields)


def _prepare_samples(content: Samples, card: Card, choice: DataChoice) -> Prepared:
    """Arrays need no recipe, only a split."""
    import numpy as np

    if choice.columns is not None or choice.target not in ("", card.target.name):
        raise DataRefused(
            f"{card.title} has no columns to choose from: leave columns and target out."
        )
    target, y = card.target, content.y
    if choice.task not in ("auto", target.kind):
        raise DataRefused(
            f"The target of {card.title} is {target}: the task “{choice.task}” does not suit it."
        )
    codes = None
    if target.kind == "number":
        y = y.astype(np.float32).reshape(len(y), -1)
    else:
        codes = y.astype(np.int64)
        y = codes if target.kind == "classes" else codes.astype(np.float32).reshape(-1, 1)
    split = split_rows(len(content.x), choice.split, choice.split_seed, codes)
    return Prepared(content.x, y, target, split, (), (), split.notes)


def _shaped(x: Floats, choice: DataChoice) -> tuple[Floats, bool]:
    """Each row cut into the chosen shape; True when a row is no longer a list of features."""
    import math

    if choice.shape is None:
        return x, x.ndim > 2
    have = math.prod(x.shape[1:])
    if math.prod(choice.shape) != have:
        raise DataRefused(
            f"A row has {have:,} numbers and {format_shape(choice.shape)} needs "
            f"{math.prod(choice.shape):,}. Choose a shape of {have:,} numbers."
        )
    return x.reshape(len(x), *choice.shape), len(choice.shape) > 1 or x.ndim > 2


def _part(x: Floats, y: Any, rows: npt.NDArray[np.int64]) -> Part:
    import numpy as np
    import torch

    return Part(
        torch.from_numpy(np.ascontiguousarray(x[rows])),
        torch.from_numpy(np.ascontiguousarray(y[rows])),
    )


def _scale_notes(x: Floats, made: Prepared, scale: Scale | None) -> tuple[str, ...]:
    if scale is None:
        return ()
    if x.ndim > 2:
        what = "channel"
    elif all(made.one_hot) and made.one_hot:
        return ()
    else:
        what = "column of numbers" if any(made.one_hot) else "column"
    return (f"Every {what} is standardised by the mean and deviation of the training part.",)
