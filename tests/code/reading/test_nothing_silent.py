"""What a text does that a network cannot hold is refused by line, or told; never left out silently."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import built, check
from tests.code.reading.small import net, refused, told

# Names of outputs ------------------------------------------------------------------------------------


def test_an_output_named_like_the_second_use_of_a_shared_layer_is_a_node_of_its_own() -> None:
    source = net("self.c = nn.Linear(8, 8)", "a = self.c(x)\nc_2 = self.c(a)\nreturn a + c_2, c_2")
    graph = check(source, "Net()", ["float32[N,8]"]).graph
    assert [n.id for n in graph.nodes.values() if n.kind == "layer"] == ["c", "c_2"]


def test_the_last_state_of_a_cell_may_go_out_beside_all_of_them() -> None:
    check(
        net(
            "self.c = nn.GRUCell(8, 6)",
            "h = torch.zeros(x.size(0), 6)\nouts = []\nfor t in range(3):\n    h = self.c(x[:, t], h)\n"
            "    outs.append(h)\nreturn torch.stack(outs, 1), h",
        ),
        "Net()",
        ["float32[N,3,8]"],
    )


# Frozen weights --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "freezing, line",
    [
        ("self.l.bias.requires_grad = False", 8),
        ("self.l.weight.requires_grad_(False)", 8),
        (
            "for n, p in self.named_parameters():\n    if 'bias' in n:\n        p.requires_grad_(False)",
            10,
        ),
        (
            "for i, p in enumerate(self.parameters()):\n    if i < 1:\n        p.requires_grad = False",
            10,
        ),
        ("self.requires_grad_(False)\nself.l.bias.requires_grad = True", 9),
    ],
)
def test_a_layer_of_which_a_part_is_frozen_is_refused(freezing: str, line: int) -> None:
    refused(
        net(f"self.l = nn.Linear(8, 8)\n{freezing}", "return self.l(x)"),
        "frozen as a whole",
        line=line,
    )


@pytest.mark.parametrize(
    "freezing, frozen",
    [
        ("for p in self.l.parameters():\n    p.requires_grad = False", True),
        ("self.l.weight.requires_grad = False\nself.l.bias.requires_grad = False", True),
        ("self.l.weight.requires_grad = False\nself.l.weight.requires_grad = True", False),
        (
            "self.requires_grad_(False)\nfor p in self.l.parameters():\n    p.requires_grad = True",
            False,
        ),
        ("self.l.requires_grad_(requires_grad=False)", True),
    ],
)
def test_a_layer_is_frozen_once_all_of_its_parameters_are(freezing: str, frozen: bool) -> None:
    source = net(f"self.l = nn.Linear(8, 8)\n{freezing}", "return self.l(x)")
    assert check(source, "Net()", ["float32[N,8]"]).graph.owners["l"].frozen is frozen


# The mode --------------------------------------------------------------------------------------------


def test_a_train_of_its_own_is_refused_and_one_that_passes_on_is_read() -> None:
    bn, forward = "self.bn = nn.BatchNorm1d(8)", "return self.bn(x)"
    frozen = (
        "def train(self, mode=True):\n    super().train(mode)\n    self.bn.eval()\n    return self"
    )
    refused(net(bn, forward, frozen), "train()", line=10)
    check(
        net(bn, forward, "def train(self, mode=True):\n    return super().train(mode)"),
        "Net()",
        ["float32[N,8]"],
    )


@pytest.mark.parametrize(
    "mode", ["self.bn.eval()", "self.bn.train()", "self.eval()", "self.bn.training = False"]
)
def test_a_mode_set_in_forward_is_refused(mode: str) -> None:
    refused(net("self.bn = nn.BatchNorm1d(8)", f"{mode}\nreturn self.bn(x)"), "mode", line=9)


def test_a_mode_set_in_init_is_told_as_train_undoes_it() -> None:
    source = net("self.bn = nn.BatchNorm1d(8)\nself.bn.eval()", "return self.bn(x)")
    assert ".eval() in __init__" in told(check(source, "Net()", ["float32[N,8]"]))


# What would go from one call to the next ---------------------------------------------------------------


@pytest.mark.parametrize(
    "made, forward, line",
    [
        ("self.n = 0", "self.n += 1\nreturn self.l(x) * self.n", 10),
        ("self.s = 1.0", "y = self.l(x) * self.s\nself.s = 0.5\nreturn y", 11),
        (
            "self.h = None",
            "y = self.l(x)\nif self.h is not None:\n    y = y + self.h\nself.h = y\nreturn y",
            13,
        ),
        (
            "self.n = None",
            "if self.n is None:\n    self.n = 0\nself.n += 1\nreturn self.l(x) * self.n",
            12,
        ),
        ("pass", "if not hasattr(self, 'h'):\n    self.h = x\nreturn self.l(x) + self.h", 11),
        ("self.seen = []", "self.seen.append(1)\nreturn self.l(x) * len(self.seen)", 10),
        (
            "self.t = 5",
            "if self.training:\n    self.t = max(self.t - 1, 1)\nreturn self.l(x) / self.t",
            11,
        ),
        (
            "self.k = 1",
            "if self.training:\n    self.k = 2\nelse:\n    self.k = 3\nreturn self.l(x) * self.k",
            13,
        ),
        ("self.k = 1", "Net.k = 2\nreturn self.l(x)", 10),
    ],
)
def test_what_goes_from_one_call_to_the_next_is_refused(made: str, forward: str, line: int) -> None:
    source = net(f"self.l = nn.Linear(8, 8)\n{made}", forward)
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", ["float32[N,8]"])
    assert caught.value.line == line
    assert "call" in caught.value.reason or "condition" in caught.value.reason
    assert caught.value.help


def test_what_forward_only_leaves_for_others_is_told_and_left_out() -> None:
    source = net(
        "self.l = nn.Linear(8, 8)",
        "y = self.l(x)\nself.seen = y\nself.own = y * 2\nreturn self.own",
    )
    said = told(check(source, "Net()", ["float32[N,8]"]))
    assert "self.seen" in said and "self.own" not in said


def test_a_mask_that_is_made_once_and_is_the_same_in_each_call_is_read() -> None:
    check(
        net(
            "self.l = nn.Linear(8, 8)\nself.mask = None",
            "if self.mask is None or self.mask.size(0) != 8:\n"
            "    self.mask = torch.triu(torch.ones(8, 8)).to(x.device)\nreturn self.l(x) @ self.mask",
        ),
        "Net()",
        ["float32[N,8]"],
    )


# Hooks, apply, __call__, exchanged functions -----------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        "self.l.register_forward_hook(lambda m, i, o: o * 2)",
        "self.register_forward_pre_hook(lambda m, i: (i[0] * 2,))",
        "self.l.register_full_backward_hook(print_and_clip)",
        "self.l.weight.register_hook(lambda g: g.clamp(-1, 1))",
        "self.l.register_forward_hook(lambda m, i, o: o.mul_(2))",
        "self.l.forward = lambda t: t * 2",
        "self.forward = self.l",
        "self.apply(lambda m: setattr(m, 'bias', None))",
    ],
)
def test_what_is_hung_onto_layers_is_refused(made: str) -> None:
    refused(net(f"self.l = nn.Linear(8, 8)\n{made}", "return self.l(x)"), line=8)


def test_a_hook_that_only_looks_is_told_and_left_out() -> None:
    source = net(
        "self.l = nn.Linear(8, 8)\nself.seen = []\nself.l.register_forward_hook(self.save)",
        "return self.l(x)",
        "def save(self, m, i, o):\n    self.seen.append(o.detach())",
    )
    assert "only looks" in told(check(source, "Net()", ["float32[N,8]"]))


def test_apply_may_set_how_weights_start_and_nothing_else() -> None:
    start = "def fix(m):\n    if isinstance(m, nn.Linear):\n        {}\n"
    made, forward = "self.l = nn.Linear(8, 8)\nself.apply(fix)", "return self.l(x)"
    for change in ("m.bias = None", "m.requires_grad_(False)", "m.weight.requires_grad = False"):
        refused(net(made, forward, before=start.format(change)), "fix", line=6)
    for fine in (
        "m.weight.data.normal_(0, 0.1)",
        "nn.init.zeros_(m.bias)",
        "m.bias.data = m.bias.data * 0",
    ):
        assert "start" in told(
            check(net(made, forward, before=start.format(fine)), "Net()", ["float32[N,8]"])
        )


def test_a_call_of_its_own_beside_forward_is_refused() -> None:
    made, forward = "self.l = nn.Linear(8, 8)", "return self.l(x)"
    refused(
        net(made, forward, "def __call__(self, x):\n    return super().__call__(x) * 2"), line=10
    )
    check(
        net(made, forward, "def __call__(self, x):\n    return self.forward(x)"),
        "Net()",
        ["float32[N,8]"],
    )


# What is set for all ----------------------------------------------------------------------------------


def test_another_default_dtype_is_refused_wherever_it_stands() -> None:
    made, forward = "self.l = nn.Linear(8, 8)", "return self.l(x)"
    refused(net(made, forward, before="torch.set_default_dtype(torch.float64)\n"), "dtype", line=4)
    refused(
        net(made, forward, before="torch.set_default_tensor_type('torch.DoubleTensor')\n"), line=4
    )
    check(
        net(made, forward, before="torch.set_default_dtype(torch.float32)\n"),
        "Net()",
        ["float32[N,8]"],
    )


@pytest.mark.parametrize(
    "forward",
    [
        "torch.manual_seed(0)\nreturn F.dropout(self.l(x), 0.5, self.training)",
        "with torch.set_grad_enabled(self.training):\n    return self.l(x)",
        "torch.set_grad_enabled(False)\nreturn self.l(x)",
    ],
)
def test_seeds_and_gradients_set_in_forward_are_refused(forward: str) -> None:
    refused(net("self.l = nn.Linear(8, 8)", forward), line=9)


# Outputs -----------------------------------------------------------------------------------------------


def test_the_real_and_imaginary_part_of_a_tensor_are_operations() -> None:
    check(
        net("self.l = nn.Linear(8, 8)", "y = torch.fft.fft(self.l(x))\nreturn y.real + y.imag"),
        "Net()",
        ["float32[N,8]"],
    )
    check(net("self.l = nn.Linear(8, 8)", "return self.l(x).real"), "Net()", ["float32[N,8]"])


@pytest.mark.parametrize(
    "returned, words",
    [
        ("y, 3", "3"),
        ("y, y.relu", "relu"),
        ("{'y': y, 'n': 'name'}", "n"),
        ("y, x.size(1)", "8"),
    ],
)
def test_an_output_that_is_no_tensor_is_refused(returned: str, words: str) -> None:
    refused(net("self.l = nn.Linear(8, 8)", f"y = self.l(x)\nreturn {returned}"), words, line=10)


def test_none_beside_an_output_is_told() -> None:
    source = net("self.l = nn.Linear(8, 8)", "return self.l(x), None")
    assert "None" in told(check(source, "Net()", ["float32[N,8]"]))


# Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made, forward, old, new",
    [
        (
            "self.d = nn.ModuleDict({'x+y': nn.Linear(8, 8)})",
            "return self.d['x+y'](x)",
            "d.x+y",
            "d_x_y",
        ),
        ("self.nn = nn.Linear(8, 8)", "return self.nn(x)", "nn", "nn_"),
    ],
)
def test_names_that_cannot_stay_are_told(made: str, forward: str, old: str, new: str) -> None:
    read = read_here(net(made, forward), "Net()", ["float32[N,8]"])
    assert f"“{old}” is called “{new}”" in told(read)
    assert any(new in key for key in built(read.graph).state_dict()), (
        "the note says what the code says"
    )


def test_names_that_stay_are_not_spoken_of() -> None:
    made = (
        "self.s = nn.Sequential(nn.Linear(8, 8), nn.ReLU())\nself.print = nn.ReLU()\n"
        "self.d = nn.ModuleDict({'left': nn.Linear(8, 8)})"
    )
    read = check(
        net(made, "return self.print(self.d['left'](self.s(x)))"), "Net()", ["float32[N,8]"]
    )
    assert "keys" not in told(read)


# Sentences --------------------------------------------------------------------------------------------


def test_refusals_are_whole_sentences_with_a_way_out() -> None:
    made = "self.l = nn.Linear(8, 8)"
    batch = refused(net(made, "return self.l(x) / x.shape[0] ** 0.5"), line=9)
    assert batch.reason.endswith(".")
    own = "class Sq(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        return x\n"
    refused(net(made, "return Sq.apply(self.l(x))", before=own), "backward of its own", line=13)
    refused(net(made, "y = self.l(x)\ny.register_hook(print)\nreturn y"), "register_hook", line=10)


def test_autocast_in_forward_is_told() -> None:
    forward = "with torch.autocast('cpu', dtype=torch.bfloat16):\n    return self.l(x)"
    read = read_here(net("self.l = nn.Linear(8, 8)", forward), "Net()", ["float32[N,8]"])
    assert "autocast is left out" in told(read)
