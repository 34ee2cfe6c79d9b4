"""Candidates for wires and values: what is not wired, missing, out of range, or too large."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from builder import catalogue
from builder.catalogue.entry import REQUIRED, Parameter
from builder.errors import quote
from builder.graph.edits import (
    UNSET,
    AddNode,
    DeleteNode,
    MoveNode,
    SetArgument,
    SetCallArgument,
    SetCondition,
    SetInputSpec,
    SetRepeat,
    SetSetting,
    Several,
    UnshareWeights,
)
from builder.graph.model import (
    Argument,
    Compare,
    Ref,
    Setting,
    TensorSpec,
    Training,
)
from builder.graph.repairs.case import LAST, Candidate, Case
from builder.graph.repairs.reading import not_wired

_FIRST_SPEC = TensorSpec(("N", 64))


def no_part(case: Case) -> Iterator[Candidate]:
    """The whole value, or its first part."""
    for name, argument in case.node.arguments.items():
        if isinstance(argument, Ref) and argument.path and case.value(argument) is None:
            label = (
                quote(case.graph.label(argument.node)) if argument.node in case.graph.nodes else ""
            )
            yield case.read(Ref(argument.node), f"Read all of {label}", port=name)
            yield case.read(Ref(argument.node, (0,)), f"Read the first part of {label}", 1, name)


def no_weights(case: Case) -> Iterator[Candidate]:
    """Attention that gives its weights; else what it gives beside them."""
    for ref in case.refs():
        node = case.source(ref)
        if node is None or case.chosen("need_weights", node) is not False:
            continue
        yield case.set("need_weights", True, node=node)
        instead = Ref(ref.node, (0,))
        label = f"Take part “attn_output” of {quote(case.graph.label(node.id))}"
        yield case.read(instead, label, 1, replacing=ref)


def order(case: Case) -> Iterator[Candidate]:
    """The reader behind what it reads; the values before it."""
    seen: set[str] = set()
    for node in case.graph.nodes.values():
        seen.add(node.id)
        if node.id == case.node.id:
            break
    for argument in case.node.arguments.values():
        if (
            isinstance(argument, Ref)
            and argument.node not in seen
            and argument.node in case.graph.nodes
        ):
            name = quote(case.graph.label(argument.node))
            edit = MoveNode(case.node.id, argument.node, scope=case.scope)
            yield Candidate(f"Move it behind {name}", edit)
    yield from not_wired(case)


def no_output(case: Case) -> Iterator[Candidate]:
    """An output behind the last layer."""
    edit = AddNode("output", after=case.node.id, scope=case.scope)
    yield Candidate(f"Add an output behind {case.label}", edit)


def unused(case: Case) -> Iterator[Candidate]:
    """Read by an output, an output of its own; else away with it."""
    if case.node.kind != "input":
        for output in case.graph.outputs:
            edit = SetCallArgument(output.id, "value", Ref(case.node.id), scope=case.scope)
            moved = MoveNode(output.id, case.node.id, scope=case.scope)
            label = f"Let {quote(case.graph.label(output.id))} read {case.label}"
            order = list(case.graph.nodes)
            behind = order.index(output.id) > order.index(case.node.id)
            yield Candidate(label, edit if behind else Several((moved, edit), label))
    yield Candidate(f"Delete {case.label}", DeleteNode(case.node.id, scope=case.scope), LAST)
    add = AddNode("output", after=case.node.id, scope=case.scope)
    yield Candidate(f"Add an output for {case.label}", add, 1)
    if case.node.kind != "input":
        return
    following = list(case.graph.nodes.values())
    for node in following[following.index(case.node) + 1 :]:
        entry = case.entry_of(node)
        if node.kind in ("layer", "operation") and entry is not None:
            inner = Case(case.root, case.scope, case.graph, node, case.problem, case.reports, entry)
            label = f"Wire it to {quote(case.graph.label(node.id))}"
            yield inner.read(Ref(case.node.id), label, 2, entry.ports[0].name)
            return


def value(case: Case) -> Iterator[Candidate]:
    """A value in range: the nearest, torch's default, or what a new layer starts with."""
    entry = case.entry
    parameter = entry.parameter(case.parameter) if entry else None
    if parameter is None:
        return
    old = case.argument(case.parameter)
    near = _into_range(parameter, old)
    if near is not None and near != old:
        yield case.set(case.parameter, near, tier=1)
    if isinstance(old, float) and old.is_integer() and abs(old) < 2**31 and parameter.type == "int":
        yield case.set(case.parameter, int(old))
    if isinstance(old, str) and old.strip().lstrip("-").isdigit() and len(old) < 10:
        yield case.set(case.parameter, int(old))
    owner = case.graph.owner_of(case.node)
    given = case.parameter in (owner.arguments if owner is not None else case.node.arguments)
    if not parameter.required and given:
        yield case.leave_out(case.parameter, tier=1)
    start = parameter.suggested if parameter.suggested is not None else parameter.default
    if start is not REQUIRED and start != old and start is not None:
        yield case.set(case.parameter, start)  # type: ignore[arg-type]
    elif parameter.required:
        yield case.set(case.parameter, 1 if parameter.type != "ints" else (1,), tier=1)
    if parameter.name.startswith("num_"):
        yield case.set(case.parameter, 2, tier=1)


