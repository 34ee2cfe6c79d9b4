"""Undo and redo without limit: the graphs that were, and what was done between them."""

from __future__ import annotations

from dataclasses import dataclass

from builder.graph.model import Graph


@dataclass(frozen=True, slots=True)
class Step:
    """One move in the history: the graph it leads to, and the words of the edit between."""

    label: str
    graph: Graph


@dataclass(frozen=True)
class History:
    """The graph of now between those before and those undone. A value: every verb gives a new one.

    Graphs share what did not change, so a thousand steps cost little more than a thousand edits.
    """

    graph: Graph
    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()

    def push(self, graph: Graph, label: str) -> History:
        """The history after an edit; what was undone is given up. No step if nothing changed."""
        if same(graph, self.graph):
            return self
        return History(graph, (*self.past, Step(label, self.graph)))

    def go_on(self, graph: Graph, label: str) -> History:
        """The history where the last step leads to another graph: the same step, under another label.

        None is left of it where that is the graph it began at.
        """
        if not self.past:
            return self.push(graph, label)
        *past, last = self.past
        if same(graph, last.graph):
            return History(last.graph, tuple(past))
        return History(graph, (*past, Step(label, last.graph)))

    def undo(self) -> History:
        """The history one edit back; itself where there is none."""
        if not self.past:
            return self
        *past, step = self.past
        return History(step.graph, tuple(past), (Step(step.label, self.graph), *self.future))

    def redo(self) -> History:
        """The history with the edit undone last done again; itself where there is none."""
        if not self.future:
            return self
        step, *future = self.future
        return History(step.graph, (*self.past, Step(step.label, self.graph)), tuple(future))

    def goto(self, position: int) -> History:
        """The history where `position` steps are done: 0 is the beginning; itself beyond either end."""
        steps = [*self.past, *self.future]
        if not 0 <= position <= len(steps) or position == len(self.past):
            return self
        # Between two graphs stands one step: before it in the past, behind it in the future.
        graphs = [*(s.graph for s in self.past), self.graph, *(s.graph for s in self.future)]
        past = tuple(Step(s.label, graphs[i]) for i, s in enumerate(steps[:position]))
        future = tuple(
            Step(s.label, graphs[position + 1 + i]) for i, s in enumerate(steps[position:])
        )
        return History(graphs[position], past, future)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every step, done or taken back, in order; `len(past)` of them are done."""
        return tuple(step.label for step in (*self.past, *self.future))

    @property
    def undo_label(self) -> str | None:
        """What `undo` takes back, None where there is nothing."""
        return self.past[-1].label if self.past else None

    @property
    def redo_label(self) -> str | None:
        """What `redo` does again, None where there is nothing."""
        return self.future[0].label if self.future else None


def same(one: Graph, other: Graph) -> bool:
    """Equal in value and in order: `==` alone takes mappings in another order for equal."""
    return one is other or (
        one == other
        and list(one.nodes) == list(other.nodes)
        and list(one.owners) == list(other.owners)
        and list(one.settings) == list(other.settings)
        and list(one.blocks) == list(other.blocks)
        and list(one.frames) == list(other.frames)
        and all(same(block, other.blocks[name]) for name, block in one.blocks.items())
    )
