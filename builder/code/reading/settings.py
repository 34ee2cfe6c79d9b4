"""What a class is made with, as settings of its block: one block for all objects of the class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builder.code.reading.closed import Tree
from builder.code.reading.reader import Reader
from builder.code.reading.torch_calls import argument_of
from builder.code.reading.trace import Layer, Module, Step
from builder.code.reading.values import Sym, deep_plain, plain, settings_in
from builder.graph.model import Argument, Calc, Literals, Ref, Setting, TensorSpec
from builder.graph.names import suggest_name
from builder.graph.outcome import infer_arguments
from builder.graph.symbols import probe_from_dim


class Settings:
    """The settings of one graph: the reader knows them as "m3:width", the graph by a name."""

    def __init__(self, reader: Reader, tree: Tree, module: Module, is_root: bool) -> None:
        self.reader, self.tree, self.module, self.is_root = reader, tree, module, is_root
        self.names: dict[str, str] = {}  # key → name
        self.taken: set[str] = set()
        self.reach = {m.id for m in (module, *tree.around(module))}

    def reserve(self, taken: set[str]) -> None:
        """The names of layers and values, which settings share."""
        self.taken = taken

    def expression(self, value: Argument) -> Argument:
        """An argument with settings by their names here, those of elsewhere as numbers."""
        match value:
            case Setting(name=key):
                if self._reaches(key):
                    return Setting(self._name(key))
                return self.reader.trace.settings[key]  # type: ignore[no-any-return]
            case Calc(op=op, left=left, right=right):
                one, other = self.expression(left), self.expression(right)
                if isinstance(one, int) and isinstance(other, int):
                    from builder.code.reading.placing import _worked_out

                    return _worked_out(op, one, other)
                return Calc(op, one, other)
            case tuple():
                return tuple(self.expression(part) for part in value)
        return value

    def argument(self, value: Any) -> Argument:
        """A constructor argument. What it reads of tensors' sizes becomes a number."""
        if isinstance(value, Sym) and not settings_in(value.expr):
            return plain(value)  # type: ignore[no-any-return]
        if isinstance(value, tuple | list):
            return tuple(self.argument(part) for part in value)
        return self.expression(argument_of(self.reader, value))

    def inferable(self, layer: Layer, name: str, value: Any, step: Step) -> bool:
        """Whether an argument only repeats what comes in, so that the block fits other sizes too."""
        if self.is_root or not isinstance(value, Sym) or not settings_in(value.expr):
            return False
        parameter = layer.entry.parameter(name)
        if parameter is None or parameter.inferred is None:
            return False
        ref = step.arguments.get(parameter.inferred.port)
        if not isinstance(ref, Ref):
            return False
        spec = self.reader.trace.value_of(ref)
        if not isinstance(spec, TensorSpec):
            return False
        found, _ = infer_arguments(layer.entry, {}, {parameter.inferred.port: spec})
        return bool(found.get(name) == deep_plain(value))

    def has(self, value: Sym) -> bool:
        """Whether all settings of a size are there anyway, or have a default of their own."""
        return all(
            key in self.names or (self._reaches(key) and self._has_default(key))
            for key in settings_in(value.expr)
        )

    def _reaches(self, key: str) -> bool:
        """Whether a setting is one here: of the network itself only numbers are, as a form has them."""
        number = not self.is_root or type(self.reader.trace.settings[key]) in (int, float)
        return number and key.partition(":")[0] in self.reach

    def _has_default(self, key: str) -> bool:
        return self._written(key) is not None

    def from_outside(self, key: str) -> Argument:
        """What a block's setting is given by the graph that calls it."""
        module_id, _, name = key.partition(":")
        if self._reaches(key):
            return Setting(self._name(key))
        module = self.reader.state.setdefault("modules", {}).get(module_id)
        if module is None:
            for path in self._modules():
                self.reader.state["modules"][path.id] = path
            module = self.reader.state["modules"].get(module_id)
        given = module.given.get(name) if module is not None else None
        if given is None or module is self.tree.root:
            return self.reader.trace.settings[key]  # type: ignore[no-any-return]
        return self.argument(given)

    def _modules(self) -> list[Module]:
        from builder.code.reading.modules import walk

        return [part for _, part in walk(self.tree.root) if isinstance(part, Module)]

    def _name(self, key: str) -> str:
        if key not in self.names:
            wish = key.partition(":")[2]
            if wish in self.taken:
                value = self.reader.trace.settings[key]
                wish = f"{wish}_rate" if isinstance(value, float) else f"{wish}_value"
            name = suggest_name(wish, self.taken)
            self.taken.add(name)
            self.names[key] = name
        return self.names[key]

    def used(self) -> Mapping[str, str]:
        return {name: key for key, name in self.in_order()}

    def in_order(self) -> list[tuple[str, str]]:
        """(key, name) as the class's constructor has them, then those of classes around it."""
        places = {f"{self.module.id}:{n}": at for at, n in enumerate(self._constructor())}
        return sorted(self.names.items(), key=lambda item: places.get(item[0], len(places)))

    def _constructor(self) -> list[str]:
        from builder.code.reading.attributes import find_in_class
        from builder.code.reading.values import Function

        init = find_in_class(self.module.cls, "__init__") if self.module.cls is not None else None
        if not isinstance(init, Function):
            return []
        arguments = init.node.args
        return [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]

    def defaults(self) -> dict[str, Literals]:
        """Each setting with the class's own default, or the value it was given first."""
        found: dict[str, Literals] = {}
        for key, name in self.in_order():
            found[name] = self.default_of(key)
        return found

    def default_of(self, key: str) -> Literals:
        module = self._module(key)
        where = (id(module.cls) if module is not None else 0, key.partition(":")[2])
        known = self.reader.state.setdefault("defaults", {})
        if where not in known:
            written = None if self.is_root else self._written(key)
            known[where] = self.reader.trace.settings[key] if written is None else written
        return known[where]  # type: ignore[no-any-return]

    def _module(self, key: str) -> Module | None:
        wanted = key.partition(":")[0]
        every = (self.module, *self.tree.around(self.module))
        return next((m for m in every if m.id == wanted), None)

    def _written(self, key: str) -> Literals:
        """The default in the class's own constructor; None where it has none."""
        from builder.code.reading.attributes import find_in_class
        from builder.code.reading.values import Function

        module, name = self._module(key), key.partition(":")[2]
        if module is None or module.cls is None:
            return None
        init = find_in_class(module.cls, "__init__")
        if not isinstance(init, Function):
            return None
        names = [a.arg for a in (*init.node.args.posonlyargs, *init.node.args.args)]
        found = plain(init.keyword_defaults.get(name))
        if name in names:
            at = names.index(name) - (len(names) - len(init.defaults))
            found = plain(init.defaults[at]) if at >= 0 else None
        return found if type(found) in (int, float, bool) else None


__all__ = ["Settings", "probe_from_dim"]
