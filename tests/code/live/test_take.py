"""An edited text and the graph it is made of: what changes, and what stays."""

from __future__ import annotations

import random
import re

import pytest

from builder.code import build_module, styles, write_code
from builder.code.live import (
    Shown,
    Taken,
    brought_text,
    lines_of,
    node_at_line,
    restored,
    show,
    take,
)
from builder.code.live.alike import alike
from builder.code.live.flat import read_flat
from builder.code.live.texts import merge
from builder.code.reading import read
from builder.code.registry import MANUAL
from builder.errors import CodeRefused, LayerwiseError
from builder.gallery import designs, project
from builder.graph.edits import (
    Rewrite,
    SetArgument,
    SetBypassed,
    SetFrame,
    SetFrozen,
    SetNorms,
    SetNote,
    SetPositions,
    SetSetting,
    apply,
)
from builder.graph.history import same
from builder.graph.model import Frame, Graph, Norm, Ref, Setting
from builder.graph.own_texts import OwnText
from builder.graph.validate import why_invalid

READ = [style for style in styles() if style != MANUAL]
_NUMBER = re.compile(r"(?<=[(, =])\d+(?=[,)])")


def net(key: str = "digits_cnn") -> Graph:
    """A network of the gallery that a person has drawn: every node has its place."""
    graph = project(key).graph
    places = {node: (40.0 * i, 90.0 * i) for i, node in enumerate(graph.nodes)}
    return apply(graph, SetPositions(places))


def edited(shown: Shown, *changes: tuple[str, str]) -> Taken:
    text = shown.text
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new, 1)
    return take(shown, text)


def places(graph: Graph) -> dict[str, object]:
    return {node.id: node.position for node in graph.nodes.values()}


def bare(text: str) -> list[str]:
    """A text without what it says of shapes."""
    return [re.sub(r"  # \(.*|\"\"\"Maps .*", "", line) for line in text.split("\n")]


def labels(graph: Graph) -> list[str]:
    return [graph.label(node) for node in graph.nodes]


def test_a_changed_number_is_the_layers_and_nothing_else_moves() -> None:
    graph = net()
    taken = edited(
        show(graph, "module"),
        ("nn.Conv2d(1, 16", "nn.Conv2d(1, 24"),
        ("nn.Conv2d(16,", "nn.Conv2d(24,"),
    )
    assert taken.label == "code: conv1 out_channels 16 → 24"
    assert same(taken.graph, apply(graph, SetArgument("conv1", "out_channels", 24)))


@pytest.mark.parametrize("style", READ)
def test_a_norm_is_put_on_and_taken_off_in_every_style(style: str) -> None:
    graph, plain = net(), "nn.Linear(512, 10)"
    normed = f"nn.utils.spectral_norm({plain})"
    put = edited(show(graph, style), (plain, normed))
    assert put.label == "code: fc spectral norm"
    assert same(put.graph, apply(graph, SetNorms("fc", (Norm("torch.nn.utils.spectral_norm"),))))
    off = edited(show(put.graph, style), (normed, plain))
    assert off.label == "code: fc is not normalized"
    assert same(off.graph, graph)


def test_what_only_a_person_sees_stays() -> None:
    graph = net()
    for edit in (
        SetFrozen("conv2", True),
        SetNote("fc", "decides"),
        SetBypassed("relu2", True),
        SetFrame("f", Frame("Eyes")),
    ):
        graph = apply(graph, edit)
    now = edited(
        show(graph, "module"), ("self.pool = nn.MaxPool2d(2)", "self.pool = nn.AvgPool2d(2)")
    ).graph
    assert now.owners["conv2"].frozen
    assert now.nodes["fc"].note == "decides"
    assert now.nodes["relu2"].bypassed and now.nodes["flatten"].arguments["input"] == Ref("relu2")
    assert now.frames == graph.frames
    assert places(now) == places(graph)
    assert now.owners["pool"].target == "torch.nn.AvgPool2d"


def test_a_bypassed_layer_follows_the_layer_put_in_front_of_it() -> None:
    graph = apply(net(), SetBypassed("relu2", True))
    call = "        x = self.conv2(x)  # (N, 32, 4, 4)\n"
    now = edited(show(graph, "module"), (call, f"{call}        x = x * 2\n")).graph
    assert labels(now)[4:8] == ["conv2", "mul1", "relu2", "flatten"]
    assert now.nodes["relu2"].arguments["input"] == Ref("mul1")


