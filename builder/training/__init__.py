"""Training: a job is checked, written into a folder of its own, and trained by a process of its own.

run = train(project, "digits", epochs=20, lr=0.01)     # here, with a progress callback
run_id = get_supervisor().start(JobRequest(...))           # in the background, as the page does
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.training.card import RunCard as RunCard
    from builder.training.check import Problem as Problem
    from builder.training.check import check_job as check_job
    from builder.training.headless import resume_run as resume_run
    from builder.training.headless import train as train
    from builder.training.job import JobRequest as JobRequest
    from builder.training.losses import suggest_loss as suggest_loss
    from builder.training.run import Run as Run
    from builder.training.run import open_run as open_run
    from builder.training.settings import TrainingSettings as TrainingSettings
    from builder.training.store import Store as Store
    from builder.training.supervisor import Supervisor as Supervisor
    from builder.training.supervisor import get_supervisor as get_supervisor

_VERBS = {
    "JobRequest": "job",
    "Problem": "check",
    "Run": "run",
    "RunCard": "card",
    "Store": "store",
    "Supervisor": "supervisor",
    "TrainingSettings": "settings",
    "check_job": "check",
    "get_supervisor": "supervisor",
    "open_run": "run",
    "resume_run": "headless",
    "suggest_loss": "losses",
    "train": "headless",
}

__all__ = [
    "JobRequest",
    "Problem",
    "Run",
    "RunCard",
    "Store",
    "Supervisor",
    "TrainingSettings",
    "check_job",
    "get_supervisor",
    "open_run",
    "resume_run",
    "suggest_loss",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'builder.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"builder.training.{_VERBS[name]}"), name)
