"""`F.relu = torch.tanh`: a text that gives a library's name another meaning for all that follows."""

from __future__ import annotations

import ast
from typing import Final

from builder.code.reading.reader import Reader
from builder.code.reading.scopes import USUAL

_LIBRARIES: Final = ("torch.", "math.", "numpy.", "einops.")
_SETTINGS: Final = (
    "torch.backends.", "torch._dynamo", "torch._inductor", "torch.cuda.", "torch.utils.",
    "torch.multiprocessing", "numpy.random.",
)  # fmt: skip
"""Parts of torch whose attributes are switches, and compute nothing."""


def check_exchanged(reader: Reader) -> None:
    """Errors: CodeRefused for a name of a library that is set to something else."""
    nodes = list(ast.walk(reader.tree))
    own = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    own |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    known = {name: path for name, (path, _) in USUAL.items()}
    for node in nodes:
        if isinstance(node, ast.Import):
            known.update({a.asname: a.name for a in node.names if a.asname})
            known.update({(h := a.name.partition(".")[0]): h for a in node.names if not a.asname})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    for node in nodes:
        if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
            continue
        parts, at = [node.attr], node.value
        while isinstance(at, ast.Attribute):
            parts.append(at.attr)
            at = at.value
        if not isinstance(at, ast.Name) or at.id in own or at.id not in known:
            continue
        path = ".".join([known[at.id], *reversed(parts)])
        if path.startswith(_LIBRARIES) and not path.startswith(_SETTINGS):
            raise reader.refuse(
                f"“{ast.unparse(node)[:60]}” of the library is exchanged for something else",
                "Give what you mean a name of its own, and use that.",
                line=node.lineno,
            )
