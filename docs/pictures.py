"""Takes README's pictures anew from the running app: `python -m docs.pictures` (needs a browser).

Each is 1280 pixels wide; the names say the theme.
"""

from __future__ import annotations

import re
import socket
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, Server, browser_path, start_server

HERE = Path(__file__).parent
SETTLE_MILLISECONDS = 1500  # charts and diagrams fade in


def main() -> None:
    expect.set_options(timeout=60_000)
    with (
        socket.socket() as free,
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as playwright,
    ):
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        server = Server(Path(home), port, start_server(Path(home), port))
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        try:
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": 1280, "height": 860}, color_scheme=theme
                )
                walk(context.new_page(), server.url, theme)
                context.close()
        finally:
            browser.close()
            server.stop()


def walk(page: Page, url: str, theme: str) -> None:
    """Through the pages as README tells it, with a picture of each."""

    def shot(name: str) -> None:
        page.wait_for_timeout(SETTLE_MILLISECONDS)
        page.screenshot(path=HERE / f"{name}-{theme}.png")

    def go(name: str) -> None:
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(page.get_by_role("heading", name=name, exact=True).first).to_be_visible()

    page.goto(url)
    expect(page.get_by_text("Digits, convolutional").first).to_be_visible()
    shot("gallery")
    page.get_by_role("button", name="Digits, convolutional", exact=True).click()
    page.get_by_test_id("rf__node-conv2").get_by_text("Conv2d").click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("conv2")
    shot("build")
    go("Code")
    page.get_by_role("radio", name="nn.Module").click()
    expect(page.get_by_text("class DigitsCNN(nn.Module):").first).to_be_visible()
    shot("code")
    go("Graph")
    expect(page.get_by_text("ConvolutionBackward0").first).to_be_visible()
    shot("graph")
    go("Data")
    shot("data")
    go("Train")
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("60")
    epochs.press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text(re.compile(r"Epoch [2345]\d of 60"))).to_be_visible()
    shot("train")
    page.get_by_role("button", name="Look at the weights").click()
    expect(page.get_by_role("heading", name="Inspect", exact=True).first).to_be_visible()
    expect(page.get_by_text("conv1.weight").first).to_be_visible()
    shot("inspect")


if __name__ == "__main__":
    main()
