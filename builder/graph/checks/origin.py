"""The checks that must know where a value comes from, so that they cannot be remembered with a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import NotFound
from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.model import Graph, Node, TensorSpec
from builder.graph.symbols import Evaluated

_COLOURS = (1, 3, 4)
_ARITHMETIC = frozenset(f"operator.{name}" for name in ("add", "sub", "mul", "truediv"))
_RECURRENT = frozenset(f"torch.nn.{kind}" for kind in ("RNN", "LSTM", "GRU"))
_PICTURE_FAMILIES = ("convolution", "pooling", "padding", "vision")


def depends_on_origin(entry: Entry, inputs: Mapping[str, Evaluated]) -> bool:
    """Whether `find_by_origin` may have something to say: Linear on N×C×H×W, N×F and L×N×F added."""
    if entry.key in _ARITHMETIC:
        return bool(_like_state(entry, inputs))
    if entry.key != "torch.nn.Linear":
        return False
    value = inputs.get("input")
    return (
        isinstance(value, TensorSpec) and len(value.shape) >= 4 and isinstance(value.shape[0], str)
    )


def find_by_origin(
    call: Call, graph: Graph, origin: Callable[[str], Node | None]
) -> Finding | None:
    """What torch allows, and is hardly ever meant. `origin`: the node that gave a port its shape."""
    if call.entry.key in _ARITHMETIC:
        return _state_broadcast(call, graph, origin)
    return _picture_into_linear(call, graph, origin(call.first))


def _like_state(entry: Entry, inputs: Mapping[str, Evaluated]) -> str:
    """The port with layers×N×features where the other has N×features; "" where they are not so."""
    given = {p.name: v for p in entry.ports if isinstance(v := inputs.get(p.name), TensorSpec)}
    batches = {name: [isinstance(size, str) for size in spec.shape] for name, spec in given.items()}
    if [True, False] not in batches.values():
        return ""
    return next((name for name, at in batches.items() if at == [False, True, False]), "")


def _state_broadcast(
    call: Call, graph: Graph, origin: Callable[[str], Node | None]
) -> Finding | None:
    """h_n with N×features, which is added to every layer; torch puts the layers in front of the batch."""
    port = _like_state(call.entry, call.inputs)
    source = origin(port)
    owner = graph.owner_of(source) if source is not None else None
    if owner is None or owner.target not in _RECURRENT:
        return None
    # With batch_first its output has the batch in front, so that this is a state. Of one that goes
    # both ways no single row is the last layer.
    if owner.arguments.get("batch_first") is not True or owner.arguments.get("bidirectional"):
        return None
    near, far = (p.name for p in call.entry.ports[:2])
    return call.finding(
        "state_broadcast",
        f"receives {show(call.tensor(near))}{call.out_of(near)} and {show(call.tensor(far))}"
        f"{call.out_of(far)}. A state has its layers in front of the batch, and so would the result. "
        "Take the last layer of the state.",
        port=port,
        severity="warning",
    )


def _picture_into_linear(call: Call, graph: Graph, origin: Node | None) -> Finding | None:
    """A picture into Linear. Torch allows it: Linear works on the last size, here the width.

    That is hardly ever meant straight behind a convolution, a pooling or the picture itself; behind
    a permute (channels last) it is, and stays silent.
    """
    spec = call.tensor()
    if spec is None or origin is None or not _gives_picture(graph, origin, spec):
        return None
    return call.finding(
        "picture_into_linear",
        f"receives a picture, {show(spec)}{call.from_()}, and works on its last size alone, "
        f"{spec.shape[-1]}. Insert Flatten before it to use all of it.",
        port="input",
        severity="warning",
    )


def _gives_picture(graph: Graph, origin: Node, spec: TensorSpec) -> bool:
    if origin.kind == "input":
        return spec.shape[1] in _COLOURS
    owner = graph.owner_of(origin)
    try:
        entry = catalogue.get(owner.target if owner else origin.target)
    except NotFound:
        return False
    return entry.family in _PICTURE_FAMILIES
