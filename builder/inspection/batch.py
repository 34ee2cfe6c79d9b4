"""The batch a network is shown when we look inside: its shape as a person types it, and its values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from builder.errors import InspectionRefused, quote
from builder.graph.model import BATCH, Dim, Graph, TensorSpec
from builder.graph.sequence_lengths import steps_of
from builder.graph.shapes import infer_shapes
from builder.graph.size import format_exact

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_SAMPLES = 100_000
MOST_SIZES = 4

_BETWEEN = re.compile(r"(?<=\d)\s*[×x*]\s*(?=\d)|[\s,()\[\]]+")

BatchShape = tuple[int, ...]


def parse_batch_shape(text: str) -> BatchShape:
    """Reads "5", "4, 5", "4×5" or "" (one sample without a batch) as sizes: (5,), (4, 5), ().

    Errors: InspectionRefused for anything else, for sizes below 1 and for more than 100 000 samples.
    """
    words = [word for word in _BETWEEN.split(text.strip()) if word]
    if not all(re.fullmatch(r"[0-9]{1,9}", word) for word in words):
        raise InspectionRefused(
            f"The batch shape {quote(text)} is not a row of whole numbers. "
            "Write 5 for five samples, 4, 5 for four times five, or nothing for a single sample."
        )
    shape = tuple(int(word) for word in words)
    if 0 in shape:
        raise InspectionRefused("A batch of size 0 holds nothing to run. Use 1 or more.")
    if len(shape) > MOST_SIZES:
        raise InspectionRefused(
            f"The batch shape has {len(shape)} sizes; up to {MOST_SIZES} can be used."
        )
    if math.prod(shape) > MOST_SAMPLES:
        raise InspectionRefused(
            f"A batch of {format_exact(math.prod(shape))} samples is more than needed to draw a graph, which "
            f"looks the same for a few. Use up to {format_exact(MOST_SAMPLES)}."
        )
    return shape


def with_batch(spec: TensorSpec, batch: BatchShape) -> tuple[int, ...]:
    """The spec's shape with N replaced by the batch's sizes: ("N", 16) with (4, 5) is (4, 5, 16)."""
    sizes: list[int] = []
    for size in spec.shape:
        sizes.extend(_sizes(size, batch))
    return tuple(sizes)


def inputs_for(
    graph: Graph, batch: BatchShape, module: nn.Module, seed: int = 0
) -> Mapping[str, torch.Tensor]:
    """Values for every input node, by its name: normal numbers, token ids the embeddings know, and
    sequences as long as their input.

    Drawn from a generator of their own, so that nobody's randomness is disturbed.
    """
    import torch

    draw = torch.Generator().manual_seed(seed)
    below = _token_limit(module)
    values = {}
    report = infer_shapes(graph)
    for node in graph.inputs:
        spec = node.spec or TensorSpec((BATCH,))
        shape = with_batch(spec, batch)
        dtype: torch.dtype = getattr(torch, spec.dtype)
        steps = steps_of(graph, report, node.id)
        if steps is not None:
            value = torch.full(shape, steps, dtype=dtype)
        elif dtype == torch.bool:
            value = torch.rand(shape, generator=draw) > 0.5
        elif dtype.is_floating_point or dtype.is_complex:
            value = torch.randn(shape, generator=draw).to(dtype)
        else:
            value = torch.randint(0, below, shape, generator=draw).to(dtype)
        values[graph.label(node.id)] = value
    return values


def _sizes(size: Dim, batch: BatchShape) -> BatchShape:
    if isinstance(size, int):
        return (size,)
    if size == BATCH:
        return batch
    return (int(size.removesuffix(BATCH)) * math.prod(batch),)


def _token_limit(module: nn.Module) -> int:
    """Ids below this are known to every embedding; 2 (0 and 1) where the network has none."""
    from torch import nn

    known = [
        layer.num_embeddings
        for layer in module.modules()
        if isinstance(layer, nn.Embedding | nn.EmbeddingBag)
    ]
    return min(known, default=2)
