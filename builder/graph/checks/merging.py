"""Where several values meet: cat, stack, arithmetic, matrix products."""

from __future__ import annotations

from collections.abc import Sequence

from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.model import Dim, TensorSpec

_MATRIX = ("operator.matmul", "torch.bmm")
_ATTENDING = ("query", "key", "value")


def check_cat(call: Call) -> Finding | None:
    """Equal dimensions, and equal sizes in all but the joined one."""
    specs, dim = call.tensors(), call.whole("dim")
    if call.entry.key == "torch.hstack":
        dim = 1 if specs and len(specs[0].shape) > 1 else 0
    elif call.entry.key == "torch.vstack":
        dim = 0
    if len(specs) < 2 or dim is None:
        return None
    first = specs[0]
    for place, other in enumerate(specs[1:], 1):
        if len(other.shape) != len(first.shape):
            why = "They need equally many dimensions to be joined."
            return _unequal(call, first, other, why, place=place)
        rank = len(first.shape)
        joined = dim % rank if rank else 0
        off = [i for i in range(rank) if i != joined and first.shape[i] != other.shape[i]]
        if off:
            sizes = " and ".join(f"{first.shape[i]} against {other.shape[i]}" for i in off[:2])
            why = f"Only the sizes along dim={dim} may differ, but there is {sizes}."
            return _unequal(call, first, other, why, place=place)
    return None


def check_stack(call: Call) -> Finding | None:
    """Equal shapes."""
    specs = call.tensors()
    for place, other in enumerate(specs[1:], 1):
        if other.shape != specs[0].shape:
            why = "To be stacked they must have one shape."
            return _unequal(call, specs[0], other, why, place=place)
    return None


def check_broadcast(call: Call) -> Finding | None:
    """Shapes that agree, or where one has the size 1; and no batch against another axis."""
    specs = [
        (p.name, spec)
        for p in call.entry.ports
        if (spec := call.tensor(p.name)) is not None and not p.many
    ]
    for i, (near, one) in enumerate(specs):
        for port, other in specs[i + 1 :]:
            if clash := clashing(one.shape, other.shape):
                why = f"Their sizes {clash[0]} and {clash[1]} do not agree, and neither is 1."
                return _unequal(call, one, other, why, (near, port))
            places = _batch_places(one), _batch_places(other)
            if all(places) and not places[0] & places[1]:
                return call.finding(
                    "batch_broadcast",
                    f"receives {show(one)}{call.out_of(near)} and {show(other)}{call.out_of(port)}: the "
                    "batches stand in different places, so every sample would meet every other. Bring "
                    "both to one shape first.",
                    port=port,
                    severity="warning",
                )
    return None


def _batch_places(spec: TensorSpec) -> set[int]:
    """Where the batch stands, counted from the back as broadcasting does."""
    return {i for i, size in enumerate(reversed(spec.shape)) if isinstance(size, str)}


def check_expand_as(call: Call) -> Finding | None:
    """Only a size of 1 is expanded, counted from the back, and no dimension is taken away."""
    one, other = call.tensor("input"), call.tensor("other")
    if one is None or other is None:
        return None
    why = ""
    if len(one.shape) > len(other.shape):
        why = f"The first has {len(one.shape)} dimensions, and expanding takes none away."
    for a, b in zip(reversed(one.shape), reversed(other.shape), strict=False):
        if not why and a != b and a != 1:
            why = (
                f"Counted from the back, {a} stands against {b}, and only a size of 1 is expanded."
            )
    return _unequal(call, one, other, why, ("input", "other")) if why else None


def check_distances(call: Call) -> Finding | None:
    """Points of equally many features, in groups that agree."""
    one, two = call.tensor("x1"), call.tensor("x2")
    if one is None or two is None or min(len(one.shape), len(two.shape)) < 2:
        return None
    why = ""
    if one.shape[-1] != two.shape[-1]:
        why = (
            f"Points have a distance where they have equally many features (the last size), but there "
            f"are {one.shape[-1]} and {two.shape[-1]}."
        )
    elif clash := clashing(one.shape[:-2], two.shape[:-2]):
        why = f"In front of the points {clash[0]} stands against {clash[1]}, and neither is 1."
    return _unequal(call, one, two, why, ("x1", "x2")) if why else None


