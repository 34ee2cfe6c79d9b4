"""What a graph must not change silently: values written over in place, and effects inside of branches."""

from __future__ import annotations

from collections import Counter
from typing import Final

from builder import catalogue
from builder.code.reading import shared_memory
from builder.code.reading.closed import Closed
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Raw, Step, tensors_in
from builder.errors import NotFound
from builder.graph.model import Ref, iter_refs

_OF_SEVERAL: Final = (
    "broadcast_tensors", "meshgrid", "atleast_1d", "atleast_2d", "atleast_3d", "einsum", "as_tensor",
)  # fmt: skip
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
        "dropout3d",
        "feature_alpha_dropout",
        "positive",
        "conj",
        "adjoint",
        "moveaxis",
        "swapdims",
        "ravel",
        "reshape_as",
        "split_with_sizes",
        "unsafe_split",
        "unsafe_chunk",
        "hsplit",
        "vsplit",
        "dsplit",
        "as_strided",
        "imag",
        "view_as_real",
        "view_as_complex",
        "resolve_conj",
        "resolve_neg",
        "linalg_diagonal",
        "sum_to_size",
        "short",
        "char",
        "byte",
        "bfloat16",
        *_OF_SEVERAL,
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


def settle_in_place(reader: Reader, closed: Closed) -> None:
    """`x += y` becomes `x = x + y` where nobody reads the old x later; elsewhere it stays in place."""
    _refuse_written_parameters(reader, closed)
    shared_memory.check_making(reader, closed.tree, shares)
    written = [s for s in closed.kept.values() if s.in_place and s.changed is not None]
    if not written:
        return
    memory = Memory(closed)
    for step in written:
        assert step.changed is not None
        if step.must_stay or memory.is_seen(step):
            _keep_in_place(reader, step)
            continue
        for entering in closed.root.inputs:
            if memory.of(entering.id) == memory.of(step.changed.node):
                reader.note(
                    f"“{entering.name[:40]}” is changed in place in the text; here the tensor that is "
                    "handed in stays as it was.",
                    step.line,
                )


def _refuse_written_parameters(reader: Reader, closed: Closed) -> None:
    """Errors: CodeRefused where forward writes into a parameter that learns, or into a view of it.

    Also into a buffer that lies in the memory of another one.
    """
    shared = _shared_buffers(closed)
    for step in closed.kept.values():
        ref = step.changed or next(iter(_written(step)), None)
        while ref is not None and (made := closed.trace.steps.get(ref.node)) is not None:
            if made.kind == "weight" and id(made.owner) in shared:
                raise reader.refuse(
                    "Two buffers are one tensor here, and one of them is written over", line=step.line,
                    help="Give each a tensor of its own: m.clone().",
                )  # fmt: skip
            if made.kind == "weight" and _learns(made):
                raise reader.refuse(
                    "A parameter is written over while the network runs", line=step.line,
                    help="Change the weight after optimizer.step() in the training loop, or work on "
                    "a copy: self.weight.clamp(-1, 1).",
                )  # fmt: skip
            passing = shares(made) and made.target != "torch.Tensor.detach"
            ref = next(iter_refs(made.arguments.get("input")), None) if passing else None


def _shared_buffers(closed: Closed) -> set[int]:
    """The buffers that a text makes of one and the same tensor."""
    raws = [member for _, member in closed.tree.order if isinstance(member, Raw)]
    base = {
        id(raw): shared_memory.base_of(closed.trace, raw.made.ref, shares)
        for raw in raws if not raw.copied
    }  # fmt: skip
    made = Counter(base.values())
    return {key for key, ref in base.items() if made[ref] > 1}


def _learns(step: Step) -> bool:
    owner = step.owner
    if isinstance(owner, Raw):
        return owner.kind == "parameter" and owner.requires_grad
    return isinstance(owner, Layer) and not owner.frozen and not _is_buffer(owner, step.weight)


def _is_buffer(layer: Layer, name: str) -> bool:
    return name.startswith("running_") or name == "num_batches_tracked"


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


class Memory:
    """Which tensors may lie in the same memory, who reads it, and who writes into it."""

    def __init__(self, closed: Closed) -> None:
        self.closed, self.parent = closed, {}  # type: ignore[var-annotated]
        trace = closed.trace
        for identity, (_, entering) in trace.entering.items():
            self._join(identity, entering.outer.node)
        for step in closed.kept.values():
            if step.kind == "branch":
                for name in ("if_true", "if_false"):
                    for ref in iter_refs(step.arguments[name]):
                        self._join(step.id, ref.node)
            elif step.in_place and step.changed is not None:
                self._join(step.id, step.changed.node)
            elif shares(step):
                read = [r for a in step.arguments.values() for r in iter_refs(a)]
                several = step.target.rpartition(".")[2] in _OF_SEVERAL
                for ref in read if several else read[:1]:
                    self._join(step.id, ref.node)
        self.inside: dict[str, list[str]] = {}
        for node in list(self.parent):
            self.inside.setdefault(self.of(node), []).append(node)
        self.readers = _readers(closed)

    def of(self, node: str) -> str:
        self.parent.setdefault(node, node)
        while self.parent[node] != node:
            self.parent[node] = self.parent[self.parent[node]]
            node = self.parent[node]
        return node

    def is_weight(self, group: str) -> bool:
        """Whether a parameter or buffer lies there."""
        made = (self.closed.trace.steps.get(node) for node in self.inside.get(group, [group]))
        return any(step is not None and step.kind == "weight" for step in made)

    def written_by(self, step: Step) -> set[str]:
        """The memory that a step writes into."""
        return {self.of(ref.node) for ref in _written(step)}

    def is_seen(self, step: Step) -> bool:
        """Whether the old value, or a view of it, is read after it was written over."""
        changed = [step.changed] if step.changed is not None else _written(step)
        for group in {self.of(ref.node) for ref in changed}:
            if self.is_weight(group):
                return True
            for node in self.inside.get(group, [group]):
                made = self.closed.trace.steps.get(node)
                if node == step.id or (made is not None and made.order > step.order):
                    continue
                if any(order > step.order for order in self.readers.get(node, ())):
                    return True
        return False

    def _join(self, one: str, other: str) -> None:
        self.parent[self.of(one)] = self.of(other)


def _written(step: Step) -> list[Ref]:
    """The tensors that a step writes over."""
    name = step.target.rpartition(".")[2]
    if step.kind == "layer":
        inplace = getattr(step.owner, "arguments", {}).get("inplace")
        found = [step.arguments.get("input")] if getattr(inplace, "value", inplace) is True else []
    elif name in ("batch_norm", "instance_norm"):
        found = [step.arguments.get("running_mean"), step.arguments.get("running_var")]
    elif name == "setitem" or _in_place(name) or step.arguments.get("inplace") is True:
        found = [step.arguments.get("input")]
    else:
        found = []
    return [ref for argument in found for ref in iter_refs(argument)]


def _in_place(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__") and name not in ("and_", "or_")


def shares(step: Step) -> bool:
    if step.kind == "branch":
        return True
    if isinstance(step.owner, Layer) and step.kind == "layer":
        inplace = step.owner.arguments.get("inplace")
        return step.owner.entry.name in _PASSING or getattr(inplace, "value", inplace) is True
    name = step.target.rpartition(".")[2]
    return name in _VIEWS or _in_place(name)


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
