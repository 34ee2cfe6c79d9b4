"""The losses one can train with: one entry each, read by the form, the check and the worker.

An entry says for which targets it is meant, what the network has to give for it, and how the data
set's target is brought into the form torch wants: no silent broadcasting of (N, 1) against (N,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from builder.errors import NotFound, did_you_mean, quote
from builder.graph.model import Dim, Graph, format_shape
from builder.training.last_layer import LastLayer, last_layer

if TYPE_CHECKING:
    from torch import Tensor, nn

TargetKind = Literal["classes", "binary", "number"]
Form = Literal["class", "same"]
"""What y is to the output: one class number a row, or numbers of the output's own shape."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss. `help` is the one sentence the form shows; `output` says what it wants to be given.

    `serves`: the kinds of target it makes sense for. `metrics`: the set in `metrics.py` that goes
    with it.
    """

    key: str
    title: str
    torch_name: str
    form: Form
    serves: tuple[TargetKind, ...]
    metrics: Literal["classes", "logits", "probabilities", "numbers"]
    help: str
    output: str

    @property
    def link(self) -> str:
        return f"https://docs.pytorch.org/docs/stable/generated/torch.nn.{self.torch_name}.html"

    def build(self) -> nn.Module:
        """The torch loss; it averages over the batch."""
        import torch

        made: nn.Module = getattr(torch.nn, self.torch_name)()
        return made

    def prepare(self, y: Tensor, output_shape: tuple[int, ...]) -> Tensor:
        """The target as this loss wants it: `output_shape` is one row of the output.

        Class numbers become int64, (N,) or (N, …); numbers become float32 of (N, *output_shape).
        Errors: ValueError when the sizes cannot agree (`refuse` says so before).
        """
        import torch

        if self.form == "class":
            whole = y.to(torch.int64)
            return whole.reshape(len(whole), *output_shape[1:])
        return y.to(torch.float32).reshape(len(y), *output_shape).contiguous()

    def refuse(
        self, output: tuple[Dim, ...], kind: TargetKind, classes: int, row: tuple[int, ...]
    ) -> str | None:
        """One sentence when output and target do not go together, None when they do.

        `output`: the network's shape with the batch, ("N", 10). `classes`: how many the target has.
        `row`: the shape of one target, () for a class number, (1,) for a number.
        """
        if not output or output[0] != "N" or any(isinstance(size, str) for size in output[1:]):
            return (
                f"The loss needs one result a row, N×…, but the network gives {format_shape(output)}."
                " Keep the batch as the first size up to the output."
            )
        sizes = tuple(int(size) for size in output[1:])
        if kind not in self.serves:
            return _wrong_kind(self, kind, classes)
        if self.form == "same":
            return self._refuse_sizes(output, sizes, row)
        if classes == 2 and math.prod(sizes) == 1:
            return (
                f"{self.title} needs N×2, one number a class, but the network gives "
                f"{format_shape(output)}. Choose the task “binary”: one output says yes or no. Or "
                "let the last layer give 2 numbers."
            )
        if not sizes or math.prod(sizes[1:]) != math.prod(row):
            return (
                f"{self.title} needs N×{classes}, one number a class, but the network gives "
                f"{format_shape(output)}. Let the last layer give {classes} numbers."
            )
        if sizes[0] < classes:
            return (
                f"The target has {classes} classes, but the network gives {format_shape(output)}: "
                f"{_numbers(sizes[0])} for each row. Let the last layer give {classes}."
            )
        return None

    def _refuse_sizes(
        self, output: tuple[Dim, ...], sizes: tuple[int, ...], row: tuple[int, ...]
    ) -> str | None:
        if math.prod(sizes) == math.prod(row):
            return None
        wanted = format_shape(("N", *row))
        return (
            f"{self.title} compares number with number: the target is {wanted}, but the network "
            f"gives {format_shape(output)}. Let the last layer give {_numbers(math.prod(row))}."
        )


def losses() -> Mapping[str, Loss]:
    """Every loss by key, in the order a form lists them."""
    return _LOSSES


def get_loss(key: str) -> Loss:
    """Errors: NotFound with the nearest name."""
    if key not in _LOSSES:
        raise NotFound(
            f"There is no loss {quote(key)}. "
            + (did_you_mean(key, _LOSSES) or f"Choose one of {', '.join(_LOSSES)}.")
        )
    return _LOSSES[key]


def suggest_loss(kind: TargetKind, graph: Graph | None = None, goal: str = "target") -> Loss:
    """The loss that fits a target, and the network's last layer where that decides.

    A network that ends with LogSoftmax gets the NLL loss, one that ends with Sigmoid the plain
    binary cross-entropy; without these endings the losses that include them.
    """
    if goal == "input" or kind == "number":
        return _LOSSES["mse"]
    ending = last_layer(graph) if graph is not None else LastLayer()
    if kind == "binary":
        fits = ending.target in _SIGMOIDS and not ending.dropout  # Dropout gives more than 1
        return _LOSSES["bce" if fits else "bce_with_logits"]
    return _LOSSES["nll" if ending.target in _LOG_SOFTMAXES else "cross_entropy"]


def ending_warning(loss: Loss, graph: Graph) -> str | None:
    """One sentence when the last layer and the loss do the same thing twice, or one is missing."""
    last = last_layer(graph)
    ending, name = last.target, last.target.rsplit(".", 1)[-1]
    twice = does_it_twice(loss, graph)
    if twice and loss.key == "cross_entropy":
        return (
            f"The network ends with {name}, and cross-entropy applies a softmax itself: it learns "
            f"slowly. Remove {name}."
        )
    if twice:
        other = "" if last.dropout else f", or choose {_LOSSES['bce'].title}"
        return (
            f"The network ends with {name}, and this loss applies a sigmoid itself. Remove {name}"
            f"{other}."
        )
    if loss.key == "bce" and ending in _SIGMOIDS and last.dropout:
        return (
            f"Dropout after {name} gives more than 1 in training, and this loss expects "
            "probabilities from 0 to 1. Remove that Dropout."
        )
    if loss.key == "nll" and ending not in _LOG_SOFTMAXES:
        return "NLL expects log-probabilities. End with LogSoftmax(dim=1), or choose cross-entropy."
    if loss.key == "bce" and ending not in _SIGMOIDS:
        return (
            "This loss expects probabilities from 0 to 1. End with Sigmoid, or choose "
            f"{_LOSSES['bce_with_logits'].title}."
        )
    return None


def does_it_twice(loss: Loss, graph: Graph) -> bool:
    """Whether the last layer does what the loss does itself: then it can be removed."""
    ending = last_layer(graph).target
    return (loss.key == "cross_entropy" and ending in (_SOFTMAXES | _SIGMOIDS)) or (
        loss.key == "bce_with_logits" and ending in _SIGMOIDS
    )


def cannot_reach(graph: Graph, least: float, most: float) -> str | None:
    """One sentence when the last layer bounds the output within the numbers that are wanted."""
    ending = last_layer(graph).target
    if ending not in (_SIGMOIDS | _SOFTMAXES) or (least >= 0 and most <= 1):
        return None
    name = ending.rsplit(".", 1)[-1]
    return (
        f"The network ends with {name}, which gives 0 to 1, but the target lies between {least:.4g} "
        f"and {most:.4g}. Remove {name}."
    )


def _wrong_kind(loss: Loss, kind: TargetKind, classes: int) -> str:
    received = {
        "classes": f"one of {classes} classes",
        "binary": "yes or no",
        "number": "a number",
    }[kind]
    fitting = suggest_loss(kind)
    if kind == "classes" and classes == 2 and loss.serves == ("binary",):
        return (
            f"{loss.title} needs a target that is yes or no, and this one is taken as {received}. "
            f"Choose the task “binary”, or {fitting.title} with an output for each class."
        )
    return (
        f"{loss.title} is not for this target, which is {received}. Choose {fitting.title}, "
        "or another target on the Data page."
    )


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"


_SIGMOIDS: Final = {"torch.nn.Sigmoid", "torch.sigmoid", "torch.Tensor.sigmoid"}
_SOFTMAXES: Final = {"torch.nn.Softmax", "torch.nn.functional.softmax", "torch.softmax"}
_LOG_SOFTMAXES: Final = {
    "torch.nn.LogSoftmax",
    "torch.nn.functional.log_softmax",
    "torch.log_softmax",
}

_LOSSES: Final[Mapping[str, Loss]] = {
    loss.key: loss
    for loss in (
        Loss(
            "cross_entropy", "Cross-entropy", "CrossEntropyLoss", "class", ("classes",), "classes",
            "For one class out of several: it rewards a high score for the right class.",
            "one raw score a class; the softmax is part of the loss",
        ),
        Loss(
            "bce_with_logits", "BCE with logits", "BCEWithLogitsLoss", "same", ("binary",), "logits",
            "For yes or no: one raw score, above 0 for yes; the sigmoid is part of the loss.",
            "one raw score; the sigmoid is part of the loss",
        ),
        Loss(
            "bce", "BCE", "BCELoss", "same", ("binary",), "probabilities",
            "For yes or no from a network that ends with Sigmoid and gives a probability.",
            "one probability from 0 to 1: end with Sigmoid",
        ),
        Loss(
            "mse", "Mean squared error", "MSELoss", "same", ("number", "binary"), "numbers",
            "For numbers: the mean squared distance, so that large misses count most.",
            "a number for each number of the target",
        ),
        Loss(
            "l1", "L1", "L1Loss", "same", ("number", "binary"), "numbers",
            "For numbers: the mean distance, which a few outliers cannot dominate.",
            "a number for each number of the target",
        ),
        Loss(
            "huber", "Huber", "HuberLoss", "same", ("number", "binary"), "numbers",
            "For numbers: squared for small misses, straight for large ones.",
            "a number for each number of the target",
        ),
        Loss(
            "nll", "NLL", "NLLLoss", "class", ("classes",), "classes",
            "For one class out of several from a network that ends with LogSoftmax.",
            "one log-probability a class: end with LogSoftmax",
        ),
    )
}  # fmt: skip