@pytest.mark.parametrize("style", READ)
def test_a_new_layer_comes_between_in_every_style(style: str) -> None:
    graph = net()
    shown = show(graph, style)
    new = {
        "sequential": ("    nn.MaxPool2d(2)", "    nn.Dropout(0.1),\n    nn.MaxPool2d(2)"),
        "mixed": ("nn.MaxPool2d(2)", "nn.Dropout(0.1),\n            nn.MaxPool2d(2)"),
        "ordered": ('("pool"', '("quiet", nn.Dropout(0.1)),\n            ("pool"'),
        "functional": (
            "F.relu(self.conv1(x))",
            "F.dropout(F.relu(self.conv1(x)), 0.1, self.training)",
        ),
        "module": (
            "x = self.pool(x)",
            "x = nn.functional.dropout(x, 0.1, self.training)\n        x = self.pool(x)",
        ),
    }[style]
    now = edited(shown, new).graph
    assert len(now.nodes) == len(graph.nodes) + 1
    (fresh,) = set(now.nodes) - set(graph.nodes)
    order = list(now.nodes)
    assert order[order.index(fresh) - 1 : order.index(fresh) + 2] == ["relu1", fresh, "pool"]
    assert now.nodes[fresh].position is None
    assert {i: p for i, p in places(now).items() if i != fresh} == places(graph)
    assert [n for n in labels(now) if n in labels(graph)] == labels(graph)


def test_a_renamed_layer_is_the_same_one() -> None:
    graph = net()
    shown = show(graph, "module")
    taken = take(shown, shown.text.replace("conv1", "first"))
    assert taken.label == "code: conv1 is now first"
    assert list(taken.graph.nodes) == list(graph.nodes)
    assert taken.graph.label("conv1") == "first"
    assert places(taken.graph) == places(graph)


def test_a_layer_taken_out_of_the_text_is_gone() -> None:
    graph = net()
    taken = edited(
        show(graph, "module"),
        ("        self.relu2 = nn.ReLU()\n", ""),
        ("        x = self.relu2(x)\n", ""),
    )
    assert taken.label == "code: relu2 removed"
    assert set(graph.nodes) - set(taken.graph.nodes) == {"relu2"}
    assert "relu2" not in taken.graph.owners


def test_comments_and_layout_change_no_network() -> None:
    graph = net()
    shown = show(graph, "module")
    text = "# mine\n" + shown.text.replace(
        "self.pool = nn.MaxPool2d(2)", "self.pool = nn.MaxPool2d(\n            2  # half\n        )"
    )
    taken = take(shown, text)
    assert taken.graph is graph
    assert taken.shown.text == text


def test_a_text_that_is_no_network_names_its_line_and_leaves_the_graph() -> None:
    shown = show(net(), "module")
    with pytest.raises(CodeRefused) as refusal:
        edited(shown, ("nn.Linear(512, 10)", "nn.Linear(511, 10)"))
    assert "in_features=511" in refusal.value.reason
    assert refusal.value.line is not None
    with pytest.raises(CodeRefused) as refusal:
        edited(shown, ("return x", "return x +"))
    assert refusal.value.line == 1 + shown.text[: shown.text.index("return x")].count("\n")
    with pytest.raises(CodeRefused):
        take(show(net(), MANUAL), "x = 1")


def test_a_layer_that_cannot_be_read_is_refused_and_not_kept_as_own_code() -> None:
    shown = show(net(), "module")
    for typed in ("nn.Strange(3)", "Strange(3)", "open('x')"):
        with pytest.raises(CodeRefused) as refusal:
            edited(shown, ("nn.MaxPool2d(2)", typed))
        assert refusal.value.reason
    strange = "class Strange(nn.Module):\n    def forward(self, x):\n        return x.numpy()\n\n\nclass Digits"
    with pytest.raises(CodeRefused) as refusal:
        edited(shown, ("nn.MaxPool2d(2)", "Strange()"), ("class Digits", strange))
    assert refusal.value.line is not None


def test_a_setting_of_the_class_is_changed_where_it_stands() -> None:
    from tests.code.golden_networks import GOLDEN

    graph = GOLDEN["branches_module"][0]()
    now = edited(show(graph, "module"), ("hidden: int = 32", "hidden: int = 48")).graph
    assert dict(now.settings) == {**graph.settings, "hidden": 48}
    assert now.owners == graph.owners


def test_a_block_is_changed_for_all_that_call_it() -> None:
    graph = net("unet")
    taken = edited(show(graph, "module"), ("nn.ReLU()", "nn.GELU()"))
    (block,) = taken.graph.blocks.values()
    assert "torch.nn.GELU" in {o.target for o in block.owners.values()}
    assert taken.label.endswith("in DoubleConv")
    assert places(taken.graph) == places(graph)


