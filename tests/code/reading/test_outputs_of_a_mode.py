"""Networks that give other outputs while they train: auxiliary heads, deep supervision, boxes in evaluation."""

import pytest
import torch
from torch import Tensor, nn

from builder.code import write_code
from builder.code.reading import read_here
from builder.errors import CodeRefused
from builder.graph.model import Graph
from tests.code.reading.harness import built, check, check_in_turn, executed, leaves, values_for

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
IMAGES = ["float32[N,3,16,16]"]

AUXILIARY = """
class Aux(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 1)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 4 * 4, num_classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(x, (4, 4))
        x = F.relu(self.bn(self.conv(x)))
        x = torch.flatten(x, 1)
        return self.fc(self.dropout(x))
"""

LAYERS = """
    def __init__(self, num_classes=5, aux_logits=True):
        super().__init__()
        self.aux_logits = aux_logits
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.Dropout2d(0.5), nn.ReLU())
        if aux_logits:
            self.aux1 = Aux(6, num_classes)
            self.aux2 = Aux(8, num_classes)
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(8, num_classes)
"""


def net(forward: str, head: str = HEAD + AUXILIARY) -> str:
    lines = "\n".join(f"        {line}".rstrip() for line in forward.strip("\n").split("\n"))
    return f"{head}\n\nclass Net(nn.Module):{LAYERS}\n    def forward(self, x):\n{lines}\n"


GOOGLENET = """
x = self.stem(x)
if self.training and self.aux_logits:
    aux1 = self.aux1(x)
x = self.middle(x)
if self.training and self.aux_logits:
    aux2 = self.aux2(x)
x = self.last(x)
x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
x = self.fc(self.dropout(x))
if self.training and self.aux_logits:
    return x, aux1, aux2
return x
"""

INCEPTION = """
x = self.middle(self.stem(x))
if self.training and self.aux_logits:
    aux = self.aux2(x)
x = self.last(x)
x = self.dropout(F.adaptive_avg_pool2d(x, 1))
x = self.fc(x.view(x.size(0), -1))
if self.training and self.aux_logits:
    return aux, x
return x
"""

NONE_BESIDE = """
x = self.stem(x)
aux1 = aux2 = None
if self.aux_logits and self.training:
    aux1 = self.aux1(x)
x = self.middle(x)
if self.aux_logits and self.training:
    aux2 = self.aux2(x)
x = self.last(x).mean(dim=(2, 3))
x = self.fc(self.dropout(x))
return x, aux2, aux1
"""

ONE_LINE = """
low = self.stem(x)
high = self.last(self.middle(low)).mean((2, 3))
x = self.fc(high)
return x if not self.training else (x, self.aux1(low))
"""

ALWAYS_MADE = """
low = self.stem(x)
aux1 = self.aux1(low)
mid = self.middle(low)
aux2 = self.aux2(mid)
x = self.fc(self.last(mid).mean((2, 3)))
if self.training:
    return [x, aux1, aux2]
return x
"""

OTHER_WAY = """
low = self.stem(x)
x = self.fc(self.last(self.middle(low)).mean((2, 3)))
if not self.training:
    return F.softmax(x, dim=1), x.argmax(1), x
return x
"""

NOTHING_SHARED = """
low = self.stem(x)
if self.training:
    return self.aux1(low), low
mid = self.middle(low)
return mid
"""

NAMED = """
x = self.stem(x)
aux = None
if self.training:
    aux = self.aux1(x)
x = self.last(self.middle(x)).mean((2, 3))
return self.give(self.fc(x), aux)

def give(self, x, aux):
    if self.training and self.aux_logits:
        return Outputs(x, aux)
    return x
"""

DICTIONARY = """
features = self.stem(x)
result = {"out": self.fc(self.last(self.middle(features)).mean((2, 3)))}
if self.training:
    result["aux"] = self.aux1(features)
return result
"""

GROWING = """
outputs = []
x = self.stem(x)
if self.training:
    outputs.append(self.aux1(x))
x = self.middle(x)
if self.training and self.aux_logits:
    outputs += [self.aux2(x)]
outputs.append(self.fc(self.last(x).mean((2, 3))))
return outputs
"""

