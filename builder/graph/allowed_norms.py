"""Which weights may be computed from other tensors: one question each, answered by a sentence or None."""

from __future__ import annotations

from dataclasses import replace

from builder import catalogue
from builder.catalogue.norms import NORMS
from builder.errors import did_you_mean, quote
from builder.graph.model import OPAQUE, Graph, Norm, Owner


def refuse_norms(owner: Owner) -> str | None:
    """Why a layer's weights cannot be computed so; None when they can, as far as no shapes are needed."""
    why = why_not_computed(owner)
    return f"{quote(owner.name)} cannot have a normalized weight. {why}" if why else None


def why_not_computed(owner: Owner) -> str | None:
    """The same without the layer's name."""
    if not owner.norms:
        return None
    if owner.block is not None:
        return "It is a block: normalize the layers inside it."
    if owner.raw or owner.target == OPAQUE:
        what = "a tensor of your own" if owner.raw else "code of your own"
        return f"It is {what}; only layers of PyTorch can."
    for norm in owner.norms:
        if sentence := _refuse_norm(norm):
            return sentence
    names = [norm.name for norm in owner.norms]
    if len(set(names)) < len(names):
        return "One weight is computed in one way: take the other one out."
    if len({NORMS[norm.kind].is_new for norm in owner.norms}) > 1:
        return (
            "Its weights are to be computed in torch.nn.utils and in parametrizations: choose one."
        )
    return None


def _refuse_norm(norm: Norm) -> str | None:
    entry = NORMS.get(norm.kind)
    if entry is None:
        return f"There is no {quote(norm.kind)}. {did_you_mean(norm.kind, NORMS)}".rstrip()
    for name, value in norm.arguments.items():
        parameter = entry.parameter(name)
        if parameter is None:
            known = ", ".join(quote(p.name) for p in entry.parameters)
            return f"{entry.name} has no argument {quote(name)}. It has {known}."
        if not isinstance(value, bool | int | float | str | None):
            return f"{entry.name} takes a plain value for {quote(name)}, not {quote(value)}."
        if sentence := catalogue.check_literal(parameter, value):
            return sentence
    if not norm.name.isidentifier() or len(norm.name) > 64:
        return f"{quote(norm.name)} is no name of a weight, such as “weight”."
    return None


def refuse_computed(owner: Owner, path: str) -> str | None:
    """Why a tensor of a layer cannot be read or tied by itself; None when it can."""
    norm = next((norm for norm in owner.norms if norm.name == path), None)
    if norm is None:
        return None
    entry = NORMS.get(norm.kind)
    by = entry.name if entry else norm.kind
    return (
        f"{quote(f'{owner.name}.{path}')} is computed anew in each call, by {by}: it cannot be read or "
        "tied. Take the normalization away first."
    )


def is_kept(owner: Owner, path: str) -> bool:
    """Whether a path is that of a buffer, which computing a weight changes or begins from."""
    for norm in owner.norms:
        if norm.kind.endswith(".spectral_norm") and path in (f"{norm.name}_u", f"{norm.name}_v"):
            return True
        if path.startswith(f"parametrizations.{norm.name}.0."):
            return True
    return False


def norm_words(norm: Norm) -> str:
    """What computes a weight: "spectral norm", "weight norm of weight_hh_l0"."""
    entry = NORMS.get(norm.kind)
    said = entry.name if entry else norm.kind.rpartition(".")[2]
    return said if norm.name == "weight" else f"{said} of {norm.name}"


def norm_marks(owner: Owner) -> list[str]:
    """What computes weights of a layer, each way once, in words that a node has room for."""
    return list(dict.fromkeys(norm_words(replace(norm, arguments={})) for norm in owner.norms))


def refuse_uses(graph: Graph, owner: Owner) -> str | None:
    """Why a layer's weights cannot be computed now: who reads them or is tied to them."""
    for norm in owner.norms:
        for node in graph.reads_of(owner.id):
            if node.arguments.get("name") == norm.name:
                return f"{quote(graph.label(node.id))} is read by itself, so it cannot be computed. Delete that first."
        if norm.name in owner.ties:
            return (
                f"{quote(f'{owner.name}.{norm.name}')} is tied to another tensor. Untie it first."
            )
        for other in graph.owners.values():
            if (owner.id, norm.name) in other.ties.values():
                return f"{quote(other.name)} is tied to {quote(f'{owner.name}.{norm.name}')}. Untie it first."
    return None
