"""A moment in the words of the page: one style everywhere, on a 24-hour clock, in the reader's zone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st


def moment(seconds: float) -> str:
    """When something happened, `seconds` since 1970: "12:28" today, else "19 Nov" or "19 Nov 2025"."""
    return words_for_moment(seconds, time.time(), _zone())


def words_for_moment(seconds: float, now: float, zone: tzinfo | None) -> str:
    """`zone`: None is the server's own."""
    then, today = (datetime.fromtimestamp(s, UTC).astimezone(zone) for s in (seconds, now))
    if then.date() == today.date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b}" + (f" {then.year}" if then.year != today.year else "")


def _zone() -> tzinfo | None:
    """The browser's; what it sends is looked up by name only, and an unknown name is passed by."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None
