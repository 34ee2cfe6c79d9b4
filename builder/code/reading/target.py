"""Which network of a text is meant, and what it is made with."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from builder.code.reading.attributes import find_in_class
from builder.code.reading.changing import changes, trains
from builder.code.reading.choices import beside
from builder.code.reading.classes import base_of_module
from builder.code.reading.guesses import guess
from builder.code.reading.loose import no_network, why_none
from builder.code.reading.modules import walk, without_forward
from builder.code.reading.reader import Reader
from builder.code.reading.scopes import FileScope
from builder.code.reading.sites import Site, made_by, sites_in, without_arguments
from builder.code.reading.trace import Layer, Module
from builder.code.reading.values import Function, Known, Unknown, UserClass
from builder.errors import CodeRefused, did_you_mean, quote


@dataclass
class Found:
    """The network, the class name for it, and how it was found."""

    module: Module
    name: str
    text: str = ""
    variables: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    scope: FileScope | None = None
    rest: list[Any] = field(default_factory=list)

    def others(self, reader: Reader) -> Iterator[Found]:
        return iter(())


def find_target(reader: Reader, target: str | None) -> Found:
    """The network that is meant. Errors: CodeRefused where there is none, or where it cannot be made."""
    if target is not None and target.strip():
        return _given(reader, target.strip())
    found = _likeliest(reader)
    found.assumptions = (*beside(reader, found.name), *found.assumptions)
    return found


def _likeliest(reader: Reader) -> Found:
    """The network of a text where nobody says which: a part of another one last."""
    sites = list(sites_in(reader.file.statements, reader.file))
    chains = [s for s in sites if s.name.rpartition(".")[2] == "Sequential"]
    given = _given_by_functions(reader, sites)
    classes = _root_classes(reader, chains)
    refusal: CodeRefused | None = None
    for site in reversed([s for s in chains if s.variable and _holds_classes(reader, s)]):
        found, failed = _at(reader, site)
        if found is not None:
            return found
        refusal = refusal or failed
    found = _first(reader, given, lambda found, _: _holds(found, classes))
    if found is not None:
        return found
    failing: CodeRefused | None = None  # of a network that the text makes, and that cannot be read
    for cls in classes:
        if failing is not None and cls in _parts_of(reader, classes):
            found = _first(reader, without_arguments(reader.file))
            if found is not None:
                return found
            raise failing  # a part of it is not what is meant
        for site in reversed([s for s in sites if s.name == cls]):
            found, failed = _at(reader, _around(reader, sites, site))
            if found is not None:
                return found
            failing = failing or failed
            refusal = refusal or failed
        found = _first(reader, given, lambda found, site, cls=cls: _is_of(found, site, cls))  # type: ignore[misc]
        if found is not None:
            return found
        made = reader.file.look_up(reader, cls)
        if isinstance(made, UserClass):
            try:
                return _with_guesses(reader, made)
            except CodeRefused as error:
                if error.kind == "limit":
                    raise
                failing = failing or error
                refusal = refusal or error
    for site in reversed(chains):
        found = _first(reader, [s for s in given if _makes(reader, s, site)])
        if found is not None:  # `net = build(5)` says more than what stands in build(n=3)
            return found
        found, failed = _at(reader, site)
        if found is not None:
            return found
        refusal = refusal or failed
    reason = why_none(reader.tree)
    variables = [s for s in sites if s.variable and not s.name.endswith("Loss")]
    if reason:  # of several layers, none is the network
        variables = [s for s in variables if reader.file.is_function(s.name)]
    found = _first(reader, without_arguments(reader.file)) or _first(reader, variables)
    if found is not None:
        return found
    if refusal is not None:
        raise refusal
    for statement in reversed([s for s in reader.file.statements if isinstance(s, ast.ClassDef)]):
        made = reader.file.look_up(reader, statement.name)
        if isinstance(made, UserClass) and base_of_module(made) is not None:
            raise without_forward(reader, Module("", made, "", statement.lineno))
    raise no_network(reader.tree, reason)


def _first(
    reader: Reader, sites: list[Site], fits: Callable[[Found, Site], bool] | None = None
) -> Found | None:
    """The network of the last line that makes one, and one that fits."""
    for site in reversed(sites):
        found, _ = _at(reader, site)
        if found is not None and (fits is None or fits(found, site)):
            return found
    return None


def _holds_classes(reader: Reader, site: Site) -> bool:
    """Whether an nn.Sequential is made of classes of the text."""
    names = {n.id for n in ast.walk(site.node) if isinstance(n, ast.Name)}
    return any(isinstance(s, ast.ClassDef) and s.name in names for s in reader.file.statements)


def _root_classes(reader: Reader, chains: list[Site]) -> list[str]:
    """The classes that could be the network: those no other class is made of, the last one first."""
    found: dict[str, UserClass] = {}
    for statement in reader.file.statements:
        if isinstance(statement, ast.ClassDef):
            made = reader.file.look_up(reader, statement.name)
            if isinstance(made, UserClass) and base_of_module(made) is not None:
                found.pop(statement.name, None)
                found[statement.name] = made
    used = _parts_of(reader, list(found))
    runs = [n for n in found if _has_forward(found[n])]
    free = [n for n in runs if n not in used]
    return (
        [*reversed(free), *reversed([n for n in runs if n in used])]
        if free
        else list(reversed(runs))
    )


def _parts_of(reader: Reader, classes: list[str]) -> set[str]:
    """Those among some classes of the file that others are made of, or inherit from."""
    used: set[str] = set()
    for name in classes:
        cls = reader.file.look_up(reader, name)
        if not isinstance(cls, UserClass):
            continue
        for node in ast.walk(cls.node):
            if isinstance(node, ast.Name) and node.id != name and node.id in classes:
                used.add(node.id)
        for node in cls.node.bases:
            if isinstance(node, ast.Name):
                used.add(node.id)
    return used


_USUAL = ("model", "net", "network")


def _is_of(found: Found, site: Site, cls: str) -> bool:
    """`model = resnet50(num_classes=5)`: whether what a function gives is a class.

    Also one without a class of its own, where the text calls it, or calls it a model.
    """
    if found.module.id == "m0":  # a single layer, as of a loss
        return False
    if found.module.cls is not None:
        return found.module.cls.name == cls
    return site.variable in _USUAL or _is_called(site)


def _holds(found: Found, classes: list[str]) -> bool:
    """`model = make(3)`: whether it is an nn.Sequential of classes of the text, which are its parts."""
    if found.module.cls is not None:
        return False
    inside = [part for _, part in walk(found.module) if isinstance(part, Module)]
    return any(part.cls is not None and part.cls.name in classes for part in inside)


def _makes(reader: Reader, call: Site, site: Site) -> bool:
    """Whether a line calls the function that another one stands in."""
    function = reader.file.parts.functions[call.name]
    return any(node is site.node for node in ast.walk(function))


def _given_by_functions(reader: Reader, sites: list[Site]) -> list[Site]:
    """The lines where a variable is what a function of the file gives that trains nothing."""
    functions = reader.file.parts.functions
    named = [s for s in sites if s.variable and s.name in functions]
    return [s for s in named if not trains(functions[s.name])]


def _is_called(site: Site) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == site.variable
        for statement in site.scope.statements
        if not isinstance(statement, ast.ClassDef | ast.FunctionDef)
        for node in ast.walk(statement)
    )


def _around(reader: Reader, sites: list[Site], site: Site) -> Site:
    """`model = swap(Net())`: the whole line, where a function changes the network and gives it."""
    if site.variable:
        return site
    for other in reversed(_given_by_functions(reader, sites)):
        same_line = other.scope is site.scope and other.index == site.index
        if same_line and any(node is site.node for node in ast.walk(other.node)):
            function = reader.file.parts.functions[other.name]
            if any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(function)):
                found, failed = _at(reader, other)
                changed = reader.file.parts.of_arguments(function)
                if found is not None or (failed is not None and changed):
                    return other
    return site


def _has_forward(cls: UserClass) -> bool:
    base = base_of_module(cls)
    return isinstance(find_in_class(cls, "forward"), Function) or base not in (
        "Module",
        "ModuleList",
        "ModuleDict",
    )


def _at(reader: Reader, site: Site) -> tuple[Found | None, CodeRefused | None]:
    """The network that a line makes. Errors: CodeRefused for a later line that changes it unreadably."""
    scope = site.scope
    was = scope.position
    scope.position = site.index if not site.variable else len(scope.statements)
    try:
        value: Any = None
        if site.variable:
            value = _as_it_ends(reader, site)
        if not isinstance(value, Module | Layer) or not _is_named(value, site.name):
            scope.position = site.index
            reader.line = site.node.lineno
            value = reader.evaluate(site.node, scope)
    except CodeRefused as error:
        if error.kind in ("limit", "behind"):
            raise
        return None, error
    finally:
        scope.position = was
    if isinstance(value, Unknown):
        return None, reader.refuse_unknown(value)
    module = _as_network(reader, value)
    if module is None:
        return None, None
    variables = (site.variable,) if site.variable else ()
    return Found(module, _title(reader, module), _text(site), variables, scope=scope), None


def _as_it_ends(reader: Reader, site: Site) -> Any:
    """What a variable holds at the end of the text; before `model = train(model)` where that fails."""
    scope, name = site.scope, site.variable
    places = [at for at in scope.bindings.get(name, ()) if at >= site.index]
    for at in reversed(places):
        value = scope.look_up(reader, name)
        if isinstance(value, Module | Layer):
            return value
        failed = scope.failed.get(at)
        statement = scope.statements[at]
        if failed is not None and at != site.index and changes(statement, scope.parts, name):
            raise CodeRefused(failed.reason, line=failed.line, help=failed.help, kind="behind")
        if failed is not None and failed.kind == "behind":
            raise failed
        scope.position = at
    return None


def _text(site: Site) -> str:
    """How the network is made; its variable's name where later lines change it."""
    scope, name = site.scope, site.variable
    again = [*scope.changes.get(name, ()), *scope.bindings.get(name, ())]
    return name if any(at > site.index for at in again) else ast.unparse(made_by(site.node))


