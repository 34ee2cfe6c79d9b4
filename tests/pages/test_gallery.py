"""The Gallery page in AppTest: open, search, duplicate, delete, and files that are no projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.gallery import designs, project
from builder.graph.edits import Rename
from builder.graph.project import Project, to_json
from builder.ui.projects import project_path
from tests.pages.app import App


def test_every_design_opens_in_one_click(app: App) -> None:
    for key in ("mlp_784_sequential", "unet"):
        app = App().open("gallery").click(f"lw_open_{key}")
        assert app.at.subheader[0].value == "Build"
        assert app.graph == project(key).graph
        app.shows_no_trouble()


def test_every_design_has_a_card_with_its_shapes(app: App) -> None:
    app.open("gallery")
    cards = [b for b in app.at.button if (b.key or "").startswith("lw_open_")]
    assert len(cards) == len(designs())
    assert any(
        "N×784 → N×10 · 3 layers · 101\u2009770 parameters" in c.value for c in app.at.caption
    )


@pytest.mark.parametrize(
    ("search", "found"), [("u-net", ["unet"]), ("no such thing", []), ("<b>' OR 1=1", [])]
)
def test_the_gallery_is_searched_by_words(app: App, search: str, found: list[str]) -> None:
    app.open("gallery").at.text_input(key="lw_gallery_search").set_value(search).run()
    opened = [b.key for b in app.at.button if (b.key or "").startswith("lw_open_")]
    assert opened == [f"lw_open_{key}" for key in found]
    app.shows_no_trouble()


def test_a_project_is_duplicated_and_deleted(app: App) -> None:
    app.open("gallery").click("lw_open_linear_regression")
    app.at.switch_page("pages/gallery.py").run()
    first = app.session.work.id
    app.click("lw_duplicate")
    copy = app.session.work.id
    assert copy != first and app.session.work.name.endswith("(copy)")
    app.click(f"lw_delete_{copy}")
    assert [b.key for b in app.at.button if (b.key or "").startswith("lw_mine_")] == [
        f"lw_mine_{first}"
    ]


WHOLE = to_json(project("mlp_784_sequential"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe\x00",
        WHOLE[: len(WHOLE) // 2].encode(),
        WHOLE.replace('"layerwise": 1', '"layerwise": 99').encode(),
        b'{"layerwise": 1}',
        b"[" * 100_000,
        b'{"layerwise": 1, "name": "x", "model": {"nodes": ' + b"9" * 5000 + b"}}",
    ],
    ids=["empty", "list", "bytes", "half", "version", "bare", "deep", "number"],
)
def test_a_file_that_is_no_project_is_refused_in_words(app: App, content: bytes) -> None:
    app.open("gallery")
    app.at.file_uploader(key="lw_upload").upload("net.json", content, "application/json").run()
    app.click("lw_upload_open")
    assert app.session.work is None
    assert app.said
    app.shows_no_trouble()


def test_a_project_file_opens_as_a_new_project(app: App) -> None:
    app.open("gallery")
    uploader = app.at.file_uploader(key="lw_upload")
    uploader.upload("net.json", WHOLE.encode(), "application/json").run()
    app.click("lw_upload_open")
    assert app.graph == project("mlp_784_sequential").graph


def test_a_kept_project_that_cannot_be_opened_is_shown_with_the_reason(app: App) -> None:
    app.open("gallery")
    path = project_path(app.owner, "abcdefgh")
    path.parent.mkdir(parents=True)
    path.write_text(WHOLE[: len(WHOLE) // 2])
    app.run()
    assert any("cannot be opened" in m.value for m in app.at.markdown)
    assert any("cut off" in c.value for c in app.at.caption)
    app.click("lw_delete_abcdefgh")
    assert not path.exists()
    app.shows_no_trouble()


def test_where_nothing_can_be_kept_a_new_visitor_sees_the_gallery_and_is_told(
    app: App, empty_home: Path
) -> None:
    empty_home.write_text("a file where the folder should be")
    app.open("gallery")
    assert any(text.startswith("Nothing new is kept at the moment.") for text in app.said)
    app.click("lw_open_unet")
    assert app.graph == project("unet").graph
    assert any("Nothing is lost in this tab" in text for text in app.said)
    app.shows_no_trouble()


def test_the_project_is_handed_out_and_one_no_file_can_hold_says_why(app: App) -> None:
    app.open("gallery", Project("Net", project("unet").graph)).run()
    assert not app.at.get("download_button")[0].proto.disabled
    app.session.work.training = {"lr": float("nan")}
    app.run()
    button = app.at.get("download_button")[0].proto
    assert button.disabled and "cannot be written" in button.help
    app.shows_no_trouble()


def brought(app: App, content: bytes) -> App:
    app.open("gallery")
    app.at.file_uploader(key="lw_upload").upload("net.json", content, "application/json").run()
    return app.click("lw_upload_open")


def test_a_project_file_saved_by_notepad_is_opened(app: App) -> None:
    brought(app, b"\xef\xbb\xbf" + WHOLE.encode())
    app.shows_no_trouble()
    assert app.session.work.name == project("mlp_784_sequential").name


def test_choices_of_a_file_that_cannot_be_used_are_told_once(app: App) -> None:
    lenet = project("lenet5")
    odd = Project(
        lenet.name,
        lenet.graph,
        {"source": "digits", "tasks": 3},
        {"epochs": "x", "batch_size": -5, "optimizer": ["__class__"], "seed": 3},
    )
    brought(app, to_json(odd).encode())
    [settings, data] = [w.value for w in app.at.warning]
    assert "but “x” was given. “20” is used." in settings.replace("\\", "")
    assert "unknown field" in data
    assert app.session.work.training == {"seed": 3}
    assert app.session.work.data is None
    app.run()
    assert not app.at.warning


def test_a_copy_that_was_never_changed_is_opened_again_and_a_changed_one_is_left(app: App) -> None:
    app.open("gallery").click("lw_open_unet")
    first = app.session.work.id
    app.at.switch_page("pages/gallery.py").run()
    app.click("lw_open_unet")
    assert app.session.work.id == first
    app.session.work.edit(Rename(app.graph.outputs[0].id, "other"))
    app.session.work.save()
    app.at.switch_page("pages/gallery.py").run()
    app.click("lw_open_unet")
    assert (app.session.work.name, app.session.work.id == first) == ("U-Net 2", False)
    app.shows_no_trouble()
