"""The weights of a run after an epoch, by name and by index, as a person would ask PyTorch for them.

Everything comes from the run's own folder: its graph, its checkpoint. Today's network may differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from builder.errors import InspectionRefused, did_you_mean, quote
from builder.inspection.layers import Layer, layers_of

if TYPE_CHECKING:
    from torch import Tensor

    from builder.catalogue.entry import Family
    from builder.training import Run

Array: TypeAlias = npt.NDArray[Any]

_LONGEST_LOOKUP = 300


@dataclass(frozen=True, slots=True)
class Weight:
    """One entry of a `state_dict`.

    `name`: as in `state_dict` ("fc1.weight"). `indexed_name`: as one asks an nn.Sequential for it
    ("model[2].weight"), None where the network is no chain. `learned`: a parameter, not a buffer
    such as running_mean. `dtype`: torch's. `array`: the numbers; types that numpy lacks (bfloat16)
    come as float32, which holds them exactly.
    """

    name: str
    indexed_name: str | None
    layer: str
    family: Family
    shape: tuple[int, ...]
    dtype: str
    learned: bool
    array: Array

    @property
    def attribute(self) -> str:
        """As one asks a module for it: "model.fc1.weight"."""
        return spelled(self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up stands for: a layer's weights (none for a ReLU), or one of them.

    `index`: the place in the tensor that was asked for, () for all of it.
    """

    layer: Layer | None
    weights: tuple[Weight, ...]
    index: tuple[int | slice, ...] = ()


def weights(run: Run, epoch: int | None = None) -> list[Weight]:
    """Every parameter and buffer after an epoch (default: the last kept), in the network's order.

    Errors: NotFound when the weights of that epoch are not kept.
    """
    return weights_of(run.state_dict(epoch), layers_of(run.graph))


def weights_of(state: Mapping[str, Tensor], layers: Sequence[Layer]) -> list[Weight]:
    """The same from a `state_dict` at hand."""
    homes = {name: layer for layer in layers for name in layer.parameters}
    listed = []
    for name, value in state.items():
        home = homes.get(name) or _home(name, layers)
        listed.append(
            Weight(
                name=name,
                indexed_name=_indexed(name, home),
                layer=home.title if home else name.rpartition(".")[0],
                family=home.family if home else "other",
                shape=tuple(value.shape),
                dtype=str(value.dtype).removeprefix("torch."),
                learned=name in homes,
                array=_numbers(value),
            )
        )
    return listed


def spelled(name: str) -> str:
    """A name of a `state_dict` as Python spells it: "layers.0.weight" is model.layers[0].weight."""
    parts = [f"[{part}]" if part.isdigit() else f".{part}" for part in name.split(".")]
    return "model" + "".join(parts)


_LOOKUP = re.compile(
    r"(?:model(?=[.\[]|$))?((?:\.?[^\W\d]\w*|\.?\d+|\[\s*-?\d+\s*\])*)(\[[^\[\]]*\])?"
)
_PART = re.compile(r"[^\W\d]\w*|\d+|\[\s*-?\d+\s*\]")
_PLACE = re.compile(r"\s*(-?\d+)?\s*(:\s*(-?\d+)?\s*)?")


def look_up(text: str, listed: Sequence[Weight], layers: Sequence[Layer]) -> Found:
    """Finds what a person typed: model[2].weight, model.fc1.weight, fc1, model[-1], fc1.weight[0, :5].

    The text is taken apart, never evaluated. Errors: InspectionRefused, with the nearest name.
    """
    words = text.strip()
    whole = _LOOKUP.fullmatch(words) if 0 < len(words) <= _LONGEST_LOOKUP else None
    if whole is None:
        raise InspectionRefused(
            f"{quote(text)} is not a way to name a weight. Write model[2].weight, or model.fc1.weight."
        )
    parts = [part.strip("[] ") for part in _PART.findall(whole[1] or "")]
    trailing = whole[2]
    # A last [0] is a place in a tensor when a weight stands before it, else the index of a layer.
    for used in range(len(parts), 0, -1):
        weight = _weight_named(parts[:used], listed, layers)
        if weight is not None:
            rest = "[" + "][".join(parts[used:]) + "]" if parts[used:] else ""
            if all(re.fullmatch(r"-?\d+", part) for part in parts[used:]):
                return Found(
                    _of(weight, layers), (weight,), _index(rest + (trailing or ""), weight)
                )
    layer = _layer_named(parts, layers) if trailing is None else None
    if layer is not None:
        return Found(layer, tuple(w for w in listed if layer.holds(w.name)))
    raise InspectionRefused(_unknown(words, parts, listed, layers))


