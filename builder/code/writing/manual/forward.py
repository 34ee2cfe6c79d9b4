"""`def forward(x: Tensor) -> Tensor`: what runs, by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from builder import catalogue
from builder.catalogue.entry import Entry
from builder.catalogue.packing import LENGTHS, packs
from builder.code.writing.calls import FUNCTIONAL
from builder.code.writing.constructor import setting_types
from builder.code.writing.counterparts import COUNTERPARTS, copied
from builder.code.writing.docstrings import docstring
from builder.code.writing.forward import ForwardWriter
from builder.code.writing.layout import Expression, call, definition
from builder.code.writing.literals import argument, constant, keyword
from builder.code.writing.manual.plan import OWN, TRAINING, Plan, path_of
from builder.code.writing.manual.recipe import RECIPES, Called
from builder.code.writing.manual.refusals import Refusals
from builder.code.writing.page import Page
from builder.code.writing.scope import Scope, rounds
from builder.code.writing.steps import Item, Step
from builder.errors import CodeRefused
from builder.graph.model import Argument, Node, Owner, Ref, Value, refs_in

_IN_PLACE = "inplace"
_MAY_GIVE_WHAT_IT_READS = ("Identity", "Pad1d", "Pad2d", "Pad3d")
_MAY_BE_THE_SAME = frozenset(
    f"torch.nn.{name}" for name in ("Flatten", "Identity", "Unflatten", "Dropout")
)
"""Layers that may give what they read, as it is."""


class FunctionWriter(ForwardWriter):
    """Writes one function. Fills in what its plan says of it: `kept` and `trains`."""

    def __init__(
        self,
        plan: Plan,
        plans: Mapping[str, Plan],
        scopes: Mapping[str, Scope],
        helpers: set[str],
        refusals: Refusals,
        reserved: Iterable[str],
    ) -> None:
        self.plan, self.plans, self.helpers, self.refusals = plan, plans, helpers, refusals
        super().__init__(plan.scope, scopes, reserved)

    def write(self) -> Page:
        """The whole function."""
        page = Page()
        inside, result = self.body(1)
        parameters = self.parameters()
        if not self.plan.is_root:
            parameters += [f"{OWN}: {self.plan.class_name}"] if self.plan.tensors else []
            types = setting_types(self.scope)
            parameters += [f"{name}: {types[name]}" for name in self.plan.kept]
        if self.plan.trains:
            parameters.append(f"{TRAINING}: bool{' = False' if self.plan.is_root else ''}")
        keys = [self.scope.key(n) for n in self.graph.inputs]
        page.write(definition(self.plan.function, tuple(parameters), result, 0), keys)
        page.write([f'    """{self.docstring()}"""'])
        page.append(inside)
        return page

    def docstring(self) -> str:
        block = f"What one {self.plan.class_name} computes."
        otherwise = block if self.scope.block else "The network."
        return docstring(self.scope, self.variables.arguments, otherwise)

    # What is spelled otherwise than in a class --------------------------------------------------

    def tensor(self, owner: Owner, path: str) -> str:
        return path_of(self.plan, self.plans, owner, path)

    def in_training(self) -> str:
        self.plan.trains = True
        return TRAINING

    def setting(self, name: str) -> str:
        written = self.scope.parameter(name)
        if written not in self.plan.kept:
            self.plan.kept.append(written)
        return written

    def carried(self, node: Node) -> int:
        """A repeated block is a loop, also where a class would have an nn.Sequential."""
        owner = self.graph.owner_of(node)
        repeated = owner is not None and owner.block is not None and owner.repeat > 1
        return rounds(self.graph, node, self.scopes) or int(repeated)

    def rounds_of(self, owner: Owner) -> str:
        if owner.shared or (owner.id, "") not in self.plan.tensors:
            return f"_ in range({owner.repeat})"
        return f"block in {self.plan.named(owner)}"

    def round_of(self, node: Node, owner: Owner, arguments: list[str]) -> Expression:
        own = "block"
        if owner.shared and (owner.id, "") in self.plan.tensors:
            own = self.plan.named(owner)
        return self.block_call(node, owner, arguments, own)

    def says_tensor(self, node: Node) -> bool:
        """The functions here say their types."""
        return node.kind == "layer" or super().says_tensor(node)

    def says_something(self, item: Item) -> bool:
        return super().says_something(item) and not (
            isinstance(item, Step) and self.is_silent(item.node)
        )

    def step(self, page: Page, node: Node, level: int) -> None:
        if node.arguments.get(LENGTHS) is not None and packs(self.entry(node)):
            self.call_of(node, "")  # refused, beside all else that is
        elif not self.is_silent(node):
            super().step(page, node, level)

    def is_silent(self, node: Node) -> bool:
        """Whether a layer that gives what it reads would be written `x = x`."""
        owner = self.graph.owner_of(node)
        if owner is None or not owner.target.endswith(_MAY_GIVE_WHAT_IT_READS):
            return False
        return self.call_of(node, "") == self.target(self.variables.patterns[node.id], node)

    # Calls --------------------------------------------------------------------------------------

    def call_of(self, node: Node, function: str) -> Expression:
        owner = self.graph.owner_of(node)
        if owner is None:
            return self.operation(node) or super().call_of(node, function)
        if owner.block is not None:
            inputs = [self.variables.read(ref, node.id) for ref in self.block_inputs(node)]
            named = (owner.id, "") in self.plan.tensors
            return self.block_call(node, owner, inputs, self.plan.named(owner) if named else "")
        recipe, entry = RECIPES.get(owner.target), self.entry(node)
        if recipe is None or entry is None or owner.id in self.refusals.owners:
            self.refusals.add(owner)
            return "x"
        try:
            if owner.arguments.get(_IN_PLACE) is True and self.is_read_elsewhere(node):
                raise CodeRefused("it writes over a value that others read (inplace)")
            if node.arguments.get("need_weights", True) is not True and self.all_is_read(node):
                raise CodeRefused("it gives None in place of its weights (need_weights)")
            return recipe.calculate(self.called(entry, owner, node))
        except CodeRefused as refusal:
            self.refusals.add(owner, str(refusal))
            return "x"

    def operation(self, node: Node) -> Expression | None:
        """An operation of nn.functional that does what a layer does, by that layer's formula."""
        counterpart = COUNTERPARTS.get(node.target) if node.target.startswith(FUNCTIONAL) else None
        recipe = RECIPES.get(counterpart.key) if counterpart is not None else None
        if counterpart is None or recipe is None:
            return None
        layer, port = catalogue.get(counterpart.key), catalogue.get(node.target).ports[0].name
        if set(node.arguments) - {port, *counterpart.arguments}:
            return None
        arguments = copied(counterpart, node.arguments)
        given = {k: v for k, v in arguments.items() if layer.parameter(k) is not None}
        ports = {layer.ports[0].name: node.arguments[port]}
        try:
            return recipe.calculate(
                self.called(layer, Owner("", "", layer.key, given), node, ports)
            )
        except CodeRefused:
            return None

    def block_call(self, node: Node, owner: Owner, inputs: list[str], own: str) -> Expression:
        assert owner.block is not None
        inner = self.plans[owner.block]
        items: list[Expression] = [*inputs]
        if inner.tensors:
            items.append(own)
        for setting, name in inner.scope.settings.items():
            if name in inner.kept:
                given = owner.arguments.get(setting, inner.scope.graph.settings[setting])
                items.append(keyword(name, self.argument(given, node)))
        if inner.trains:
            items.append(keyword(TRAINING, self.in_training()))
        return call(inner.function, *items)

    def argument(self, value: Argument, node: Node) -> Expression:
        return argument(value, lambda ref: self.variables.read(ref, node.id), self.setting)

    def called(
        self, entry: Entry, owner: Owner, node: Node, ports: Mapping[str, Argument] | None = None
    ) -> Called:
        """What a recipe is asked with. `ports`: what the layer reads, where it stands for an operation."""
        ports = node.arguments if ports is None else ports
        report = self.scope.report(node.id)
        inferred = {
            name: report.arguments[name]
            for name in (report.inferred if report is not None else ())
            if report is not None and name in report.arguments and name not in owner.arguments
        }

        def spell(name: str) -> Expression:
            parameter = entry.parameter(name)
            if name not in owner.arguments:
                if not self.scope.in_every_run(
                    lambda run: (
                        run.nodes[node.id].arguments.get(name) if node.id in run.nodes else None
                    )
                ):
                    raise CodeRefused(f"its {name} differs between the uses of its block")
                return constant(inferred[name], parameter)
            return argument(owner.arguments[name], read_none, self.setting, parameter)

        def read_none(_ref: Ref) -> str:
            raise CodeRefused("an argument of its constructor reads a value")

        def read(port: str) -> Expression:
            if ports.get(port) is None:
                raise CodeRefused(f"it has nothing at “{port}” yet")
            if not isinstance(ports[port], Ref | tuple):
                raise CodeRefused(f"what it reads at “{port}” is no tensor")
            return self.argument(ports[port], node)

        tensors = {
            drawn.name: self.plan.named(owner, drawn.name)
            for drawn in self.plan.drawn.get(owner.id, [])
        }
        return Called(
            entry,
            {**inferred, **owner.arguments},
            spell,
            ports,
            read,
            tensors,
            {port.name: self.taken(node, port.name) for port in entry.ports},
            self.helpers,
            self.in_training,
        )

    def taken(self, node: Node, port: str) -> Value | None:
        """What a port reads, if that is the same wherever it runs."""
        report = self.scope.report(node.id)
        known = report.inputs.get(port) if report is not None else None
        same = self.scope.in_every_run(
            lambda run: run.nodes[node.id].inputs.get(port) if node.id in run.nodes else None
        )
        return known if same else None

    def all_is_read(self, node: Node) -> bool:
        """Whether more is read than the first part of what a node gives."""
        read = (ref for reader in self.graph.readers_of(node.id) for ref in refs_in(reader))
        return any(ref.node == node.id and ref.path[:1] != (0,) for ref in read)

    def is_read_elsewhere(self, node: Node) -> bool:
        """Whether others may read the tensor that a layer reads."""
        while True:
            ref = next((a for a in node.arguments.values() if isinstance(a, Ref)), None)
            if ref is None:
                return False
            ref = self.graph.resolve(ref)
            if len(self.graph.readers_of(ref.node)) > 1:
                return True
            node = self.graph.nodes[ref.node]
            owner = self.graph.owner_of(node)
            if node.kind == "input" or (owner and owner.target not in _MAY_BE_THE_SAME):
                return False
