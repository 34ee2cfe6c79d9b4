"""What stands at the top of a file without a class: tensors that learn, layers, functions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_NAMED: Final = 6  # tensors in a sentence


@dataclass
class LooseText:
    statements: list[ast.stmt]
    learning: dict[str, ast.expr] = field(default_factory=dict)  # tensors, in their order
    layers: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    buffers: dict[str, ast.expr] = field(default_factory=dict)  # tensors that do not learn
    grouped: dict[str, ast.expr] = field(default_factory=dict)  # several tensors under one name

    @property
    def owned(self) -> dict[str, ast.expr]:
        return {**self.learning, **self.layers}


def looked_through(statements: list[ast.stmt]) -> LooseText:
    text = LooseText(statements)
    text.functions = {s.name: s for s in statements if isinstance(s, ast.FunctionDef)}
    classes = {s.name for s in statements if isinstance(s, ast.ClassDef)}
    made: dict[str, ast.expr] = {}
    for statement in statements:
        name, value = assigned(statement)
        if name and value is not None:
            if _is_layer(value):
                text.layers[name] = value
            elif learns(value, text.functions):
                (text.grouped if _is_group(value, text, classes) else text.learning)[name] = value
            elif name not in text.owned:
                made[name] = value
        for later in _made_to_learn(statement):
            if later in made:
                text.learning[later] = made[later]
    return text


def assigned(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            return name, value
    return "", None


def _is_group(value: ast.expr, text: LooseText, classes: set[str]) -> bool:
    """A list of tensors, or a tuple of them with names that a function of the text makes."""
    if isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.DictComp):
        return True
    made = text.functions.get(getattr(getattr(value, "func", None), "id", ""))
    return made is not None and any(
        isinstance(n, ast.Return) and n.value is not None and loads([n.value]) & classes
        for n in ast.walk(made)
    )


def _is_layer(value: ast.expr) -> bool:
    """`nn.Linear(1, 3)`; no loss, no parameter."""
    if not isinstance(value, ast.Call):
        return False
    path = ast.unparse(value.func)
    space, _, name = path.rpartition(".")
    if space not in ("nn", "torch.nn") or not name[:1].isupper():
        return False
    return not name.endswith("Loss") and not name.startswith(("Parameter", "Buffer"))


def learns(value: ast.AST, functions: dict[str, ast.FunctionDef], depth: int = 0) -> bool:
    """Whether an expression makes a tensor that requires a gradient."""
    for node in ast.walk(value):
        if isinstance(node, ast.keyword) and node.arg == "requires_grad":
            return not (isinstance(node.value, ast.Constant) and node.value.value is False)
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in ("requires_grad_", "Parameter") or ast.unparse(node.func) == "Parameter":
                return True
            inner = functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
            if inner is not None and depth < 2 and learns(_body_of(inner), functions, depth + 1):
                return True
    return False


def _body_of(function: ast.FunctionDef) -> ast.AST:
    """What a function gives back, as far as one sees it."""
    return ast.Module([s for s in function.body if not isinstance(s, ast.Expr)], [])


def _made_to_learn(statement: ast.stmt) -> Iterator[str]:
    """`w.requires_grad_()`, `w.requires_grad = True`, `for p in (w, b): p.requires_grad_()`."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr))):
            if attr == "requires_grad_":
                yield name
        case ast.Assign(
            targets=[ast.Attribute(value=ast.Name(id=name), attr="requires_grad")],
            value=ast.Constant(value=True),
        ):
            yield name
        case ast.For(target=ast.Name(id=each), iter=ast.List(elts=parts) | ast.Tuple(elts=parts)):
            if any(each in _made_to_learn(inner) for inner in statement.body):
                yield from (part.id for part in parts if isinstance(part, ast.Name))


def loads(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that are read."""
    return {
        n.id for node in nodes for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }  # fmt: skip


def listed(names: Iterable[str]) -> str:
    every = [f"“{name[:60]}”" for name in names]
    shown = every[:_NAMED] if len(every) > _NAMED + 1 else every
    last = f"{len(every) - len(shown)} more" if len(shown) < len(every) else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
