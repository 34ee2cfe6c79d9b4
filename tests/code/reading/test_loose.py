"""Networks without a class: tensors that learn, functions and layers at the top of a file."""

from __future__ import annotations

import pytest
import torch

from builder.code import build_module, write_code
from builder.code.reading import Read, read_here
from builder.errors import CodeRefused

FUNCTION = """
import torch

W1 = torch.randn(8, 4, requires_grad=True)
b1 = torch.zeros(4, requires_grad=True)
W2 = torch.randn(4, 2) * 0.1
W2.requires_grad_()
b2 = torch.zeros(2).requires_grad_()

def relu(x):
    return torch.maximum(x, torch.zeros_like(x))

def forward(x):
    return relu(x @ W1 + b1) @ W2 + b2

x = torch.randn(16, 8)
loss = forward(x).square().mean()
loss.backward()
"""

LOOP = """
import torch
N, D_in, H, D_out = 64, 10, 5, 2
x = torch.randn(N, D_in)
y = torch.randn(N, D_out)
w1 = torch.randn(D_in, H, requires_grad=True)
w2 = torch.randn(H, D_out, requires_grad=True)
for t in range(500):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        w1 -= 1e-6 * w1.grad
        w1.grad.zero_()
"""

LAYERS = """
import torch
from torch import nn
fc1 = nn.Linear(8, 3)
fc2 = nn.Linear(3, 2)
x = torch.randn(5, 8)
x = fc1(x)
y = fc2(x)
print(y)
x = torch.randn(5, 8)
y2 = (x @ fc1.weight.T + fc1.bias) @ fc2.weight.T + fc2.bias
"""

PLAIN_CLASS = """
import torch
class Net:
    def __init__(self, width=4):
        self.W1 = torch.randn(8, width, requires_grad=True)
        self.b1 = torch.zeros(width, requires_grad=True)
    def __call__(self, x):
        return torch.relu(x @ self.W1 + self.b1)
net = Net()
y = net(torch.randn(3, 8))
"""


def outputs(read: Read, x: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    module = build_module(read.graph)
    return dict(module.named_parameters()), module(x)


def test_a_function_over_tensors_that_learn_is_the_forward_of_a_network() -> None:
    read = read_here(FUNCTION)
    x = torch.randn(3, 8)
    p, y = outputs(read, x)
    assert list(p) == ["W1", "b1", "W2", "b2"]
    assert torch.equal(y, torch.relu(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])
    assert read.assumptions == (
        "The text has no class. One is read that has “W1”, “b1”, “W2” and “b2” as its nn.Parameters, "
        "and forward(…) as its forward.",
    )


def test_a_line_of_a_training_loop_is_the_forward_and_the_loss_is_none_of_it() -> None:
    read = read_here(LOOP)
    x = torch.randn(3, 10)
    p, y = outputs(read, x)
    assert [n.name for n in read.graph.inputs] == ["x"]
    assert torch.equal(y, (x @ p["w1"]).clamp(min=0) @ p["w2"])


def test_layers_called_one_after_the_other_are_a_network_under_their_names() -> None:
    read = read_here(LAYERS)
    assert "self.fc2 = nn.Linear(3, 2)" in write_code(read.graph)
    p, y = outputs(read, torch.randn(3, 8))
    assert list(p) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert y.shape == (3, 2)


def test_a_plain_class_with_tensors_that_learn_is_a_module() -> None:
    read = read_here(PLAIN_CLASS)
    x = torch.randn(3, 8)
    p, y = outputs(read, x)
    assert list(p) == ["W1", "b1"]
    assert torch.equal(y, torch.relu(x @ p["W1"] + p["b1"]))


def test_a_function_that_is_given_its_tensors_is_read_where_it_is_called() -> None:
    text = (
        "import torch\ndef model(x, w, b):\n    return x @ w + b\n"
        "w = torch.randn(3, 1, requires_grad=True)\nb = torch.zeros(1, requires_grad=True)\n"
        "X = torch.randn(10, 3)\npreds = model(X, w, b)\n"
    )
    read = read_here(text)
    assert [n.name for n in read.graph.inputs] == ["X"]
    assert list(outputs(read, torch.randn(2, 3))[0]) == ["w", "b"]


def test_our_own_code_by_hand_is_read_back() -> None:
    mlp = read_here(LAYERS).graph
    back = read_here(write_code(mlp, "manual"))
    x = torch.randn(3, 8)
    p, y = outputs(back, x)
    expected = (x @ p["fc1_weight"].T + p["fc1_bias"]) @ p["fc2_weight"].T + p["fc2_bias"]
    assert torch.equal(y, expected)


def test_a_line_that_calls_a_function_says_more_than_its_defaults() -> None:
    text = "from torch import nn\ndef build(n=3):\n    return nn.Sequential(nn.Linear(8, n), nn.ReLU())\n"
    sizes = {
        line: build_module(read_here(text + line, None, ["float32[N,8]"]).graph)(
            torch.randn(2, 8)
        ).shape
        for line in ("", "net = build(5)\n", "net = build(5)\nother = build(6)\n")
    }
    assert [shape[1] for shape in sizes.values()] == [3, 5, 6]


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ("model = nn.Linear(1, 1)\nx = torch.tensor([1.])\ny = model(x)\n", 1),
        ("def make(n):\n    return nn.Sequential(*[nn.Linear(8, 8) for _ in range(n)])\nmodel = make(3)\n", 3),
    ],
)  # fmt: skip
def test_a_layer_and_what_a_function_makes_are_networks(line: str, called: int) -> None:
    read = read_here(f"import torch\nfrom torch import nn\n{line}")
    assert len(read.graph.owners) == called


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "from torch import nn\nlayer1 = nn.Linear(8, 4)\nact = nn.ReLU()\n",
            "The text has layers (“layer1” and “act”), and no line that calls one after the other.",
        ),
        (
            "import torch\nw = torch.randn(2, requires_grad=True)\n",
            "The text has tensors that learn (“w”), and neither a function nor a line",
        ),
        (
            "import torch\nws = [torch.randn(2, 2, requires_grad=True) for _ in range(3)]\n"
            "def forward(x):\n    for w in ws:\n        x = x @ w\n    return x\n",
            "The tensors that learn stand in lists or tuples here (“ws”)",
        ),
    ],
)
def test_what_is_no_network_is_said_and_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(CodeRefused) as refused:
        read_here(text)
    assert str(refused.value).startswith(sentence)
    assert "Write y = layer2(layer1(x)), or a class" in refused.value.help


@pytest.mark.parametrize("around", ["", "with torch.no_grad():\n            "])
def test_a_running_mean_that_the_other_side_reads_moves_while_training(around: str) -> None:
    text = (
        "import torch\nw = torch.ones(4, requires_grad=True)\nmean = torch.zeros(4)\n"
        f"def forward(x, training=False):\n    if training:\n        {around}mean.lerp_(x.mean(0), 0.1)\n"
        "        return (x - x.mean(0)) * w\n"
        "    return (x - mean) * w\nforward(torch.randn(3, 4))\n"
    )
    model = build_module(read_here(text).graph)
    mean, x = torch.zeros(4), torch.randn(3, 4)
    for training in (True, True, False, True, False):
        y = model.train(training)(x)
        if training:
            mean.lerp_(x.mean(0), 0.1)
        assert torch.equal(y, x - (x.mean(0) if training else mean))
        assert torch.equal(dict(model.named_buffers())["mean"], mean)
