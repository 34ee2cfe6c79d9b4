"""What a network gives where that is not the same while it trains: one output for each, with its mode."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.code.reading.leaving import check_outputs, no_output, other_outputs
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, tensors_in
from builder.code.reading.values import (
    Differs,
    Instance,
    Mode,
    Named,
    Packed,
    Parts,
    Tensor,
    Unknown,
)
from builder.graph.model import Ref, TensorSpec
from builder.graph.modes import WhenGiven


@dataclass(frozen=True)
class Given:
    """One output: its key or field in the text, what it gives, the variable returned, and in which mode."""

    key: str
    ref: Ref
    variable: str = ""
    when: WhenGiven | None = None


def given_by(reader: Reader, frame: Frame) -> list[Given]:
    """The outputs of the network whose call `frame` is; its result then holds those of both modes.

    Errors: CodeRefused where the network gives no tensor, or differs by more than its mode.
    """
    if isinstance(frame.result, Unknown):
        raise reader.refuse_unknown(frame.result)
    returned = reader.state.get("returned")
    if not differs(frame.result):
        return _one_mode(reader, frame, frame.result, returned)
    each = []
    for training in (True, False):
        result, at = frame.result, returned
        while isinstance(result, Differs):
            chosen = _chosen(reader, result, training)
            at = result.returned[0 if chosen else 1] or at
            result = result.if_true if chosen else result.if_false
        each.append(_one_mode(reader, frame, _side(reader, result, training), at))
    outputs = _brought_together(*each)
    frame.result = tuple(Tensor(TensorSpec(()), each.ref) for each in outputs)
    return outputs


def with_ends(outputs: Sequence[Given], frame: Frame) -> list[Given]:
    """The outputs of both modes, as they are where gradients have been ended."""
    return [
        replace(each, ref=tensor.ref) for each, tensor in zip(outputs, frame.result, strict=True)
    ]


def differs(result: Any) -> bool:
    """Whether a result is another one on the sides of a condition, whole or in a part."""
    if isinstance(result, Differs):
        return True
    if isinstance(result, Instance):
        return any(differs(part) for part in result.attributes.values())
    parts = result.values() if isinstance(result, dict) else result
    return isinstance(result, dict | list | tuple) and any(differs(part) for part in parts)


def _side(reader: Reader, result: Any, training: bool) -> Any:
    """What is given in one mode."""
    if isinstance(result, Differs):
        chosen = _chosen(reader, result, training)
        return _side(reader, result.if_true if chosen else result.if_false, training)
    if isinstance(result, Instance):
        if differs(result):
            raise other_outputs(reader)
        return result
    if isinstance(result, dict):
        return {key: _side(reader, part, training) for key, part in result.items()}
    if isinstance(result, Named):
        return Named((_side(reader, part, training) for part in result), result.fields)
    if isinstance(result, list):
        return [_side(reader, part, training) for part in result]
    if result.__class__ is tuple:
        return tuple(_side(reader, part, training) for part in result)
    return result


def _chosen(reader: Reader, result: Differs, training: bool) -> bool:
    """Whether a mode takes the side on which the condition holds."""
    if not isinstance(result.asked, Mode):
        raise other_outputs(reader)
    return training is not result.asked.negated


def _one_mode(reader: Reader, frame: Frame, result: Any, returned: ast.AST | None) -> list[Given]:
    if isinstance(result, Unknown):
        raise reader.refuse_unknown(result)
    if isinstance(result, Packed):
        check_outputs(reader, result)
    values = _leaves(result)
    if not values:
        raise no_output(reader, frame)
    check_outputs(reader, result)
    variables = _returned(returned, len(values))
    return [Given(key, ref, name) for (key, ref), name in zip(values, variables, strict=True)]


def _brought_together(trained: Sequence[Given], evaluated: Sequence[Given]) -> list[Given]:
    """Outputs of both modes where the same is given; else of one, each mode's in its order."""
    common = _longest(trained, evaluated)
    found: list[Given] = []
    at = here = 0
    for i, j in [*common, (len(trained), len(evaluated))]:
        found += [_in_mode(each, "training") for each in trained[at:i]]
        found += [_in_mode(each, "evaluation") for each in evaluated[here:j]]
        if i < len(trained):
            key = trained[i].key or evaluated[j].key
            name = trained[i].variable or evaluated[j].variable
            found.append(Given(key, trained[i].ref, name))
        at, here = i + 1, j + 1
    return found


def _in_mode(each: Given, when: WhenGiven) -> Given:
    return Given(each.key, each.ref, each.variable, when)


def _longest(one: Sequence[Given], other: Sequence[Given]) -> list[tuple[int, int]]:
    """The places of the longest row of equal values in both, in order."""
    best: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i in reversed(range(len(one) + 1)):
        for j in reversed(range(len(other) + 1)):
            if i == len(one) or j == len(other):
                best[i, j] = []
            elif one[i].ref == other[j].ref:
                best[i, j] = [(i, j), *best[i + 1, j + 1]]
            else:
                best[i, j] = max(best[i + 1, j], best[i, j + 1], key=len)
    return best[0, 0]


def _returned(node: ast.AST | None, count: int) -> list[str]:
    """The variables in `return a, b`, where there are several."""
    value = node.value if isinstance(node, ast.Return) else None
    if count > 1 and isinstance(value, ast.Tuple) and len(value.elts) == count:
        return [e.id if isinstance(e, ast.Name) else "" for e in value.elts]
    return [""] * count


def _leaves(result: Any, name: str = "") -> list[tuple[str, Ref]]:
    """What a network gives: one output for each tensor, or whole tuple of a layer, it returns."""
    if isinstance(result, Tensor):
        return [(name, result.ref)]
    if isinstance(result, Parts) and result.ref is not None:
        return [(name, result.ref)]
    if isinstance(result, dict):
        return [
            leaf
            for key, value in result.items()
            for leaf in _leaves(value, key if isinstance(key, str) else name)
        ]
    if isinstance(result, tuple | list):
        return [leaf for value in result for leaf in _leaves(value, name)]
    return [(name, t.ref) for t in tensors_in(result)]
