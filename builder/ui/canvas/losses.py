"""What an edit costs, in words: the layers that change with it and the trained weights that go."""

from __future__ import annotations

from builder.errors import LayerwiseError
from builder.graph.blocks import graph_at
from builder.graph.edits import Edit
from builder.graph.effects import Effect, effect_of, scope_of
from builder.graph.model import Graph
from builder.graph.size import format_exact, format_layers
from builder.ui import state
from builder.ui.canvas.trained import is_trained, trained_paths


def effect_words(edit: Edit) -> str:
    """What an edit does to other layers, "" where nothing: "changes 8 layers, 3 lose trained weights".

    Errors: EditRefused.
    """
    found = effect_of(state.graph(), edit)
    root, scope, itself = state.graph(), scope_of(edit), getattr(edit, "node", None)
    here = [n for n in found.changed if n != itself and _is_layer(root, scope, n)]
    there = [n for at, n in found.elsewhere if _is_layer(root, at, n)]
    changed = len(here) + len(there)
    words = []
    if changed:
        where = "outside of this block" if scope else "inside blocks"
        apart = f" ({format_exact(len(there))} {where})" if there else ""
        words.append(f"changes {format_layers(changed)}{apart}")
    if lost := _lost(found):
        verb = "loses" if len(lost) == 1 else "lose"
        layers = "" if changed else " layer" if len(lost) == 1 else " layers"
        words.append(f"{format_exact(len(lost))}{layers} {verb} trained weights")
    new = {(p.scope, p.node) for p in found.problems if p.severity == "error"}
    if new and words:
        words.append(f"brings {format_exact(len(new))} problem{'s' if len(new) > 1 else ''}")
    return ", ".join(words)


def _is_layer(root: Graph, scope: str, node: str) -> bool:
    found = graph_at(root, scope).nodes.get(node)
    return found is not None and found.kind not in ("input", "output")


def loses_trained_weights(edit: Edit) -> bool:
    """Whether weights that a run has trained fit the network no more after an edit."""
    if not trained_paths():
        return False
    try:
        return bool(_lost(effect_of(state.graph(), edit)))
    except LayerwiseError:
        return False  # it will be refused, in words, when it is done


def _lost(effect: Effect) -> list[str]:
    return [path for path in effect.lost if is_trained(path, effect.shapes[path])]