def _into_range(parameter: Parameter, old: Argument) -> Argument:
    if isinstance(old, tuple):
        parts = tuple(_into_range(parameter, part) for part in old)
        return None if any(part is None for part in parts) else parts
    if isinstance(old, bool) or not isinstance(old, int | float) or not isfinite(old):
        return None
    low = parameter.minimum if parameter.minimum is not None else old
    high = parameter.maximum if parameter.maximum is not None else old
    near = min(max(old, low), high)
    # A number far too large is a slip: its limit would hardly be a better wish.
    if near < old and near > 1_000_000:
        return None
    return int(near) if parameter.type in ("int", "ints") else near


def one_of(case: Case) -> Iterator[Candidate]:
    """One of the two."""
    groups = case.entry.one_of if case.entry else ()
    for group in groups:
        if case.parameter not in group:
            continue
        given = [n for n in group if case.chosen(n) is not None]
        for name in given:
            for other in group:
                if other != name and other in given:
                    yield case.leave_out(other)
        if not given and case.entry is not None:
            for name in group:
                parameter = case.entry.parameter(name)
                if parameter is not None and parameter.suggested is not None:
                    yield case.set(name, parameter.suggested)  # type: ignore[arg-type]


def unknown_argument(case: Case) -> Iterator[Candidate]:
    """Away with what is not known."""
    owner = case.graph.owner_of(case.node)
    entry = case.entry
    if owner is not None and entry is not None:
        for name in owner.arguments:
            if entry.parameter(name) is None:
                edit = SetArgument(case.node.id, name, UNSET, scope=case.scope)
                yield Candidate(f"Take {quote(name)} away", edit)
    for name in case.node.arguments:
        if entry is not None and entry.port(name) is None and entry.parameter(name) is None:
            gone = SetCallArgument(case.node.id, name, UNSET, scope=case.scope)
            yield Candidate(f"Take {quote(name)} away", gone)


def unknown_setting(case: Case) -> Iterator[Candidate]:
    """The setting, with a value to start from."""
    owner = case.graph.owner_of(case.node)
    held = [*case.node.arguments.values(), *(owner.arguments.values() if owner else ())]
    for argument in held:
        if isinstance(argument, Setting) and argument.name not in case.graph.settings:
            start = True if case.node.kind == "branch" else 64
            edit = SetSetting(argument.name, start, scope=case.scope)
            yield Candidate(f"Add the setting {quote(argument.name)} with {start}", edit)
    if case.node.kind == "branch":
        change = SetCondition(case.node.id, Training(), scope=case.scope)
        yield Candidate("Branch on training mode", change, 1)


def branch_condition(case: Case) -> Iterator[Candidate]:
    """The mean of what is compared; training mode."""
    condition = case.node.arguments.get("condition")
    if isinstance(condition, Compare) and isinstance(condition.left, Ref):
        mean: dict[str, Argument] = {"dim": None}
        yield from case.insert(
            [("torch.mean", mean)], ref=condition.left, port="condition", label="Compare its mean"
        )
    change = SetCondition(case.node.id, Training(), scope=case.scope)
    yield Candidate("Branch on training mode", change, 1)


