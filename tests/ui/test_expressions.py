"""Arguments as text: what is written is read back, and nothing else is read at all."""

from __future__ import annotations

import pytest

from builder.errors import EditRefused
from builder.graph.edits.values import Condition
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)
from builder.graph.words import write_argument, write_index
from builder.ui.expressions import (
    read_argument,
    read_condition,
    read_index,
    read_shape,
)

GRAPH = Graph(
    nodes={"a": Node("a", "input", "x", spec=TensorSpec(("N", 4)))}, settings={"width": 8}
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1", -1),
        ("0.5", 0.5),
        ("None", None),
        ("True", True),
        ("3, 5", (3, 5)),
        ("3,", (3,)),
        ("'same'", "same"),
        ("x.size(0), -1", (Size(Ref("a"), 0), -1)),
        ("x.size(0) * 2", Calc("*", Size(Ref("a"), 0), 2)),
        ("(width + 1) // 2", Calc("//", Calc("+", Setting("width"), 1), 2)),
    ],
)
def test_an_argument_is_written_as_it_is_read(text: str, value: Argument) -> None:
    assert read_argument(text, GRAPH) == value
    assert write_argument(value, GRAPH) == text


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (":, 0", (Slice(), 0)),
        ("..., -1", (Ellipsis, -1)),
        ("1:3, ::2", (Slice(1, 3), Slice(None, None, 2))),
        (":, None", (Slice(), None)),
    ],
)
def test_an_index_is_written_as_it_is_read(text: str, index: Argument) -> None:
    assert read_index(text, GRAPH) == index
    assert write_index(index, GRAPH) == text


def test_the_one_sign_for_dots_is_understood() -> None:
    assert read_index("…, 0", GRAPH) == (Ellipsis, 0)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("training", Training()),
        ("self.training", Training()),
        ("gradients are recorded", GradEnabled()),
        ("while gradients are recorded", GradEnabled()),
        ("torch.is_grad_enabled()", GradEnabled()),
        ("width", Setting("width")),
        ("x > 0.5", Compare(">", Ref("a"), 0.5)),
    ],
)
def test_a_condition_is_read(text: str, condition: Condition) -> None:
    assert read_condition(text, GRAPH) == condition
    assert read_condition(write_argument(condition, GRAPH), GRAPH) == condition


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "open('/etc/passwd')",
        "x.__class__",
        "lambda: 1",
        "[i for i in x]",
        "x.size(0, 1)",
        "x.size('a')",
        "x.size(True)",
        "1 if x else 2",
        "2 ** 9999999",
        "9" * 300,
        "(" * 300,
        "y" * 500,
        "f'{x}'",
        "1j",
        "b'x'",
        "x := 1",
        "1;2",
        "\x00",
        "2)",
    ],
)
def test_what_is_not_on_the_list_is_refused_in_words(text: str) -> None:
    for read in (read_argument, read_index, read_condition):
        with pytest.raises(EditRefused):
            read(text, GRAPH)


def test_an_index_cannot_break_out_of_its_brackets() -> None:
    with pytest.raises(EditRefused):
        read_index("0] + x[0", GRAPH)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("N×1×28×28", ("N", 1, 28, 28)),
        ("n, 784", ("N", 784)),
        ("2N x 3", ("2N", 3)),
        ("(N, 4)", ("N", 4)),
        ("scalar", ()),
        ("7", (7,)),
    ],
)
def test_a_shape_is_read_as_people_write_it(text: str, shape: tuple[int | str, ...]) -> None:
    assert read_shape(text) == shape


@pytest.mark.parametrize("text", ["", "×", "N×-1", "N×0", "٣", "1.5", "0N", "NN", "N;import os"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        read_shape(text)
