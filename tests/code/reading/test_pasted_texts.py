"""Texts as people paste them: which network of several, missing imports, old forms."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from builder.errors import CodeRefused
from tests.code.reading.harness import check
from tests.code.reading.small import HEAD, net, refused, told

# Which network ----------------------------------------------------------------------------------------

PART = net("self.l = nn.Linear(8, 8)", "return self.l(x)").replace("Net", "Part")
WHOLE = (
    "class Net(nn.Module):\n    def __init__(self, depths):\n        super().__init__()\n"
    "        self.s = nn.Sequential(*[Part() for _ in depths])\n"
    "    def forward(self, x):\n        return self.s(x)\n"
)


def test_a_network_that_cannot_be_made_does_not_lose_to_a_part_of_it() -> None:
    with pytest.raises(CodeRefused) as caught:
        read_here(PART + WHOLE)
    assert caught.value.reason == "“Net” needs “depths”, and nothing in the text says it."
    assert "Net(depths=…)" in caught.value.help


def test_a_function_that_makes_it_by_default_says_how() -> None:
    read = read_here(PART + WHOLE + "def small(depths=(1, 2)):\n    return Net(depths)\n")
    assert read.graph.name == "Net"


def test_of_several_networks_the_one_that_is_taken_is_told() -> None:
    other = PART.removeprefix(HEAD).replace("Part", "Other")
    assert "“Other” is read; beside it: “Part”" in told(read_here(PART + other))
    assert "several" not in told(
        read_here(PART + WHOLE.replace("self, depths", "self, depths=(1,)"))
    )
    assert "several" not in told(read_here(PART + other, "Part()"))


# Texts as people paste them ---------------------------------------------------------------------------


def test_a_text_without_imports_means_the_usual_ones_and_they_are_told() -> None:
    read = read_here("model = nn.Sequential(OrderedDict([('fc', nn.Linear(2, 3))]))\n")
    assert "taken to begin with: from torch import nn; from collections import OrderedDict" in told(
        read
    ) or "taken to begin with: from collections import OrderedDict" in told(read)
    text = net("self.l = nn.Linear(8, 8)", "return F.relu(self.l(x)) * np.pi").removeprefix(HEAD)
    assert "import numpy as np" in told(read_here(text, "Net()", ["float32[N,8]"]))
    assert "taken to begin" not in told(read_here(HEAD + text.replace(" * np.pi", "")))


def test_a_name_that_the_text_defines_otherwise_is_not_taken_for_an_import() -> None:
    with pytest.raises(CodeRefused):
        read_here(f"{HEAD}from own import F\n" + "model = nn.Sequential(F.ReLU())\n")


@pytest.mark.parametrize("init", ["nn.Module.__init__(self)", "super(Net, self).__init__()"])
def test_the_old_forms_of_super_are_read(init: str) -> None:
    source = net("self.l = nn.Linear(8, 8)", "return self.l(x)").replace("super().__init__()", init)
    check(source, "Net()", ["float32[N,8]"])


def test_own_code_takes_the_usual_imports_along() -> None:
    loop = "        while x.sum() > 0:\n            x = F.relu(x) - 1\n        return x\n"
    strange = f"class Odd(nn.Module):\n    def forward(self, x):\n{loop}"
    text = strange + net("self.o = Odd()\nself.l = nn.Linear(8, 8)", "return self.l(self.o(x))")
    graph = read_here(text.replace(HEAD, ""), "Net()", ["float32[N,8]"]).graph
    kept = str(graph.owners["o"].arguments["source"])
    assert kept.startswith("import torch.nn.functional as F\nfrom torch import nn\n\n\nclass Odd")


@pytest.mark.parametrize(
    "zeros",
    [
        "w.new(1, x.size(0), 6).zero_()",
        "w.new_zeros(1, x.size(0), 6)",
        "w.data.new_zeros(1, x.size(0), 6)",
    ],
)
def test_states_made_beside_the_weights_are_zeros_of_that_size(zeros: str) -> None:
    forward = f"w = next(self.parameters()).data\nh = {zeros}\nreturn self.l(x, (h, h))[0]"
    made = "self.l = nn.LSTM(8, 6, batch_first=True)"
    check(net(made, forward), "Net()", ["float32[N,5,8]"])


def test_the_parameters_of_a_dict_are_read_by_name() -> None:
    made = "self.p = nn.ParameterDict({'a': nn.Parameter(torch.ones(8))})"
    check(net(made, "return x * self.p['a']"), "Net()", ["float32[N,8]"])


def test_modules_that_a_module_holds_can_be_gone_through_and_not_written() -> None:
    made = "self.a = nn.Linear(8, 8)\nself.b = nn.Linear(8, 4)"
    each = "for name, m in self._modules.items():\n    x = m(x)\nreturn x"
    check(net(made, each), "Net()", ["float32[N,8]"])
    check(net(made, "return self._modules['b'](x)"), "Net()", ["float32[N,8]"])
    refused(net(f"{made}\nself._modules['c'] = nn.ReLU()", "return x"), "add_module", line=9)


@pytest.mark.parametrize("start", ["1e-6 * torch.ones(8)", "torch.ones(8) * 1e-6"])
def test_a_start_of_one_number_is_written_as_that_whichever_side_it_stands_on(start: str) -> None:
    made = f"self.gamma = nn.Parameter({start})"
    check(net(made, "return x * self.gamma"), "Net()", ["float32[N,8]"])
    owner = read_here(net(made, "return x * self.gamma"), "Net()").graph.owners["gamma"]
    assert (owner.arguments["init"], owner.arguments["value"]) == ("constant", 1e-6)


def test_a_name_that_is_not_there_is_told_with_the_nearest_one() -> None:
    text = net("self.linear = nn.Linear(8, 8)", "return self.liner(x)")
    refused(text, "has no “liner”", "Did you mean “linear”?", line=9)
    refused("print 'x'\n", "Did you mean print(...).", line=1)
