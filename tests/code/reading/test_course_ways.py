"""Ways of saying things that courses use, each held against the original."""

from __future__ import annotations

import pytest

from builder.code import write_code
from tests.code.reading.harness import check
from tests.code.reading.small import HEAD, net, refused, told

X = ["float32[N,8]"]
TWO = "self.l = nn.Linear(8, 8)\nself.m = nn.Linear(8, 8)\nself.on = True"


@pytest.mark.parametrize(
    "made",
    [
        "nn.Sequential(nn.Linear(8, 8), nn.ReLU(), s, nn.ReLU(), s, nn.Linear(8, 1))",
        "nn.Sequential(s, s)",
        "nn.Sequential(Named(), nn.ReLU(), nn.Sequential(Named(), nn.Tanh()), nn.Linear(8, 2))",
    ],
)
def test_a_chain_of_numbers_keeps_the_keys_of_its_state_dict(made: str) -> None:
    named = net("self.fc = nn.Linear(8, 8)\nself.act = nn.ReLU()", "return self.act(self.fc(x))")
    text = f"{HEAD}{named.removeprefix(HEAD).replace('Net', 'Named')}\ns = nn.Linear(8, 8)\n"
    read = check(f"{text}model = {made}\n", "model", X)
    assert "checkpoint" not in told(read)


def test_layers_that_share_weights_stand_in_one_chain_and_a_line_says_so() -> None:
    text = f"{HEAD}s = nn.Linear(8, 8)\nmodel = nn.Sequential(s, nn.ReLU(), s)\n"
    written = write_code(check(text, "model", X).graph, "sequential")
    assert "model[2].weight = model[0].weight\nmodel[2].bias = model[0].bias\n" in written


@pytest.mark.parametrize(
    "layer",
    ["nn.Dropout(0.3)", "nn.RReLU(0.1, 0.4)", "nn.Dropout()", "nn.FeatureAlphaDropout(0.2)"],
)
def test_what_no_module_holds_also_draws_in_evaluation(layer: str) -> None:
    check(net(TWO, f"return {layer}(self.l(x))"), "Net()", X)


def test_what_draws_always_and_cannot_be_kept_is_refused() -> None:
    refused(net(TWO, "return nn.AlphaDropout(0.3)(self.l(x))"), "draws in evaluation", line=11)


@pytest.mark.parametrize(
    "forward",
    [
        "y = self.l(x)\nif self.training and y.mean() > 0:\n    y = self.m(y)\nreturn y",
        "y = self.l(x)\nif self.training and self.on:\n    y = self.m(y)\nreturn y",
        "y = self.l(x)\nif not self.training or torch.rand(1).item() > 0.5:\n    return y\n"
        "y = self.m(y) + torch.rand_like(y)\nreturn y",
        "y = self.l(x)\nif self.on and self.training and y.mean() > 0 and y.max() < 9:\n"
        "    y = self.m(y)\nelse:\n    y = y * 2\nreturn y",
        "y = self.l(x)\nif not (y == y).all() and not self.training:\n    raise ValueError\nreturn y",
        "y = self.l(x)\nif self.training:\n    if y.mean() > 0:\n        return y\n    y = y * 3\n"
        "y = self.m(y)\nreturn y",
    ],
)
def test_two_conditions_that_only_running_answers_stand_inside_of_one_another(forward: str) -> None:
    check(net(TWO, forward), "Net()", X)


@pytest.mark.parametrize(
    "layers, forward",
    [
        ("self.f = nn.ModuleList()\nself.f += [nn.Linear(8, 8), nn.ReLU()]", "self.f"),
        ("self.f = nn.ModuleList([nn.Linear(8, 4)]) + nn.ModuleList([nn.ReLU()])", "self.f"),
        ("self.f = nn.Sequential(nn.Linear(8, 4)) + nn.Sequential(nn.ReLU())", "self.f"),
    ],
)
def test_lists_of_layers_are_added(layers: str, forward: str) -> None:
    check(net(layers, f"for part in {forward}:\n    x = part(x)\nreturn x"), "Net()", X)


def test_a_network_may_inherit_from_a_list_of_layers() -> None:
    text = net("self.a = nn.Linear(8, 8)", "return self.a(x)")
    check(text.replace("class Net(nn.Module)", "class Net(nn.ModuleList)"), "Net()", X)


def test_a_default_may_be_a_function() -> None:
    before = (
        "from inspect import isfunction\n"
        "def default(v, d):\n    return v if v is not None else (d() if isfunction(d) else d)\n"
    )
    layers = (
        "self.a = nn.Linear(8, default(None, lambda: 4))\nself.b = nn.Linear(4, default(None, 3))"
    )
    check(net(layers, "return self.b(self.a(x))", before=before), "Net()", X)


def test_a_product_of_sizes_as_a_tensor_is_a_number() -> None:
    text = net("pass", "n = torch.prod(torch.tensor(x.shape[1:])).item()\nreturn x.view(-1, n)")
    check(text, "Net()", ["float32[N,2,3,4]"])


def test_what_a_tensor_holds_that_is_written_over_is_not_taken_for_known() -> None:
    forward = "n = torch.zeros(1)\nn.add_(4)\nreturn self.l(x).view(-1, int(n[0].item()))"
    refused(net(TWO, forward), "only known when the network runs", line=13)


def test_a_class_says_the_same_of_itself_wherever_it_stands_in_place_of_a_chain() -> None:
    named = net(
        "self.fc = nn.Linear(n, k)\nself.act = nn.Identity()", "return self.act(self.fc(x))"
    )
    text = named.replace("Net", "Part").replace("(self):", "(self, n, k):") + net(
        "self.parts = nn.Sequential(*[nn.Sequential(Part(8, 8), nn.ReLU()) for _ in range(3)])\n"
        "self.last = Part(8, 2)",
        "return self.last(self.parts(x))",
    ).removeprefix(HEAD)
    graph = check(text, "Net()", X).graph
    said = '"""Maps (N, 8) to (N, k)."""'
    assert all(said in write_code(graph, style) for style in ("module", "mixed"))


@pytest.mark.parametrize("named", ["dense", "x", "h_", "value"])
def test_what_a_layer_gives_may_be_called_as_the_layer_in_front(named: str) -> None:
    made = "self.dense = nn.Linear(8, 8)\nself.drop = nn.Dropout(0.5)\nself.last = nn.LSTM(8, 8)"
    forward = f"{named} = self.drop(self.dense(x))\na, (b, c) = self.last({named})\nreturn b, c"
    check(net(made, forward), "Net()", ["float32[N,7,8]"])
