"""A part of the batch has a size of its own: the prime that stands for N is never shown."""

from __future__ import annotations

from typing import Any

import pytest

from builder.graph.model import Calc, Graph, Ref, Size, Slice, TensorSpec, format_value
from builder.graph.repairs import repairs_for
from builder.graph.shapes import infer_shapes
from builder.graph.symbols import dim_from_probe, dim_per_sample, probe_from_dim
from tests.graph.sound_networks import Net

HALF = Calc("//", Size(Ref("x"), 0), 2)


def sliced(index: Any) -> Graph:
    net = Net("N", 3, 224, 224)
    net.op("part", "operator.getitem", input=Ref("x"), index=index)
    net.layer("conv", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    return net.done()


def test_half_a_batch_goes_through_a_convolution() -> None:
    report = infer_shapes(sliced(Slice(None, HALF)))
    assert report.problems == ()
    assert format_value(report.nodes["conv"].result) == "N/2×16×224×224"
    assert report.nodes["conv"].activation_bytes == 16 * 224 * 224 * 4  # at most one whole sample
    assert report.nodes["conv"].flops == 2 * 3 * 9 * 16 * 224 * 224 // 2


def test_the_other_half_is_rounded_up() -> None:
    report = infer_shapes(sliced(Slice(HALF, None)))
    assert format_value(report.nodes["part"].result) == "⌈N/2⌉×3×224×224"


@pytest.mark.parametrize(
    ("dim", "per_sample"), [("N/2", 1), ("⌈N/3⌉", 1), ("3N/4", 1), ("12·N/2", 12), ("2N", 2)]
)
def test_a_part_of_the_batch_is_told_from_its_number(dim: str, per_sample: int) -> None:
    assert dim_from_probe(probe_from_dim(dim)) == dim
    assert dim_per_sample(dim) == per_sample


def chunked(rows: int, chunks: int) -> Graph:
    net = Net("N", 8)
    if rows == 2:
        net.op("twice", "torch.cat", tensors=(Ref("x"), Ref("x")), dim=0)
    net.op("chunk", "torch.chunk", input=net.last, chunks=chunks, dim=0)
    net.last = Ref("chunk", (0,))
    return net.done()


def test_chunks_along_the_batch_are_parts_of_it() -> None:
    halves = infer_shapes(chunked(1, 2))
    assert halves.problems == ()
    assert format_value(halves.nodes["chunk"].result) == "(⌈N/2⌉×8, N/2×8)"
    assert format_value(infer_shapes(chunked(2, 2)).nodes["chunk"].result) == "(N×8, N×8)"


def test_parts_without_a_name_are_refused_in_words() -> None:
    (problem,) = infer_shapes(chunked(1, 20)).errors
    assert problem.message == (
        "chunk “chunk” takes N×8 from “x” apart along the batch, whose size is not known before. Choose "
        "another dim."
    )
    (problem,) = infer_shapes(sliced(Slice(None, None, 20))).errors
    assert problem.kind == "batch_part"
    assert problem.message.startswith(
        "getitem “part” takes a part of the batch of N×3×224×224 from"
    )


def test_a_view_to_half_the_rows_is_refused_without_the_prime() -> None:
    net = Net("N", 12)
    net.op("view", "torch.Tensor.view", input=Ref("x"), shape=(HALF, 24))
    (problem,) = infer_shapes(net.done()).errors
    assert "cannot make N/2×24 from N×12" in problem.message


def test_a_plain_count_of_samples_stays_a_number() -> None:
    report = infer_shapes(sliced(Slice(None, 5000)))
    assert format_value(report.nodes["part"].result) == "5000×3×224×224"


def test_what_no_sample_costs_alone_has_no_flops() -> None:
    net = Net("N", 4)
    net.op("turned", "torch.transpose", input=Ref("x"), dim0=0, dim1=1)
    net.op("near", "operator.matmul", input=Ref("x"), other=Ref("turned"))
    net.op("twice", "operator.matmul", input=Ref("near"), other=Ref("near"))
    report = infer_shapes(net.done())
    assert report.nodes["near"].flops == 2 * 4
    assert report.nodes["near"].result == TensorSpec(("N", "N"))
    assert report.nodes["twice"].flops is None


def test_half_of_the_batch_is_offered_where_a_part_has_no_name() -> None:
    graph = sliced(Slice(None, None, 20))
    offered = repairs_for(graph, infer_shapes(graph).errors[0])
    assert [repair.label for repair in offered] == [
        "Set index to [:x.size(0) // 2]",
        "Set index to [:]",
    ]


def test_an_index_is_written_as_code_writes_it() -> None:
    net = Net("N", 7, 8)
    net.op("last", "operator.getitem", input=Ref("x"), index=(Slice(), 9))
    graph = net.done()
    labels = [repair.label for repair in repairs_for(graph, infer_shapes(graph).errors[0])]
    assert labels == ["Set index to [:, -1]", "Set index to [..., -1]"]