def _is_named(value: Module | Layer, name: str) -> bool:
    if isinstance(value, Module) and value.cls is not None:
        called = name.rpartition(".")[2]
        return value.cls.name == called or value.cls.scope.root.is_function(called)
    return True


def _as_network(reader: Reader, value: Any) -> Module | None:
    runs = isinstance(value, Module) and value.cls is not None and _has_forward(value.cls)
    if isinstance(value, Module) and (runs or value.kind not in ("ModuleList", "ModuleDict")):
        if value.broken is not None:
            raise value.broken
        return value
    if isinstance(value, Layer):
        reader.note("A single layer is read as an nn.Sequential of one.", value.line)
        return Module("m0", None, "Sequential", value.line, members={"0": value}, ready=True)
    return None


def _title(reader: Reader, module: Module) -> str:
    """The class's name, or what our own docstring calls it: “Autoencoder maps (N, 784) to …”."""
    if module.cls is not None:
        return module.cls.name
    said = re.match(r"(\w{1,64}) maps ", ast.get_docstring(reader.tree) or "")
    return said[1] if said else "Model"


def _given(reader: Reader, target: str) -> Found:
    """The network a person named: a call, a class or a variable."""
    try:
        node = ast.parse(target, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CodeRefused(
            f"{quote(target)} names no network.", help="Write it as Net(784, 10), or Net."
        ) from None
    scope = reader.file
    if isinstance(node, ast.Name) and node.id not in scope.bindings:
        for site in reversed(list(sites_in(scope.statements, scope))):  # of a main()
            if site.variable == node.id:
                found, _ = _at(reader, site)
                if found is not None:
                    return found
    value = reader.evaluate(node, scope)
    if isinstance(value, UserClass) or (
        isinstance(value, Known) and value.path.startswith("torch.nn.")
    ):
        sites = [s for s in sites_in(scope.statements, scope) if s.name == target]
        for site in reversed(sites):
            found, _ = _at(reader, site)
            if found is not None:
                return found
        if isinstance(value, UserClass):
            return _with_guesses(reader, value)
    if isinstance(value, Function):
        value = reader.call(value, [], {})
    if isinstance(value, Unknown):
        names = [n for n in scope.bindings if n != "*"]
        called = target.partition("(")[0]
        hint = did_you_mean(called, names) if called not in names else ""
        raise CodeRefused(value.reason, line=value.line, help=hint or value.help)
    module = _as_network(reader, value)
    if module is None:
        raise CodeRefused(
            f"{quote(target)} is no network.", help="Name a class, a call of one, or a variable."
        )
    variables = (node.id,) if isinstance(node, ast.Name) else ()
    return Found(module, _title(reader, module), ast.unparse(node), variables, scope=scope)


def _with_guesses(reader: Reader, cls: UserClass) -> Found:
    """A class that nothing in the text makes: its defaults, and sizes by their names."""
    init = find_in_class(cls, "__init__")
    kwargs: dict[str, Any] = {}
    assumptions: list[str] = []
    if isinstance(init, Function):
        arguments = list(init.node.args.args)[1:]
        needed = arguments[: len(arguments) - len(init.defaults)]
        needed += [a for a in init.node.args.kwonlyargs if a.arg not in init.keyword_defaults]
        for argument in needed:
            value = guess(reader, cls, argument)
            if value is None:
                raise CodeRefused(
                    f"{quote(cls.name)} needs “{argument.arg}”, and nothing in the text says it.",
                    line=cls.node.lineno,
                    help=f"Say how it is made: {cls.name}({argument.arg}=…).",
                )
            kwargs[argument.arg] = value
            assumptions.append(f"{argument.arg}={_shown(value)}")
    reader.line = cls.node.lineno
    module = reader.call(cls, [], kwargs)
    said = ", ".join(assumptions)
    text = f"{cls.name}({said})"
    notes = (f"Made as {text}: nothing in the text says how.",) if assumptions else ()
    return Found(module, cls.name, text, (), notes, reader.file)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, int | float | str | list | tuple | bool) else "…"
