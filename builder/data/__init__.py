"""Data sets: built in, drawn from a seed, or brought by a person, as tensors that fit a model.

`cards()` lists them, `DataChoice` says which and how, `load_dataset` gives the tensors,
`check_upload` takes a stranger's file in. Each verb is imported when it is first used: the child
process that reads uploads must stay small.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from builder.data.agreement import Disagreement as Disagreement
    from builder.data.agreement import disagreements as disagreements
    from builder.data.card import Card as Card
    from builder.data.card import Option as Option
    from builder.data.card import Target as Target
    from builder.data.choice import DataChoice as DataChoice
    from builder.data.dataset import Dataset as Dataset
    from builder.data.dataset import Part as Part
    from builder.data.dataset import load_dataset as load_dataset
    from builder.data.dataset import title_of as title_of
    from builder.data.fit import Fit as Fit
    from builder.data.fit import plan_fit as plan_fit
    from builder.data.fitting import choices_that_fit as choices_that_fit
    from builder.data.registry import Columns as Columns
    from builder.data.registry import Samples as Samples
    from builder.data.registry import Source as Source
    from builder.data.registry import card_of as card_of
    from builder.data.registry import cards as cards
    from builder.data.registry import register as register
    from builder.data.uploads import Upload as Upload
    from builder.data.uploads import check_upload as check_upload
    from builder.data.uploads import delete_upload as delete_upload
    from builder.data.uploads import list_uploads as list_uploads
    from builder.data.uploads import open_upload as open_upload

_VERBS = {
    "Card": "card",
    "Columns": "registry",
    "DataChoice": "choice",
    "Dataset": "dataset",
    "Disagreement": "agreement",
    "Fit": "fit",
    "Option": "card",
    "Part": "dataset",
    "Samples": "registry",
    "Source": "registry",
    "Target": "card",
    "Upload": "uploads",
    "card_of": "registry",
    "cards": "registry",
    "check_upload": "uploads",
    "choices_that_fit": "fitting",
    "delete_upload": "uploads",
    "disagreements": "agreement",
    "plan_fit": "fit",
    "title_of": "dataset",
    "load_dataset": "dataset",
    "open_upload": "uploads",
    "register": "registry",
    "list_uploads": "uploads",
}

__all__ = [
    "Card",
    "Columns",
    "DataChoice",
    "Dataset",
    "Disagreement",
    "Fit",
    "Option",
    "Part",
    "Samples",
    "Source",
    "Target",
    "Upload",
    "card_of",
    "cards",
    "check_upload",
    "delete_upload",
    "disagreements",
    "list_uploads",
    "load_dataset",
    "open_upload",
    "plan_fit",
    "register",
    "title_of",
]


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module 'builder.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"builder.data.{_VERBS[name]}"), name)
