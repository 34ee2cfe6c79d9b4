"""One training, from a run folder to its ending: the same for a worker and for `train` in a script."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.errors import LayerwiseError, NotFound, quote
from builder.home import StorageRefused, make_folder, sweep_temporary_files
from builder.training import checkpoints
from builder.training.batches import Batches
from builder.training.callbacks import (
    Callback,
    Commits,
    Divergence,
    StepReports,
    StopListener,
)
from builder.training.folder import Ending, RunFolder
from builder.training.killed import tells_an_epoch
from builder.training.limits import EVALUATION_ROWS
from builder.training.loop import Training, TrainingEnds, evaluate, fit
from builder.training.losses import get_loss
from builder.training.metrics import metric_set
from builder.training.metrics_log import MetricsLog, read_points, rewind
from builder.training.optimizers import build_optimizer, get_optimizer
from builder.training.own_weights import start_from
from builder.training.settings import TrainingSettings
from builder.training.tally import Figures
from builder.training.tensors import RunData, load_data
from builder.training.words import finished_words, words_for_test

if TYPE_CHECKING:
    from torch import Tensor, nn


def run_session(
    folder: RunFolder,
    attempt: int,
    *,
    callbacks: Sequence[Callback] = (),
    interrupted: Callable[[], bool] = lambda: False,
) -> Ending:
    """Trains what a folder holds, from its last committed epoch, and writes how it ended.

    Never raises for what happens in training: the ending says it, error.txt keeps the traceback.
    KeyboardInterrupt is written down as an interruption and passed on.
    """
    sweep_temporary_files(folder.path)
    sweep_temporary_files(make_folder(folder.checkpoints))
    training, log, commits, reports = None, None, None, None
    tested: Figures = {}
    ending = Ending("failed", "", attempt=attempt)
    try:
        job = folder.job()
        settings = TrainingSettings.from_json(job["settings"])
        data = load_data(folder.data)
        training = prepare_training(folder, job, settings, data)
        continue_from_last_commit(folder, training)
        log = MetricsLog(folder.metrics)
        log.append(_start_line(training, settings, data, attempt))
        commits, reports = Commits(folder.checkpoints, log), StepReports(log)
        fit(
            training,
            (
                reports,
                _divergence(settings, data),
                *callbacks,
                commits,
                StopListener(lambda: folder.stop_wanted, interrupted),
            ),
        )
        sentence = finished_words(_epochs(folder), training.seconds)
        tested = evaluate_test(training)
        ending = Ending("finished", _joined(sentence, words_for_test(tested)), attempt=attempt)
    except TrainingEnds as end:
        assert training is not None
        ending = Ending(end.state, end.sentence, attempt=attempt)
        if commits is not None:
            commits.finish(training, keep_partial=end.state == "stopped")
        if reports is not None and end.state == "failed":
            reports.report_epoch(training)
        if end.state == "stopped":
            tested = evaluate_test(training)
            ending = replace(ending, sentence=_joined(end.sentence, words_for_test(tested)))
    except BaseException as error:
        ending = Ending(*_explain(folder, error), attempt=attempt)
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
    finally:
        if log is not None:
            log.close()
        ending = _with_figures(folder, ending, training, tested)
        try:
            folder.write_ending(ending)
        except StorageRefused as refusal:  # whoever looks finds a worker that is gone
            print(refusal, file=sys.stderr)
    return ending


def prepare_training(
    folder: RunFolder, job: dict[str, Any], settings: TrainingSettings, data: RunData
) -> Training:
    """Builds model, loss and optimizer in the order of a script: seed, model, loss, optimizer.

    Weights that a person brought are loaded over those that the seed drew: no draw is another one.
    """
    import torch

    device = torch.device(settings.device)
    torch.manual_seed(settings.seed)
    model = build_model(folder.model)
    start_from(folder.start, model)
    model = model.to(device)
    loss = get_loss(job["loss"])
    optimizer = build_optimizer(
        settings.optimizer,
        model.parameters(),
        settings.learning_rate,
        settings.options,
        sparse=any(getattr(layer, "sparse", False) is True for layer in model.modules()),
    )

    def part(name: str) -> tuple[Tensor, Tensor]:
        x, y = data.parts[name]
        wanted = x if settings.goal == "input" else y
        return x.to(device), loss.prepare(wanted, tuple(job["output_shape"])).to(device)

    x, y = part("train")
    return Training(
        model,
        loss.build(),
        optimizer,
        metric_set(loss.metrics),
        Batches(x, y, settings.batch_size),
        part("validation") if "validation" in data.parts else None,
        settings.epochs,
        part("test") if "test" in data.parts else None,
        int(job.get("evaluation_rows") or EVALUATION_ROWS),  # a run of before has none
        job.get("main_output"),
    )


def evaluate_test(training: Training) -> Figures:
    """The figures on the test rows with the weights as they are now; {} without such rows.

    The run is over and its weights are kept, so what goes wrong here (memory) costs only the figures.
    """
    if training.test is None:
        return {}
    try:
        return evaluate(training, training.test)
    except (IndexError, MemoryError, RuntimeError, ValueError) as error:
        print(f"The test rows could not be evaluated: {error}", file=sys.stderr)
        return {}


def continue_from_last_commit(folder: RunFolder, training: Training) -> None:
    """Takes up the state after the last committed epoch, if there is one.

    What was reported or saved after it is removed: it is going to be done again, to the same bits.
    """
    committed = max((e["epoch"] for e in _epochs(folder)), default=0)
    epoch = checkpoints.resumable_epoch(folder.checkpoints, committed) or 0
    checkpoints.drop_after(folder.checkpoints, epoch)
    rewind(folder.metrics, epoch)
    if epoch:
        about = checkpoints.load_resume(
            folder.checkpoints, epoch, training.model, training.optimizer
        )
        training.done, training.step = epoch, int(about["step"])
        training.seconds_before = float(about["seconds"])


def build_model(path: Path) -> nn.Module:
    """Runs a written model.py and makes its network, with torch's random state as it is.

    Errors: NotFound when the file is gone.
    """
    from builder.code import module_from_source

    if not path.is_file():
        raise NotFound(f"{quote(path)} is not there: this run has lost its model.")
    return module_from_source(path.read_text("utf-8"), str(path))


def _divergence(settings: TrainingSettings, data: RunData) -> Divergence:
    x = data.parts["train"][0]
    largest = float(x.abs().max()) if x.numel() and x.is_floating_point() else 0.0
    return Divergence(settings.learning_rate, get_optimizer(settings.optimizer).lr, largest)


def _start_line(
    training: Training, settings: TrainingSettings, data: RunData, attempt: int
) -> dict[str, Any]:
    return {
        "kind": "start",
        "attempt": attempt,
        "epoch": training.done,
        "epochs": training.epochs,
        "steps_per_epoch": len(training.train),
        "rows": data.rows,
        "device": settings.device,
        "metrics": [m.key for m in training.metrics.metrics],
    }


def _epochs(folder: RunFolder) -> list[dict[str, Any]]:
    """The epochs of the log; a line that does not say what an epoch's has to say is passed over."""
    return [e for e in read_points(folder.metrics).epochs if tells_an_epoch(e)]


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _with_figures(
    folder: RunFolder, ending: Ending, training: Training | None, tested: Figures
) -> Ending:
    """The ending with the last whole epoch's figures, as they stand in the log, and the test's."""
    epochs = [e for e in _epochs(folder) if not e.get("partial")]
    last: dict[str, Any] = epochs[-1] if epochs else {"epoch": 0}
    figures = {name: last.get(name) or {} for name in ("train", "validation")}
    if tested:
        figures["test"] = tested
    seconds = training.seconds if training is not None else 0.0
    return Ending(
        ending.state, ending.sentence, last["epoch"], round(seconds, 3), figures, ending.attempt
    )


