"""What texts do with layers before the network runs: filled, changed, renamed, taken away, made by numpy."""

from __future__ import annotations

import pytest

from builder.code import write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import built, check
from tests.code.reading.small import net, refused, told

X = ["float32[N,8]"]
PICTURE = ["float32[N,3,8,8]"]


# Taken away -------------------------------------------------------------------------------------------


def test_a_layer_that_is_taken_away_is_gone() -> None:
    made = "self.s = nn.Sequential()\nself.s.add_module('a', nn.Linear(8, 8))\nself.s.add_module('b', nn.Tanh())\ndel self.s.b"
    read = check(net(made, "return self.s(x)"), "Net()", X)
    assert list(read.graph.owners) == ["s.a"] or len(read.graph.blocks) == 1
    check(net(made.replace("del self.s.b", "delattr(self.s, 'b')"), "return self.s(x)"), "Net()", X)


@pytest.mark.parametrize("gone", ["del self.s[1]", "del self.s[-2:]", "self.s.pop(0)"])
def test_those_behind_a_layer_that_is_taken_away_are_counted_anew(gone: str) -> None:
    made = f"self.s = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh())\n{gone}"
    check(net(made, "return self.s(x)"), "Net()", X)


def test_an_element_of_a_list_is_taken_away() -> None:
    made = "sizes = [8, 5, 8]\ndel sizes[1]\nself.l = nn.Linear(*sizes)"
    check(net(made, "y = self.l(x)\ndel x\nreturn y"), "Net()", X)


def test_what_is_not_there_cannot_be_taken_away() -> None:
    refused(net("del self.fc", "return x"), "fc", line=7)
    refused(
        net("self.l = nn.Linear(8, 8)", "del self.l\nreturn x"), "while the network runs", line=9
    )


# Changed after they were made -------------------------------------------------------------------------


def test_what_a_layer_was_made_with_can_be_changed_before_it_runs() -> None:
    made = (
        "self.c = nn.Conv2d(3, 4, 3, padding=1)\nself.c.stride = (2, 2)\nself.c.padding = 2\n"
        "self.n = nn.BatchNorm2d(4)\nself.n.eps = 0.1\nself.d = nn.Dropout(0.1)\nself.d.p = 0.7"
    )
    check(net(made, "return self.d(self.n(self.c(x)))"), "Net()", PICTURE)
    refused(
        net("self.l = nn.Linear(8, 8)\nself.l.out_features = 3", "return self.l(x)"),
        "changed",
        line=8,
    )


def test_apply_of_a_function_that_dilates_is_done_on_each_layer() -> None:
    before = (
        "from functools import partial\n"
        "def dilate(m, by):\n"
        "    if m.__class__.__name__.find('Conv') != -1 and m.kernel_size == (3, 3):\n"
        "        m.dilation, m.padding = (by, by), (by, by)\n"
    )
    made = "self.s = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1))\nself.s.apply(partial(dilate, by=2))"
    check(net(made, "return self.s(x)", before=before), "Net()", PICTURE)


def test_a_layer_knows_its_sizes_as_torch_keeps_them() -> None:
    made = (
        "c = nn.Conv2d(3, 4, 3)\np = nn.MaxPool2d(2)\n"
        "self.l = nn.Linear(8, c.kernel_size[0] * c.stride[1] + p.stride)"
    )
    check(net(made, "return self.l(x)"), "Net()", X)


def test_what_changes_layers_in_a_way_that_is_not_known_is_refused() -> None:
    made = "self.l = nn.Linear(8, 8)\nnn.utils.prune.random_unstructured(self.l, 'weight', 0.5)"
    refused(net(made, "return self.l(x)"), "prune", line=8)


# Filled -----------------------------------------------------------------------------------------------


def test_how_weights_are_filled_keeps_no_network_from_being_read() -> None:
    made = """
self.c = nn.Conv2d(3, 4, 3)
for m in self.modules():
    if isinstance(m, nn.Conv2d):
        n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
        m.weight.data.normal_(0, (2.0 / n) ** 0.5)
        m.weight.data *= 0.2
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(m.weight)
        nn.init.uniform_(m.bias, -1 / fan_in, nn.init.calculate_gain('selu') / fan_out)
        m.bias.data[0] = 1.0
for key in self.state_dict():
    if key.split('.')[-1] == 'weight':
        nn.init.ones_(self.state_dict()[key])
"""
    read = check(net(made.strip(), "return self.c(x)"), "Net()", PICTURE)
    assert "left to PyTorch" in told(read)


