"""Checks that hold for every call: literals, tuples, whole numbers where layers need real ones."""

from __future__ import annotations

import re

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.model import Ref, Size, TensorSpec
from builder.graph.symbols import BATCH_PROBE, Evaluated, dim_from_probe

MOST_INNER_LAYERS = 256
"""Torch builds each of `num_layers` at once; a thousand of them would hold up every other session."""

_LAYER_COUNTS = ("num_layers", "num_encoder_layers", "num_decoder_layers")
_FLOATS = ("float32", "float64", "float16", "bfloat16")
_WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")
_WEIGHTED = frozenset({"linear", "convolution", "recurrent", "transformer", "normalization"})
# Found by running every layer on the CPU with whole numbers: these refuse them, meta does not.
_REAL_ONLY = frozenset({"activation", "dropout", "pooling", "vision"})


def spatial_dims(entry: Entry) -> int | None:
    """2 for Conv2d, MaxPool2d, BatchNorm2d, …; None where the name says nothing."""
    found = re.search(r"([123])d$", entry.key)
    return int(found[1]) if found else None


def words_for_picture(spatial: int) -> str:
    """N×channels×height×width, in as many dimensions."""
    return "×".join(
        ("N", "channels", *{1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[spatial])
    )


def has_batch(spec: TensorSpec) -> bool:
    """Whether a size is the batch or a multiple of it."""
    return any(isinstance(size, str) for size in spec.shape)


def check_tuples(call: Call) -> Finding | None:
    """A tuple result where one tensor is read."""
    for port in call.entry.ports:
        value = call.inputs.get(port.name)
        many = value if port.many and isinstance(value, tuple) else (value,)
        if any(isinstance(part, tuple) for part in many):
            return call.finding(
                "tuple_input",
                f"needs one tensor but receives a tuple, {show(value)}{call.from_(port.name)}. "
                "Choose which part it reads.",
                port=port.name,
            )
    return None


def check_values(call: Call) -> Finding | None:
    """Arguments that are missing, of the wrong type or out of range."""
    for parameter in (*call.entry.parameters, *call.entry.call_parameters):
        name = parameter.name
        given = call.arguments if name in call.arguments else call.literals
        if name not in given:
            if parameter.required:
                return call.finding(
                    "missing_argument", f"needs {name}. Give it a value.", parameter=name
                )
            continue
        sentence = catalogue.check_literal(parameter, _without_batch(given[name]))
        if sentence:
            return call.finding("value", f"cannot be built: {sentence}", parameter=name)
    for group in call.entry.one_of:
        given_names = [
            n for n in group if call.arguments.get(n, call.literals.get(n)) is not None
        ]
        if len(given_names) != 1:
            names = " or ".join(group)
            state = "both are set" if given_names else "neither is set"
            return call.finding(
                "one_of", f"takes either {names}, but {state}. Set one of them.", parameter=group[0]
            )
    for name in _LAYER_COUNTS:
        count = call.whole(name)
        if count is not None and count > MOST_INNER_LAYERS:
            return call.finding(
                "value",
                f"has {name}={count}. Choose at most {MOST_INNER_LAYERS}, or repeat a block.",
                parameter=name,
            )
    return None


def _without_batch(value: Evaluated) -> object:
    """The batch's number made a size again, which a literal's range says nothing about."""
    if isinstance(value, tuple):
        return tuple(_without_batch(part) for part in value)
    if isinstance(value, int) and isinstance(dim_from_probe(abs(value)), str):
        return Size(Ref(""), 0)
    return value


def check_dtypes(call: Call) -> Finding | None:
    """Whole numbers where weights are real numbers. Torch's meta device does not notice."""
    family, key = call.entry.family, call.entry.key
    if call.entry.kind != "layer" or family == "embedding":
        return None
    if family not in _WEIGHTED and family not in _REAL_ONLY and key != "torch.nn.Bilinear":
        return None
    for port in call.entry.ports:
        if port.optional or port.name == "indices":
            continue
        spec = call.tensor(port.name)
        if spec is None or spec.dtype == "float32":
            continue
        if spec.dtype in _WHOLE and (family in _WEIGHTED or not _passes_whole(key)):
            return call.finding(
                "integer_input",
                f"works on real numbers but receives {spec.dtype}{call.from_(port.name)}. Turn "
                "them into features with an Embedding, or into real numbers with .float().",
                port=port.name,
            )
        if family in _WEIGHTED and spec.dtype in (*_FLOATS, "complex64"):
            return call.finding(
                "dtype",
                f"has float32 weights but receives {spec.dtype}{call.from_(port.name)}. Turn it "
                "into float32 with .float().",
                port=port.name,
            )
    return None


def _passes_whole(key: str) -> bool:
    return key.rpartition(".")[2] in PASSES_WHOLE_NUMBERS


PASSES_WHOLE_NUMBERS = frozenset({"ReLU", "ReLU6", "Threshold", "Hardtanh", "Tanh", "Sigmoid"})


_NUMBER = re.compile(r"\d{7,}")


def explain(call: Call, refusal: str) -> Finding:
    """Torch's own refusal where no check knew better, with N for the batch's number."""
    kind, _, text = refusal.partition(": ")
    text = _NUMBER.sub(lambda found: _number(found[0]), text)
    values = ", ".join(show(value) for value in call.inputs.values())
    if kind == "OverflowError" or "overflow" in text.lower():
        return call.finding(
            "too_large_number",
            "would have more numbers than torch can count. Choose smaller sizes.",
        )
    received = f"does not accept {values}{call.from_()}" if values else "cannot be built"
    return call.finding("torch", f"{received}. Torch says: {quote(text or kind, 240)}.")


def _number(digits: str) -> str:
    size = int(digits)
    return str(dim_from_probe(size)) if size >= BATCH_PROBE - 4096 else digits
