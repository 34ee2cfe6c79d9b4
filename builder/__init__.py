"""Layerwise without a browser: the few verbs that pages and `python -m builder` call.

    import builder
    project = builder.load_project("net.json")
    print(builder.write_code(project.graph))

Each verb is imported when it is first used, so that `import builder` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.code import write_code as write_code
    from builder.code.reading import read_code as read_code
    from builder.data import load_dataset as load_dataset
    from builder.export import export_project as export_project
    from builder.gallery import project as gallery_project
    from builder.graph.check import check as check
    from builder.graph.project import Project as Project
    from builder.graph.project import load_project as load_project
    from builder.graph.project import save_project as save_project
    from builder.training import open_run as open_run
    from builder.training import train as train
    from builder.training.own_weights import load_weights as load_weights

__version__ = "0.1.0"

_VERBS = {
    "Project": "builder.graph.project",
    "check": "builder.graph.check",
    "export_project": "builder.export",
    "gallery_project": "builder.gallery:project",
    "load_dataset": "builder.data",
    "load_project": "builder.graph.project",
    "load_weights": "builder.training.own_weights",
    "open_run": "builder.training",
    "read_code": "builder.code.reading",
    "save_project": "builder.graph.project",
    "train": "builder.training",
    "write_code": "builder.code",
}

__all__ = [
    "Project",
    "check",
    "export_project",
    "gallery_project",
    "load_dataset",
    "load_project",
    "load_weights",
    "open_run",
    "read_code",
    "save_project",
    "train",
    "write_code",
]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'builder' has no attribute {name!r}")
    module, _, attribute = _VERBS[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted(__all__)
