"""What a branch may ask of the running network itself, beside settings and comparisons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Training:
    """The condition `self.training` of a branch."""


@dataclass(frozen=True, slots=True)
class GradEnabled:
    """The condition `torch.is_grad_enabled()` of a branch: not under torch.no_grad(), as in evaluation."""
