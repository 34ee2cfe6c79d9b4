"""The training loop: train, validate, notify.

Everything else is a callback: reports, checkpoints, stopping, noticing that the loss diverges. The
arithmetic is that of the loop one writes by hand, in the same order, so the weights are its weights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.training.batches import Batches
from builder.training.checkpoints import random_state, restore_random_state
from builder.training.folder import RunState
from builder.training.limits import EVALUATION_ROWS
from builder.training.tally import Figures, Tally

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from builder.training.callbacks import Callback
    from builder.training.metrics import MetricSet


class TrainingEnds(Exception):
    """Raised by a callback to end training: in which state, and the sentence for the screen."""

    def __init__(self, state: RunState, sentence: str) -> None:
        super().__init__(sentence)
        self.state = state
        self.sentence = sentence


@dataclass
class Training:
    """One training as it stands: what the loop works on and what callbacks look at.

    `epoch`: the one that is being trained, from 1; `done`: the last complete one. `step`: batches
    since the run began; `step_in_epoch`: those of this epoch. `seconds`: of training so far.
    `main_output`: where the one that the loss reads stands, if training gives auxiliary ones beside it.
    """

    model: nn.Module
    loss: nn.Module
    optimizer: Optimizer
    metrics: MetricSet
    train: Batches
    validation: tuple[Tensor, Tensor] | None
    epochs: int
    test: tuple[Tensor, Tensor] | None = None
    evaluation_rows: int = EVALUATION_ROWS
    main_output: int | None = None
    epoch: int = 0
    done: int = 0
    step: int = 0
    step_in_epoch: int = 0
    seconds_before: float = 0.0
    began: float = field(default_factory=time.perf_counter)
    last_loss: Tensor | None = None
    tally: Tally | None = None

    @property
    def seconds(self) -> float:
        return self.seconds_before + time.perf_counter() - self.began

    @property
    def rows(self) -> int:
        """Rows of one epoch."""
        return len(self.train.x)


@dataclass(frozen=True)
class EpochResult:
    """What one epoch gave: {"loss": …, "accuracy": …} for each part; no validation rows, no figures."""

    epoch: int
    step: int
    train: Figures
    validation: Figures | None
    seconds: float
    epoch_seconds: float
    losses: tuple[float, ...] = ()


def fit(training: Training, callbacks: Sequence[Callback]) -> None:
    """Trains from the epoch after `training.done` to the last. Errors: TrainingEnds by a callback."""
    on_step = _those_who_listen(callbacks, "on_step")
    on_validation_step = _those_who_listen(callbacks, "on_validation_step")
    for callback in callbacks:
        callback.on_start(training)
    for epoch in range(training.done + 1, training.epochs + 1):
        training.epoch = epoch
        began = time.perf_counter()
        tally = train_one_epoch(training, on_step)
        losses, figures = tally.results()
        validation = training.validation
        held_out = evaluate(training, validation, on_validation_step) if validation else None
        result = EpochResult(
            epoch,
            training.step,
            figures,
            held_out,
            training.seconds,
            time.perf_counter() - began,
            losses,
        )
        for callback in callbacks:
            callback.on_epoch(training, result)
        training.done = epoch


def train_one_epoch(training: Training, on_step: Sequence[Callable[[Training], None]]) -> Tally:
    """One pass over the training rows."""
    model, loss_of, optimizer = training.model, training.loss, training.optimizer
    tally = training.tally = Tally(training.metrics)
    training.step_in_epoch = 0
    model.train()
    for x, y in training.train:
        optimizer.zero_grad()
        output = model(x)
        if training.main_output is not None:
            output = output[training.main_output]
        loss = loss_of(output, y)
        loss.backward()
        optimizer.step()
        training.step += 1
        training.step_in_epoch += 1
        training.last_loss = loss.detach()
        tally.add(training.last_loss, output.detach(), y)
        for notify in on_step:
            notify(training)
    return tally


def evaluate(
    training: Training,
    part: tuple[Tensor, Tensor],
    on_step: Sequence[Callable[[Training], None]] = (),
) -> Figures:
    """The figures on rows that are not learned from. Draws no random number training would draw."""
    import torch

    tally = Tally(training.metrics)
    drawn = random_state()  # some layers draw in eval mode too, such as FractionalMaxPool2d
    training.model.eval()
    with torch.no_grad():
        steps = (torch.split(tensor, training.evaluation_rows) for tensor in part)
        for rows, wanted in zip(*steps, strict=True):
            output = training.model(rows.clone())  # inplace=True would write into the kept rows
            tally.add(training.loss(output, wanted), output, wanted)
            for notify in on_step:
                notify(training)
    restore_random_state(drawn)
    return tally.results()[1]


def _those_who_listen(
    callbacks: Sequence[Callback], event: str
) -> list[Callable[[Training], None]]:
    """The methods for an event of those that have one: called at every batch, so never in vain."""
    from builder.training.callbacks import Callback

    silent = getattr(Callback, event)
    return [getattr(c, event) for c in callbacks if getattr(type(c), event) is not silent]
