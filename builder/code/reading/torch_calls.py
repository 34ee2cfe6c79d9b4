"""Calls of torch: bound to the catalogue's names, judged on the meta device, put into the trace."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.code.reading import in_forward
from builder.code.reading.again import refuse_lasting
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer, Module, Raw, Step
from builder.code.reading.values import (
    Differs,
    Dtype,
    Instance,
    Known,
    Lazy,
    Mode,
    Packed,
    Parts,
    Question,
    Sym,
    Tensor,
    Unknown,
)
from builder.errors import CodeRefused, Misfit, NotFound, did_you_mean
from builder.graph import checks
from builder.graph.call import Call
from builder.graph.model import Argument, Ref, Slice, TensorSpec, Training, Value
from builder.graph.outcome import Outcome, judge


def operation(reader: Reader, key: str, given: Mapping[str, Any]) -> Any:
    """One operation more: `given` by the catalogue's names. Gives a Tensor or Parts."""
    return run_entry(reader, entry_of(reader, key), given)


def entry_of(reader: Reader, key: str) -> Entry:
    """The catalogue's entry. Errors: CodeRefused, by line."""
    try:
        return catalogue.get(key)
    except NotFound:
        name = key.removeprefix("torch.nn.functional.").removeprefix("torch.")
        raise reader.refuse(
            f"“{name[:60]}” is not among the operations a network can hold here",
            did_you_mean(name, _functions_beside(key))
            or "Write it with other operations of PyTorch.",
        ) from None


def _functions_beside(key: str) -> list[str]:
    """The names that a function of that module could have been meant to be."""
    from builder.catalogue.operations.unlisted import names

    inside = key.rpartition(".")[0]
    known = (each.rpartition(".") for each in (*catalogue.entries(), *names()))
    return [name for module, _, name in known if module == inside]


def run_entry(reader: Reader, entry: Entry, given: Mapping[str, Any]) -> Any:
    inputs, literals, arguments = sorted_out(reader, entry, given)
    outcome = _judged(reader, entry, {}, inputs, literals)
    reader.budget.node()
    assert outcome.result is not None
    step = reader.trace.add(
        "operation", entry.key, arguments, outcome.result, reader.line or 0, reader.node
    )
    names = tuple(p.name for p in catalogue.parts_of(entry, literals))
    return to_value(outcome.result, Ref(step.id), names)


def run_layer(reader: Reader, layer: Layer, given: Mapping[str, Any]) -> Any:
    """A call of a layer: `given` by the names of its forward."""
    entry = layer.entry
    inputs, literals, arguments = sorted_out(reader, entry, given)
    chosen: dict[str, Any] = {}
    for name, value in layer.arguments.items():
        chosen[name] = evaluated(reader, value)
    if layer.known is not None:
        chosen = {**layer.known, **chosen}
    try:
        outcome = _judged(reader, entry, chosen, inputs, literals, layer.line)
    except CodeRefused as refusal:
        refusal.misfit = _misfit(layer, chosen, inputs, literals)
        raise
    layer.known = outcome.arguments
    reader.budget.node()
    assert outcome.result is not None
    step = reader.trace.add(
        "layer", "", arguments, outcome.result, reader.line or 0, reader.node, layer
    )
    given_arguments = {**outcome.arguments, **literals}
    names = tuple(p.name for p in catalogue.parts_of(entry, given_arguments))
    return to_value(outcome.result, Ref(step.id), names)


def run_again(reader: Reader, step: Step, given: Mapping[str, Any]) -> None:
    """A layer's call that is given something more: the same step with another result."""
    layer = step.owner
    assert isinstance(layer, Layer)
    inputs, literals, step.arguments = sorted_out(reader, layer.entry, given)
    outcome = _judged(reader, layer.entry, layer.known or {}, inputs, literals)
    assert outcome.result is not None
    step.result = outcome.result


