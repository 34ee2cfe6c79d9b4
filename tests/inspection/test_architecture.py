"""The diagram shows every layer once, every shape on its wire, and reads no name as markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from builder.errors import InspectionRefused
from builder.graph.model import (
    Compare,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
)
from builder.inspection import architecture, dot, theme
from builder.inspection.architecture import architecture_graph
from builder.inspection.wording import show_argument

from .networks import chain, mlp, repeated

HOSTILE = '"]; evil [label="x"] <script>alert(1)</script> <b>&amp; \\'


def labels(source: str) -> list[str]:
    """The words of every box and frame; fails where a label is more than bold, font and line breaks."""
    found = []
    for markup in re.findall(r"label=<(.*?)>(?= \w+=|\]|\n)", source):
        tree = ElementTree.fromstring(f"<x>{markup}</x>")
        assert {e.tag for e in tree.iter()} <= {"x", "b", "br", "font"}
        found.append(" ".join(tree.itertext()))
    return found


def test_every_layer_stands_in_it_as_pytorch_prints_it() -> None:
    source = architecture_graph(mlp())
    assert any("fc1" in words and "Linear(16, 12)" in words for words in labels(source))
    assert any("relu1" in words and "ReLU()" in words for words in labels(source))
    assert theme.family_colours("linear").fill in source


def test_a_convolution_shows_what_matters() -> None:
    graph = chain(
        {"conv": ("Conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1})}, ("N", 1, 28, 28)
    )
    source = architecture_graph(graph)
    assert "Conv2d(1, 16, kernel_size=3, padding=1)" in source
    assert "160 parameters" in source
    assert '"conv" -> "y" [label=" N×16×28×28 "]' in source


def test_a_repeated_block_is_one_box_and_unfolds_into_a_frame() -> None:
    folded, unfolded = architecture_graph(repeated()), architecture_graph(repeated(), unfolded=True)

    assert "steps ×6" in folded and "subgraph" not in folded
    assert "432 parameters · own weights each" in folded  # 6 × (8×8 + 8)
    assert 'subgraph "cluster_steps"' in unfolded and "steps ×6 · Step" in unfolded
    assert '"x" -> "steps/x"' in unfolded
    assert '"steps/x" -> "steps/fc"' in unfolded
    assert '"steps/y" -> "y"' in unfolded


def test_the_sides_of_a_branch_are_named() -> None:
    graph = chain(
        {"a": ("Linear", {"out_features": 4}), "b": ("Linear", {"out_features": 4})}, ("N", 4)
    )
    branch = Node(
        "pick", "branch", "pick",
        arguments={"condition": Training(), "if_true": Ref("a"), "if_false": Ref("b")},
    )  # fmt: skip
    nodes = {**graph.nodes}
    output = nodes.pop("y")
    graph = replace(
        graph,
        nodes={**nodes, "pick": branch, "y": replace(output, arguments={"value": Ref("pick")})},
    )

    source = architecture_graph(graph)

    assert "if self.training" in source
    assert '"a" -> "pick" [label=" if true: N×4 "]' in source
    assert '"b" -> "pick" [label=" if false: N×4 "]' in source


def called_twice(name: str, kind: str, arguments: dict[str, Any]) -> Graph:
    """One layer, called again on its own result."""
    graph = chain({name: (kind, arguments)})
    again = Node("again", "layer", target=f"o_{name}", arguments={"input": Ref(name)})
    nodes = {**graph.nodes}
    output = nodes.pop("y")
    end = replace(output, arguments={"value": Ref("again")})
    return replace(graph, nodes={**nodes, "again": again, "y": end})


def test_shared_weights_are_marked() -> None:
    graph = called_twice("fc", "Linear", {"out_features": 16})

    source = architecture_graph(graph)

    assert "same weights as fc" in source
    assert 'label=" same weights "' in source


def test_a_layer_without_weights_is_shared_as_a_layer() -> None:
    graph = called_twice("act", "Sigmoid", {})

    source = architecture_graph(graph)

    assert "same layer as act" in source
    assert "same weights" not in source


def test_one_wire_stands_for_ports_that_read_the_same_value() -> None:
    graph = chain({}, ("N", 5, 8))
    node = Node(
        "attend", "layer", target="o",
        arguments={"query": Ref("x"), "key": Ref("x"), "value": Ref("x")},
    )  # fmt: skip
    graph = replace(
        graph,
        nodes={"x": graph.nodes["x"], "attend": node, "y": Node("y", "output", "y", arguments={"value": Ref("attend", (0,))})},
        owners={"o": Owner("o", "attention", "torch.nn.MultiheadAttention", {"num_heads": 2, "batch_first": True})},
    )  # fmt: skip
    source = architecture_graph(graph)
    assert source.count('"x" -> "attend"') == 1
    assert "(query, key, value)" in source


def test_frozen_and_bypassed_are_said() -> None:
    graph = mlp()
    owners = {**graph.owners, "o_fc1": replace(graph.owners["o_fc1"], frozen=True)}
    nodes = {**graph.nodes, "relu1": replace(graph.nodes["relu1"], bypassed=True)}
    words = labels(architecture_graph(replace(graph, nodes=nodes, owners=owners)))
    assert any("fc1" in w and "frozen" in w for w in words)
    assert any("relu1" in w and "bypassed" in w for w in words)


def test_a_broken_network_is_drawn_with_its_problem_outlined() -> None:
    graph = chain({"fc": ("Linear", {"in_features": 99, "out_features": 4})})
    assert theme.problem_colour() in architecture_graph(graph)


def test_an_unknown_layer_and_an_empty_network_are_drawn() -> None:
    assert "Nonsense" in architecture_graph(chain({"n": ("Nonsense", {})}))
    assert architecture_graph(Graph()).startswith("digraph")


@pytest.mark.parametrize("unfolded", [False, True])
def test_hostile_names_stay_names(unfolded: bool) -> None:
    inner = chain({HOSTILE: ("Linear", {"out_features": 8})}, ("N", 8), name=HOSTILE)
    graph = Graph(
        HOSTILE,
        {
            HOSTILE: Node(HOSTILE, "input", HOSTILE, spec=TensorSpec(("N", 8))),
            "b": Node("b", "layer", target="o", arguments={"x": Ref(HOSTILE)}),
            "v": Node("v", "operation", HOSTILE, target="torch.Tensor.view", arguments={"input": Ref("b"), "shape": (Size(Ref(HOSTILE), 0), HOSTILE)}),
            "y": Node("y", "output", HOSTILE, arguments={"value": Ref("v")}),
        },
        {"o": Owner("o", HOSTILE, f"block:{HOSTILE}")},
        blocks={HOSTILE: inner},
    )  # fmt: skip

    source = architecture_graph(graph, unfolded)

    assert "<script" not in source and "<b>&amp; " not in source
    assert len(labels(source)) >= 4
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", re.sub(r"label=<.*?>(?= \w+=|\]|\n)", "", source))
    assert "evil" not in outside and "alert" not in outside


def test_too_many_boxes_are_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architecture, "MOST_NODES", 3)
    with pytest.raises(InspectionRefused, match="more than 3 boxes"):
        architecture_graph(mlp())


def test_a_dark_drawing_has_dark_colours_and_one_to_the_right_its_direction() -> None:
    assert theme.family_colours("linear", True).fill in architecture_graph(mlp(), dark=True)
    assert "rankdir=LR" in architecture_graph(mlp(), across=True)


def test_a_node_name_gives_its_path_back() -> None:
    path = ("encoder/1", 'a"b', "ünï")
    assert dot.node_path(dot.node_name(path)) == path
    assert re.fullmatch(r"[\w.%/~-]+", dot.node_name(path), re.ASCII)


def test_arguments_are_worded_as_in_code() -> None:
    graph = mlp()
    assert show_argument(Compare(">", Ref("fc1"), 0.5), graph) == "fc1 > 0.5"
    assert show_argument((Slice(), Slice(1, 3)), graph, index=True) == "[:, 1:3]"
    assert show_argument((Size(Ref("x"), 0), -1), graph) == "(x.size(0), -1)"
    assert show_argument(Setting("width"), graph) == "width"
