"""What the catalogue knows about one layer or operation: an `Entry`.

The palette, the form, the shape check, the code writer and the docs all read this one value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal[
    "linear",
    "convolution",
    "pooling",
    "activation",
    "normalization",
    "dropout",
    "recurrent",
    "transformer",
    "embedding",
    "padding",
    "vision",
    "distance",
    "shape",
    "arithmetic",
    "reduction",
    "merge",
    "other",
]

ParameterType = Literal[
    "int", "float", "bool", "str", "choice", "ints", "floats", "index", "dtype", "numbers"
]
"""How a form edits it. "ints"/"floats": one number or a tuple of `length`; "index": x[...]'s index;
"numbers": what a tensor is made of, numbers or (nested) tuples of them.

"ints" with `choices` takes one of those words in place of the numbers: Conv2d's padding is a number,
a pair, or "same" or "valid". A form offers the words beside the numbers.
"""


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()
"""The default of a parameter that has none."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """Where a parameter's value comes from when the person leaves it out: a size of an input.

    `port`: the input's name; `axis`: which size of its shape (-1: the last one).
    """

    port: str
    axis: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """One literal argument: of a layer's constructor, or of a call.

    `default`: torch's own, what a left-out argument means. `optional`: None is allowed. `length`: how
    many numbers a tuple holds (None: any), for "ints" and "floats"; a single number is allowed too
    when `scalar`; with `gaps` the tuple may hold None ("as it comes in"). `suggested`: what a newly
    added layer starts with, where torch has no default (out_features: 64) or one that surprises
    (batch_first: True). `training_only`: counts while training, written `p if self.training else 0.0`.
    `spread`: a tuple written as separate arguments, `x.view(a, b)`. `inferred`: filled from an input
    when left out, before the default.
    """

    name: str
    type: ParameterType
    default: object = REQUIRED
    optional: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    length: int | None = None
    scalar: bool = False
    gaps: bool = False
    training_only: bool = False
    spread: bool = False
    suggested: object = None
    help: str = ""
    inferred: Inferred | None = None

    @property
    def required(self) -> bool:
        return self.default is REQUIRED and self.inferred is None


@dataclass(frozen=True, slots=True)
class Port:
    """One tensor input of a call. `many`: a sequence of tensors (`torch.cat`), of `length` if known.

    `number`: a plain number may stand in the tensor's place (`x + 1`). `spread`: the sequence is
    written as separate arguments (`torch.einsum(equation, a, b)`). `help`: where the name says too
    little.
    """

    name: str
    optional: bool = False
    many: bool = False
    length: int | None = None
    number: bool = False
    spread: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a result: LSTM's h_n is Part("h_n", (1, 0)). The first is what a chain reads."""

    name: str
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inner:
    """A layer that another one is constructed from: nn.TransformerEncoder(nn.TransformerEncoderLayer(…)).

    `argument`: the outer constructor's argument. `key`: the inner layer. `parameters`: which of the
    entry's parameters go to the inner constructor; the others are the outer one's.
    """

    argument: str
    key: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One layer or operation, or a tensor owned without a layer (`builder.catalogue.tensors`).

    `key`: what a graph stores and where torch keeps it: "torch.nn.Linear", "torch.cat",
    "torch.nn.functional.interpolate", "torch.Tensor.view", "operator.add", "operator.getitem".
    `parameters`: constructor arguments (layers only). `call_parameters`: literal arguments of
    `forward` or of the operation. `ports`: its tensor inputs, first the one a chain feeds. `parts`:
    named parts of a tuple result, () for a single tensor (`catalogue.parts_of` where the arguments
    decide). `form`: how a call is written: "function" as the key spells it, "method" on the first
    port by `name`, "infix" with `symbol` (in front when there is one port), "index" in brackets.
    `order`: names of ports and call parameters in the order of the call. `training`: an argument
    always written `training=self.training`. `one_of`: groups of parameters of which exactly one is
    set. `inner`: see `Inner`. `words`: everyday words that find it. `chain`: may stand in an
    nn.Sequential.
    """

    key: str
    name: str
    kind: Literal["layer", "operation", "tensor"]
    family: Family
    parameters: tuple[Parameter, ...] = ()
    call_parameters: tuple[Parameter, ...] = ()
    ports: tuple[Port, ...] = (Port("input"),)
    parts: tuple[Part, ...] = ()
    form: Literal["layer", "function", "method", "infix", "index"] = "layer"
    symbol: str = ""
    order: tuple[str, ...] = ()
    training: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    inner: Inner | None = None
    help: str = ""
    link: str = ""
    words: tuple[str, ...] = ()

    @property
    def chain(self) -> bool:
        """Takes one tensor and gives one: it may stand in an nn.Sequential."""
        needed = [p for p in self.ports if not p.optional]
        return self.kind == "layer" and len(needed) == 1 and not needed[0].many and not self.parts

    def port(self, name: str) -> Port | None:
        """The tensor input of that name."""
        return next((p for p in self.ports if p.name == name), None)

    def parameter(self, name: str) -> Parameter | None:
        """The constructor or call parameter of that name."""
        return next((p for p in (*self.parameters, *self.call_parameters) if p.name == name), None)
