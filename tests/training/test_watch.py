"""What a page shows of a run while it trains, and the words it is told in."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.errors import NotFound
from builder.training.metrics_log import MetricsLog, read_points
from builder.training.processes import this_process
from builder.training.store import Store
from builder.training.watch import watch
from builder.training.words import (
    finished_words,
    words_for_figure,
    words_for_seconds,
)

ANNA = "anna"


def running(tmp_path: Path) -> tuple[Store, str, MetricsLog]:
    """A run that this very process trains, with nothing reported yet."""
    store = Store(tmp_path)
    run_id = store.new_id()
    (store.folders / run_id).mkdir()
    store.add(run_id, ANNA, "Net", {"epochs": 4})
    store.claim_next(1, this_process())
    store.folder(run_id).begin(1, this_process())
    return store, run_id, MetricsLog(store.folder(run_id).metrics)


START = {"kind": "start", "epochs": 4, "steps_per_epoch": 10, "metrics": ["accuracy"]}


def step(epoch: int, place: int, loss: float = 1.0, speed: float = 320.0) -> dict[str, object]:
    return {
        "kind": "step", "epoch": epoch, "step": (epoch - 1) * 10 + place, "step_in_epoch": place,
        "loss": loss, "rows_per_second": speed, "seconds": epoch * 1.0 - 0.5,
    }  # fmt: skip


def epoch(number: int, loss: float | None = 1.0) -> dict[str, object]:
    return {
        "kind": "epoch", "epoch": number, "step": number * 10, "seconds": number * 1.0,
        "train": {"loss": loss, "accuracy": 0.5}, "validation": {"loss": 0.4, "accuracy": 0.75},
    }  # fmt: skip


def test_a_run_that_is_starting_has_nothing_to_show_yet(tmp_path: Path) -> None:
    store, run_id, _ = running(tmp_path)
    seen = watch(store, run_id, ANNA)
    assert (seen.card.state, seen.started, seen.share, seen.epochs) == ("running", False, 0.0, 4)
    assert seen.seconds_left is None


def test_progress_speed_and_time_left(tmp_path: Path) -> None:
    store, run_id, log = running(tmp_path)
    log.append(START, step(1, 1), step(1, 5), epoch(1), step(2, 5))
    seen = watch(store, run_id, ANNA)
    assert (seen.epoch, seen.share) == (1, 0.375)  # one and a half of four epochs
    assert seen.rows_per_second == 320
    assert seen.seconds_left == pytest.approx(1.5 / 0.375 - 1.5)
    assert seen.metric == "accuracy"
    assert seen.steps.x == (0.1, 0.5, 1.5)
    assert seen.series("validation", "accuracy").y == (0.75,)
    assert seen.series("validation", "mae").x == ()


def test_the_next_look_adds_what_is_new(tmp_path: Path) -> None:
    store, run_id, log = running(tmp_path)
    log.append(START, epoch(1))
    watch(store, run_id, ANNA)
    log.append(epoch(2, loss=None))
    seen = watch(store, run_id, ANNA)
    assert seen.series("train", "loss").x == (1, 2)
    assert seen.series("train", "loss").y == (1.0, None)
    assert seen.series("train", "loss").last == 1.0


def test_thousands_of_steps_are_thinned_and_the_last_is_kept(tmp_path: Path) -> None:
    store, run_id, log = running(tmp_path)
    log.append({**START, "steps_per_epoch": 9000}, *(step(1, place) for place in range(1, 9001)))
    seen = watch(store, run_id, ANNA)
    assert 1000 < len(seen.steps.x) <= 2000
    assert seen.steps.x[-1] == 1.0


def test_a_very_long_run_is_thinned_to_real_epochs_with_both_ends_and_every_extreme(
    tmp_path: Path,
) -> None:
    store, run_id, log = running(tmp_path)
    count = 60_000
    odd: dict[int, float | None] = {777: 9.5, 31_001: 0.001, 45_454: None}
    for begin in range(1, count + 1, 10_000):  # as it grows, so it is thinned more than once
        log.append(*(epoch(n, odd.get(n, 1 / n + 0.3)) for n in range(begin, begin + 10_000)))
        watch(store, run_id, ANNA)
    seen = watch(store, run_id, ANNA)
    loss = seen.series("train", "loss")
    drawn = dict(zip(loss.x, loss.y, strict=True))
    assert len(drawn) <= 8_000 and seen.epoch == count
    assert (loss.x[0], loss.x[-1]) == (1, count)
    assert {n: drawn[n] for n in odd} == odd
    assert all(y == odd.get(int(x), 1 / x + 0.3) for x, y in drawn.items())
    assert list(loss.x) == sorted(loss.x)


def test_a_short_run_keeps_every_epoch(tmp_path: Path) -> None:
    store, run_id, log = running(tmp_path)
    log.append(START, *(epoch(n) for n in range(1, 5001)))
    assert watch(store, run_id, ANNA).series("train", "loss").x == tuple(range(1, 5001))


def test_a_long_log_is_read_piece_by_piece(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append(*(epoch(n) for n in range(1, 101)))
    (tmp_path / "metrics.jsonl").open("ab").write(b"x" * 5000 + b"\n")
    log.append(epoch(101))
    position, found, pieces = "", [], 0
    while (piece := read_points(log.path, position, 1000)).position != position:
        position, pieces = piece.position, pieces + 1
        found += [e["epoch"] for e in piece.epochs]
    assert found == list(range(1, 102)) and pieces > 10


def test_nobody_else_may_watch(tmp_path: Path) -> None:
    store, run_id, _ = running(tmp_path)
    with pytest.raises(NotFound):
        watch(store, run_id, "bert")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.04 s"),
        (0.4, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_times_are_told_in_words_a_person_uses(seconds: float, words: str) -> None:
    assert words_for_seconds(seconds) == words


def test_the_result_is_told_with_the_best_epoch() -> None:
    epochs = [epoch(1), {**epoch(2), "validation": {"loss": 0.5, "accuracy": 0.5}}]
    assert finished_words(epochs, 12.3) == (
        "Finished 2 epochs in 12 s. Validation accuracy 50.0%, best 75.0% after epoch 1."
    )
    numbers = [{"epoch": 1, "train": {"loss": 1.0, "mae": 0.25}, "validation": None}]
    assert finished_words(numbers, 1.0) == (
        "Finished 1 epoch in 1.0 s. Train mean absolute error 0.25."
    )
    assert words_for_figure("mae", None) == "–"


def test_lines_without_their_keys_are_passed_over(tmp_path: Path) -> None:
    store, run_id, log = running(tmp_path)
    log.append(START)
    assert watch(store, run_id, ANNA).epochs == 4
    log.append({**START, "epochs": "x"})
    log.append({"kind": "epoch"}, {"kind": "step"}, {"kind": "epoch", "epoch": 9})
    log.append({**step(1, 1), "rows_per_second": "fast"}, epoch(1), step(2, 5))
    seen = watch(store, run_id, ANNA)
    assert (seen.epoch, seen.share, len(seen.steps.x)) == (1, 0.375, 1)
