"""Parameters and buffers of the text as owners of a graph: how they start, or which steps make them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from builder.code.reading.trace import Frame, Raw, Step, Trace
from builder.code.reading.values import plain
from builder.graph.model import Argument, Graph, Node, Owner, Ref, Setting, TensorSpec, iter_refs
from builder.graph.names import class_name, suggest_name
from builder.graph.symbols import probe_from_dim

_PLAIN: Final = {
    "torch.zeros": "zeros",
    "torch.ones": "ones",
    "torch.empty": "empty",
    "torch.randn": "normal",
    "torch.rand": "uniform",
    "torch.eye": "eye",
}
_SIZE_NAMES: Final = ("size", "shape", "sizes")


def owner_of(builder: Any, scope: Any, raw: Raw, name: str) -> Owner:
    """The owner of a parameter or buffer."""
    trace: Trace = scope.trace
    arguments: dict[str, Argument] = {}
    step = trace.steps.get(raw.made.ref.node)
    start = _start(scope, step, raw)
    if start is not None:
        arguments["size"] = _size(scope, step, raw.spec)
        init, details = start
        if init != "zeros":
            arguments["init"] = init
        arguments.update(details)
        if raw.spec.dtype != "float32":
            arguments["dtype"] = raw.spec.dtype
    else:
        arguments["size"] = tuple(probe_from_dim(s) for s in raw.spec.shape)
        if raw.spec.dtype != "float32":
            arguments["dtype"] = raw.spec.dtype
        arguments["init"] = "made"
        block, settings = _maker(builder, scope, raw, name)
        arguments["made_by"] = block
        arguments.update(settings)
    if raw.kind == "parameter" and not raw.requires_grad:
        arguments["requires_grad"] = False
    if raw.kind == "buffer" and not raw.persistent:
        arguments["persistent"] = False
    return Owner(name, name, raw.kind, arguments)


def _start(scope: Any, step: Step | None, raw: Raw) -> tuple[str, dict[str, Argument]] | None:
    """The way a tensor is filled, where one word says it."""
    if raw.initialised is not None:
        init, details = raw.initialised
        return init, {k: plain(v) for k, v in details.items()}
    if step is None or raw.made.ref.path:
        return None
    found = _of_step(scope, step)
    if found is None or (found[0] == "eye" and len(raw.spec.shape) != 2):
        return None
    return found


def _of_step(scope: Any, step: Step) -> tuple[str, dict[str, Argument]] | None:
    trace: Trace = scope.trace
    name = step.target.rpartition(".")[2]
    if step.target in _PLAIN:
        return _PLAIN[step.target], {}
    if step.target == "torch.full":
        value = step.arguments.get("fill_value")
        return ("constant", {"value": value}) if isinstance(value, int | float) else None
    if step.target == "torch.tensor" and isinstance(step.result, TensorSpec):
        value = step.arguments.get("data")
        if isinstance(value, Setting):
            value = trace.settings[value.name]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return "constant", {"value": value}
        return None
    inner, factor = step.arguments.get("input"), step.arguments.get("other")
    if name == "mul" and isinstance(factor, Ref):
        inner, factor = factor, inner
    if isinstance(factor, Setting):
        factor = scope.argument(factor)  # a number, where the class around it is not written
    if name in ("mul", "truediv") and isinstance(factor, int | float):
        source = trace.steps.get(inner.node) if isinstance(inner, Ref) else None
        before = _of_step(scope, source) if source is not None else None
        factor = factor if name == "mul" else 1 / factor if factor else 0.0
        if before == ("normal", {}):
            return "normal", {"std": float(factor)}
        if before == ("ones", {}) and isinstance(step.result, TensorSpec):
            whole = "int" in step.result.dtype
            return "constant", {"value": factor if whole else float(factor)}
        if before == ("zeros", {}):
            return before
    return None


def _size(scope: Any, step: Step | None, spec: TensorSpec) -> Argument:
    """The sizes, with settings where the text has them."""
    known = tuple(probe_from_dim(s) for s in spec.shape)
    while step is not None:
        for name in _SIZE_NAMES:
            given = step.arguments.get(name)
            if isinstance(given, tuple) and len(given) == len(known):
                return tuple(scope.argument(part) for part in given)
        inner = step.arguments.get("input")
        step = scope.trace.steps.get(inner.node) if isinstance(inner, Ref) else None
    return known


def _maker(builder: Any, scope: Any, raw: Raw, name: str) -> tuple[str, dict[str, Argument]]:
    """A block without inputs whose steps make the tensor, and what it is made with here."""
    from builder.code.reading.placing import Scope

    frame = Frame(None, None, raw.line)
    inner = Scope(scope.reader, scope.tree, scope.module, frame, scope.is_root)
    for step in steps_behind(scope.trace, raw.made.ref):
        inner.add_step(step)
    inner.add_output("", raw.made.ref)
    placed = inner.placed()
    key = "made " + repr(placed.graph)
    if key not in builder.keys:
        block = suggest_name(class_name(f"Make_{name}"), {*builder.classes, *builder.owned})
        builder.classes.add(block)
        builder.keys[key] = block
        builder.blocks[block] = replace(placed.graph, name=block)
    block = builder.keys[key]
    settings = {
        inside: scope.setting_from_outside(outside) for inside, outside in placed.settings.items()
    }
    defaults = builder.blocks[block].settings
    return block, {n: v for n, v in settings.items() if repr(v) != repr(defaults.get(n))}


def steps_behind(trace: Trace, ref: Ref) -> list[Step]:
    """All steps that a tensor of the making is worked out by, in running order."""
    found: dict[str, Step] = {}
    waiting = [ref]
    while waiting:
        at = waiting.pop()
        step = trace.steps.get(at.node)
        if step is None or step.id in found:
            continue
        found[step.id] = step
        for argument in step.arguments.values():
            waiting.extend(iter_refs(argument))
    return sorted(found.values(), key=lambda s: s.order)


__all__ = ["Graph", "Node", "owner_of", "steps_behind"]
