"""Exports: a network as a file to take along, each first run in a clean interpreter.

    exported = export_project(project, "py")
    Path(exported.name).write_bytes(exported.content)

`subject` is what is exported, with what it gives; `proving` runs files in a clean interpreter
(`clean`, a script that knows nothing of us) and compares; a file a format does the rest. For a server
`queue` has wishes carried out a few at a time, each by a `worker`, and `kept` keeps what is finished.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.export.exporting import Exported as Exported
    from builder.export.exporting import export_project as export_project
    from builder.export.formats import FORMATS as FORMATS
    from builder.export.proof import Proof as Proof

_VERBS = {
    "Exported": "exporting",
    "FORMATS": "formats",
    "Proof": "proof",
    "export_project": "exporting",
}

__all__ = ["FORMATS", "Exported", "Proof", "export_project"]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'builder.export' has no attribute {name!r}")
    return getattr(importlib.import_module(f"builder.export.{_VERBS[name]}"), name)
