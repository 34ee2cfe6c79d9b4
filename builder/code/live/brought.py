"""The text a network was read from, kept with the project it becomes: with its comments and layout."""

from __future__ import annotations

import ast

from builder.code.live.following import restored
from builder.graph.model import Graph
from builder.graph.own_texts import MAX_TEXT, OwnText


def brought_text(source: str, graph: Graph) -> dict[str, OwnText]:
    """The text by the style it is shown in; {} where, read again, it does not say just this network.

    So it is for a notebook, a page with code in fences, and where another network of the text is meant.
    """
    text = source.replace("\r\n", "\n")
    if len(text) > MAX_TEXT:
        return {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    style = "module" if classes else "ordered" if "OrderedDict" in text else "sequential"
    return {style: OwnText(text)} if restored(style, graph, text) is not None else {}
