"""What a class or a function says of itself: “Maps (N, channels, H, W) to (N, channels, H/2, W/2).”"""

from __future__ import annotations

from collections.abc import Mapping

from builder.code.writing.scope import Scope
from builder.code.writing.shapes import summary
from builder.graph.model import Dim, TensorSpec, Value
from builder.graph.modes import given_in, has_modes

_LETTERS: Mapping[tuple[int, int], str] = {
    **{(4, axis): letter for axis, letter in enumerate("NCHW")},
    **{(5, axis): letter for axis, letter in enumerate("NCDHW")},
}
"""(sizes of a tensor, axis) → what that axis is called in PyTorch's documentation."""


def docstring(scope: Scope, names: Mapping[str, str], otherwise: str) -> str:
    """One line on the shapes that go in and come out. `names`: those of the inputs in the code.

    Where uses differ, sizes are called by the constructor's parameters, and those of pictures by letters.
    """
    graph = scope.graph
    outputs = given_in(graph, training=False)
    trained = given_in(graph, training=True) if has_modes(graph) else []
    nodes = [*graph.inputs, *outputs, *trained]
    shapes = [scope.result_everywhere(node.id) for node in nodes]
    if scope.block and any(shape is None for shape in shapes):
        shapes = _in_letters(scope, [node.id for node in nodes])
    inputs = [(names[n.id], shape) for n, shape in zip(graph.inputs, shapes, strict=False)]
    given = shapes[len(inputs) :]
    return summary(inputs, given[: len(outputs)], otherwise, given[len(outputs) :])


def _in_letters(scope: Scope, nodes: list[str]) -> list[Value | None]:
    """The shape of each node in every use, with a word for each size that differs between them."""
    nothing: list[Value | None] = [None] * len(nodes)
    if {id(run) for run in scope.runs} != {id(use.report) for use in scope.uses}:
        return nothing
    words = {tuple(map(repr, map(size.value, scope.uses))): n for n, size in scope.sizes.items()}
    for setting, name in scope.settings.items():
        words.setdefault(tuple(repr(use.settings.get(setting)) for use in scope.uses), name)
    letters: dict[str, tuple[Dim, ...]] = {}
    found: list[Value | None] = []
    for node in nodes:
        specs = [
            u.report.nodes[node].result if node in u.report.nodes else None for u in scope.uses
        ]
        shapes = [spec.shape for spec in specs if isinstance(spec, TensorSpec)]
        if len(shapes) < len(specs) or len({len(shape) for shape in shapes}) > 1:
            return nothing
        sizes = [
            _word(dims, words, letters, _LETTERS.get((len(shapes[0]), axis), ""))
            for axis, dims in enumerate(zip(*shapes, strict=True))
        ]
        if not all(sizes):
            return nothing
        found.append(TensorSpec(tuple(sizes)))
    return found


def _word(
    dims: tuple[Dim, ...],
    words: Mapping[tuple[str, ...], str],
    letters: dict[str, tuple[Dim, ...]],
    letter: str,
) -> str:
    """What one axis is called; "" where there is no word for it."""
    if len(set(dims)) == 1:
        return str(dims[0])
    named = words.get(tuple(map(repr, dims)), "")
    if named or not letter:
        return named
    known = letters.setdefault(letter, dims)
    if known == dims:
        return letter
    for ratio in range(2, 65):
        pairs = list(zip(known, dims, strict=True))
        if all(isinstance(a, int) and isinstance(b, int) and a == ratio * b for a, b in pairs):
            return f"{letter}/{ratio}"
        if all(isinstance(a, int) and isinstance(b, int) and b == ratio * a for a, b in pairs):
            return f"{ratio}{letter}"
    return ""
