"""The tensors, drawn as torch's layers draw them: `fc1_weight = uniform(12, 16, fan_in=16)`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builder.code.writing.calls import entry_for
from builder.code.writing.constructor import setting_types, size_types
from builder.code.writing.layout import (
    Expression,
    Group,
    Prefixed,
    assignment,
    call,
    definition,
    flat,
    lay,
    list_of,
    returned,
)
from builder.code.writing.literals import constant, keyword
from builder.code.writing.making import Maker
from builder.code.writing.manual.plan import OWN, Plan, path_of
from builder.code.writing.manual.recipe import RECIPES, Drawn, Layer
from builder.code.writing.manual.refusals import Refusals
from builder.code.writing.page import Page, indented
from builder.code.writing.scope import Scope, repetitions
from builder.code.writing.tensors import TensorWriter
from builder.errors import CodeRefused, quote
from builder.graph.allowed_norms import norm_words
from builder.graph.model import PARAMETER, Argument, Node, Owner

_LEARNS = Prefixed("requires_grad=", "True")


def draw_layers(
    plan: Plan, plans: Mapping[str, Plan], scopes: Mapping[str, Scope], refusals: Refusals
) -> None:
    """Fills in what each owner of a scope draws."""
    maker = _Maker(plan.scope, scopes, plans)
    for owner, node in plan.scope.members:
        if owner.raw:
            plan.drawn[owner.id] = [Drawn("", "", owner.target == PARAMETER)]
        elif owner.block is not None:
            if plans[owner.block].tensors:
                plan.drawn[owner.id] = [Drawn("", "")]
        elif owner.norms:
            said = " and ".join(norm_words(norm) for norm in owner.norms)
            refusals.add(owner, f"its weight is computed by {said}, which has no short formula")
        elif owner.target not in RECIPES:
            refusals.add(owner)
        else:
            try:
                plan.drawn[owner.id] = RECIPES[owner.target].draw(maker.layer(owner, node))
            except CodeRefused as refusal:
                refusals.add(owner, str(refusal))


class TensorsWriter:
    """Writes the statements that make the tensors of one scope."""

    def __init__(
        self, plan: Plan, plans: Mapping[str, Plan], scopes: Mapping[str, Scope], taken: set[str]
    ) -> None:
        self.plan, self.plans, self.scope = plan, plans, plan.scope
        self.maker = _Maker(plan.scope, scopes, plans)
        self.page = Page()
        self.level = 0 if plan.is_root else 1
        self.raw = _RawTensors(plan, scopes, self.page, taken | set(plan.tensors.values()))
        self.tied: set[str] = set()

    def statements(self) -> Page:
        """One line for each tensor, and those that are another one's below."""
        for owner, node in self.scope.members:
            start = len(self.page.lines)
            if owner.raw:
                self.raw.tensor(owner)
            elif owner.block is not None and self.plan.drawn.get(owner.id):
                assert node is not None
                self.assign(self.plan.tensors[owner.id, ""], self.maker.made(owner, node))
                self.freeze(owner)
            else:
                for drawn in self.plan.drawn.get(owner.id, []):
                    value = _still(drawn) if owner.frozen else drawn.value
                    self.assign(self.plan.tensors[owner.id, drawn.name], value)
            self.page.mark(self.keys(owner), start)
        self.ties()
        return self.page

    def write_block(self) -> Page:
        """The NamedTuple of a block's tensors, and the function that makes one."""
        page = Page()
        page.write([*lay(call(f"class {self.plan.class_name}", "NamedTuple"), 0, "", ":")])
        page.write([f'    """The tensors of one {self.plan.class_name}."""', ""])
        for owner, _ in self.scope.members:
            for drawn in self.plan.drawn.get(owner.id, []):
                kind = self.type_of(owner)
                page.write(
                    [f"{indented(1)}{self.plan.tensors[owner.id, drawn.name]}: {kind}"],
                    self.keys(owner),
                )
        statements = self.statements()
        text = "\n".join(statements.lines)
        sizes, settings = size_types(self.scope), setting_types(self.scope)
        used = [n for n in (*sizes, *settings) if re.search(rf"\b{re.escape(n)}\b", text)]
        self.plan.made_with = frozenset(used)
        asked = [n for s, n in self.scope.settings.items() if s in self.scope.asked and n in used]
        parameters = [f"{n}: {sizes[n]}" for n in used if n in sizes]
        parameters += [f"{n}: {settings[n]}" for n in asked]
        for setting, name in self.scope.settings.items():
            if name in used and name not in asked:
                default = flat(constant(self.scope.graph.settings[setting]))
                parameters.append(f"{name}: {settings[name]} = {default}")
        page.write(["", ""])
        page.write(_definition(self.plan.make, parameters, self.plan.class_name))
        page.write([f'    """Draws the tensors of one {self.plan.class_name}."""'])
        page.append(statements)
        page.write(returned(call(self.plan.class_name, *self.plan.tensors.values()), 4))
        return page

    def parameters(self) -> Page:
        """`parameters: list[Tensor] = [...]`, of what learns."""
        names: list[Expression] = []
        deep = False
        for owner, _ in self.scope.members:
            for drawn in self.plan.drawn.get(owner.id, []):
                name = self.plan.tensors[owner.id, drawn.name]
                if name in self.tied or (owner.frozen and owner.block is None):
                    continue
                deep = deep or owner.block is not None
                if owner.block is not None or (drawn.learns and not self.raw.is_still(owner)):
                    names.append(name)
        value: Expression = list_of(tuple(names))
        page = Page()
        page.write([""])
        page.write(
            assignment("parameters: list[Tensor]", call("learned", value) if deep else value, 0)
        )
        return page

    def keeps(self) -> bool:
        """Whether some tensors do not learn: running means, buffers, what is frozen."""
        return any(
            not drawn.learns or owner.frozen or self.raw.is_still(owner)
            for owner, _ in self.scope.members
            if owner.block is None
            for drawn in self.plan.drawn.get(owner.id, [])
        )

    # One owner ----------------------------------------------------------------------------------

    def keys(self, owner: Owner) -> list[str]:
        nodes = [n for n in self.scope.graph.calls_of(owner.id) if not n.bypassed]
        return [self.scope.key(n) for n in nodes or self.scope.graph.reads_of(owner.id)]

    def assign(self, name: str, value: Expression) -> None:
        self.page.write(assignment(name, value, 4 * self.level))

    def freeze(self, owner: Owner) -> None:
        if owner.frozen:
            name = self.plan.tensors[owner.id, ""]
            self.page.write(
                [
                    f"{indented(self.level)}for tensor in learned([{name}]):",
                    f"{indented(self.level + 1)}tensor.requires_grad_(False)",
                ]
            )

    def type_of(self, owner: Owner) -> str:
        if owner.block is None:
            return "Tensor"
        name = self.plans[owner.block].class_name
        return name if len(repetitions(owner)) == 1 else f"list[{name}]"

    def ties(self) -> None:
        """`head_weight = emb_weight`, once both are drawn."""
        for owner, _ in self.scope.members:
            for path, (other_id, other_path) in owner.ties.items():
                other = self.scope.graph.owners.get(other_id)
                if other is None or (owner.id, path) not in self.plan.tensors:
                    raise CodeRefused(
                        f"By hand this cannot be written. {quote(owner.name)}: one of its tensors is "
                        "that of another layer, and stands inside a block."
                    )
                name = self.plan.tensors[owner.id, path]
                source = path_of(self.plan, self.plans, other, other_path)
                self.tied.add(name)
                start = len(self.page.lines)
                self.assign(name, source.removeprefix(f"{OWN}."))
                self.page.mark(self.keys(owner), start)


