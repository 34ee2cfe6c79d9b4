"""One call judged by torch, remembered on everything that decides it and on nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from builder.catalogue.entry import Entry
from builder.graph import checks, meta
from builder.graph.call import Call
from builder.graph.meta import Weights
from builder.graph.model import TensorSpec, Value
from builder.graph.remember import Remembered
from builder.graph.symbols import Evaluated, elements_per_sample, frozen, is_batch

_LIMIT = 20_000  # calls; an entry is about 2 kB


_NOTHING = Weights()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gives. `arguments`: of the constructor, with the `inferred` ones filled in.

    `flawed`: a check has something to say; it is worded anew for each call, since names are no part
    of what is remembered. `refusal`: torch's own message where no check knew better.
    """

    result: Value | None = None
    arguments: Mapping[str, Evaluated] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    weights: Weights = _NOTHING
    flops: int | None = None
    activation_bytes: int = 0
    flawed: bool = False
    refusal: str = ""


_outcomes: Remembered[Outcome] = Remembered(_LIMIT)


def judge(
    entry: Entry,
    chosen: Mapping[str, Evaluated],
    inputs: Mapping[str, Evaluated],
    literals: Mapping[str, Evaluated],
) -> Outcome:
    """Fills in what can be inferred, checks, and asks torch. Never raises for a person's mistake."""
    key = (
        entry.key,
        tuple([(name, frozen(value)) for name, value in chosen.items()]),
        tuple([(name, frozen(value)) for name, value in inputs.items()]),
        tuple([(name, frozen(value)) for name, value in literals.items()]) if literals else (),
    )
    found = _outcomes.get(key)
    return (
        found if found is not None else _outcomes.put(key, _judge(entry, chosen, inputs, literals))
    )


def activation_bytes(value: Value | None) -> int:
    """Bytes of a value with a batch of one."""
    if value is None:
        return 0
    if isinstance(value, tuple):
        return sum(activation_bytes(part) for part in value)
    return elements_per_sample(value) * bytes_of(value.dtype)


def bytes_of(dtype: str) -> int:
    """Bytes of one number of a dtype; 4 for a word that is none."""
    found = getattr(torch, dtype, None)
    return found.itemsize if isinstance(found, torch.dtype) else 4


def infer_arguments(
    entry: Entry, chosen: Mapping[str, Evaluated], inputs: Mapping[str, Evaluated]
) -> tuple[dict[str, Evaluated], frozenset[str]]:
    """The constructor arguments in the entry's order, the left-out ones read off the inputs."""
    arguments: dict[str, Evaluated] = {}
    inferred = set()
    for parameter in entry.parameters:
        name = parameter.name
        if name in chosen:
            arguments[name] = chosen[name]
        elif parameter.inferred is not None:
            size = _size_at(inputs.get(parameter.inferred.port), parameter.inferred.axis, entry)
            if size is not None:
                arguments[name] = size
                inferred.add(name)
    return arguments, frozenset(inferred)


def forget() -> None:
    """Empties the memory (for benchmarks and tests)."""
    _outcomes.clear()
    meta.forget()


def _size_at(value: Evaluated, axis: int, entry: Entry) -> int | None:
    if not isinstance(value, TensorSpec):
        return None
    if axis > 0 and value.shape and not is_batch(value.shape[0]):
        rank = checks.batched_rank(entry)
        if rank is not None and len(value.shape) == rank - 1:
            axis -= 1  # one picture without a batch: its channels stand first
    if not -len(value.shape) <= axis < len(value.shape):
        return None
    size = value.shape[axis]
    return size if isinstance(size, int) else None


def _judge(
    entry: Entry,
    chosen: Mapping[str, Evaluated],
    inputs: Mapping[str, Evaluated],
    literals: Mapping[str, Evaluated],
) -> Outcome:
    arguments, inferred = infer_arguments(entry, chosen, inputs)
    outcome = Outcome(arguments=arguments, inferred=inferred)
    call = Call(entry, "", arguments, inferred, inputs, literals)
    finding = checks.find(call)
    if finding is not None:
        outcome = replace(outcome, flawed=True)
    failed = finding is not None and finding.severity == "error"
    if failed and finding is not None and finding.kind in checks.NOT_TO_BE_BUILT:
        return outcome
    module = None
    # Whatever a person's numbers make torch raise (it has no common base class) is a problem of
    # their layer, not ours.
    try:
        if entry.kind == "layer":
            module = meta.build(entry, arguments)
            outcome = replace(outcome, weights=meta.weights_of(module))
        if failed:
            return outcome
        ran = meta.run(entry, module, {**inputs, **literals})
    except Exception as error:
        return outcome if failed else replace(outcome, refusal=f"{type(error).__name__}: {error}")
    held = max(activation_bytes(ran.result), ran.inside_bytes)
    return replace(outcome, result=ran.result, flops=ran.flops, activation_bytes=held)