def check_attention_values(call: Call) -> Finding | None:
    """Features of queries and keys, steps of keys and values, and what stands in front of both."""
    specs = {name: spec for name in _ATTENDING if (spec := call.tensor(name)) is not None}
    if len(specs) < len(_ATTENDING) or any(len(spec.shape) < 2 for spec in specs.values()):
        return None
    query, key, value = specs.values()
    if query.shape[-1] != key.shape[-1]:
        why = (
            f"Their last size must be the same, but there is {query.shape[-1]} and {key.shape[-1]}."
        )
        return _unequal(call, query, key, why, ("query", "key"))
    if key.shape[-2] != value.shape[-2]:
        why = (
            "Each key needs its value (the last size but one), but there are "
            f"{key.shape[-2]} and {value.shape[-2]}."
        )
        return _unequal(call, key, value, why, ("key", "value"))
    grouped = (
        call.argument("enable_gqa") is True and min(map(len, (s.shape for s in specs.values()))) > 2
    )
    if grouped:
        heads, fewer = query.shape[-3], key.shape[-3]
        if value.shape[-3] != fewer or not (heads == fewer or _divides(fewer, heads)):
            why = (
                f"With enable_gqa the heads of key and value ({fewer} and {value.shape[-3]}) must be "
                f"equally many and divide those of query ({heads})."
            )
            return _unequal(call, query, key, why, ("query", "key"))
    shared = 3 if grouped else 2  # heads that share keys may be fewer
    for near, far in (("query", "key"), ("key", "value"), ("query", "value")):
        one, two = specs[near], specs[far]
        if clash := clashing(one.shape[:-shared], two.shape[:-shared]):
            why = f"In front of the steps {clash[0]} stands against {clash[1]}, and neither is 1."
            return _unequal(call, one, two, why, (near, far))
    return None


def _divides(part: Dim, whole: Dim) -> bool:
    return isinstance(part, int) and isinstance(whole, int) and part > 0 and whole % part == 0


def clashing(one: Sequence[Dim], two: Sequence[Dim]) -> tuple[Dim, Dim] | None:
    """The first two sizes, counted from the back, that differ and of which none is 1."""
    for a, b in zip(reversed(one), reversed(two), strict=False):
        if a != b and a != 1 and b != 1:
            return a, b
    return None


def check_matrices(call: Call) -> Finding | None:
    """The inner sizes of a matrix product."""
    ports = [p.name for p in call.entry.ports]
    one, two = call.tensor(ports[0]), call.tensor(ports[1])
    if one is None or two is None or not one.shape or not two.shape:
        return None
    inner: Dim = two.shape[-2] if len(two.shape) > 1 else two.shape[0]
    if one.shape[-1] != inner:
        why = (
            f"The last size of the first ({one.shape[-1]}) must be the last but one of the second "
            f"({inner})."
        )
        return _unequal(call, one, two, why, (ports[0], ports[1]))
    batches = len(one.shape) == len(two.shape) == 3 and one.shape[0] == two.shape[0]
    if call.entry.key == "torch.bmm" and not batches:
        why = "bmm needs two values of three dimensions and one batch."
        return _unequal(call, one, two, why, (ports[0], ports[1]))
    return None


def _unequal(
    call: Call,
    one: TensorSpec,
    other: TensorSpec,
    why: str,
    ports: tuple[str, str] | None = None,
    place: int = 1,
) -> Finding:
    near, far = ports or (call.first, call.first)
    came = call.out_of(near), call.out_of(far, 0 if ports else place)
    text = f"receives {show(one)}{came[0]} and {show(other)}{came[1]}. {why}"
    return call.finding("merge_shapes", text, port=far)


_ELEMENTWISE = (
    *(f"operator.{n}" for n in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")),
    *(f"operator.{n}" for n in ("lt", "le", "gt", "ge", "eq", "ne", "and_", "or_")),
    *(f"torch.{n}" for n in ("maximum", "minimum", "lerp", "where")),
    "torch.Tensor.masked_fill",
    "torch.nn.CosineSimilarity",
    "torch.nn.PairwiseDistance",
    "torch.nn.functional.cosine_similarity",
    "torch.nn.functional.pairwise_distance",
)
CHECKS = {
    **dict.fromkeys(("torch.cat", "torch.hstack", "torch.vstack"), (check_cat,)),
    "torch.stack": (check_stack,),
    **dict.fromkeys(_ELEMENTWISE, (check_broadcast,)),
    **dict.fromkeys(_MATRIX, (check_matrices,)),
    "torch.Tensor.expand_as": (check_expand_as,),
    "torch.cdist": (check_distances,),
}
