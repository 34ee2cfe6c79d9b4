"""What a line means to autograd, to the next call, and to Python: kept, told or refused."""

from __future__ import annotations

import pytest
import torch

from builder.code.reading import read_here
from tests.code.reading.harness import built, check, executed, leaves
from tests.code.reading.small import HEAD, net, refused, told

X = ["float32[N,8]"]
L = "self.l = nn.Linear(8, 8)"


def same_gradients(source: str) -> None:
    """Outputs, and gradients of the input and of each parameter, as in the original."""
    read = check(source, "Net()", X)
    theirs, ours = executed(source, "Net()"), built(read.graph)
    ours.load_state_dict(theirs.state_dict())
    found = []
    for model in (theirs, ours):
        torch.manual_seed(3)
        x = torch.randn(3, 8, requires_grad=True)
        torch.autograd.backward(torch.stack([t.sum() for t in leaves(model(x))]).sum())
        found.append([x.grad, *(p.grad for p in model.parameters())])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.equal(a, b)


# Gradients -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forward",
    [
        "s = x.abs().max().item()\nreturn self.l(x) / s",
        "return self.l(x) * float(x.mean())",
        "return self.l(x) * self.s.item()",
        "return self.l(x) * torch.tensor(x.mean())",
        "return torch.autograd.Variable(self.l(x)) + x",
        "y = self.l(x)\ns = y.sum().item()\nif s > 0:\n    y = y * s\nreturn y",
        "outs = []\nwith torch.no_grad():\n    outs.append(self.l(x))\nreturn outs[0] + x",
        "return self.l(x) - self.stats(x)",
        "return self.l(x) - mean_of(x)",
        "with torch.no_grad():\n    d = {'y': self.l(x)}\nreturn d['y'] + x",
        "d = {}\nwith torch.no_grad():\n    d['y'] = self.l(x)\nreturn d['y'] + x",
        "with torch.no_grad():\n    self.h = self.l(x)\nreturn self.l(self.h)",
        "with torch.no_grad():\n    b = Box(self.l(x))\nreturn self.l(b.a) + b.b[0]",
        "b = self.boxed(x)\nreturn self.l(b.a) + b.b[0] + self.same(self.l(x))",
        "outs = [[x]]\nwith torch.no_grad():\n    outs[0].append(self.l(x))\nreturn outs[0][1] + outs[0][0]",
    ],
)
def test_gradients_end_where_they_end_in_the_text(forward: str) -> None:
    more = "@torch.no_grad()\ndef stats(self, x):\n    return self.l(x).mean(0)"
    more += "\n@torch.no_grad()\ndef boxed(self, x):\n    return Box(self.l(x))"
    more += "\n@torch.no_grad()\ndef same(self, x):\n    return x"
    before = "@torch.no_grad()\ndef mean_of(x):\n    return x.mean(0)\n"
    before += "class Box:\n    def __init__(self, a):\n        self.a, self.b = a, [a * 2]\n"
    same_gradients(net(f"{L}\nself.s = nn.Parameter(torch.ones(1))", forward, more, before))


@pytest.mark.parametrize(
    "forward, line",
    [
        (
            "with torch.no_grad():\n    with torch.enable_grad():\n        y = self.l(x)\nreturn y",
            10,
        ),
        ("y = self.l(x)\nwith torch.no_grad():\n    y.mul_(2)\nreturn y", 11),
        ("with torch.no_grad():\n    self.l.weight.clamp_(-1, 1)\nreturn self.l(x)", 10),
        ("return x if x.is_leaf else self.l(x)", 9),
    ],
)
def test_what_autograd_alone_knows_is_refused(forward: str, line: int) -> None:
    refused(net(L, forward), line=line)


@pytest.mark.parametrize(
    "made",
    [
        "self.w = torch.randn(8, 4, requires_grad=True)",
        "self.w = torch.randn(8, 4).requires_grad_()",
        "self.w = torch.randn(8, 4)\nself.w.requires_grad = True",
        "self.register_buffer('w', torch.ones(8, 4, requires_grad=True))",
    ],
)
def test_a_tensor_that_learns_becomes_a_parameter_and_it_is_told(made: str) -> None:
    read = read_here(net(made, "return x @ self.w"), "Net()", X)
    assert read.graph.owners["w"].target == "parameter"
    assert "nn.Parameter here" in told(read)
    ours = built(read.graph)
    ours(torch.randn(3, 8)).sum().backward()
    assert next(ours.parameters()).grad is not None


