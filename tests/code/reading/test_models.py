"""Every network of `originals` is read, written and held against itself, bit for bit."""

from __future__ import annotations

import pytest

from tests.code.reading.harness import check
from tests.code.reading.originals import CASES


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_read_computes_what_the_original_does(name: str) -> None:
    source, call = CASES[name]
    check(source, **call)
