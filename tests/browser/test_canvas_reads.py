"""What can be read on the canvas: of large networks, from afar, in small windows, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from builder.graph.edits import SetArgument, apply
from builder.graph.model import Argument, GradEnabled, Graph, Node, Ref, Training
from tests.browser.drawing import NEXT_FRAMES, Drawing, placed, until
from tests.graph.reference import chain, resnet18, transformer, unet
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]

# What of the drawing is in view: its texts with their size on the screen, and what they cover.
READ = """root => {
  const zoom = +/scale\\(([\\d.]+)/.exec(root.querySelector(".react-flow__viewport").style.transform)[1];
  const stage = root.querySelector(".stage").getBoundingClientRect();
  const box = one => { const r = one.getBoundingClientRect(); return [r.x, r.y, r.right, r.bottom]; };
  const inView = ([x, y, r, b]) => x >= stage.x && y >= stage.y && r <= stage.right && b <= stage.bottom;
  const meets = (a, b) => a[0] < b[2] - 1 && b[0] < a[2] - 1 && a[1] < b[3] - 1 && b[1] < a[3] - 1;
  const size = (one, grown) => parseFloat(getComputedStyle(one).fontSize) * zoom * grown;
  const grown = parseFloat(getComputedStyle(root.querySelector(".stage")).getPropertyValue("--grown"));
  const cards = [...root.querySelectorAll(".layer")].map(box);
  // The letters of a line: without the room above and below them.
  const letters = one => { const [x, y, r, b] = box(one); return [x, y + (b - y) * 0.22, r, b - (b - y) * 0.22]; };
  const labels = [];
  let wires = 0;
  for (const edge of root.querySelectorAll(".react-flow__edge")) {
    const path = box(edge.querySelector(".react-flow__edge-path"));
    if (edge.querySelector(".wire.quiet") || !inView(path)) continue;
    wires += 1;
    for (const text of edge.querySelectorAll("text")) {
      if (!text.getClientRects().length || !text.checkVisibility()) continue;
      labels.push({ wire: edge.dataset.id, box: letters(text), size: size(text, grown), said: text.textContent });
    }
  }
  const clash = [];
  for (const [at, one] of labels.entries()) {
    if (cards.some(card => meets(card, one.box))) clash.push(one.wire + " on a layer");
    for (const other of labels.slice(at + 1)) {
      if (other.wire !== one.wire && meets(one.box, other.box)) clash.push(one.wire + " on " + other.wire);
    }
  }
  const seen = [...root.querySelectorAll(".layer")].filter(one => inView(box(one)));
  const texts = kind => seen.map(one => one.querySelector(kind)).filter(one => one?.checkVisibility()).map(one => size(one, 1));
  return {
    zoom, wires, clash, layers: seen.length, labelled: new Set(labels.map(one => one.wire)).size,
    least: Math.min(...labels.map(one => one.size)), names: texts(".name"), shapes: texts(".shape"),
    said: labels.map(one => one.said),
  };
}"""


def read(on: Drawing) -> dict[str, Any]:
    on.page.evaluate(NEXT_FRAMES)
    found: dict[str, Any] = on.root.evaluate(READ)
    return found


def zoom_to(on: Drawing, wanted: float) -> None:
    on.root.focus()
    for _ in range(12):
        on.press("+")
    until(lambda: read(on)["zoom"] > 1, "a near view")
    while read(on)["zoom"] > wanted:
        on.press("-")


NETWORKS: dict[str, Callable[[], Graph]] = {
    "resnet18": resnet18,
    "unet": unet,
    "transformer": lambda: transformer(12),
    "chain": lambda: chain(100),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["1280", "1920"])
def test_the_first_view_of_a_large_network_can_be_read(
    drawing: Draw, name: str, size: tuple[int, int]
) -> None:
    on = drawing(NETWORKS[name](), size=size)
    until(lambda: read(on)["layers"] > 5, "layers in view")
    seen = read(on)
    assert seen["zoom"] >= 0.34
    # Names, shapes and the texts of wires keep their size on the screen; no text covers a layer or another.
    assert len(seen["names"]) == len(seen["shapes"]) == seen["layers"]
    assert min(seen["names"] + seen["shapes"] + [seen["least"]]) >= 9.9
    assert seen["clash"] == []
    assert seen["labelled"] >= 0.85 * seen["wires"]


def test_a_row_of_six_layers_is_read_from_near_to_far(drawing: Draw) -> None:
    net = Net("N", 3, 32, 32)
    net.layer("conv1", "Conv2d", out_channels=16, kernel_size=3, padding=1)
    net.layer("relu1", "ReLU")
    net.layer("conv2", "Conv2d", out_channels=32, kernel_size=3, padding=1)
    net.layer("relu2", "ReLU")
    names = ["x", "conv1", "relu1", "conv2", "relu2", "out"]
    row = placed(net.done(), **{name: (280.0 * at, 0.0) for at, name in enumerate(names)})
    on = drawing(row, size=(1600, 900))
    assert read(on)["zoom"] > 0.55
    whole, short = "N×16×32×32", "16×32×32"
    for zoom in (1.0, 0.8, 0.65, 0.55, 0.45):
        zoom_to(on, zoom)
        seen = read(on)
        assert seen["labelled"] == seen["wires"] > 0, zoom
        assert min(seen["least"], *seen["names"], *seen["shapes"]) >= 9.9
        assert seen["clash"] == []
        assert {whole, short, "16"} & set(seen["said"])
    # The short forms are for the eye: what is read aloud and copied stays whole.
    expect(on.label("relu1:input:0")).to_have_text(whole)
    expect(on.wire("relu1:input:0")).to_have_attribute(
        "aria-label", f"Wire from conv1 to relu1, {whole}"
    )
    # Beyond that, the wire that is pointed at still says it.
    zoom_to(on, 0.2)
    assert read(on)["labelled"] == 0
    start, end = on.node("conv2").bounding_box(), on.node("relu2").bounding_box()
    assert start and end
    middle = (start["x"] + start["width"] + end["x"]) / 2
    on.page.mouse.move(middle, start["y"] + start["height"] / 2)
    expect(on.label("relu2:input:0")).to_be_visible()


def test_rows_of_a_residual_network_stand_under_each_other(drawing: Draw) -> None:
    on = drawing(resnet18(), size=(1280, 800))
    until(lambda: read(on)["layers"] > 20, "layers in view")
    at = {name: node["at"] for name, node in on.seen()["nodes"].items()}
    rows: list[list[str]] = []
    for name, (_, y) in sorted(at.items(), key=lambda one: one[1][1]):
        if rows and y - at[rows[-1][0]][1] < 60:
            rows[-1].append(name)
        else:
            rows.append([name])
    assert all(len(row) > 1 for row in rows)
    for name in ("conv1", "bn1", "relu1", "conv2", "bn2", "add"):
        assert len({at[n][0] for n in at if n.startswith("layer") and n.endswith(f"_{name}")}) == 1


def test_at_200_percent_nothing_is_cut_off(drawing: Draw) -> None:
    on = drawing(transformer(1), size=(640, 400))
    page = on.page
    # The page has no sideways scroll, and every button of the canvas is inside it.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    frame = on.root.bounding_box()
    assert frame and frame["width"] <= 640
    for button in on.root.get_by_role("toolbar", name="Canvas").get_by_role("button").all():
        box = button.bounding_box()
        assert box and box["x"] >= frame["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    # The list of layers opens over the drawing, a layer is added, a menu and the keys fit the canvas.
    before = on.ids()
    on.tool("Layers to add").click()
    page.get_by_role("searchbox", name="Search layers").fill("relu")
    page.get_by_test_id("palette-torch.nn.ReLU").click()
    on.new(before)
    on.press("Escape")
    on.tool("Arrange").click()
    menu = on.root.get_by_role("menu", name="Arrange").bounding_box()
    assert menu and menu["x"] >= frame["x"] and menu["height"] <= frame["height"]
    on.press("Escape")
    on.press("?")
    sheet = on.page.get_by_role("dialog", name="Keys")
    box = sheet.bounding_box()
    assert box and box["width"] <= frame["width"] and box["height"] <= frame["height"]
    sheet.get_by_text("This sheet").scroll_into_view_if_needed()
    expect(sheet.get_by_text("This sheet")).to_be_in_viewport()
    on.agrees()


def test_motion_is_left_out_for_who_does_not_want_it(drawing: Draw) -> None:
    on = drawing(unet())
    moving = """root => [root, ...root.querySelectorAll("*")].flatMap(one => {
      const style = getComputedStyle(one);
      const still = /^(0s(, )?)+$/.test(style.transitionDuration) && /^(0s(, )?)+$/.test(style.animationDuration);
      return still || style.animationName === "none" && style.transitionProperty === "none" ? [] : [one.className];
    })"""
    assert on.root.evaluate(moving) == []
    # A fit jumps: it is there with the next frame.
    zoom_to(on, 0.8)
    on.page.get_by_test_id("canvas-fit").click()
    until(lambda: read(on)["layers"] == 14, "all layers in view", seconds=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground_light_and_dark(
    drawing: Draw, browser: Browser, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    on = drawing(resnet18(), within=context)
    expect(on.root).to_have_attribute("data-dark", str(scheme == "dark").lower())
    contrast = """root => {
      const parse = colour => {
        const found = colour.match(/[\\d.]+/g).map(Number);
        return colour.startsWith("color(") ? found.slice(0, 3) : found.slice(0, 3).map(v => v / 255);
      };
      const light = colour => parse(colour).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
      const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const card = root.querySelector(".layer");
      const node = light(getComputedStyle(root.querySelector(".layer.kind-layer")).backgroundColor);
      const ground = light(getComputedStyle(root.querySelector(".react-flow")).backgroundColor);
      const of = (kind, under) => ratio(light(getComputedStyle(root.querySelector(kind)).color), under);
      const label = root.querySelector(".wire-label text");
      return { name: of(".kind-layer .name", node), shape: of(".kind-layer .shape", node), type: of(".kind-layer .type", node),
        label: ratio(light(getComputedStyle(label).fill), ground) };
    }"""
    found = on.root.evaluate(contrast)
    assert min(found.values()) >= 4.5, found
    context.close()


def branched(condition: Argument = Training()) -> Graph:  # noqa: B008
    net = Net("N", 16)
    yes = net.layer("yes", "Linear", out_features=8)
    no = net.layer("no", "Linear", Ref("x"), out_features=8)
    sides: dict[str, Argument] = {"condition": condition, "if_true": yes, "if_false": no}
    net.node(Node("either", "branch", "either", arguments=sides))
    at = {"x": (0, 0), "yes": (240, -70), "no": (240, 70), "either": (500, 0), "out": (760, 0)}
    return placed(net.done(), **at)


def test_a_branch_names_its_condition_and_its_two_sides(drawing: Draw) -> None:
    on = drawing(branched())
    branch = on.node("either")
    expect(branch.locator(".words")).to_have_text("if training")
    expect(branch.locator(".port-names .left span")).to_have_text(["if true", "if false"])
    expect(on.wire("either:if_false:0")).to_have_attribute(
        "aria-label", "Wire from no to if false of either, N×8"
    )
    # From afar the condition is still there.
    zoom_to(on, 0.45)
    expect(branch.locator(".words")).to_be_visible()
    # Sides are wired like any other port.
    on.fit()
    on.pull(on.port("yes", "o"), on.port("either", "if_false:0"))
    on.root.get_by_role("menuitem", name="Replace").click()
    on.saved(lambda g: g.nodes["either"].arguments["if_false"] == Ref("yes"), "the side")


def test_a_branch_on_gradients_says_so_whole(drawing: Draw) -> None:
    words = drawing(branched(GradEnabled())).node("either").locator(".words")
    expect(words).to_have_text("if gradients are recorded")
    assert words.evaluate("one => one.scrollWidth <= one.clientWidth + 1")


def test_a_problem_is_red_on_the_layer_and_on_the_port_that_fails(drawing: Draw) -> None:
    net = Net("N", 4, 8)
    net.owns("attention", "MultiheadAttention", embed_dim=8, num_heads=2, batch_first=True)
    net.layer("key", "Linear", Ref("x"), out_features=6)
    net.call("read", "attention", query=Ref("x"), key=Ref("key"), value=Ref("x"))
    net.last = Ref("read", (0,))
    on = drawing(net.done())
    badge = on.node("read").get_by_role("button", name=re.compile("problem"))
    expect(badge).to_be_visible()
    red = badge.evaluate("one => getComputedStyle(one).backgroundColor")
    failing = on.node("read").locator(".port.failing")
    expect(failing).to_have_count(1)
    assert failing.evaluate("one => getComputedStyle(one).backgroundColor") == red
    assert failing.evaluate("one => getComputedStyle(one, '::after').content") == '"!"'
    badge.click()
    told = on.page.get_by_role("dialog", name="Problems of attention")
    sentence = told.locator("p").first.inner_text()
    expect(failing).to_have_attribute("title", sentence)
    expect(failing).to_have_attribute("aria-label", re.compile(re.escape(sentence)))
    told.get_by_role("button").nth(1).click()
    expect(badge).to_have_count(0)
    expect(failing).to_have_count(0)
    on.press("Control+z")
    expect(badge).to_be_visible()
    on.agrees()


def test_a_number_that_does_not_fit_is_red_at_its_port(drawing: Draw) -> None:
    net = Net("N", 16)
    net.layer("one", "Linear", out_features=8)
    net.layer("two", "Linear", out_features=4)
    broken = apply(net.done(), SetArgument("two", "in_features", 5))
    on = drawing(placed(broken, x=(0, 0), one=(240, 0), two=(480, 0), out=(720, 0)))
    expect(on.port("two", "input:0")).to_have_class(re.compile("failing"))
    expect(on.port("two", "input:0")).to_have_attribute("aria-label", re.compile("in_features=5"))