def test_autocast_as_a_decorator_is_told() -> None:
    more = "@torch.autocast('cpu')\ndef other(self, x):\n    return x"
    assert "autocast" in told(check(net(L, "return self.l(x)", more), "Net()", X))


@pytest.mark.parametrize("dtype", ["torch.cfloat", "torch.complex64"])
def test_the_short_names_of_complex_dtypes_are_complex(dtype: str) -> None:
    made = f"self.w = nn.Parameter(torch.randn(8, dtype={dtype}))"
    read = check(net(made, "return (x * self.w).abs()"), "Net()", X)
    assert read.graph.owners["w"].arguments["dtype"] == "complex64"
    refused(net("self.w = torch.ones(8, dtype=torch.chalf)", "return x * self.w"), line=7)


# From one call to the next ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, forward, line",
    [
        ("", "acc.append(1)\nreturn self.l(x) * len(acc)", 10),
        ("calls = 0\n", "global calls\ncalls += 1\nreturn self.l(x) * calls", 12),
        ("seen = []\n", "seen.append(1)\nreturn self.l(x) * len(seen)", 11),
        ("it = iter([1, 2, 3])\n", "return self.l(x) * next(it)", 10),
        ("class S:\n    n = 0\ns = S()\n", "s.n += 1\nreturn self.l(x) * s.n", 13),
        ("def f(): pass\n", "f.n = 1\nreturn self.l(x)", 10),
        ("W = torch.ones(8)\n", "W.add_(1)\nreturn self.l(x) * W", 10),
        ("", "setattr(self, 'k', getattr(self, 'k', 0) + 1)\nreturn self.l(x) * self.k", 9),
        (
            "def mk():\n    n = 0\n    def f(x):\n        nonlocal n\n        n += 1\n        return x * n\n"
            "    return f\nf = mk()\n",
            "return f(self.l(x))",
            9,
        ),
        (
            "from functools import lru_cache\n@lru_cache\ndef r():\n    return torch.randn(8)\n",
            "return self.l(x) * r()",
            13,
        ),
    ],
)
def test_what_outlasts_a_call_is_refused(before: str, forward: str, line: int) -> None:
    source = net(L, forward, before=before).replace("forward(self, x)", "forward(self, x, acc=[])")
    assert "call" in refused(source, line=line).reason


@pytest.mark.parametrize(
    "before, forward",
    [
        ("seen = []\n", "seen.append(1)\nreturn self.l(x)"),
        (
            "CACHE = {}\n",
            "if 8 not in CACHE:\n    CACHE[8] = torch.ones(8)\nreturn self.l(x) * CACHE[8]",
        ),
        (
            "",
            "outs = list()\nfor _ in range(2):\n    outs.append(self.l(x))\nreturn torch.cat(outs)",
        ),
        (
            "",
            "n = 0\ndef step(t):\n    nonlocal n\n    n += 1\n    return self.l(t) * n\nreturn step(step(x))",
        ),
    ],
)
def test_what_changes_nothing_in_the_next_call_is_read(before: str, forward: str) -> None:
    check(net(L, forward, before=before), "Net()", X)


def test_what_a_block_puts_into_a_list_is_seen_outside() -> None:
    block = (
        "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n    def forward(self, x, outs):\n"
        "        outs.append(self.l(x))\n        return x\n"
    )
    forward = "outs = []\ny = self.b(x, outs)\nreturn y + outs[0]"
    check(net("self.b = Block()", forward, before=block), "Net()", X)


# What Python asks of objects -------------------------------------------------------------------------


def test_methods_that_python_calls_by_itself_are_called() -> None:
    own = (
        "class V:\n    def __bool__(self):\n        return False\n    def __len__(self):\n        return 4\n"
        "    def __eq__(self, o):\n        return o == 3\n    def __lt__(self, o):\n        return True\n"
        "    def __iter__(self):\n        return iter([1, 2])\n"
        "class Turned(nn.ModuleList):\n    def __iter__(self):\n"
        "        return iter(list(self._modules.values())[::-1])\n"
    )
    made = f"{L}\nself.v = V()\nself.ls = Turned([nn.Linear(8, 8), nn.Tanh()])"
    forward = (
        "x = self.l(x) * (3 if self.v else 5) + len(self.v) + len(self) + sum(self.v)\n"
        "x = x + (7 if self.v == 3 else 9) + (1 if 3 != self.v else 8) + (1 if self.v < 3 else 2)\n"
        "for layer in self.ls:\n    x = layer(x)\nreturn x"
    )
    check(net(made, forward, "def __len__(self):\n    return 7", own), "Net()", X)


