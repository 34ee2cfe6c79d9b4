"""Candidates where shapes meet that do not agree: cat, +, matrix products, two sides of a branch."""

from __future__ import annotations

from collections.abc import Iterator

from builder.errors import quote
from builder.graph.edits import Edit, Several
from builder.graph.model import Argument, Ref, TensorSpec, primary_input
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.sizes import resize
from builder.graph.wiring import origin_of

Step = tuple[str, dict[str, Argument]]
_MOST_PADDED = 3  # layers before a merge whose padding is tried


def merge_shapes(case: Case) -> Iterator[Candidate]:
    """One value is brought to the shape of the other, or both to one."""
    pairs = _pairs(case)
    joins = case.entry is not None and case.entry.key in (
        "torch.cat",
        "torch.hstack",
        "torch.vstack",
    )
    yield from last_layers(case)
    if case.entry is not None and case.entry.key == "torch.cat":
        yield from _other_dim(case, [spec for _, spec, _ in pairs])
    if case.entry is not None and case.entry.key in ("operator.matmul", "torch.bmm"):
        yield from _matrices(case, pairs)
    first = pairs[0] if pairs else None
    for other in pairs[1:]:
        if first is None or other[1].shape == first[1].shape:
            continue
        dim = case.argument("dim") if joins else None
        keep = dim % len(other[1].shape) if isinstance(dim, int) and other[1].shape else None
        yield from _bring(case, other, first, keep)
        yield from _bring(case, first, other, keep)
        break
    if joins and len(pairs) == 2:
        yield from _flatten_both(case, pairs)


def _pairs(case: Case) -> list[tuple[Ref, TensorSpec, str]]:
    """What meets: each value's reference, shape and port."""
    return [
        (ref, spec, port.name)
        for port in (case.entry.ports if case.entry else ())
        for ref in case.refs(port.name)
        if (spec := case.tensor(ref)) is not None
    ]


def last_layers(case: Case) -> Iterator[Candidate]:
    """Of the states of a recurrent layer, layers×N×features, those of its last layer: N×features."""
    edits: list[Edit] = []
    names: list[str] = []
    current = case
    for ref, spec, port in _pairs(case):
        state = _state(case, ref) if len(spec.shape) == 3 else None
        if state is None:
            continue
        last: Step = ("operator.getitem", {"index": -1})
        for found in current.insert([last], ref=ref, port=port):
            edits.append(found.edit)
            names.append(state)
            current = current.after(found.edit)
    if not edits:
        return
    label = f"Take the last layer of {' and '.join(names)}"
    yield Candidate(label, Several(tuple(edits), label))


def _state(case: Case, ref: Ref) -> str | None:
    """h_n of “lstm”: the name of a state read; of one that goes both ways -1 is no layer, but a way back."""
    ref = case.graph.resolve(ref)
    node = case.source(ref)
    entry = case.entry_of(node) if node else None
    if node is None or entry is None or entry.family != "recurrent":
        return None
    if case.chosen("bidirectional", node) is True:
        return None
    part = next((p for p in entry.parts if p.path == ref.path and p.name != "output"), None)
    return f"{part.name} of {quote(case.graph.label(node.id))}" if part else None


def _other_dim(case: Case, specs: list[TensorSpec]) -> Iterator[Candidate]:
    """The one dimension along which the sizes differ."""
    ranks = {len(spec.shape) for spec in specs}
    if len(ranks) != 1:
        return
    for dim in range(ranks.pop()):
        if isinstance(specs[0].shape[dim], int) and len({spec.shape[dim] for spec in specs}) > 1:
            yield case.set("dim", dim)


def _flatten_both(case: Case, pairs: list[tuple[Ref, TensorSpec, str]]) -> Iterator[Candidate]:
    """Both as rows of features, joined along dim 1."""
    edits: list[Edit] = []
    current = case
    for ref, spec, port in pairs:
        if len(spec.shape) <= 2:
            continue
        found = next(iter(current.insert([("torch.nn.Flatten", {})], ref=ref, port=port)), None)
        if found is None:
            return
        edits.append(found.edit)
        current = current.after(found.edit)
    if not edits:
        return
    if case.argument("dim") != 1:
        edits.append(case.setting("dim", 1))
    label = "Flatten both before they are joined" if len(pairs) == 2 else "Flatten them before"
    yield Candidate(label, Several(tuple(edits), label), 1)


