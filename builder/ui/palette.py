"""What the palette offers: the catalogue by family, the usual ones first, and the project's blocks."""

from __future__ import annotations

import functools
from typing import Any, Final

from builder import catalogue
from builder.catalogue.entry import Entry, Family
from builder.errors import NotFound
from builder.graph.model import BLOCK_PREFIX, Graph
from builder.inspection.theme import family_colours

# What the first tutorials use, in the order a network uses them.
_USUAL: Final = (
    "torch.nn.Linear",
    "torch.nn.ReLU",
    "torch.nn.Conv2d",
    "torch.nn.MaxPool2d",
    "torch.nn.BatchNorm2d",
    "torch.nn.Dropout",
    "torch.nn.Flatten",
    "torch.nn.Sigmoid",
    "torch.nn.Embedding",
    "torch.nn.LSTM",
    "operator.add",
    "torch.cat",
)
_HELP_CHARACTERS: Final = 140
_GRAPH_PARTS: Final = (
    {
        "key": "input",
        "name": "Input",
        "help": "Another input of the network",
        "words": "placeholder feed",
        "family": "other",
    },
    {
        "key": "output",
        "name": "Output",
        "help": "Another output of the network",
        "words": "return result",
        "family": "other",
    },
    {
        "key": "branch",
        "name": "Branch",
        "help": "One value or another, by a condition: a plain if in the code",
        "words": "if else condition training switch",
        "family": "other",
    },
)

_WEIGHT: Final = {
    "key": "weight",
    "name": "Weight of a layer",
    "help": "A tensor that a layer owns, read by itself: self.emb.weight in the code",
    "words": "tied transpose parameter share",
    "family": "other",
}


def usual_keys() -> tuple[str, ...]:
    """The catalogue's keys that are used most, in the order a network uses them."""
    return _USUAL


@functools.cache
def family_palette() -> dict[str, tuple[str, str, str, str]]:
    """For each family: its mark on a light and a dark page, and the fill behind text on each."""
    found: dict[str, tuple[str, str, str, str]] = {}
    for family in catalogue.FAMILIES:
        light, dark = family_colours(family, False), family_colours(family, True)
        found[family] = (light.mark, dark.mark, light.fill, dark.fill)
    return found


def palette_groups(graph: Graph) -> list[dict[str, Any]]:
    """The palette's groups: the usual layers, the blocks of this project, then every family."""
    blocks = [
        {
            "key": BLOCK_PREFIX + name,
            "name": name,
            "help": f"The block {name}, once more with weights of its own",
            "words": "block",
            "family": "other",
        }
        for name, block in graph.blocks.items()
        if block.inputs  # the others make a tensor
    ]
    own = [{"title": "Blocks of this network", "family": "other", "entries": blocks}]
    usual, *families = _catalogue_groups()
    return [usual, *(own if blocks else []), *families]


@functools.cache
def _catalogue_groups() -> tuple[dict[str, Any], ...]:
    groups: dict[Family, list[dict[str, Any]]] = {family: [] for family in catalogue.FAMILIES}
    for entry in catalogue.entries().values():
        groups[entry.family].append(_item(entry))
    usual = []
    for key in _USUAL:
        try:
            usual.append({**_item(catalogue.get(key)), "dot": True})
        except NotFound:
            continue  # another version of torch calls it otherwise
    tensors = [_item(entry) for entry in catalogue.TENSORS.values()]
    entries = [*_GRAPH_PARTS, *tensors, _WEIGHT]
    parts = {"title": "Inputs, outputs, tensors", "family": "other", "entries": entries}
    return (
        {"title": "Often used", "family": "other", "entries": usual},
        parts,
        *(
            {"title": catalogue.FAMILIES[family], "family": family, "entries": items}
            for family, items in groups.items()
            if items
        ),
    )


def _item(entry: Entry) -> dict[str, Any]:
    first = (
        entry.help
        if len(entry.help) <= _HELP_CHARACTERS
        else entry.help[: _HELP_CHARACTERS - 1] + "…"
    )
    item = {
        "key": entry.key,
        "name": entry.name,
        "help": first,
        "words": " ".join(entry.words),
        "family": entry.family,
    }
    if entry.kind == "operation":
        item["hint"] = entry.symbol or ""
    return {name: value for name, value in item.items() if value}
