"""What was proven of an exported file, as a value, as sentences, and as the comment in its header."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import builder
from builder.export.subject import Subject

_WIDTH = 98


@dataclass(frozen=True)
class Proof:
    """One proof. `what`: what was done with the file. `inputs`, `outputs`: "float32 (4, 10)".

    `max_difference`: the largest one found; `tolerance`: the largest one allowed, 0.0 for equal bits.
    `more`: sentences of a format's own, such as of its training.
    """

    what: str
    weights: str
    seed: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    modes: tuple[str, ...]
    max_difference: float = 0.0
    tolerance: float = 0.0
    layerwise: str = builder.__version__
    python: str = platform.python_version()
    torch: str = ""
    more: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The proof in words, a sentence each."""
        exact = self.tolerance == 0.0
        most = f"{self.max_difference:.2g}, at most" if self.max_difference else "at most"
        found = "0.0 (equal bit for bit)" if exact else f"{most} {self.tolerance:g} is allowed"
        modes = " and ".join({"eval": "eval", "train": "training"}[mode] for mode in self.modes)
        return (
            f"Exported by Layerwise {self.layerwise}.",
            f"Proof: in a clean Python {self.python} with torch {self.torch} {self.what}.",
            f"Proven with weights {self.weights}.",
            f"Input drawn with seed {self.seed}: {_listed(self.inputs)}; output: "
            f"{_listed(self.outputs)}.",
            f"Max difference from the network in Layerwise, in {modes} mode: {found}.",
            *self.more,
        )

    @property
    def header(self) -> str:
        """The proof as comment lines at the top of a Python file."""
        lines = [
            line
            for sentence in self.sentences
            for line in textwrap.wrap(sentence, _WIDTH - 2, subsequent_indent="  ")
        ]
        return "".join(f"# {line}\n" for line in lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Proof:
        """What `to_json` gave."""
        fields: dict[str, Any] = {
            n: tuple(v) if isinstance(v, list) else v for n, v in value.items()
        }
        return cls(**fields)


def promised(
    subject: Subject,
    what: str,
    *,
    modes: Iterable[str] = (),
    more: Iterable[str] = (),
    **fields: Any,
) -> Proof:
    """The proof that a file is going to be held to, so that it can stand in the very file proven."""
    import torch

    first = [name for name in subject.expected if name.startswith("eval")]
    known = ("eval", "train") if subject.trains else ("eval",)
    return Proof(
        what,
        subject.weights,
        subject.seed,
        tuple(described(value) for value in subject.inputs),
        tuple(described(subject.expected[name]) for name in first),
        tuple(modes) or known,
        torch=str(torch.__version__),
        more=(*more, subject.note) if subject.note else tuple(more),
        **fields,
    )


def described(value: Any) -> str:
    """ "float32 (4, 10)"."""
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values[:8]) + (f" and {len(values) - 8} more" if len(values) > 8 else "")