def _bring(
    case: Case,
    moved: tuple[Ref, TensorSpec, str],
    goal: tuple[Ref, TensorSpec, str],
    keep: int | None,
) -> Iterator[Candidate]:
    """`moved` in the shape of `goal`, except along the dimension that is joined."""
    ref, have, port = moved
    want = goal[1]
    name = case.source(ref)
    label = quote(case.graph.label(name.id)) if name else case.label
    differing = [
        i
        for i in range(min(len(have.shape), len(want.shape)))
        if i != keep and have.shape[i] != want.shape[i]
    ]
    if len(have.shape) == len(want.shape):
        wide = len(have.shape) - 1 if len(have.shape) <= 3 else 1
        size = want.shape[wide]
        giver = origin_of(case.graph, ref, case.reports)
        if differing == [wide] and isinstance(size, int) and giver is not None:
            yield from resize(case, giver, size, tier=1)
        yield from _padded(case, ref, have, want)
        for step, tier in _projections(have, want, differing):
            yield from case.insert(
                step, tier, ref=ref, port=port, label=_projected(step, label, want)
            )
    elif len(have.shape) < len(want.shape):
        missing = len(want.shape) - len(have.shape)
        if have.shape[:2] == want.shape[:2]:
            steps: list[Step] = [("torch.unsqueeze", {"dim": -1})] * missing
            what = "a dimension of size 1" if missing == 1 else f"{missing} dimensions of size 1"
            yield from case.insert(steps, 0, ref=ref, port=port, label=f"Add {what} behind {label}")
        inner: list[Step] = [("torch.unsqueeze", {"dim": 1})] * missing
        yield from case.insert(inner, 1, ref=ref, port=port, label=f"Unsqueeze {label} at dim 1")
    elif len(want.shape) == 2 and len(have.shape) > 2:
        size = want.shape[1]
        flat: list[Step] = [("torch.nn.Flatten", {})]
        yield from case.insert(flat, 1, ref=ref, port=port, label=f"Flatten {label}")
        if isinstance(size, int) and keep is None:
            both: list[Step] = [*flat, ("torch.nn.Linear", {"out_features": size})]
            text = f"Flatten {label} and project it to {size}"
            yield from case.insert(both, 1, ref=ref, port=port, label=text)


