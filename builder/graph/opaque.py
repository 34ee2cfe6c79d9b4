"""Layers of a person's own code: their text is kept and read as a tree, never run here.

An owner with the target "opaque" has `source` (the text that defines it, with what it imports), `call`
(how it is made: "Strange(3)"), and `gives`: the shape of what it gives, or several, as texts that the
person wrote ("N×64", "int64[N, 7]"). Only `builder.code.building` may ever run it, where the owner of
the server has said so.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from builder.errors import quote
from builder.graph.limits import refuse_spec, refuse_text
from builder.graph.model import Argument, Dim, Owner, TensorSpec, Value

PARTS = ("source", "call", "gives")
DEEPEST = 60  # brackets inside each other; Python's own parser gives up later
_SHAPE = re.compile(r"(?:(?P<dtype>[a-z][a-z0-9]*)\s*)?[\[(](?P<sizes>.*)[\])]")
_OPEN, _CLOSE = "([{", ")]}"


def shape_from_text(text: str) -> TensorSpec | None:
    """A shape as people write it: "N×64", "N, 64", "(N, 64)", "int64[N, 7]", "scalar"."""
    text = text.strip()[:400]
    found = _SHAPE.fullmatch(text)
    dtype = (found["dtype"] if found else None) or "float32"
    sizes = found["sizes"] if found else "" if text == "scalar" else text
    parts = [part for part in re.split(r"\s*[×,x]\s*", sizes.strip().strip(",")) if part]
    shape: list[Dim] = []
    for part in parts:
        if not part.isascii() or len(part) > 20:
            return None
        shape.append(int(part) if part.isdigit() else part)
    spec = TensorSpec(tuple(shape), dtype)
    empty = not shape and not found and text != "scalar"
    return None if empty or refuse_spec(spec) else spec


def given(owner: Owner) -> Value | None:
    """What the person says it gives: a tensor, or several; None where they have not said."""
    texts = owner.arguments.get("gives")
    if isinstance(texts, str):
        return shape_from_text(texts)
    if not isinstance(texts, tuple) or not texts:
        return None
    specs = [shape_from_text(text) if isinstance(text, str) else None for text in texts]
    if any(spec is None for spec in specs):
        return None
    found = tuple(spec for spec in specs if spec is not None)
    return found[0] if len(found) == 1 else found


def ports(owner: Owner) -> tuple[str, ...]:
    """What its forward takes, by name; () where the text does not tell."""
    source, made = owner.arguments.get("source"), owner.arguments.get("call")
    if not isinstance(source, str) or not isinstance(made, str):
        return ()
    return ports_of(source, made)


def refuse_part(name: str, value: Argument) -> str | None:
    """Why an own layer cannot have this `source`, `call` or `gives`; None when it can."""
    if name == "gives":
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts:
            if not isinstance(text, str) or shape_from_text(text) is None:
                return f"A shape is written N×64, (N, 64) or int64[N, 7], not {quote(text)}."
        return None
    if not isinstance(value, str):
        return f"It is a text, not {quote(value)}."
    if sentence := refuse_text(value):
        return sentence
    return refuse_source(value) if name == "source" else refuse_call(value)


def refuse_source(source: str) -> str | None:
    """Why a text cannot define an own layer; None when it can. It is parsed and never run."""
    tree = _parsed(source)
    if tree is None:
        return "Its text is no Python that can be read. Copy the whole class."
    if not defined(source):
        return "Its text defines no class and no function. Copy the whole class."
    return None


def refuse_call(call: str) -> str | None:
    """Why a text cannot make an own layer; None when it is one call of a name: "Strange(3)"."""
    return (
        None
        if called_name(call)
        else f"It is made by one call, such as Strange(3), not {quote(call)}."
    )


def called_name(call: str) -> str:
    """The class or function that a call names: "Strange" for "Strange(3)"; "" for anything else."""
    tree = _parsed(call, "eval")
    body = tree.body if isinstance(tree, ast.Expression) else None
    named = isinstance(body, ast.Call) and isinstance(body.func, ast.Name)
    return body.func.id if named else ""  # type: ignore[union-attr]


def call_text(call: str) -> str:
    """The call as Python writes it, on one line and without a comment; "" for anything else."""
    return ast.unparse(ast.parse(call, mode="eval")) if called_name(call) else ""


@lru_cache(maxsize=512)
def defined(source: str) -> tuple[str, ...]:
    """The names that a text gives to the module it stands in."""
    tree = _parsed(source)
    names: dict[str, None] = {}
    for statement in tree.body if isinstance(tree, ast.Module) else ():
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names[name] = None
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(a.asname or a.name).partition(".")[0]: None for a in aliases}
            case ast.Assign(targets=targets):
                names |= {t.id: None for t in targets if isinstance(t, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = None
    return tuple(names)


@lru_cache(maxsize=512)
def ports_of(source: str, call: str) -> tuple[str, ...]:
    """What the forward of the class takes that a call makes."""
    tree, name = _parsed(source), called_name(call)
    for statement in tree.body if isinstance(tree, ast.Module) else ():
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            for part in statement.body:
                if isinstance(part, ast.FunctionDef) and part.name == "forward":
                    given = [a.arg for a in (*part.args.posonlyargs, *part.args.args)]
                    return tuple(given[1:])
    return ()


@lru_cache(maxsize=512)
def _parsed(text: str, mode: str = "exec") -> ast.AST | None:
    depth = deepest = 0
    for character in text:
        depth += (character in _OPEN) - (character in _CLOSE)
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        return None
    try:
        return ast.parse(text.strip() if mode == "eval" else text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


__all__ = [
    "PARTS",
    "call_text",
    "called_name",
    "defined",
    "given",
    "ports",
    "ports_of",
    "refuse_part",
    "shape_from_text",
]