def _home(name: str, layers: Sequence[Layer]) -> Layer | None:
    """The layer that a buffer belongs to: the longest path that its name begins with."""
    around = [layer for layer in layers if layer.holds(name)]
    return max(around, key=lambda layer: len(layer.path), default=None)


def _indexed(name: str, home: Layer | None) -> str | None:
    if home is None or home.index is None:
        return None
    return spelled(f"{home.index}{name[len(home.path) :]}")


def _numbers(value: Tensor) -> Array:
    import torch

    plain = value.detach().cpu()
    if plain.dtype == torch.bfloat16:
        plain = plain.float()
    array: Array = plain.numpy()
    return array


def _weight_named(
    parts: list[str], listed: Sequence[Weight], layers: Sequence[Layer]
) -> Weight | None:
    name = ".".join(parts)
    for weight in listed:
        if weight.name == name:
            return weight
    if parts and re.fullmatch(r"-?\d+", parts[0]):
        layer = _layer_at(int(parts[0]), layers)
        if layer is not None:
            inside = ".".join([layer.path, *parts[1:]])
            return next((w for w in listed if w.name == inside), None)
    return None


def _layer_named(parts: list[str], layers: Sequence[Layer]) -> Layer | None:
    name = ".".join(parts)
    found = next((layer for layer in layers if layer.path == name), None)
    if found is None and len(parts) == 1 and re.fullmatch(r"-?\d+", parts[0]):
        found = _layer_at(int(parts[0]), layers)
    return found


def _layer_at(index: int, layers: Sequence[Layer]) -> Layer | None:
    count = sum(layer.index is not None for layer in layers)
    wanted = index + count if index < 0 else index
    return next((layer for layer in layers if layer.index == wanted), None)


def _of(weight: Weight, layers: Sequence[Layer]) -> Layer | None:
    return next((x for x in layers if weight.name in x.parameters), None) or _home(
        weight.name, layers
    )


def _index(text: str, weight: Weight) -> tuple[int | slice, ...]:
    """The place named by "[0, 1:3]" or "[0][1]" in a weight."""
    if not text:
        return ()
    places: list[int | slice] = []
    for part in re.split(r"[,\[\]]+", text.strip("[] ")):
        match = _PLACE.fullmatch(part)
        if match is None or not part.strip():
            raise InspectionRefused(
                f"{quote(text)} is not a place in a tensor. Write whole numbers and ranges, as [0, 1:3]."
            )
        start, colon, stop = match.groups()
        low = int(start) if start else None
        places.append(slice(low, int(stop) if stop else None) if colon else int(start))
    if len(places) > len(weight.shape):
        raise InspectionRefused(
            f"{weight.attribute} has {len(weight.shape)} dimensions, and {len(places)} places were given."
        )
    for axis, place in enumerate(places):
        if isinstance(place, int) and not -weight.shape[axis] <= place < weight.shape[axis]:
            raise InspectionRefused(
                f"Index {place} is outside of {weight.attribute}, whose dimension {axis} has size "
                f"{weight.shape[axis]}."
            )
    return tuple(places)


def _unknown(text: str, parts: list[str], listed: Sequence[Weight], layers: Sequence[Layer]) -> str:
    indexed = [layer for layer in layers if layer.index is not None]
    if parts and re.fullmatch(r"-?\d+", parts[0]) and not indexed:
        return (
            f"{quote(text)} asks by index, but this network is no chain. Ask by name, such as "
            f"{listed[0].attribute if listed else 'model.fc1.weight'}."
        )
    if parts and re.fullmatch(r"-?\d+", parts[0]) and _layer_at(int(parts[0]), layers) is None:
        return f"{quote(text)}: this network has the indices 0 to {len(indexed) - 1}."
    names = [w.attribute for w in listed] + [spelled(layer.path) for layer in layers if layer.path]
    names += [w.indexed_name for w in listed if w.indexed_name]
    known = text if text.startswith("model") else f"model.{text}"
    return f"{quote(text)} names nothing in this network. {did_you_mean(known, names)}".strip()


def values_at(weight: Weight, index: tuple[int | slice, ...]) -> Array:
    """The part of a weight that a look-up asked for."""
    return np.asarray(weight.array[index])
