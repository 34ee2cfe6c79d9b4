"""Reading code on the pages, in AppTest: paste, change what was assumed, open; refusals; hostile texts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from torch import nn

from builder.code.reading import child
from builder.code.reading.limits import MAX_SOURCE
from builder.gallery import project
from builder.graph.model import TensorSpec
from builder.ui import readings
from builder.ui.project_weights import kept_weights
from tests.pages.app import App

TEXT = """import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 8, 3, padding=1)

    def forward(self, x):
        return torch.relu(self.conv(x))

class Net(nn.Module):
    def __init__(self, in_channels, classes=10):
        super().__init__()
        self.encoder = Encoder(in_channels)
        self.fc = nn.Linear(8, classes)

    def forward(self, x):
        return self.fc(self.encoder(x).mean((2, 3)))
"""


def panel(app: App, place: str = "gallery") -> App:
    app.open(place, project("mlp_784_sequential") if place == "code" else None)
    return app.click(f"lw_read_switch_{place}")


def paste(app: App, text: str, place: str = "gallery") -> App:
    app.at.text_area(key=f"lw_read_text_{place}").set_value(text)
    return app.click(f"lw_read_go_{place}")


def captions(app: App) -> str:
    return "\n".join(c.value for c in app.at.caption).replace("\\", "").replace("\u2060", "")


def sentences(app: App) -> str:
    return "\n".join(app.said).replace("\\", "")


def file(app: App, name: str, content: bytes, place: str = "gallery") -> App:
    app.at.file_uploader(key=f"lw_read_file_{place}").upload(name, content, "text/plain").run()
    return app


@pytest.mark.parametrize("place", ["gallery", "code"])
def test_a_pasted_text_opens_as_a_new_project(app: App, place: str) -> None:
    panel(app, place)
    before = app.session.work.id if app.session.work else None
    paste(app, TEXT, place)
    said = captions(app)
    assert "N×3×32×32 → N×10\n4 layers\n314 parameters\n1 block" in said
    assert "Made as Net(in_channels=3, classes=10)" in said or "Made as Net(in_channels=3)" in said
    app.click(f"lw_read_open_{place}")
    assert app.at.subheader[0].value == "Build"
    assert app.session.work.name == "Net"
    assert app.session.work.id != before
    assert list(app.graph.blocks) == ["Encoder"]
    app.shows_no_trouble()


def test_what_was_assumed_is_changed_in_its_field(app: App) -> None:
    paste(panel(app), TEXT)
    assert app.field("Made as").value == "Net(in_channels=3)"
    assert app.field("What goes in").value == "float32[N, 3, 32, 32]"
    app.field("Made as").set_value("Net(1, classes=4)").run()
    assert app.field("What goes in").value == "float32[N, 1, 28, 28]"
    app.field("What goes in").set_value("float32[N, 1, 8, 8]").run()
    assert "N×1×8×8 → N×4" in captions(app)
    assert "nothing in the text says" not in captions(app)
    app.click("lw_read_open_gallery")
    assert app.graph.inputs[0].spec == TensorSpec(("N", 1, 8, 8))
    app.shows_no_trouble()


def test_another_class_of_the_text_is_chosen(app: App) -> None:
    paste(panel(app), TEXT)
    which = app.field("Which network")
    assert (which.value, which.options) == ("Net", ["Net", "Encoder"])
    which.set_value("Encoder").run()
    assert app.field("Which network").value == "Encoder"
    assert app.field("Made as").value == "Encoder(in_channels=3)"
    app.click("lw_read_open_gallery")
    assert app.session.work.name == "Encoder"


def test_a_refusal_quotes_the_line_and_keeps_the_text(app: App) -> None:
    text = TEXT + "model = Net(1\n"
    paste(panel(app), text)
    assert "Line 20: Python does not understand this line" in sentences(app)
    assert "Mend it" in sentences(app)
    assert [c.value for c in app.at.code] == ["model = Net(1"]
    assert app.at.text_area(key="lw_read_text_gallery").value == text
    assert not [b for b in app.at.button if b.key == "lw_read_open_gallery"]
    paste(app, TEXT)
    assert not app.at.error
    app.shows_no_trouble()


def test_a_call_that_does_not_fit_is_refused_and_can_be_mended(app: App) -> None:
    paste(panel(app), TEXT)
    app.field("Made as").set_value("Nett(1)").run()
    assert "Did you mean “Net”?" in sentences(app)
    assert app.field("Made as").value == "Nett(1)"
    app.field("Made as").set_value("").run()
    assert app.field("Made as").value == "Net(in_channels=3)"
    app.field("What goes in").set_value("a picture").run()
    assert "“a picture” is no input" in sentences(app)
    app.shows_no_trouble()


def test_what_was_said_of_one_text_is_not_said_of_the_next(app: App) -> None:
    paste(panel(app), TEXT)
    app.field("Made as").set_value("Net(1)").run()
    paste(app, "from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 2))")
    assert not app.at.error
    assert "N×4 → N×2" in captions(app)


def test_a_notebook_and_a_file_are_read(app: App) -> None:
    cells = [{"cell_type": "code", "source": ["!pip install torch\n", TEXT]}]
    file(panel(app), "net.ipynb", json.dumps({"cells": cells}).encode())
    assert "4 layers" in captions(app)
    other = file(panel(App()), "net.py", b"\xef\xbb\xbf" + TEXT.encode())
    assert "4 layers" in captions(other)
    assert [c.value for c in other.at.code] == [TEXT.strip()]
    other.click("lw_read_open_gallery").shows_no_trouble()


def test_a_file_that_is_no_text_is_refused(app: App) -> None:
    file(panel(app), "net.py", b"\xff\xfe\x00\x01")
    assert "not text in UTF-8" in sentences(app)
    file(panel(App()), "net.ipynb", b'{"cells": [[[')
    app.shows_no_trouble()


HOSTILE = {
    "html": "<img src=x onerror=alert(1)>",
    "a name of html": TEXT + "\nmodel = Net('<script>alert(1)</script>')",
    "markdown": "[x](javascript:alert(1)) **b** :material/home: $x$",
    "run": "import os\nos.system('touch /tmp/layerwise-was-here')\n" + TEXT,
    "no characters of a program": "\x00\x01",
    "half of a character": json.dumps(
        {"cells": [{"cell_type": "code", "source": "x = '\ud800'\n" + TEXT}]}
    ),
    "half of a character in a text": TEXT.replace("8, 3,", "8, '\\ud800',"),
    "turned around": "x = (\u202e1",
    "brackets": "(" * 100_000,
    "an endless loop": TEXT.replace(
        "super().__init__()", "super().__init__()\n        while 1: x=1"
    ),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_hostile_text_is_answered_in_words(app: App, name: str) -> None:
    paste(panel(app), HOSTILE[name])
    assert app.at.error or "4 layers" in captions(app)
    assert not [m for m in app.at.markdown if m.allow_html]
    assert not Path("/tmp/layerwise-was-here").exists()
    app.shows_no_trouble()


def test_too_long_a_text_is_refused_by_its_numbers(app: App) -> None:
    paste(panel(app), "x = 1\n" * (MAX_SOURCE // 6 + 1))
    assert f"of at most {MAX_SOURCE:,}" in sentences(app)
    app.shows_no_trouble()


def test_an_empty_text_is_not_read(app: App) -> None:
    paste(panel(app), "  \n")
    assert not app.at.error
    app.shows_no_trouble()


def test_a_reader_that_was_killed_says_so_and_reads_the_next_time(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: Any) -> Any:
        raise child._died()

    monkeypatch.setattr(readings, "read", ended)
    paste(panel(app), TEXT)
    assert "ends the process that reads" in sentences(app)
    monkeypatch.setattr(readings, "read", child.read)
    app.click("lw_read_again_gallery")
    assert not app.at.error
    assert "4 layers" in captions(app)


def test_sizes_alone_are_those_of_one_sample(app: App) -> None:
    paste(panel(app), TEXT)
    field = next(t for t in app.at.text_input if t.label == "What goes in")
    field.set_value("1, 8, 8").run()
    assert "N×1×8×8 → N×10" in captions(app)


def test_a_notebooks_trouble_is_named_by_its_cell(app: App) -> None:
    cells = [
        {"cell_type": "code", "execution_count": 3, "source": "import torch\nfrom torch import nn"},
        {"cell_type": "markdown", "source": "Our net"},
        {
            "cell_type": "code",
            "execution_count": 7,
            "source": ["net = nn.Sequential(\n", "    nn.Linear(8, 4),\n", "    nn.Liner(4, 2))"],
        },
    ]
    paste(panel(app), json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}))
    assert any(e.value.startswith("Cell \\[7\\], line 3") for e in app.at.error), sentences(app)


def test_a_stumble_of_ours_is_one_sentence_and_not_for_ever(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "read", lambda *_: 1 / 0)
    paste(panel(app), TEXT)
    assert len(app.said) == 1
    app.shows_no_trouble()


def test_the_text_and_its_answer_outlive_a_page_switch_and_the_panel(app: App) -> None:
    paste(panel(app), TEXT)
    app.click("lw_read_switch_gallery")
    assert not app.at.text_area
    app.click("lw_read_switch_gallery")
    assert app.at.text_area[0].value == TEXT
    assert "4 layers" in captions(app)


def test_two_tabs_read_for_themselves(app: App) -> None:
    other = App()
    paste(panel(app), TEXT)
    paste(panel(other), "from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 2))")
    assert "4 layers" in captions(app.run())
    assert "1 layer\n" in captions(other.run())


def test_a_checkpoint_is_held_against_what_was_read(app: App) -> None:
    paste(panel(app), TEXT)
    app.field("Made as").set_value("Net(1)").run()
    weights = {
        "encoder.conv.weight": torch.zeros(8, 1, 3, 3),
        "encoder.conv.bias": torch.zeros(8),
        "fc.weight": torch.zeros(10, 8),
        "fc.bias": torch.zeros(10),
    }
    field = app.at.file_uploader(key="lw_read_weights_gallery")
    field.upload("net.safetensors", save(weights), "application/octet-stream").run()
    assert [s.value for s in app.at.success] == ["All 4 tensors fit, by name and by shape\\."]
    assert "the new project keeps them" in captions(app)
    app.field("Made as").set_value("Net(3)").run()
    assert "8×1×3×3 in the file and 8×3×3×3 in the network" in sentences(app)
    app.shows_no_trouble()


def test_a_checkpoint_comes_along_into_the_new_project(app: App) -> None:
    paste(panel(app), "from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 2), nn.ReLU())")
    weights = {"0.weight": torch.rand(2, 4), "0.bias": torch.rand(2)}
    field = app.at.file_uploader(key="lw_read_weights_gallery")
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    field.upload("mine.pt", buffer.getvalue(), "application/octet-stream").run()
    app.click("lw_read_open_gallery")
    assert "2 tensors of “mine.pt” are kept with this project." in sentences(app)
    kept = kept_weights(app.owner, app.session.work.id)
    assert kept is not None
    [name] = [n for n, shape in kept.shapes.items() if shape == (2, 4)]
    assert torch.equal(load_file(kept.path)[name], weights["0.weight"])
    app.shows_no_trouble()


def test_a_whole_pickled_model_is_refused(app: App) -> None:
    paste(panel(app), TEXT)
    buffer = io.BytesIO()
    torch.save(nn.Linear(2, 2), buffer)
    field = app.at.file_uploader(key="lw_read_weights_gallery")
    field.upload("net.pt", buffer.getvalue(), "application/octet-stream").run()
    assert "nothing else is opened" in sentences(app)
    app.shows_no_trouble()


def test_the_card_says_what_stays_and_offers_data_that_fit(app: App) -> None:
    text = TEXT.replace("classes=10", "classes=10, width=8").replace(
        "nn.Linear(8, classes)", "nn.Linear(8, classes)  # ten digits"
    )
    paste(panel(app), text + "\nmodel = Net(1).to('cpu')\nx = torch.randn(2, 1, 8, 8)\nmodel(x)\n")
    assert app.field("Made as").value == "Net(1)"
    said = captions(app)
    assert "Stay settings of the network: classes=10." in said
    assert "Built in: in_channels=1, width=8. For other values change the call “Made as”." in said
    assert "Your text stays on the Code page, with its comments." in said
    [pills] = app.at.button_group
    assert [option.content for option in pills.proto.options] == ["Digits"]
    pills.set_value("digits").run()
    app.click("lw_read_open_gallery")
    assert app.session.work.data["source"] == "digits"
    assert "# ten digits" in app.session.work.texts["module"].text
    assert dict(app.graph.settings) == {"classes": 10}
    app.at.switch_page("pages/code.py").run()
    assert app.at.button_group(key="lw_code_style").value == "module"
    app.shows_no_trouble()


def test_a_notebook_is_written_anew_and_the_card_says_so(app: App) -> None:
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": TEXT,
        "outputs": [],
        "execution_count": 1,
    }
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    file(panel(app), "net.ipynb", json.dumps(book).encode())
    assert "The Code page writes it anew, without your comments." in captions(app)
    app.click("lw_read_open_gallery")
    assert app.session.work.texts == {}