GROWING_AND_LEAVING = """
low = self.stem(x)
outputs = [self.fc(self.last(self.middle(low)).mean((2, 3)))]
if self.training:
    outputs.append(self.aux1(low))
    return tuple(outputs)
return outputs[0]
"""

USED_AGAIN = """
low = self.stem(x)
aux = None
if self.training:
    aux = self.aux1(low)
x = self.fc(self.last(self.middle(low)).mean((2, 3)))
if self.training:
    return x, F.log_softmax(aux, dim=1)
return x
"""

COUNTED = """
outputs = [self.fc(self.last(self.middle(self.stem(x))).mean((2, 3)))]
if self.training:
    outputs.append(self.aux1(self.stem(x)))
if len(outputs) > 1:
    return outputs
return outputs[0]
"""

GONE_THROUGH = """
low = self.stem(x)
outputs = []
if self.training:
    outputs.append(self.aux1(low))
total = self.fc(self.middle(low).mean((2, 3)))
for output in outputs:
    total = total + output
return total
"""

FORMS = {
    "counted": COUNTED,
    "dictionary": DICTIONARY,
    "growing": GROWING,
    "growing_and_leaving": GROWING_AND_LEAVING,
    "used_again": USED_AGAIN,
    "googlenet": GOOGLENET,
    "inception": INCEPTION,
    "none": NONE_BESIDE,
    "one_line": ONE_LINE,
    "always": ALWAYS_MADE,
    "other_way": OTHER_WAY,
    "nothing_shared": NOTHING_SHARED,
}


def given(graph: Graph) -> list[tuple[str, object]]:
    """What each output reads, and when it is given."""
    found: list[tuple[str, object]] = []
    for node in graph.outputs:
        value = node.arguments["value"]
        found.append((getattr(value, "node", ""), node.arguments.get("when")))
    return found


@pytest.mark.parametrize("form", FORMS)
def test_both_modes_are_read_and_hold_bit_for_bit(form: str) -> None:
    check(net(FORMS[form]), "Net()", IMAGES)


@pytest.mark.parametrize("form", FORMS)
def test_running_means_are_the_same_turn_by_turn(form: str) -> None:
    check_in_turn(net(FORMS[form]), "Net()", IMAGES)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_of_all_outputs_are_the_same(form: str) -> None:
    source = net(FORMS[form])
    read = read_here(source, "Net()", IMAGES)
    theirs, ours = executed(source, "Net()"), built(read.graph)
    ours.load_state_dict(theirs.state_dict())
    drawn = values_for(read.graph, 5, 3)
    for training in (True, False):
        found = [_gradients(model, drawn, training) for model in (theirs, ours)]
        assert found[0] == found[1]
        assert any(found[0].values())


def _gradients(model: nn.Module, drawn: list[Tensor], training: bool) -> dict[str, list[float]]:
    model.train(training)
    model.zero_grad()
    torch.manual_seed(3)
    parts = [t for t in leaves(model(*[d.clone() for d in drawn])) if t.is_floating_point()]
    total = torch.stack([t.square().sum() * (i + 1) for i, t in enumerate(parts)]).sum()
    total.backward()  # type: ignore[no-untyped-call]
    return {
        name: [] if p.grad is None else p.grad.flatten().tolist()
        for name, p in model.named_parameters()
    }


def test_outputs_stand_in_the_order_of_the_text() -> None:
    read = read_here(net(GOOGLENET), "Net()", IMAGES)
    assert given(read.graph) == [("fc", None), ("aux1", "training"), ("aux2", "training")]
    read = read_here(net(INCEPTION), "Net()", IMAGES)
    assert given(read.graph) == [("aux2", "training"), ("fc", None)]
    read = read_here(net(NONE_BESIDE), "Net()", IMAGES)
    assert given(read.graph) == [("fc", None), ("aux2", "training"), ("aux1", "training")]