def _misfit(
    layer: Layer, chosen: Mapping[str, Any], inputs: Mapping[str, Any], literals: Mapping[str, Any]
) -> Misfit | None:
    """The one number that would be worked out otherwise if the text did not give it."""
    names = [p.name for p in layer.entry.parameters if p.inferred is not None and p.name in chosen]
    others = {name: value for name, value in chosen.items() if name not in names}
    found = judge(layer.entry, others, inputs, literals)
    if found.result is None:
        return None
    wrong = [name for name in names if found.arguments.get(name) != chosen[name]]
    if len(wrong) != 1:
        return None
    (name,) = wrong
    return Misfit(layer.line, layer.entry.name, name, chosen[name], found.arguments.get(name))


def sorted_out(
    reader: Reader, entry: Entry, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Argument]]:
    """(tensor inputs, literals, graph arguments) of a call."""
    inputs: dict[str, Any] = {}
    literals: dict[str, Any] = {}
    arguments: dict[str, Argument] = {}
    for name, value in given.items():
        value = in_forward.as_read(reader, value)
        port = entry.port(name)
        if port is None:
            if value.__class__ is Differs:
                value = _while_training(reader, entry, name, value)
            parameter = entry.parameter(name)
            if (
                isinstance(value, Mode)
                and not value.negated
                and parameter
                and parameter.type == "bool"
            ):
                arguments[name], literals[name] = Training(), True
                continue
            arguments[name] = argument_of(reader, value)
            literals[name] = evaluated(reader, value)
        elif value is not None:
            if port.many and value.__class__ is list:
                value = tuple(value)
            arguments[name] = argument_of(reader, value)
            inputs[name] = evaluated(reader, value)
            if not port.number and not _is_tensors(inputs[name]):
                raise reader.refuse(f"{entry.name} needs a tensor at “{name}”", kind="shape")
    for port in entry.ports:
        if not port.optional and port.name not in inputs:
            raise reader.refuse(f"{entry.name} is given nothing at “{port.name}”", kind="shape")
    return inputs, literals, arguments


def _is_tensors(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_tensors(part) for part in value)
    return isinstance(value, TensorSpec)


def _while_training(reader: Reader, entry: Entry, name: str, value: Differs) -> Any:
    """`dropout_p=self.p if self.training else 0.0`, where the operation knows such a number."""
    parameter = entry.parameter(name)
    if isinstance(value.asked, Mode) and parameter is not None and parameter.training_only:
        on, off = value.if_true, value.if_false
        if value.asked.negated:
            on, off = off, on
        if off == 0:
            return on
    raise reader.refuse(f"“{name}” is another one while training: that cannot be kept here")


def argument_of(reader: Reader, value: Any) -> Argument:
    """A value as an argument of a graph."""
    kind = value.__class__
    if kind is Tensor:
        if value.item:  # a number: no gradient goes through it
            from builder.code.reading.gradients import cut

            return cut(reader, value).ref
        return value.ref  # type: ignore[no-any-return]
    if kind is Sym:
        return value.expr  # type: ignore[no-any-return]
    if value is None or value is ... or kind in (bool, int, float, str):
        return value  # type: ignore[no-any-return]
    if kind is Parts and value.ref is not None:
        return value.ref  # type: ignore[no-any-return]
    if isinstance(value, tuple | list):
        reader.budget.items(len(value))
        return tuple(argument_of(reader, part) for part in value)
    if kind is Lazy:
        return tuple(argument_of(reader, part) for part in value.items)
    if kind is slice:
        parts = (argument_of(reader, p) for p in (value.start, value.stop, value.step))
        return Slice(*parts)
    if kind is Dtype:
        return value.name  # type: ignore[no-any-return]
    if kind is range:
        return tuple(value)
    raise _no_argument(reader, value)


def evaluated(reader: Reader, value: Any) -> Any:
    """A value as the shape check takes it: tensors as specs, sizes as numbers."""
    kind = value.__class__
    if kind is Tensor:
        return value.spec
    if kind is Sym:
        return value.value
    if value is None or value is ... or kind in (bool, int, float, str):
        return value
    if isinstance(value, tuple | list):
        return tuple(evaluated(reader, part) for part in value)
    if kind is Lazy:
        return tuple(evaluated(reader, part) for part in value.items)
    if kind is slice:
        return Slice(*(evaluated(reader, p) for p in (value.start, value.stop, value.step)))
    if kind is Dtype:
        return value.name
    if kind is range:
        return tuple(value)
    raise _no_argument(reader, value)


