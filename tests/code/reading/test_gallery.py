"""The gallery's own code, read back: the same text again, in every style."""

from __future__ import annotations

import pytest

from builder.code import write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from builder.gallery import designs, project
from tests.code.reading.harness import check


@pytest.mark.parametrize("style", ["module", "sequential"])
@pytest.mark.parametrize("key", list(designs()))
def test_a_design_reads_back_as_it_was_written(key: str, style: str) -> None:
    try:
        source = write_code(project(key).graph, style)
    except CodeRefused as refusal:
        pytest.skip(str(refusal))
    assert write_code(read_here(source).graph, style) == source
    check(source)
