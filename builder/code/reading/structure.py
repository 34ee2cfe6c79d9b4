"""From a trace to a graph: modules become blocks, equal ones in a row repeats, the rest stands where it is."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import Any

from builder.code.reading.closed import Closed, Tree
from builder.code.reading.effects import settle_in_place
from builder.code.reading.given import differs, given_by, with_ends
from builder.code.reading.gradients import end_gradients
from builder.code.reading.keys import loses_names, tell_other_names, with_names_that_can_be
from builder.code.reading.placing import Placed, Scope
from builder.code.reading.reader import Reader
from builder.code.reading.repeating import Run, runs_in
from builder.code.reading.running_order import RunningOrder
from builder.code.reading.trace import Frame, Layer, Module, Raw, Step, Trace
from builder.code.reading.tying import tie_all
from builder.code.reading.unheld import draw_always
from builder.errors import CodeRefused
from builder.graph.model import BLOCK_PREFIX, Argument, Graph, Node, Owner, Ref, TensorSpec
from builder.graph.names import class_name, suggest_name

Position = tuple[int, int, int, int]
"""First line, first column, last line, last column, as `ast` counts them."""


@dataclass
class Built:
    """The graph, and where in the text each node stands: (block or "", node) → positions."""

    graph: Graph
    lines: dict[tuple[str, str], list[Position]] = field(default_factory=dict)


def build(reader: Reader, root: Module, frame: Frame, name: str) -> Built:
    """The graph of what ran in `frame`, the call of the network."""
    built = _Builder(reader, root, frame).build(name)
    tell_other_names(reader, built.graph)
    return Built(*with_names_that_can_be(built.graph, built.lines))


class _Opened(Exception):
    """A module turned out to be no block, so that all is placed anew."""


class _Builder:
    def __init__(self, reader: Reader, root: Module, frame: Frame) -> None:
        self.reader, self.trace, self.root, self.frame = reader, reader.trace, root, frame
        self.tree = Tree(root)
        draw_always(reader, self.tree)
        several = given_by(reader, frame) if differs(frame.result) else []
        end_gradients(reader, frame)
        self.given = with_ends(several, frame) if several else given_by(reader, frame)
        self.closed = Closed(self.trace, self.tree, frame)
        settle_in_place(reader, self.closed)
        self.running = RunningOrder(reader, self.closed)
        self.unlike: list[CodeRefused] = []
        self.blocks: dict[str, Graph] = {}
        self.keys: dict[str, str] = {}
        self.wishes: dict[str, str] = {}
        self.of_class: set[str] = set()
        self.lines: dict[tuple[str, str], list[Position]] = {}
        self.classes: set[str] = set()
        self.calls: dict[int, int] = {}
        self.owned = {path.rpartition(".")[2] for path in self.tree.paths.values()}

    def build(self, name: str) -> Built:
        title = class_name(name)
        self.classes.add(title)
        while True:
            before = set(self.closed.open)
            self.blocks, self.keys, self.lines, self.calls = {}, {}, {}, {}
            self.classes, self.unlike = {title}, []
            try:
                placed = self.place(self.root, self.frame)
            except _Opened:
                continue
            if self.closed.open == before:
                break
        if self.unlike:
            raise min(self.unlike, key=lambda refusal: refusal.line or 0)
        graph = replace(placed.graph, name=title, blocks=self.used(placed.graph))
        for node, positions in placed.lines.items():
            self.lines["", node] = positions
        return self.renamed(graph)

    def renamed(self, graph: Graph) -> Built:
        """Blocks that were only tried leave their names to those that stayed."""
        names: dict[str, str] = {}
        for block in sorted(graph.blocks, key=lambda name: name not in self.of_class):
            wish = self.wishes.get(block, block)
            names[block] = suggest_name(wish, {graph.name, *self.owned, *names.values()})
        if all(old == new for old, new in names.items()):
            return Built(graph, self.lines)
        blocks = {
            names[old]: replace(_with_names(block, names), name=names[old])
            for old, block in graph.blocks.items()
        }
        lines = {(names.get(block, block), node): at for (block, node), at in self.lines.items()}
        return Built(replace(_with_names(graph, names), blocks=blocks), lines)

    def used(self, graph: Graph) -> dict[str, Graph]:
        """The blocks that the network uses; some were only tried."""
        found: set[str] = set()
        waiting = [o.uses for o in graph.owners.values() if o.uses]
        while waiting:
            name = waiting.pop()
            if name is not None and name not in found:
                found.add(name)
                waiting += [o.uses for o in self.blocks[name].owners.values() if o.uses]
        return {name: block for name, block in self.blocks.items() if name in found}

    # One graph -----------------------------------------------------------------------------------

    def place(self, module: Module, frame: Frame) -> Placed:
        """The graph of one module's call."""
        scope = Scope(self.reader, self.tree, module, frame, self.root is module, builder=self)
        items = self.flattened(frame)
        scope.reserve(items, self.closed)
        for entering in frame.inputs:
            scope.add_input(entering)
        runs = runs_in(items, self.tree, self.closed, self.trace, scope.outer)
        at = 0
        while at < len(items):
            run = runs.get(at)
            if run is not None and self.repeat(scope, run):
                at += run.length
                continue
            item = items[at]
            if isinstance(item, Step):
                self.step(scope, item)
            else:
                self.block_call(scope, item)
            at += 1
        self.outputs(scope, frame)
        self.uncalled(scope)
        tie_all(self.reader, self.tree, scope)
        self.in_order(scope)
        unlike = self.running.difference(frame, scope.nodes, scope.origins)
        self.unlike += [unlike] if unlike is not None else []
        return scope.placed()

    def in_order(self, scope: Scope) -> None:
        """Owners as the text makes them: so `parameters()` and the `state_dict` have its order."""
        places = {path: at for at, path in enumerate(self.tree.paths_inside(scope.module))}
        last = len(places)
        order = sorted(scope.owners.values(), key=lambda o: places.get(o.name, last))
        scope.owners = {owner.id: owner for owner in order}

    def flattened(self, frame: Frame) -> list[Step | Frame]:
        """What runs at this level: modules that are no blocks are opened."""
        found: list[Step | Frame] = []
        for item in frame.items:
            if isinstance(item, Step):
                if item.id in self.closed.kept:
                    found.append(item)
            elif self.closed.is_block(item.module):
                found.append(item)
            else:
                found.extend(self.flattened(item))
        return found

    def step(self, scope: Scope, step: Step) -> None:
        if step.kind == "layer":
            assert isinstance(step.owner, Layer)
            owner = scope.owner_of_layer(step)
            scope.add_layer(step, owner)
        elif step.kind == "weight":
            scope.add_weight(step)
        else:
            scope.add_step(step)

    # Blocks --------------------------------------------------------------------------------------

    def block_call(self, scope: Scope, frame: Frame) -> None:
        """A call of a module that is a block."""
        module = frame.module
        assert module is not None
        block, inner = self.block_of(frame)
        if self.is_handed_nothing(scope, frame):
            self.closed.open.add(id(module))
            raise _Opened
        name = self.tree.relative(module, scope.module)
        arguments = self.arguments(scope, inner, block)
        scope.add_owner(Owner(name, name, BLOCK_PREFIX + block, arguments), module)
        scope.add_block_call(frame, name, self.blocks[block])

    def is_handed_nothing(self, scope: Scope, frame: Frame) -> bool:
        """Whether a call is given a tensor that nothing reads, so that it is not made here."""
        outer = [scope.outer(entering.outer).node for entering in frame.inputs]
        made = [self.trace.steps[node] for node in outer if node in self.trace.steps]
        return any(
            step.id not in self.closed.kept and step.frame is not self.trace.making for step in made
        )

    def block_of(self, frame: Frame) -> tuple[str, Placed]:
        """The block for a call, made or found. Raises _Opened where the module cannot be one."""
        module = frame.module
        assert module is not None
        inner = self.place(module, frame)
        if loses_names(inner.graph):  # as “0” beside “norm”: dotted, they can stay
            self.closed.open.add(id(module))
            raise _Opened
        key = repr(inner.graph)
        known = self.calls.setdefault(id(module), hash(key))
        if known != hash(key):  # called twice, and not alike
            self.closed.open.add(id(module))
            raise _Opened
        if key not in self.keys:
            wish = self.wish(module)
            taken = {*self.classes, *self.owned}
            name = suggest_name(class_name(wish), taken)
            self.classes.add(name)
            self.wishes[name] = class_name(wish)
            if module.cls is not None:  # those of the text are called as there, before others
                self.of_class.add(name)
            self.keys[key] = name
            self.blocks[name] = replace(inner.graph, name=name)
            for node, positions in inner.lines.items():
                self.lines[name, node] = positions
        return self.keys[key], inner

    def wish(self, module: Module) -> str:
        if module.cls is not None:
            return module.cls.name
        if module.does is not None:
            return module.does.name
        parts = [p for p in self.tree.paths[id(module)].split(".") if not p.isdigit()]
        return parts[-1] if parts else "Stage"

    def arguments(self, scope: Scope, inner: Placed, block: str) -> dict[str, Argument]:
        """What a block is made with, where that is not its default."""
        found: dict[str, Argument] = {}
        defaults = self.blocks[block].settings
        for name, key in inner.settings.items():
            given = scope.setting_from_outside(key)
            default = defaults.get(name)
            if type(given) is not type(default) or given != default:
                found[name] = given
        return found

    def repeat(self, scope: Scope, run: Run) -> bool:
        """Equal blocks in a row as one repeated; False where they are not equal after all."""
        made = [self.block_of(frame) for frame in run.frames]
        block = made[0][0]
        if any(m[0] != block for m in made) or self.is_handed_nothing(scope, run.frames[0]):
            return False
        each = [self.arguments(scope, inner, block) for _, inner in made]
        if any(repr(arguments) != repr(each[0]) for arguments in each):
            return False
        graph = self.blocks[block]
        if len(graph.outputs) > len(graph.inputs):
            return False
        name = self.tree.relative(run.container, scope.module)
        scope.add_owner(
            Owner(name, name, BLOCK_PREFIX + block, each[0], repeat=len(run.frames)), run.container
        )
        scope.add_repeat(run, name, graph)
        return True

    # Ends ----------------------------------------------------------------------------------------

    def outputs(self, scope: Scope, frame: Frame) -> None:
        if scope.is_root:
            for each in self.given:
                wish = each.key or self.wished(each.variable, each.ref)
                scope.add_output(wish, each.ref, each.when)
            return
        for ref in frame.exports:
            scope.add_output("", ref)

    def wished(self, variable: str, ref: Ref) -> str:
        """A variable is an output's name where a layer of another name gives it."""
        step = self.trace.steps.get(ref.node)
        entering = [each.name for each in self.frame.inputs]
        if not variable or step is None or variable in entering:  # `x`, as what it once was
            return ""
        given_by: Any = step.owner if step.kind == "layer" else None
        frame: Frame | None = step.frame
        while frame is not None and frame is not self.frame:  # of the module that it is called in
            given_by, frame = frame.module, frame.parent
        if given_by is None or frame is None:
            return ""
        name = self.tree.paths.get(id(given_by), "")
        again = variable.removeprefix(f"{name}_")  # the second call of a layer is called so anyway
        return "" if variable == name or again.isdecimal() else variable

    def uncalled(self, scope: Scope) -> None:
        """Layers that are made and never called: their weights stand in the state_dict."""
        for path, member in self.tree.inside(scope.module):
            around = self.tree.around(member)
            if not scope.is_root and scope.module not in around:
                continue
            inner = around[: around.index(scope.module)] if scope.module in around else around
            if any(id(m) in scope.owners_of_blocks for m in inner):
                continue
            if id(member) not in scope.known_members:
                scope.add_uncalled(path, member)


def _with_names(graph: Graph, names: dict[str, str]) -> Graph:
    """A graph whose owners use blocks by other names."""
    owners = {}
    for key, owner in graph.owners.items():
        if owner.uses in names:
            owner = replace(owner, target=BLOCK_PREFIX + names[owner.uses])
        made_by = owner.arguments.get("made_by")
        if isinstance(made_by, str) and made_by in names:
            owner = replace(owner, arguments={**owner.arguments, "made_by": names[made_by]})
        owners[key] = owner
    return replace(graph, owners=owners)


def position_of(node: ast.AST | None) -> Position | None:
    """Where a piece of the text stands."""
    if node is None or not hasattr(node, "lineno"):
        return None
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0)  # type: ignore[attr-defined]


__all__ = ["Built", "Node", "Raw", "TensorSpec", "Trace", "build", "position_of"]
