"""Which names a layer, a value, a setting or a class may carry, and which one to propose.

A name becomes an attribute, a variable or a class in the written code, so it is checked where it
is given. nn.Module and nn.Sequential have attributes that a layer of the same name would break.
"""

from __future__ import annotations

import functools
import keyword
import re
import unicodedata
from collections.abc import Collection, Container, Iterable

from builder.errors import quote
from builder.graph.model import Graph

MAX_NAME = 64  # characters

_USED_IN_CODE = frozenset(
    {
        *("self", "torch", "nn", "F", "Tensor", "Module", "Sequential", "OrderedDict", "math"),
        *("annotations", "bool", "dict", "enumerate", "float", "int", "isinstance", "len"),
        *("list", "object", "print", "property", "range", "set", "str", "super", "tuple", "zip"),
        *("pack_padded_sequence", "pad_packed_sequence"),
    }
)

_LIKE_DIGITS = frozenset({"l", "O", "I"})
"""A layer may be called so, but written code calls it otherwise: as variables, linters refuse them
(ruff E741)."""

_BASES = {
    "adaptiveavgpool": "pool",
    "adaptivemaxpool": "pool",
    "avgpool": "pool",
    "batchnorm": "bn",
    "fractionalmaxpool": "pool",
    "getitem": "part",
    "groupnorm": "norm",
    "instancenorm": "norm",
    "layernorm": "norm",
    "localresponsenorm": "norm",
    "lppool": "pool",
    "maxpool": "pool",
    "multiheadattention": "attention",
    "rmsnorm": "norm",
}
"""What people call a layer where its class's own name would be long-winded."""


def refuse_name(name: str, taken: Collection[str] = (), digits: bool = True) -> str | None:
    """Why a name cannot be used, in a sentence with one that can; None when it is fine.

    Args: taken: the names in use beside it. digits: "0", "1", … are allowed, as in nn.Sequential.
    """
    if not name:
        return "A name is needed, such as “fc1”."
    if digits and _is_index(name):
        return _refuse_taken(name, taken)
    if digits and "." in name:
        return _refuse_path(name, taken)
    if reason := _reason_against(name):
        return reason.format(quote(suggest_name(safe_identifier(name), taken)))
    return _refuse_taken(name, taken)


@functools.lru_cache(maxsize=10_000)
def can_be_name(name: str, digits: bool = True) -> bool:
    """Whether a name can be used where it is free; remembered, since every edit asks for every name."""
    return refuse_name(name, (), digits) is None


def _refuse_path(name: str, taken: Collection[str]) -> str | None:
    """Why a place in containers, "layers.0", cannot be a name; None when it can."""
    reason = _reason_against_path(name, taken)
    if reason is None:
        return None
    parts = [part for part in name[: 4 * MAX_NAME].split(".") if part]
    path = ".".join(p if i and _is_place(p) else safe_identifier(p) for i, p in enumerate(parts))
    if not path or (_reason_against_path(path, taken) if "." in path else path in taken):
        path = suggest_name(safe_identifier(name), taken)
    return reason.format(quote(path))


def _reason_against_path(name: str, taken: Collection[str]) -> str | None:
    """Why a place in containers cannot be a name, with {} where the one proposed goes."""
    said = _in_template(name)
    if len(name) > MAX_NAME:
        return f"The name {said} has {len(name)} characters of at most {MAX_NAME}; {{}} fits."
    parts = name.split(".")
    for i, part in enumerate(parts):
        if not part:
            return f"A part of the place {said} has no name: {{}} would do."
        if not (i and _is_place(part)) and (reason := _reason_against(part)):
            return f"{said} is a place in containers. {reason}"
        above = ".".join(parts[:i])
        if above in taken and not any(other.startswith(f"{above}.") for other in taken):
            return (
                f"{_in_template(above)} is a layer, so {said} cannot stand inside it; {{}} is free."
            )
    return f"The name {said} is taken; {{}} is free." if name in taken else None


def suggest_name(wish: str, taken: Container[str] = ()) -> str:
    """The wish itself if it can be used, else the nearest name that can: "fc1" gives "fc2"."""
    if _is_index(wish):
        number = int(wish)
        while str(number) in taken:
            number += 1
        return str(number)
    name = safe_identifier(wish)
    if name not in taken:
        return name
    stem = name.rstrip("0123456789")
    number = int(name[len(stem) :][:9] or 1) + 1
    while f"{stem[: MAX_NAME - 9]}{number}" in taken:
        number += 1
    return f"{stem[: MAX_NAME - 9]}{number}"


