"""One call with everything it takes resolved: what the checks look at before torch is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from builder.catalogue.entry import REQUIRED, Entry
from builder.errors import quote
from builder.graph.diagnostics import Finding, Severity
from builder.graph.model import TensorSpec, Value, format_value
from builder.graph.symbols import Evaluated, dim_from_probe


def _unknown_source(_port: str, _place: int = 0) -> str:
    return ""


@dataclass(frozen=True)
class Call:
    """A layer's or operation's call.

    `arguments`: constructor arguments, set or inferred; `inferred` names the latter. `inputs`: what
    arrives by port (a tuple for a port that takes many, or for a tuple result). `literals`: the
    call's other arguments, with the batch as a number (`BATCH_PROBE`). `source`: which layer a port
    is fed from, in words for a sentence. `partner`: the label of the first call of shared weights.
    """

    entry: Entry
    label: str
    arguments: Mapping[str, Evaluated] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    inputs: Mapping[str, Evaluated] = field(default_factory=dict)
    literals: Mapping[str, Evaluated] = field(default_factory=dict)
    source: Callable[[str, int], str] = _unknown_source
    partner: str = ""

    @property
    def who(self) -> str:
        """Linear “head”: how a sentence begins."""
        return f"{self.entry.name} {quote(self.label)}"

    @property
    def first(self) -> str:
        """The port that a chain feeds."""
        return self.entry.ports[0].name

    def argument(self, name: str) -> Evaluated:
        """A constructor or call argument, or torch's default where it is left out; None if unknown."""
        for given in (self.arguments, self.literals):
            if name in given:
                return given[name]
        parameter = self.entry.parameter(name)
        if parameter is None or parameter.default is REQUIRED:
            return None
        return parameter.default  # type: ignore[return-value]

    def whole(self, name: str) -> int | None:
        """An argument that is a whole number, else None."""
        value = self.argument(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def tensor(self, port: str | None = None) -> TensorSpec | None:
        """The one tensor that arrives at a port (the first), None for a tuple or nothing."""
        value = self.inputs.get(port or self.first)
        return value if isinstance(value, TensorSpec) else None

    def tensors(self, port: str | None = None) -> tuple[TensorSpec, ...]:
        """The tensors of a port that takes many."""
        value = self.inputs.get(port or self.first)
        if isinstance(value, TensorSpec):
            return (value,)
        return (
            tuple(v for v in value if isinstance(v, TensorSpec)) if isinstance(value, tuple) else ()
        )

    def from_(self, port: str | None = None, place: int = 0) -> str:
        """', from “flatten”' or nothing: where a port's value comes from (of many: one of them)."""
        return self.source(port or self.first, place)

    def out_of(self, port: str | None = None, place: int = 0) -> str:
        """The same in the middle of a sentence: ' from “flatten”'."""
        return self.from_(port, place).removeprefix(",")

    def finding(
        self,
        kind: str,
        text: str,
        *,
        port: str | None = None,
        parameter: str | None = None,
        severity: Severity = "error",
    ) -> Finding:
        """A finding that begins with this call's name."""
        return Finding(kind, f"{self.who} {text}", port, parameter, severity)


def show(value: Evaluated) -> str:
    """A value in words of the screen: N×3×32×32, “N” for the batch's number, else as Python writes it."""
    if isinstance(value, TensorSpec):
        return format_value(value)
    if isinstance(value, tuple) and value and all(isinstance(v, TensorSpec | tuple) for v in value):
        return format_value(value)  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return (
            "(" + ", ".join(show(part) for part in value) + ("," if len(value) == 1 else "") + ")"
        )
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(dim_from_probe(value))
    return quote(value) if isinstance(value, str) else str(value)


def is_value(value: Evaluated) -> bool:
    """Whether it is a tensor or a tuple of them, not a number."""
    if isinstance(value, tuple):
        return all(is_value(part) for part in value)
    return isinstance(value, TensorSpec)


def spread_sizes(value: Evaluated, length: int) -> tuple[int, ...] | None:
    """A kernel size or stride as one number for each dimension, None where it is not that."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * length
    if isinstance(value, tuple) and len(value) in (1, length):
        sizes = tuple(v for v in value if isinstance(v, int) and not isinstance(v, bool))
        if len(sizes) == len(value):
            return sizes * (length if len(sizes) == 1 else 1)
    return None


__all__ = ["Call", "Value", "is_value", "show", "spread_sizes"]