@pytest.mark.parametrize("key", designs())
@pytest.mark.parametrize("style", READ)
def test_random_changes_are_the_network_of_the_text(key: str, style: str) -> None:
    chance = random.Random(f"{key} {style}")
    graph = net(key)
    try:
        shown = show(graph, style)
    except LayerwiseError:
        return  # a chain's style, and no chain
    assert take(shown, shown.text + "\n# seen\n").graph is graph
    numbers = list(_NUMBER.finditer(shown.text))
    for found in chance.sample(numbers, min(2, len(numbers))):
        text = f"{shown.text[: found.start()]}{int(found[0]) + 2}{shown.text[found.end() :]}"
        try:
            taken = take(shown, text)
        except CodeRefused as refusal:
            assert "cannot be kept" not in refusal.reason, text
            continue
        assert why_invalid(taken.graph) is None
        assert bare(taken.shown.text) == bare(text)
        assert list(taken.graph.nodes) == list(graph.nodes)
        assert places(taken.graph) == places(graph)
        read = read_flat(text, style, graph).graph
        again = read_flat(write_code(taken.graph, style), style, taken.graph).graph
        assert alike(read, again, names=False)


# The text follows -----------------------------------------------------------------------------------


def test_a_persons_comments_stay_when_the_canvas_changes_a_number() -> None:
    graph = net()
    shown = show(graph, "module")
    text = shown.text.replace("padding=1)\n", "padding=1)  # sees edges\n", 1)
    mine = take(shown, text.replace("def forward", "# the way\n    def forward")).shown
    after = apply(graph, SetArgument("conv1", "out_channels", 24))
    followed = show(after, "module", mine)
    assert "nn.Conv2d(1, 24, kernel_size=3, padding=1)  # sees edges" in followed.text
    assert "nn.Conv2d(24, 32" in followed.text
    assert "    # the way\n" in followed.text
    assert followed.note == ""
    assert same(take(followed, followed.text + "\n").graph, after)


def test_where_the_person_wrote_the_very_same_it_is_written_anew_and_said() -> None:
    graph = net()
    shown = show(graph, "module")
    mine = take(shown, shown.text.replace("nn.Linear(512, 10)", "nn.Linear(256 + 256, 10)")).shown
    followed = show(apply(graph, SetArgument("conv2", "out_channels", 48)), "module", mine)
    assert "nn.Linear(768, 10)" in followed.text
    assert followed.note


def test_moving_a_layer_leaves_the_text_alone() -> None:
    graph = net()
    shown = show(graph, "module")
    mine = take(shown, f"# mine\n{shown.text}").shown
    moved = apply(graph, SetPositions({"conv1": (1.0, 2.0)}))
    assert show(moved, "module", mine).text == mine.text


@pytest.mark.parametrize(
    ("base", "one", "other", "both"),
    [
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        ("f(1, 2)\n", "f(1, 2)  # x\n", "f(3, 2)\n", "f(3, 2)  # x\n"),
        ("a\n", "b\n", "b\n", "b\n"),
        ("a\n", "b\n", "c\n", None),
        ("a\nb\n", "b\n", "a\nb\nc\n", "b\nc\n"),
        ("", "a\n", "", "a\n"),
    ],
)
def test_two_changes_of_a_text(base: str, one: str, other: str, both: str | None) -> None:
    assert merge(base, one, other) == both
    assert merge(base, other, one) == both


# Lines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", READ)
def test_a_line_knows_its_layer_and_a_layer_its_lines(style: str) -> None:
    graph = net()
    shown = show(graph, style)
    lines = lines_of(shown)
    number = next(n for n, line in enumerate(shown.text.splitlines(), 1) if "Conv2d(16" in line)
    assert number in lines["", "conv2"]
    assert node_at_line(lines, number) == ("", "conv2")
    assert node_at_line(lines, 1) is None


def test_a_rewrite_is_one_edit() -> None:
    graph = net()
    taken = edited(show(graph, "module"), ("kernel_size=3, padding=1", "kernel_size=5, padding=2"))
    assert apply(graph, Rewrite(taken.graph, taken.label)) is taken.graph


def test_shapes_in_comments_are_those_of_now_and_ones_own_comments_stay() -> None:
    shown = show(net(), "module")
    own = take(shown, shown.text.replace("# (N, 16, 4, 4)", "# halved")).shown
    taken = edited(
        own, ("nn.Conv2d(1, 16", "nn.Conv2d(1, 24"), ("nn.Conv2d(16, 32", "nn.Conv2d(24, 32")
    )
    assert "x = self.conv1(x)  # (N, 24, 8, 8)" in taken.shown.text
    assert "x = self.pool(x)  # halved" in taken.shown.text
    taken = edited(taken.shown, ("nn.Linear(512, 10)", "nn.Linear(512,12)"))
    assert '"""Maps (N, 1, 8, 8) to (N, 12)."""' in taken.shown.text
    assert "x = self.fc(x)  # (N, 12)" in taken.shown.text
    assert "nn.Linear(512,12)" in taken.shown.text


