"""Where gradients end: `x.item()`, `torch.tensor(x)`, `with torch.no_grad()`, `Variable(x)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from builder.code.reading.branches import detached
from builder.code.reading.closed import must_refs
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.torch_calls import operation
from builder.code.reading.trace import number_of
from builder.code.reading.values import Tensor
from builder.graph.model import TensorSpec

_MOST: Final = 2000  # steps that are gone back through; behind them a gradient is taken for granted


def learns(reader: Reader, tensor: Tensor) -> bool:
    """Whether a gradient may go through a tensor to a weight or an input."""
    if not tensor.spec.dtype.startswith(("float", "bfloat", "complex")):
        return False
    trace, seen, waiting = reader.trace, set[str](), [tensor.ref.node]
    while waiting and len(seen) < _MOST:
        node = waiting.pop()
        while node in trace.entering:
            node = trace.entering[node][1].outer.node
        if node in seen:
            continue
        seen.add(node)
        step = trace.steps.get(node)
        if step is None or step.kind in ("input", "layer"):
            spec = step.result if step is not None else None
            if not isinstance(spec, TensorSpec) or not spec.dtype.startswith(("int", "bool")):
                return True
        elif step.kind == "weight":
            if getattr(step.owner, "kind", "parameter") != "buffer":
                return True
        elif not step.target.endswith(".detach"):
            waiting += [r.node for a in step.arguments.values() for r in must_refs(a, trace)]
    return bool(waiting)


def cut(reader: Reader, tensor: Tensor) -> Tensor:
    """The tensor without its gradient; itself where there is none."""
    if not reader.state.get("forward") or not learns(reader, tensor):
        return tensor
    known = reader.state.setdefault("cut", {})
    key = (tensor.ref, id(reader.trace.frame), reader.trace.side)
    if key not in known:
        known[key] = (detached(reader, Tensor(tensor.spec, tensor.ref)), reader.trace.frame)
    found = known[key][0]
    assert isinstance(found, Tensor)
    return found


def copied(reader: Reader, tensor: Tensor) -> Tensor:
    """`torch.tensor(x)`: a copy without gradient."""
    made = cut(reader, tensor)
    if tensor.item or not reader.state.get("forward"):
        return made
    found = operation(reader, "torch.clone", {"input": made})
    assert isinstance(found, Tensor)
    return found


def written(reader: Reader, value: Any) -> Any:
    """What is written into a tensor: without its gradient where none are computed."""
    if value.__class__ is Tensor and reader.state.get("without gradient"):
        return cut(reader, value)
    return value


class Without:
    """A stretch of the text inside which no gradients are computed. `scope`: whose names it may set."""

    def __init__(self, reader: Reader, scope: Scope | None = None) -> None:
        self.reader, self.scope = reader, scope
        self.names = dict(scope.names) if scope is not None else {}
        self.lists = [(v, list(v)) for v in self.names.values() if isinstance(v, list)]
        self.begin, self.moved = reader.trace.new_id(), len(reader.trace.moved)
        reader.state["without gradient"] = reader.state.get("without gradient", 0) + 1

    def end(self) -> None:
        """What was made inside has no gradient. Errors: CodeRefused for what was made before and written."""
        reader, trace = self.reader, self.reader.trace
        reader.state["without gradient"] -= 1
        for tensor, ref, *_ in trace.moved[self.moved :]:
            made_before = number_of(ref.node) < number_of(self.begin)
            if made_before and learns(reader, Tensor(tensor.spec, ref)):
                raise reader.refuse(
                    "A tensor is changed in place while no gradients are computed",
                    "Make another one, such as y = y * 2, and let .detach() cut the gradient.",
                )
        names = self.scope.names if self.scope is not None else {}
        for name, value in names.items():
            if self.names.get(name) is not value:
                names[name] = detached(reader, value)
        for held, was in self.lists:
            known = {id(part) for part in was}
            held[:] = [p if id(p) in known else detached(reader, p) for p in held]


def without_gradient(reader: Reader, run: Callable[[], Any]) -> Any:
    """What a function gives under `@torch.no_grad()`."""
    stretch = Without(reader)
    result = run()
    stretch.end()
    return detached(reader, result)


def refuse_enabling(reader: Reader) -> None:
    """`with torch.enable_grad()` inside of `with torch.no_grad()`."""
    if reader.state.get("forward") and reader.state.get("without gradient"):
        raise reader.refuse(
            "Gradients are switched on inside of where they are switched off",
            "End the torch.no_grad() before it.",
        )
