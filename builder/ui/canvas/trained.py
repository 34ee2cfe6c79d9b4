"""Which layers of a network a finished run of its project has weights for, read from its files."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from builder.errors import LayerwiseError
from builder.graph.changes import change_words
from builder.graph.effects import Shapes
from builder.graph.model import Graph
from builder.graph.project import from_json
from builder.home import home_path
from builder.training.checkpoints import shapes_of_weights
from builder.training.store import Store
from builder.ui import state

_RUNS: Final = 20  # of the project, the newest: older weights are rarely meant
_WITH_WEIGHTS: Final = ("finished", "stopped")


def trained_paths() -> frozenset[str]:
    """The paths in the `state_dict` of layers that finished runs of the open project have trained."""
    return frozenset(name.rpartition(".")[0] for run in _runs() for name in run)


def is_trained(path: str, shapes: Shapes) -> bool:
    """Whether a run has weights for a layer as it is made now; those of another width are lost already."""
    return any(all(run.get(f"{path}.{name}") == shape for name, shape in shapes) for run in _runs())


def _runs() -> list[Mapping[str, tuple[int, ...]]]:
    """Of each finished run what its `state_dict` holds."""
    known = state.recall("canvas.trained")
    now = (state.project_id(), _last_change())
    if known is not None and known[0] == now:
        runs: list[Mapping[str, tuple[int, ...]]] = known[1]
        return runs
    runs = [found for folder in _finished() if (found := _weights(folder))]
    state.keep("canvas.trained", (now, runs))
    return runs


def trained_before() -> str:
    """What was changed since the newest finished run of the project: "“conv2” was changed"; or ""."""
    now = (state.project_id(), _last_change())
    known = state.recall("canvas.trained_graph")
    if known is None or known[0] != now:
        known = (now, next(map(_graph_of, _finished()), None))
        state.keep("canvas.trained_graph", known)
    graph: Graph | None = known[1]
    return change_words(graph, state.graph()) if graph is not None else ""


def _graph_of(checkpoints: Path) -> Graph | None:
    try:
        return from_json((checkpoints.parent / "project.json").read_text("utf-8")).graph
    except (LayerwiseError, OSError, UnicodeDecodeError):
        return None


def trained_nodes(root: Graph, entered: Sequence[str], trained: frozenset[str]) -> frozenset[str]:
    """The nodes of a graph whose weights, or those inside of it, were trained.

    `entered`: the nodes entered from the root to get there.
    """
    graph, prefix = root, ""
    for identity in entered:
        owner = graph.owner_of(graph.nodes[identity])
        if owner is None or owner.block is None or owner.block not in root.blocks:
            return frozenset()
        prefix += f"{owner.name}.0." if owner.repeat > 1 and not owner.shared else f"{owner.name}."
        graph = root.blocks[owner.block]
    if not trained:
        return frozenset()
    found = {path[len(prefix) :].partition(".")[0] for path in trained if path.startswith(prefix)}
    return frozenset(
        node.id
        for node in graph.nodes.values()
        if (owner := graph.owner_of(node) or graph.held_by(node)) is not None
        and owner.name in found
    )


def _last_change() -> float:
    """When the list of runs changed last; 0 where there is none: nothing is made by looking."""
    newest = 0.0
    for name in ("runs.sqlite", "runs.sqlite-wal"):
        try:
            newest = max(newest, (home_path() / name).stat().st_mtime)
        except OSError:
            continue
    return newest


def _finished() -> list[Path]:
    if not _last_change():
        return []
    try:
        store = Store()
        cards = store.runs(state.owner())
    except (LayerwiseError, OSError):
        return []
    mine = [c for c in cards if c.summary.get("project") == state.project_id()]
    done = [c for c in mine if c.state in _WITH_WEIGHTS and c.epoch > 0]
    return [store.folder(card.id).checkpoints for card in done[:_RUNS]]


@functools.lru_cache(maxsize=500)
def _weights(checkpoints: Path) -> Mapping[str, tuple[int, ...]]:
    """A run's folder never changes, once it has ended."""
    return shapes_of_weights(checkpoints)
