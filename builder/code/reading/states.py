"""Tensors that are kept for the next call by assignment: `self.mean = 0.9 * self.mean + 0.1 * x.mean(0)`.

While a call runs, such an attribute is what was assigned last, as in Python. What it is when the call of its
module ends is copied into a buffer. Whoever might see that, as what holds the old value behind it or needs
it for the way back, reads a copy of the buffer.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

from builder.code.reading import gradients
from builder.code.reading.layers import parameters_of
from builder.code.reading.reader import Reader
from builder.code.reading.state_uses import State, Uses, frames_in, is_buffer, is_in_place, leads_to
from builder.code.reading.torch_calls import call_known, operation
from builder.code.reading.trace import Frame, Layer, Module, Raw, Step, Trace, tensors_in
from builder.code.reading.values import Tensor
from builder.code.reading.weights import weight_of
from builder.graph.model import Ref, map_refs

Key: TypeAlias = tuple[int, str]
Assigned: TypeAlias = dict[Key, Tensor]
"""What attributes are at this moment of a call, by their module and name."""


def begin(reader: Reader) -> None:
    """A call of the network begins."""
    reader.state["assigned"], reader.state["states"] = {}, {}


def assigned(reader: Reader) -> Assigned:
    """What is assigned at this moment."""
    found: Assigned = reader.state.setdefault("assigned", {})
    return found


def held(reader: Reader, module: Module, name: str) -> Tensor | None:
    """What `self.name` was assigned in this call; None where it was not."""
    return assigned(reader).get((id(module), name))


def put(reader: Reader, module: Module, name: str, given: Tensor) -> bool:
    """Assigns a tensor to an attribute that holds one already; False where it is none that can be kept.

    Errors: CodeRefused where a tensor of another shape or dtype would go to the next call.
    """
    if not reader.state.get("forward") or reader.trace.frame.module is not module:
        return False
    raw, is_plain = _kept_as(reader, module, name, given)
    if raw is None:
        return False
    if (given.spec.shape, given.spec.dtype) != (raw.spec.shape, raw.spec.dtype):
        was, now = (f"{spec} of {spec.dtype}" for spec in (raw.spec, given.spec))
        raise reader.refuse(
            f"“self.{name[:40]}” goes from one call of forward to the next, and is {now} then where it "
            f"was {was}",
            "Keep a tensor of one shape and dtype, such as the mean over the batch.",
        )
    key = (id(module), name)
    now_held = assigned(reader).get(key) or weight_of(reader, raw)
    if given.ref == now_held.ref:
        return True
    states: dict[Key, State] = reader.state["states"]
    states.setdefault(key, State(module, name, raw, reader.line or 0, is_plain))
    assigned(reader)[key] = given
    return True


def _kept_as(reader: Reader, module: Module, name: str, given: Tensor) -> tuple[Raw | None, bool]:
    """The buffer that an attribute is, or becomes here."""
    member = module.members.get(name)
    if isinstance(member, Raw):
        return (member if member.kind == "buffer" else None), not member.persistent
    was = module.attributes.get(name)
    if was.__class__ is not Tensor or was.learns:
        return None, False
    step = reader.trace.steps.get(was.ref.node)
    if step is None or step.frame is not reader.trace.making or was.spec != given.spec:
        return None, False
    weight_of_plain = Raw("buffer", was, step.line, False, False)
    module.attributes.pop(name)
    module.members[name] = weight_of_plain
    return weight_of_plain, True


# The two sides of a condition ------------------------------------------------------------------------


def merge(reader: Reader, sides: dict[bool, Assigned], branch: Any) -> None:
    """Behind a condition, what one side alone assigned is as it was on the other."""
    for key in {**sides[True], **sides[False]}:
        state: State = reader.state["states"][key]
        one, other = (
            sides[which].get(key) or weight_of(reader, state.raw) for which in (True, False)
        )
        made = one if one.ref == other.ref else branch(one, other, state.name)
        if made is not one:
            state.merges.add(made.ref.node)
        assigned(reader)[key] = made


# The end of a call -----------------------------------------------------------------------------------


def end(reader: Reader, frame: Frame) -> None:
    """What the call of a module leaves in its attributes is copied into their buffers."""
    now = assigned(reader)
    line, node = reader.line, reader.node
    for key in [k for k in now if reader.state["states"][k].module is frame.module]:
        state, tensor = reader.state["states"][key], now[key]
        if tensor is state.left:
            continue
        reader.line = state.line
        outside = weight_of(reader, state.raw)
        if tensor.ref == outside.ref:
            del now[key]
            continue
        state.given.append(tensor.ref)
        value = Tensor(tensor.spec, tensor.ref)
        if gradients.learns(reader, value):  # the same call may read it on, with its gradient
            state.left = tensor
        else:
            del now[key]
        if gradients.learns(reader, value, quiet=True):
            value = operation(reader, "torch.Tensor.detach", {"input": value})
        made = call_known(reader, "torch.Tensor.copy_", [outside, value], {})
        state.writes.append(reader.trace.steps[made.ref.node])
        known = reader.state["weights"]
        for place in [place for place in known if place[0] == id(state.raw)]:
            del known[place]
    reader.line, reader.node = line, node


def given_up(reader: Reader, frame: Frame) -> None:
    """The call could not be read: nothing of it stays."""
    now = assigned(reader)
    for key in [k for k in now if reader.state["states"][k].module is frame.module]:
        del now[key]


def settle(reader: Reader, frame: Frame) -> None:
    """Holds what was kept in a whole call of the network against what reads it. Errors: CodeRefused."""
    states: list[State] = [s for s in reader.state["states"].values() if s.writes]
    if not states:
        return
    uses = Uses(reader.trace, frame, {w.id for s in states for w in s.writes})
    for state in list(states):
        reads = uses.reads_of(state.raw)
        if state.plain and not any(uses.is_needed(state, read.id) for read in reads):
            _leave_out(reader, state)
            states.remove(state)
    for state in states:
        _refuse_in_place(reader, state, uses)
        _refuse_shared(reader, state, uses)
    _check_gradients(reader, frame, states)
    copied: dict[str, str] = {}
    for state in states:
        for read in uses.reads_of(state.raw):
            if not uses.is_safe(state, read.id, read.order):
                copied[read.id] = _copy_of(reader, read)
    if copied:
        _read_copies(reader.trace, frame, copied)


def _leave_out(reader: Reader, state: State) -> None:
    for step in state.writes:
        del reader.trace.steps[step.id]
        step.frame.items.remove(step)
    state.module.members.pop(state.name, None)
    state.module.attributes[state.name] = state.raw.made
    reader.note(
        f"“self.{state.name[:40]}” is left out: forward sets it and never reads it.", state.line
    )


def _refuse_in_place(reader: Reader, state: State, uses: Uses) -> None:
    for read in uses.reads_of(state.raw):
        for step in uses.writers(state, read.id):
            raise reader.refuse(
                f"“self.{state.name[:40]}” is changed in place here and assigned in line {state.line}, "
                "both for the next call",
                f"Assign it in both places: self.{state.name[:40]} = self.{state.name[:40]} + 1.",
                line=step.line,
            )


def _refuse_shared(reader: Reader, state: State, uses: Uses) -> None:
    """Errors: CodeRefused where what is kept is a tensor that goes on changing under another name."""
    for given, write in zip(state.given, state.writes, strict=True):
        memory = uses.memory(given.node)
        held = [s for s in memory if s.kind == "weight" and s.owner is not state.raw]
        line = next((s.line for s in held if not is_buffer(s)), None)
        for step in memory:
            if line is None and is_in_place(step) and step.id not in uses.writes:
                line = step.line if held or step.order > write.order else None
        if line is not None:
            raise reader.refuse(
                f"“self.{state.name[:40]}” is the very tensor that is changed here, from one call to the next",
                f"Keep a copy: self.{state.name[:40]} = (…).clone().",
                line=line,
            )


# Gradients -------------------------------------------------------------------------------------------


def _check_gradients(reader: Reader, frame: Frame, states: list[State]) -> None:
    """Errors: CodeRefused where a gradient would go from one call back into the one before."""
    trace = reader.trace
    while True:
        learning = {id(s.raw) for s in states if s.learns}

        def carries(step: Step, known: set[int] = learning) -> bool:
            owner = step.owner
            if isinstance(owner, Raw):
                return id(owner) in known or (owner.kind == "parameter" and owner.requires_grad)
            return isinstance(owner, Layer) and _has_learning(reader, owner)

        more = [s for s in states if not s.learns and leads_to(trace, s.given, carries)]
        for state in more:
            state.learns = True
        if not more:
            break
    results = [tensor.ref for tensor in tensors_in(frame.result)]
    for state in states:
        if not state.learns:
            continue
        raw = state.raw
        if leads_to(trace, results, partial(_is_of, raw)):
            raise reader.refuse(
                f"“self.{state.name[:40]}” goes to the next call with its gradient, and is used there: "
                "the second backward() would go back into the first call and fail",
                f"Keep it without: self.{state.name[:40]} = (…).detach(), or in with torch.no_grad().",
                line=state.line,
            )
        reader.note(
            f"“self.{state.name[:40]}” is kept for the next call without its gradient, which no "
            "training uses.",
            state.line,
        )


def _is_of(raw: Raw, step: Step) -> bool:
    return step.owner is raw


def _has_learning(reader: Reader, layer: Layer) -> bool:
    return not layer.frozen and bool(parameters_of(reader, layer, False, "").items)


# Copies ----------------------------------------------------------------------------------------------


def _copy_of(reader: Reader, read: Step) -> str:
    """A copy of a buffer, made where it is read."""
    trace = reader.trace
    frame, side = trace.frame, trace.side
    trace.frame, trace.side = read.frame, read.side
    step = trace.add(
        "operation", "torch.clone", {"input": Ref(read.id)}, read.result, read.line, read.node
    )
    trace.frame, trace.side = frame, side
    step.order = read.order
    read.frame.items.remove(step)
    read.frame.items.insert(read.frame.items.index(read) + 1, step)
    return step.id


def _read_copies(trace: Trace, frame: Frame, copied: dict[str, str]) -> None:
    """All that read the buffers reads the copies: but for what writes into them."""
    copies = set(copied.values())
    ordered: dict[str, Step] = {}
    for step in trace.steps.values():
        if step.id in copies:
            continue
        ordered[step.id] = step
        if step.id in copied:
            ordered[copied[step.id]] = trace.steps[copied[step.id]]
    trace.steps.clear()
    trace.steps.update(ordered)

    def other(ref: Ref) -> Ref:
        return Ref(copied.get(ref.node, ref.node), ref.path)

    for step in trace.steps.values():
        if step.id in copies:
            continue
        into = step.target == "torch.Tensor.copy_"
        step.arguments = {
            name: a if into and name == "input" else map_refs(a, other)
            for name, a in step.arguments.items()
        }
        step.changed = other(step.changed) if step.changed is not None else None
    for _, entering in trace.entering.values():
        entering.outer = other(entering.outer)
    for each in frames_in(frame):
        each.exports = [other(ref) for ref in each.exports]
        for tensor in tensors_in(each.result):
            tensor.ref = other(tensor.ref)