def _explain(folder: RunFolder, error: BaseException) -> tuple[Any, str]:
    """State and sentence of an error; the traceback goes to error.txt."""
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        return "interrupted", "Interrupted from the keyboard. It can go on from the last epoch."
    with contextlib.suppress(OSError):  # the disk may be full: the sentence is what counts
        folder.error.write_text(
            "".join(traceback.format_exception(error)), "utf-8", errors="replace"
        )
    if isinstance(error, StorageRefused):  # nothing is wrong with the training: it can go on
        return "interrupted", str(error)
    if isinstance(error, LayerwiseError):
        return "failed", str(error)
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if is_out_of_memory(error):
        return "failed", (
            "There is not enough memory for this training. Choose a smaller batch size or smaller "
            f"layers. ({quote(text, 160)})"
        )
    for torchs, ours in _WORDS_FOR_TORCH.items():
        if torchs in str(error):
            return "failed", ours
    return "failed", f"Training failed with {type(error).__name__}: {quote(text, 240)}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python or torch means that memory ran out."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or "out of memory" in str(error)
    )


_INPLACE = (
    "A layer overwrites in place what training needs for its gradients. Set inplace to False in the "
    "layers that have it."
)
_WORDS_FOR_TORCH: Final[Mapping[str, str]] = {
    "does not require grad": (
        "Nothing that learns gets a gradient from the output. Look for a detach, an argmax or a "
        "frozen layer before it."
    ),
    "modified by an inplace operation": _INPLACE,
    "used in an in-place operation": _INPLACE,
    "being modified inplace": _INPLACE,
    "between 0 and 1": (
        "This loss expects probabilities from 0 to 1, but the network gives other numbers. End with "
        "Sigmoid, or choose BCE with logits."
    ),
    "Expected more than 1 value per channel": (
        "A batch had a single row, and BatchNorm needs at least two. Choose another batch size."
    ),
}
"""What torch says of known mistakes, and the sentence for the screen; error.txt keeps torch's."""
