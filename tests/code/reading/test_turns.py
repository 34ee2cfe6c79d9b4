"""Whose text is read next: fair between people, and soon for a usual text, beside any number of long ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from builder.code.reading import turns as turns_of
from builder.code.reading.child import Readers
from builder.code.reading.turns import MOST_OF_ONE, Turn, Turns
from builder.errors import CodeRefused

HEAD = "import torch\nfrom torch import nn\n"
GOOD = HEAD + "net = nn.Sequential(nn.Linear(4, 2))\nnet(torch.zeros(1, 4))\n"
ENDLESS = HEAD + "def f():\n  while True: x = 1\nmodel = nn.Sequential(nn.Linear(f(), 2))"


def later(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Does it in a thread of its own; what came of it."""
    came: list[object] = []

    def done() -> None:
        try:
            came.append(act())
        except CodeRefused as refusal:
            came.append(refusal)

    thread = threading.Thread(target=done)
    thread.start()
    return thread, came


def waits(turns: Turns, many: int) -> None:
    while len(turns._waiting) < many:
        time.sleep(0.001)


@pytest.fixture(autouse=True)
def _each_thread_is_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a page was drawn in this process, which says who asks."""
    monkeypatch.setattr(turns_of, "_find", [])


def owners(came: list[object]) -> list[str]:
    return [turn.owner for turn in came if isinstance(turn, Turn)]


def test_places_go_round_between_people() -> None:
    turns = Turns(1)
    first = turns.take(("ann", "1"))
    asked = [("ann", "2"), ("ann", "3"), ("bob", "1"), ("cleo", "1")]
    order: list[str] = []
    threads = []
    for place, asker in enumerate(asked, 1):

        def read(asker: tuple[str, str] = asker) -> None:
            turn = turns.take(asker)
            order.append(asker[0])
            turns.leave(turn)

        threads.append(later(read)[0])
        waits(turns, place)
    turns.leave(first)
    for thread in threads:
        thread.join()
    assert order == ["bob", "cleo", "ann", "ann"]


def test_a_person_has_one_text_read_at_a_time() -> None:
    turns = Turns(2)
    turns.take(("ann", "1"))
    thread, came = later(lambda: turns.take(("ann", "2")))
    waits(turns, 1)
    assert turns.take(("bob", "1")).place == 1
    assert not came
    turns.leave(turns._reading[0])
    thread.join()
    assert owners(came) == ["ann"]


def test_a_newer_text_of_a_tab_is_read_in_the_place_of_one_that_waits() -> None:
    turns = Turns(1)
    first = turns.take(("bob", "1"))
    old, of_old = later(lambda: turns.take(("ann", "1")))
    waits(turns, 1)
    other, of_other = later(lambda: turns.take(("ann", "2")))
    waits(turns, 2)
    new, of_new = later(lambda: turns.take(("ann", "1")))
    old.join()
    (refusal,) = of_old
    assert isinstance(refusal, CodeRefused)
    assert refusal.reason == "A newer text is read in its place."
    turns.leave(first)
    other.join()
    assert owners(of_other) == ["ann"]
    turns.leave(turns._reading[0])
    new.join()
    assert owners(of_new) == ["ann"]


def test_a_long_text_keeps_its_place_until_somebody_waits_and_another_long_one_has_one() -> None:
    turns = Turns(2)
    long, other = turns.take(("ann", "1")), turns.take(("bob", "1"))
    assert turns.goes_on(long)
    assert turns.goes_on(other)
    thread, came = later(lambda: turns.take(("cleo", "1")))
    waits(turns, 1)
    assert turns.goes_on(long)
    assert not turns.goes_on(other)
    again, _ = later(lambda: turns.again(other))
    thread.join()
    assert owners(came) == ["cleo"]
    turns.leave(turns._reading[1])
    time.sleep(0.05)
    assert other.place < 0  # its place is the long one's, which is taken
    turns.leave(long)
    again.join()
    assert other.sure


def test_with_one_place_long_and_usual_texts_take_turns() -> None:
    turns = Turns(1)
    begun = turns.take(("ann", "1"))
    assert turns.goes_on(begun)  # nobody waits
    assert begun.sure
    tries = [later(lambda: turns.take(("bob", "1"))), later(lambda: turns.take(("cleo", "1")))]
    waits(turns, 2)
    turns.leave(begun)
    while not (came := tries[0][1]):
        time.sleep(0.001)
    assert owners(came) == ["bob"]
    turns.leave(turns._reading[0])
    tries[1][0].join()


def test_a_text_that_waits_too_long_is_told_so() -> None:
    turns = Turns(2, wait_seconds=0.05)
    turns.take(("ann", "1"))
    turns.take(("bob", "1"))
    assert turns.crowded()
    with pytest.raises(CodeRefused) as caught:
        turns.take(("cleo", "1"))
    assert caught.value.reason == (
        "This server reads 2 texts at a time, and did not come to this one within 0.05 seconds, as many "
        "wait."
    )
    assert caught.value.help == "Try again in a moment."
    assert not turns._waiting


def test_only_so_many_wait() -> None:
    turns = Turns(1, wait_seconds=30, most_waiting=1)
    first = turns.take(("ann", "1"))
    thread, _ = later(lambda: turns.take(("bob", "1")))
    waits(turns, 1)
    with pytest.raises(CodeRefused):
        turns.take(("cleo", "1"))
    turns.leave(first)
    thread.join()


def test_one_person_leaves_room_for_the_others() -> None:
    turns = Turns(1, wait_seconds=30)
    first = turns.take(("ann", "1"))
    mine = [passes(turns, "bob", str(n)) for n in range(MOST_OF_ONE)]
    waits(turns, MOST_OF_ONE)
    with pytest.raises(CodeRefused, match="20 of your texts wait to be read already"):
        turns.take(("bob", "one more"))
    cleo = passes(turns, "cleo", "1")
    waits(turns, MOST_OF_ONE + 1)
    turns.leave(first)
    for thread in (cleo, *mine):
        thread.join()


def test_who_comes_for_the_first_time_does_not_pass_who_waits() -> None:
    turns = Turns(1, wait_seconds=30)
    turns.leave(turns.take(("ann", "1")))
    begun = turns.take(("bob", "1"))
    ann, came = later(lambda: turns.take(("ann", "1")))
    waits(turns, 1)
    new = [passes(turns, f"new {n}", "1") for n in range(3)]
    waits(turns, 4)
    turns.leave(begun)
    ann.join()
    assert owners(came) == ["ann"]
    assert all(thread.is_alive() for thread in new)
    turns.leave(turns._reading[0])
    for thread in new:
        thread.join()


def passes(turns: Turns, owner: str, tab: str) -> threading.Thread:
    """Somebody who takes a place, and leaves it at once."""
    thread, _ = later(lambda: turns.leave(turns.take((owner, tab))))
    return thread


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    readers = Readers(Turns(2))
    readers.warm()
    yield readers
    readers.close()


def test_a_usual_text_is_read_soon_beside_eight_endless_ones(readers: Readers) -> None:
    """And each of the eight is read for as long as it would be alone, one after the other."""
    hostile = [later(lambda: readers.read(ENDLESS, None, None)) for _ in range(8)]
    time.sleep(0.2)
    start = time.monotonic()
    assert readers.read(GOOD, None, None).target
    assert time.monotonic() - start < 4
    start = time.monotonic()
    for _ in range(5):
        assert readers.read(GOOD, None, None).target
    assert time.monotonic() - start < 2
    for thread, came in hostile:
        thread.join()
        (refusal,) = came
        assert isinstance(refusal, CodeRefused)
        assert refusal.kind == "limit"
        assert "too long" in refusal.reason or "within 20 seconds" in refusal.reason


def test_thirty_people_who_type_are_all_read(readers: Readers) -> None:
    start = time.monotonic()
    typing = [
        later(lambda: [readers.read(GOOD, None, None).target for _ in range(4)]) for _ in range(30)
    ]
    for thread, came in typing:
        thread.join()
        assert len(came) == 1
        assert isinstance(came[0], list)
    assert time.monotonic() - start < 15
