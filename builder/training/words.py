"""How a run is put into words: times, figures, states, and the sentence it ends with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from builder.training.folder import RunState
from builder.training.metrics import metric
from builder.training.optimizers import optimizers

STATE_WORDS: Final[Mapping[RunState, str]] = {
    "queued": "Waiting",
    "running": "Training",
    "finished": "Finished",
    "stopped": "Stopped",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def words_for_seconds(seconds: float) -> str:
    """0.04 s, 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 0.095:
        return f"{max(seconds, 0.01):.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def optimizer_words(summary: Mapping[str, Any]) -> str:
    """Adam 0.001: what a run was trained with, from its card's summary."""
    entry = optimizers().get(str(summary.get("optimizer")))
    return f"{entry.title} {summary.get('lr', 0):g}" if entry else ""


def words_for_figure(key: str, value: float | None) -> str:
    """97.4% for an accuracy, 0.1234 for anything else, "–" where there is none."""
    if value is None:
        return "–"
    return f"{value:.1%}" if metric(key).share else f"{value:.4g}"


def finished_words(epochs: Sequence[Mapping[str, Any]], seconds: float) -> str:
    """Finished 20 epochs in 12 s. Validation accuracy 97.4%, best 98.1% after epoch 15."""
    count = int(epochs[-1]["epoch"]) if epochs else 0
    text = f"Finished {count} epoch{'' if count == 1 else 's'} in {words_for_seconds(seconds)}."
    result = result_words(epochs)
    return f"{text} {result}" if result else text


def telling_figure(figures: Mapping[str, float | None]) -> str:
    """The figure people understand, "loss" where there is no other."""
    return next((name for name in figures if name not in ("loss", "not_finite")), "loss")


def words_for_test(figures: Mapping[str, float | None]) -> str:
    """Test accuracy 95.9%. Nothing without test rows."""
    key = telling_figure(figures)
    value = figures.get(key)
    if value is None or not math.isfinite(value):
        return ""
    return f"Test {metric(key).title.lower()} {words_for_figure(key, value)}."


def result_words(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Validation accuracy 97.4%, best 98.1% after epoch 15. The training figure without validation."""
    part = "validation" if epochs and epochs[-1].get("validation") else "train"
    figures = (epochs[-1].get(part) or {}) if epochs else {}
    key = telling_figure(figures)
    seen = [
        (e[part][key], int(e["epoch"])) for e in epochs if (e.get(part) or {}).get(key) is not None
    ]
    if not seen:
        return ""
    told = metric(key)
    best, epoch = (max if told.better == "higher" else min)(seen, key=lambda pair: pair[0])
    text = f"{part} {told.title.lower()} {words_for_figure(key, seen[-1][0])}"
    if best != seen[-1][0]:
        text += f", best {words_for_figure(key, best)} after epoch {epoch}"
    return f"{text[0].upper()}{text[1:]}."
