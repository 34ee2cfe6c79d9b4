"""Which ready sets fit a network as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.data import DataChoice, choices_that_fit, disagreements, load_dataset
from builder.graph.model import Graph, TensorSpec
from builder.graph.shapes import infer_shapes
from tests.code.networks import chain


def net(shape: tuple[str | int, ...], outputs: int, *, flat: bool = True) -> Graph:
    first = () if flat else (("flatten", "Flatten", {}),)
    return chain(*first, ("fc", "Linear", {"out_features": outputs}), shape=shape)


def fitting(graph: Graph) -> tuple[DataChoice, ...]:
    return choices_that_fit(graph, infer_shapes(graph))


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        (net(("N", 1, 8, 8), 10, flat=False), ["digits"]),
        (net(("N", 64), 10), ["digits"]),
        (net(("N", 4), 3), ["iris"]),
        (net(("N", 4), 4), []),
        (net(("N", 2), 2), ["moons", "circles", "xor"]),
        (net(("N", 2), 1), ["moons", "circles", "xor"]),
        (net(("N", 10), 1), ["diabetes"]),
        (net(("N", 1, 4), 3), []),
    ],
)
def test_what_fits_is_found_and_fits_indeed(graph: Graph, found: list[str]) -> None:
    choices = fitting(graph)
    assert [choice.source for choice in choices] == found
    for choice in choices:
        assert disagreements(graph, load_dataset(choice)) == ()


def test_a_network_of_words_or_with_problems_fits_none() -> None:
    words = chain(("emb", "Embedding", {"num_embeddings": 9, "embedding_dim": 3}), shape=("N", 4))
    nodes = dict(words.nodes)
    inputs = words.inputs[0]
    nodes[inputs.id] = replace(inputs, spec=TensorSpec(("N", 4), "int64"))
    assert fitting(replace(words, nodes=nodes)) == ()
    broken = chain(("fc", "Linear", {"in_features": 5, "out_features": 3}), shape=("N", 4))
    assert fitting(broken) == ()
