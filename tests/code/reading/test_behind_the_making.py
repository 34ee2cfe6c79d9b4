"""Which network a text means, and what its lines do to it behind its making: read, told or refused."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check
from tests.code.reading.small import HEAD, net, told

X = ["float32[N,8]"]
BLOCK = (
    "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.l = nn.Linear(8, 8)\n    def forward(self, x):\n        return x + self.l(x)\n"
)
NET = net("self.l = nn.Linear(8, 8)\nself.d = nn.Dropout(0.1)", "return self.d(self.l(x))")
AT = NET.count("\n") + 2  # the line behind `model = Net()`


def behind(lines: str) -> str:
    return f"{NET}model = Net()\n{lines}\n"


# Which network ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", ["make(3)", "make(n=2)", "make()"])
def test_a_function_that_chains_a_class_makes_the_network_and_not_the_class(made: str) -> None:
    source = (
        f"{HEAD}{BLOCK}def make(n=4):\n    return nn.Sequential(*[Block() for _ in range(n)])\n"
        f"model = {made}\nmodel(torch.randn(2, 8))\n"
    )
    read = check(source, None, X, original="model", but=("sequential", "ordered", "mixed"))
    assert read.target == made


@pytest.mark.parametrize(
    "lines, target",
    [
        ("model = swap(Net())", "swap(Net())"),
        ("model = Net()\nmodel = swap(model)", "model"),
        ("model = Net()\nswap(model)", "model"),
        ("def main():\n    model = Net()\n    return swap(model)\nmain()", "model"),
    ],
)
def test_what_a_function_changes_of_a_network_is_read(lines: str, target: str) -> None:
    swap = "def swap(m):\n    m.l = nn.Linear(8, 3)\n    return m\n"
    original = "main()" if "main" in lines else "model"
    read = check(f"{NET}{swap}{lines}\n", None, X, original=original)
    assert read.target == target
    assert read.graph.owners["l"].arguments["out_features"] == 3
    assert read_here(f"{NET}{swap}{lines}\n", read.target, X).graph == read.graph


def test_a_function_that_trains_is_not_run() -> None:
    lines = (
        "def train(model):\n    for p in model.parameters():\n        p.grad = None\n"
        "    model(torch.randn(3, 8)).sum().backward()\n    return model\nmodel = train(model)"
    )
    assert not check(behind(lines), None, X, original="model").notes


# What is done to it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        "for p in model.l.parameters():\n    p.requires_grad = False",
        "for n, p in model.named_parameters():\n    if n.startswith('l.'):\n        p.requires_grad_(False)",
        "def freeze(m):\n    for p in m.parameters():\n        p.requires_grad = False\nfreeze(model.l)",
        "head = model.l\nhead.requires_grad_(False)",
        "held = list(model.parameters())\nfor p in held:\n    p.requires_grad = False",
    ],
)
def test_freezing_behind_the_making_is_read(lines: str) -> None:
    for target in (None, "model"):
        assert check(behind(lines), target, X, original="model").graph.owners["l"].frozen


def test_a_method_that_changes_its_own_network_is_run() -> None:
    source = net(
        "self.l = nn.Linear(8, 8)",
        "return self.l(x)",
        "def freeze(self):\n    for p in self.l.parameters():\n        p.requires_grad = False",
    )
    read = check(f"{source}model = Net()\nmodel.freeze()\n", None, X, original="model")
    assert read.graph.owners["l"].frozen


@pytest.mark.parametrize(
    "lines",
    [
        "for n, m in model.named_children():\n    if n == 'd':\n        setattr(model, n, nn.Tanh())",
        "setattr(model, 'd', nn.Tanh())",
        "model.l, model.d = nn.Linear(8, 3), nn.Tanh()",
    ],
)
def test_layers_exchanged_by_name_are_read(lines: str) -> None:
    read = check(behind(lines), None, X, original="model")
    assert read.graph.owners["d"].target == "torch.nn.Tanh"


@pytest.mark.parametrize(
    "lines, at, words",
    [
        ("model.l.register_forward_hook(lambda m, i, o: o * 2)", 0, "register_forward_hook"),
        ("model.forward = lambda x: x * 2", 0, "forward"),
        ("model.half()", 0, "float32"),
        ("model = model.double()", 0, "float32"),
        ("model.to(torch.float64)", 0, "float32"),
        ("model.l.bfloat16()", 0, "float32"),
        ("model.l.out_features = 3", 0, "changed after"),
        ("def f(m):\n    m.requires_grad_(False)\nmodel.apply(f)", 1, "apply"),
        (
            "from functools import partial\ndef f(m, n):\n    m.out_features = n\nmodel.apply(partial(f, n=3))",
            2,
            "apply",
        ),
        ("nn.utils.prune.l1_unstructured(model.l, 'weight', 0.5)", 0, "l1_unstructured"),
        (
            "nn.utils.parametrize.register_parametrization(model.l, 'weight', nn.Tanh())",
            0,
            "parametriz",
        ),
        ("def half(m):\n    return m.half()\nmodel = half(model)", 1, "float32"),
    ],
)
def test_what_cannot_be_held_is_refused_and_no_other_network_read(
    lines: str, at: int, words: str
) -> None:
    for target in (None, "model"):
        with pytest.raises(CodeRefused) as caught:
            read_here(behind(lines), target, X)
        assert caught.value.line == AT + at
        assert words in caught.value.reason and caught.value.help


@pytest.mark.parametrize(
    "made", ["Net().half()", "Net().to(torch.float64)", "Net().type(torch.half)"]
)
def test_another_dtype_in_the_line_that_makes_it_is_refused(made: str) -> None:
    with pytest.raises(CodeRefused, match="float32"):
        read_here(f"{NET}model = {made}\n", None, X)


@pytest.mark.parametrize(
    "lines, words",
    [
        (
            "def f(m):\n    if isinstance(m, nn.Linear):\n        nn.init.ones_(m.weight)\nmodel.apply(f)",
            "start",
        ),
        ("nn.init.ones_(model.l.weight)", "start"),
        ("with torch.no_grad():\n    model.l.weight.fill_(1.0)", "start"),
        ("model = nn.DataParallel(model)", "module."),
        ("model = torch.compile(model)", "_orig_mod."),
        (
            "for epoch in range(3):\n    if epoch == 1:\n        model.l.requires_grad_(False)\n"
            "    model(torch.randn(3, 8)).sum().backward()",
            "while it is trained",
        ),
    ],
)
def test_what_is_left_out_behind_the_making_is_told(lines: str, words: str) -> None:
    assert words in told(read_here(behind(lines), None, X))


def test_what_a_layer_was_made_with_may_be_changed_in_a_loop() -> None:
    lines = "for m in model.modules():\n    if isinstance(m, nn.Dropout):\n        m.p = 0.9"
    read = check(behind(lines), None, X, original="model")
    assert read.graph.owners["d"].arguments["p"] == 0.9


def test_a_norm_put_on_a_weight_behind_the_making_is_read() -> None:
    lines = "nn.utils.parametrizations.spectral_norm(model.l)"
    assert read_here(behind(lines), None, X).graph.owners["l"].norms


def test_a_number_set_by_a_called_function_is_the_one_that_counts() -> None:
    before = "K = 2\ndef set_k():\n    global K\n    K = 7\nset_k()\n"
    source = net("self.l = nn.Linear(8, 8)", "return self.l(x) * K", before=before)
    check(source, "Net()", X)


@pytest.mark.parametrize(
    "line",
    ["F.relu = torch.tanh", "nn.Linear = nn.Bilinear", "def patch():\n    F.relu = torch.tanh"],
)
def test_an_exchanged_name_of_a_library_is_refused(line: str) -> None:
    source = net("self.l = nn.Linear(8, 8)", "return F.relu(self.l(x))", before=f"{line}\n")
    with pytest.raises(CodeRefused) as caught:
        read_here(source, "Net()", X)
    assert caught.value.line == 3 + len(line.splitlines()) and "exchanged" in caught.value.reason
    fine = net(
        "self.l = nn.Linear(8, 8)",
        "return self.l(x)",
        before="torch.backends.cudnn.benchmark = True\n",
    )
    check(fine, "Net()", X)
