"""Names of columns as strangers write them, made short, visible and different from each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from builder.data.limits import MAX_NAME_CHARACTERS
from builder.errors import quote


def clean_names(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names to use, and notes on those that were changed.

    Control marks and line breaks become spaces, long names are cut, an empty name becomes
    "column 3", a second "price" becomes "price (2)". Everything else stays: a name is only ever
    shown as text.
    """
    used: set[str] = set()
    cleaned: list[str] = []
    doubled: list[str] = []
    changed: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = _plain(name)
        if plain != name.strip() and plain:
            changed.append(plain)
        wish = plain or f"column {place}"
        if wish in used:
            doubled.append(wish)
            wish = _another(wish, used)
        used.add(wish)
        cleaned.append(wish)
    return tuple(cleaned), (*_doubled_notes(doubled), *_changed_notes(changed))


def _plain(name: str) -> str:
    start = name[: MAX_NAME_CHARACTERS * 8]
    visible = "".join(
        " " if unicodedata.category(c)[0] in "CZ" and c != " " else c
        for c in unicodedata.normalize("NFC", start)
    )
    flat = " ".join(visible.split())
    return flat if len(flat) <= MAX_NAME_CHARACTERS else flat[: MAX_NAME_CHARACTERS - 1] + "…"


def _another(wish: str, used: set[str]) -> str:
    number = 2
    while (name := f"{wish} ({number})") in used:
        number += 1
    return name


def _doubled_notes(doubled: list[str]) -> tuple[str, ...]:
    if not doubled:
        return ()
    first = quote(doubled[0], 30)
    if len(doubled) == 1:
        return (f"Two columns are called {first}: the second got a number.",)
    return (f"{len(doubled):,} columns repeat a name, such as {first}: they got numbers.",)


def _changed_notes(changed: list[str]) -> tuple[str, ...]:
    if not changed:
        return ()
    first = quote(changed[0], 30)
    if len(changed) == 1:
        return (f"The name of the column {first} was shortened or cleaned.",)
    return (f"{len(changed):,} column names were shortened or cleaned, such as {first}.",)
