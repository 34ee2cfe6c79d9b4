"""Where a node reads: its slots, in the words that the browser and Python share.

A slot is [node id, port, index]; a wire is named by the slot it ends in, because a slot has one wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from builder.graph.model import Node, Ref, iter_refs

FIXED = "~"  # in front of an argument's name: read in an expression, not by a wire one can take


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where a node reads: argument, and which one in an argument that takes several."""

    node: str
    port: str
    index: int = 0

    @property
    def fixed(self) -> bool:
        """Read in an expression (a size, a condition): drawn, but not to be taken or moved."""
        return self.port.startswith(FIXED)

    @property
    def id(self) -> str:
        """The name of the wire that ends here."""
        return f"{self.node}:{self.port}:{self.index}"


def slots_of(node: Node) -> list[tuple[Slot, Ref]]:
    """Everything a node reads, by slot, in the order of its arguments."""
    found: list[tuple[Slot, Ref]] = []
    for name, value in node.arguments.items():
        if isinstance(value, Ref):
            found.append((Slot(node.id, name), value))
        elif isinstance(value, tuple) and value and all(isinstance(v, Ref) for v in value):
            found += [
                (Slot(node.id, name, i), v) for i, v in enumerate(value) if isinstance(v, Ref)
            ]
        else:
            refs = enumerate(iter_refs(value))
            found += [(Slot(node.id, FIXED + name, i), ref) for i, ref in refs]
    return found


def slot_named(wire: str) -> Slot | None:
    """The slot a wire's id names; None where it names none."""
    head, _, index = wire.rpartition(":")
    node, _, port = head.partition(":")  # an id holds no colon
    fine = node and port and index.isascii() and index.isdigit() and len(index) < 6
    return Slot(node, port, int(index)) if fine else None