def repeat(case: Case) -> Iterator[Candidate]:
    """As often as allowed, or once."""
    owner = case.graph.owner_of(case.node)
    if owner is None:
        return
    times = min(max(int(owner.repeat), 1), 1000)
    yield Candidate(
        f"Repeat it {times} times", SetRepeat(case.node.id, times, owner.shared, scope=case.scope)
    )
    yield Candidate("Run it once", SetRepeat(case.node.id, 1, scope=case.scope), 1)


def shared_block(case: Case) -> Iterator[Candidate]:
    """Weights of its own for each use."""
    owner = case.graph.owner_of(case.node)
    if owner is None:
        return
    if owner.shared:
        edit = SetRepeat(case.node.id, owner.repeat, False, scope=case.scope)
        yield Candidate("Give each repetition weights of its own", edit)
    if len(case.graph.calls_of(owner.id)) > 1:
        own = UnshareWeights(case.node.id, scope=case.scope)
        yield Candidate(f"Give {case.label} weights of its own", own)


def input_spec(case: Case) -> Iterator[Candidate]:
    """A shape to start from."""
    spec = case.node.spec
    shape = tuple(
        s
        for s in (spec.shape if spec else ())
        if s == "N" or (isinstance(s, int) and 0 < s < 2**20)
    )
    if shape:
        dtype = spec.dtype if spec and spec.dtype in catalogue.DTYPES else "float32"
        edit = SetInputSpec(case.node.id, TensorSpec(shape, dtype), scope=case.scope)
        yield Candidate(f"Set its shape to {TensorSpec(shape)}", edit)
    start = SetInputSpec(case.node.id, _FIRST_SPEC, scope=case.scope)
    yield Candidate(f"Set its shape to {_FIRST_SPEC}", start, 1)


def batch_lost(case: Case) -> Iterator[Candidate]:
    """The reduction before it, over the features only."""
    refs = case.refs("value")
    node = case.source(refs[0]) if refs else None
    entry = case.entry_of(node) if node else None
    if node is None or entry is None or entry.family != "reduction":
        return
    if any(p.name == "dim" for p in entry.call_parameters):
        yield case.set("dim", -1, node=node)
        yield case.set("dim", 1, 1, node=node)


def refused(case: Case) -> Iterator[Candidate]:
    """Where only torch's words are known: another dtype, or each argument the person set left out."""
    for port in case.entry.ports if case.entry else ():
        spec = case.arriving(port.name)
        if spec is not None and spec.dtype.startswith(("int", "uint", "bool")):
            yield from case.insert([("torch.Tensor.float", {})], port=port.name)
    owner = case.graph.owner_of(case.node)
    for name in owner.arguments if owner else {}:
        parameter = case.entry.parameter(name) if case.entry else None
        if parameter is not None and not parameter.required:
            yield case.leave_out(name, tier=1)
    for name in case.node.arguments:
        parameter = case.entry.parameter(name) if case.entry else None
        if parameter is not None and not parameter.required:
            yield case.leave_out(name, tier=1)
        elif parameter is not None and parameter.suggested is not None:
            yield case.set(name, parameter.suggested, tier=1)  # type: ignore[arg-type]


def inplace(case: Case) -> Iterator[Candidate]:
    """A result of its own."""
    yield case.set("inplace", False)


def causal_mask(case: Case) -> Iterator[Candidate]:
    """No mask, and so nothing to describe."""
    yield case.leave_out(case.parameter, tier=0)


def unknown_target(case: Case) -> Iterator[Candidate]:
    """Away with what calls nothing."""
    yield Candidate(f"Delete {case.label}", DeleteNode(case.node.id, scope=case.scope))


CANDIDATES = {
    "unknown_target": unknown_target,
    "recursion": unknown_target,
    "no_part": no_part,
    "no_weights": no_weights,
    "order": order,
    "no_output": no_output,
    "unused": unused,
    "value": value,
    "missing_argument": value,
    "one_of": one_of,
    "unknown_argument": unknown_argument,
    "unknown_setting": unknown_setting,
    "branch_condition": branch_condition,
    "repeat": repeat,
    "shared_block": shared_block,
    "input_spec": input_spec,
    "batch_lost": batch_lost,
    "inplace": inplace,
    "causal_mask": causal_mask,
    "torch": refused,
}
