"""One class of the module style: `__init__` with the layers, `forward` with what runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.code.writing.calls import called, constructed, entry_for
from builder.code.writing.layout import (
    Each,
    Expression,
    Group,
    Infix,
    Prefixed,
    assignment,
    call,
    condition,
    definition,
    flat,
    lay,
    returned,
    tuple_of,
)
from builder.code.writing.literals import argument, constant, keyword
from builder.code.writing.page import Page, indented
from builder.code.writing.scopes import BlockSize, LayerSize, Scope, Size, sizes_of
from builder.code.writing.shapes import part_of, shape_text, summary, tuple_type, type_text
from builder.code.writing.steps import Choice, Item, Return, Settle, Step, arrange
from builder.code.writing.variables import (
    UNREAD,
    Path,
    Pattern,
    Variables,
    leaves,
    name_variables,
)
from builder.errors import CodeRefused, quote
from builder.graph.model import (
    Argument,
    Compare,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Training,
    Value,
    iter_refs,
    primary_input,
    with_refs,
)

_FEW = 3  # equal blocks in a row that are written as a loop


def write_class(scope: Scope, scopes: Mapping[str, Scope]) -> Page:
    """The class of a scope, with its source map."""
    return _ClassWriter(scope, scopes).write()


class _ClassWriter:
    def __init__(self, scope: Scope, scopes: Mapping[str, Scope]) -> None:
        self.scope, self.scopes, self.graph = scope, scopes, scope.graph
        self.page = Page()
        self.items = arrange(scope.graph)
        self.variables = name_variables(
            self.graph,
            self.items,
            {node_id: self.result(node_id) for node_id in self.graph.nodes},
            reserved={s.class_name for s in scopes.values()},
            part_name=self.part_name,
            carried=self.carried,
        )
        self.declared: set[str] = set(self.variables.arguments.values())
        self.used_settings: set[str] = set()

    def write(self) -> Page:
        forward = self.forward()
        self.page.write([f"class {self.scope.class_name}(nn.Module):"])
        self.page.write([f'    """{self.docstring()}"""', ""])
        self.constructor()
        self.page.append(forward)
        return self.page

    # What is known -----------------------------------------------------------------------------

    def result(self, node_id: str) -> Value | None:
        report = self.scope.report(node_id)
        return report.result if report is not None else None

    def result_everywhere(self, node_id: str) -> Value | None:
        """A node's shape where it is the same at every use of the class."""
        def look(run: object) -> object:
            report = run.nodes.get(node_id)  # type: ignore[attr-defined]
            return report.result if report is not None else None

        return self.result(node_id) if self.scope.in_every_run(look) else None

    def part_name(self, node: Node, path: Path) -> str:
        entry = self.entry(node)
        if entry is None:
            return ""
        owner = self.graph.owner_of(node)
        given = {**(owner.arguments if owner is not None else {}), **node.arguments}
        named = {part.path: part.name for part in catalogue.parts_of(entry, given)}
        return named.get(path, "")

    def carried(self, node: Node) -> int:
        """How many values go round where a node is written as a loop, else 0."""
        owner = self.graph.owner_of(node)
        if owner is None or owner.block is None or owner.repeat == 1:
            return 0
        inner = self.scopes[owner.block].graph
        if not owner.shared and len(inner.inputs) == 1 and len(inner.outputs) == 1:
            return 0  # an nn.Sequential
        if len(inner.outputs) > len(inner.inputs):
            raise CodeRefused(
                f"{quote(self.graph.label(node.id))} gives {len(inner.outputs)} values but takes "
                f"{len(inner.inputs)}, so it cannot be repeated."
            )
        return len(inner.outputs)

    def entry(self, node: Node) -> Entry | None:
        owner = self.graph.owner_of(node)
        if node.kind == "operation":
            return entry_for(node.target, node.name or node.id, "operation")
        if owner is None or owner.block is not None:
            return None
        return entry_for(owner.target, owner.name, "layer")

    def key(self, node: Node) -> str:
        return f"{self.scope.block}/{node.id}" if self.scope.block else node.id

    def docstring(self) -> str:
        inputs = [
            (self.variables.arguments[n.id], self.result_everywhere(n.id)) for n in self.graph.inputs
        ]
        outputs = [self.result_everywhere(node.id) for node in self.graph.outputs]
        root = self.scopes[""].class_name
        otherwise = f"A block of {root}." if self.scope.block else "A network built with Layerwise."
        return summary(inputs, outputs, otherwise)

    # __init__ ----------------------------------------------------------------------------------

    def constructor(self) -> None:
        owners = self.scope.owners
        if not owners and not self.graph.settings:
            return
        page = self.page
        page.write(definition("__init__", ("self", *self.parameters()), "None", 4))
        page.write([f"{indented(2)}super().__init__()"])
        for setting, name in self.scope.settings.items():
            if setting in self.used_settings:
                page.write([f"{indented(2)}self.{name} = {name}"])
        for owner, node in owners:
            keys = [self.key(n) for n in self.graph.calls_of(owner.id) if not n.bypassed]
            attribute = f"self.{self.scope.attributes[owner.id]}"
            page.write(assignment(attribute, self.made(owner, node), 8), keys)
            if owner.frozen and self.has_weights(node):
                page.write(lay(call(f"{attribute}.requires_grad_", "False"), 8), keys)
        page.write([""])

    def has_weights(self, node: Node) -> bool:
        report = self.scope.report(node.id)
        return report is None or report.parameters > 0

    def parameters(self) -> list[str]:
        """`in_channels: int`, `use_skip: bool = True`."""
        found = []
        for name, size in self.scope.sizes.items():
            values = [size.value(use) for use in self.scope.uses]
            found.append(f"{name}: {_type_of(values)}")
        for setting, name in self.scope.settings.items():
            default = self.graph.settings[setting]
            values = [default, *(use.settings.get(setting) for use in self.scope.uses)]
            hint = _type_of([v for v in values if v is not None])
            hint = hint if default is not None or hint == "Any" else f"{hint} | None"
            found.append(f"{name}: {hint} = {flat(constant(default))}")
        return found

    def made(self, owner: Owner, node: Node) -> Expression:
        """What an owner's attribute is set to."""
        if owner.block is None:
            entry = entry_for(owner.target, owner.name, "layer")
            return constructed(entry, self.constructor_arguments(owner, node, entry), owner.name)
        inner = self.scopes[owner.block]
        if owner.repeat == 1 or owner.shared:
            return self.block_made(owner, node, inner, 0)
        blocks = [self.block_made(owner, node, inner, i) for i in range(owner.repeat)]
        container = "nn.ModuleList" if self.carried(node) else "nn.Sequential"
        return _container(container, blocks)

    def constructor_arguments(self, owner: Owner, node: Node, entry: Entry) -> dict[str, Expression]:
        report = self.scope.report(node.id)
        found: dict[str, Expression] = {}
        stray = next((n for n in owner.arguments if entry.parameter(n) is None), None)
        if stray is not None:
            raise CodeRefused(f"{entry.name} {quote(owner.name)} takes no argument {quote(stray)}.")
        for name, value in owner.arguments.items():
            parameter = entry.parameter(name)
            found[name] = argument(value, _no_reference, self.setting_name, parameter)
        for name in report.inferred if report is not None else ():
            if name not in found and report is not None and name in report.arguments:
                variable = self.scope.variable.get(LayerSize(node.id, name))
                found[name] = variable or constant(report.arguments[name], entry.parameter(name))
        return found

    def block_made(self, owner: Owner, node: Node, inner: Scope, repetition: int) -> Expression:
        items: list[Expression] = []
        for size in inner.sizes.values():
            outer: Size = BlockSize(node.id, repetition, size)
            variable = self.scope.variable.get(outer)
            items.append(variable or constant(outer.value(self.scope.uses[0])))
        for setting, value in owner.arguments.items():
            if setting not in inner.settings:
                raise CodeRefused(
                    f"{quote(owner.name)} sets {quote(setting)}, which its block does not have."
                )
            written = argument(value, _no_reference, self.setting_name)
            if flat(written) != flat(constant(inner.graph.settings[setting])):
                items.append(keyword(inner.settings[setting], written))
        return call(inner.class_name, *items)

    def setting_name(self, name: str) -> str:
        """A setting inside `__init__`."""
        if name not in self.scope.settings:
            raise CodeRefused(f"There is no setting {quote(name)} here. Add it, or choose a value.")
        return self.scope.settings[name]

    def setting_kept(self, name: str) -> str:
        """A setting inside `forward`."""
        attribute = self.setting_name(name)
        self.used_settings.add(name)
        return f"self.{attribute}"

    # forward -----------------------------------------------------------------------------------

    def forward(self) -> Page:
        page = Page()
        last = self.items[-1]
        assert isinstance(last, Return)
        results = [part_of(self.result(ref.node), ref.path) for ref in last.values]
        types = [type_text(result) for result in results]
        if len(types) == 1:
            self.hint = {self.variables.read(last.values[0]): types[0]}
        else:
            self.hint = {}
        parameters = [
            f"{self.variables.arguments[n.id]}: {type_text(self.result(n.id))}"
            for n in self.graph.inputs
        ]
        result = types[0] if len(types) == 1 else tuple_type(types)
        keys = [self.key(n) for n in self.graph.inputs]
        page.write(definition("forward", ("self", *parameters), result, 4), keys)
        if self.variables.alias:
            page.write([f"{indented(2)}{self.variables.alias} = x"])
        self.write_items(page, self.items, 2)
        return page

    def write_items(self, page: Page, items: tuple[Item, ...], level: int) -> int:
        """Writes the items of one level and returns how many lines that took."""
        before = len(page.lines)
        for item in items:
            match item:
                case Step(node=node):
                    self.step(page, node, level)
                case Settle(branch=branch, value=value):
                    self.settle(page, branch, value, level)
                case Choice():
                    self.choice(page, item, level)
                case Return(values=values):
                    read = tuple(self.variables.read(ref) for ref in values)
                    value = read[0] if len(read) == 1 else tuple_of(read)
                    keys = [self.key(n) for n in self.graph.outputs]
                    page.write(returned(value, 4 * level), keys)
        return len(page.lines) - before

    def step(self, page: Page, node: Node, level: int) -> None:
        if self.carried(node):
            self.loop(page, node, level)
            return
        value = self.call_of(node, f"self.{self.attribute(node)}")
        target = self.target(self.variables.patterns[node.id], node)
        indent = 4 * level
        if target == UNREAD and isinstance(value, Group) and value.open.startswith("self."):
            lines = lay(value, indent)
        else:
            lines = self.assign(page, target, value, indent, node)
        page.say(lines, self.comment(node), [self.key(node)])

    def attribute(self, node: Node) -> str:
        return self.scope.attributes.get(node.target, "")

    def call_of(self, node: Node, function: str) -> Expression:
        def read(ref: Ref) -> str:
            return self.variables.read(ref, node.id)

        entry = self.entry(node)
        if entry is not None:
            return called(entry, node, function, read, self.setting_kept)
        return call(function, *(read(ref) for ref in self.block_inputs(node)))

    def block_inputs(self, node: Node) -> list[Ref]:
        """What a block's call reads, in the order of the block's inputs."""
        owner = self.graph.owner_of(node)
        assert owner is not None
        assert owner.block is not None
        found = []
        for port in self.scopes[owner.block].graph.inputs:
            given = node.arguments.get(port.name or port.id, node.arguments.get(port.id))
            if not isinstance(given, Ref):
                raise CodeRefused(
                    f"{quote(self.graph.label(node.id))} has nothing at {quote(port.name or port.id)} "
                    "yet. Choose what it reads there."
                )
            found.append(given)
        return found

    def target(self, pattern: Pattern, node: Node) -> Expression:
        if pattern is None:
            return UNREAD
        if isinstance(pattern, tuple):
            return self.variables.names[node.id, pattern]
        parts = [flat(_in_brackets(self.target(part, node))) for part in pattern]
        return Group("", tuple(parts), "")

    def assign(
        self, page: Page, target: Expression, value: Expression, indent: int, node: Node
    ) -> list[str]:
        """The lines of an assignment. A returned variable that a layer makes gets its type said."""
        names = [self.variables.names[node.id, p] for p in leaves(self.variables.patterns[node.id])]
        for name in names:
            if name in self.declared or name not in self.hint:
                continue
            if isinstance(target, str):
                target = f"{name}: {self.hint[name]}"
            else:
                page.write([f"{' ' * indent}{name}: {self.hint[name]}"], [self.key(node)])
        self.declared.update(names)
        return assignment(target, value, indent)

    def comment(self, node: Node) -> str:
        """The shape of what a step gives, where it is another than that of what it takes."""
        value = self.result_everywhere(node.id)
        if value is None:
            return ""
        taken = primary_input(with_refs(node, self.graph.resolve))
        if taken is not None and part_of(self.result(taken.node), taken.path) == value:
            return ""
        named = [
            path
            for path in leaves(self.variables.patterns[node.id])
            if self.variables.names[node.id, path] != UNREAD
        ]
        shown = [shape_text(part_of(value, path)) for path in named]
        return ", ".join(shown) if all(shown) else ""

    # Loops and branches ------------------------------------------------------------------------

    def loop(self, page: Page, node: Node, level: int) -> None:
        """A repeated block with several values, or with shared weights."""
        owner = self.graph.owner_of(node)
        assert owner is not None
        indent = 4 * level
        keys = [self.key(node)]
        taken = [self.variables.read(ref, node.id) for ref in self.block_inputs(node)]
        names = [self.variables.names[node.id, p] for p in leaves(self.variables.patterns[node.id])]
        for name, source in zip(names, taken, strict=False):
            if name != source:
                target = f"{name}: {self.hint[name]}" if name in self.hint and name not in self.declared else name
                page.write(assignment(target, source, indent), keys)
            self.declared.add(name)
        attribute = f"self.{self.attribute(node)}"
        header = f"for block in {attribute}:"
        if owner.shared:
            header = f"for _ in range({owner.repeat}):"
        page.write([f"{' ' * indent}{header}"], keys)
        arguments = [*names, *taken[len(names) :]]
        value = call(attribute if owner.shared else "block", *arguments)
        target_names: Expression = names[0] if len(names) == 1 else Group("", tuple(names), "")
        page.say(assignment(target_names, value, indent + 4), self.comment(node), keys)

    def settle(self, page: Page, branch: Node, value: Ref, level: int) -> None:
        name = self.variables.names[branch.id, ()]
        source = self.variables.read(value, branch.id)
        if name == source or name == UNREAD:
            return
        target = name
        if name in self.hint and name not in self.declared:
            target = f"{name}: {self.hint[name]}"
        self.declared.add(name)
        page.write(assignment(target, source, 4 * level), [self.key(branch)])

    def choice(self, page: Page, item: Choice, level: int) -> None:
        indent = 4 * level
        keys = [self.key(branch) for branch in item.branches]
        sides = [Page(), Page()]
        asked = self.question(item.condition, item.branches[-1])
        for side, items in zip(sides, item.sides, strict=True):
            self.write_items(side, items, level + 1)
        yes, no = sides
        if yes.lines:
            page.write(condition("if", asked, indent), keys)
            page.append(yes)
            if no.lines:
                page.write([f"{' ' * indent}else:"], keys)
                page.append(no)
        elif no.lines:
            page.write(condition("if", Prefixed("not ", asked), indent), keys)
            page.append(no)

    def question(self, asked: Argument, branch: Node) -> Expression:
        match asked:
            case Training():
                return "self.training"
            case Setting(name=name):
                return self.setting_kept(name)
            case Compare(op=op, left=left, right=right):
                if op not in ("<", "<=", ">", ">=", "==", "!="):
                    raise CodeRefused(f"A branch compares with {quote(op)}, which is no comparison.")
                sides = [
                    argument(side, lambda ref: self.variables.read(ref, branch.id), self.setting_kept)
                    for side in (left, right)
                ]
                return Infix((sides[0], sides[1]), (op,))
            case _:
                raise CodeRefused(
                    f"The branch {quote(self.graph.label(branch.id))} has no condition yet. Choose "
                    "training mode, a setting, or a comparison."
                )


