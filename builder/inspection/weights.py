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

    `name`: as in `state_dict` ("fc1.weight"). `chain_name`: as in that of the nn.Sequential the same
    network is written as ("2.weight"), None where it is no chain. `layer`: its title. `learned`: a
    parameter, not a buffer such as running_mean. `dtype`: torch's. `array`: the numbers; types that
    numpy lacks (bfloat16) come as float32, which holds them exactly.
    """

    name: str
    chain_name: str | None
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

    @property
    def indexed_name(self) -> str | None:
        """As one asks an nn.Sequential for it: "model[2].weight"."""
        return spelled(self.chain_name) if self.chain_name is not None else None


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
    for name in _in_running_order(state, layers, list(homes)):
        value = state[name]
        home = homes.get(name) or _home(name, layers)
        listed.append(
            Weight(
                name=name,
                chain_name=_in_chain(name, home),
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
    parts = _from_the_front([part.strip("[] ") for part in _PART.findall(whole[1] or "")], layers)
    # A last [0] is a place in a tensor when a weight stands before it, else the index of a layer.
    for used in range(len(parts), 0, -1):
        name, places = ".".join(parts[:used]), parts[used:]
        weight = next((w for w in listed if name in (w.name, w.chain_name)), None)
        if weight is not None and all(re.fullmatch(r"-?\d+", place) for place in places):
            index = "".join(f"[{place}]" for place in places) + (whole[2] or "")
            return Found(_of(weight, layers), (weight,), _index(index, weight))
    name = ".".join(parts)
    layer = next((one for one in layers if name and name in (one.path, one.chain_path)), None)
    if layer is None or whole[2]:
        raise InspectionRefused(_unknown(words, parts, listed, layers))
    return Found(layer, tuple(w for w in listed if layer.holds(w.name)))


def _in_running_order(
    state: Mapping[str, Tensor], layers: Sequence[Layer], learned: Sequence[str]
) -> list[str]:
    """Layer by layer, a layer's parameters before its buffers: a checkpoint lists them by alphabet."""
    paths = [layer.path for layer in layers]
    order = {name: place for place, name in enumerate(learned)}

    def place(name: str) -> tuple[int, int, str]:
        home = _home(name, layers)
        return paths.index(home.path) if home else len(paths), order.get(name, len(order)), name

    return sorted(state, key=place)


def _home(name: str, layers: Sequence[Layer]) -> Layer | None:
    """The layer that a buffer belongs to: the longest path that its name begins with."""
    around = [layer for layer in layers if layer.holds(name)]
    return max(around, key=lambda layer: len(layer.path), default=None)


def _in_chain(name: str, home: Layer | None) -> str | None:
    if home is None or home.chain_path is None:
        return None
    return f"{home.chain_path}{name[len(home.path) :]}"


def _numbers(value: Tensor) -> Array:
    import torch

    plain = value.detach().cpu()
    if plain.dtype == torch.bfloat16:
        plain = plain.float()
    array: Array = plain.numpy()
    return array


def _from_the_front(parts: list[str], layers: Sequence[Layer]) -> list[str]:
    """model[-1] counts from the end of the Sequential: as many indices as its last layer's plus one."""
    if not parts or not re.fullmatch(r"-\d+", parts[0]):
        return parts
    return [str(int(parts[0]) + _length(layers)), *parts[1:]]


def _length(layers: Sequence[Layer]) -> int:
    first = [int(layer.chain_path.partition(".")[0]) for layer in layers if layer.chain_path]
    return max(first, default=-1) + 1


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
    by_index = bool(parts) and re.fullmatch(r"-?\d+", parts[0]) is not None
    if by_index and not _length(layers):
        example = listed[0].attribute if listed else "model.fc1.weight"
        return (
            f"{quote(text)} asks by index, but this network is no chain. "
            f"Ask by name, such as {example}."
        )
    if by_index and not 0 <= int(parts[0]) < _length(layers):
        return f"{quote(text)}: this network has the indices 0 to {_length(layers) - 1}."
    for used in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:used])
        bare = next((one for one in layers if name in (one.path, one.chain_path)), None)
        if bare is not None and not any(bare.holds(w.name) for w in listed):
            called = f" {quote(bare.path)}" if bare.path else ""
            return f"{spelled(name)} is {bare.kind}{called}: it has no weights."
    names = [w.attribute for w in listed] + [spelled(one.path) for one in layers if one.path]
    names += [w.indexed_name for w in listed if w.indexed_name]
    known = text if text.startswith("model") else f"model.{text}"
    return f"{quote(text)} names nothing in this network. {did_you_mean(known, names)}".strip()


def values_at(weight: Weight, index: tuple[int | slice, ...]) -> Array:
    """The part of a weight that a look-up asked for."""
    return np.asarray(weight.array[index])


def printed(weight: Weight, index: tuple[int | slice, ...] = ()) -> str:
    """What PyTorch prints for it; a big one it shortens by itself, with dots for the middle."""
    import torch

    value = torch.from_numpy(np.array(values_at(weight, index)))
    if weight.dtype == "bfloat16":
        value = value.bfloat16()
    if index or not weight.learned or not value.is_floating_point():
        return str(value)
    return str(torch.nn.Parameter(value))
