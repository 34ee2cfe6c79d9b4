"""Texts of one small class, what is told of them, and how they are refused."""

from __future__ import annotations

import pytest

from builder.code.reading import Read, read_here
from builder.errors import CodeRefused

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def net(made: str, forward: str, more: str = "", before: str = "") -> str:
    """A class of a few lines; `made` begins at line 7 where `before` is empty."""

    def indented(text: str, by: int) -> str:
        return "".join(" " * by + line + "\n" for line in text.splitlines())

    return (
        f"{HEAD}{before}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{indented(made, 8)}    def forward(self, x):\n{indented(forward, 8)}{indented(more, 4)}"
    )


def refused(source: str, *words: str, line: int, inputs: str = "float32[N,8]") -> CodeRefused:
    """The refusal of a text; it names its line, and these words stand in it."""
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", [inputs])
    said = f"{caught.value.reason} {caught.value.help}"
    assert caught.value.line == line, said
    assert all(word in said for word in words), said
    assert caught.value.help, "a refusal names a way out"
    return caught.value


def told(read: Read) -> str:
    return " ".join([*read.assumptions, *(text for _, text in read.notes)])
