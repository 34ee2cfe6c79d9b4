"""Networks without a class: tensors that learn, or layers, at the top of a file, and what computes with them.

`W1 = torch.randn(8, 4, requires_grad=True)` … `def forward(x): return x @ W1`, or `y = fc2(fc1(x))`: a class
is made of it in the syntax tree, and that is read. The tensors become nn.Parameters named as they are.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Final

from builder.code.reading.loose_class import (
    CLASS,
    Gathered,
    module_of,
    of_a_plain_class,
    placed,
    sentence_of,
    with_import,
)
from builder.code.reading.loose_lines import NO_OUTPUT, forward_of_lines
from builder.code.reading.loose_text import LooseText, assigned, listed, loads, looked_through
from builder.code.reading.scopes import flattened
from builder.errors import CodeRefused

_KNOWN: Final = frozenset(("torch", "numpy", "math", "collections", "functools", "random", "os"))
_LIKELY: Final = ("forward", "model", "net", "network", "predict", "mlp")


def gathered(tree: ast.Module) -> Gathered:
    """The tree as it is where it has a class or an nn.Sequential, or no network at all."""
    statements = list(flattened(tree.body))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    attributes = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    bases = {n.attr if isinstance(n, ast.Attribute) else getattr(n, "id", "") for n in _bases(tree)}
    known = {"Sequential", "Module", "LightningModule"} & (names | attributes | bases)
    if known or CLASS in names:
        return Gathered(tree)
    text = looked_through(statements)
    plain = of_a_plain_class(tree, text)
    if plain is not None or not text.owned or text.grouped:
        return plain or Gathered(tree)
    return _of_a_function(tree, text) or forward_of_lines(tree, text) or Gathered(tree)


def why_none(tree: ast.Module) -> str:
    """What a text has in place of a network, as the reason why there is none in it; "" for nothing."""
    text = looked_through(list(flattened(tree.body)))
    if text.grouped:
        return (
            f"The tensors that learn stand in lists or tuples here ({listed(text.grouped)}), and only those "
            "with a name of their own are read"
        )
    if text.learning:
        return (
            f"The text has tensors that learn ({listed(text.learning)}), and neither a function nor a line "
            "that computes with them is found"
        )
    if len(text.layers) > 1:
        return f"The text has layers ({listed(text.layers)}), and no line that calls one after the other"
    return ""


def no_network(tree: ast.Module, reason: str) -> CodeRefused:
    """The refusal of a text without a network."""
    if (elsewhere := _from_elsewhere(tree)) is not None:
        return elsewhere
    if reason:
        return CodeRefused(
            f"{reason}.",
            help="Write y = layer2(layer1(x)), or a class: its tensors as nn.Parameter, its layers in "
            "__init__, what it computes in forward.",
        )
    return CodeRefused(
        "There is no network in this text: no nn.Module class, no nn.Sequential, no layer and no tensor "
        "that learns.",
        help="Paste the code that defines one.",
    )


def _from_elsewhere(tree: ast.Module) -> CodeRefused | None:
    """A class whose base, or a network whose function, is imported from code that is not at hand."""
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {(a.asname or a.name.partition(".")[0]): a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            imported |= {(a.asname or a.name): module for a in node.names}
    for statement in reversed(list(flattened(tree.body))):
        heads = statement.bases if isinstance(statement, ast.ClassDef) else []
        _, value = assigned(statement)
        if isinstance(value, ast.Call):
            heads = [value.func]
        for head in heads:
            root = ast.unparse(head).partition(".")[0]
            module = imported.get(root, "torch")
            if module.partition(".")[0] in _KNOWN:
                continue
            who = "The network is made by"
            if isinstance(statement, ast.ClassDef):
                who = f"“{statement.name[:60]}” inherits from"
            return CodeRefused(
                f"{who} “{ast.unparse(head)[:60]}”, whose code is not in this text but in {module[:60]}.",
                line=statement.lineno, help="Paste the code of that class or function as well.",
            )  # fmt: skip
    return None


def _bases(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from node.bases


# A function of the file --------------------------------------------------------------------------


def _of_a_function(tree: ast.Module, text: LooseText) -> Gathered | None:
    """The function that computes with them becomes the forward of a class."""
    using = _using(text)
    called = {
        n.func.id
        for name in using
        for n in ast.walk(text.functions[name])
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    able = [n for n in using if _is_forward(text.functions[n])]
    free = [n for n in able if n not in called]
    chosen = next((n for n in _LIKELY if n in able), free[-1] if free else "")
    if not chosen:
        return None
    function = copy.deepcopy(text.functions[chosen])
    inner = [copy.deepcopy(text.functions[n]) for n in using if n != chosen]
    function.name = "forward"
    mode = [placed(line, function) for line in _without_mode(function)]
    _find_buffers(text, [text.functions[n] for n in using])
    made = module_of(text, function.args, [*mode, *inner, *function.body], text.functions[chosen])
    instance = ast.parse(f"{chosen} = {CLASS}()").body[0]
    placed(instance, text.functions[chosen])
    return Gathered(
        with_import(tree, [*tree.body, made, instance]),
        sentence_of(text, f"{chosen}(…) as its forward"),
    )


def _using(text: LooseText) -> list[str]:
    """The functions that read a learning tensor or a layer, themselves or through another one."""
    read = {n: _free(f) for n, f in text.functions.items()}
    makers = {n for value in text.owned.values() for n in loads([value])}
    found: set[str] = set()
    while True:
        more = {
            name
            for name, names in read.items()
            if name not in makers and names & (text.owned.keys() | found)
        }
        if more == found:
            return [name for name in text.functions if name in found]
        found = more


def _find_buffers(text: LooseText, functions: list[ast.FunctionDef]) -> None:
    """Tensors of the file that the functions read and that do not learn, as running means."""
    read = {n for f in functions for n in _free(f)}
    for statement in text.statements:
        name, value = assigned(statement)
        made = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        if value is not None and name in read - text.owned.keys() and made.startswith("torch."):
            text.buffers[name] = value


def _free(function: ast.FunctionDef) -> set[str]:
    """The names that a function reads from around it."""
    own = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    own |= {
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return loads([function]) - own


def _is_forward(function: ast.FunctionDef) -> bool:
    arguments = function.args
    needed = len(arguments.args) - len(arguments.defaults)
    gives = any(isinstance(n, ast.Return) and n.value for n in ast.walk(function))
    trains = any(isinstance(n, ast.Attribute) and n.attr == "backward" for n in ast.walk(function))
    named = any(part in function.name.lower() for part in NO_OUTPUT)
    return needed > 0 and gives and not trains and not named


def _without_mode(function: ast.FunctionDef) -> list[ast.stmt]:
    """`training=False` of a function is `self.training` of a module."""
    arguments = function.args
    last = arguments.args[-1].arg if arguments.defaults else ""
    default = arguments.defaults[-1] if arguments.defaults else None
    if last not in ("training", "train", "is_training") or not isinstance(default, ast.Constant):
        return []
    arguments.args.pop()
    arguments.defaults.pop()
    return ast.parse(f"{last} = self.training").body
