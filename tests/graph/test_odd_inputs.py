"""Odd inputs into every member of the catalogue: found before training, in our words, and mended."""

from __future__ import annotations

import pytest

from builder import catalogue
from builder.graph.edits import apply
from builder.graph.model import Graph, Node, Ref, TensorSpec
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from tests.graph.odd_inputs import Odd, odd_dtypes, odd_shapes, tuples
from tests.graph.sound_networks import Net

EVERY = list(catalogue.entries().values())
ONLY_HERE = {  # what this CPU cannot do in half precision, and a number too large for it
    *("torch.nn.AvgPool3d", "torch.nn.LPPool3d", "torch.nn.RReLU", "torch.cdist"),
    "torch.Tensor.masked_fill",
}
STRICTER = {  # single dtypes that torch takes and the check does not
    *("torch.nn.Upsample", "torch.nn.functional.interpolate", "torch.nn.UpsamplingBilinear2d"),
    *("torch.nn.UpsamplingNearest2d", "torch.nn.Fold", "torch.nn.Unfold"),
    "torch.nn.functional.unfold",
}


def errors(odd: Odd) -> list[str]:
    return [p.message for p in infer_shapes(odd.graph).errors if p.node == "it"]


def in_torchs_words(message: str) -> bool:
    return "Torch says" in message or "Torch refuses" in message


@pytest.mark.parametrize("family", list(catalogue.FAMILIES))
def test_every_dtype_that_torch_refuses_is_found_and_no_other(family: str) -> None:
    for entry in EVERY:
        if entry.family != family:
            continue
        for odd in odd_dtypes(entry):
            found, refusal = errors(odd), odd.refusal_of_the_cpu()
            if "float16" not in odd.how or entry.key not in ONLY_HERE:
                assert found or not refusal, f"{entry.key}, {odd.how}: {refusal}"
            if entry.key not in STRICTER:
                assert refusal or not any("works on" in text for text in found), (odd.how, found)


def test_hardly_any_problem_is_left_to_torchs_words() -> None:
    found, raw, raw_dtypes = 0, 0, []
    for entry in EVERY:
        for odd in (*odd_dtypes(entry), *odd_shapes(entry), *tuples(entry)):
            for message in errors(odd):
                found += 1
                raw += in_torchs_words(message)
        raw_dtypes += [
            (odd.entry.key, odd.how)
            for odd in odd_dtypes(entry)
            if any(map(in_torchs_words, errors(odd)))
        ]
    assert found > 2500
    assert raw <= 0.02 * found
    assert {key for key, how in raw_dtypes} <= {"torch.where"}, raw_dtypes  # uint8: CPU takes it


def test_a_dtype_is_mended_by_the_first_repair() -> None:
    tried = mended = 0
    for entry in EVERY[::3]:
        for odd in odd_dtypes(entry):
            problems = [p for p in infer_shapes(odd.graph).errors if p.kind.startswith("needs_")]
            for problem in problems:
                tried += 1
                offered = repairs_for(odd.graph, problem)
                mended += bool(offered) and infer_shapes(apply(odd.graph, offered[0].edit)).ok
    assert tried > 50
    assert mended >= 0.97 * tried


def op(key: str, dtype: str, **arguments: Ref | float | int) -> Graph:
    net = Net("N", 4, dtype=dtype)
    net.nodes["k"] = Node("k", "input", "k", spec=TensorSpec(("N", 4)))
    net.op("it", key, input=Ref("x"), **arguments)
    return net.done()


@pytest.mark.parametrize(
    ("graph", "sentence", "label"),
    [
        (
            op("torch.mean", "int64", dim=1),
            "mean “it” works on real numbers but receives whole numbers (int64), from “x”. Turn them "
            "into real numbers with .float().",
            "Insert .float() before “it”",
        ),
        (
            op("torch.Tensor.masked_fill", "float32", mask=Ref("k"), value=0.0),
            "masked_fill “it” works on True and False at “mask” but receives real numbers (float32), "
            "from “k”. Turn them into True and False with .bool().",
            "Insert .bool() before “it”",
        ),
        (
            op("torch.maximum", "complex64", other=Ref("k")),
            "maximum “it” works on real numbers at “input” but receives complex numbers (complex64), "
            "from “x”. Turn them into real numbers with .float(), which keeps the real part.",
            "Insert .float() before “it”",
        ),
        (
            op("operator.matmul", "float64", other=Ref("k")),
            "matmul “it” receives N×4 from “x” and N×4 from “k”. The last size of the first (4) must be "
            "the last but one of the second (N).",
            None,
        ),
        (
            op("torch.outer", "float32", vec2=Ref("k")),
            "outer “it” needs 1 dimension at “input”, such as 3, but receives N×4, from “x”, which has 2 "
            "dimensions.",
            None,
        ),
    ],
)
def test_a_refusal_says_what_is_taken(graph: Graph, sentence: str, label: str | None) -> None:
    problems = infer_shapes(graph).errors
    assert [p.message for p in problems] == [sentence]
    if label:
        assert [r.label for r in repairs_for(graph, problems[0])][:1] == [label]