def test_heads_are_written_where_they_run() -> None:
    read = read_here(net(GOOGLENET), "Net()", IMAGES)
    code = write_code(read.graph)
    assert "-> Tensor | tuple[Tensor, Tensor, Tensor]:" in code
    assert code.count("if self.training:") == 3
    assert code.index("aux1 = self.aux1(") < code.index("self.middle(") < code.index("self.aux2(")
    assert "Maps (N, 3, 16, 16) to (N, 5); while training to (N, 5), (N, 5) and (N, 5)." in code


def test_a_network_made_without_its_heads_has_one_output() -> None:
    read = read_here(net(GOOGLENET), "Net(aux_logits=False)", IMAGES)
    assert given(read.graph) == [("fc", None)]


def test_a_named_tuple_in_one_mode_is_told() -> None:
    head = f"from collections import namedtuple\n{HEAD}Outputs = namedtuple('Outputs', ['logits', 'aux'])\n{AUXILIARY}"
    inner = NAMED.strip().split("\n\n")
    method = "\n".join(f"    {line}" for line in inner[1].split("\n"))
    source = net(inner[0], head) + "\n" + method + "\n"
    read = check(source, "Net()", IMAGES)
    assert given(read.graph) == [("fc", None), ("aux1", "training")]
    assert any("a named tuple with logits, aux" in note for _, note in read.notes)


def test_a_dict_that_grows_while_training_is_told() -> None:
    read = check(net(DICTIONARY), "Net()", IMAGES)
    assert given(read.graph) == [("fc", None), ("aux1", "training")]
    assert [node.name for node in read.graph.outputs] == ["out", "aux"]


DEEP = """
class Deep(nn.Module):
    def __init__(self, deep_supervision=True):
        super().__init__()
        self.deep_supervision = deep_supervision
        self.down1 = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.down3 = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.side1 = nn.Conv2d(4, 1, 1)
        self.side2 = nn.Conv2d(8, 1, 1)
        self.side3 = nn.Conv2d(8, 1, 1)
        self.fuse = nn.Conv2d(3, 1, 1)

    def forward(self, x):
        size = x.shape[2:]
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.down3(F.max_pool2d(b, 2))
        d1 = self.side1(a)
        d2 = F.interpolate(self.side2(b), size=size, mode="bilinear", align_corners=False)
        d3 = F.interpolate(self.side3(c), size=size, mode="bilinear", align_corners=False)
        d0 = self.fuse(torch.cat((d1, d2, d3), 1))
        if self.training and self.deep_supervision:
            return torch.sigmoid(d0), torch.sigmoid(d1), torch.sigmoid(d2), torch.sigmoid(d3)
        return torch.sigmoid(d0)
"""


def test_deep_supervision_shares_its_main_map() -> None:
    read = check(HEAD + DEEP, "Deep()", IMAGES)
    assert [when for _, when in given(read.graph)] in (
        [None, "training", "training", "training"],
        ["training"] * 4 + ["evaluation"],
    )


HEADS = """
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.box = nn.Conv2d(8, 4, 1)
        self.extra = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        y = self.box(x)
        if self.training:
            return y, self.extra(x)
        return y


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.head = Head()

    def forward(self, x):
        return self.head(self.body(x))
"""


def test_a_part_that_gives_more_while_training_stays_under_its_names() -> None:
    read = check(HEAD + HEADS, "Detector()", IMAGES)
    assert {owner.name for owner in read.graph.owners.values()} >= {"head.box", "head.extra"}


def test_outputs_that_differ_by_the_data_are_refused_at_their_line() -> None:
    source = net("y = self.stem(x)\nif x.mean() > 0:\n    return y, x\nreturn y")
    with pytest.raises(CodeRefused, match="cannot be brought together") as refused:
        read_here(source, "Net()", IMAGES)
    assert refused.value.line == source.split("\n").index("        return y") + 1


def test_a_running_mean_that_would_stand_still_is_refused() -> None:
    source = net("y = self.middle(self.stem(x))\nif self.training:\n    return x\nreturn y")
    with pytest.raises(CodeRefused, match="same side of the condition"):
        read_here(source, "Net()", IMAGES)


def test_a_list_of_one_mode_is_not_gone_through_as_if_it_were_the_other() -> None:
    with pytest.raises(CodeRefused, match="holds other things while training"):
        read_here(net(GONE_THROUGH), "Net()", IMAGES)
