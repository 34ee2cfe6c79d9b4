"""The main story, in a real browser: from the gallery to trained weights, with a reload on the way."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()


def open_design(page: Page, title: str) -> None:
    page.get_by_role("button", name=title, exact=True).click()
    expect(page.get_by_role("heading", name="Build", exact=True)).to_be_visible()


def show(page: Page, view: str) -> None:
    """The Canvas or the Stack: the canvas is what a newcomer sees."""
    page.get_by_role("radio", name=view, exact=True).click()
    expect(page.get_by_role("radio", name=view, exact=True)).to_be_checked()


def set_number(page: Page, label: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=label)
    field.fill(value)
    field.press("Enter")


def test_from_the_gallery_to_trained_weights(page: Page) -> None:
    open_design(page, "Digits, convolutional")
    expect(page.get_by_test_id("canvas")).to_be_visible()
    show(page, "Stack")
    chip = page.get_by_role("button", name=re.compile("parameters · "))
    expect(chip).to_have_text(re.compile("9.930 parameters · no problems"))

    # Edit: one layer more, behind the selected one.
    page.get_by_role("option", name=re.compile("^relu1")).click()
    page.get_by_test_id("add-torch.nn.BatchNorm2d").click()
    expect(page.get_by_role("option", name=re.compile("^bn1"))).to_contain_text("16")

    # A planted mistake, and its repair by one click.
    page.get_by_role("option", name=re.compile("^fc")).click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("fc")
    page.get_by_role("button", name="Set", exact=True).first.click()
    set_number(page, "in_features", "100")
    problem = page.get_by_text("expects in_features=100 but receives 512").first
    expect(problem).to_be_visible()
    page.get_by_role("button", name="Set in_features to 512").click()
    expect(problem).to_be_hidden()
    expect(chip).to_contain_text("no problems")

    # Undo and redo walk the same road.
    page.get_by_role("button", name="Undo").click()
    expect(problem).to_be_visible()
    page.get_by_role("button", name="Redo").click()
    expect(problem).to_be_hidden()

    go(page, "Code")
    page.get_by_role("radio", name="nn.Module").click()
    expect(page.get_by_text("class DigitsCNN(nn.Module):").first).to_be_visible()
    expect(page.get_by_text("self.bn1 = nn.BatchNorm2d(16)").first).to_be_visible()

    go(page, "Graph")
    expect(page.get_by_text("ConvolutionBackward0").first).to_be_visible()
    expect(page.get_by_text("conv1.weight").first).to_be_visible()

    go(page, "Train")
    set_number(page, "Epochs", "200")  # some seconds: long enough to watch and to reload
    page.get_by_role("button", name="Train", exact=True).click()
    progress = page.get_by_text(re.compile(r"Epoch \d+ of 200"))
    expect(progress).to_be_visible()
    first = progress.inner_text()
    expect(progress).not_to_have_text(first)  # it moves by itself

    page.reload()  # in the middle of training: a new session finds the run again
    done = page.get_by_role("button", name="Look at the weights")
    expect(done).to_be_visible(timeout=120_000)
    legend = page.get_by_text(re.compile(r"Validation \d+(\.\d+)? ?%")).first
    shown = re.search(r"(\d+(?:\.\d+)?) ?%", legend.text_content() or "")
    assert shown and float(shown[1]) >= 95

    done.click()
    expect(page.get_by_role("heading", name="Inspect", exact=True)).to_be_visible()
    expect(page.get_by_text("conv1.weight").first).to_be_visible()


def test_stop_keeps_what_was_learned_and_the_server_may_die(page: Page, server: Server) -> None:
    open_design(page, "Digits, 64-32-10")
    go(page, "Train")
    set_number(page, "Epochs", "5000")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text(re.compile(r"Epoch [\d\s]+ of 5"))).to_be_visible()

    server.process.kill()
    server.process.wait()
    server.restart()
    page.goto(server.url + "/train")
    expect(page.get_by_text(re.compile(r"Epoch [\d\s]+ of 5"))).to_be_visible()

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Look at the weights")).to_be_visible()


def test_a_csv_of_ones_own_is_fitted_and_trained(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "fruit.csv"
    rows = [f"{i % 7},{(i * 3) % 11},{'apple' if i % 7 > 3 else 'pear'}" for i in range(120)]
    path.write_text("weight,length,kind\n" + "\n".join(rows) + "\n")
    open_design(page, "10-50-2 classifier")
    go(page, "Data")
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_text("kind").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Fit ")).click()
    go(page, "Train")
    set_number(page, "Epochs", "3")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Look at the weights")).to_be_visible(timeout=60_000)


def test_undo_and_redo_beside_an_open_form_say_nothing_false(page: Page) -> None:
    open_design(page, "Digits, 64-32-10")
    show(page, "Stack")
    page.get_by_role("option", name=re.compile("^fc1")).click()
    set_number(page, "out_features", "40")
    page.get_by_role("option", name=re.compile("^relu")).click()
    # The field of before fades beside the new one for a moment.
    chosen = page.get_by_role("combobox", name="input").first
    expect(chosen).to_have_value(re.compile("N×40"))
    page.get_by_role("button", name="Undo").click()
    expect(chosen).to_have_value(re.compile("N×32"))
    page.get_by_role("button", name="Redo").click()
    expect(chosen).to_have_value(re.compile("N×40"))
    expect(page.get_by_text("does not exist")).to_have_count(0)
