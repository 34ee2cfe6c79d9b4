"""The style `module`, one claim a test."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from builder.code import build_module, write_code, write_with_lines
from builder.errors import CodeRefused
from builder.graph.model import (
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
)
from tests.code.networks import Net, chain, whole_tuples


def forward_of(graph: Graph, class_name: str | None = None) -> list[str]:
    """The lines of `forward` without indent and without shapes."""
    source = write_code(graph)
    part = source[source.index(f"class {class_name or graph.name}(") :]
    body = part[part.index("def forward") :].split("\n\n\n")[0].partition(":\n")[2]
    lines = [line for line in body.splitlines() if not line.lstrip().startswith("#")]
    return [line.partition("  # ")[0][8:] for line in lines]


def made_in(graph: Graph) -> list[str]:
    """What is assigned in the constructors."""
    return [line.strip() for line in write_code(graph).splitlines() if " = nn." in line]


def test_required_arguments_stand_by_position_and_defaults_are_left_out() -> None:
    graph = chain(
        ("conv", "Conv2d", {"out_channels": 8, "kernel_size": 3, "padding": 1, "stride": 1}),
        ("pool", "MaxPool2d", {"kernel_size": 2}),
        ("drop", "Dropout", {"p": 0.5}),
        ("act", "LeakyReLU", {"negative_slope": 0.2}),
        shape=("N", 3, 8, 8),
    )
    assert made_in(graph) == [
        "self.conv = nn.Conv2d(3, 8, kernel_size=3, padding=1)",
        "self.pool = nn.MaxPool2d(2)",
        "self.drop = nn.Dropout()",
        "self.act = nn.LeakyReLU(negative_slope=0.2)",
    ]


def test_true_is_not_left_out_for_a_default_of_one() -> None:
    graph = chain(("pool", "MaxPool2d", {"kernel_size": 2, "dilation": 1}), shape=("N", 3, 8, 8))
    assert made_in(graph) == ["self.pool = nn.MaxPool2d(2)"]


def test_a_tuple_an_infinity_and_a_text_are_written_as_python() -> None:
    graph = chain(
        ("conv", "Conv2d", {"out_channels": 8, "kernel_size": (3, 5), "padding": "same"}),
        ("clip", "Hardtanh", {"min_val": float("-inf"), "max_val": 1e-7}),
        ("unflatten", "Unflatten", {"dim": 1, "unflattened_size": (2, 4)}),
        shape=("N", 3, 8, 8),
    )
    assert made_in(graph) == [
        'self.conv = nn.Conv2d(3, 8, kernel_size=(3, 5), padding="same")',
        'self.clip = nn.Hardtanh(min_val=-float("inf"), max_val=1e-07)',
        "self.unflatten = nn.Unflatten(1, (2, 4))",
    ]


def test_a_chain_writes_over_x() -> None:
    graph = chain(("fc1", "Linear", {"out_features": 4}), ("relu", "ReLU", {}))
    assert forward_of(graph) == ["x = self.fc1(x)", "x = self.relu(x)", "return x"]


def test_a_skip_connection_keeps_its_input() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    y = net.layer("relu", "ReLU", net.layer("fc", "Linear", x, out_features=4))
    net.output(net.op("add", "operator.add", y, x))
    assert forward_of(net.graph()) == [
        "skip = x",
        "x = self.fc(x)",
        "x = self.relu(x)",
        "x = x + skip",
        "return x",
    ]


def test_a_value_read_later_has_the_name_of_its_layer() -> None:
    net = Net()
    down = net.layer("down", "Linear", net.input("image", "N", 4), out_features=8)
    x = net.layer("middle", "Linear", down, out_features=8)
    net.output(net.op("cat", "torch.cat", tensors=(down, x), dim=1))
    assert forward_of(net.graph()) == [
        "down = self.down(image)",
        "x = self.middle(down)",
        "x = torch.cat((down, x), dim=1)",
        "return x",
    ]


def test_parts_of_a_tuple_are_unpacked_and_the_rest_is_left() -> None:
    net = Net()
    net.layer("lstm", "LSTM", net.input("x", "N", 5, 4), hidden_size=3, batch_first=True)
    net.output(net.op("last", "operator.getitem", Ref("lstm", (1, 0)), index=-1))
    assert forward_of(net.graph()) == ["_, (x, _) = self.lstm(x)", "last = x[-1]", "return last"]


def test_a_whole_tuple_and_a_part_of_it_can_both_be_read() -> None:
    net = Net()
    x = net.input("x", "N", 5, 4)
    net.layer("encoder", "LSTM", x, hidden_size=4, batch_first=True)
    net.layer("decoder", "LSTM", x, hx=Ref("encoder", (1,)), hidden_size=4, batch_first=True)
    net.output(Ref("decoder", (0,)))
    net.output(Ref("encoder"), "everything")
    assert forward_of(net.graph()) == [
        "encoder = self.encoder(x)",
        "decoder, _ = self.decoder(x, encoder[1])",
        "return decoder, encoder",
    ]
    model = build_module(net.graph())
    out, (steps, (h, c)) = model(torch.ones(2, 5, 4))
    assert out.shape == steps.shape == (2, 5, 4)
    assert h.shape == c.shape == (1, 2, 4)


def test_a_part_that_is_returned_has_its_type_said() -> None:
    net = Net()
    net.layer("lstm", "LSTM", net.input("x", "N", 5, 4), hidden_size=3)
    net.output(Ref("lstm", (1,)), "state")
    assert "-> tuple[Tensor, Tensor]:" in write_code(net.graph())
    assert forward_of(net.graph()) == [
        "lstm_1: tuple[Tensor, Tensor]",
        "_, lstm_1 = self.lstm(x)",
        "return lstm_1",
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lstm", "lstm: tuple[Tensor, tuple[Tensor, Tensor]] = self.lstm(x)"),
        ("chunk", "chunk: tuple[Tensor, ...] = x.chunk(2, dim=1)"),
        ("mha", "mha: tuple[Tensor, None] = self.mha(x, x, x, need_weights=False)"),
    ],
)
def test_a_whole_tuple_that_is_returned_is_never_x(name: str, hint: str) -> None:
    for known in ("", "_unknown"):
        graph = whole_tuples()[name + known]
        assert forward_of(graph) == [hint, f"return {name}"]


def test_weights_that_attention_does_not_give_are_none() -> None:
    networks = whole_tuples()
    assert forward_of(networks["weightless"]) == [
        "mha_1: None",
        "_, mha_1 = self.mha(x, x, x, need_weights=False)",
        "return mha_1",
    ]
    for name in ("weightless", "weightless_unknown"):
        assert "-> None:" in write_code(networks[name])
    assert build_module(networks["weightless"])(torch.ones(2, 5, 8)) is None


def test_sizes_slices_and_calculations() -> None:
    net = Net()
    x = net.input("x", "N", 6, 4)
    size = Calc("*", Calc("+", Size(x, 1), 2), Calc("//", Size(x, 2), 4))
    y = net.op("view", "torch.Tensor.view", x, shape=(Size(x, 0), -1))
    z = net.op("part", "operator.getitem", x, index=(Slice(), Slice(1, 3), ..., None))
    w = net.op("cut", "operator.getitem", x, index=(Slice(Size(x, 1), size), Slice(None, None, 2)))
    for value in (y, z, w):
        net.output(value, value.node[0])
    assert forward_of(net.graph()) == [
        "v = x.view(x.size(0), -1)",
        "p = x[:, 1:3, ..., None]",
        "c = x[x.size(1) : (x.size(1) + 2) * (x.size(2) // 4), ::2]",
        "return v, p, c",
    ]


def test_one_index_and_sizes_in_and_out_are_written_plainly() -> None:
    net = Net()
    a, b = net.input("a", "N", 4), net.input("b", "N", 5)
    x = net.layer("fc", "Bilinear", a, b, out_features=3)
    net.output(net.op("part", "operator.getitem", x, index=(Slice(0, 2),)))
    assert made_in(net.graph()) == ["self.fc = nn.Bilinear(4, 5, 3)"]
    assert forward_of(net.graph())[1:] == ["x = x[0:2]", "return x"]


def test_what_only_one_side_reads_stands_inside_it() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    a = net.layer("a", "Linear", x, out_features=4)
    b = net.layer("b", "Linear", a, out_features=4)
    c = net.layer("c", "Linear", x, out_features=4)
    net.output(net.branch("choice", Training(), b, c))
    assert forward_of(net.graph()) == [
        "if self.training:",
        "    x = self.a(x)",
        "    x = self.b(x)",
        "else:",
        "    x = self.c(x)",
        "return x",
    ]


def test_whether_gradients_are_recorded_is_asked_of_torch() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    fc = net.layer("fc", "Linear", x, out_features=4)
    net.output(net.branch("choice", GradEnabled(), fc, x))
    assert forward_of(net.graph()) == [
        "if torch.is_grad_enabled():",
        "    x = self.fc(x)",
        "return x",
    ]


def test_a_side_without_steps_turns_the_question() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    net.output(net.branch("choice", Training(), x, net.layer("fc", "Linear", x, out_features=4)))
    assert forward_of(net.graph()) == ["if not self.training:", "    x = self.fc(x)", "return x"]


def test_neighbours_with_one_question_are_one_if() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    shared = net.layer("shared", "Linear", x, out_features=4)
    first = net.branch("first", Training(), shared, x)
    twice = net.op("twice", "operator.mul", shared, other=2)
    second = net.branch("second", Training(), twice, x)
    net.output(net.op("sum", "operator.add", first, second))
    assert forward_of(net.graph()) == [
        "inputs = x",
        "if self.training:",
        "    shared = self.shared(inputs)",
        "    first = shared",
        "    x = shared * 2",
        "else:",
        "    first = inputs",
        "    x = inputs",
        "x = first + x",
        "return x",
    ]


def test_a_branch_on_a_value() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    score = net.op("score", "torch.mean", x)
    net.output(
        net.branch(
            "choice", Compare("<", score, 0.5), net.layer("fc", "Linear", x, out_features=4), x
        )
    )
    assert forward_of(net.graph()) == [
        "score = x.mean()",
        "if score < 0.5:",
        "    x = self.fc(x)",
        "return x",
    ]


def test_an_if_that_only_holds_an_if_is_one() -> None:
    net = Net(flag=True, mode=2)
    x = net.input("x", "N", 4)
    y = net.layer("fc", "Linear", x, out_features=4)
    inner = net.branch("inner", Compare("==", Setting("mode"), 2), x, y)
    net.output(net.branch("outer", Setting("flag"), inner, x))
    assert forward_of(net.graph()) == [
        "if self.flag and self.mode != 2:",
        "    x = self.fc(x)",
        "return x",
    ]


def test_a_bypassed_layer_is_not_written() -> None:
    graph = chain(("fc", "Linear", {"out_features": 4}), ("relu", "ReLU", {}))
    nodes = {**graph.nodes, "relu": replace(graph.nodes["relu"], bypassed=True)}
    source = write_code(replace(graph, nodes=nodes))
    assert "relu" not in source.lower()


def test_a_frozen_layer_asks_for_no_gradient() -> None:
    graph = chain(("fc1", "Linear", {"out_features": 4}), ("fc2", "Linear", {"out_features": 2}))
    owners = {**graph.owners, "fc1": replace(graph.owners["fc1"], frozen=True)}
    frozen = replace(graph, owners=owners)
    assert "        self.fc1.requires_grad_(False)\n" in write_code(frozen)
    for style in ("module", "sequential"):
        learns = [p.requires_grad for p in build_module(frozen, style).parameters()]
        assert learns == [False, False, True, True]


def test_a_functional_dropout_follows_the_mode() -> None:
    net = Net()
    net.output(net.op("drop", "torch.nn.functional.dropout", net.input("x", "N", 64)))
    assert forward_of(net.graph())[0] == "drop = F.dropout(x, training=self.training)"
    model = build_module(net.graph()).eval()
    assert torch.equal(model(torch.ones(2, 64)), torch.ones(2, 64))


def test_layers_are_made_in_the_order_they_are_owned() -> None:
    net = Net()
    x = net.input("x", "N", 4)
    used_second = net.owners
    net.layer("late", "Linear", x, out_features=4)
    net.layer("early", "Linear", x, out_features=4)
    graph = net.graph()
    owners = dict(reversed(used_second.items()))
    nodes = {**graph.nodes}
    net.output(net.op("add", "operator.add", Ref("late"), Ref("early")))
    nodes |= net.nodes
    assert [line.split(" ")[0] for line in made_in(replace(graph, nodes=nodes, owners=owners))] == [
        "self.early",
        "self.late",
    ]


def test_repeated_blocks_that_differ_are_listed() -> None:
    block = Net("Grow")
    x = block.input("x", "N", 4)
    block.output(
        block.op(
            "cat", "torch.cat", tensors=(x, block.layer("fc", "Linear", x, out_features=2)), dim=1
        )
    )
    net = Net()
    net.output(net.block("grow", block.graph(), net.input("x", "N", 4), repeat=3))
    graph = net.graph()
    assert made_in(graph)[1:] == ["self.grow = nn.Sequential(Grow(4), Grow(6), Grow(8))"]
    assert build_module(graph)(torch.ones(2, 4)).shape == (2, 10)
    assert "def __init__(self, in_features: int) -> None:" in write_code(graph)


def test_nested_blocks_hand_down_what_differs() -> None:
    inner = Net("Inner")
    inner.output(inner.layer("fc", "Linear", inner.input("x", "N", 4), out_features=3))
    outer = Net("Outer")
    outer.output(outer.block("inner", inner.graph(), outer.input("x", "N", 4)))
    net = Net()
    x = net.input("x", "N", 8)
    x = net.block("first", outer.graph(), x)
    net.output(net.block("second", outer.graph(), x))
    source = write_code(net.graph({"Inner": inner.graph()}))
    assert "self.inner = Inner(in_features)" in source
    assert "self.first = Outer(8)" in source
    assert "self.second = Outer(3)" in source


def test_a_class_may_be_named_for_the_call() -> None:
    graph = chain(("fc", "Linear", {"out_features": 4}))
    assert "class My_Net" not in write_code(graph, name="Small Net")
    assert "class SmallNet(nn.Module):" in write_code(graph, name="Small Net")


def test_only_what_is_used_is_imported() -> None:
    assert write_code(chain(("fc", "Linear", {"out_features": 4}))).startswith(
        "import torch\nfrom torch import Tensor, nn\n\n\nclass Net(nn.Module):\n"
    )


def test_the_lines_of_a_layer_are_known() -> None:
    written = write_with_lines(chain(("fc", "Linear", {"out_features": 4}), ("relu", "ReLU", {})))
    lines = written.text.splitlines()
    assert [lines[n - 1].strip() for n in written.lines["fc"]] == [
        "self.fc = nn.Linear(16, 4)",
        "x = self.fc(x)  # (N, 4)",
    ]


def test_a_network_without_output_is_refused_in_a_sentence() -> None:
    net = Net()
    net.input("x", "N", 4)
    with pytest.raises(CodeRefused, match="gives nothing yet"):
        write_code(net.graph())


def test_a_size_that_is_not_known_is_named() -> None:
    net = Net()
    net.input("x", "N", 4)
    net.output(net.layer("fc", "Linear", out_features=4))
    with pytest.raises(CodeRefused, match="fc"):
        write_code(net.graph())


def test_a_network_that_would_fail_is_written_all_the_same() -> None:
    """Every argument is known, so the code can be read; running it gives torch's own error."""
    graph = chain(("fc", "Linear", {"in_features": 5, "out_features": 4}))
    assert "nn.Linear(5, 4)" in write_code(graph)