def test_a_buffer_that_is_filled_in_place_starts_so() -> None:
    made = (
        "self.register_buffer('m', torch.ones(2, 8))\nself.m[0, 3:] = 0\nself.m *= 2\n"
        "self.k = torch.zeros(8)\nself.k[2] = 5.0\nself.l = nn.Linear(8, 8)"
    )
    source = net(made, "return self.l(x) * self.m.sum(0) + self.k")
    read = check(source, "Net()", X)
    assert built(read.graph).state_dict()["m"].tolist() == [[2.0] * 3 + [0.0] * 5, [2.0] * 8]


def test_a_table_of_weights_that_is_given_is_a_frozen_layer() -> None:
    made = (
        "self.e = nn.Embedding.from_pretrained(torch.ones(5, 8) * 0.5, freeze=True, padding_idx=0)"
    )
    read = check(net(made, "return self.e(x)"), "Net()", ["int64[N,4]"])
    assert read.graph.owners["e"].frozen and "a checkpoint brings" in told(read)


def test_weights_that_are_masked_before_each_call_stay_masked() -> None:
    made = "self.c = nn.Conv2d(3, 3, 3)\nm = torch.ones(3, 3, 3, 3)\nm[:, :, 2] = 0\nself.register_buffer('m', m)"
    forward = "self.c.weight.data *= self.m\nreturn self.c(x)"
    check(net(made, forward), "Net()", PICTURE)


# Names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1a", "norm", "layer one", "class", "x-y", "return"])
def test_names_in_a_container_stay_also_beside_numbers(name: str) -> None:
    made = f"self.s = nn.Sequential(nn.Linear(8, 8))\nself.s.add_module('{name}', nn.Linear(8, 8))"
    assert "keys" not in told(check(net(made, "return self.s(x)"), "Net()", X))


def test_equal_blocks_under_names_keep_them() -> None:
    before = (
        "class B(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n    def forward(self, x):\n        return self.l(x) + x\n"
    )
    made = "self.s = nn.Sequential()\nfor i in range(3):\n    self.s.add_module(f'B_{i}', B())"
    check(net(made, "return self.s(x)", before=before), "Net()", X)


def test_a_module_that_stands_twice_in_one_chain_keeps_both_names() -> None:
    made = "b = nn.Sequential(nn.Linear(8, 8), nn.ReLU())\nself.s = nn.Sequential(b, b)"
    assert "keys" not in told(check(net(made, "return self.s(x)"), "Net()", X))


def test_entries_under_names_that_are_not_known_are_refused() -> None:
    made = "self.d = nn.ModuleDict({open('a'): nn.Linear(8, 8), open('b'): nn.Linear(8, 8)})"
    refused(net(made, "return x"), "open", line=7)


# Numbers ----------------------------------------------------------------------------------------------


def test_tables_of_numpy_are_worked_out() -> None:
    made = (
        "t = np.array([[p / np.power(100.0, 2 * (i // 2) / 8) for i in range(8)] for p in range(4)])\n"
        "t[:, 0::2] = np.sin(t[:, 0::2])\nt[:, 1::2] = np.cos(t[:, 1::2])\n"
        "self.register_buffer('t', torch.from_numpy(t).float())\n"
        "w, n = np.unique(np.round(np.arange(6) / 2), return_counts=True)\n"
        "self.l = nn.Linear(8, int(n.max() + w[-1] + (-t).shape[0]))"
    )
    source = net(made, "return self.l(x + self.t.sum(0))", before="import numpy as np\n")
    check(source, "Net()", X)


@pytest.mark.parametrize("table", ["np.zeros((10**6, 10**6))", "np.tile(np.ones(10**5), 10**5)"])
def test_tables_that_are_far_too_large_are_not_made(table: str) -> None:
    source = net(f"t = {table}", "return x", before="import numpy as np\n")
    refused(source, "far too large", line=8)


