"""The network as one value: its parts, its edits, its files, and what is worked out from it.

    from builder.graph import AddNode, History, apply
    graph = apply(graph, AddNode("torch.nn.Linear", after="relu1"))

Each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.graph.edits import AddNode as AddNode
    from builder.graph.edits import Edit as Edit
    from builder.graph.edits import apply as apply
    from builder.graph.edits import describe as describe
    from builder.graph.history import History as History
    from builder.graph.model import Graph as Graph
    from builder.graph.project import Project as Project
    from builder.graph.project import load_project as load_project
    from builder.graph.project import save_project as save_project
    from builder.graph.validate import validate as validate

_HOMES = {
    "AddNode": "edits",
    "Edit": "edits",
    "Graph": "model",
    "History": "history",
    "Project": "project",
    "apply": "edits",
    "describe": "edits",
    "load_project": "project",
    "save_project": "project",
    "validate": "validate",
}

__all__ = [
    "AddNode",
    "Edit",
    "Graph",
    "History",
    "Project",
    "apply",
    "describe",
    "load_project",
    "save_project",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'builder.graph' has no attribute {name!r}")
    return getattr(importlib.import_module(f"builder.graph.{_HOMES[name]}"), name)