def safe_identifier(text: str) -> str:
    """Any text as a name Python and PyTorch leave alone: "my layer!" gives "my_layer"."""
    text = unicodedata.normalize("NFKC", text[: 4 * MAX_NAME])
    kept = "".join(c if f"a{c}".isidentifier() else "_" for c in text)
    name = re.sub(r"_{2,}", "_", kept).strip("_") or "layer"
    if not name.isidentifier():  # begins with a digit or a combining mark
        name = f"layer_{name}"
    name = unicodedata.normalize("NFKC", name)[:MAX_NAME]
    if name in _LIKE_DIGITS:
        name = f"{name.lower()}1"
    while name in _reserved():
        name = f"{name[: MAX_NAME - 1]}1" if name.endswith("_") else f"{name[: MAX_NAME - 1]}_"
    return name


def name_for(target: str, taken: Container[str] = ()) -> str:
    """A name for a new node: "torch.nn.Conv2d" gives "conv1", then "conv2"; "block:Encoder" "encoder1"."""
    last = target.rpartition(":")[2].rpartition(".")[2]
    stem = re.sub(r"\dd$", "", last.removeprefix("Lazy"))
    base = _BASES.get(stem.lower()) or _snake(stem)
    return suggest_name(f"{base}_1" if base[-1:].isdigit() else f"{base.rstrip('_')}1", taken)


def class_name(text: str) -> str:
    """Any text as a class name: "residual block" gives "ResidualBlock"."""
    words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", text[: 4 * MAX_NAME]))
    return safe_identifier("".join(w[:1].upper() + w[1:] for w in words) or "Block")


def names_in(graph: Graph, but: str = "") -> set[str]:
    """The names in use in a graph: of owners, of the containers they stand in ("layers" of "layers.0"),
    of other nodes and of settings; without one node's own."""
    skipped = graph.nodes.get(but)
    owner = (graph.owner_of(skipped) or graph.held_by(skipped)) if skipped else None
    names = {o.name for o in graph.owners.values() if o is not owner}
    names |= containers_of(names)
    named = (n for n in graph.nodes.values() if n.kind not in ("layer", "weight"))
    names |= {n.name or n.id for n in named if n.id != but}
    return names | set(graph.settings)


def containers_of(names: Iterable[str]) -> set[str]:
    """The containers that places stand in: of "heads.left.fc" "heads" and "heads.left"."""
    found: set[str] = set()
    for name in names:
        while (name := name.rpartition(".")[0]) and name not in found:
            found.add(name)
    return found


def class_names(root: Graph, but: str | None = None) -> set[str]:
    """The class names in use: the network's ("") and its blocks'; without that of one scope."""
    names = {"": root.name, **{scope: block.name for scope, block in root.blocks.items()}}
    return {name for scope, name in names.items() if scope != but}


def _reason_against(name: str) -> str | None:
    """Why a text can never be a name, with {} where the one proposed goes."""
    said = _in_template(name)
    if len(name) > MAX_NAME:
        return f"The name {said} has {len(name)} characters of at most {MAX_NAME}; {{}} fits."
    if not name.isidentifier():
        return (
            f"{said} cannot be a name in Python: use letters, digits and _, "
            "a letter first. {} would do."
        )
    if unicodedata.normalize("NFKC", name) != name:
        return f"Python reads the name {said} as another one: write {{}}."
    if name.startswith("__"):
        return (
            f"Python changes names that begin with two underscores, as {said} does: {{}} would do."
        )
    if name in _reserved():
        return f"The name {said} means something to Python or PyTorch already: {{}} would do."
    return None


def _refuse_taken(name: str, taken: Container[str]) -> str | None:
    if name not in taken:
        return None
    return f"The name {quote(name)} is taken; {quote(suggest_name(name, taken))} is free."


def _in_template(name: str) -> str:
    """A name in quotes, for a sentence that is still to be formatted."""
    return quote(name).replace("{", "{{").replace("}", "}}")


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= 6 and str(int(name)) == name


def _is_place(part: str) -> bool:
    """Whether a member of a container may be called so: “0”, “1a”, “layer one”, as nn.ModuleDict takes it."""
    fine = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_ -]*", part) is not None
    return fine and len(part) <= MAX_NAME and part not in taken_by_containers()


@functools.cache
def taken_by_containers() -> frozenset[str]:
    """What every nn.ModuleDict has itself, so that no module in it can be called so."""
    from torch import nn

    return frozenset(dir(nn.ModuleDict()))


def _snake(name: str) -> str:
    name = re.sub(r"([A-Z]?)([A-Z][a-z])LU", lambda m: m[0].capitalize(), name)
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@functools.cache
def _reserved() -> frozenset[str]:
    from torch import nn  # here, so that reading a name does not wait for torch

    attributes = {*dir(nn.Module()), *dir(nn.Sequential())}
    return frozenset({*keyword.kwlist, *keyword.softkwlist, *_USED_IN_CODE, *attributes})
