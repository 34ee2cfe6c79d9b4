"""The ways out of a text that is not read, each a text that was tried: one click in the editor."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Final

from builder.code.live.following import Shown
from builder.code.live.sizes import Following, let_follow, parameter_names, shown_size
from builder.code.live.taking import take
from builder.errors import CodeRefused, Misfit

_SECONDS: Final = 0.6  # for those beside the sizes that follow
_MOST_BEFORE: Final = 12  # layers that could give what is needed
_BACK: Final = re.compile(r"(?<=\d) to (?=\S+$)")
_MEANT: Final = re.compile(r"“([^“”]+)”[^“”]*Did you mean “([^“”]+)”\?")
_MISSING: Final = re.compile(r"has no “(\w+)”\.")


def ways_out(shown: Shown, text: str, refusal: CodeRefused) -> tuple[Following, ...]:
    """What makes a refused text one that is read, the likeliest first.

    Where a layer does not fit what arrives: its number, or that of the layer in front; else the change
    is taken back. Where a name is unknown: the one that was meant; where a layer is no longer made: its
    new name, else the text without its call.
    """
    if refusal.misfit is None:
        meant = _as_meant(shown, text, refusal)
        return (meant,) if meant is not None else ()
    found = [let_follow(shown, text, refusal), _before(shown, text, refusal.misfit)]
    ways = [way for way in found if way is not None]
    if all(way.text != shown.text for way in ways):
        ways.append(Following(shown.text, "Take my change back"))
    named = (
        replace(way, title=_BACK.sub(" back to ", way.title)) if way.text == shown.text else way
        for way in ways
    )
    return tuple({way.text: way for way in named}.values())


def no_longer_called(before: str, text: str) -> tuple[tuple[str, int], ...]:
    """(layer, the line it is made in) of those that a text makes, and no longer uses as it did before."""
    (_, used), (made, uses) = _attributes(before), _attributes(text)
    return tuple((name, line) for name, line in made.items() if name in used - uses)


def other_sizes(before: str, text: str) -> tuple[str, ...]:
    """The layers that a text makes with other numbers than before, and else alike."""
    was, now = _makings(before), _makings(text)
    return tuple(
        name
        for name, (kind, numbers) in now.items()
        if name in was and was[name][0] == kind and was[name][1] != numbers
    )


def _makings(text: str) -> dict[str, tuple[str, list[int]]]:
    """Each name that is given to self once: (what, without its numbers; its numbers)."""
    found: dict[str, list[tuple[str, list[int]]]] = {}
    try:
        nodes = list(ast.walk(ast.parse(text)))
        for node in nodes:
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)],
                    value=ast.Call() as call,
                ):
                    parts = [n for n in ast.walk(call) if isinstance(n, ast.Constant)]
                    whole = [n for n in parts if type(n.value) is int]
                    numbers = [int(str(n.value)) for n in whole]
                    for number in whole:
                        number.value = 0
                    found.setdefault(name, []).append((ast.dump(call), numbers))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {name: made[0] for name, made in found.items() if len(made) == 1}


def _attributes(text: str) -> tuple[dict[str, int], set[str]]:
    """(what is given to self, with the line; what is read of it) in all classes of a text."""
    made: dict[str, int] = {}
    used: set[str] = set()
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}, set()
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                made.setdefault(name, node.lineno)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                used.add(name)
    return made, used


def _before(shown: Shown, text: str, misfit: Misfit) -> Following | None:
    """The number of a layer in front, so that it gives what the one behind it takes."""
    if not isinstance(misfit.was, int) or not isinstance(misfit.needed, int):
        return None
    until = monotonic() + _SECONDS
    for line, name, changed in list(_numbers(text, misfit))[-_MOST_BEFORE:][::-1]:
        if monotonic() > until:
            return None
        try:
            take(shown, changed)
        except CodeRefused:
            continue
        return Following(changed, f"Set {name} in line {line} to {shown_size(misfit.was)}")
    return None


def _numbers(text: str, misfit: Misfit) -> Iterator[tuple[int, str, str]]:
    """(line, parameter, the text with it changed) of each number that a layer is made with, and that is
    what arrives at the misfit."""
    lines = text.split("\n")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda one: (one.lineno, one.col_offset)):
        if call.lineno >= misfit.line:
            continue
        for name, given in parameter_names(call):
            if not isinstance(given, ast.Constant) or given.value != misfit.needed:
                continue
            if isinstance(given.value, bool) or given.end_col_offset is None:
                continue
            row = lines[given.lineno - 1].encode()
            now = row[: given.col_offset] + str(misfit.was).encode() + row[given.end_col_offset :]
            changed = [*lines[: given.lineno - 1], now.decode(), *lines[given.lineno :]]
            yield given.lineno, name, "\n".join(changed)


def _as_meant(shown: Shown, text: str, refusal: CodeRefused) -> Following | None:
    """The text with the name that was meant, where that is read or the next trouble is another one."""
    said = f"{refusal.reason} {refusal.help}"
    found, missing = _MEANT.search(said), _MISSING.search(said)
    if found is None and missing is None:
        return None
    wrong, near = found.groups() if found is not None else (str(missing and missing[1]), "")
    wrong, near = wrong.rpartition(".")[2], near.rpartition(".")[2]
    (made_before, used_before), (made, used) = _attributes(shown.text), _attributes(text)
    if wrong in made_before and wrong not in made:  # taken out of __init__, or renamed there
        new = [name for name in made if name not in made_before and name not in used]
        if not new:
            return _without_the_call(shown, text, refusal, wrong)
        near = next(iter(difflib.get_close_matches(wrong, new, n=1)), new[0])
    else:
        free = [name for name in made if name in used_before - used]
        near = next(iter(difflib.get_close_matches(wrong, free, n=1)), near)
    return _with_the_name(shown, text, refusal, wrong, near) if near else None


def _with_the_name(
    shown: Shown, text: str, refusal: CodeRefused, wrong: str, meant: str
) -> Following | None:
    """The text with another name in the line that is refused, or in the only one that has the wrong one."""
    lines = text.split("\n")
    if refusal.line is None or not 0 < refusal.line <= len(lines):
        return None
    name = re.compile(rf"(?<!\w){re.escape(wrong)}(?!\w)")
    here = [at for at, line in enumerate(lines) if name.search(line)]
    at = refusal.line - 1 if refusal.line - 1 in here or len(here) != 1 else here[0]
    now, count = name.subn(lambda _: meant, lines[at])
    if count != 1:
        return None
    changed = "\n".join([*lines[:at], now, *lines[at + 1 :]])
    return _tried(shown, changed, refusal, f"Write {meant} in line {at + 1}")


def _without_the_call(shown: Shown, text: str, refusal: CodeRefused, name: str) -> Following | None:
    """The text without the line that only calls a layer which is no longer made."""
    lines = text.split("\n")
    if refusal.line is None or not 0 < refusal.line <= len(lines):
        return None
    called = re.compile(rf"\s*(\w+) = self\.{re.escape(name)}\(\1\)\s*(#.*)?")
    if not called.fullmatch(lines[refusal.line - 1]):
        return None
    changed = "\n".join([*lines[: refusal.line - 1], *lines[refusal.line :]])
    return _tried(shown, changed, refusal, f"Take line {refusal.line} out")


def _tried(shown: Shown, text: str, refusal: CodeRefused, title: str) -> Following | None:
    """A way out, where its text is read or the next trouble is another one."""
    try:
        take(shown, text)
    except CodeRefused as again:
        if (again.line, again.reason) == (refusal.line, refusal.reason):
            return None
    return Following(text, title)
