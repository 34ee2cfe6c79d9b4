"""What listens to the training loop: one subject a file.

A new one is a class with the methods it needs, given to `train(..., callbacks=[…])`.
"""

from __future__ import annotations

from builder.training.callbacks.base import Callback as Callback
from builder.training.callbacks.commits import Commits as Commits
from builder.training.callbacks.divergence import Divergence as Divergence
from builder.training.callbacks.progress import ProgressReport as ProgressReport
from builder.training.callbacks.reports import StepReports as StepReports
from builder.training.callbacks.stopping import StopListener as StopListener
