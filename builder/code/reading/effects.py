"""What a graph must not change silently: values written over in place, and effects inside of branches."""

from __future__ import annotations

from typing import Final

from builder import catalogue
from builder.code.reading.closed import Closed, has_effect
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Raw, Step, tensors_in
from builder.errors import NotFound
from builder.graph.model import Ref, iter_refs

_VIEWS: Final = frozenset(
    [
        "getitem",
        "view",
        "reshape",
        "transpose",
        "permute",
        "unsqueeze",
        "squeeze",
        "flatten",
        "expand",
        "expand_as",
        "chunk",
        "split",
        "unbind",
        "narrow",
        "select",
        "detach",
        "contiguous",
        "movedim",
        "diagonal",
        "unflatten",
        "to",
        "float",
        "double",
        "half",
        "long",
        "int",
        "bool",
        "type_as",
        "broadcast_to",
        "view_as",
        "unfold",
        "dropout",
        "dropout1d",
        "dropout2d",
        "alpha_dropout",
        "t",
        "setitem",
        "tensor_split",
        "real",
        "swapaxes",
        "feature_dropout",
    ]
)
_PASSING: Final = frozenset(
    [
        "Identity",
        "Flatten",
        "Unflatten",
        "Dropout",
        "Dropout1d",
        "Dropout2d",
        "Dropout3d",
        "AlphaDropout",
        "FeatureAlphaDropout",
    ]
)
_MOVING: Final = ("Dropout", "BatchNorm", "RReLU", "AlphaDropout", "InstanceNorm", "LSTM", "GRU")

Side = tuple[tuple[str, bool], ...]


def settle_in_place(reader: Reader, closed: Closed) -> None:
    """`x += y` becomes `x = x + y` where nobody reads the old x later; elsewhere it stays in place."""
    _refuse_written_parameters(reader, closed)
    written = [s for s in closed.kept.values() if s.in_place and s.changed is not None]
    if not written:
        return
    groups = _Groups(closed)
    readers = _readers(closed)
    for step in written:
        assert step.changed is not None
        if step.must_stay or _is_seen(step, groups, readers, closed):
            _keep_in_place(reader, step)
            continue
        for entering in closed.root.inputs:
            if groups.of(entering.id) == groups.of(step.changed.node):
                reader.note(
                    f"“{entering.name[:40]}” is changed in place in the text; here the tensor that is "
                    "handed in stays as it was.",
                    step.line,
                )


def _refuse_written_parameters(reader: Reader, closed: Closed) -> None:
    """Errors: CodeRefused where forward writes into a parameter that learns, or into a view of it."""
    for step in closed.kept.values():
        ref = step.changed
        writes = step.target.startswith("torch.Tensor.") and step.target.endswith("_")
        if step.target == "operator.setitem" or (writes and not step.target.endswith("__")):
            ref = next(iter_refs(step.arguments.get("input")), None)
        while ref is not None and (made := closed.trace.steps.get(ref.node)) is not None:
            if made.kind == "weight" and _learns(made):
                raise reader.refuse(
                    "A parameter is written over while the network runs", line=step.line,
                    help="Change the weight after optimizer.step() in the training loop, or work on "
                    "a copy: self.weight.clamp(-1, 1).",
                )  # fmt: skip
            shares = _shares(made) and made.target != "torch.Tensor.detach"
            ref = next(iter_refs(made.arguments.get("input")), None) if shares else None


def _learns(step: Step) -> bool:
    owner = step.owner
    if isinstance(owner, Raw):
        return owner.kind == "parameter" and owner.requires_grad
    return isinstance(owner, Layer) and not owner.frozen and not _is_buffer(owner, step.weight)


def _is_buffer(layer: Layer, name: str) -> bool:
    return name.startswith("running_") or name == "num_batches_tracked"


def _is_seen(step: Step, groups: _Groups, readers: dict[str, list[int]], closed: Closed) -> bool:
    """Whether the old value, or a view of it, is read after it was written over."""
    assert step.changed is not None
    group = groups.of(step.changed.node)
    for node in groups.members(group):
        made = closed.trace.steps.get(node)
        if made is not None and made.kind == "weight":
            return True
        if node == step.id or (made is not None and made.order > step.order):
            continue
        if any(order > step.order for order in readers.get(node, ())):
            return True
    return False