def _padded(case: Case, ref: Ref, have: TensorSpec, want: TensorSpec) -> Iterator[Candidate]:
    """More padding in a layer before that made the picture smaller: by half of what is missing."""
    missing = {
        w - h
        for h, w in zip(have.shape[2:], want.shape[2:], strict=True)
        if isinstance(h, int) and isinstance(w, int)
    }
    if len(have.shape) < 3 or len(missing) != 1 or min(missing) <= 0 or min(missing) % 2:
        return
    node, tried = case.source(ref), 0
    while node is not None and tried < _MOST_PADDED:
        entry = case.entry_of(node)
        padding = case.chosen("padding", node) or 0
        if entry is not None and entry.family in ("convolution", "pooling"):
            tried += 1
            if type(padding) is int and entry.parameter("padding") is not None:
                yield case.set("padding", padding + min(missing) // 2, node=node)
        before = primary_input(node)
        node = case.source(before) if before else None


def _projections(
    have: TensorSpec, want: TensorSpec, differing: list[int]
) -> Iterator[tuple[list[Step], int]]:
    """Layers that turn one shape into another of as many dimensions."""
    rank = len(have.shape)
    if rank in (2, 3) and differing == [rank - 1] and isinstance(want.shape[-1], int):
        yield [("torch.nn.Linear", {"out_features": want.shape[-1]})], 0
    if rank == 3 and differing == [1, 2] and have.shape[1:] == want.shape[:0:-1]:
        yield [("torch.transpose", {"dim0": 1, "dim1": 2})], 0
    if rank < 3 or not all(isinstance(s, int) for s in (*have.shape[1:], *want.shape[1:])):
        return
    spatial = rank - 2
    conv = f"torch.nn.Conv{spatial}d" if spatial <= 3 else ""
    channels = want.shape[1]
    sides = [i for i in differing if i >= 2]
    if not sides and differing == [1] and conv:
        yield [(conv, {"out_channels": channels, "kernel_size": 1})], 0
        return
    if not sides:
        return
    ratios = {-(-int(have.shape[i]) // max(int(want.shape[i]), 1)) for i in range(2, rank)}
    exact = len(ratios) == 1 and all(
        (int(have.shape[i]) - 1) // min(ratios) + 1 == want.shape[i] for i in range(2, rank)
    )
    if conv and exact and min(ratios) > 1:
        step: dict[str, Argument] = {
            "out_channels": channels,
            "kernel_size": 1,
            "stride": min(ratios),
        }
        yield [(conv, step)], 0
    goal = tuple(want.shape[2:])
    resized: list[Step] = []
    if all(int(have.shape[i]) >= int(want.shape[i]) for i in range(2, rank)):
        resized = [(f"torch.nn.AdaptiveAvgPool{spatial}d", {"output_size": goal})]
    elif spatial <= 3:
        resized = [("torch.nn.Upsample", {"size": goal, "scale_factor": None})]
    if spatial == 1 and resized and "Pool" in resized[0][0]:
        resized = [(resized[0][0], {"output_size": goal[0]})]
    if 1 in differing and conv:
        resized = [(conv, {"out_channels": channels, "kernel_size": 1}), *resized]
    if resized:
        yield resized, 1


def _projected(steps: list[Step], label: str, want: TensorSpec) -> str:
    names = " and ".join(target.rpartition(".")[2] for target, _ in steps)
    return f"Insert {names} behind {label}, to {want}"


def _matrices(case: Case, pairs: list[tuple[Ref, TensorSpec, str]]) -> Iterator[Candidate]:
    if len(pairs) != 2:
        return
    (_, one, _), (ref, two, port) = pairs
    if len(two.shape) >= 2:
        turn: Step = ("torch.transpose", {"dim0": -2, "dim1": -1})
        yield from case.insert([turn], 0, ref=ref, port=port, label="Transpose the second value")
        inner = two.shape[-2]
        if isinstance(inner, int) and one.shape:
            wide: Step = ("torch.nn.Linear", {"out_features": inner})
            yield from case.insert([wide], 1, ref=pairs[0][0], port=pairs[0][2])
        first: Step = ("torch.transpose", {"dim0": -2, "dim1": -1})
        yield from case.insert(
            [first], 1, ref=pairs[0][0], port=pairs[0][2], label="Transpose the first value"
        )


def batch_broadcast(case: Case) -> Iterator[Candidate]:
    """N×1 against N: one dimension more for the shorter one."""
    ports = [p.name for p in (case.entry.ports if case.entry else ())]
    for port in ports:
        for ref in case.refs(port):
            spec = case.tensor(ref)
            if spec is not None and len(spec.shape) == 1:
                yield from case.insert([("torch.unsqueeze", {"dim": -1})], ref=ref, port=port)
            elif spec is not None and spec.shape[-1] == 1:
                yield from case.insert([("torch.squeeze", {"dim": -1})], 1, ref=ref, port=port)


def branch_shapes(case: Case) -> Iterator[Candidate]:
    """One side in the shape of the other."""
    sides = []
    for port in ("if_true", "if_false"):
        refs = case.refs(port)
        spec = case.tensor(refs[0]) if refs else None
        if spec is None:
            return
        sides.append((refs[0], spec, port))
    yes, no = sides
    if yes[1].shape == no[1].shape:
        for (ref, spec, port), goal in ((no, yes), (yes, no)):
            if spec.dtype != goal[1].dtype:
                cast: Step = ("torch.Tensor.to", {"dtype": goal[1].dtype})
                yield from case.insert([cast], ref=ref, port=port)
        return
    yield from _bring(case, no, yes, None)
    yield from _bring(case, yes, no, None)


def lengths(case: Case) -> Iterator[Candidate]:
    """Keys and values from one source."""
    for port, other in (("value", "key"), ("key", "query")):
        refs = case.refs(other)
        if refs and case.refs(port) != refs:
            yield case.read(refs[0], f"Read the same at “{port}” as at “{other}”", port=port)


CANDIDATES = {
    "merge_shapes": merge_shapes,
    "batch_broadcast": batch_broadcast,
    "branch_shapes": branch_shapes,
    "lengths": lengths,
    "state_broadcast": last_layers,
}
