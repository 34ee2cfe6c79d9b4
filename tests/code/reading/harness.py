"""Holds what was read against the original: same weights by name, same outputs bit for bit.

`check(source, …)` reads a text of our own, writes and builds what was read, executes the original (only
ever our own texts: a test may), loads its weights and compares. `fixed_point` holds write → read → write.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from os import cpu_count, getloadavg
from typing import Any

import torch
from torch import nn

from builder.code import build_module, styles, write_code
from builder.code.reading import Read, read_here
from builder.code.reading.child import PATIENT_SECONDS
from builder.errors import CodeRefused
from builder.graph.model import Graph, TensorSpec
from builder.graph.sequence_lengths import steps_of
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import dim_at

SIZE = 3  # samples


def check(
    source: str,
    target: str | None = None,
    inputs: Sequence[str] | None = None,
    *,
    original: str | None = None,
    below: int = 5,
    size: int = SIZE,
    whole: bool = False,
    run: str | None = None,
    but: Sequence[str] = (),
) -> Read:
    """Reads, writes, builds, and compares with the original. `original`: the expression that makes it.

    `below`: whole numbers of inputs are drawn from 0 to `below` - 1; `whole`: real inputs too. `run`:
    the text that is executed, where that is another one. `but`: styles that are no fixed point.
    """
    read = read_here(source, target, inputs)
    ours = built(read.graph)
    theirs = executed(run or source, original or target or read.target)
    compare(theirs, ours, read.graph, below, size, whole)
    fixed_point(read.graph, [k for k in styles() if k != "manual" and k not in but])
    return read


def executed(source: str, expression: str) -> nn.Module:
    """The network of an original text, run: only ever a text of our own."""
    module = types.ModuleType("original")
    module.__dict__["__name__"] = "original"
    sys.modules["original"] = module
    try:
        exec(compile(source, "original.py", "exec"), module.__dict__)
        made = eval(expression, module.__dict__)
    finally:
        del sys.modules["original"]
    if isinstance(made, type):
        made = made()
    return made if not isinstance(made, nn.Linear | nn.Conv2d) else nn.Sequential(made)


def compare(
    theirs: nn.Module, ours: nn.Module, graph: Graph, below: int, size: int, whole: bool = False
) -> None:
    """Same names and shapes of weights; same outputs in eval and in train mode, bit for bit."""
    drawn = values_for(graph, below, size, whole)
    with torch.no_grad():
        theirs.eval()
        torch.manual_seed(2)
        theirs(*copies(drawn))  # lazy layers are made by their first call
    wanted, given = theirs.state_dict(), ours.state_dict()
    assert set(wanted) == set(given), (
        f"keys differ: only theirs {sorted(set(wanted) - set(given))[:8]}, "
        f"only ours {sorted(set(given) - set(wanted))[:8]}"
    )
    for name, value in wanted.items():
        assert value.shape == given[name].shape, f"{name}: {value.shape} and {given[name].shape}"
    ours.load_state_dict(wanted)
    for mode in ("eval", "train"):
        outputs = []
        for model in (theirs, ours):
            model.train(mode == "train")
            torch.manual_seed(7)
            outputs.append(model(*copies(drawn)))
        same(outputs[0], outputs[1], mode)
        for name, value in theirs.state_dict().items():
            assert equal(value, ours.state_dict()[name]), f"{name} differs after {mode}"
    names = {n for n, p in theirs.named_parameters() if p.requires_grad}
    ours_names = {n for n, p in ours.named_parameters() if p.requires_grad}
    assert names == ours_names, f"trained differ: {sorted(names ^ ours_names)[:8]}"


def check_in_turn(source: str, expression: str = "Net()", inputs: Sequence[str] = ()) -> Read:
    """Two calls in training, two in evaluation, one more in training: the same outputs and state in each."""
    read = read_here(source, expression, inputs)
    theirs, ours = executed(source, expression), built(read.graph)
    ours.load_state_dict(theirs.state_dict())
    drawn = values_for(read.graph, 5, SIZE)
    for turn, mode in enumerate(("train", "train", "eval", "eval", "train")):
        outputs = []
        for model in (theirs, ours):
            model.train(mode == "train")
            torch.manual_seed(turn)
            outputs.append(model(*copies(drawn)))
        same(outputs[0], outputs[1], f"{mode}, call {turn}")
        for name, value in theirs.state_dict().items():
            assert equal(value, ours.state_dict()[name]), f"{name} differs after call {turn}"
    read_here(write_code(read.graph), None, inputs)  # what is written can be read
    return read


def values_for(graph: Graph, below: int, size: int, whole: bool = False) -> list[torch.Tensor]:
    torch.manual_seed(1)
    found = []
    report = infer_shapes(graph)
    for node in graph.inputs:
        spec = node.spec
        assert isinstance(spec, TensorSpec)
        steps = steps_of(graph, report, node.id)
        if steps is not None:  # the longest fills no input: 6, 5, 4 of 7 steps
            longest = [max(1, steps - 1 - i) for i in range(size)]
            found.append(torch.tensor(longest, dtype=getattr(torch, spec.dtype)))
            continue
        shape = [dim_at(d, size) if isinstance(d, str) else d for d in spec.shape]
        dtype = getattr(torch, spec.dtype)
        if dtype == torch.bool:
            found.append(torch.rand(shape) > 0.5)
        elif dtype.is_floating_point and whole:
            found.append(torch.randint(0, below, shape).to(dtype))
        elif dtype.is_floating_point:
            found.append(torch.randn(shape, dtype=dtype))
        else:
            found.append(torch.randint(0, below, shape, dtype=dtype))
    return found


def copies(values: list[torch.Tensor]) -> list[torch.Tensor]:
    return [value.clone() for value in values]


def leaves(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, tuple | list):
        return [leaf for part in value for leaf in leaves(part)]
    if hasattr(value, "__dict__"):
        return [leaf for part in vars(value).values() for leaf in leaves(part)]
    return []


def same(one: Any, other: Any, mode: str) -> None:
    mine, yours = leaves(one), leaves(other)
    assert len(mine) == len(yours), f"{len(mine)} and {len(yours)} outputs in {mode}"
    for a, b in zip(mine, yours, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype, f"{a.shape} {b.shape} in {mode}"
        assert equal(a, b), (
            f"outputs differ in {mode} by {(a - b).abs().max() if a.is_floating_point() else '?'}"
        )


def equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.is_floating_point():
        return torch.equal(a.nan_to_num(1.5), b.nan_to_num(1.5)) and torch.equal(
            a.isnan(), b.isnan()
        )
    return torch.equal(a, b)


def fixed_point(graph: Graph, among: Sequence[str] | None = None) -> None:
    """write → read → write gives the same text, in every style the network can be written in."""
    specs = [f"{n.spec.dtype}[{','.join(map(str, n.spec.shape))}]" for n in graph.inputs if n.spec]
    for key in among or [k for k in styles() if k != "manual"]:
        try:
            first = write_code(graph, key)
        except CodeRefused:
            if key == "module":
                raise
            continue
        again = write_code(read_here(first, None, specs).graph, key)
        assert first == again, f"{key} is no fixed point:\n{first}\n-----\n{again}"


def built(graph: Graph) -> nn.Module:
    """The network as it is trained; one that is an nn.Sequential with numbers as names, as such."""
    names = [owner.name for owner in graph.owners.values()]
    if any(name.isdigit() for name in names):
        style = "sequential" if all(name.isdigit() for name in names) else "ordered"
        try:
            return build_module(graph, style)
        except CodeRefused:
            pass
    return build_module(graph)


def in_time(seconds: float) -> bool:
    """Whether a text was answered as soon as is promised: in 3 seconds, but where the machine is busy."""
    busy = getloadavg()[0] > 2 * (cpu_count() or 1)
    return seconds < (PATIENT_SECONDS + 1 if busy else 3)
