"""What a layer keeps in place of weights that are computed from other tensors.

Worked out without making the layer: making one draws, and takes power steps. A test holds it to torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod

from builder import catalogue
from builder.catalogue.norms import NORMS
from builder.errors import quote
from builder.graph import meta
from builder.graph.allowed_norms import why_not_computed
from builder.graph.diagnostics import Finding
from builder.graph.model import OPAQUE, Node, Norm, Owner, TensorSpec
from builder.graph.report import NodeReport
from builder.graph.scope import Scope
from builder.graph.symbols import CannotEvaluate

Tensors = Mapping[str, tuple[TensorSpec, bool]]
"""The tensors of a layer's `state_dict` by name, each with whether it is a parameter."""


class CannotCompute(CannotEvaluate):
    """Why a weight cannot be computed so, in words that follow the layer's name."""

    def __init__(self, message: str) -> None:
        super().__init__("norm", message)


def computed_report(scope: Scope, node: Node, owner: Owner, report: NodeReport) -> NodeReport:
    """The report of a layer's call with what it keeps for its computed weights."""
    if not owner.norms or not (report.parameters or report.buffers):
        if owner.norms and report.result is not None:
            return scope.note(node, report, _finding(scope.name(node), _lacks(owner.norms[0])))
        return report
    try:
        return counted(owner, report)
    except CannotCompute as reason:
        return scope.note(node, report, _finding(scope.name(node), str(reason)))


def counted(owner: Owner, report: NodeReport) -> NodeReport:
    """The report with the counts of `tensors_with_norms`; as it is where that cannot be worked out."""
    found = tensors_with_norms(owner, report)
    parameters = sum(prod(map(int, spec.shape)) for spec, own in found.values() if own)
    buffers = sum(prod(map(int, spec.shape)) for spec, own in found.values() if not own)
    return replace(
        report,
        parameters=parameters,
        trainable=0 if owner.frozen else parameters,
        buffers=buffers,
    )


def can_be_computed(owner: Owner, report: NodeReport) -> list[str]:
    """The weights of a layer that can be normalized, and those that are: matrices, and what has more axes.

    `report`: of the call or the making of it.
    """
    if owner.block is not None or owner.raw or owner.target == OPAQUE:
        return []
    try:
        found = meta.tensors_of(catalogue.get(owner.target), report.arguments)
    except Exception:  # whatever torch raises was said when the shapes were worked out
        found = {}
    names = [n for n, (spec, own) in found.items() if own and "." not in n and len(spec.shape) > 1]
    return list(dict.fromkeys([*names, *(norm.name for norm in owner.norms)]))


def tensors_with_norms(owner: Owner, report: NodeReport) -> dict[str, tuple[TensorSpec, bool]]:
    """The tensors of a layer of torch by name, those of its computed weights in place of these.

    Errors: whatever torch raises where it cannot make the layer.
    """
    if why := why_not_computed(owner):
        raise CannotCompute(f"has a weight that cannot be computed so. {why}")
    found = meta.tensors_of(catalogue.get(owner.target), report.arguments)
    for norm in owner.norms:
        found = with_norm(found, norm, owner.target)
    return found


def with_norm(tensors: Tensors, norm: Norm, target: str) -> dict[str, tuple[TensorSpec, bool]]:
    """The tensors of a layer of this kind with those that a weight is computed from in place of it.

    Errors: CannotCompute.
    """
    spec, own = tensors.get(norm.name, (None, False))
    entry = NORMS[norm.kind]
    if spec is None or not own:
        raise CannotCompute(_lacks(norm))
    given = {p.name: norm.arguments.get(p.name, p.default) for p in entry.parameters}
    shape = tuple(int(size) for size in spec.shape)
    made = dict(_kept(norm, given, shape, target))
    named = _new_names(norm.name) if entry.is_new else _old_names(norm.name)
    rest = {name: tensor for name, tensor in tensors.items() if name != norm.name}
    return rest | {
        named[name]: (TensorSpec(size, spec.dtype), name in _LEARNED) for name, size in made.items()
    }


_LEARNED = frozenset({"length", "direction", "original"})


def _kept(
    norm: Norm, given: Mapping[str, object], shape: tuple[int, ...], target: str
) -> Iterator[tuple[str, tuple[int, ...]]]:
    entry, rank = NORMS[norm.kind], len(shape)
    if entry.name == "orthogonal":
        if rank < 2:
            raise CannotCompute(f"has a {norm.name} of one axis, which cannot be orthogonal.")
        yield "original", shape
        if given["use_trivialization"] is not False:
            side = max(shape[-2:])
            yield "base", (*shape[:-2], side, side)
        elif given["orthogonal_map"] in ("matrix_exp", "cayley") or (
            given["orthogonal_map"] is None and shape[-1] == shape[-2]
        ):
            raise CannotCompute(
                "needs use_trivialization for an orthogonal weight of this kind. Leave it on."
            )
        return
    dim = given["dim"]
    if entry.name == "spectral norm" and dim is None:
        dim = 1 if target.startswith("torch.nn.ConvTranspose") else 0
    assert isinstance(dim, int)
    if dim >= rank:
        raise CannotCompute(
            f"has a {norm.name} of {rank} axes, so dim={dim} is none of them. Choose 0 to {rank - 1}."
        )
    if entry.name == "weight norm":
        yield (
            "length",
            () if dim == -1 else tuple(n if i == dim else 1 for i, n in enumerate(shape)),
        )
        yield "direction", shape
        return
    yield "original", shape
    if rank > 1 or not entry.is_new:
        yield "u", (shape[dim],)
        yield "v", (prod(shape) // max(shape[dim], 1),)


def _old_names(name: str) -> dict[str, str]:
    return {
        "length": f"{name}_g", "direction": f"{name}_v",
        "original": f"{name}_orig", "u": f"{name}_u", "v": f"{name}_v",
    }  # fmt: skip


def _new_names(name: str) -> dict[str, str]:
    above = f"parametrizations.{name}"
    return {
        "length": f"{above}.original0", "direction": f"{above}.original1",
        "original": f"{above}.original", "u": f"{above}.0._u", "v": f"{above}.0._v",
        "base": f"{above}.0.base",
    }  # fmt: skip


def _lacks(norm: Norm) -> str:
    entry = NORMS.get(norm.kind)
    by = entry.name if entry else "this"
    return f"has no parameter {quote(norm.name)}, which {by} would compute. Take it away, or name another."


def _finding(who: str, text: str) -> Finding:
    return Finding("norm", f"{who} {text}")
