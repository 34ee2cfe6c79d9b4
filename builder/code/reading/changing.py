"""What a line of a file changes of a value that an earlier line made: `freeze(model.body)`, `model.half()`.

Such lines are run when the value is asked for (`scopes.FileScope.replay`). Only names are looked at here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MUTATORS: Final = frozenset(
    {
        "append", "extend", "insert", "add_module", "register_module", "update", "setdefault",
        "register_buffer", "register_parameter", "pop", "remove", "reverse", "clear", "sort",
        "add_argument", "requires_grad_", "set_defaults",
    }
)  # fmt: skip
_OF_MODULES: Final = frozenset(
    {
        "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
        "register_full_backward_pre_hook", "register_backward_hook", "register_hook", "apply", "half",
        "double", "bfloat16",
    }
)  # fmt: skip
_DTYPES: Final = frozenset(
    {"float16", "half", "float64", "double", "bfloat16", "complex64", "cfloat", "dtype", "float32"}
)
_PASSING: Final = frozenset(
    {
        "parameters", "named_parameters", "children", "named_children", "modules", "named_modules",
        "get_submodule", "get_parameter", "items", "values", "train", "eval", "to", "cuda", "cpu",
        "float", "requires_grad_", "buffers", "named_buffers",
    }
)  # fmt: skip
_LISTING: Final = frozenset(
    {"list", "tuple", "iter", "next", "enumerate", "zip", "reversed", "sorted", "filter", "getattr"}
)
_FOREIGN: Final = ("prune", "parametrize", "parametrizations", "quantization", "fusion", "utils")
"""Parts of torch.nn.utils and its kin whose functions change the layers that they are handed."""
_NORMS: Final = frozenset(
    {
        "weight_norm", "spectral_norm", "orthogonal", "remove_weight_norm", "remove_spectral_norm",
        "remove_parametrizations",
    }
)  # fmt: skip
_BY_NAME: Final = frozenset(
    {
        "l1_unstructured", "random_unstructured", "ln_structured", "random_structured",
        "global_unstructured", "custom_from_mask", "register_parametrization",
    }
)  # fmt: skip
_METHODS_OF_TORCH: Final = frozenset({"forward", "train", "eval", "__init__", "__call__"})


@dataclass(frozen=True)
class Change:
    """`kind`: "part" (can be read), "start" (only values), "training", or "foreign" (a library does it)."""

    root: str
    kind: str
    line: int
    what: str


@dataclass
class Known:
    """The functions of a file, the methods of its classes, and what each changes of its arguments."""

    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    methods: dict[str, list[ast.FunctionDef]] = field(default_factory=dict)
    found: dict[int, list[Change]] = field(default_factory=dict)

    @classmethod
    def of(cls, statements: Iterable[ast.stmt], outer: Known | None = None) -> Known:
        made = cls(dict(outer.functions), dict(outer.methods)) if outer is not None else cls()
        for statement in statements:
            if isinstance(statement, ast.FunctionDef):
                made.functions[statement.name] = statement
            elif isinstance(statement, ast.ClassDef):
                for part in statement.body:
                    if isinstance(part, ast.FunctionDef) and part.name not in _METHODS_OF_TORCH:
                        made.methods.setdefault(part.name, []).append(part)
        return made

    def of_arguments(self, function: ast.FunctionDef) -> list[Change]:
        """What a function changes of what it is called with, by the names of its arguments."""
        key = id(function)
        if key not in self.found:
            self.found[key] = []  # one that calls itself adds nothing
            names = {a.arg for a in _arguments(function)}
            found = changes_in(function.body, self, {})
            self.found[key] = [c for c in found if c.root in names]
        return self.found[key]

    def globals_of(self, function: ast.FunctionDef) -> set[str]:
        """The names of the file that a function sets."""
        return {
            n for part in ast.walk(function) if isinstance(part, ast.Global) for n in part.names
        }


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def trains(node: ast.AST) -> bool:
    """Whether a piece of the text is a loop of training."""
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in ("backward", "step", "fit")
        for part in ast.walk(node)
    )


def changes(statement: ast.stmt, known: Known, name: str) -> bool:
    """Whether a line changes the layers of a name, beside training them."""
    if trains(statement):
        return False
    found = changes_in([statement], known, {})
    return any(c.root == name and c.kind in ("part", "foreign") for c in found)


def names_set_by_calls(statement: ast.stmt, known: Known) -> set[str]:
    """The names of the file that the functions called here set by `global`."""
    if not isinstance(statement, ast.Expr | ast.Assign):
        return set()
    return {
        name
        for part in ast.walk(statement)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
        for name in (
            known.globals_of(known.functions[part.func.id])
            if part.func.id in known.functions
            else ()
        )
    }


def changes_in(
    statements: Sequence[ast.AST], known: Known, aliases: dict[str, set[str]]
) -> list[Change]:
    """What lines change. `aliases`: which names are parts of which, kept up as the lines go on."""
    return [change for node in statements for change in _changes(node, known, aliases)]


def _changes(node: ast.AST, known: Known, aliases: dict[str, set[str]]) -> Iterator[Change]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return
    if isinstance(node, ast.For | ast.comprehension):
        _named(node.target, _reached(node.iter, aliases), aliases)
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        for part in node.generators:
            yield from _changes(part, known, aliases)
    for child in ast.iter_child_nodes(node):
        yield from _changes(child, known, aliases)
    if isinstance(node, ast.Assign):
        for target in node.targets:
            _named(target, _reached(node.value, aliases), aliases)
    elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        kind, what = "part", "sets an element"
        if isinstance(node, ast.Attribute):
            kind, what = "part", f"sets .{node.attr[:40]}"
            if node.attr == "grad":
                return
            kind = "start" if node.attr == "data" else kind
        for root in _reached(node.value, aliases):
            yield Change(root, kind, node.lineno, what)
    elif isinstance(node, ast.Call):
        yield from _by_call(node, known, aliases)


def _by_call(node: ast.Call, known: Known, aliases: dict[str, set[str]]) -> Iterator[Change]:
    path = _path(node.func)
    name = path.rpartition(".")[2]
    if isinstance(node.func, ast.Attribute):
        kind = _kind_of_method(node, name)
        receiver = _reached(node.func.value, aliases)
        if kind:
            for root in receiver:
                yield Change(root, kind, node.lineno, f"calls .{name[:40]}()")
        for method in known.methods.get(name, ()):
            first = method.args.args[0].arg if method.args.args else ""
            yield from _through(node, method, known, {first: receiver}, aliases, 1 if first else 0)
    if path in ("setattr", "delattr") and node.args:
        for root in _reached(node.args[0], aliases):
            yield Change(root, "part", node.lineno, f"calls {path}()")
    elif path in known.functions:
        yield from _through(node, known.functions[path], known, {}, aliases, 0)
    elif name.endswith("_") and "init" in path:
        for root in _of_arguments(node, aliases):
            yield Change(root, "start", node.lineno, f"calls {path[:60]}()")
    elif name in _NORMS or name in _BY_NAME:
        for root in _of_arguments(node, aliases):
            kind = "part" if name in _NORMS else "foreign"
            yield Change(root, kind, node.lineno, f"calls {path[:60]}()")
    elif "." in path and path.split(".")[-2] in _FOREIGN and name.islower():
        quiet = name.startswith(("clip_grad", "parameters_to", "get_total", "is_", "data"))
        if not quiet and path.split(".")[0] in ("torch", "nn", "prune", "parametrize", "utils"):
            for root in _of_arguments(node, aliases):
                yield Change(root, "foreign", node.lineno, f"calls {path[:60]}()")


def _kind_of_method(node: ast.Call, name: str) -> str:
    if name in MUTATORS or name in _OF_MODULES:
        return "part"
    if name in ("to", "type"):
        said = {p.attr for p in ast.walk(node) if isinstance(p, ast.Attribute)}
        said |= {k.arg or "" for k in node.keywords}
        return "part" if said & _DTYPES else ""
    return "start" if name.endswith("_") and not name.startswith("_") else ""


def _through(
    node: ast.Call,
    function: ast.FunctionDef,
    known: Known,
    given: Mapping[str, set[str]],
    aliases: dict[str, set[str]],
    start: int,
) -> Iterator[Change]:
    """What a call of a function of the file changes of its arguments."""
    found = dict(given)
    positional = [a.arg for a in (*function.args.posonlyargs, *function.args.args)][start:]
    for argument, value in zip(positional, node.args, strict=False):
        found[argument] = _reached(value, aliases)
    for keyword in node.keywords:
        if keyword.arg is not None:
            found[keyword.arg] = _reached(keyword.value, aliases)
    if not any(found.values()):
        return
    training = trains(function)
    for change in known.of_arguments(function):
        kind = "training" if training and change.kind in ("part", "foreign") else change.kind
        for root in found.get(change.root, ()):
            yield Change(root, kind, node.lineno, change.what)


def _of_arguments(node: ast.Call, aliases: dict[str, set[str]]) -> set[str]:
    given = [*node.args, *(k.value for k in node.keywords)]
    return {root for value in given for root in _reached(value, aliases)}


def _named(target: ast.expr, reached: set[str], aliases: dict[str, set[str]]) -> None:
    if isinstance(target, ast.Name):
        aliases[target.id] = reached - {target.id}
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            _named(part, reached, aliases)
    elif isinstance(target, ast.Starred):
        _named(target.value, reached, aliases)


def _reached(node: Any, aliases: dict[str, set[str]]) -> set[str]:
    """The names that an expression gives a part of."""
    match node:
        case ast.Name(id=name):
            return {name, *aliases.get(name, ())}
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return _reached(value, aliases)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _PASSING:
            return _reached(value, aliases)
        case ast.Call(func=ast.Name(id=name), args=args) if name in _LISTING:
            return {root for part in args for root in _reached(part, aliases)}
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return {root for part in parts for root in _reached(part, aliases)}
        case ast.BinOp(left=left, right=right):
            return _reached(left, aliases) | _reached(right, aliases)
        case ast.ListComp(elt=part, generators=made) | ast.GeneratorExp(elt=part, generators=made):
            inner = dict(aliases)
            for generator in made:
                _named(generator.target, _reached(generator.iter, inner), inner)
            return _reached(part, inner)
    return set()


def _path(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
