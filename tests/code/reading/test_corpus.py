"""The corpus is read, written and run: the same weights by name and the same outputs, bit for bit.

The texts stand in the files `corpus_*` and `originals`; a text that cannot be read says why, by line.
"""

from __future__ import annotations

import pytest

from builder.code import write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading import corpus_others, corpus_sequences, corpus_vision
from tests.code.reading.corpus import TEXTS
from tests.code.reading.harness import check
from tests.code.reading.originals import CASES

FILES = (corpus_vision, corpus_sequences, corpus_others)
READ = {name: text for name, text in TEXTS.items() if not text.refused}
REFUSED = {name: text for name, text in TEXTS.items() if text.refused}
TOTAL, RATE = 129, 0.91
"""How many texts there are, those of `originals` among them, and the part of them that is read."""


@pytest.mark.parametrize("name", list(READ))
def test_a_text_of_the_corpus_computes_what_the_original_does(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = READ[name]
    run = text.source
    for here, instead in text.executed:
        assert here in run
        run = run.replace(here, instead)
    check(text.source, run=run, **text.call)
    assert "Error" not in capsys.readouterr().out


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_be_read_is_named_by_line_with_a_reason_and_help(name: str) -> None:
    text = REFUSED[name]
    with pytest.raises(CodeRefused) as caught:
        read = read_here(text.source, text.call.get("target"), text.call.get("inputs"))
        # Read, but its names “0”, “1” can only be kept by an nn.Sequential, and that cannot be written.
        assert "0" in read.graph.owners
        write_code(read.graph, "sequential")
    assert text.refused in caught.value.reason
    assert caught.value.line is not None or "Sequential" in caught.value.reason
    assert caught.value.help or "Sequential" in caught.value.reason


def test_the_rate_is_the_one_that_is_told() -> None:
    read, total = len(READ) + len(CASES), len(TEXTS) + len(CASES)
    print(f"{read} of {total} texts are read: {read / total:.1%}")
    assert total == TOTAL
    assert read / total >= RATE
