"""Tensors without a layer in a constructor, tensors read by their path, and tensors that are tied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from builder import catalogue
from builder.code.writing.forward import ForwardWriter
from builder.code.writing.layout import Expression, Group, Prefixed, assignment, call, flat, lay
from builder.code.writing.literals import argument, constant, keyword, text
from builder.code.writing.page import Page, indented
from builder.code.writing.paths import tensor_path
from builder.code.writing.reading import all_steps
from builder.code.writing.scope import Scope, Use, setting_value
from builder.code.writing.steps import Return
from builder.errors import CodeRefused, quote
from builder.graph.model import PARAMETER, Argument, Owner, Ref
from builder.graph.shapes import infer_shapes

_FILLED = {"zeros": "torch.zeros", "ones": "torch.ones", "empty": "torch.empty"}
_DRAWN = {
    "normal": ("torch.randn", {"mean": 0.0, "std": 1.0}),
    "uniform": ("torch.rand", {"low": 0.0, "high": 1.0}),
}
"""What torch draws in one call, where the arguments are its own."""
_LATER = {
    "normal": {"mean": "mean", "std": "std"},
    "uniform": {"low": "a", "high": "b"},
    "trunc_normal": {"mean": "mean", "std": "std", "low": "a", "high": "b"},
    "xavier_uniform": {"gain": "gain"},
    "xavier_normal": {"gain": "gain"},
    "kaiming_uniform": {"a": "a", "mode": "mode", "nonlinearity": "nonlinearity"},
    "kaiming_normal": {"a": "a", "mode": "mode", "nonlinearity": "nonlinearity"},
    "orthogonal": {"gain": "gain"},
}
"""Functions of nn.init: our argument → theirs."""


class TensorWriter:
    """Writes the tensors of one constructor; `variables`: the names in use in it."""

    def __init__(self, scope: Scope, scopes: Mapping[str, Scope], page: Page) -> None:
        self.scope, self.scopes, self.page = scope, scopes, page
        self.variables = {*scope.sizes, *scope.settings.values(), "self"}
        self.level = 2  # of the statements

    def member(self, owner: Owner, keys: list[str]) -> None:
        """`self.scale = nn.Parameter(torch.ones(64))`, or `self.register_buffer("mask", …)`."""
        above, _, name = self.scope.attributes[owner.id].rpartition(".")
        container = self.scope.containers.accessor(above) if above else "self"
        value = self.first_value(owner)
        start = len(self.page.lines)
        if owner.target == PARAMETER:
            items: list[Expression] = [value]
            if owner.frozen or owner.arguments.get("requires_grad") is False:
                items.append(keyword("requires_grad", "False"))
            made = call("nn.Parameter", *items)
            if above:
                self.page.write(lay(call(f"{container}.register_parameter", text(name), made), 8))
            else:
                self.page.write(assignment(f"self.{name}", made, 8))
        else:
            items = [text(name), value]
            if owner.arguments.get("persistent") is False:
                items.append(keyword("persistent", "False"))
            self.page.write(lay(call(f"{container}.register_buffer", *items), 8))
        if filled := self.filled_later(owner):
            self.page.write(lay(filled, 8))
        self.page.mark(keys, start)

    def first_value(self, owner: Owner) -> Expression:
        """What the tensor is made of."""
        init = owner.arguments.get("init", "zeros")
        if owner.made_by is not None:
            return self.made(owner, owner.made_by)
        if "size" not in owner.arguments:
            raise CodeRefused(
                f"{quote(owner.name)} has no size yet. Give it one, such as 1, 65, 128."
            )
        size = self.argument(owner, "size")
        sizes: list[Expression] = list(size.items) if isinstance(size, Group) else [size]
        dtype = owner.arguments.get("dtype", "float32")
        kind: list[Expression] = []
        if dtype != "float32":
            parameter = catalogue.get(owner.target).parameter("dtype")
            kind = [keyword("dtype", constant(dtype, parameter))]
        shape: list[Expression] = sizes or ["()"]
        if init in _FILLED:
            return call(_FILLED[str(init)], *shape, *kind)
        if init == "constant":
            value = owner.arguments.get("value", 0.0)
            if isinstance(value, int) and not isinstance(value, bool) and "float" in str(dtype):
                value = float(value)  # torch.full takes the type from its number
            filled = argument(value, _no_reference, self.scope.parameter)
            group = Group("(", tuple(sizes), ",)" if len(sizes) == 1 else ")", literal=True)
            return call("torch.full", group, filled, *kind)
        if init == "eye":
            square = len(sizes) == 2 and flat(sizes[0]) == flat(sizes[1])
            return call("torch.eye", *(sizes[:1] if square else sizes), *kind)
        if init in _DRAWN and self.is_usual(owner):
            return call(_DRAWN[str(init)][0], *shape, *kind)
        if init not in _LATER:
            raise CodeRefused(f"{quote(owner.name)} is filled by {quote(init)}, which is unknown.")
        return call("torch.empty", *shape, *kind)

    def filled_later(self, owner: Owner) -> Expression | None:
        """`nn.init.normal_(self.pos, std=0.02)`, where one call cannot make and fill."""
        init = str(owner.arguments.get("init", "zeros"))
        if init not in _LATER or (init in _DRAWN and self.is_usual(owner)):
            return None
        entry = catalogue.get(owner.target)
        items: list[Expression] = [self.path(owner)]
        for name, theirs in _LATER[init].items():
            parameter, value = entry.parameter(name), owner.arguments.get(name)
            default = parameter.default if parameter is not None else None
            usual = value == default and (init != "trunc_normal" or name in ("mean", "std"))
            if value is not None and not usual:
                items.append(keyword(theirs, self.argument(owner, name)))
        return call(f"nn.init.{init}_", *items)

    def path(self, owner: Owner) -> str:
        """The expression for a tensor that is filled."""
        return tensor_path(self.scope, self.scopes, owner, "")

    def is_usual(self, owner: Owner) -> bool:
        _, usual = _DRAWN[str(owner.arguments["init"])]
        return all(owner.arguments.get(name, value) == value for name, value in usual.items())

    def argument(self, owner: Owner, name: str) -> Expression:
        value = owner.arguments[name]
        return argument(
            value, _no_reference, self.scope.parameter, catalogue.get(owner.target).parameter(name)
        )

    # Tensors made by operations -------------------------------------------------------------------

    def made(self, owner: Owner, name: str) -> Expression:
        """Writes the operations of a block, and gives what reads their result."""
        block = self.scope.root.blocks.get(name)
        if block is None:
            raise CodeRefused(
                f"{quote(owner.name)} is made by {quote(name)}, which is no block here."
            )
        given: dict[str, Argument] = {
            **block.settings,
            **{k: v for k, v in owner.arguments.items() if k in block.settings},
        }
        reports = [
            infer_shapes(
                replace(
                    block,
                    blocks=self.scope.root.blocks,
                    settings={k: setting_value(v, use.settings) for k, v in given.items()},
                )
            )
            for use in self.scope.uses
        ]
        inner = Scope(block, name, "", self.scope.root)
        inner.uses, inner.runs = [Use(report, {}) for report in reports], reports
        writer = _MakingWriter(inner, self.scopes, self.scope, given, self.variables)
        *items, last = writer.items
        assert isinstance(last, Return)
        writer.write_items(self.page, items, self.level)
        for step in all_steps(items):
            self.variables |= {
                found for (node, _), found in writer.variables.names.items() if node == step.node.id
            }
        return writer.variables.read(last.values[0])


class _MakingWriter(ForwardWriter):
    """The statements of a block without inputs, in the constructor of another class."""

    def __init__(
        self,
        scope: Scope,
        scopes: Mapping[str, Scope],
        outer: Scope,
        given: Mapping[str, Argument],
        taken: set[str],
    ) -> None:
        self.outer, self.given = outer, given
        super().__init__(scope, scopes, reserved=taken)

    def setting(self, name: str) -> str:
        written = argument(self.given[name], _no_reference, self.outer.parameter)
        return flat(written) if not _needs_brackets(written) else f"({flat(written)})"


def buffer_types(scope: Scope) -> Iterator[str]:
    """`mask: Tensor`: what nn.Module cannot say of its buffers."""
    for owner, _ in scope.members:
        dotted = "." in scope.attributes[owner.id]
        if owner.raw and owner.target != PARAMETER and not dotted:
            yield f"{indented(1)}{scope.attributes[owner.id]}: Tensor"


def write_ties(page: Page, scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """`self.head.weight = self.emb.weight`, once both are made."""
    for owner, node in scope.members:
        for path, (other_id, other_path) in owner.ties.items():
            other = scope.graph.owners.get(other_id)
            if other is None or other.id not in scope.attributes:
                raise CodeRefused(
                    f"{quote(owner.name)} is tied to a layer that is not there. Untie it."
                )
            target = tensor_path(scope, scopes, owner, path, writes=True)
            source = tensor_path(scope, scopes, other, other_path)
            calls = [n for n in (node, *scope.graph.reads_of(owner.id)) if n is not None]
            holder, _, name = target.rpartition(".")
            if holder.endswith(")"):  # a module without types: what a parametrization keeps
                put = lay(call(f"{holder}.register_parameter", text(name), source), 8)
            else:
                put = assignment(target, source, 8)
            page.write(put, [scope.key(n) for n in calls])


def _needs_brackets(written: Expression) -> bool:
    return not isinstance(written, str | Group | Prefixed)


def _no_reference(_ref: Ref) -> str:
    raise CodeRefused("A tensor is made before anything runs, so it cannot read a value.")
