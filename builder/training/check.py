"""What would stop a training, told before it starts, each with the ways out that were found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

from builder.errors import LayerwiseError, quote
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import SetArgument
from builder.graph.model import OPAQUE, Dim, Graph, TensorSpec, format_shape
from builder.graph.modes import compared_outputs, given_in
from builder.graph.project import Project
from builder.training.devices import available_bytes, is_available
from builder.training.embeddings import Found, indices_out_of_range, sparse_gradients
from builder.training.gradients import nothing_learns
from builder.training.job import JobRequest
from builder.training.losses import (
    Loss,
    cannot_reach,
    does_it_twice,
    ending_warning,
    suggest_loss,
)
from builder.training.prepare import chosen_loss, output_spec, run_data
from builder.training.remedies import Remedy, fit_remedies, remove_last
from builder.training.settings import TrainingSettings
from builder.training.tensors import RunData

if TYPE_CHECKING:
    from builder.data import Dataset
    from builder.graph.check import Check
    from builder.graph.report import ShapeReport

Kind = Literal["network", "data", "loss", "settings", "memory", "device"]
_WIDE = 16  # numbers a row from which a network that gives as many is hardly a classifier
_SHARE_OF_MEMORY = 0.9  # the rest is for what cannot be counted beforehand


@dataclass(frozen=True)
class Problem:
    """One thing in the way. An error stops the job; a warning is good to know.

    `diagnostic`: the place in the network it is about, for problems of kind "network".
    """

    message: str
    kind: Kind
    severity: Literal["error", "warning"] = "error"
    remedies: tuple[Remedy, ...] = ()
    diagnostic: Diagnostic | None = None


def check_job(request: JobRequest, checked: Check | None = None) -> tuple[Problem, ...]:
    """Everything that would stop a job, and what is good to know; nothing is allocated or written.

    `checked`: what `builder.check` said of the network, where it is known already.
    """
    try:
        dataset = request.dataset()
    except LayerwiseError as error:
        return (*_network(checked or _check(request.project.graph)), Problem(str(error), "data"))
    rows = dataset if isinstance(dataset, RunData) else run_data(dataset)
    source = None if isinstance(dataset, RunData) else dataset
    return check_plan(request.project, rows, request.settings, source, checked)


def check_plan(
    project: Project,
    data: RunData,
    settings: TrainingSettings,
    dataset: Dataset | None = None,
    checked: Check | None = None,
) -> tuple[Problem, ...]:
    """The same for rows at hand. `dataset`: lets the network be fitted to it as a way out."""
    graph = project.graph
    refusal = settings.refuse()
    if refusal:
        return (Problem(refusal, "settings"),)
    checked = checked or _check(graph)
    network, report = tuple(_network(checked)), checked.report
    from builder.code.limits import why_not_run

    if sentence := why_not_run(graph):
        network = (*network, Problem(sentence, "network"))
    fit = fit_remedies(graph, dataset, settings)
    interface = tuple(_interface(graph, data, fit))
    if any(p.severity == "error" for p in network):
        return (*network, *interface)
    found = [*network, *interface, *_autoencoder(graph, report, data, settings)]
    if not any(p.severity == "error" for p in interface):
        found += _output(graph, report, data, settings, fit)
    found += _learning(graph, report)
    found += _resources(report, data, settings)
    found += _of_layers(sparse_gradients(graph, report, settings))
    if not any(p.severity == "error" for p in found):
        found += _of_layers(indices_out_of_range(graph, report, data, dataset))
    return tuple(found)


def _of_layers(found: Iterable[Found]) -> Iterator[Problem]:
    for one in found:
        message = one.diagnostic.message
        yield Problem(message, "network", "error", one.remedies, one.diagnostic)


def _check(graph: Graph) -> Check:
    from builder.graph.check import check

    return check(graph)


def _network(checked: Check) -> Iterator[Problem]:
    for diagnostic in checked.report.problems:
        repairs = checked.repairs.get(diagnostic, ())
        yield Problem(
            diagnostic.message,
            "network",
            diagnostic.severity,
            tuple(Remedy(repair.label, repair.edit) for repair in repairs),
            diagnostic,
        )


def _interface(graph: Graph, data: RunData, fit: tuple[Remedy, ...]) -> Iterator[Problem]:
    """One input that takes the rows, and one output."""
    inputs, outputs = graph.inputs, compared_outputs(graph)
    if len(inputs) != 1:
        names = ", ".join(f"“{graph.label(node.id)}”" for node in inputs) or "none"
        yield Problem(
            f"A data set feeds one input, but the network has {len(inputs)}: {names}.", "data"
        )
    elif (spec := inputs[0].spec) is not None:
        wanted: tuple[Dim, ...] = ("N", *data.row_shape)
        if spec.shape != wanted:
            yield Problem(
                f"{data.title} gives {format_shape(wanted)}, but the input "
                f"“{graph.label(inputs[0].id)}” takes {format_shape(spec.shape)}.",
                "data",
                remedies=fit,
            )
        elif spec.dtype != (given := str(data.parts["train"][0].dtype).removeprefix("torch.")):
            yield Problem(
                f"{data.title} gives {given}, but the input “{graph.label(inputs[0].id)}” takes "
                f"{spec.dtype}. Set its dtype to {given}, or choose data of that kind.",
                "data",
                remedies=fit,
            )
    if len(outputs) != 1:
        yield Problem(
            f"The loss compares one output with the target, but the network has {len(outputs)}. "
            "Keep one output, or one that is given in both modes.",
            "network",
        )
    elif beside := [node for node in given_in(graph, training=True) if node is not outputs[0]]:
        names = ", ".join(f"“{graph.label(node.id)}”" for node in beside)
        yield Problem(
            f"The loss is that of “{graph.label(outputs[0].id)}” alone: what only {names} read does not "
            "learn.",
            "network",
            "warning",
        )


def _output(
    graph: Graph,
    report: ShapeReport,
    data: RunData,
    settings: TrainingSettings,
    fit: tuple[Remedy, ...],
) -> Iterator[Problem]:
    """What the network gives against what the loss and the target want."""
    loss = chosen_loss(settings, data, graph)
    output = output_spec(graph, report)
    if output is None:
        yield Problem(
            "The network gives a tuple; the loss needs one tensor. Let the output read one part.",
            "network",
        )
        return
    if settings.goal == "input":
        yield from _reconstruction(loss, output, data, graph)
        return
    refusal = loss.refuse(output.shape, data.kind, data.class_count, data.target_shape)
    if refusal:
        yield Problem(refusal, "loss", remedies=(*_other_loss(loss, graph, data, output), *fit))
    elif not _fits_target(loss, output, data):
        yield Problem(
            f"The network gives {format_shape(output.shape)}, but the target has "
            f"{data.class_count} classes: the scores beyond are never right.",
            "loss",
            "warning",
            fit,
        )
    elif warning := _ending(loss, graph, data):
        remedies = _other_loss(loss, graph, data, output)
        if does_it_twice(loss, graph) or loss.metrics == "numbers":
            remedies = (*remove_last(graph), *remedies)
        yield Problem(warning, "loss", "warning", remedies)


def _ending(loss: Loss, graph: Graph, data: RunData) -> str | None:
    if data.kind == "number":
        y = data.parts["train"][1]
        return cannot_reach(graph, float(y.min()), float(y.max()))
    return ending_warning(loss, graph)


def _reconstruction(
    loss: Loss, output: TensorSpec, data: RunData, graph: Graph
) -> Iterator[Problem]:
    x = data.parts["train"][0]
    if loss.form != "same" or "number" not in loss.serves:
        yield Problem(
            f"{loss.title} cannot compare the output with the input. Choose mean squared error.",
            "loss",
            remedies=(Remedy("Use mean squared error", settings={"loss": "mse"}),),
        )
    elif output.shape != ("N", *data.row_shape):
        yield Problem(
            f"To give back its input the network has to give {format_shape(('N', *data.row_shape))}, "
            f"but it gives {format_shape(output.shape)}.",
            "loss",
            remedies=(Remedy("Learn the target instead", settings={"goal": "target"}),),
        )
    elif x.numel() and (warning := cannot_reach(graph, float(x.min()), float(x.max()))):
        yield Problem(warning, "loss", "warning", remove_last(graph))


def _other_loss(loss: Loss, graph: Graph, data: RunData, output: TensorSpec) -> tuple[Remedy, ...]:
    """The suggested loss, where it is another one and fits the network as it is."""
    other = suggest_loss(data.kind, graph)
    row = data.target_shape
    if other.key == loss.key or other.refuse(output.shape, data.kind, data.class_count, row):
        return ()
    return (Remedy(f"Use {other.title}", settings={"loss": other.key}),)


def _autoencoder(
    graph: Graph, report: ShapeReport, data: RunData, settings: TrainingSettings
) -> Iterator[Problem]:
    """A network that gives what it takes in is most likely meant to learn just that."""
    output = output_spec(graph, report)
    taken = graph.inputs[0].spec if len(graph.inputs) == 1 else None
    if settings.goal == "input" or output is None or taken is None or output.shape != taken.shape:
        return
    sizes = [size for size in taken.shape[1:] if isinstance(size, int)]
    fits_data = taken.shape == ("N", *data.row_shape)
    if prod(sizes) < (2 if fits_data else _WIDE):
        return  # a few numbers in and as many out are a classifier as well
    if not _fits_target(chosen_loss(settings, data, graph), output, data):
        yield Problem(
            f"The network gives {format_shape(output.shape)}, just what it takes in, as an "
            "autoencoder does.",
            "loss",
            "warning",
            (Remedy("Learn to give back the input", settings={"goal": "input", "loss": "auto"}),),
        )


def _fits_target(loss: Loss, output: TensorSpec, data: RunData) -> bool:
    refusal = loss.refuse(output.shape, data.kind, data.class_count, data.target_shape)
    exact = loss.form == "same" or output.shape[1] == data.class_count
    return refusal is None and exact


def _learning(graph: Graph, report: ShapeReport) -> Iterator[Problem]:
    """Whether anything learns."""
    graphs = (graph, *graph.blocks.values())
    own = any(o.target == OPAQUE for g in graphs for o in g.owners.values())
    if not report.totals.trainable and not own:
        yield Problem(
            "There is nothing to train: the network has no weights, or all of them are frozen.",
            "network",
        )
    elif (found := nothing_learns(graph, report)) is not None:
        diagnostic, remedy = found
        remedies = (remedy,) if remedy else ()
        yield Problem(diagnostic.message, "network", "error", remedies, diagnostic)
    yield from _frozen_statistics(graph, report, graph.blocks)


def _frozen_statistics(
    graph: Graph,
    report: ShapeReport,
    blocks: Mapping[str, Graph],
    scope: tuple[str, ...] = (),
    block: str = "",
    frozen: bool = False,
) -> Iterator[Problem]:
    """Frozen BatchNorm: its weights stay, but its running mean and variance follow the data."""
    told = set()
    for node in graph.nodes.values():
        owner, found = graph.owner_of(node), report.nodes.get(node.id)
        if owner is None or found is None or node.bypassed or owner.id in told:
            continue
        told.add(owner.id)
        still = frozen or owner.frozen
        inner = blocks.get(owner.block) if owner.block else None
        if inner is not None and found.body:
            path, name = (*scope, node.id), owner.block or ""
            yield from _frozen_statistics(inner, found.body[0], blocks, path, name, still)
        elif still and found.buffers and "num_features" in found.arguments:
            if found.arguments.get("momentum") == 0:
                continue
            message = (
                f"{owner.target.rsplit('.', 1)[-1]} {quote(graph.label(node.id))} is frozen, but "
                "training still moves its running mean and variance. Set its momentum to 0 to keep "
                "them."
            )
            remedy = Remedy("Keep them", SetArgument(node.id, "momentum", 0.0, scope=block))
            place = Diagnostic(
                node.id, message, parameter="momentum", severity="warning", scope=scope,
                kind="frozen_statistics",
            )  # fmt: skip
            yield Problem(message, "network", "warning", (remedy,), place)


def _resources(report: ShapeReport, data: RunData, settings: TrainingSettings) -> Iterator[Problem]:
    yield from _single_row_batch(report, data, settings)
    if not is_available(settings.device):
        yield Problem(
            f"There is no device “{settings.device}” here. Choose the processor.",
            "device",
            remedies=(Remedy("Use the processor", settings={"device": "cpu"}),),
        )
        return
    yield from _memory(report, data, settings)
    x = data.parts["train"][0]
    if x.is_floating_point() and not bool(x.isfinite().all()):
        yield Problem(
            f"{data.title} has values that are no numbers. Choose on the Data page what stands "
            "where nothing stood.",
            "data",
        )


def _memory(report: ShapeReport, data: RunData, settings: TrainingSettings) -> Iterator[Problem]:
    """Weights, gradients and the optimizer's memory, activations and their gradients, the rows."""
    totals = report.totals
    batch = min(settings.batch_size, len(data.parts["train"][0]))
    each_row = 2 * totals.activation_bytes
    fixed = totals.memory_bytes + 2 * data.bytes
    needed = fixed + each_row * batch
    free = available_bytes(settings.device)
    if free is None or needed <= free * _SHARE_OF_MEMORY:
        return
    fits = int((free * _SHARE_OF_MEMORY - fixed) // max(1, each_row))
    remedies: tuple[Remedy, ...] = ()
    way_out = "Make its widest layers smaller."
    if fits >= 1:
        way_out = f"A batch of {fits} fits."
        remedies = (Remedy(f"Use a batch size of {fits}", settings={"batch_size": fits}),)
    yield Problem(
        f"Training needs about {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free. {way_out}",
        "memory",
        remedies=remedies,
    )


def _single_row_batch(
    report: ShapeReport, data: RunData, settings: TrainingSettings
) -> Iterator[Problem]:
    """BatchNorm cannot work on one value a channel: a batch of a single row."""
    rows, chosen = len(data.parts["train"][0]), settings.batch_size
    if (rows % chosen != 1 and chosen != 1) or not _has_norm_of_single_values(report):
        return
    if rows == 1:
        yield Problem(
            f"{data.title} has a single row for training, and BatchNorm needs at least two in a "
            "batch. Bring more rows.",
            "data",
        )
        return
    size = chosen + 1
    while rows % size == 1:
        size += 1
    single = f"{rows} rows in batches of {chosen} leave one row for the last batch"
    if chosen == 1:
        single = "With a batch size of 1 every batch is a single row"
    yield Problem(
        f"{single}, and BatchNorm needs at least two.",
        "settings",
        remedies=(Remedy(f"Use a batch size of {size}", settings={"batch_size": size}),),
    )


def _has_norm_of_single_values(report: ShapeReport) -> bool:
    for node in report.nodes.values():
        if any(_has_norm_of_single_values(body) for body in node.body):
            return True
        value = node.inputs.get("input")
        if "num_features" in node.arguments and isinstance(value, TensorSpec):
            sizes = [size for size in value.shape[2:] if isinstance(size, int)]
            if prod(sizes) == 1:
                return True
    return False
