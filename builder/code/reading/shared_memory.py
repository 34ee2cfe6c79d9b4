"""Tensors of __init__ that lie in the memory of one another, or come of one draw: refused, or told."""

from __future__ import annotations

import ast
from typing import Any, Final

from builder.code.reading.closed import Tree, is_random
from builder.code.reading.raws import steps_behind
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module, Raw, Step, Trace
from builder.graph.model import Ref, iter_refs

_SEEDS: Final = ("manual_seed", "seed_everything", "set_seed", "seed", "fork_rng", "set_rng_state")


def check_making(reader: Reader, tree: Tree, shares: Any) -> None:
    """What a text makes of its own tensors.

    Errors: CodeRefused where a parameter, or a tensor that no checkpoint has, is a view of another one,
    and where one was filled through a view.
    """
    found = [(tree.paths[id(m)], m) for _, m in tree.order if isinstance(m, Raw) and not m.copied]
    places: dict[Ref, list[tuple[str, Raw]]] = {}
    for path, raw in found:
        places.setdefault(base_of(reader.trace, raw.made.ref, shares), []).append((path, raw))
    for same in places.values():
        if len(same) > 1:
            _refuse_shared(reader, same)
    _refuse_filled(reader, places, shares)
    _tell_draws(reader, found)
    _tell_own_tensors(reader, tree, tree.root)


def base_of(trace: Trace, ref: Ref, shares: Any) -> Ref:
    """The tensor in whose memory this one lies."""
    while True:
        step = trace.steps.get(ref.node)
        if step is None or step.kind != "operation" or not _same_memory(step, shares):
            return ref
        inner = next(iter_refs(step.arguments.get("input")), None)
        if inner is None:
            return ref
        ref = inner


def _same_memory(step: Step, shares: Any) -> bool:
    return bool(shares(step)) or step.in_place != "" or step.target == "operator.setitem"


def _refuse_shared(reader: Reader, same: list[tuple[str, Raw]]) -> None:
    learns = any(raw.kind == "parameter" for _, raw in same)
    saved = {raw.persistent for _, raw in same}
    alike = len({raw.made.ref for _, raw in same}) == 1
    if not learns and (len(saved) == 1 or (alike and saved == {False})):
        return  # each is loaded, and one that is written over is refused where it is
    (first, _), (second, raw) = same[0], same[-1]
    raise reader.refuse(
        f"“{second[:60]}” lies in the memory of “{first[:60]}” in the text: what changes the one, as training "
        "or a checkpoint does, changes the other",
        f"Take it from self.{first[:60]} in forward, or make it a tensor of its own with .clone().",
        line=raw.line,
    )


def _refuse_filled(reader: Reader, places: dict[Ref, list[tuple[str, Raw]]], shares: Any) -> None:
    """What `v = self.pe.view(-1); v[2] = 5` writes into another tensor."""
    trace = reader.trace
    for tensor, old, *_ in trace.moved:
        step = trace.steps.get(old.node)
        if step is None or step.frame is not trace.making or not shares(step):
            continue
        for path, raw in places.get(base_of(trace, old, shares), ()):
            if raw.made is not tensor and tensor.ref.node not in _chain(trace, raw, shares):
                raise reader.refuse(
                    f"“{path[:60]}” is filled through a view of it",
                    f"Write into it directly: self.{path[:60]}[…] = ….",
                    line=trace.steps[tensor.ref.node].line,
                )


def _chain(trace: Trace, raw: Raw, shares: Any) -> set[str]:
    found = {raw.made.ref.node}
    ref = raw.made.ref
    while (step := trace.steps.get(ref.node)) is not None and _same_memory(step, shares):
        inner = next(iter_refs(step.arguments.get("input")), None)
        if inner is None:
            break
        ref = inner
        found.add(ref.node)
    return found


def _tell_own_tensors(reader: Reader, tree: Tree, module: Module) -> None:
    """Of `class MaskedLinear(nn.Linear)` with a mask of its own: its keys are others here."""
    for name, member in module.members.items():
        if not isinstance(member, Module):
            continue
        _tell_own_tensors(reader, tree, member)
        own = [n for n, part in member.members.items() if part is not None]
        if member.layer is None or not own or tree.paths.get(id(member)) is None:
            continue
        path, layer = tree.paths[id(member)], member.layer.entry.name
        if module.kind:
            raise reader.refuse(
                f"“{path[:60]}” is an nn.{layer} that holds “{own[0][:40]}” beside its weights, inside of "
                f"nn.{module.kind}",
                f"Inherit from nn.Module and hold the nn.{layer} as a layer: self.inner = nn.{layer}(…).",
                line=member.line,
            )
        reader.note(
            f"“{path[:60]}” is an nn.{layer} that holds more beside its weights: “{path[:60]}.{own[0][:40]}” of "
            f"its state_dict has another name here, such as “{name[:40]}2.{own[0][:40]}”. A checkpoint of the "
            "text is to be renamed so.",
            member.line,
        )


def _tell_draws(reader: Reader, found: list[tuple[str, Raw]]) -> None:
    """Tells of what is drawn by a seed and not saved, and of two that come of one draw."""
    seeded = _seeded(reader)
    drawn: dict[str, str] = {}
    for path, raw in found:
        if raw.initialised is not None:
            continue
        random = [s for s in steps_behind(reader.trace, raw.made.ref) if is_random(s)]
        if random and seeded and raw.kind == "buffer" and not raw.persistent:
            reader.note(
                f"“{path[:60]}” is drawn anew each time this network is made: the seed is not kept, and no "
                "checkpoint has it. To take its numbers over, make it a buffer: self.register_buffer(…).",
                raw.line,
            )
        for step in random:
            other = drawn.setdefault(step.id, path)
            if other != path:
                reader.note(
                    f"“{path[:60]}” and “{other[:60]}” come of one draw in the text; here each draws its own "
                    "start, until a checkpoint brings both.",
                    raw.line,
                )


def _seeded(reader: Reader) -> bool:
    known = reader.state.get("seeded")
    if known is None:
        known = any(
            (isinstance(node, ast.Attribute) and node.attr in _SEEDS)
            or (isinstance(node, ast.Name) and node.id in _SEEDS)
            or (isinstance(node, ast.keyword) and node.arg == "generator")
            for node in ast.walk(reader.tree)
        )
        reader.state["seeded"] = known
    return bool(known)
