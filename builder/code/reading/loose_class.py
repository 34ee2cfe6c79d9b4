"""The class that is made of loose tensors, layers and lines: in the syntax tree, at their places."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import Final, TypeVar

from builder.code.reading.loose_text import LooseText, learns, listed, loads

_Kind = TypeVar("_Kind", bound=ast.AST)
CLASS: Final = "Model"


@dataclass
class Gathered:
    """The tree with the class in it, and the sentence that says what was done."""

    tree: ast.Module
    sentence: str = ""


def module_of(
    text: LooseText, arguments: ast.arguments, body: list[ast.stmt], where: ast.stmt
) -> ast.ClassDef:
    """`class Model(nn.Module)`: what is owned in its __init__, under its names in forward."""
    read = loads(body)
    owned = {n: v for n, v in {**text.owned, **text.buffers}.items() if n in read}
    skeleton = ast.parse(
        f"class {CLASS}(nn.Module):\n def __init__(self):\n  super().__init__()\n def forward(self):\n  pass"
    ).body[0]
    assert isinstance(skeleton, ast.ClassDef)
    placed(skeleton, where)
    skeleton.bases = [placed(ast.parse("_torch_nn.Module", mode="eval").body, where)]
    init, forward = skeleton.body
    assert isinstance(init, ast.FunctionDef) and isinstance(forward, ast.FunctionDef)
    forward.args = copy.deepcopy(arguments)
    forward.args.args.insert(0, placed(ast.arg("self"), where))
    forward.body = []
    for name, value in owned.items():
        kept: ast.expr = copy.deepcopy(value)
        if name in text.learning:
            kept = parameter(kept)
        taken = ast.parse(f"{name} = self.{name}").body[0]
        buffer = f"self.register_buffer({name!r}, None)"
        given = ast.parse(buffer if name in text.buffers else f"self.{name} = None").body[0]
        placed(given, value)
        if isinstance(given, ast.Assign):
            given.value = kept
        elif isinstance(given, ast.Expr) and isinstance(given.value, ast.Call):
            given.value.args[1] = kept
        init.body.append(given)
        forward.body.append(placed(taken, where))
    for statement in body:
        forward.body.append(
            placed(statement, where) if not hasattr(statement, "lineno") else statement
        )
    return skeleton


def parameter(value: ast.expr) -> ast.expr:
    """`nn.Parameter(value)`."""
    if ast.unparse(value).split("(")[0].endswith("Parameter"):
        return value
    wrapper = ast.parse("_torch_nn.Parameter()", mode="eval").body
    assert isinstance(wrapper, ast.Call)
    placed(wrapper, value)
    wrapper.args = [value]
    return wrapper


def placed(node: _Kind, where: ast.AST) -> _Kind:
    """A new piece of syntax at the place of one of the text."""
    for part in ast.walk(node):
        if isinstance(part, ast.expr | ast.stmt | ast.arg | ast.keyword):
            ast.copy_location(part, where)
    return node


def with_import(tree: ast.Module, body: list[ast.stmt]) -> ast.Module:
    """A tree with another body, which knows torch.nn under a name of ours."""
    usual = ast.parse("from torch import nn as _torch_nn").body[0]
    other = ast.Module([placed(usual, body[0]), *body], [])
    other.text = getattr(tree, "text", "")  # type: ignore[attr-defined]
    return other


def sentence_of(text: LooseText, forward: str) -> str:
    """What was made of the text."""
    said = [
        f"{listed(names)} as its {what}"
        for names, what in (
            (text.learning, "nn.Parameters"),
            (text.layers, "layers"),
            (text.buffers, "buffers"),
        )
        if names
    ]
    return f"The text has no class. One is read that has {', '.join(said)}, and {forward}."


def of_a_plain_class(tree: ast.Module, text: LooseText) -> Gathered | None:
    """`class Net:` whose __init__ makes tensors that learn: it is an nn.Module."""
    for at, statement in enumerate(tree.body):
        if not isinstance(statement, ast.ClassDef) or [b for b in statement.bases if _says(b)]:
            continue
        made = copy.deepcopy(statement)
        methods = {m.name: m for m in made.body if isinstance(m, ast.FunctionDef)}
        init, run = methods.get("__init__"), methods.get("forward", methods.get("__call__"))
        if init is None or run is None:
            continue
        learning: dict[str, ast.expr] = {}
        for line in init.body:
            match line:
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(), attr=name)], value=value):
                    if learns(value, text.functions):
                        line.value = parameter(value)
                        learning[name] = value
        if not learning:
            continue
        run.name = "forward"
        first = init.args.args[0].arg
        begin = ast.parse(f"super({made.name}, {first}).__init__()").body[0]
        init.body.insert(0, placed(begin, init))
        made.bases = [placed(ast.parse("_torch_nn.Module", mode="eval").body, made)]
        sentence = f"“{made.name[:60]}” is read as an nn.Module, with {listed(learning)} as its nn.Parameters."
        return Gathered(with_import(tree, [*tree.body[:at], made, *tree.body[at + 1 :]]), sentence)
    return None


def _says(base: ast.expr) -> bool:
    """Whether a base is more than `object`."""
    return not (isinstance(base, ast.Name) and base.id == "object")
