"""Code read into a graph, without ever running it."""

from __future__ import annotations

from builder.code.reading.reading import Read, Refusal, read_here

__all__ = ["Read", "Refusal", "read_here"]
