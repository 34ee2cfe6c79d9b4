"""Sequences of several lengths: `pack_padded_sequence`, a recurrent layer, `pad_packed_sequence`.

The three are one call of the layer in a graph, which is told the lengths. A packed value is never a
tensor here: only a recurrent layer takes it, and only `pad_packed_sequence` makes a tensor of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.packing import ENFORCE_SORTED, LENGTHS, PACKING, TOTAL_LENGTH, packs
from builder.code.reading.known import does
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Step
from builder.code.reading.values import Method, Numbers, Packed, Tensor, Unknown, plain
from builder.errors import CodeRefused
from builder.graph.model import Graph, Node, Ref, TensorSpec, iter_refs

UNPACK: Final = "Make a tensor of it with pad_packed_sequence(packed)[0], whose places behind each sequence are zeros."
_RNN: Final = "torch.nn.utils.rnn."
_SHORTER: Final = "packed: one step less"
_COUNTED: Final = "packed: line of an output as long as its longest"


# Packing ------------------------------------------------------------------------------------------


@does(_RNN + "pack_padded_sequence")
def pack(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    names = ("input", LENGTHS, "batch_first", ENFORCE_SORTED)
    given = _named(reader, "pack_padded_sequence", names, args, kwargs)
    tensor = given.get("input")
    if isinstance(tensor, Unknown):
        raise reader.refuse_unknown(tensor)
    if not isinstance(tensor, Tensor):
        raise reader.refuse("pack_padded_sequence needs a tensor of sequences")
    batch_first = _switch(reader, given.get("batch_first", False), "batch_first")
    is_sorted = _switch(reader, given.get(ENFORCE_SORTED, True), ENFORCE_SORTED)
    return Packed(tensor, _lengths(reader, given.get(LENGTHS)), batch_first, is_sorted)


def _lengths(reader: Reader, value: Any) -> Tensor:
    """The lengths as a tensor of whole numbers, as torch takes them."""
    if isinstance(value, Numbers) and value.of is not None:
        value = value.of
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if not isinstance(value, Tensor):
        raise reader.refuse(
            "The lengths of the sequences are no tensor here",
            "Take them as an input of forward: a tensor with one whole number for each sequence.",
        )
    if value.spec.dtype.startswith(("int", "uint")):
        return value
    from builder.code.reading.torch_calls import operation

    whole = operation(reader, "torch.Tensor.long", {"input": value})
    assert isinstance(whole, Tensor)
    return whole


@does(
    _RNN + "pack_sequence", _RNN + "pad_sequence", _RNN + "PackedSequence", _RNN + "unpad_sequence"
)
def from_a_list(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return reader.unknown(
        "A list of sequences, each of another length, cannot go through a network here",
        "Pad them where the data is loaded, give the network one tensor and the lengths, and use "
        "pack_padded_sequence.",
    )


# Layers -------------------------------------------------------------------------------------------


def holds(values: Any) -> bool:
    """Whether a packed value is among these."""
    return any(value.__class__ is Packed for value in values)


def without_packing(entry: Entry) -> Entry:
    """A layer as torch calls it: its forward knows no lengths."""
    return _without_packing(entry.key) if packs(entry) else entry


@cache
def _without_packing(key: str) -> Entry:
    entry = catalogue.get(key)
    return replace(
        entry,
        ports=tuple(p for p in entry.ports if p.name not in PACKING),
        call_parameters=tuple(p for p in entry.call_parameters if p.name not in PACKING),
        order=tuple(name for name in entry.order if name not in PACKING),
    )


def call_layer(reader: Reader, layer: Layer, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`packed, h_n = self.gru(packed)`."""
    from builder.code.reading.binding import bound
    from builder.code.reading.torch_calls import run_layer

    if not packs(layer.entry):
        raise refused(reader, f"nn.{layer.entry.name} cannot take packed sequences")
    first = layer.entry.ports[0].name
    packed = args[0] if args else kwargs.get(first)
    if not isinstance(packed, Packed) or holds(args[1:]):
        raise refused(
            reader, f"nn.{layer.entry.name} takes packed sequences as its first value only"
        )
    batch_first = plain(layer.arguments.get("batch_first", False)) is True
    tensor = _turned(reader, packed.tensor, packed.batch_first != batch_first, True)
    rest = {name: value for name, value in kwargs.items() if name != first}
    given = bound(reader, without_packing(layer.entry), [tensor, *args[1:]], rest)
    given |= {LENGTHS: packed.lengths, ENFORCE_SORTED: packed.enforce_sorted}
    if packed.enforce_sorted:
        given.pop(ENFORCE_SORTED)
    output, states = run_layer(reader, layer, given)
    step = reader.trace.steps[output.ref.node]
    made = Packed(output, packed.lengths, batch_first, packed.enforce_sorted, step, given)
    return made, states


