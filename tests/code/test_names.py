"""Whatever a graph made by hand calls its parts, the program stays the same."""

from __future__ import annotations

import ast
import keyword

import pytest
import torch

from builder.code import build_module, module_from_source, write_code
from builder.code.writing.naming import Namespace
from builder.graph.model import Graph, Node, Owner, Ref, Setting, TensorSpec, Training
from builder.graph.shapes import infer_shapes
from tests.code.adversarial import ATTRIBUTES, NAMES
from tests.code.networks import Net


def named(name: str) -> Graph:
    """A network in which everything that has a name has this one."""
    other = Ref("other")
    key = name or "block"
    block = Graph(
        name,
        {
            "x": Node("x", "input", name, spec=TensorSpec(("N", 4))),
            "a": Node("a", "layer", "", "a", {"input": Ref("x")}, note=name),
            "b": Node("b", "layer", "", "b", {"input": Ref("a")}),
            "add": Node(
                "add", "operation", name, "operator.add", {"input": Ref("b"), "other": Ref("a")}
            ),
            "y": Node("y", "output", name, arguments={"value": Ref("add")}),
        },
        {
            "a": Owner("a", name, "torch.nn.Linear", {"out_features": Setting(name)}),
            "b": Owner("b", name, "torch.nn.Linear", {"out_features": Setting(name)}),
        },
        {name: 4},
    )
    nodes = [
        Node("x", "input", name, spec=TensorSpec(("N", 4)), note=name),
        Node("other", "input", name, spec=TensorSpec(("N", 4))),
        Node("fc", "layer", "", "fc", {"input": Ref("x")}, note=name),
        Node("lstm", "layer", "", "lstm", {"input": Ref("fc")}),
        Node("blocks", "layer", "", "blocks", {"x": Ref("lstm", (0,))}),
        Node("drop", "layer", "", "drop", {"input": Ref("blocks")}),
        Node("noise", "operation", name, "operator.add", {"input": Ref("drop"), "other": other}),
        Node(
            "branch",
            "branch",
            name,
            arguments={"condition": Training(), "if_true": Ref("noise"), "if_false": Ref("drop")},
            note=name,
        ),
        Node(
            "flag",
            "branch",
            name,
            arguments={"condition": Setting(name), "if_true": Ref("branch"), "if_false": Ref("fc")},
        ),
        Node("y", "output", name, arguments={"value": Ref("flag")}, note=name),
        Node("z", "output", name, arguments={"value": Ref("noise")}),
    ]
    owners = [
        Owner("fc", name, "torch.nn.Linear", {"out_features": 4}),
        Owner("lstm", name, "torch.nn.LSTMCell", {"hidden_size": 4}),
        Owner("blocks", name, f"block:{key}", repeat=2),
        Owner("drop", name, "torch.nn.Dropout"),
    ]
    nodes[4] = Node("blocks", "layer", "", "blocks", {name or "x": Ref("lstm", (0,))})
    return Graph(
        name, {n.id: n for n in nodes}, {o.id: o for o in owners}, {name: True}, {key: block}
    )


def test_there_are_names_enough() -> None:
    assert len(NAMES) > 300
    assert sum(not name.startswith("_") for name in ATTRIBUTES) >= 54


@pytest.mark.parametrize("share", range(8))
def test_no_name_changes_the_program(share: int) -> None:
    """Eight shares of the names, so that they run beside each other."""
    # A lone input is `x` where its name says nothing, and so is a value whose name says nothing or
    # cannot be one; apart from that all programs are one.
    expected = {program(write_code(named(n))) for n in ("plain", "inputs", "x", "0", "_apply")}
    for name in NAMES[share::8]:
        graph = named(name)
        report = infer_shapes(graph)
        assert report.ok, (name[:80], report.errors)
        source = write_code(graph, report=report)
        assert program(source) in expected or name in ("", *KNOWN), (name[:80], source)
        source.encode()  # no half of a character is left
        model = module_from_source(source)
        torch.manual_seed(0)
        first, second = model.eval()(torch.ones(2, 4), torch.ones(2, 4))
        assert first.shape == second.shape == (2, 4)
        assert len(model.state_dict()) == 2 + 4 + 2 * 4


