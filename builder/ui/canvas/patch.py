"""What changed between two documents, and the documents that a browser may still hold."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from builder.ui.canvas.document import Document

_BY_ID: Final = ("nodes", "wires", "frames")
_KEPT: Final = 50  # documents share the views that did not change


def difference(old: Document, new: Document) -> dict[str, Any]:
    """What turns one document into another: parts of nodes, wires and frames, and other keys whole.

    {"nodes": {id: the fields that changed | None}, "wires": …, "frames": …, "order": …, "rest": {…}}
    """
    found: dict[str, Any] = {name: _changed(old[name], new[name]) for name in _BY_ID}
    if old["order"] != new["order"]:
        found["order"] = new["order"]
    found["rest"] = {
        name: value
        for name, value in new.items()
        if name not in _BY_ID and name != "order" and old.get(name) != value
    }
    return found


def patched(old: Document, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The document that a browser has after a patch; what the browser does, for tests."""
    new = {**old, **patch["rest"]}
    for name in _BY_ID:
        parts = {**old[name]}
        for identity, part in patch[name].items():
            if part is None:
                del parts[identity]
            else:
                parts[identity] = {**parts.get(identity, {}), **part}
        new[name] = parts
    if "order" in patch:
        new["order"] = patch["order"]
    return new


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for identity, value in new.items():
        before = old.get(identity)
        if before is value:
            continue
        if before is None or before.keys() != value.keys():
            found[identity] = value
        elif part := {k: v for k, v in value.items() if before[k] != v}:
            found[identity] = part
    return found | {identity: None for identity in old if identity not in new}


@dataclass
class Revisions:
    """The last documents of one canvas in one session, by number.

    Numbers begin at the clock, so that one of another session or server is never taken for ours.
    """

    rev: int = field(default_factory=lambda: int(time.time() * 1000))
    _known: OrderedDict[int, Document] = field(default_factory=OrderedDict)

    def message(self, new: Document, seen: object) -> dict[str, Any]:
        """What tells a browser that has the document `seen` about a new one: {"rev", "patch" | "full"}."""
        self._keep(new, seen)
        if isinstance(seen, int) and seen in self._known:
            patch = difference(self._known[seen], new)
            return {"rev": self.rev, "patch": {"from": seen, **patch}}
        return {"rev": self.rev, "full": new}

    def _keep(self, new: Document, seen: object) -> None:
        last = self._known.get(self.rev)
        if last is not None and not any(_said(difference(last, new))):
            return
        self.rev += 1
        self._known[self.rev] = new
        for old in [rev for rev in self._known if rev != seen]:
            if len(self._known) <= _KEPT:
                break
            del self._known[old]


def _said(patch: Mapping[str, Any]) -> list[Any]:
    return [value for value in patch.values() if value]
