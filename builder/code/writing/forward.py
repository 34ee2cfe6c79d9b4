"""`forward`: what runs, in order, with the shapes it gives."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.code.writing.calls import block_inputs, called, entry_for, in_module
from builder.code.writing.conditions import both, negated, question
from builder.code.writing.joining import write_joined
from builder.code.writing.layout import (
    Expression,
    Group,
    assignment,
    call,
    condition,
    definition,
    in_brackets,
    lay,
    returned,
    tuple_of,
)
from builder.code.writing.literals import argument, index, indexed
from builder.code.writing.naming import given_name
from builder.code.writing.own_code import called_own
from builder.code.writing.packing import names_of_packing, wrote_packed
from builder.code.writing.page import Page, indented, note_lines
from builder.code.writing.paths import tensor_path
from builder.code.writing.patterns import Path, Pattern, leaves
from builder.code.writing.reading import returns
from builder.code.writing.scope import Scope, rounds
from builder.code.writing.shapes import part_of, shape_text, tuple_type, type_text
from builder.code.writing.steps import Choice, Item, Return, Settle, Step, arrange
from builder.code.writing.typed import Types, says_tensor, with_type_said
from builder.code.writing.types import structure, value_type
from builder.code.writing.variables import UNREAD, name_variables
from builder.errors import CodeRefused, quote
from builder.graph.model import (
    OPAQUE,
    Node,
    Owner,
    Ref,
    Value,
    primary_input,
    with_refs,
)

RESULT = "result"


class ForwardWriter:
    """Writes one `forward`. `kept_settings`: the settings it read, once it is written.

    `joins`: what follows a layer at once may stand on its line. `unnamed`: nodes whose name means none
    of their value, by key.
    """

    def __init__(
        self,
        scope: Scope,
        scopes: Mapping[str, Scope],
        reserved: Iterable[str] = (),
        joins: bool = False,
        unnamed: Container[str] = (),
    ) -> None:
        self.joins = joins
        self.scope, self.scopes, self.graph = scope, scopes, scope.graph
        self.items = arrange(scope.graph)
        self.variables = name_variables(
            self.graph,
            self.items,
            {node_id: scope.result(node_id) for node_id in self.graph.nodes},
            reserved={
                *reserved,
                *names_of_packing(self.graph),
                *(s.class_name for s in scopes.values()),
            },
            part_name=self.part_name,
            carried=self.carried,
            gives_several=lambda node: isinstance(self.value(node.id), tuple),
            given=lambda node: "" if scope.key(node) in unnamed else given_name(node),
        )
        for node in self.graph.nodes.values():
            held = self.graph.held_by(node)
            if held is not None:
                path = str(node.arguments.get("name", ""))
                self.variables.names[node.id, ()] = self.tensor(held, path)
        self.types = Types()
        self.kept_settings: set[str] = set()

    def tensor(self, owner: Owner, path: str) -> str:
        """The expression for a tensor of an owner: `self.emb.weight`."""
        return tensor_path(self.scope, self.scopes, owner, path)

    def part_name(self, node: Node, path: Path) -> str:
        """What the catalogue calls a part of a result, or a block its output."""
        entry, owner = self.entry(node), self.graph.owner_of(node)
        if owner is not None and owner.block is not None:
            outputs = self.scopes[owner.block].graph.outputs
            return outputs[path[0]].name if path and path[0] < len(outputs) > 1 else ""
        if entry is None:
            return ""
        given = {**(owner.arguments if owner is not None else {}), **node.arguments}
        named = {part.path: part.name for part in catalogue.parts_of(entry, given)}
        return named.get(path, "")

    def carried(self, node: Node) -> int:
        return rounds(self.graph, node, self.scopes)

    def entry(self, node: Node) -> Entry | None:
        owner = self.graph.owner_of(node)
        if node.kind == "operation":
            return entry_for(node.target, node.name or node.id, "operation")
        if owner is None or owner.block is not None or owner.target == OPAQUE:
            return None
        return entry_for(owner.target, owner.name, "layer")

    def value(self, node_id: str) -> Value | None:
        """What a node gives, or how it hangs together where its shapes are not known."""
        known = self.scope.result(node_id)
        node = self.graph.nodes[node_id]
        if known is not None or node.kind not in ("layer", "operation"):
            return known
        return structure(self.entry(node), self.graph.owner_of(node), node)

    def setting(self, name: str) -> str:
        attribute = self.scope.parameter(name)
        self.kept_settings.add(name)
        return f"self.{attribute}"

    def in_training(self) -> str:
        """How the code asks whether it trains."""
        return in_module()

    def write(self) -> Page:
        """The whole method."""
        page = Page()
        inside, result = self.body(2)
        keys = [self.scope.key(n) for n in self.graph.inputs]
        page.write(definition("forward", ("self", *self.parameters()), result, 4), keys)
        page.append(inside)
        return page

    def parameters(self) -> list[str]:
        """`x: Tensor` for each input."""
        return [
            f"{self.variables.arguments[n.id]}: {type_text(self.scope.result(n.id))}"
            for n in self.graph.inputs
        ]

    def body(self, level: int) -> tuple[Page, str]:
        """What runs, and the type of what it gives."""
        *earlier, last = returns(self.items)
        said = self.type_of(last)
        result = " | ".join(dict.fromkeys([said, *(self.type_of(each) for each in earlier)]))
        if len(last.values) > 1:
            return self.lines(level), result
        name = self.variables.read(last.values[0])
        return with_type_said(self.lines, self.types, level, name, said), result

    def type_of(self, item: Return) -> str:
        """The type of what is returned at one place."""
        types = [value_type(ref, self.graph.nodes, self.value(ref.node)) for ref in item.values]
        return tuple_type(types) if len(types) > 1 else types[0]

    def lines(self, level: int) -> Page:
        """What runs."""
        inside = Page()
        self.types.start(self.variables.arguments.values())
        for node in self.graph.inputs:
            self.note(inside, node, level)
        if self.variables.alias:
            inside.write([f"{indented(level)}{self.variables.alias} = x"])
            self.types.settles(self.variables.alias, True)
        self.write_items(inside, self.items, level)
        return inside

    def write_items(self, page: Page, items: Sequence[Item], level: int) -> None:
        """Writes the items of one level."""
        place = 0
        while place < len(items):
            joined = write_joined(self, page, items, place, level) if self.joins else 0
            if not joined:
                self.write_item(page, items[place], level)
            place += joined or 1

    def write_item(self, page: Page, item: Item, level: int) -> None:
        """Writes one item."""
        match item:
            case Step(node=node):
                self.note(page, node, level)
                self.step(page, node, level)
            case Settle(branch=branch, value=value):
                self.settle(page, branch, value, level)
            case Choice():
                self.choice(page, item, level)
            case Return():
                self.give_back(page, item, level)

    def give_back(self, page: Page, item: Return, level: int) -> None:
        keys = [self.scope.key(n) for n in item.outputs]
        for node in item.outputs:
            self.note(page, node, level)
        read = tuple(self.variables.read(ref) for ref in item.values)
        # A part of what a layer gave, or what only one mode gives: of unknown type.
        early = item is not self.items[-1] and read[0] not in self.types.typed
        if len(read) == 1 and (read[0].endswith("]") or early):
            page.write(assignment(f"{RESULT}: {self.type_of(item)}", read[0], 4 * level), keys)
            read = (RESULT,)
        page.write(returned(read[0] if len(read) == 1 else tuple_of(read), 4 * level), keys)

    def note(self, page: Page, node: Node, level: int) -> None:
        """A person's note above the line it is about, as a comment that can be nothing else."""
        page.write(note_lines(node.note, level), [self.scope.key(node)])

    def step(self, page: Page, node: Node, level: int) -> None:
        if self.carried(node):
            self.loop(page, node, level)
            return
        if node.target == "operator.setitem":
            self.write_into(page, node, level)
            return
        if wrote_packed(self, page, node, level):
            return
        value = self.call_of(node, self.scope.member(node.target))
        target = self.target(self.variables.patterns[node.id], node)
        indent = 4 * level
        alone = target == UNREAD and isinstance(value, Group) and value.open.startswith("self.")
        lines = lay(value, indent) if alone else self.assign(page, target, value, indent, node)
        page.say(lines, self.comment(node), [self.scope.key(node)])

    def write_into(self, page: Page, node: Node, level: int) -> None:
        """`out[:, 0] = x`; what it gives is the tensor written into, under its own name or a new one."""
        taken, index_of, value = (node.arguments.get(n) for n in ("input", "index", "value"))
        if not isinstance(taken, Ref):
            raise CodeRefused(f"{quote(self.graph.label(node.id))} has nothing to write into yet.")

        def read(ref: Ref) -> str:
            return self.variables.read(ref, node.id)

        keys, name, source = [self.scope.key(node)], self.variables.names[node.id, ()], read(taken)
        part = indexed(source, index(index_of, read, self.setting))
        lines = assignment(part, argument(value, read, self.setting), 4 * level)
        page.say(lines, self.comment(node), keys)
        if name not in (source, UNREAD):
            page.write(self.assign(page, name, source, 4 * level, node), keys)

    def call_of(self, node: Node, function: str) -> Expression:
        def read(ref: Ref) -> str:
            return self.variables.read(ref, node.id)

        entry, owner = self.entry(node), self.graph.owner_of(node)
        if owner is not None and owner.target == OPAQUE:
            return called_own(node, function, read, self.setting)
        if entry is not None:
            return called(entry, node, function, read, self.setting, self.in_training)
        return call(function, *(read(ref) for ref in self.block_inputs(node)))

    def block_inputs(self, node: Node) -> list[Ref]:
        """What a block's call reads, in the order of the block's inputs."""
        owner = self.graph.owner_of(node)
        assert owner is not None
        assert owner.block is not None
        return block_inputs(self.graph, node, self.scopes[owner.block].graph)

    def target(self, pattern: Pattern, node: Node) -> Expression:
        if pattern is None:
            return UNREAD
        if isinstance(pattern, tuple):
            return self.variables.names[node.id, pattern]
        parts = [in_brackets(self.target(part, node)) for part in pattern]
        return Group("", tuple(parts), "")

    def assign(
        self, page: Page, target: Expression, value: Expression, indent: int, node: Node
    ) -> list[str]:
        """The lines of an assignment, with the type of a variable where that must be said."""
        known = self.says_tensor(node)
        for path in leaves(self.variables.patterns[node.id]):
            name = self.variables.names[node.id, path]
            target = self.types.said(page, name, target, indent, [self.scope.key(node)])
            self.types.settles(name, known)
        return assignment(target, value, indent)

    def says_tensor(self, node: Node) -> bool:
        """Whether what a node gives is a Tensor by torch's types."""
        if isinstance(self.value(node.id), tuple):
            return False
        taken = node.arguments.get("input")
        if node.target == "operator.setitem" and isinstance(taken, Ref):
            return self.variables.read(taken, node.id) in self.types.typed
        return says_tensor(
            self.entry(node), node, lambda ref: self.variables.read(ref, node.id), self.types.typed
        )

    def comment(self, node: Node, first: Node | None = None) -> str:
        """The shape of what a step gives, where it is another than that of what it takes.

        `first`: where steps stand on one line, the first of them.
        """
        value = self.scope.result_everywhere(node.id)
        if value is None:
            return ""
        taken = primary_input(with_refs(first or node, self.graph.resolve))
        if taken is not None and part_of(self.scope.result(taken.node), taken.path) == value:
            return ""
        named = [
            path
            for path in leaves(self.variables.patterns[node.id])
            if self.variables.names[node.id, path] != UNREAD
        ]
        shown = [shape_text(part_of(value, path)) for path in named]
        if len(shown) > 1 and len(set(shown)) == 1 and shown[0]:
            return f"{shown[0]} each"
        return ", ".join(shown) if all(shown) else ""

    # Loops and branches ------------------------------------------------------------------------

    def loop(self, page: Page, node: Node, level: int) -> None:
        """A repeated block with several values, or with shared weights."""
        owner = self.graph.owner_of(node)
        assert owner is not None
        indent = 4 * level
        keys = [self.scope.key(node)]
        taken = [self.variables.read(ref, node.id) for ref in self.block_inputs(node)]
        names = [self.variables.names[node.id, p] for p in leaves(self.variables.patterns[node.id])]
        for name, source in zip(names, taken, strict=False):
            if name != source:
                target = self.types.said(page, name, name, indent, keys)
                page.write(assignment(target, source, indent), keys)
            self.types.settles(name, source in self.types.typed and self.says_tensor(node))
        page.write([f"{' ' * indent}for {self.rounds_of(owner)}:"], keys)
        value = self.round_of(node, owner, [*names, *taken[len(names) :]])
        target_names: Expression = names[0] if len(names) == 1 else Group("", tuple(names), "")
        page.say(assignment(target_names, value, indent + 4), self.comment(node), keys)

    def rounds_of(self, owner: Owner) -> str:
        """What stands between `for` and the colon."""
        if owner.shared:
            return f"_ in range({owner.repeat})"
        return f"block in {self.scope.member(owner.id)}"

    def round_of(self, _node: Node, owner: Owner, arguments: list[str]) -> Expression:
        """The call in a loop."""
        return call(self.scope.member(owner.id) if owner.shared else "block", *arguments)

    def settle(self, page: Page, branch: Node, value: Ref, level: int) -> None:
        name = self.variables.names[branch.id, ()]
        source = self.variables.read(value, branch.id)
        if name in (source, UNREAD):
            return
        keys = [self.scope.key(branch)]
        target = self.types.said(page, name, name, 4 * level, keys)
        self.types.settles(name, source in self.types.typed)
        page.write(assignment(target, source, 4 * level), keys)

    def choice(self, page: Page, item: Choice, level: int) -> None:
        branches, asked, yes, no = self.reduced(item)
        if not yes:
            return
        for branch in branches:
            self.note(page, branch, level)
        keys = [self.scope.key(branch) for branch in branches]
        page.write(condition("if", asked, 4 * level), keys)
        before = self.types.typed
        self.write_items(page, yes, level + 1)
        after, self.types.typed = self.types.typed, before
        if no:
            page.write([f"{indented(level)}else:"], keys)
            self.write_items(page, no, level + 1)
        self.types.typed = after & self.types.typed

    def reduced(self, item: Choice) -> tuple[list[Node], Expression, list[Item], list[Item]]:
        """(branches, question, its items, items of the else): never an empty side before an else,
        never an `if` that only holds another one.
        """
        branches = list(item.branches)
        asked = question(self, item.condition, item.branches[-1] if item.branches else None)
        yes, no = ([i for i in side if self.says_something(i)] for side in item.sides)
        if not yes:
            asked, yes, no = negated(asked), no, yes
        only = yes[0] if len(yes) == 1 and not no else None
        if isinstance(only, Choice):
            inside, also, inner_yes, inner_no = self.reduced(only)
            if not inner_no:
                return [*branches, *inside], both(asked, also), inner_yes, []
        return branches, asked, yes, no

    def says_something(self, item: Item) -> bool:
        """Whether an item takes a line."""
        if isinstance(item, Settle):
            name = self.variables.names[item.branch.id, ()]
            return name not in (self.variables.read(item.value, item.branch.id), UNREAD)
        if isinstance(item, Choice):
            return any(self.says_something(inner) for side in item.sides for inner in side)
        return True
