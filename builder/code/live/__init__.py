"""Code that is edited while the network is looked at: text and graph follow each other.

    shown = show(graph, "module", before)     # the text of a graph; of `before`, what can stay stays
    taken = take(graph, shown, text)          # the graph of an edited text: CodeRefused leaves it alone
    edit = Rewrite(taken.graph, taken.label)  # one step to undo

A text that was edited is compared with the one it was made from, both as they read: what is the same in
both stays in the graph as it is, with ids, places, notes, frames, what is frozen or bypassed, and sizes
that are inferred. So a style that writes a layer otherwise (a function, a Sequential) changes no layer.
Whatever comes out is written and read again, and must be the network of the text.
"""

from __future__ import annotations

from builder.code.live.brought import brought_text
from builder.code.live.following import Shown, again, read_shown, restored, show
from builder.code.live.places import lines_of, node_at_line
from builder.code.live.sizes import Following, let_follow
from builder.code.live.taking import Taken, take
from builder.code.live.ways import no_longer_called, other_sizes, ways_out
from builder.code.live.wording import label_of

__all__ = [
    "Following",
    "Shown",
    "Taken",
    "again",
    "brought_text",
    "label_of",
    "let_follow",
    "lines_of",
    "no_longer_called",
    "node_at_line",
    "other_sizes",
    "read_shown",
    "restored",
    "show",
    "take",
    "ways_out",
]
