"""What an edit costs, in words: the layers that change with it and the trained weights that go."""

from __future__ import annotations

from builder.errors import LayerwiseError
from builder.graph.edits import Edit
from builder.graph.effects import Effect, effect_of
from builder.graph.size import format_exact, format_layers
from builder.ui import state
from builder.ui.canvas.trained import is_trained, trained_paths


def effect_words(edit: Edit) -> str:
    """What an edit does to other layers, "" where nothing: "changes 8 layers, 3 lose trained weights".

    Errors: EditRefused.
    """
    found = effect_of(state.graph(), edit)
    graph, itself = state.scoped_graph(), getattr(edit, "node", None)
    others = [graph.nodes[n] for n in found.changed if n != itself and n in graph.nodes]
    changed = [node for node in others if node.kind != "output"]
    words = []
    if changed:
        words.append(f"changes {format_layers(len(changed))}")
    if lost := _lost(found):
        verb = "loses" if len(lost) == 1 else "lose"
        layers = "" if changed else " layer" if len(lost) == 1 else " layers"
        words.append(f"{format_exact(len(lost))}{layers} {verb} trained weights")
    return ", ".join(words)


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
