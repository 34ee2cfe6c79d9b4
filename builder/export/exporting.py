"""`export_project`: a network as a file to take along, after it has been proven."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.code.limits import refuse_own_code
from builder.code.write import model_source
from builder.errors import ExportRefused, JobRefused
from builder.export.formats import Format, format_for
from builder.export.names import file_stem
from builder.export.own_source import TAKES_TEXT, with_own_text
from builder.export.proof import Proof
from builder.export.steps import tell
from builder.export.subject import Subject, subject_of
from builder.graph.model import Graph
from builder.graph.project import Project
from builder.training.headless import chosen_settings
from builder.training.own_weights import is_ready, load_weights, read_tensors, take_in
from builder.training.prepare import Plan, make_plan, run_data
from builder.training.run import Run, open_run
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData

if TYPE_CHECKING:
    from builder.data import Dataset


_BROUGHT: Final = "of a file that was brought"


@dataclass(frozen=True)
class Exported:
    """One export. `name`: of the file to save it in. `proof`: None for a picture."""

    name: str
    content: bytes
    mime: str
    proof: Proof | None = None


def export_project(
    model: Graph | Project,
    to: str,
    *,
    style: str = "module",
    data: Dataset | RunData | str | None = None,
    run: Run | str | Path | None = None,
    epoch: int | None = None,
    weights: str | Path | None = None,
    **settings: Any,
) -> Exported:
    """Writes a network in a format, runs that file in a clean interpreter, and gives it with its proof.

    Args:    to: a key of `FORMATS`: py, zip, ipynb, safetensors, pt2, onnx, svg, png. style: a key of
             `builder.code.styles()`. data: for zip and ipynb, a loaded set or the name of one; by
             default the run's, or the project's choice. run: takes the weights of an epoch (the last
             kept one), its data and its settings; it has to have trained this network. weights: a
             checkpoint (.safetensors, .pt) in place of a run's; what trains starts from it. settings:
             fields of `TrainingSettings`, flat.
    Errors:  ExportRefused where it cannot be made, or its proof failed; CodeRefused, DataRefused,
             NotFound, JobRefused, WeightsRefused where what was asked for is not there.
    """
    wanted = format_for(to)
    project = model if isinstance(model, Project) else Project(model.name or "Network", model)
    stem = file_stem(project.name)
    if not wanted.proven:
        tell("Drawing the network")
        return Exported(f"{stem}{wanted.suffix}", _picture(project.graph, to), wanted.mime)
    refuse_own_code(project.graph)
    if weights is not None and run is not None:
        raise ExportRefused("Weights come from a run or from a file: leave one of them out.")
    if weights is not None and not is_ready(Path(weights), project.graph):
        with tempfile.TemporaryDirectory(prefix="layerwise-") as folder:
            ready = Path(folder) / "weights.safetensors"
            take_in(Path(weights), project.graph, ready)
            return export_project(
                project, to, style=style, data=data, epoch=epoch, weights=ready, **settings
            )
    brought = load_weights(project, weights) if weights is not None else None
    known = open_run(run) if isinstance(run, str | Path) else run
    if known is not None:
        _refuse_another_network(project, known)
    if wanted.trains:
        tell("Loading the data set")
    plan = _plan(project, wanted, data, known, settings)
    if plan is not None:
        plan = replace(plan, weights=_start(known, weights))
    if to == "ipynb":
        from builder.export.notebook import without_collisions

        project = without_collisions(project)
    seed = plan.settings.seed if plan is not None else _seed(settings)
    tell("Writing the code and running the network here")
    if brought is not None and epoch is None:
        start = brought if plan is not None else None
        subject = subject_of(
            project.graph, style, seed=seed, state=brought, weights=_BROUGHT, start=start
        )
    else:
        subject = _subject(project, style, known, epoch, seed)
    if to in TAKES_TEXT:
        subject = with_own_text(subject, project)
    content, proof = _made(subject, plan, project, to)
    return Exported(f"{stem}{wanted.suffix}", content, wanted.mime, proof)


def _made(subject: Subject, plan: Plan | None, project: Project, to: str) -> tuple[bytes, Proof]:
    from builder.export.notebook import export_ipynb
    from builder.export.programs import export_onnx, export_pt2
    from builder.export.project import export_zip
    from builder.export.python_file import export_py
    from builder.export.weights import export_weights

    if to == "zip":
        if plan is None:
            raise ExportRefused(
                "A project trains, and no data is chosen. Name a data set (data=, --data), such as digits."
            )
        return export_zip(subject, plan, project.name)
    if to == "ipynb":
        return export_ipynb(subject, plan, project.name)
    makers = {
        "py": export_py,
        "safetensors": export_weights,
        "pt2": export_pt2,
        "onnx": export_onnx,
    }
    return makers[to](subject)


def _picture(graph: Graph, to: str) -> bytes:
    from builder.graph.shapes import infer_shapes
    from builder.inspection import drawing

    placed = drawing.middles(graph)
    as_drawn = bool(placed) and len(placed) == len(graph.nodes)
    picture = drawing.draw(graph, infer_shapes(graph), positions=placed if as_drawn else None)
    return picture.png() if to == "png" else picture.svg.encode("utf-8")


def _refuse_another_network(project: Project, run: Run) -> None:
    """Never today's network with yesterday's weights."""
    if model_source(project.graph) != model_source(run.graph):
        raise ExportRefused(
            "The network has changed since this run trained it. Export the run's own network, or train "
            "it again."
        )


def _plan(
    project: Project,
    wanted: Format,
    data: Dataset | RunData | str | None,
    run: Run | None,
    settings: dict[str, Any],
) -> Plan | None:
    """What is trained on, for the formats that train; None without data."""
    if not wanted.trains:
        settings = {name: value for name, value in settings.items() if name != "seed"}
        if settings or data is not None:
            names = ", ".join([*(["data"] if data is not None else []), *settings])
            raise ExportRefused(f"{wanted.title} holds no training: leave out {names}.")
        return None
    if run is not None:
        project = run.project
        settings = {**run.settings.to_json(), "loss": run.loss.key, **settings}
    rows = _rows(project, data, run)
    if rows is None:
        return None
    from builder.training.check import check_plan

    chosen = chosen_settings(project, settings)
    problems = [p.message for p in check_plan(project, rows, chosen) if p.severity == "error"]
    if chosen.device != "cpu":  # the export is made, and proven, where there may be no GPU
        problems = [
            p.message
            for p in check_plan(project, rows, chosen.with_(device="cpu"))
            if p.severity == "error"
        ]
    if problems:
        raise JobRefused(" ".join(problems))
    return make_plan(project, rows, chosen)


def _rows(
    project: Project, data: Dataset | RunData | str | None, run: Run | None
) -> RunData | None:
    from builder.data import DataChoice, load_dataset

    if isinstance(data, RunData):
        return data
    if isinstance(data, str):
        return run_data(load_dataset(data))
    if data is not None:
        return run_data(data)
    if run is not None:
        return run.dataset()
    if project.data is None or DataChoice.from_json(project.data).upload_id is not None:
        return None  # an upload belongs to someone: who exports it brings its rows
    return run_data(load_dataset(project.data))


def _start(run: Run | None, weights: str | Path | None) -> Path | None:
    """The file that training starts from; None where the seed draws the weights."""
    if run is not None:
        return run.folder.start if run.start is not None else None
    return Path(weights) if weights is not None else None


def _seed(settings: dict[str, Any]) -> int:
    return TrainingSettings.of(**{n: v for n, v in settings.items() if n == "seed"}).seed


def _subject(
    project: Project, style: str, run: Run | None, epoch: int | None, seed: int
) -> Subject:
    if run is None:
        if epoch is not None:
            raise ExportRefused("An epoch is one of a run: name the run too.")
        return subject_of(project.graph, style, seed=seed)
    state, kept = run.state_dict(epoch), run.epochs()
    start = read_tensors(run.folder.start) if run.start is not None else None
    told = epoch if epoch is not None else kept[-1]
    return subject_of(
        project.graph,
        style,
        seed=seed,
        state=state,
        weights=f"of a training run after epoch {told}",
        start=start,
    )
