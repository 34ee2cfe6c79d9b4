"""Whose text is read next: fair between people, however long some texts take.

    turn = turns.take()          # waits; CodeRefused where it waits too long
    turns.goes_on(turn)          # asked again and again while it is read: False, it gives its place away
    turns.again(turn)            # waits for another place, to be read to its end
    turns.leave(turn)

Each person has one text read at a time, and who was served last waits behind the others; who comes for
the first time waits behind those who were there before. A text that is not read at once
(`QUICK_SECONDS`) is a long one: those have all places but one, so a usual text, which takes a hundredth
of a second, soon finds one, beside any number of long ones.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from builder.errors import CodeRefused

READERS: Final = max(1, int(os.environ.get("LAYERWISE_READERS") or 2))
"""Processes that read, side by side on this machine; each takes some 250 MB."""
QUICK_SECONDS: Final = 0.15
WAIT_SECONDS: Final = 20.0
"""At most, from the asking to the begin of the reading."""
MOST_WAITING: Final = 200
MOST_OF_ONE: Final = 20
"""Texts of one person that wait: one for each of their tabs."""
_MOST_REMEMBERED: Final = 1000  # people

Asker = tuple[str, str]
"""Whose text it is, and which of their tabs has it read."""


@dataclass(eq=False)
class Turn:
    """One text's way through the queue. `place`: which process reads it, from 0."""

    owner: str
    tab: str
    until: float
    since: float = field(default_factory=monotonic)
    place: int = -1
    long: bool = False
    sure: bool = False  # of its place, to the end
    superseded: bool = False


@dataclass
class Turns:
    """The queue before some places. Safe to use from several threads."""

    places: int = READERS
    wait_seconds: float = WAIT_SECONDS
    most_waiting: int = MOST_WAITING
    _waiting: list[Turn] = field(default_factory=list)
    _reading: dict[int, Turn] = field(default_factory=dict)
    _served: dict[str, float] = field(default_factory=dict)
    _last_long: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, asker: Asker | None = None) -> Turn:
        """Waits for a place. Of one tab only the newest text waits.

        Errors: CodeRefused where too many wait, it waits too long, or a newer one took its place.
        """
        owner, tab = asker or asked_by()
        turn = Turn(owner, tab, monotonic() + self.wait_seconds)
        with self._changed:
            for other in self._waiting:
                if (other.owner, other.tab) == (owner, tab):
                    other.superseded = True
            self._waiting = [other for other in self._waiting if not other.superseded]
            self._changed.notify_all()
            if sum(other.owner == owner for other in self._waiting) >= MOST_OF_ONE:
                raise CodeRefused(
                    f"{MOST_OF_ONE} of your texts wait to be read already.",
                    kind="limit", help="Try again in a moment, or close other tabs.",
                )  # fmt: skip
            if len(self._waiting) >= self.most_waiting:
                raise CodeRefused(
                    f"{self.most_waiting} texts wait to be read on this server already.",
                    kind="limit", help="Try again in a moment.",
                )  # fmt: skip
            self._wait(turn)
        return turn

    def goes_on(self, turn: Turn) -> bool:
        """Whether a text that was not read at once keeps its place."""
        with self._changed:
            turn.long = True
            if not turn.sure and self._long() < self._most_long():
                turn.sure = True
            return turn.sure or self._next(long=False) is None

    def again(self, turn: Turn) -> None:
        """Gives the place away, and waits for one to be read from its begin. Errors: as `take`."""
        with self._changed:
            self._leave(turn)
            self._wait(turn)

    def leave(self, turn: Turn) -> None:
        """Ends it, wherever it is."""
        with self._changed:
            self._leave(turn)

    def crowded(self) -> bool:
        """Whether a text that is asked for now must wait."""
        with self._changed:
            return len(self._reading) >= self.places

    # --- inside, with the lock held -------------------------------------------------------------------

    def _wait(self, turn: Turn) -> None:
        self._waiting.append(turn)
        self._give()
        while turn.place < 0:
            if turn.superseded:
                raise CodeRefused("A newer text is read in its place.", kind="limit")
            left = turn.until - monotonic()
            if left <= 0:
                self._waiting.remove(turn)
                raise self._busy()
            self._changed.wait(left)

    def _leave(self, turn: Turn) -> None:
        if self._reading.get(turn.place) is turn:
            del self._reading[turn.place]
            self._note_served(turn.owner)
        turn.place, turn.sure = -1, False
        self._give()

    def _give(self) -> None:
        """Hands out the places that are free, by turns to quick and to long texts."""
        while free := sorted(set(range(self.places)) - set(self._reading)):
            quick, long = self._next(long=False), self._next(long=True)
            turn = long if long and (not quick or not self._last_long) else quick
            if turn is None:
                return
            self._waiting.remove(turn)
            self._reading[free[0]] = turn
            turn.place, turn.sure, self._last_long = free[0], turn.long, turn.long
            self._note_served(turn.owner)
            self._changed.notify_all()

    def _note_served(self, owner: str) -> None:
        self._served.pop(owner, None)
        self._served[owner] = monotonic()
        while len(self._served) > _MOST_REMEMBERED:
            del self._served[next(iter(self._served))]

    def _next(self, *, long: bool) -> Turn | None:
        """Of those who wait and have nothing read: who was served longest ago, then who came first."""
        if long and self._long() >= self._most_long():
            return None
        busy = {turn.owner for turn in self._reading.values()}
        found = [t for t in self._waiting if t.long == long and t.owner not in busy]
        return min(found, key=lambda turn: self._served.get(turn.owner, turn.since), default=None)

    def _long(self) -> int:
        return sum(turn.sure for turn in self._reading.values())

    def _most_long(self) -> int:
        return max(1, self.places - 1)

    def _busy(self) -> CodeRefused:
        many = "one text" if self.places == 1 else f"{self.places} texts"
        return CodeRefused(
            f"This server reads {many} at a time, and did not come to this one within "
            f"{self.wait_seconds:g} seconds, as many wait.",
            kind="limit", help="Try again in a moment.",
        )  # fmt: skip


def asked_by() -> Asker:
    """Who has a text read in this thread: a program's threads are people of their own."""
    return _find[0]() if _find else (f"thread {threading.get_ident()}", "")


def found_by(find: Callable[[], Asker]) -> None:
    """Says how it is known who has a text read."""
    _find[:] = [find]


_find: list[Callable[[], Asker]] = []