KNOWN = {
    *("nn", "torch", "Tensor", "Module", "F", "super", "self", "forward", "range", "print"),
    *("__init__", "training", "Sequential", "Linear", "LSTMCell", "Dropout", "model", "__name__"),
    *("randn", "shape", "int", "bool", "tuple", "cat"),
}


class Renamed(ast.NodeTransformer):
    """Replaces every name a person could give by the order in which it comes, scope by scope."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}
        self.attributes: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.classes[node.name] = f"Class{len(self.classes)}"
        self.attributes = {}
        node.name = self.classes[node.name]
        assert isinstance(node.body[0], ast.Expr)
        node.body = node.body[1:]  # the docstring holds names too
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.variables = {}
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        if node.col_offset == 0:
            self.variables = {}
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        name = self.classes.get(node.id) or self.seen(self.variables, node.id)
        return ast.Name(name, node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.generic_visit(node)
        return ast.arg(self.seen(self.variables, node.arg), node.annotation)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Attribute(node.value, self.seen(self.attributes, node.attr), node.ctx)

    def seen(self, scope: dict[str, str], name: str) -> str:
        return name if name in KNOWN else scope.setdefault(name, f"n{len(scope)}")


def program(source: str) -> str:
    """The syntax tree without the names a person could give."""
    return ast.dump(Renamed().visit(ast.parse(source)))


@pytest.mark.parametrize("name", [*ATTRIBUTES, *keyword.kwlist, "torch", "nn", "F", "self"])
def test_an_attribute_of_a_module_is_no_name_for_a_layer(name: str) -> None:
    assert Namespace().claim(name) != name


def test_two_names_that_normalise_to_one_stay_two() -> None:
    space = Namespace()
    assert space.claim("ﬁx") == "fix"
    assert space.claim("fix") == "fix2"


def test_a_layer_named_by_a_digit_gets_a_letter() -> None:
    space = Namespace()
    assert [space.claim(str(i)) for i in range(2)] == ["layer0", "layer1"]


def test_a_note_is_only_a_comment() -> None:
    graph = named("plain")
    node = graph.nodes["fc"]
    hostile = 'x"""\nimport os  # noqa\n# type: ignore\n\u2028# fmt: off'
    nodes = {
        **graph.nodes,
        "fc": Node(node.id, node.kind, "", node.target, node.arguments, note=hostile),
    }
    source = write_code(Graph("Net", nodes, graph.owners, graph.settings, graph.blocks))
    comment = '        # Note: x""" import os ♯ noqa ♯ type: ignore ♯ fmt: off'
    assert comment in source.splitlines()


def test_a_name_cannot_reach_the_class_of_the_module() -> None:
    model = build_module(named("x; import os"))
    assert type(model).__name__.isidentifier()


def test_branches_that_are_joined_have_names_of_their_own() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    one = net.layer("branch1", "Linear", x, out_features=5)
    two = net.layer("branch2", "Linear", x, out_features=5)
    net.output(net.op("join", "torch.cat", tensors=(one, two), dim=1))
    source = write_code(net.graph())
    assert "branch1 = self.branch1(x)" in source
    assert "branch2 = self.branch2(x)" in source
    assert "join = torch.cat((branch1, branch2), dim=1)" in source


def test_several_outputs_have_their_names() -> None:
    net = Net()
    x = net.layer("fc", "Linear", net.input("x", "N", 4), out_features=5)
    net.output(net.layer("head1", "Linear", x, out_features=2), "logits")
    net.output(net.layer("head2", "Linear", x, out_features=1), "output")
    assert "        return logits, head2\n" in write_code(net.graph())
