"""Code read into a graph, without ever running it.

    graph = read_code(open("model.py").read())                      # the network of a text
    read = read(source, "Net(784, 10)", ["float32[N,1,28,28]"])     # with what was assumed, and where

The walk over the syntax happens in a child process with limits (`child`); `read_here` is the same in
this process, for the child and for tests. A README tells how the parts hang together.
"""

from __future__ import annotations

from collections.abc import Sequence

from builder.code.reading.child import crowded, read, warm
from builder.code.reading.reading import Read, Refusal, read_here
from builder.graph.model import Graph

__all__ = ["Read", "Refusal", "crowded", "read", "read_code", "read_here", "warm"]


def read_code(source: str, target: str | None = None, inputs: Sequence[str] | None = None) -> Graph:
    """The network in a Python text, a notebook, or a page with code.

    Args:    target: what is meant, such as "Net(784, 10)", "Net" or a variable's name.
             inputs: such as ["float32[N,1,28,28]"], N where the batch stands.
    Errors:  CodeRefused with line, reason and help. Nothing of the text is run.
    """
    return read(source, target, inputs).graph
