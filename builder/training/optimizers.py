"""The optimizers one can train with: one entry each, read by the form, the check and the worker.

A new one is one entry in `_OPTIMIZERS`: its class in torch, its suggested learning rate and its
options with their ranges. The fused implementation of torch is used where there is one: the same
mathematics in one call, measured up to twice as fast on small networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from builder.errors import JobRefused, NotFound, did_you_mean, quote

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an optimizer, as a form shows it. `help` is one plain sentence."""

    name: str
    type: Literal["float", "bool"]
    default: float | bool
    help: str
    minimum: float = 0.0
    maximum: float = math.inf
    below_maximum: bool = False
    step: float = 0.01

    def refuse(self, value: object) -> str | None:
        """A sentence when a value cannot be used, None when it can."""
        if self.type == "bool":
            return None if isinstance(value, bool) else f"{self.name} is either on or off."
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return f"{self.name} is a number, but {quote(value)} was given."
        inside = self.minimum <= value <= self.maximum
        if inside and not (self.below_maximum and value == self.maximum):
            return None
        if self.maximum == math.inf:
            return f"{self.name} is at least {self.minimum:g}, but {value:g} was given."
        end = "below" if self.below_maximum else "at most"
        return (
            f"{self.name} is at least {self.minimum:g} and {end} {self.maximum:g}, "
            f"but {value:g} was given."
        )


@dataclass(frozen=True, slots=True)
class OptimizerEntry:
    """One optimizer. `torch_name`: its class in `torch.optim`; `lr`: the suggested learning rate.

    `arguments`: what the constructor gets for a set of options, where the two differ in spelling.
    `sparse`: whether torch's takes the gradients of an Embedding with sparse=True.
    """

    key: str
    title: str
    torch_name: str
    lr: float
    help: str
    options: tuple[Option, ...]
    fused: bool = True
    arguments: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    sparse: bool = False

    @property
    def link(self) -> str:
        return f"https://docs.pytorch.org/docs/stable/generated/torch.optim.{self.torch_name}.html"

    def option(self, name: str) -> Option | None:
        return next((o for o in self.options if o.name == name), None)

    def refuse_sparse(self, options: Mapping[str, Any]) -> str | None:
        """Half a sentence when sparse gradients cannot be taken with these options, else None."""
        if not self.sparse:
            return f"{self.title} takes no sparse gradients"
        for name in ("momentum", "weight_decay"):
            if self.option(name) and options.get(name):
                return f"{self.title} takes no sparse gradients with a {name} above 0"
        return None


def optimizers() -> Mapping[str, OptimizerEntry]:
    """Every optimizer by key, in the order a form lists them."""
    return _OPTIMIZERS


def get_optimizer(key: str) -> OptimizerEntry:
    """Errors: NotFound with the nearest name."""
    if key not in _OPTIMIZERS:
        raise NotFound(
            f"There is no optimizer {quote(key)}. "
            + (did_you_mean(key, _OPTIMIZERS) or f"Choose one of {', '.join(_OPTIMIZERS)}.")
        )
    return _OPTIMIZERS[key]


def build_optimizer(
    key: str,
    parameters: Iterable[Parameter],
    lr: float,
    options: Mapping[str, Any],
    *,
    sparse: bool = False,
) -> Optimizer:
    """The torch optimizer over the parameters that are trained (those with `requires_grad`).

    `sparse`: some gradients are going to be sparse, which no fused implementation takes.
    Errors: JobRefused when there is no such parameter.
    """
    import torch

    entry = get_optimizer(key)
    trained = [p for p in parameters if p.requires_grad]
    if not trained:
        raise JobRefused(
            "This network has nothing to train: it has no parameters, or all of them are frozen. "
            "Add a layer with weights, or unfreeze one."
        )
    chosen = {o.name: options.get(o.name, o.default) for o in entry.options}
    arguments = entry.arguments(chosen)
    fused = entry.fused and not sparse
    if fused and all(p.is_floating_point() and p.device.type != "mps" for p in trained):
        arguments["fused"] = True
    made: Optimizer = getattr(torch.optim, entry.torch_name)(trained, lr=lr, **arguments)
    return made


def _with_betas(options: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in options.items() if name not in {"beta1", "beta2"}}
    return {"betas": (options["beta1"], options["beta2"]), **rest}


_MOMENTUM = Option(
    "momentum", "float", 0.0, "How much of the last step is kept: 0.9 rolls on, 0 forgets.",
    maximum=1.0, below_maximum=True, step=0.05,
)  # fmt: skip
_NESTEROV = Option(
    "nesterov", "bool", False, "Look ahead along the momentum before measuring the slope."
)


def _decay(default: float, decoupled: bool = False) -> Option:
    text = "How strongly every weight is pulled towards zero at each step"
    text += ", apart from the gradient." if decoupled else ", as part of the gradient (L2)."
    return Option("weight_decay", "float", default, text, step=0.001)


_BETAS = (
    Option("beta1", "float", 0.9, "Memory of the mean gradient.", maximum=1.0, below_maximum=True),
    Option(
        "beta2", "float", 0.999, "Memory of the squared gradient.",
        maximum=1.0, below_maximum=True, step=0.001,
    ),
)  # fmt: skip


def _eps(default: float) -> Option:
    return Option(
        "eps", "float", default, "Added to the denominator, so that nothing is divided by zero.",
        minimum=0.0, step=1e-8,
    )  # fmt: skip


_OPTIMIZERS: Final[Mapping[str, OptimizerEntry]] = {
    entry.key: entry
    for entry in (
        OptimizerEntry(
            "adam", "Adam", "Adam", 1e-3,
            "Adapts the step of every weight by itself: a good first choice.",
            (*_BETAS, _decay(0.0), _eps(1e-8)),
            arguments=_with_betas,
        ),
        OptimizerEntry(
            "adamw", "AdamW", "AdamW", 1e-3,
            "Adam with weight decay done apart from the gradient: usual for transformers.",
            (*_BETAS, _decay(0.01, decoupled=True), _eps(1e-8)),
            arguments=_with_betas,
        ),
        OptimizerEntry(
            "sgd", "SGD", "SGD", 1e-2,
            "The plain step down the slope, with momentum if you like: simple and well understood.",
            (_MOMENTUM, _NESTEROV, _decay(0.0)),
            sparse=True,
        ),
        OptimizerEntry(
            "rmsprop", "RMSprop", "RMSprop", 1e-3,
            "Divides each step by the recent size of the gradient: known from recurrent networks.",
            (
                Option("alpha", "float", 0.99, "Memory of the squared gradient.", maximum=1.0),
                _MOMENTUM, _decay(0.0), _eps(1e-8),
            ),
            fused=False,  # torch has no fused RMSprop
        ),
        OptimizerEntry(
            "adagrad", "Adagrad", "Adagrad", 1e-2,
            "Steps shrink where gradients were large: made for rare features.",
            (
                Option("lr_decay", "float", 0.0, "How fast the learning rate falls.", step=0.001),
                _decay(0.0), _eps(1e-10),
            ),
            sparse=True,
        ),
    )
}  # fmt: skip