@pytest.mark.parametrize(
    "made, forward",
    [
        ("k = 3\nself.l = nn.Conv1d(8, 4, k, padding=int(k > 2))", "return self.l(x.unsqueeze(2))"),
        ("self.l = nn.Identity(3, inplace=True)", "return self.l(x) + torch.finfo(x.dtype).eps"),
        ("setattr(self, 'l_%d' % 1, nn.Linear(8, 8))", "return self.__getattr__('l_1')(x)"),
        ("self.__setattr__('l_' + chr(97), nn.Linear(8, 8, 1))", "return self.l_a(x)"),
        ("self.w = nn.Parameter(torch.arange(8.0))\nself.n = len(self.w)", "return x * self.w / self.n"),
        ("self.l = nn.Linear(8, 8)", "y = self.l(x)\nassert torch.equal(y, y)\nreturn y"),
        ("self.k = torch.ones(8)", "y = x[(..., None)] * self.k[(*((None,) * 1), Ellipsis)][0]\nreturn y"),
        ("self.p = nn.AvgPool2d((2, 1))", "return self.p(x.view(-1, 4, 2)).squeeze(1)"),
        ("kwargs = dict(locals())\nself.l = nn.Linear(8, 3 if 'self' in kwargs else 4)", "return self.l(x)"),
        ("self.k = torch.ones(8)", "if self.k.device != x.device:\n    self.k = self.k.to(x.device)\nreturn x + self.k"),
    ],
)  # fmt: skip
def test_ways_of_saying_it(made: str, forward: str) -> None:
    check(net(made, forward), "Net()", X)


def test_a_tensor_of_another_ones_size_is_no_tensor_of_these_numbers() -> None:
    forward = "return x * (torch.FloatTensor(x.size()).uniform_(0, 1) > 0.5).float()"
    check(net("self.l = nn.Linear(8, 8)", forward), "Net()", X)


# einops -----------------------------------------------------------------------------------------------


def test_einops_as_layers_and_in_words() -> None:
    head = (
        "from einops import rearrange, einsum, pack, unpack\n"
        "from einops.layers.torch import Rearrange, Reduce\n"
    )
    made = "self.s = nn.Sequential(Rearrange('b c (h p) w -> b h (p w c)', p=4), nn.Linear(96, 8), Reduce('b n d -> b d', 'mean'))"
    forward = (
        "y = self.s(x)\nz, ps = pack([y, y.unflatten(1, (2, 4))], 'b *')\n"
        "a, b = unpack(z, ps, 'b *')\nreturn einsum(a, b.flatten(1), 'n dim, m dim -> n m')"
    )
    plain_made = "self.s = nn.Sequential(Fold(), nn.Linear(96, 8), Mean())"
    plain_before = (
        "class Fold(nn.Module):\n    def forward(self, x):\n        y = x.reshape(-1, 3, 2, 4, 8).permute(0, 2, 3, 4, 1)\n"
        "        return y.reshape(-1, 2, 96)\n"
        "class Mean(nn.Module):\n    def forward(self, x):\n        return x.mean(1)\n"
    )
    plain = "y = self.s(x)\nreturn torch.einsum('nd,md->nm', y, y)"
    check(
        net(made, forward, before=head), "Net()", PICTURE,
        run=net(plain_made, plain, before=plain_before),
    )  # fmt: skip


# Written again ----------------------------------------------------------------------------------------


def test_a_step_is_not_called_by_a_variable_of_the_class_around_it() -> None:
    before = (
        "class B(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n    def forward(self, x):\n        return self.l(x) + x\n"
    )
    made, forward = (
        "self.a, self.b = B(), B()",
        "first = self.a(x)\nsecond = self.b(first * 2)\nreturn second",
    )
    read = check(net(made, forward, before=before), "Net()", X)
    assert len(read.graph.blocks) == 1


def test_settings_stand_in_the_order_of_the_text() -> None:
    before = (
        "class B(nn.Module):\n    def __init__(self, wide, deep=1, many=8):\n        super().__init__()\n"
        "        self.a = nn.Linear(8, wide)\n        self.b = nn.Linear(wide, many)\n        self.deep = deep\n"
        "    def forward(self, x):\n        return self.b(self.a(x)) * self.deep\n"
    )
    made = "self.a, self.b = B(6, many=8, deep=3), B(4, deep=2)"
    read = check(net(made, "return self.b(self.a(x))", before=before), "Net()", X)
    assert [*read.graph.blocks["B"].settings] == ["wide", "deep", "many"]