def test_a_property_is_set_by_its_setter() -> None:
    more = "@property\ndef k(self):\n    return self._k\n@k.setter\ndef k(self, v):\n    self._k = v + 4"
    check(net(f"{L}\nself.k = 1", "return self.l(x) * self.k", more), "Net()", X)


@pytest.mark.parametrize(
    "more, line",
    [
        ("def __setattr__(self, n, v):\n    super().__setattr__(n, v * 2)", 10),
        ("def __getattribute__(self, n):\n    return 3", 10),
    ],
)
def test_a_class_whose_attributes_are_not_what_they_say_is_refused(more: str, line: int) -> None:
    refused(net(L, "return self.l(x)", more), "__", line=line)


def test_a_class_that_others_change_is_refused() -> None:
    base = "class B(nn.Module):\n    def __init_subclass__(cls):\n        cls.k = 5\n"
    source = net(L, "return self.l(x) * self.k", before=base).replace("Net(nn.Module)", "Net(B)")
    refused(source, "__init_subclass__", line=7)
    meta = "class Meta(type):\n    def __call__(cls):\n        return None\n"
    source = net(L, "return self.l(x)", before=meta)
    refused(source.replace("Net(nn.Module)", "Net(nn.Module, metaclass=Meta)"), "metaclass", line=7)


# Outputs, inputs, keys -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "returned, words",
    [
        ("{'logits': y, 'h': x}", "a dict with logits, h"),
        ("{'y': y}", "the tensor itself here; in the text it is a dict"),
        ("[y]", "a list"),
        ("(y,)", "a tuple of one"),
        ("y, (x, y * 2)", "others inside"),
    ],
)
def test_another_form_of_the_outputs_is_told(returned: str, words: str) -> None:
    assert words in told(check(net(L, f"y = self.l(x)\nreturn {returned}"), "Net()", X))


def test_a_plain_tuple_of_outputs_is_not_spoken_of() -> None:
    assert not check(net(L, "return self.l(x), x"), "Net()", X).notes
    assert not check(net(L, "return self.l(x).max(1)"), "Net()", X).notes


def test_a_buffer_given_later_keeps_its_key() -> None:
    made = f"{L}\nself.register_buffer('w', None)\nself.w = torch.ones(8)"
    check(net(made, "return self.l(x) * self.w"), "Net()", X)


@pytest.mark.parametrize(
    "forward, words",
    [
        ("x += 1\nreturn self.l(x)", "“x” is changed in place"),
        ("x.mul_(2)\nreturn self.l(x)", "“x” is changed in place"),
        ("assert x.shape[0] > 1\nreturn self.l(x)", "assertion"),
        ("return self.l(x).detach().requires_grad_()", "requires a gradient"),
        ("if x.requires_grad:\n    return x\nreturn self.l(x)", "requires_grad"),
    ],
)
def test_what_forward_does_beside_its_outputs_is_told(forward: str, words: str) -> None:
    assert words in told(read_here(net(L, forward), "Net()", X))


def test_starting_values_given_to_a_result_are_refused() -> None:
    refused(net(L, "y = self.l(x)\nnn.init.zeros_(y)\nreturn y"), "zeros_", line=10)


def test_a_library_that_is_taken_to_be_installed_is_told() -> None:
    before = "try:\n    import flash_attn\n    K = 3\nexcept ImportError:\n    K = 4\n"
    read = read_here(net(L, "return self.l(x) * K", before=before), "Net()", X)
    assert "“flash_attn” is installed" in told(read)


@pytest.mark.parametrize(
    "made, said",
    [
        ("nn.Sequential(nn.Sequential(l, nn.ReLU()), l)", "“1” is called “layer1”"),
        ("nn.Sequential(Inner(), nn.Softmax(1))", ""),
        ("nn.Sequential(l, nn.ReLU(), l)", ""),
        ("nn.Sequential(nn.Linear(8, 8), nn.ReLU())", ""),
    ],
)
def test_numbers_of_a_chain_that_cannot_stay_are_told(made: str, said: str) -> None:
    inner = net(L, "return self.l(x)").replace("Net", "Inner").removeprefix(HEAD)
    read = read_here(f"{HEAD}{inner}l = nn.Linear(8, 8)\nmodel = {made}\n", "model", X)
    assert said in told(read) if said else "keys" not in told(read)
