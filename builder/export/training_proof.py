"""The app's own numbers for a plan, to hold an exported training against."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from builder.errors import ExportRefused, JobRefused
from builder.export.steps import tell
from builder.training.headless import train
from builder.training.prepare import Plan

PROOF_EPOCHS: Final = 1
"""Epochs that are trained twice, here and in the clean interpreter: an order that differs, shows."""


def app_figures(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """The figures of the first epochs by the app's engine, on the processor.

    Errors: ExportRefused where the training cannot be done.
    """
    tell("Training its first epoch as Layerwise does")
    settings = plan.settings.with_(epochs=min(PROOF_EPOCHS, plan.settings.epochs), device="cpu")
    try:
        run = train(
            plan.project, plan.data, folder=folder / "run", weights=plan.weights, **_all(settings)
        )
    except JobRefused as refusal:
        raise ExportRefused(f"This training cannot be exported: {refusal}") from refusal
    if run.state != "finished":
        raise ExportRefused(f"This training cannot be exported: {run.sentence}")
    return run.metrics()


def hold_history(history: list[dict[str, Any]], app: list[Mapping[str, Any]] | Any) -> str:
    """One sentence on the losses that are equal. Errors: ExportRefused where one is not."""
    told = []
    for number, (theirs, ours) in enumerate(zip(history, app, strict=True), start=1):
        for part in ("train", "validation"):
            if not ours.get(part):
                continue
            given, wanted = theirs.get(part, {}).get("loss"), ours[part]["loss"]
            if given != wanted:
                raise ExportRefused(
                    "The proof failed, so nothing is exported: the written loop's "
                    f"{part} loss of epoch {number} is {given!r}, and the app's is {wanted!r}."
                )
            told.append(f"{part} {wanted!r}")
    return told_of(len(app), told)


def told_of(epochs: int, told: list[str]) -> str:
    """What a proof says of a training."""
    first = "the first epoch" if epochs == 1 else f"the first {epochs} epochs"
    return f"Losses of {first}, equal to the last bit to those of Layerwise on the processor with one thread: {', '.join(told)}."


def promised_history(app: list[dict[str, Any]]) -> str:
    """The sentence that `hold_history` gives when all is well: it stands in the file that is proven."""
    told = [
        f"{part} {epoch[part]['loss']!r}"
        for epoch in app
        for part in ("train", "validation")
        if epoch.get(part)
    ]
    return told_of(len(app), told)


def _all(settings: Any) -> dict[str, Any]:
    """Every setting by its flat name: what is left out would come from the project."""
    general = ("loss", "optimizer", "lr", "batch_size", "epochs", "seed", "device", "goal")
    return {name: getattr(settings, name) for name in general} | dict(settings.options)
