"""What cannot be written by hand, and why: gathered, so that a person sees all of it at once."""

from __future__ import annotations

from builder import catalogue
from builder.errors import CodeRefused, NotFound, quote
from builder.graph.model import OPAQUE, Owner

_MOST_NAMED = 5
_WHOLE_NETWORKS = ("torch.nn.Transformer",)


class Refusals:
    """Sentences about layers, each once."""

    def __init__(self) -> None:
        self.sentences: dict[str, None] = {}
        self.owners: set[str] = set()

    def add(self, owner: Owner, reason: str = "") -> None:
        """A layer that cannot be written. `reason`: behind a colon; why in general if none is given."""
        if owner.id in self.owners and not reason:
            return
        self.owners.add(owner.id)
        self.sentences[f"{quote(owner.name)}{_kind(owner)}: {reason or _why_not(owner)}."] = None

    def check(self) -> None:
        """Errors: CodeRefused with all of them, where there is one."""
        if not self.sentences:
            return
        said = list(self.sentences)
        more = f" And {len(said) - _MOST_NAMED} more." if len(said) > _MOST_NAMED else ""
        raise CodeRefused(f"By hand this cannot be written. {' '.join(said[:_MOST_NAMED])}{more}")


def _kind(owner: Owner) -> str:
    try:
        return f" ({catalogue.get(owner.target).name})"
    except NotFound:
        return ""


def _why_not(owner: Owner) -> str:
    if owner.target == OPAQUE:
        return "it is code of your own, whose formula nobody here knows"
    if owner.target.startswith(_WHOLE_NETWORKS):
        return "it is many layers in one; draw them as a block to see what it computes"
    return "it has no short formula"
