"""`import` and `from … import`: names are noted, nothing is imported."""

from __future__ import annotations

import ast
from typing import Any

from builder.code.reading.known import LIBRARIES, resolve
from builder.code.reading.reader import Reader, statement
from builder.code.reading.scopes import Scope
from builder.code.reading.values import Known, Unknown


def _module(reader: Reader, path: str) -> Any:
    if path.partition(".")[0] in LIBRARIES:
        return resolve(reader, path)
    return Unknown(
        f"It uses “{path[:60]}”, which is not part of this text.", reader.line,
        "Paste what it defines as well.",
    )  # fmt: skip


@statement(ast.Import)
def import_(reader: Reader, node: ast.Import, scope: Scope) -> None:
    for alias in node.names:
        if alias.asname is not None:
            scope.set(alias.asname, _module(reader, alias.name))
        else:
            root = alias.name.partition(".")[0]
            scope.set(root, _module(reader, root))


@statement(ast.ImportFrom)
def import_from(reader: Reader, node: ast.ImportFrom, scope: Scope) -> None:
    base = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            continue
        if node.level or base.partition(".")[0] not in LIBRARIES:
            value: Any = _module(reader, base)
        else:
            value = resolve(reader, f"{base}.{alias.name}")
        scope.set(alias.asname or alias.name, value)


def from_star(reader: Reader, statement: ast.stmt, name: str) -> Any:
    """A name that `from torch.nn import *` may have brought; None where it has not."""
    from torch import nn

    if not isinstance(statement, ast.ImportFrom) or statement.level:
        return None
    base = statement.module or ""
    if base == "torch.nn" and (name in _NN or (name in vars(nn) and name[:1].isupper())):
        return resolve(reader, f"torch.nn.{name}")
    if base == "torch.nn.functional" and name in vars(nn.functional) and not name.startswith("_"):
        return Known(f"{base}.{name}")
    if base in ("math", "typing", "collections", "itertools", "functools") and not name.startswith(
        "_"
    ):
        import builtins

        if name not in vars(builtins) and name in _STARS.get(base, ()):
            return resolve(reader, f"{base}.{name}")
    return None


_NN = frozenset({"functional", "init"})
_STARS = {
    "math": ("sqrt", "log", "exp", "ceil", "floor", "pi", "inf", "prod", "sin", "cos"),
    "typing": ("List", "Tuple", "Optional", "Dict", "Union", "Any", "Callable", "Type", "Sequence"),
    "collections": ("OrderedDict", "namedtuple", "defaultdict"),
    "itertools": ("chain", "repeat", "product"),
    "functools": ("partial", "reduce"),
}


def tell_libraries(reader: Reader, node: ast.Try) -> None:
    """`try: import flash_attn … except ImportError:` is read as if the library were there: told."""
    caught = {ast.unparse(h.type) for h in node.handlers if h.type is not None}
    if not any("ImportError" in name or "ModuleNotFoundError" in name for name in caught):
        return
    for part in node.body:
        names = [a.name for a in part.names] if isinstance(part, ast.Import) else []
        names += [part.module or ""] if isinstance(part, ast.ImportFrom) else []
        for name in names:
            if name.partition(".")[0] not in LIBRARIES:
                reader.note(f"It is taken that “{name[:40]}” is installed.", part.lineno)
