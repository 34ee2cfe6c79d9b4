"""Where gradients end: `x.item()`, `torch.tensor(x)`, `with torch.no_grad()`, `Variable(x)`.

A graph knows no stretches without gradients: the steps that ran in one are marked as quiet, and in the end
whoever reads what they gave reads it with `.detach()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from builder.code.reading.closed import must_refs
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import operation
from builder.code.reading.trace import Frame, Step, number_of, tensors_in
from builder.code.reading.values import Tensor
from builder.graph.model import Argument, Ref, TensorSpec

_MOST: Final = 2000  # steps that are gone back through; behind them a gradient is taken for granted


def learns(reader: Reader, tensor: Tensor, quiet: bool = False) -> bool:
    """Whether a gradient may go through a tensor to a weight or an input.

    `quiet`: also asked of what is computed without gradients, as if it were not.
    """
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
        if step is not None and step.quiet and not quiet:
            continue
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


def detached(reader: Reader, value: Any) -> Any:
    """The value without a gradient."""
    if value.__class__ is Tensor:
        return operation(reader, "torch.Tensor.detach", {"input": value})
    if value.__class__ is tuple or value.__class__ is list:
        return value.__class__(detached(reader, part) for part in value)
    return value


def cut(reader: Reader, tensor: Tensor, quiet: bool = False) -> Tensor:
    """The tensor without its gradient; itself where there is none."""
    if not reader.state.get("forward") or not learns(reader, tensor, quiet):
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
    if value.__class__ is Tensor and reader.trace.quiet:
        return cut(reader, value, quiet=True)
    return value


class Without:
    """A stretch of the text inside which no gradients are computed."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.begin, self.moved = reader.trace.new_id(), len(reader.trace.moved)

    def __enter__(self) -> Without:
        self.reader.trace.quiet += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.trace.quiet -= 1

    def check(self) -> None:
        """Errors: CodeRefused for what was made before the stretch, learns and is written over in it."""
        reader = self.reader
        for tensor, ref, *_ in reader.trace.moved[self.moved :]:
            made_before = number_of(ref.node) < number_of(self.begin)
            if made_before and learns(reader, Tensor(tensor.spec, ref)):
                raise reader.refuse(
                    "A tensor is changed in place while no gradients are computed",
                    "Make another one, such as y = y * 2, and let .detach() cut the gradient.",
                )


def without_gradient(reader: Reader, run: Callable[[], Any]) -> Any:
    """What runs under `torch.no_grad()`."""
    with Without(reader) as stretch:
        result = run()
    stretch.check()
    return result


def refuse_enabling(reader: Reader) -> None:
    """`with torch.enable_grad()` inside of `with torch.no_grad()`."""
    if reader.state.get("forward") and reader.trace.quiet:
        raise reader.refuse(
            "Gradients are switched on inside of where they are switched off",
            "End the torch.no_grad() before it.",
        )


def end_gradients(reader: Reader, root: Frame) -> None:
    """Whoever reads what was made where no gradients are computed reads it with `.detach()`."""
    trace = reader.trace
    if not any(step.quiet for step in trace.steps.values()):
        return
    ends = _Ends(reader)
    for step in list(trace.steps.values()):
        if not step.quiet and not step.target.endswith(".detach"):
            step.arguments = {name: ends.argument(a) for name, a in step.arguments.items()}
    for frame, entering in trace.entering.values():
        if not frame.quiet:
            entering.outer = ends.of(entering.outer)
    for frame in _frames(root):
        if not frame.quiet:
            frame.exports = list(dict.fromkeys(map(ends.of, frame.exports)))
    for tensor in tensors_in(root.result):
        tensor.ref = ends.of(tensor.ref)
    ends.put()


class _Ends:
    """The steps that end a gradient, each behind the one whose result it takes."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.trace = reader, reader.trace
        self.made: dict[Ref, Ref] = {}
        self.behind: dict[str, list[Step]] = {}

    def argument(self, value: Argument) -> Argument:
        if isinstance(value, Ref) and isinstance(several := self.trace.value_of(value), tuple):
            parts = tuple(Ref(value.node, (*value.path, i)) for i in range(len(several)))
            ended = tuple(self.argument(part) for part in parts)
            return value if ended == parts else ended
        if isinstance(value, Ref):
            return self.of(value)
        return tuple(self.argument(part) for part in value) if isinstance(value, tuple) else value

    def of(self, ref: Ref) -> Ref:
        step = self.trace.steps.get(ref.node)
        if step is None or not step.quiet or step.kind in ("weight", "input"):
            return ref
        if ref not in self.made:
            spec = self.trace.value_of(ref)
            assert isinstance(spec, TensorSpec)
            ends = learns(self.reader, Tensor(spec, ref), quiet=True)
            self.made[ref] = self._behind(step, ref, spec) if ends else ref
        return self.made[ref]

    def _behind(self, step: Step, ref: Ref, spec: TensorSpec) -> Ref:
        item: Step | Frame = step
        frame = step.frame
        while frame.quiet and frame.parent is not None:
            item, frame = frame, frame.parent
        made = Step(
            self.trace.new_id(), "operation", "torch.Tensor.detach", {"input": ref}, spec, frame,
            step.line, step.node, order=step.order, side=item.side,
        )  # fmt: skip
        frame.items.insert(frame.items.index(item) + 1, made)
        self.behind.setdefault(step.id, []).append(made)
        return Ref(made.id)

    def put(self) -> None:
        """Puts them among the other steps, in the order in which they run."""
        steps: dict[str, Step] = {}
        for step in self.trace.steps.values():
            for one in (step, *self.behind.get(step.id, ())):
                steps[one.id] = one
        self.trace.steps = steps


def _frames(root: Frame) -> list[Frame]:
    found = [root]
    for item in root.items:
        if isinstance(item, Frame):
            found += _frames(item)
    return found
