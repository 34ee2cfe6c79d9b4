"""Counts, bytes and FLOPs as a person reads them, and what this machine can hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from builder.gallery import project
from builder.graph import size
from builder.graph.edits import AddBranch, GroupIntoBlock, SetArgument, SetRepeat, apply
from builder.graph.model import Ref, Training
from builder.graph.report import Totals
from builder.graph.shapes import infer_shapes
from builder.graph.size import (
    count_layers,
    format_bytes,
    format_count,
    format_exact,
    format_flops,
    format_gigabytes,
    format_layers,
    format_parameters,
    machine_memory,
    training_bytes,
)
from builder.graph.words import flops_words, parameters_words
from tests.graph.networks import layer, mlp, output, skip, start

THIN = "\u2009"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (12_345, f"12{THIN}345"),
        (99_999, f"99{THIN}999"),
        (101_770, "102k"),
        (1_250_000, "1.2M"),
        (999_960, "1M"),
        (25_600_000_000, "25.6G"),
        (-12_345, f"-12{THIN}345"),
    ],
)
def test_counts_are_exact_while_they_are_short(count: int, text: str) -> None:
    assert format_count(count) == text


def test_exact_counts_have_thin_spaces() -> None:
    assert format_exact(1_290_240) == f"1{THIN}290{THIN}240"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (512, "512 B"), (3_670_016, "3.5 MiB"), (2**30, "1 GiB"), (1023, "1023 B")],
)
def test_bytes_are_in_powers_of_1024(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_gigabytes_are_sold_by_the_thousand() -> None:
    assert format_gigabytes(160_000_000_000) == "160 GB"
    assert format_gigabytes(400_000_000) == "0.4 GB"


def test_flops_say_when_they_are_unknown() -> None:
    assert format_flops(None) == "?"
    assert format_flops(203_264) == "203 kFLOPs"


def test_training_keeps_four_copies_of_what_learns_and_one_of_what_is_frozen() -> None:
    assert training_bytes(1000) == 16_000
    assert training_bytes(0, frozen=1000) == 4_000
    assert training_bytes(1000, 1000, activations=7) == 20_007


def test_a_container_that_allows_less_than_the_machine_is_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1000000\n")
    other = tmp_path / "unlimited"
    other.write_text("max\n")
    monkeypatch.setattr(size, "_CGROUP_FILES", (limit, other, tmp_path / "absent"))
    size._container_limits.cache_clear()
    try:
        assert machine_memory() == 1_000_000
    finally:
        size._container_limits.cache_clear()


def test_this_machine_has_some_memory() -> None:
    assert machine_memory() > 10**8


def test_parameters_are_exact_as_long_as_one_counts_them() -> None:
    assert format_parameters(101_770) == f"101{THIN}770"
    assert format_parameters(9_999_999) == f"9{THIN}999{THIN}999"
    assert format_parameters(10_000_000) == "10M"


def test_layers_inside_blocks_count_as_often_as_they_run() -> None:
    resnet = project("resnet18").graph
    # 8 blocks of 7, three of them with a convolution and its norm beside; 4 in front, 3 behind
    assert count_layers(resnet) == 4 + 8 * 7 + 3 * 2 + 3
    inside = next(iter(resnet.blocks.values()))
    assert count_layers(inside, resnet) == count_layers(inside)


def test_layers_are_counted_as_the_stack_shows_them() -> None:
    assert count_layers(skip()) == 3  # fc1, relu and the addition
    assert [format_layers(n) for n in (0, 1, 8)] == ["0 layers", "1 layer", "8 layers"]


def test_of_a_branch_the_dearer_side_counts() -> None:
    graph = layer(start(), "small", "Linear", "x", out_features=8)
    graph = layer(graph, "wide", "Linear", "x", out_features=100)
    graph = layer(graph, "narrow", "Linear", "wide", out_features=8)
    edit = AddBranch(Training(), Ref("small"), Ref("narrow"), id="branch")
    graph = output(apply(graph, edit), "branch")
    one, other = 2 * 8 * 8, 2 * 8 * 100 + 2 * 100 * 8
    assert infer_shapes(graph).totals.flops == max(one, other)
    both = layer(graph, "also", "Linear", "small", out_features=8)
    both = output(both, "also", "second")
    assert infer_shapes(both).totals.flops == other + one + 2 * 8 * 8


def test_unknown_flops_are_said_to_be_unknown() -> None:
    known = infer_shapes(mlp()).totals
    assert flops_words(known) == format_flops(known.flops)
    assert flops_words(replace(known, flops_unknown=1)) == f"≥ {format_flops(known.flops)}"
    assert flops_words(Totals(flops_unknown=2)) == "?"
    broken = apply(mlp(), SetArgument("fc2", "in_features", 3))
    assert infer_shapes(broken).totals.flops_unknown == 1


@pytest.mark.parametrize(("shared", "words"), [(False, "≥ 612"), (True, "442")])
def test_copies_that_a_broken_one_keeps_from_being_reached_are_said_to_be_unknown(
    shared: bool, words: str
) -> None:
    graph = layer(start("N", 16), "fc1", "Linear", "x", in_features=16, out_features=16)
    graph = layer(graph, "fc2", "Linear", "fc1", in_features=16, out_features=10)
    graph = apply(output(graph, "fc2"), GroupIntoBlock(("fc2",), id="block"))
    assert parameters_words(infer_shapes(graph).totals) == "442"
    broken = infer_shapes(apply(graph, SetRepeat("block", 6, shared))).totals
    assert parameters_words(broken) == words
    assert broken.parameters_unknown == (0 if shared else 4)