def test_equal_blocks_in_a_row_are_one_repeated_in_the_style_mixed() -> None:
    before = (
        "class B(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n    def forward(self, x):\n        return self.l(x) + x\n"
    )
    made, forward = "self.a, self.b, self.c = B(), B(), B()", "return self.c(self.b(self.a(x)))"
    read = check(net(made, forward, before=before), "Net()", X)
    assert "*(B() for _ in range(3))" in write_code(read.graph, "mixed")


def test_where_a_layer_cannot_be_read_that_is_what_is_said() -> None:
    before = (
        "class B(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n    def forward(self, x):\n"
        "        return torch.unique(self.l(x).tolist()), x\n"
    )
    source = net(
        "self.b = B()\nself.l = nn.Linear(8, 8)",
        "a, b = self.b(x)\nreturn self.l(a)",
        before=before,
    )
    refused(source, "numbers", line=9)


def test_what_is_written_of_a_name_with_a_blank_is_read_again() -> None:
    made = "self.d = nn.ModuleDict({'layer one': nn.Linear(8, 8)})"
    graph = read_here(net(made, "return self.d['layer one'](x)"), "Net()", X).graph
    assert 'self.d["layer one"]' in write_code(graph)


# Sentences --------------------------------------------------------------------------------------------

HEAD = "import random\nimport torch\nfrom torch import nn\n"


def _said(source: str, target: str | None = "Net()") -> tuple[int | None, str]:
    with pytest.raises(CodeRefused) as caught:
        read_here(source, target, X)
    assert caught.value.help
    return caught.value.line, caught.value.reason


@pytest.mark.parametrize("target", ["Net()", None])
def test_a_class_without_forward_is_named(target: str | None) -> None:
    source = (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(8, 8)\n"
    )
    assert _said(source, target) == (
        4,
        "“Net” has no forward, so it is not known what it computes.",
    )
    inside = source + "        def forward(self, x):\n            return self.l(x)\n"
    assert _said(inside, target)[0] == 8


@pytest.mark.parametrize(
    "made, said",
    [
        ("self.l = nn.Linear(8, 8),", "A tuple of one stands in front of these brackets"),
        ("self.l = [nn.Linear(8, 8)]", "A list stands in front of these brackets"),
        ("self.l = 3", "'3' stands in front of these brackets"),
        ("self.l = nn.ModuleList([nn.Linear(8, 8)])", "nn.ModuleList cannot be called"),
    ],
)
def test_what_cannot_be_called_is_named(made: str, said: str) -> None:
    refused(net(made, "return self.l(x)"), said, line=9)


def test_a_character_without_a_sign_is_found() -> None:
    line, reason = _said(f"{HEAD}class Net(nn.Module):\n    '''a\0b'''\n")
    assert line == 5 and "NUL" in reason


def test_numbers_that_python_draws_are_refused_as_such() -> None:
    source = HEAD + net(
        "self.l = nn.Linear(8, 8)", "return x if random.random() < 0.5 else self.l(x)"
    )
    line, reason = _said(source)
    assert line == 12 and "random.random" in reason and "another number" in reason


def test_what_another_class_shall_do_is_told_as_such() -> None:
    refused(net("self.l = nn.Linear(8, 8)", "raise NotImplementedError"), "another class", line=9)


def test_a_class_of_a_chain_knows_only_where_it_is_a_class() -> None:
    before = (
        "class Conv(nn.Module):\n    def __init__(self, many, out):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(many, out, 3, padding=1)\n    def forward(self, x):\n        return self.c(x)\n"
        "class B(nn.Module):\n    def __init__(self, many):\n        super().__init__()\n"
        "        self.a = Conv(many, many)\n    def forward(self, x):\n        return self.a(x) + x\n"
    )
    made, forward = "self.a, self.b = Conv(3, 4), B(4)", "return self.b(self.a(x))"
    check(net(made, forward, before=before), "Net()", PICTURE)  # in every style a fixed point
