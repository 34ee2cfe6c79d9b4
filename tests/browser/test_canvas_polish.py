"""Smaller things on the canvas that a person meets in the first hour."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from builder.graph.edits import SetArgument, apply
from builder.graph.model import Graph, TensorSpec
from tests.browser.drawing import Drawing, placed
from tests.graph.sound_networks import Net

Draw = Callable[..., Drawing]


def pictures() -> Graph:
    net = Net("N", 1, 28, 28)
    net.layer("conv", "Conv2d", out_channels=8, kernel_size=3)
    net.layer("relu", "ReLU")
    net.layer("fc", "Linear", out_features=10)
    return placed(net.done(), x=(0, 0), conv=(220, 0), relu=(480, 0), fc=(720, 0), out=(940, 0))


def test_problems_stand_within_the_drawing_and_nothing_lies_on_them(drawing: Draw) -> None:
    on = drawing(apply(pictures(), SetArgument("fc", "in_features", 5)))
    page = on.page
    # The layer at the lower edge: there is room over it only.
    stage = page.locator(".stage").bounding_box()
    _, y = on.centre(on.title("fc"))
    assert stage is not None
    ground = (stage["x"] + stage["width"] / 2, stage["y"] + 40)
    on.drag(ground, (ground[0] - 40, ground[1] + stage["y"] + stage["height"] - y - 70))
    on.node("fc").get_by_role("button", name=re.compile("problem")).click()
    problems = page.get_by_role("dialog", name="Problems of fc")
    expect(problems).to_be_visible()
    box = problems.bounding_box()
    assert box is not None
    assert box["y"] >= stage["y"] and box["x"] >= stage["x"]
    assert box["y"] + box["height"] <= stage["y"] + stage["height"]
    assert box["x"] + box["width"] <= stage["x"] + stage["width"]
    expect(page.get_by_role("toolbar", name="Selected layers")).to_have_count(0)
    problems.get_by_role("button", name=re.compile("^Set in_features")).click()
    on.saved(lambda g: g.owners["fc"].arguments["in_features"] != 5, "mended")
    on.agrees()


def test_of_several_layers_no_single_one_is_edited_unsaid(drawing: Draw) -> None:
    on = drawing(pictures())
    on.choose("conv", "relu")
    expect(on.page.get_by_text("2 layers selected")).to_be_visible()
    expect(on.page.get_by_role("textbox", name="Name", exact=True)).to_have_count(0)
    on.page.get_by_role("button", name="Freeze", exact=True).last.click()
    on.saved(lambda g: g.owners["conv"].frozen, "conv frozen")
    on.choose("conv")
    expect(on.page.get_by_role("textbox", name="Name", exact=True)).to_have_value("conv")


def test_the_shape_of_an_input_is_written_on_its_node(drawing: Draw) -> None:
    on = drawing(pictures())
    on.node("x").locator(".shape").dblclick()
    field = on.page.get_by_role("textbox", name="Shape of x")
    field.fill("wide")
    field.press("Enter")
    expect(on.node("x").locator(".effect")).to_contain_text("“wide” is no shape")
    field.fill("3, 32, 32")
    field.press("Enter")
    on.saved(lambda g: g.nodes["x"].spec == TensorSpec(("N", 3, 32, 32)), "3×32×32")
    expect(on.node("x").locator(".shape")).to_have_text("N×3×32×32")


def test_a_right_click_and_its_key_open_a_menu_of_what_is_there(drawing: Draw) -> None:
    on = drawing(pictures())
    menu = on.page.get_by_role("menu", name="What can be done here")
    on.title("relu").click(button="right")
    expect(menu.get_by_role("menuitem", name="Freeze")).to_be_disabled()
    menu.get_by_role("menuitem", name="Bypass").click()
    on.saved(lambda g: g.nodes["relu"].bypassed, "bypassed")
    expect(menu).to_have_count(0)

    on.choose("conv")
    on.page.keyboard.press("Shift+F10")
    expect(menu).to_be_visible()
    on.page.keyboard.press("Escape")
    expect(menu).to_have_count(0)

    x, y = on.centre(on.text("relu:input:0"))
    on.page.mouse.click(x, y, button="right")
    menu.get_by_role("menuitem", name="Cut the wire").click()
    on.saved(lambda g: "input" not in g.nodes["relu"].arguments, "the wire cut")
    on.agrees()


def test_the_head_leads_to_the_first_problem_from_wherever_one_looks(drawing: Draw) -> None:
    on = drawing(apply(pictures(), SetArgument("fc", "in_features", 5)))
    page = on.page
    problems = page.get_by_role("dialog", name="Problems of fc")
    ground = page.locator(".stage").bounding_box()
    assert ground is not None
    x, y = ground["x"] + ground["width"] - 60, ground["y"] + 60
    for _ in range(2):  # also when the layer is selected already
        on.drag((x, y), (x - 400, y + 500))
        on.drag((x, y), (x - 400, y + 500))
        expect(on.node("fc")).not_to_be_in_viewport()
        page.get_by_role("button", name=re.compile("1 problem")).first.click()
        expect(problems).to_be_visible()
        expect(on.node("fc")).to_be_in_viewport()
        problems.get_by_role("button", name="Close").click()

    page.get_by_role("link", name="Code", exact=True).first.click()
    expect(on.root).to_have_count(0)
    page.get_by_role("button", name=re.compile("1 problem")).first.click()
    expect(problems).to_be_visible()
