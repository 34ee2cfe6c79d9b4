"""One step of gradient descent by hand, under the smoke test."""

from __future__ import annotations

from collections.abc import Iterator

from builder.graph.model import Graph, TensorSpec, Value
from builder.graph.report import ShapeReport

_STEP = """
    # One step of learning: every number goes a little against its gradient.
    loss = {value}.square().mean()
    torch.autograd.backward(loss)  # what loss.backward() does
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad
                p.grad = None"""


def learning_step(graph: Graph, report: ShapeReport, smoke: list[str], trains: bool) -> list[str]:
    """The lines of the step; nothing where no output has numbers to learn from.

    `smoke`: the lines in front, whose last ones call `forward`. `trains`: it takes `training`.
    """
    outputs = [report.nodes[n.id].result if n.id in report.nodes else None for n in graph.outputs]
    value = outputs[0] if len(outputs) == 1 else tuple(outputs)
    place = next(_floats(value), None)  # type: ignore[arg-type]
    called = next((part for line in smoke if (part := _call_in(line))), "")
    if place is None or not called:
        return []
    again = f"{called[:-1]}, training=True)" if trains else called
    return _STEP.format(value=f"{again}{place}").splitlines()


def _call_in(line: str) -> str:
    """`forward(x)`, in a line of the smoke test that holds all of it."""
    start = line.find("forward(")
    end = line.find(")", start)
    return line[start : end + 1] if start >= 0 and end >= 0 else ""


def _floats(value: Value | None, path: str = "") -> Iterator[str]:
    """Where tensors of floating point stand in a result."""
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            yield from _floats(part, f"{path}[{i}]")
    elif isinstance(value, TensorSpec) and value.dtype.startswith("float"):
        yield path
