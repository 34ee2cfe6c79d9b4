"""Inside the process that reads: what Python's audit hook sees there while hostile texts are read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.code.reading.child import Child
from builder.code.reading.guard import is_forbidden
from builder.code.reading.reading import Read
from builder.errors import CodeRefused
from tests.code.reading.harness import in_time
from tests.code.reading.hostile import CANARY, TEXTS

HEAD = "import torch\nfrom torch import nn\n"
GOOD = HEAD + "net = nn.Sequential(nn.Linear(4, 2))\nnet(torch.zeros(1, 4))\n"

_WATCHED = """
import importlib, os, pkgutil, sys
import builder.code.reading as reading
from builder.code.reading import child
from builder.code.reading.limits import Budget
from builder.errors import CodeRefused
from tests.code.reading.hostile import TEXTS
from tests.code.reading.originals import CASES

QUIET = ("builtins.id", "object.__getattr__", "object.__setattr__", "object.__delattr__", "code.__new__")
told, watching = os.open(sys.argv[1], os.O_WRONLY), False


def hook(event, arguments):
    if not watching or event in QUIET:
        return
    if event == "compile" and arguments[1] == "<unknown>":
        return  # ast.parse: into a tree, not into code
    if event == "open" and arguments[0] == "<unknown>":
        return  # Python looks for the line of a SyntaxError in the file it does not come from
    os.write(told, (event + " " + repr(arguments)[:200] + "\\n").encode("ascii", "backslashreplace"))


def answered(source, target, inputs, real=child._answered):
    global watching
    if source == "# is it watched?":
        watching = True
        open(os.devnull).close()
    watching = True
    try:
        return real(source, target, inputs)
    finally:
        watching = False


def limited(real=child._limit):
    real()
    sys.addaudithook(hook)


child._answered, child._limit = answered, limited
sys.setrecursionlimit(20_000)
for module in pkgutil.iter_modules(reading.__path__):
    importlib.import_module(f"builder.code.reading.{module.name}")
texts = {name: text for name, text in TEXTS.items() if not name.startswith("heavy")}
asked = [(source, call.get("target"), call.get("inputs")) for source, call in CASES.values()]
for source, target, inputs in [*asked, *((texts[name], None, None) for name in list(texts)[::7])]:
    try:  # what our own reader imports late, it has imported now
        reading.read_here(source, target, inputs, budget=Budget(0.1))
    except CodeRefused:
        pass
child.main()
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, list[str]]]:
    """A process that reads, and what its audit hook has seen."""
    pipe = tmp_path_factory.mktemp("told") / "pipe"
    os.mkfifo(pipe)
    seen: list[str] = []

    def listen() -> None:
        with pipe.open(encoding="ascii") as lines:
            seen.extend(lines)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    child = Child(("-c", _WATCHED, str(pipe)))
    child.warm()
    yield child, seen
    child.close()


def test_no_text_causes_an_event_in_the_process_that_reads_it(
    watched: tuple[Child, list[str]],
) -> None:
    """Neither exec, compile, import, open, subprocess nor socket; and each is answered in time."""
    child, seen = watched
    assert len(TEXTS) >= 300
    for name, text in TEXTS.items():
        start = time.monotonic()
        try:
            answer: object = child.read(text, None, None)
        except CodeRefused as refusal:
            answer = refusal
        assert isinstance(answer, Read | CodeRefused), name
        assert in_time(time.monotonic() - start), name
        assert not seen, f"{name}: {seen[0]}"
    assert not Path(CANARY).exists()
    with pytest.raises(CodeRefused):
        child.read("# is it watched?", None, None)  # the hook does see what happens there
    until = time.monotonic() + 5
    while not seen and time.monotonic() < until:
        time.sleep(0.01)
    assert [line.split()[0] for line in seen] == ["open"]


@pytest.mark.parametrize(
    "doing",
    ["os.system('touch {0}')", "open({0!r}, 'w')", "subprocess.run(['touch', {0!r}])",
     "socket.socket().connect(('127.0.0.1', 9))", "pickle.loads(b'cos\\nsystem\\n.')"],
)  # fmt: skip
def test_a_process_that_began_to_do_more_than_read_ends_itself(doing: str, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    program = (
        "import os, pickle, socket, subprocess\nfrom builder.code.reading import child\n"
        "def answered(*_):\n"
        f"    {doing.format(str(touched))}\n"
        "child._answered = answered\n"
        "child.main()\n"
    )
    child = Child(("-c", program))
    try:
        with pytest.raises(CodeRefused) as refusal:
            child.read(GOOD, None, None)
    finally:
        child.close()
    assert "ends the process that reads" in refusal.value.reason
    assert not touched.exists()


def test_reading_a_file_of_our_own_is_allowed_and_writing_one_is_not() -> None:
    assert not is_forbidden("open", ("torch/nn/__init__.py", "r", os.O_RDONLY | os.O_CLOEXEC))
    assert not is_forbidden("import", ("torch",))
    assert is_forbidden("open", ("x", "w", os.O_WRONLY | os.O_CREAT))
    assert is_forbidden("socket.connect", ())