def _in_brackets(target: Expression) -> Expression:
    return Group("(", target.items) if isinstance(target, Group) else target


def _container(name: str, blocks: list[Expression]) -> Expression:
    """`nn.Sequential(*(Block(16) for _ in range(3)))`; blocks that differ stand one by one."""
    runs = [(block, len(list(same))) for block, same in groupby(blocks, key=flat)]
    items: list[Expression] = []
    for block, count in runs:
        if count < _FEW and len(runs) > 1 or count == 1:
            items.extend([block] * count)
        else:
            items.append(Each(block, f"for _ in range({count})"))
    if len(items) == 1 and name == "nn.ModuleList":
        return call(name, *items)
    items = [Prefixed("*", Group("(", (i,))) if isinstance(i, Each) else i for i in items]
    if name == "nn.ModuleList":
        return call(name, Group("[", tuple(items), "]", literal=True))
    return call(name, *items)


def _no_reference(_ref: Ref) -> str:
    raise CodeRefused("A layer is constructed before anything runs, so it cannot read a value.")


def _type_of(values: list[Argument]) -> str:
    kinds = {type(value).__name__ for value in values}
    if kinds == {"int", "float"}:
        return "float"
    if kinds == {"tuple"}:
        return "tuple[int, ...]" if all(_all_int(v) for v in values) else "tuple[float, ...]"
    return kinds.pop() if len(kinds) == 1 and kinds <= {"bool", "int", "float", "str"} else "Any"


def _all_int(value: Argument) -> bool:
    return isinstance(value, tuple) and all(isinstance(v, int) for v in value)


def owner_order(graph: Graph) -> list[Owner]:
    """Owners in the order their layers are made: that of their first call."""
    return [owner for owner, _ in Scope(graph, "", "").owners]


__all__ = ["iter_refs", "owner_order", "sizes_of", "write_class"]
