"""The Code page in AppTest: both styles, the reason why not, the print, the table."""

from __future__ import annotations

import ast

import pytest

from builder.gallery import designs, project
from tests.pages.app import App


def test_a_chain_is_shown_in_both_styles(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    sources = [c.value for c in app.at.code if c.language == "python"]
    assert len(sources) == 2
    assert any("nn.Sequential(" in s for s in sources)
    assert any("def forward(self, x" in s for s in sources)
    app.shows_no_trouble()


def test_the_print_is_that_of_the_open_tab(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    assert printed(app).startswith("Sequential(\n  (0): ")
    app.at.session_state["lw_styles_sequential"] = "nn.Module"
    app.run()
    assert "(0): " not in printed(app)
    assert "(in_features=784, out_features=128, bias=True)" in printed(app)
    app.shows_no_trouble()


def printed(app: App) -> str:
    return next(c.value for c in app.at.code if c.language != "python")


def test_what_is_no_chain_opens_as_a_module(app: App) -> None:
    app.open("code", project("two_branches"))
    assert printed(app)
    assert not printed(app).startswith("Sequential(")


def test_what_is_no_chain_says_says_why_in_a_plain_word(app: App) -> None:
    app.open("code", project("two_branches"))
    assert len([c for c in app.at.code if c.language == "python"]) == 1
    assert app.at.info
    app.shows_no_trouble()


def test_the_printed_model_and_the_parameters_stand_beside(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    assert any("(in_features=784, out_features=128, bias=True)" in c.value for c in app.at.code)
    table = app.at.dataframe[0].value
    assert list(table["Shape"]) == ["128 × 784", "128", "10 × 128", "10"]


def test_choosing_a_layer_names_its_lines_and_selects_it(app: App) -> None:
    app.open("code", project("mlp_784_sequential"))
    node = next(n.id for n in app.graph.nodes.values() if n.kind == "layer")
    app.box("lw_code_layer").set_value(node).run()
    assert app.session.selected == node
    assert any("stands in line" in c.value for c in app.at.caption)


@pytest.mark.parametrize("key", list(designs()))
def test_every_design_is_written_and_is_python(app: App, key: str) -> None:
    app.open("code", project(key))
    for block in app.at.code:
        if block.language == "python":
            ast.parse(block.value)
    app.shows_no_trouble()


def test_a_network_with_a_problem_says_so_above_the_code(app: App) -> None:
    app.open("gallery").click("lw_empty").add("torch.nn.Conv2d")
    app.at.switch_page("pages/code.py").run()
    app.shows_no_trouble()
    (warning,) = app.at.warning
    assert "This code does not run yet" in warning.value
    assert "conv1" in warning.value
    app.click("lw_code_to_problem")
    assert app.graph.label(app.session.selected) == "conv1"
