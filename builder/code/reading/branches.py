"""Conditions: those that are known while reading, and those that only the running network answers.

`if self.training` and an `if` on a value of the data have both sides read; what differs behind them
becomes a branch node.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from builder.code.reading.both_sides import Contents, Moves, around, at_end, done_again, taken_back
from builder.code.reading.effects import shares
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import Scope
from builder.code.reading.signals import Returned
from builder.code.reading.trace import Layer, Module, Raw
from builder.code.reading.values import (
    Differs,
    Instance,
    Mode,
    Parts,
    Question,
    Shape,
    Sym,
    Tensor,
    Unknown,
    plain,
)
from builder.errors import CodeRefused
from builder.graph.model import Compare, Ref, Training, iter_refs


def truth(reader: Reader, value: Any) -> bool:
    """Whether a value holds. Errors: CodeRefused where only the running network knows."""
    asked = condition_of(reader, value)
    if asked is True or asked is False:
        return asked
    raise reader.refuse("This condition depends on the data or on the mode; it cannot be used here")


def condition_of(reader: Reader, value: Any) -> Any:
    """True or False, or the Mode or Question that a value is."""
    kind = value.__class__
    if kind is bool:
        return value
    if kind is Sym:
        return bool(value.value)
    if value is None or kind in (int, float, str, list, tuple, dict, set, range):
        return bool(value)
    if kind is Mode or kind is Question:
        return value
    if kind is Tensor:
        if value.compared is not None:
            return Question(value.compared)
        if all(size == 1 for size in value.spec.shape):
            return Question(Compare("!=", value.ref, 0))
        raise reader.refuse("A condition needs one value, and this tensor has several")
    if isinstance(value, Unknown):
        raise reader.refuse_unknown(value)
    if kind is Differs:
        yes, no = condition_of(reader, value.if_true), condition_of(reader, value.if_false)
        if yes.__class__ is not bool or no.__class__ is not bool:
            raise reader.refuse("This condition is another one while training")
        return yes if yes is no else value.asked if yes else negated(reader, value.asked)
    if kind in (Module, Instance):
        from builder.code.reading import protocol

        given = protocol.truth(reader, value)
        if given is not protocol.NOT_ASKED:
            return condition_of(reader, given)
    if kind is Module:
        return bool(value.members) if value.kind else True
    if kind in (Layer, Raw, Instance):
        return True
    if isinstance(value, Parts | Shape | tuple):
        return bool(len(value))
    return True


def negated(reader: Reader, value: Any) -> Any:
    """`not value`."""
    asked = condition_of(reader, value) if not isinstance(value, Unknown) else value
    if isinstance(asked, bool):
        return not asked
    if isinstance(asked, Mode):
        return Mode(not asked.negated)
    if isinstance(asked, Question):
        return Question(asked.condition, not asked.negated)
    return asked


def either(reader: Reader, is_and: bool, pending: Any, value: Any) -> Any:
    """`self.training or 3`: the mode itself, or what stands beside it."""
    if value.__class__ is bool:
        return pending if value is is_and else value
    asked = condition_of(reader, pending)
    return Differs(asked, value, False) if is_and else Differs(asked, True, value)


def on_each_side(reader: Reader, left: Any, right: Any, ask: Callable[[Any, Any], Any]) -> Any:
    """`aux is None`, where that is another answer on each side of the condition that `aux` depends on."""
    differing = left if left.__class__ is Differs else right
    sides = (differing.if_true, differing.if_false)
    yes, no = (ask(s, right) if differing is left else ask(left, s) for s in sides)
    if yes.__class__ is not bool or no.__class__ is not bool:
        raise reader.refuse("This value is another one while training: that cannot be kept here")
    return yes if yes is no else differing.asked if yes else negated(reader, differing.asked)


def joined(reader: Reader, is_and: bool, one: Any, other: Any) -> Any:
    """`one and other` where both wait for the running network."""
    first, second = condition_of(reader, one), condition_of(reader, other)
    if first == second:
        return first
    raise reader.refuse(
        "Two conditions on the data or the mode in one “and” or “or”, or in a < x < b, cannot be read",
        "Put one `if` inside the other.",
    )


def both(reader: Reader, one: Any, other: Any) -> Any:
    if one is True:
        return other
    if other is True or other is False:
        return one if other else False
    return joined(reader, True, one, other)


def choose(
    reader: Reader, asked: Mode | Question, scope: Scope, sides_of: Sequence[Callable[[], Any]]
) -> Any:
    """`a if condition else b`."""
    yes, no = sides_of
    contents = Contents(reader, [*scope.names.values(), *around(scope)])
    sides = Sides(reader, asked)
    one, held = sides.run(True, yes), contents.now()
    contents.put(contents.before())
    other = sides.run(False, no)
    if contents.differing(held, contents.now()):
        raise changed_on_one_side(reader, None)
    sides.keep()
    value = sides.merged(one, other)
    sides.end()
    return value


def fork(
    reader: Reader,
    node: ast.If,
    asked: Mode | Question,
    rest: Sequence[ast.stmt],
    scope: Scope,
    run: Callable[[Reader, Sequence[ast.stmt], Scope], Any],
) -> Any:
    """Reads both sides of an `if`. `rest`: what follows it, where one side returns."""
    from builder.code.reading.twofold import keep_apart, known_in, owned

    before = dict(scope.names)
    contents = Contents(reader, [*before.values(), *around(scope)])
    ends: dict[bool, dict[str, Any]] = {}
    held: dict[bool, dict[int, Any]] = {}
    signals: dict[bool, Any] = {}
    raised: dict[bool, CodeRefused] = {}
    sides = Sides(reader, asked)
    parts: dict[bool, Sequence[ast.stmt]] = {True: node.body, False: node.orelse}
    goes_on = rest and isinstance(rest[-1], ast.Return)
    if goes_on and any(map(_returns_inside, parts.values())):  # what follows is read in both
        parts, rest = {which: [*part, *rest] for which, part in parts.items()}, ()
    for which, statements in parts.items():
        scope.names.clear()
        scope.names.update(known_in(before, asked, which))
        contents.put(contents.before())
        try:
            signals[which] = sides.run(which, lambda part=statements: run(reader, part, scope))  # type: ignore[misc]
        except CodeRefused as refusal:
            if refusal.kind != "raised":
                raise
            raised[which] = refusal
        ends[which], held[which] = dict(scope.names), contents.now()
    if raised:  # `raise` on one side: the other one is what runs
        if len(raised) == 2:
            raise raised[True]
        going = False in raised
        scope.names.clear()
        scope.names.update(ends[going])
        contents.put(held[going])
        done_again(reader.trace, sides.moves[going])
        reader.state["assigned"] = sides.assigned[going]
        return signals[going]
    own = owned(before)
    for value in contents.differing(held[True], held[False]):
        if isinstance(asked, Mode) and id(value) in own:  # a list of this mode already
            contents.put({id(value): held[own[id(value)] is not asked.negated][id(value)]})
            continue
        one, other = held[True][id(value)], held[False][id(value)]
        both = isinstance(one, dict) and list(one) == list(other)
        if both or (isinstance(one, list) and len(one) == len(other)):
            contents.put({id(value): sides.merged(one, other)})
            continue
        keep_apart(reader, node, asked, contents, scope, value, (ends, signals, held))
    returned = {which: isinstance(signal, Returned) for which, signal in signals.items()}
    if not any(returned.values()):
        if any(s is not None for s in signals.values()):
            raise reader.refuse("A loop ends on one side of this condition", line=node.lineno)
        scope.names.clear()
        for name in {**ends[True], **ends[False]}:
            if name in ends[True] and name in ends[False]:
                one, other = ends[True][name], ends[False][name]
                if sides.other_shapes(one, other):  # an error only where it is used
                    scope.names[name] = Differs(asked, one, other)
                    continue
                scope.names[name] = sides.merged(one, other, name)
            else:
                scope.names[name] = ends[True].get(name, ends[False].get(name))
        sides.keep()
        sides.end()
        return None
    if not all(returned.values()):
        if len(parts[True]) > len(node.body):
            raise reader.refuse("One side of this condition returns, in a loop", line=node.lineno)
        late = not returned[True]

        def going_on() -> Any:
            scope.names.clear()
            scope.names.update(ends[late])
            done_again(reader.trace, sides.moves[late])
            return run(reader, rest, scope)

        outside = Contents(reader, around(scope))
        signals[late] = sides.run(late, going_on)
        if outside.differing(outside.now(), outside.before()):
            raise changed_on_one_side(reader, node)
        if signals[late] is None:
            signals[late] = Returned(None)
        if not isinstance(signals[late], Returned):
            raise reader.refuse("One side of this condition returns, in a loop", line=node.lineno)
    sides.keep()
    value = sides.merged(signals[True].value, signals[False].value)
    if value.__class__ is Differs:
        value.returned = (signals[True].node, signals[False].node)
    sides.end()
    return Returned(value, signals[True].node)


def changed_on_one_side(reader: Reader, node: ast.If | None) -> CodeRefused:
    """For a list that both sides know, and one alone changes."""
    said = "A list, a dict or an object is changed on one side of this condition"
    return reader.refuse(said, line=node.lineno if node is not None else None)


def _returns_inside(statements: Sequence[ast.stmt]) -> bool:
    """Whether a side returns in an `if` of its own, and otherwise goes on behind it."""
    for statement in statements:
        if isinstance(statement, ast.Return):
            return False
        if isinstance(statement, ast.If):
            return any(isinstance(part, ast.Return) for part in ast.walk(statement))
    return False


class Sides:
    """The two sides of one condition. Each is read as if the other were not there.

    `moves`: what each changes in place, which is undone behind it.
    """

    def __init__(self, reader: Reader, asked: Mode | Question) -> None:
        self.reader, self.asked = reader, asked
        self.identity = reader.trace.new_id()
        self.condition = Training() if isinstance(asked, Mode) else asked.condition
        self.moves: dict[bool, Moves] = {}
        self.assigned: dict[bool, dict[tuple[int, str], Tensor]] = {}
        reader.trace.asked[self.identity] = self.condition

    def run(self, which: bool, side: Callable[[], Any]) -> Any:
        """What a side gives; its steps are marked in the trace by whether the condition holds there."""
        trace = self.reader.trace
        outside, begin = trace.side, len(trace.moved)
        state = self.reader.state
        before = state.get("assigned", {})
        state["assigned"] = dict(self.assigned.get(which, before))
        trace.side = (*outside, (self.identity, which is not self.asked.negated))
        try:
            return side()
        finally:
            trace.side = outside
            self.assigned[which], state["assigned"] = state["assigned"], before
            self.moves[which] = taken_back(trace, begin)

    def keep(self) -> None:
        """What a side assigned for the next call is, from here on, that or what it was."""
        if self.assigned[True] or self.assigned[False]:
            from builder.code.reading import states

            states.merge(self.reader, self.assigned, self.merged)

    def end(self) -> None:
        """A tensor that a side changed in place is another one from here on, and where it was not one."""
        every = {**self.moves[True], **self.moves[False]}
        for identity, moved in every.items():
            tensor = moved.tensor
            if self._is_own(tensor.ref):  # made on that side: nobody else knows it
                settled = self._settle(tensor, identity in self.moves[True])
                if settled is None:
                    done_again(self.reader.trace, {identity: moved})
                else:
                    self.reader.trace.move(tensor, settled.ref, settled.spec)
                continue
            one, other = at_end(tensor, self.moves[True]), at_end(tensor, self.moves[False])
            if self.other_shapes(one, other):
                raise self.reader.refuse(
                    "A tensor gets another shape in place on one side of a condition only",
                    "Give it a new name there: y = x.unsqueeze(0).",
                )
            if one.ref != other.ref:
                one = self._settled(one, other)
            self.reader.trace.move(tensor, one.ref, one.spec)

    def _settled(self, one: Tensor, other: Tensor) -> Tensor:
        """A branch that also holds what a side writes, and does not read, on that side."""
        found = self.branch(one, other)
        for side in (one, other):
            self.reader.trace.settling[side.ref.node] = found.ref.node
        return found

    def _settle(self, tensor: Tensor, which: bool) -> Tensor | None:
        """Of a buffer that one side reads and changes: outside of it, it is the buffer as it was."""
        trace = self.reader.trace
        step = trace.steps.get(tensor.ref.node)
        while step is not None and step.kind != "weight" and shares(step):
            ref = next(iter_refs(step.arguments.get("input")), None)
            step = trace.steps.get(ref.node) if ref is not None else None
        changed = at_end(tensor, self.moves[which])
        if step is None or step.kind != "weight" or step.result != changed.spec:
            return None
        line, node = self.reader.line or 0, self.reader.node
        outside = trace.add("weight", "", {}, changed.spec, line, node, step.owner)
        outside.weight = step.weight
        was = Tensor(changed.spec, Ref(outside.id))
        return self._settled(*((changed, was) if which else (was, changed)))

    def _is_own(self, ref: Ref) -> bool:
        trace = self.reader.trace
        step = trace.steps.get(ref.node)
        side = step.side if step is not None else trace.entering[ref.node][0].side
        return any(identity == self.identity for identity, _ in side)

    def other_shapes(self, one: Any, other: Any) -> bool:
        if one.__class__ is not Tensor or other.__class__ is not Tensor:
            return False
        a, b = at_end(one, self.moves[True]), at_end(other, self.moves[False])
        return (a.spec.shape, a.spec.dtype) != (b.spec.shape, b.spec.dtype)

    def merged(self, one: Any, other: Any, name: str = "") -> Any:
        """One value for both: a branch where they are tensors that differ."""
        if one is other:
            return one
        if one.__class__ is Tensor and other.__class__ is Tensor:
            if isinstance(self.asked, Mode) and self.other_shapes(one, other):
                return Differs(self.asked, one, other)
            a, b = at_end(one, self.moves[True]), at_end(other, self.moves[False])
            return one if a.ref == b.ref else self.branch(a, b, name)
        same_kind = one.__class__ is other.__class__
        if same_kind and isinstance(one, tuple | list) and len(one) == len(other):
            parts = [self.merged(a, b) for a, b in zip(one, other, strict=True)]
            return parts if isinstance(one, list) else tuple(parts)
        if same_kind and isinstance(one, dict) and list(one) == list(other):
            return {key: self.merged(one[key], other[key]) for key in one}
        alike = plain(one).__class__ is plain(other).__class__
        if alike and _is_plain(one) and _is_plain(other) and plain(one) == plain(other):
            return plain(one)
        return Differs(self.asked, one, other)

    def branch(self, one: Tensor, other: Tensor, name: str = "") -> Tensor:
        # Swapped, not negated: of NaN neither `<` nor `>=` holds.
        sides = (other, one) if self.asked.negated else (one, other)
        if one.spec.shape != other.spec.shape or one.spec.dtype != other.spec.dtype:
            raise self.reader.refuse(
                f"The two sides of this condition give different shapes, {one.spec} and {other.spec}"
            )
        self.reader.budget.node()
        step = self.reader.trace.add(
            "branch",
            self.identity,
            {"condition": self.condition, "if_true": sides[0].ref, "if_false": sides[1].ref},
            one.spec,
            self.reader.line or 0,
            self.reader.node,
        )
        step.name = name
        return Tensor(one.spec, Ref(step.id))


def _is_plain(value: Any) -> bool:
    return isinstance(plain(value), bool | int | float | str | None)