def _no_argument(reader: Reader, value: Any) -> Exception:
    if isinstance(value, Unknown):
        return reader.refuse_unknown(value)
    if isinstance(value, Differs | Mode | Question):
        return reader.refuse("This value is another one while training: that cannot be kept here")
    if isinstance(value, Packed):
        from builder.code.reading.packing import refused

        return refused(reader, "An operation needs a tensor, and these are packed sequences")
    if isinstance(value, Module | Layer | Raw | Instance | Known):
        return reader.refuse(
            "A tensor or a number is needed here",
            "Take one of its tensors, such as self.fc.weight, or call it.",
        )
    return reader.refuse(
        f"A {type(value).__name__} cannot be handed to an operation of PyTorch",
        "Hand it a tensor, a number, or a tuple or list of them.",
    )


def _judged(
    reader: Reader,
    entry: Entry,
    chosen: Mapping[str, Any],
    inputs: Mapping[str, Any],
    literals: Mapping[str, Any],
    made: int | None = None,
) -> Outcome:
    """`made`: the line that makes the layer, where a value that it is given is at fault."""
    try:
        outcome = judge(entry, chosen, inputs, literals)
    except TypeError:
        raise reader.refuse(f"{entry.name} cannot be called with these values") from None
    if outcome.result is not None:
        return outcome
    if outcome.flawed:
        call = Call(entry, "", outcome.arguments, outcome.inferred, inputs, literals)
        found = checks.find(call)
        if found is not None:
            text = found.message.replace(" “”", "", 1)
            help = "Change this line, or the inputs, so that it fits."
            line = made if found.kind == "value" else None
            raise reader.refuse(text, help, kind="shape", line=line)
    said = outcome.refusal.partition("\n")[0]
    if "NotImplementedError" in said or "DataDependent" in said:
        raise reader.refuse(
            f"{entry.name} gives a tensor whose size depends on the data",
            "Multiply by the mask, or use torch.where: then all sizes are known.", kind="shape",
        )  # fmt: skip
    raise reader.refuse(f"{entry.name} does not fit here: {said[:200]}", kind="shape")


def to_value(value: Value, ref: Ref, names: tuple[str, ...] = ()) -> Any:
    """What a call gives, as a Tensor or as Parts of tensors."""
    if isinstance(value, TensorSpec):
        return Tensor(value, ref)
    if value == ():
        return None
    parts = [to_value(part, Ref(ref.node, (*ref.path, i))) for i, part in enumerate(value)]
    return Parts(parts, ref, names)


def changed_in_place(reader: Reader, key: str, method: str, left: Tensor, right: Any) -> Tensor:
    """`x += y`: written as `x = x + y` where nothing else sees the difference (see `structure`)."""
    from builder.code.reading.gradients import written

    refuse_lasting(reader, left)
    made = operation(reader, key, {"input": left, "other": written(reader, right)})
    assert isinstance(made, Tensor)
    step = reader.trace.steps[made.ref.node]
    step.in_place = method
    if made.spec.shape != left.spec.shape or made.spec.dtype != left.spec.dtype:
        step.must_stay = True
    step.changed = left.ref
    reader.trace.move(left, made.ref, made.spec)
    return left


def call_known(
    reader: Reader, path: str, args: list[Any], kwargs: dict[str, Any], method: bool = False
) -> Any:
    """A function of torch, or a method of a tensor (its receiver the first of `args`)."""
    from builder.code.reading.adapting import ADAPTED
    from builder.code.reading.binding import bound

    name = path.rpartition(".")[2]
    adapted = ADAPTED.get(name)
    if adapted is not None:
        result = adapted(reader, path, list(args), dict(kwargs))
        if result is not NotImplemented:
            return result
    entry = entry_of(reader, path)
    return run_entry(reader, entry, bound(reader, entry, args, kwargs))


def last_step(reader: Reader, value: Any) -> Step | None:
    """The step that gave a value."""
    ref = value.ref if isinstance(value, Tensor | Parts) else None
    return reader.trace.steps.get(ref.node) if ref is not None else None


__all__ = ["ast", "operation", "run_entry", "run_layer"]