def test_a_traceback_shows_the_line() -> None:
    import traceback

    model = build_module(chain(("fc", "Linear", {"in_features": 5, "out_features": 4})))
    with pytest.raises(RuntimeError) as caught:
        model(torch.ones(2, 16))
    text = "".join(traceback.format_exception(caught.value))
    assert "x = self.fc(x)" in text


def test_a_setting_in_a_constructor_is_followed_by_what_reads_it() -> None:
    net = Net("Net", hidden=32)
    x = net.layer("fc1", "Linear", net.input("x", "N", 4), out_features=Setting("hidden"))
    net.output(net.layer("fc2", "Linear", net.layer("relu", "ReLU", x), out_features=2))
    assert made_in(net.graph()) == [
        "self.fc1 = nn.Linear(4, hidden)",
        "self.relu = nn.ReLU()",
        "self.fc2 = nn.Linear(hidden, 2)",
    ]


def test_weights_in_the_same_order_give_the_same_values_in_both_styles() -> None:
    graph = chain(*((f"fc{i}", "Linear", {"out_features": 4 + i}) for i in range(4)))
    states = []
    for style in ("module", "sequential"):
        torch.manual_seed(3)
        states.append(list(build_module(graph, style).state_dict().values()))
    assert all(torch.equal(a, b) for state in pairwise(states) for a, b in zip(*state, strict=True))
