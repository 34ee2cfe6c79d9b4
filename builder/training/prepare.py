"""Writes a run's folder: the code as it stands, the project, the job, and the rows themselves."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import JobRefused
from builder.graph.model import Graph, TensorSpec
from builder.graph.modes import compared_outputs, main_place
from builder.graph.project import Project, to_json
from builder.home import make_folder, write_atomically
from builder.training.folder import RunFolder
from builder.training.limits import EVALUATION_BYTES, EVALUATION_ROWS
from builder.training.losses import Loss, get_loss, suggest_loss
from builder.training.own_weights import find_weights, refuse_unfit, take_in
from builder.training.settings import AUTO, TrainingSettings
from builder.training.tensors import RunData, save_data

if TYPE_CHECKING:
    from builder.data import Dataset
    from builder.graph.report import ShapeReport


@dataclass(frozen=True)
class Plan:
    """Everything a run folder is written from; made once, so that check and run agree.

    `weights`: a checkpoint to start from; None: as PyTorch draws them from the seed.
    """

    project: Project
    data: RunData
    settings: TrainingSettings
    loss: Loss
    output_shape: tuple[int, ...]
    parameters: int
    evaluation_rows: int = EVALUATION_ROWS
    weights: Path | None = None


def run_data(dataset: Dataset) -> RunData:
    """A data set of the data room as a run keeps it."""
    target = dataset.target
    parts = {
        name: (part.x, part.y)
        for name, part in (
            ("train", dataset.train),
            ("validation", dataset.validation),
            ("test", dataset.test),
        )
        if len(part.x)
    }
    return RunData(
        parts,
        target.kind,
        tuple(target.names),
        target.name,
        target.unit,
        dataset.card.title,
        {"choice": dataset.choice.to_json(), "features": list(dataset.features)},
    )


def chosen_loss(settings: TrainingSettings, data: RunData, graph: Graph) -> Loss:
    """The loss a run uses: the one chosen, or the one its target suggests."""
    if settings.loss != AUTO:
        return get_loss(settings.loss)
    return suggest_loss(data.kind, graph, settings.goal)


def make_plan(
    project: Project,
    data: RunData,
    settings: TrainingSettings,
    report: ShapeReport | None = None,
    weights: Path | None = None,
) -> Plan:
    """Settles what is still open: the loss and the output's shape.

    Errors: JobRefused when the network gives no single tensor; `check_job` says more, before.
    WeightsRefused for weights that do not fit the network.
    """
    from builder.graph.shapes import infer_shapes

    report = report or infer_shapes(project.graph)
    output = output_spec(project.graph, report)
    if output is None or any(isinstance(size, str) for size in output.shape[1:]):
        raise JobRefused(
            "The network does not give one tensor with a known shape. Check its output."
        )
    if weights is not None:
        refuse_unfit(weights, project.graph)
    return Plan(
        replace(project, training=settings.to_json()),
        data,
        settings,
        chosen_loss(settings, data, project.graph),
        tuple(int(size) for size in output.shape[1:]),
        report.totals.parameters,
        evaluation_rows(settings.batch_size, report.totals.activation_bytes),
        weights,
    )


def evaluation_rows(batch_size: int, activation_bytes: int) -> int:
    """Rows of one step of validation or test, so that it never needs more memory than was checked.

    `check_job` found room for the activations of a batch and as much again for their gradients.
    Without gradients as many rows take at most half of that; a small network takes more rows, as
    long as their activations stay within EVALUATION_BYTES. `activation_bytes`: of one row.
    """
    within = EVALUATION_BYTES // max(1, activation_bytes)
    return min(EVALUATION_ROWS, max(1, batch_size, within))


def output_spec(graph: Graph, report: ShapeReport) -> TensorSpec | None:
    """The one tensor the network gives, None when it gives several or it is not known."""
    outputs = compared_outputs(graph)
    if len(outputs) != 1:
        return None
    found = report.nodes.get(outputs[0].id)
    return found.result if found and isinstance(found.result, TensorSpec) else None


def write_run(path: Path, plan: Plan, name: str = "", *, link: bool = False) -> RunFolder:
    """Writes the folder a worker trains from. `link`: as in `own_weights.take_in`.

    Errors: JobRefused when it holds a run already; WeightsRefused, StorageRefused.
    """
    from builder.code import write_code

    folder = RunFolder(make_folder(path))
    if (path / "job.json").exists():
        raise JobRefused(f"{path} holds a run already. Choose another folder, or resume that run.")
    if plan.weights is not None:
        take_in(plan.weights, plan.project.graph, folder.start, link=link)
    write_atomically(folder.model, write_code(plan.project.graph, "module"))
    write_atomically(folder.project, to_json(plan.project))
    save_data(plan.data, folder.data)
    start = find_weights(folder.start) if plan.weights is not None else None
    folder.write_job({**job_of(plan, name), **({"start": start.name} if start else {})})
    return folder


def job_of(plan: Plan, name: str) -> dict[str, Any]:
    """What job.json says of a plan."""
    return {
        "name": name or plan.project.name,
        "created": round(time.time(), 3),
        "settings": plan.settings.to_json(),
        "loss": plan.loss.key,
        "output_shape": list(plan.output_shape),
        "parameters": plan.parameters,
        "evaluation_rows": plan.evaluation_rows,
        "main_output": main_place(plan.project.graph),
        "data": {"title": plan.data.title, "rows": plan.data.rows, **plan.data.about},
    }