def refused(reader: Reader, what: str) -> CodeRefused:
    """A packed value where only a tensor can be used."""
    return reader.refuse(what, UNPACK)


def _turned(reader: Reader, tensor: Tensor, is_other: bool, is_sorted: bool) -> Tensor:
    """Batch and steps exchanged. What torch sorts back is a new tensor, in plain order in memory."""
    if not is_other:
        return tensor
    from builder.code.reading.torch_calls import operation

    made = operation(reader, "torch.transpose", {"input": tensor, "dim0": 0, "dim1": 1})
    if not is_sorted:
        made = operation(reader, "torch.Tensor.contiguous", {"input": made})
    assert isinstance(made, Tensor)
    return made


def attribute(reader: Reader, packed: Packed, name: str) -> Any:
    """`packed.to(device)` moves it; `packed.data` is as long as all sequences together."""
    if name in ("to", "cuda", "cpu", "pin_memory"):
        return Method(name, lambda r, args, kwargs: packed)
    if name in ("data", "batch_sizes", "sorted_indices", "unsorted_indices"):
        what = f"“.{name}” of packed sequences has a size that depends on the data"
        raise refused(reader, f"{what}: all lengths together")
    return reader.unknown(f"“.{name[:40]}” of packed sequences is not known here", UNPACK)


# Unpacking ----------------------------------------------------------------------------------------


@does(_RNN + "pad_packed_sequence")
def pad(reader: Reader, args: list[Any], kwargs: dict[str, Any]) -> Any:
    names = ("sequence", "batch_first", "padding_value", TOTAL_LENGTH)
    given = _named(reader, "pad_packed_sequence", names, args, kwargs)
    packed = given.get("sequence")
    if isinstance(packed, Unknown):
        raise reader.refuse_unknown(packed)
    if not isinstance(packed, Packed):
        raise reader.refuse("pad_packed_sequence needs packed sequences", kind="raised")
    if packed.step is None:
        raise reader.refuse(
            "These sequences are unpacked as they were packed, and no layer stands in between",
            "Take both lines away, or multiply by a mask of the places that count.",
        )
    if plain(given.get("padding_value", 0.0)) not in (0, 0.0):
        raise reader.refuse(
            "The places behind a sequence are zeros here, and padding_value is another number",
            "Leave padding_value out, and use masked_fill behind it.",
        )
    batch_first = _switch(reader, given.get("batch_first", False), "batch_first")
    output = _made_long(reader, packed, given.get(TOTAL_LENGTH))
    return (
        _turned(reader, output, batch_first != packed.batch_first, packed.enforce_sorted),
        packed.lengths,
    )


def _made_long(reader: Reader, packed: Packed, total: Any) -> Tensor:
    """The layer's output, as long as its longest sequence, or as `total_length` says."""
    from builder.code.reading.torch_calls import argument_of, run_again

    step, wanted = packed.step, argument_of(reader, total)
    assert step is not None
    if packed.unpacked and wanted != packed.total:
        raise reader.refuse(
            "The same packed sequences are unpacked to two lengths",
            "Unpack them once, and cut or pad the tensor for the other one.",
        )
    if wanted is None:
        reader.state.setdefault(_COUNTED, reader.line)
    elif not packed.unpacked:
        if any(_is_later(reader, ref, step) for ref in iter_refs(wanted)):
            raise reader.refuse(
                "total_length is taken from a tensor that is only made behind the layer",
                "Take it from what goes into the layer, such as total_length=x.size(1).",
            )
        packed.given[TOTAL_LENGTH] = total
        run_again(reader, step, packed.given)
        output = step.result[0] if isinstance(step.result, tuple) else None
        assert isinstance(output, TensorSpec)
        packed.tensor = Tensor(output, packed.tensor.ref)
    packed.unpacked, packed.total = True, wanted
    if wanted is None and reader.state.get(_SHORTER):
        _make_shorter(packed, step)
    return packed.tensor


