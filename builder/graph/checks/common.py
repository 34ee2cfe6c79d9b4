"""Checks that hold for every call: literals, tuples, whole numbers where layers need real ones."""

from __future__ import annotations

import re
from dataclasses import replace

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.errors import quote
from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding
from builder.graph.layout import Strided
from builder.graph.model import Ref, Size, TensorSpec
from builder.graph.symbols import Evaluated, dim_from_probe

MOST_INNER_LAYERS = 256
"""Torch builds each of `num_layers` at once; a thousand of them would hold up every other session."""

_LAYER_COUNTS = ("num_layers", "num_encoder_layers", "num_decoder_layers")
WHOLE = ("int64", "int32", "int16", "int8", "uint8")
_WEIGHTED = frozenset({"linear", "convolution", "recurrent", "transformer"})
_FEATURES = frozenset({"linear", "recurrent", "transformer"})
_REAL = _WEIGHTED | {"normalization", "activation", "dropout", "pooling", "vision"}
# Found by running every layer on the CPU: these take whole numbers, all others of the families above
# refuse them there. The meta device notices it in few.
_TAKE_WHOLE = frozenset(
    [
        "maxpool2d",
        "maxpool3d",
        "avgpool1d",
        "avgpool2d",
        "avgpool3d",
        "lppool1d",
        "lppool2d",
        "lppool3d",
        "relu",
        "relu6",
        "sigmoid",
        "tanh",
        "hardtanh",
        "softsign",
        "tanhshrink",
        "threshold",
        "localresponsenorm",
        "pixelshuffle",
        "pixelunshuffle",
        "channelshuffle",
        "fold",
    ]
)
_TAKE_BOOL = frozenset(
    [
        "lppool1d",
        "lppool2d",
        "lppool3d",
        "sigmoid",
        "tanh",
        "pixelshuffle",
        "pixelunshuffle",
        "channelshuffle",
    ]
)
_TAKE_COMPLEX = frozenset(
    [
        *("sigmoid", "tanh", "silu", "softsign", "tanhshrink", "rmsnorm", "fold", "unfold"),
        *("pixelshuffle", "pixelunshuffle", "channelshuffle"),
        *("adaptiveavgpool1d", "adaptiveavgpool2d", "adaptiveavgpool3d"),
    ]
)
_KEEP_FLOAT32 = frozenset({"batchnorm1d", "batchnorm2d", "batchnorm3d", "layernorm", "groupnorm"})


def spatial_dims(entry: Entry) -> int | None:
    """2 for Conv2d, MaxPool2d, BatchNorm2d, …; None where the name says nothing."""
    found = re.search(r"([123])d$", entry.key)
    return int(found[1]) if found else None


