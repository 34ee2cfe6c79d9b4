"""What torch tells of an Embedding only in training: sparse gradients, an index beyond its rows.

The indices are not guessed: what leads from the input to the Embedding is cut out of the network,
written as code like the whole, and run on the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from builder.errors import quote
from builder.graph.diagnostics import Diagnostic
from builder.graph.edits import SetArgument, SetCallArgument
from builder.graph.model import Graph, Node, Ref, TensorSpec, refs_in
from builder.graph.report import ShapeReport
from builder.training.limits import EVALUATION_BYTES, EVALUATION_ROWS
from builder.training.optimizers import get_optimizer, optimizers
from builder.training.remedies import Remedy
from builder.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor

    from builder.data import Dataset
    from builder.training.tensors import RunData

_ROWS: Final = {
    "torch.nn.Embedding": "num_embeddings",
    "torch.nn.EmbeddingBag": "num_embeddings",
    "torch.nn.functional.one_hot": "num_classes",
}
"""Which argument says how many different whole numbers a layer or operation takes."""


@dataclass(frozen=True)
class Found:
    """One thing in the way, at its node, with what would help."""

    diagnostic: Diagnostic
    remedies: tuple[Remedy, ...] = ()


def sparse_gradients(
    graph: Graph, report: ShapeReport, settings: TrainingSettings
) -> Iterator[Found]:
    """Layers with sparse=True whose gradients the chosen optimizer cannot take."""
    why = get_optimizer(settings.optimizer).refuse_sparse(settings.options)
    if why is None:
        return
    others = [o for o in optimizers().values() if o.refuse_sparse({}) is None]
    settled = any(o.key == settings.optimizer for o in others)
    way = "set that to 0" if settled else f"choose {' or '.join(o.title for o in others)}"
    for place in _places(graph, report):
        node, told = place.node, place.report.nodes[place.node.id]
        if told.arguments.get("sparse") is not True or not told.trainable:
            continue
        text = f"{place.called} has sparse=True, and {why}. Set sparse to False, or {way}."
        remedies = [
            Remedy("Set sparse to False", SetArgument(node.id, "sparse", False, scope=place.block))
        ]
        if not settled and not settings.options:  # one optimizer's options are unknown to another
            remedies += [
                Remedy(f"Use {o.title}", settings={"optimizer": o.key, "lr": None}) for o in others
            ]
        yield Found(
            Diagnostic(node.id, text, parameter="sparse", scope=place.scope, kind="sparse"),
            tuple(remedies),
        )


def indices_out_of_range(
    graph: Graph, report: ShapeReport, data: RunData, dataset: Dataset | None = None
) -> Iterator[Found]:
    """Embeddings that the data asks for a row they do not have, with the index it asks for.

    Every part of the data is looked at, of very wide rows as many as fit in memory. Indices that
    depend on weights are not known before. `dataset`: lets its choice be changed as a way out.
    """
    import torch

    inputs = graph.inputs
    if len(inputs) != 1 or not _looks_up(graph, graph.blocks):
        return
    reach: dict[tuple[str, ...], tuple[_Place, int, int]] = {}
    with torch.random.fork_rng(devices=[]):
        for x, _ in data.parts.values():
            for place in _places(graph, report, {inputs[0].id: x}):
                indices = _indices(place)
                if indices is None or not indices.numel():
                    continue
                low, high = int(indices.min()), int(indices.max())
                _, least, most = reach.get(place.path, (place, low, high))
                reach[place.path] = (place, min(low, least), max(high, most))
    for place, low, high in reach.values():
        rows = _rows(place)
        if rows is not None and not 0 <= low <= high < rows:
            yield _out_of_range(place, rows, low, high, dataset)


def _out_of_range(place: _Place, rows: int, low: int, high: int, dataset: Dataset | None) -> Found:
    name, node = _ROWS[place.target], place.node
    text = f"{place.called} has {name}={rows} and takes 0 to {rows - 1}, but the data gives it "
    remedies: tuple[Remedy, ...] = ()
    if low < 0:
        text += f"{low}."
        if dataset is not None and dataset.scale is not None:
            text += " Choose on the Data page not to standardise: what it reads begins at 0."
            choice = replace(dataset.choice, standardise=False)
            remedies = (Remedy("Do not standardise the data", data=choice),)
        else:
            text += f" Add {-low} to what it reads."
    else:
        text += f"{high}. Set {name} to {high + 1}."
        edit = SetArgument if name == "num_embeddings" else SetCallArgument
        remedies = (
            Remedy(f"Set {name} to {high + 1}", edit(node.id, name, high + 1, scope=place.block)),
        )
    return Found(
        Diagnostic(node.id, text, parameter=name, scope=place.scope, kind="index"), remedies
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """One layer or operation where it stands. `feeds`: what the inputs of `graph` take in, by id."""

    graph: Graph
    report: ShapeReport
    node: Node
    feeds: Mapping[str, Tensor]
    scope: tuple[str, ...] = ()
    block: str = ""

    @property
    def target(self) -> str:
        owner = self.graph.owner_of(self.node)
        return owner.target if owner else self.node.target

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.scope, self.node.id)

    @property
    def called(self) -> str:
        name, label = self.target.rsplit(".", 1)[-1], self.graph.label(self.node.id)
        return f"{name} {quote(label)}"


def _places(
    graph: Graph,
    report: ShapeReport,
    feeds: Mapping[str, Tensor] | None = None,
    blocks: Mapping[str, Graph] | None = None,
    scope: tuple[str, ...] = (),
    block: str = "",
) -> Iterator[_Place]:
    """Every layer and operation in running order, also those in blocks (in their first repetition)."""
    feeds = feeds or {}
    blocks = graph.blocks if blocks is None else blocks
    for node in graph.nodes.values():
        found, owner = report.nodes.get(node.id), graph.owner_of(node)
        if found is None or node.bypassed or node.kind not in ("layer", "operation"):
            continue
        inner = blocks.get(owner.block or "") if owner else None
        if inner is None or not found.body:
            yield _Place(graph, report, node, feeds, scope, block)
            continue
        fed = {}
        if feeds and _looks_up(inner, blocks):
            here = _Place(graph, report, node, feeds, scope, block)
            for port in inner.inputs:
                value = _value(here, node.arguments.get(port.name or port.id))
                if value is not None:
                    fed[port.id] = value
        path, name = (*scope, node.id), (owner.block if owner else None) or ""
        yield from _places(inner, found.body[0], fed, blocks, path, name)


def _looks_up(graph: Graph, blocks: Mapping[str, Graph]) -> bool:
    """Whether a layer or operation here, or in a block, takes indices."""
    wanted = {
        *(owner.target for owner in graph.owners.values()),
        *(node.target for node in graph.nodes.values()),
    }
    inner = [blocks[o.block] for o in graph.owners.values() if o.block and o.block in blocks]
    return not wanted.isdisjoint(_ROWS) or any(_looks_up(body, blocks) for body in inner)


def _rows(place: _Place) -> int | None:
    if place.target not in _ROWS:
        return None
    layer = place.node.kind == "layer"
    given = place.report.nodes[place.node.id].arguments if layer else place.node.arguments
    rows = given.get(_ROWS[place.target])
    return rows if isinstance(rows, int) and rows > 0 else None


def _indices(place: _Place) -> Tensor | None:
    return None if _rows(place) is None else _value(place, place.node.arguments.get("input"))


def _value(place: _Place, argument: object) -> Tensor | None:
    """What stands at a value when the rows come in; None where weights or a branch decide it."""
    if not isinstance(argument, Ref):
        return None
    ref, inputs = place.graph.resolve(argument), {n.id for n in place.graph.inputs}
    if ref.node in inputs:
        return place.feeds.get(ref.node)
    before = _before(place, ref)
    if before is None or (place.scope and place.graph.settings):
        return None
    nodes = {
        node.id: replace(node, spec=_spec(place, node)) if node.kind == "input" else node
        for node in place.graph.nodes.values()
        if node.id in before
    }
    fed = [place.feeds[node] for node in nodes if node in inputs]
    if not fed:
        return None
    nodes["value"] = Node("value", "output", "value", arguments={"value": ref})
    owners = {n.target: place.graph.owners[n.target] for n in nodes.values() if n.kind == "layer"}
    cut = replace(place.graph, name="Indices", nodes=nodes, owners=owners, blocks={})
    each = max(1, *(place.report.nodes[node].activation_bytes for node in before))
    return _run(cut, fed, min(EVALUATION_ROWS, max(1, EVALUATION_BYTES // each)), each)


def _before(place: _Place, ref: Ref) -> set[str] | None:
    """The nodes a value is made from, without weights; None where there are others."""
    seen, waiting = set[str](), [ref.node]
    while waiting:
        node = place.graph.nodes.get(waiting.pop())
        found = place.report.nodes.get(node.id) if node else None
        if node is None or found is None or (node.kind == "input" and node.id not in place.feeds):
            return None
        owner = place.graph.owner_of(node)
        learned = found.parameters or found.buffers or (owner is not None and owner.block)
        if node.kind == "branch" or learned:
            return None
        if node.id not in seen:
            seen.add(node.id)
            waiting += [r.node for r in refs_in(node)]
    return seen


def _spec(place: _Place, node: Node) -> TensorSpec | None:
    result = place.report.nodes[node.id].result
    return result if isinstance(result, TensorSpec) else node.spec


def _run(cut: Graph, fed: list[Tensor], rows: int, each: int) -> Tensor | None:
    """Runs what was cut out, some rows at a time and never more than fit. None where torch refuses."""
    import torch

    from builder.code import module_from_source, why_not_run, write_code

    made = []
    count = min(len(fed[0]), max(1, 4 * EVALUATION_BYTES // each))
    if why_not_run(cut):
        return None
    try:
        model = module_from_source(write_code(cut, "module"))
        with torch.no_grad():
            for first in range(0, count, rows):
                made.append(model(*(x[first : first + rows].clone() for x in fed)))
        return torch.cat(made) if made else None
    except (IndexError, RuntimeError, TypeError, ValueError):
        return None  # not ours to tell: the network's own check, or the run, will
