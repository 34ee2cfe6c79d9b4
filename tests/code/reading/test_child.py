"""The child process: hostile texts are answered in time, and nothing of them runs."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import builder
from builder.code.reading import warm
from builder.code.reading.child import SECONDS, Child
from builder.errors import CodeRefused
from tests.code.reading.harness import in_time

HEAD = "import torch\nfrom torch import nn\n"
HOSTILE = {
    "five megabytes of brackets": "(" * 5_000_000,
    "a long sum": "x=" + "+".join(["1"] * 100_000),
    "a long row of dots": "x=a" + ".b" * 50_000,
    "a large power": HEAD + "model = nn.Sequential(nn.Linear(10**10**10, 2))",
    "a doubling list": HEAD + "a=[0]\nfor i in range(99): a=a+a\nmodel=nn.Sequential(*a)",
    "a function in itself": HEAD + "f=lambda f: f(f)\nmodel=nn.Sequential(f(f))",
    "a class in itself": HEAD
    + "class N(nn.Module):\n def __init__(s):\n  super().__init__(); s.a=N()\n def forward(s,x): return x",
    "a wide text": HEAD + "a='%1000000000d' % 1\nmodel=nn.Sequential(nn.Linear(len(a),2))",
    "an endless loop": HEAD + "def f():\n  while True: x=1\nmodel=nn.Sequential(nn.Linear(f(),2))",
    "attributes in a format": HEAD
    + "a='{0.__class__.__mro__}'.format(1)\nmodel=nn.Sequential(nn.Linear(len(a),2))",
    "nothing": "",
}


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_text_is_refused_within_three_seconds(name: str) -> None:
    start = time.monotonic()
    with pytest.raises(CodeRefused):
        builder.read_code(HOSTILE[name])
    assert in_time(time.monotonic() - start)


def test_nothing_of_a_text_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    text = f"open({str(touched)!r}, 'w')\n__import__('os').system('touch {touched}')\n"
    text += (
        HEAD
        + f"class N(nn.Sequential):\n  exec('open({str(touched)!r})')\nmodel = N(nn.Linear(2, 2))"
    )
    with suppress(CodeRefused):
        builder.read_code(text)
    assert not touched.exists()


def test_a_refusal_carries_line_reason_and_help() -> None:
    with pytest.raises(CodeRefused) as caught:
        builder.read_code(
            HEAD + "model = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2))", None, ["float32[N,2]"]
        )
    assert caught.value.line == 3
    assert "in_features" in caught.value.reason


def test_a_reader_that_was_ended_from_outside_is_another_one_for_the_next_text() -> None:
    child = Child()
    child.warm()
    assert child._process is not None
    child._process.kill()
    try:
        assert child.read(HEAD + "m = nn.Sequential(nn.Linear(2, 2))", None, None).target
    finally:
        child.close()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs the times of processes")
def test_on_a_busy_machine_a_text_has_its_seconds_of_a_processor() -> None:
    child = Child()
    child.warm()
    assert child._process is not None
    warm = child._process.pid
    (worker,) = map(int, Path(f"/proc/{warm}/task/{warm}/children").read_text().split())
    os.kill(worker, signal.SIGSTOP)
    threading.Timer(SECONDS + 0.8, os.kill, (worker, signal.SIGCONT)).start()
    try:
        assert child.read(HEAD + "m = nn.Sequential(nn.Linear(2, 2))", None, None).target
    finally:
        child.close()
