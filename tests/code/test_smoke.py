"""The lines that run a network once: they run whatever the network is."""

from __future__ import annotations

import pytest

from builder.code import write_code
from builder.graph.model import Graph
from tests.code.networks import Net


def run(graph: Graph, capsys: pytest.CaptureFixture[str]) -> str:
    """What the file prints when it is started."""
    source = write_code(graph)
    exec(compile(source, graph.name, "exec", dont_inherit=True), {"__name__": "__main__"})
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("last", "dtype", "starts"),
    [
        (False, "int64", "torch.arange(4) * 5"),
        (False, "int32", "torch.arange(4, dtype=torch.int32) * 5"),
        (True, "int64", "torch.linspace(0, 20, 4, dtype=torch.int64)"),
    ],
)
def test_the_bags_of_an_embedding_bag_begin_at_0_and_grow(
    last: bool, dtype: str, starts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net = Net()
    words, begin = net.input("words", 20, dtype=dtype), net.input("begin", "N", dtype=dtype)
    bags = {"num_embeddings": 10, "embedding_dim": 3, "include_last_offset": last}
    net.output(net.layer("bag", "EmbeddingBag", words, offsets=begin, **bags))
    assert f"    begin = {starts}\n" in write_code(net.graph())
    assert run(net.graph(), capsys) == f"torch.Size([{3 if last else 4}, 3])\n"


def test_an_output_of_unknown_shape_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    x = net.input("x", "N", 4)
    positive = net.op("positive", "operator.gt", x, other=0)
    net.output(net.op("chosen", "operator.getitem", x, index=positive))
    assert write_code(net.graph()).endswith("    print(model(x))\n")
    assert run(net.graph(), capsys).startswith("tensor([")