def _is_later(reader: Reader, ref: Ref, step: Step) -> bool:
    made = reader.trace.steps.get(ref.node)
    return made is not None and made.order >= step.order


# Outputs as long as their longest sequence ---------------------------------------------------------


def is_counted(reader: Reader) -> bool:
    """Whether an output is as long as its longest sequence: no number may be made of that."""
    return reader.state.get(_COUNTED) is not None


def expect_shorter(reader: Reader, shorter: bool) -> None:
    """From now on the longest sequence of a batch is a step shorter than the input, or fills it."""
    reader.state[_SHORTER] = shorter


def _make_shorter(packed: Packed, step: Step) -> None:
    assert isinstance(step.result, tuple)
    spec, axis = packed.tensor.spec, 1 if packed.batch_first else 0
    steps = spec.shape[axis]
    if packed.given.get(_SHORTER) or not isinstance(steps, int) or steps < 2:
        return
    packed.given[_SHORTER] = True
    shape = (*spec.shape[:axis], steps - 1, *spec.shape[axis + 1 :])
    less = replace(spec, shape=shape)
    step.result = (less, *step.result[1:])
    packed.tensor = Tensor(less, packed.tensor.ref)


def hold_shorter(reader: Reader, graph: Graph, shorter: Graph | None) -> None:
    """Errors: CodeRefused where the network is another one for a batch of shorter sequences."""
    if shorter is None or _without_shapes(graph) != _without_shapes(shorter):
        raise reader.refuse(
            "What follows counts the steps of this output, which is as long as the longest sequence of "
            "a batch: another number in each batch",
            "Give pad_packed_sequence total_length=x.size(1), where x is what is packed (x.size(0) "
            "without batch_first), or write it without a loop over the steps.",
            line=reader.state[_COUNTED],
        )


def _without_shapes(graph: Graph) -> Graph:
    """A network without the shapes of what goes into its blocks."""
    blocks = {name: _without_shapes(block) for name, block in graph.blocks.items()}
    nodes = {n.id: replace(n, spec=None) for n in graph.nodes.values()}
    return replace(graph, nodes=nodes, blocks=blocks)


def tell(reader: Reader, graph: Graph, lines: Mapping[tuple[str, str], Sequence[Any]]) -> None:
    """Says of which outputs the shapes are those of the longest sequences."""
    for block, inner in [("", graph), *graph.blocks.items()]:
        for node in inner.nodes.values():
            if _is_as_long_as_its_longest(inner, node):
                where = lines.get((block, node.id)) or [(None,)]
                reader.note(
                    f"The output of “{inner.label(node.id)}” is as long as the longest sequence of a "
                    "batch; its shape here assumes that one fills the input.",
                    where[0][0],
                )


def _is_as_long_as_its_longest(graph: Graph, node: Node) -> bool:
    told, total = node.arguments.get(LENGTHS), node.arguments.get(TOTAL_LENGTH)
    if node.kind != "layer" or told is None or total is not None:
        return False
    read = [
        ref for n in graph.readers_of(node.id) for a in n.arguments.values() for ref in iter_refs(a)
    ]
    return any(ref.node == node.id and ref.path[:1] in ((), (0,)) for ref in read)


def _named(
    reader: Reader, function: str, names: tuple[str, ...], args: list[Any], kwargs: dict[str, Any]
) -> dict[str, Any]:
    given = dict(zip(names, args, strict=False))
    strange = next((name for name in kwargs if name not in names or name in given), None)
    if len(args) > len(names) or strange is not None:
        raise reader.refuse(f"{function} cannot be called like this", kind="raised")
    return {**given, **kwargs}


def _switch(reader: Reader, value: Any, name: str) -> bool:
    known = plain(value)
    if isinstance(known, Unknown):
        raise reader.refuse_unknown(known)
    if not isinstance(known, bool | int):
        raise reader.refuse(f"{name} must be known here: True or False")
    return bool(known)
