"""The Code page's editor: what is typed is the network, and what is no network leaves it alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from builder.code import styles
from builder.gallery import project
from builder.graph.edits import SetPositions, apply
from builder.graph.model import Graph
from tests.browser.drawing import Drawing

Draw = Callable[..., Drawing]
KEYS = {style.title: style.key for style in styles().values()}


def placed(key: str) -> Graph:
    graph = project(key).graph
    return apply(graph, SetPositions({n: (60.0, 110.0 * i) for i, n in enumerate(graph.nodes)}))


def code_of(on: Drawing, style: str = "nn.Module") -> Page:
    """The Code page of that project, in a style."""
    page = on.page
    page.goto(f"{on.url}/code?project={on.path.stem}")
    page.get_by_role("radio", name=style, exact=True).click()
    expect(status(page)).to_contain_text("Read")
    return page


def status(page: Page) -> Locator:
    return page.get_by_test_id("code-status")


def line(page: Page, holds: str) -> Locator:
    return page.locator(".cm-line").filter(has_text=holds)


def type_at_end(page: Page, of: str, backwards: int, text: str) -> None:
    """Goes to the end of a line, and puts a text in the place of some characters before its last one."""
    line(page, of).click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    for _ in range(backwards):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.insert_text(text)


def units(graph: Graph) -> object:
    return graph.owners["fc"].arguments["out_features"]


def test_a_number_that_is_typed_is_the_layers_on_the_canvas_too(drawing: Draw) -> None:
    graph = placed("digits_cnn")
    on = drawing(graph)
    page = code_of(on)
    type_at_end(page, "self.fc = nn.Linear", 2, "12")
    expect(status(page)).to_have_text("Read: fc out_features 10 → 12.")
    now = on.saved(lambda saved: units(saved) == 12, "12 units")
    assert {n.id: n.position for n in now.nodes.values()} == {
        n.id: n.position for n in graph.nodes.values()
    }
    assert [now.label(n) for n in now.nodes] == [graph.label(n) for n in graph.nodes]
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(line(page, "self.fc = nn.Linear(512, 10)")).to_have_count(1)
    on.saved(lambda saved: units(saved) == 10, "10 units again")


def test_a_text_that_is_no_network_is_marked_and_changes_nothing(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    before = on.graph()
    type_at_end(page, "self.fc = nn.Linear", 6, "5, 10")
    expect(status(page)).to_contain_text("Linear, called in line 25, expects in_features=55")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    expect(line(page, "self.fc = nn.Linear(55, 10)")).to_have_count(1)
    assert on.graph() == before
    page.keyboard.press("Control+z")
    expect(line(page, "self.fc = nn.Linear(512, 10)")).to_have_count(1)
    expect(status(page)).to_contain_text("Read")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0)


def test_the_sizes_follow_by_one_click(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    line(page, "self.conv1 = nn.Conv2d").get_by_text("16").dblclick()
    page.keyboard.insert_text("24")
    expect(status(page)).to_contain_text("expects in_channels=16 but receives 24")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    page.get_by_role("button", name="line 13", exact=True).click()
    expect(page.locator(".cm-activeLine")).to_contain_text("self.conv2 = nn.Conv2d")
    page.get_by_role("button", name="Set in_channels in line 13 to 24").click()
    expect(line(page, "self.conv2 = nn.Conv2d(24, 32")).to_have_count(1)
    expect(status(page)).to_have_text("Read: conv1 out_channels 16 → 24. conv2 follows.")
    on.saved(lambda saved: saved.owners["conv1"].arguments["out_channels"] == 24, "24 channels")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(line(page, "self.conv2 = nn.Conv2d(16, 32")).to_have_count(1)


def test_a_comment_stays_while_the_network_goes_back(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    type_at_end(page, "self.fc = nn.Linear", 2, "12")
    expect(status(page)).to_have_text("Read: fc out_features 10 → 12.")
    line(page, "self.relu1 = nn.ReLU()").click()
    page.keyboard.press("End")
    page.keyboard.insert_text("  # bends")
    expect(status(page)).to_contain_text("your comments and layout stay")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(line(page, "self.fc = nn.Linear(512, 10)")).to_have_count(1)
    expect(line(page, "# bends")).to_have_count(1)
    on.saved(lambda saved: units(saved) == 10, "10 units again")


def test_the_layer_of_the_cursors_line_is_selected_and_the_other_way_round(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    line(page, "self.conv2 = nn.Conv2d").click()
    expect(page.get_by_role("combobox", name="Find a layer")).to_have_value(re.compile("^conv2"))
    expect(page.locator(".cm-line.lw-selected")).to_have_count(2)
    page.get_by_role("link", name="Build").click()
    expect(on.node("conv2")).to_have_class(re.compile(r"\bselected\b"))


def test_the_canvas_beside_the_code_follows_and_both_light_up(drawing: Draw) -> None:
    graph = placed("digits_cnn")
    on = drawing(graph)
    page = code_of(on)
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option", name="The canvas").click()
    expect(on.root).to_be_visible()
    line(page, "self.conv1 = nn.Conv2d").hover()
    expect(on.node("conv1").locator(".layer.lit")).to_have_count(1)
    expect(page.locator(".layer.lit")).to_have_count(1)
    on.title(next(iter(graph.nodes))).hover()
    expect(page.locator(".layer.lit")).to_have_count(0)
    on.title("conv1").hover()
    expect(page.locator(".cm-line.lw-near")).to_have_text(
        [re.compile("self.conv1 = nn.Conv2d"), re.compile(r"x = self.conv1\(x\)")]
    )
    on.title("relu1").click()
    expect(page.locator(".cm-line.lw-selected")).to_have_text(
        [re.compile("self.relu1 = nn.ReLU"), re.compile(r"x = self.relu1\(x\)")]
    )
    on.press("Delete")
    expect(line(page, "relu1")).to_have_count(0)
    type_at_end(page, "self.fc = nn.Linear", 2, "12")
    expect(status(page)).to_have_text("Read: fc out_features 10 → 12.")
    on.saved(lambda saved: units(saved) == 12 and "relu1" not in saved.owners, "both edits")
    on.agrees()


def test_both_texts_look_alike_and_the_one_beside_is_only_shown(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option", name="Functional").click()
    expect(status(page)).to_have_count(2)
    expect(status(page).nth(1)).to_contain_text("Only shown")
    expect(page.locator(".cm-line.lw-differs").filter(has_text="F.relu(self.")).to_have_count(2)
    looks = (
        page.locator(".cm-line")
        .filter(has_text="self.fc = nn.Linear")
        .evaluate_all(
            "lines => lines.map(one => [getComputedStyle(one).lineHeight, getComputedStyle(one).fontSize])"
        )
    )
    assert looks[0] == looks[1]
    before = on.graph()
    page.locator(".cm-line").filter(has_text="F.relu(self.").first.click()
    page.keyboard.type("zzz")
    expect(page.locator(".cm-line").filter(has_text="zzz")).to_have_count(0)
    assert on.graph() == before
    page.reload()
    expect(status(page)).to_have_count(2)
    expect(page.get_by_role("radio", name="nn.Module", exact=True)).to_be_checked()


def test_a_misspelt_layer_is_mended_by_one_click_and_the_head_tells(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    type_at_end(page, "self.relu1 = nn.ReLU()", 5, "Relu(")
    expect(page.get_by_role("button", name=re.compile("text not read"))).to_be_visible()
    page.get_by_role("button", name="Write ReLU in line 11").click()
    expect(status(page)).to_contain_text("Read")
    expect(page.get_by_role("button", name=re.compile("text not read"))).to_have_count(0)


def test_the_canvas_fits_anew_while_nobody_has_moved_it(drawing: Draw) -> None:
    on = drawing(project("digits_cnn").graph)
    page = code_of(on)
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option", name="The canvas").click()
    expect(on.root).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    for node in on.graph().nodes:
        expect(on.node(node)).to_be_in_viewport(ratio=0.99)
    bars = page.locator(".toolbar .tool").evaluate_all(
        "tools => tools.map(one => one.getBoundingClientRect().top)"
    )
    assert max(bars) - min(bars) < 4  # one row


def test_what_is_typed_is_heard_after_every_style_was_looked_at(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    for style in ("nn.Module", "OrderedDict", "Functional", "Mixed", "By hand", "nn.Module"):
        page.get_by_role("radio", name=style, exact=True).click()
        expect(page.get_by_role("radio", name=style, exact=True)).to_be_checked()
        expect(page.locator(f".st-key-lw_code_title_{KEYS[style]}")).to_be_visible()
    line(page, "self.conv1 = nn.Conv2d").get_by_text("16").dblclick()
    page.keyboard.insert_text("24")
    expect(status(page)).to_contain_text("expects in_channels=16 but receives 24")
    page.get_by_role("link", name="Build").click()
    expect(on.root).to_be_visible()
    page.get_by_test_id("stTopNav").get_by_role("link", name="Code").click()
    expect(line(page, "self.conv1 = nn.Conv2d(1, 24")).to_have_count(1)
    expect(status(page)).to_contain_text("expects in_channels=16 but receives 24")
    line(page, "self.conv1 = nn.Conv2d").click()
    page.keyboard.press("Control+z")  # what was typed before the page was left can be taken back
    expect(line(page, "self.conv1 = nn.Conv2d(1, 16")).to_have_count(1)
    page.keyboard.press("Control+Shift+z")
    page.get_by_role("button", name="Set in_channels in line 13 to 24").click()
    on.saved(lambda saved: saved.owners["conv1"].arguments["out_channels"] == 24, "24 channels")


def test_what_is_not_read_comes_back_after_a_reload_and_the_head_leads_to_it(drawing: Draw) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    type_at_end(page, "self.relu1 = nn.ReLU()", 5, "Relu(")
    expect(page.get_by_role("button", name="Write ReLU in line 11")).to_be_visible()
    page.reload()
    expect(line(page, "self.relu1 = nn.Relu()")).to_have_count(1)
    expect(page.get_by_role("button", name="Write ReLU in line 11")).to_be_visible()
    page.get_by_role("link", name="Build").click()
    expect(on.root).to_be_visible()
    chip = page.get_by_role("button", name=re.compile("text not read"))
    expect(chip).not_to_contain_text("no problems")
    chip.click()
    page.get_by_role("button", name="Write ReLU in line 11").click()
    expect(status(page)).to_contain_text("Read")
    page.reload()
    expect(line(page, "self.relu1 = nn.ReLU()")).to_have_count(1)
    expect(status(page)).to_have_text("Read: text and network say the same.")


def test_beside_a_style_a_refusal_moves_nothing_and_line_numbers_cover_what_is_scrolled(
    drawing: Draw,
) -> None:
    on = drawing(placed("digits_cnn"))
    page = code_of(on)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option", name="Functional").click()
    expect(status(page)).to_have_count(2)
    tops = "boxes => boxes.map(one => Math.round(one.getBoundingClientRect().top))"
    before = page.get_by_test_id("code-editor").evaluate_all(tops)
    assert before[0] == before[1]
    page.locator(".cm-line").filter(has_text="self.relu1 = nn.ReLU()").first.click()
    page.keyboard.press("End")
    page.keyboard.insert_text("  # " + "long " * 40)
    page.keyboard.insert_text("\n        self.relu1 = nn.Relu()")
    expect(page.get_by_text("As before: what you typed is not read")).to_be_visible()
    assert page.get_by_test_id("code-editor").evaluate_all(tops) == before
    page.locator(".cm-scroller").first.evaluate("one => one.scrollLeft = 60")
    ground = page.locator(".cm-gutters").first.evaluate(
        "one => getComputedStyle(one).backgroundColor"
    )
    assert ground.startswith("rgb("), ground  # no alpha