class _RawTensors(TensorWriter):
    """Tensors of a person's own: `scale = torch.ones(64, requires_grad=True)`."""

    def __init__(
        self, plan: Plan, scopes: Mapping[str, Scope], page: Page, taken: set[str]
    ) -> None:
        super().__init__(plan.scope, scopes, page)
        self.plan, self.level = plan, 0 if plan.is_root else 1
        self.variables |= taken

    def path(self, owner: Owner) -> str:
        return self.plan.tensors[owner.id, ""]

    def is_still(self, owner: Owner) -> bool:
        """Whether a raw tensor does not learn."""
        asked = owner.arguments.get("requires_grad") is not False
        return owner.raw and (owner.frozen or owner.target != PARAMETER or not asked)

    def tensor(self, owner: Owner) -> None:
        value = self.first_value(owner)
        if not self.is_still(owner):
            if isinstance(value, Group) and owner.made_by is None:
                value = Group(value.open, (*value.items, _LEARNS), value.close)
            else:
                value = call(f"{flat(value)}.detach().requires_grad_")
        self.page.write(assignment(self.path(owner), value, 4 * self.level))
        if filled := self.filled_later(owner):
            self.page.write(lay(filled, 4 * self.level))


class _Maker(Maker):
    """Sizes and arguments as in a constructor; a block is made by its function."""

    def __init__(
        self, scope: Scope, scopes: Mapping[str, Scope], plans: Mapping[str, Plan]
    ) -> None:
        super().__init__(scope, scopes)
        self.plans = plans

    def layer(self, owner: Owner, node: Node | None) -> Layer:
        entry = entry_for(owner.target, owner.name, "layer")
        written = self.constructor_arguments(owner, node, entry)
        report = self.scope.report(node.id) if node is not None else None
        known: dict[str, Argument] = dict(report.arguments) if report is not None else {}
        given = {name: owner.arguments.get(name, known.get(name)) for name in written}
        return Layer(entry, given, written.__getitem__)

    def made(self, owner: Owner, node: Node | None) -> Expression:
        made = super().made(owner, node)
        if len(repetitions(owner)) == 1 or not isinstance(made, Group):
            return made
        # nn.Sequential(*(Block() for …)) and nn.ModuleList([…]) are lists here.
        items = made.items
        if len(items) == 1 and isinstance(items[0], Prefixed) and isinstance(items[0].value, Group):
            items = items[0].value.items
        if len(items) == 1 and isinstance(items[0], Group) and items[0].open == "[":
            items = items[0].items
        return list_of(items)

    def block_made(self, owner: Owner, inner: Scope, sizes: Mapping[str, Expression]) -> Expression:
        assert owner.block is not None
        plan = self.plans[owner.block]
        items = [value for name, value in sizes.items() if name in plan.made_with]
        for setting, asked in inner.settings.items():
            if setting in inner.asked and asked in plan.made_with:
                given = owner.arguments.get(setting, inner.graph.settings[setting])
                items.append(self.setting_of(given))
        for setting, value in owner.arguments.items():
            name = inner.settings.get(setting)
            if name in plan.made_with and name is not None and setting not in inner.asked:
                written = self.setting_of(value)
                if flat(written) != flat(constant(inner.graph.settings[setting])):
                    items.append(keyword(name, written))
        return call(plan.make, *items)

    def setting_of(self, value: Argument) -> Expression:
        from builder.code.writing.literals import argument

        def no_reference(_ref: object) -> str:
            raise CodeRefused("A block is made before anything runs, so it cannot read a value.")

        return argument(value, no_reference, self.scope.parameter)


def _definition(name: str, parameters: list[str], result: str) -> list[str]:
    lines = definition(name, tuple(parameters), result, 0)
    if len(parameters) == 1 and len(lines) == 3:  # as ruff has it for one alone
        lines[1] += ","
    return lines


def _still(drawn: Drawn) -> Expression:
    """A tensor of a frozen layer: drawn, but without learning."""
    value = drawn.value
    if not drawn.learns:
        return value
    if isinstance(value, Group) and _LEARNS in value.items:
        return Group(value.open, tuple(i for i in value.items if i != _LEARNS), value.close)
    return call(f"{flat(value)}.requires_grad_", "False")