def words_for_picture(spatial: int) -> str:
    """N×channels×height×width, in as many dimensions."""
    return "×".join(
        (
            "N",
            "channels",
            *{1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[spatial],
        )
    )


def has_batch(spec: TensorSpec) -> bool:
    """Whether a size is the batch or a multiple of it."""
    return any(isinstance(size, str) for size in spec.shape)


def check_tuples(call: Call) -> Finding | None:
    """A tuple result where one tensor is read."""
    for port in call.entry.ports:
        value = call.inputs.get(port.name)
        many = value if port.many and isinstance(value, tuple) else (value,)
        place = next((i for i, part in enumerate(many) if isinstance(part, tuple)), None)
        if place is not None:
            came = call.from_(port.name, place)
            if many[place] == ():
                return call.finding(
                    "tuple_input",
                    f"needs one tensor but receives None{came}. Choose what else it reads.",
                    port=port.name,
                )
            return call.finding(
                "tuple_input",
                f"needs one tensor but receives a tuple, {show(many[place])}{came}. "
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
        if sentence and name in call.inferred and given[name] == 0:
            text = (
                f"receives nothing to work on: a size of {show(call.tensor())}{call.out_of()} is 0."
            )
            return call.finding("empty", text, port=call.first)
        if sentence:
            return call.finding(
                "value", f"has a value that is not allowed: {sentence}", parameter=name
            )
    for group in call.entry.one_of:
        given_names = [n for n in group if call.arguments.get(n, call.literals.get(n)) is not None]
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
    """Whole numbers where real ones are computed with. Torch's meta device mostly does not notice."""
    entry = call.entry
    if entry.family not in _REAL or (entry.kind == "operation" and entry.family in _WEIGHTED):
        return None
    for port in entry.ports:
        spec = call.tensor(port.name)
        if spec is None or port.optional or port.name == "indices" or spec.dtype == "float32":
            continue
        if _refuses_whole(entry, spec.dtype):
            most = 3 if entry.family == "linear" else 2  # a sequence has its features already
            tokens = entry.family in _FEATURES and len(spec.shape) <= most
            features = "features with an Embedding, or into " if tokens else ""
            what = "True and False" if spec.dtype == "bool" else f"whole numbers ({spec.dtype})"
            return call.finding(
                "integer_input",
                f"works on real numbers but receives {what}{call.from_(port.name)}. Turn "
                f"them into {features}real numbers with .float().",
                port=port.name,
            )
        if (
            spec.dtype.startswith("complex")
            and entry.kind == "layer"
            and entry.family not in _WEIGHTED
            and _plain_name(entry) not in _TAKE_COMPLEX
        ):
            return call.finding(
                "dtype",
                f"works on real numbers but receives complex ones ({spec.dtype}){call.from_(port.name)}. "
                "Turn them into real numbers with .float(), which keeps the real part.",
                port=port.name,
            )
        if spec.dtype not in (*WHOLE, "bool") and _needs_float32(call, spec.dtype):
            keeps = ", which keeps the real part" if spec.dtype.startswith("complex") else ""
            return call.finding(
                "dtype",
                f"has float32 weights but receives {spec.dtype}{call.from_(port.name)}. Turn it "
                f"into float32 with .float(){keeps}.",
                port=port.name,
            )
    return None


def _plain_name(entry: Entry) -> str:
    return entry.name.replace("_", "").lower()


def _refuses_whole(entry: Entry, dtype: str) -> bool:
    if dtype == "bool":
        return _plain_name(entry) not in _TAKE_BOOL
    return dtype in WHOLE and _plain_name(entry) not in _TAKE_WHOLE


def _needs_float32(call: Call, dtype: str) -> bool:
    if call.entry.kind == "operation":
        return False
    if call.entry.family in _WEIGHTED or call.entry.key == "torch.nn.PReLU":
        return True
    affine = (
        call.argument("affine") is not False and call.argument("elementwise_affine") is not False
    )
    return (
        _plain_name(call.entry) in _KEEP_FLOAT32 and affine and dtype not in ("float16", "bfloat16")
    )


_NUMBER = re.compile(r"\d{7,}")


def explain(call: Call, refusal: str) -> Finding:
    """Torch's own refusal where no check knew better, with N for the batch's number."""
    kind, _, text = refusal.partition(": ")
    text = _NUMBER.sub(lambda found: _number(found[0]), text)
    values = ", ".join(show(value) for value in call.inputs.values())
    if isinstance(call.tensor(), Strided) and "stride" in text:
        return call.finding(
            "view_layout",
            f"cannot look at {values}{call.out_of()} in another shape: a transpose or the like before it "
            "changed the order of reading, not the order in memory. Use reshape in its place.",
            port=call.first,
        )
    if kind == "OverflowError" or "overflow" in text.lower():
        largest = max(
            (name for name in call.arguments if call.whole(name) and name not in call.inferred),
            key=lambda name: call.whole(name) or 0,
            default=None,
        )
        return call.finding(
            "too_large_number",
            "would have more numbers than torch can count. Choose a smaller "
            f"{largest or 'size of its input'}.",
            parameter=largest,
        )
    received = f"does not accept {values}{call.from_()}" if values else "cannot be built"
    return call.finding("torch", f"{received}. Torch says: {quote(text or kind, 240)}.")


def explain_empty(call: Call) -> Finding | None:
    """For a refused call: a tensor without a single number in it."""
    for port in call.entry.ports:
        for place, spec in enumerate(call.tensors(port.name)):
            if 0 in spec.shape:
                came = call.from_(port.name, place if port.many else 0)
                text = f"receives nothing to work on: a size of {show(spec)}{came} is 0."
                return call.finding("empty", text, port=port.name)
    return None


def refused(call: Call, warning: Finding, refusal: str) -> Finding:
    """A warning at a call that torch refuses too: an error, with what both say.

    It keeps the warning's kind, since its way out is the likeliest (a mask against a batch that
    stands second).
    """
    text = _NUMBER.sub(lambda found: _number(found[0]), refusal.partition(": ")[2])
    words = f"{warning.message} Torch refuses it as it is: {quote(text or refusal, 240)}."
    return replace(warning, message=words, severity="error")


def _number(digits: str) -> str:
    return str(dim_from_probe(int(digits)))