def test_a_layer_half_typed_is_kept_and_told() -> None:
    taken = edited(
        show(net(), "module"),
        ("        self.fc =", "        self.bn = nn.BatchNorm2d(32)\n        self.fc ="),
    )
    assert taken.label == "code: new bn, called nowhere yet"
    taken = edited(taken.shown, ("x = self.relu2(x)", "x = self.relu2(self.bn(x))"))
    assert taken.label.startswith("code: new bn")
    assert "bn" in [owner.name for owner in taken.graph.owners.values()]
    taken = edited(taken.shown, ("        x = self.fc(x)  # (N, 10)\n", ""))
    assert taken.label == "code: fc no longer called"
    assert taken.graph.owners["fc"].arguments == {"in_features": 512, "out_features": 10}


COURSE = """import torch
import torch.nn as nn
import torch.nn.functional as F

class Small(nn.Module):
    \"\"\"Mine.\"\"\"
    def __init__(self, n_classes=10, width=16, depth=2, bias=True):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1, bias=bias)   # 8 -> 8
        self.fcs = nn.Sequential(*[nn.Linear(16*width, 16*width) for _ in range(depth)])
        self.fc = nn.Linear(16*width, n_classes)  # the end

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)  # 8 -> 4
        return self.fc(self.fcs(x.flatten(1)))

model = Small(n_classes=10).to("cpu")
x = torch.randn(2, 1, 8, 8)
print(model(x))
"""


def test_what_a_class_is_made_with_stays_a_setting_and_its_text_stays() -> None:
    found = read(COURSE)
    assert dict(found.graph.settings) == {"n_classes": 10, "width": 16}
    assert found.fixed == ("depth=2", "bias=True")
    assert found.target == "Small(n_classes=10)"
    assert found.graph.owners["conv"].arguments["out_channels"] == Setting("width")
    assert brought_text(COURSE, found.graph) == {"module": OwnText(COURSE)}
    other = apply(found.graph, SetSetting("width", 8))
    assert brought_text(COURSE, other) == {}  # it says 16
    assert brought_text(f"Here is the code:\n\n```python\n{COURSE}```\n", found.graph) == {}
    plain = "from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 3))  # mine\n"
    assert list(brought_text(plain, read(plain).graph)) == ["sequential"]


@pytest.mark.parametrize(
    ("old", "new", "settings"),
    [
        ("width=16", "width=24", {"n_classes": 10, "width": 24}),
        ("n_classes", "classes", {"width": 16, "classes": 10}),
        ("(16*width, n_classes)", "(16*width, 12)", {"n_classes": 10, "width": 16}),
        ("Small(n_classes=10)", "Small(n_classes=10, width=4)", {"n_classes": 10, "width": 4}),
        ("n_classes=10, width", "n_classes=99, width", {"n_classes": 10, "width": 16}),
        ("# the end", "# an end", {"n_classes": 10, "width": 16}),
    ],
)
def test_settings_follow_what_is_typed(old: str, new: str, settings: dict[str, int]) -> None:
    graph = read(COURSE).graph
    shown = restored("module", graph, COURSE)
    assert shown is not None
    taken = take(shown, COURSE.replace(old, new))
    assert dict(taken.graph.settings) == settings
    built = build_module(taken.graph)
    wanted = read(COURSE.replace(old, new)).graph
    theirs = build_module(wanted).state_dict()
    assert {n: v.shape for n, v in built.state_dict().items()} == {
        n: v.shape for n, v in theirs.items()
    }


def test_an_argument_that_is_typed_into_a_written_class_is_a_setting() -> None:
    shown = show(net("digits_mlp"), "module")
    taken = edited(
        shown,
        ("def __init__(self)", "def __init__(self, hidden: int = 32)"),
        ("nn.Linear(64, 32)", "nn.Linear(64, hidden)"),
        ("nn.Linear(32, 10)", "nn.Linear(hidden, 10)"),
    )
    assert dict(taken.graph.settings) == {"hidden": 32}
    assert taken.graph.owners["fc1"].arguments["out_features"] == Setting("hidden")


def test_a_comment_in_the_place_of_a_shape_stays_where_the_canvas_changes_shapes() -> None:
    shown = show(net(), "module")
    own = take(shown, shown.text.replace("# (N, 16, 4, 4)", "# halved")).shown
    after = show(apply(net(), SetArgument("conv1", "out_channels", 24)), "module", own)
    assert after.edited and not after.note
    assert "x = self.conv1(x)  # (N, 24, 8, 8)" in after.text
    assert "x = self.pool(x)  # halved" in after.text
