"""Data sets as pages show them: loaded once for all sessions, then drawn from memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import streamlit as st

from builder.data import DataChoice, Dataset, load_dataset
from builder.inspection.thumbnails import thumbnail

_KEPT: Final = 24
_SECONDS: Final = 1800
_loaded: Final[WeakValueDictionary[tuple[str, str], Dataset]] = WeakValueDictionary()


def load(choice: DataChoice, owner_dir: Path) -> Dataset:
    """The tensors of a choice. Errors: DataRefused, NotFound; nothing of those is remembered."""
    key = _key(choice, owner_dir)
    dataset: Dataset = _load(*key)
    _loaded[key] = dataset
    return dataset


def loaded(choice: DataChoice, owner_dir: Path) -> Dataset | None:
    """The tensors of a choice where they are in memory already; None where that would take time."""
    return _loaded.get(_key(choice, owner_dir))


def _key(choice: DataChoice, owner_dir: Path) -> tuple[str, str]:
    own = str(owner_dir) if choice.upload_id else ""
    return json.dumps(choice.to_json(), sort_keys=True), own


@st.cache_data(show_spinner=False)
def card_picture(key: str, dark: bool) -> str:
    """The small picture on a registered set's card, as SVG."""
    return thumbnail(load_dataset(key), dark)


@st.cache_resource(show_spinner=False, max_entries=_KEPT, ttl=_SECONDS)
def _load(choice: str, owner_dir: str) -> Dataset:
    return load_dataset(
        DataChoice.from_json(json.loads(choice)), owner_dir=Path(owner_dir) if owner_dir else None
    )
