"""Which layers of a network a finished run of its project has weights for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from builder.errors import LayerwiseError
from builder.graph.model import Graph
from builder.graph.project import from_json
from builder.home import home_path
from builder.training.store import Store
from builder.ui import state

_RUNS: Final = 20  # of the project, the newest: older weights are rarely meant
_MOST_PATHS: Final = 20_000
_WITH_WEIGHTS: Final = ("finished", "stopped")


def trained_paths() -> frozenset[str]:
    """The paths in the `state_dict` of layers that finished runs of the open project have trained."""
    known = state.recall("canvas.trained")
    now = (state.project_id(), _last_change())
    if known is not None and known[0] == now:
        paths: frozenset[str] = known[1]
        return paths
    paths = frozenset().union(*(_paths_of_run(folder) for folder in _finished()))
    state.keep("canvas.trained", (now, paths))
    return paths


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


def paths_in(root: Graph) -> frozenset[str]:
    """The path of every layer in the `state_dict`, repetitions written out: "encoder.0.fc"."""
    found: set[str] = set()
    waiting = [("", root)]
    while waiting and len(found) < _MOST_PATHS:
        prefix, graph = waiting.pop()
        for owner in graph.owners.values():
            block = root.blocks.get(owner.block or "")
            if block is None:
                found.add(prefix + owner.name)
                continue
            times = owner.repeat if owner.repeat > 1 and not owner.shared else 0
            numbers = [f".{i}." for i in range(min(times, _MOST_PATHS))] or ["."]
            waiting += [(prefix + owner.name + number, block) for number in numbers]
    return frozenset(found)


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
    return [store.folder(card.id).project for card in done[:_RUNS]]


@functools.lru_cache(maxsize=500)
def _paths_of_run(project: Path) -> frozenset[str]:
    """A run's folder never changes, once it has ended."""
    try:
        return paths_in(from_json(project.read_text("utf-8")).graph)
    except (LayerwiseError, OSError, UnicodeDecodeError):
        return frozenset()