def _keep_in_place(reader: Reader, step: Step) -> None:
    if not step.in_place:
        raise reader.refuse(
            "This changes a tensor in place in a way that cannot be kept", line=step.line
        )
    for key in (f"torch.Tensor.{step.in_place}", f"torch.nn.functional.{step.in_place}"):
        try:
            entry = catalogue.get(key)
        except NotFound:
            continue
        if entry.key == key and all(name in entry.order for name in step.arguments):
            step.target = key
            return
    raise reader.refuse(
        "This changes a tensor in place that is read again later",
        "Write x = x + y.",
        line=step.line,
    )


class _Groups:
    """Which tensors may lie in the same memory."""

    def __init__(self, closed: Closed) -> None:
        self.closed, self.parent = closed, {}  # type: ignore[var-annotated]
        trace = closed.trace
        for identity, (_, entering) in trace.entering.items():
            self._join(identity, entering.outer.node)
        for step in closed.kept.values():
            if _shares(step):
                first = next((r for a in step.arguments.values() for r in iter_refs(a)), None)
                if first is not None:
                    self._join(step.id, first.node)
        self.inside: dict[str, list[str]] = {}
        for node in list(self.parent):
            self.inside.setdefault(self.of(node), []).append(node)

    def of(self, node: str) -> str:
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def members(self, group: str) -> list[str]:
        return self.inside.get(group, [group])

    def _join(self, one: str, other: str) -> None:
        self.parent[self.of(one)] = self.of(other)


def _shares(step: Step) -> bool:
    if step.kind == "branch":
        return True
    if isinstance(step.owner, Layer) and step.kind == "layer":
        inplace = step.owner.arguments.get("inplace")
        return step.owner.entry.name in _PASSING or getattr(inplace, "value", inplace) is True
    name = step.target.rpartition(".")[2]
    return name in _VIEWS or (name.endswith("_") and name not in ("and_", "or_"))


def _readers(closed: Closed) -> dict[str, list[int]]:
    """For each value the places in the running order where it is read."""
    found: dict[str, list[int]] = {}
    for step in closed.kept.values():
        for argument in step.arguments.values():
            for ref in iter_refs(argument):
                found.setdefault(ref.node, []).append(step.order)
    end = 1 << 60
    for tensor in tensors_in(closed.root.result):
        found.setdefault(tensor.ref.node, []).append(end)
    return found


def check_sides(reader: Reader, closed: Closed) -> None:
    """What has an effect runs on the side of a branch where the text has it, and on no other."""
    if not any(step.kind == "branch" or step.side for step in closed.kept.values()):
        return
    needed: dict[str, list[Side]] = {}

    def need(ref: Ref, home: Side) -> None:
        while ref.node in closed.trace.entering:
            ref = closed.trace.entering[ref.node][1].outer
        needed.setdefault(ref.node, []).append(home)

    for tensor in tensors_in(closed.root.result):
        need(tensor.ref, ())
    for step in reversed(list(closed.kept.values())):
        home = _common(needed.get(step.id, []))
        if step.kind == "branch":
            for name, which in (("if_true", True), ("if_false", False)):
                ref = step.arguments[name]
                if isinstance(ref, Ref):
                    need(ref, (*home, (step.target, which)))
            for ref in iter_refs(step.arguments["condition"]):
                need(ref, home)
            continue
        if _has_real_effect(step) and len(home) != len(step.side):
            raise reader.refuse(
                "This step changes a tensor that stays, or draws numbers, and would not do it on the same "
                "side of the condition as in the text", line=step.line,
                help="Move it to where its result is used; for a running mean use nn.BatchNorm1d or its kin.",
            )  # fmt: skip
        for argument in step.arguments.values():
            for ref in iter_refs(argument):
                need(ref, home)


def _has_real_effect(step: Step) -> bool:
    if step.kind == "layer":
        layer = step.owner
        return isinstance(layer, Layer) and (
            layer.entry.name.startswith(_MOVING) or any("spectral" in n.kind for n in layer.norms)
        )
    return has_effect(step)


def _common(homes: list[Side]) -> Side:
    if not homes:
        return ()
    first, *others = homes
    length = len(first)
    for other in others:
        same = 0
        while same < min(length, len(other)) and first[same] == other[same]:
            same += 1
        length = same
    return first[:length]
