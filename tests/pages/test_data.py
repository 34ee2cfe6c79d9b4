"""The Data page in AppTest: choosing, cutting, bringing a file, and fitting the network."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from builder.data import DataChoice, cards, check_upload
from builder.gallery import project
from builder.graph.project import Project
from builder.home import owner_folder
from tests.pages.app import App

HOSTILE = (
    "<script>alert(1)</script>,![x](http://evil/a.png),kind\n"
    + "".join(
        f"{i}.5,{'red' if i % 3 else 'blue'},{'cat' if i % 2 else 'dog'}\n" for i in range(40)
    )
).encode()


def opened(app: App, choice: DataChoice | None = None, key: str = "digits_mlp") -> App:
    data = choice.to_json() if choice else None
    return app.open("data", Project("Net", project(key).graph, data, None))


def stored(app: App) -> DataChoice:
    return DataChoice.from_json(app.session.work.data)


def texts(app: App) -> str:
    elements = (*app.at.markdown, *app.at.caption, *app.at.error, *app.at.warning)
    return "\n".join(element.value for element in elements)


def test_without_a_choice_every_set_has_a_card(app: App) -> None:
    opened(app)
    assert not app.at.exception
    for key, card in cards().items():
        assert app.at.button(key=f"lw_open_data_{key}").label == card.title


def test_a_click_on_a_card_chooses_the_set_and_shows_it(app: App) -> None:
    opened(app).click("lw_open_data_wine")
    assert not app.at.exception
    assert stored(app).source == "wine"
    assert any(found.value == "Wine" for found in app.at.subheader)
    assert "124 training" in texts(app)
    assert "CC BY 4\\.0" in texts(app)


def test_one_click_makes_the_network_fit(app: App) -> None:
    opened(app, DataChoice("iris"))
    assert "sets out\\_features of" in texts(app)
    app.click("data_fit")
    assert not app.at.exception
    assert "The network fits" in texts(app)
    graph = app.graph
    assert graph.inputs[0].spec.shape == ("N", 4)
    assert app.session.work.history.undo_label == "Fit to Iris"


def test_two_classes_for_one_output_are_taken_as_yes_or_no(app: App) -> None:
    opened(app, DataChoice("breast_cancer"), key="mlp_16_named").click("data_fit")
    assert stored(app).task == "binary"
    assert "The network fits" in texts(app)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("data_spirals_classes", 5, {"options": {"classes": 5}}),
        ("data_split_seed", 7, {"split_seed": 7}),
    ],
)
def test_a_number_in_the_form_is_kept_with_the_project(
    app: App, field: str, value: int, kept: dict[str, object]
) -> None:
    opened(app, DataChoice("spirals"))
    app.at.number_input(key=field).set_value(value).run()
    assert not app.at.exception
    assert stored(app) == DataChoice("spirals", **kept)  # type: ignore[arg-type]


def test_the_split_and_standardising_are_kept_too(app: App) -> None:
    opened(app, DataChoice("iris"))
    app.at.slider(key="data_split_iris").set_range(50, 80).run()
    app.at.toggle(key="data_standardise").set_value(False).run()
    assert stored(app).split == (0.5, 0.3, 0.2)
    assert stored(app).standardise is False
    assert "75 training" in texts(app)


def test_an_uploaded_file_is_shown_as_text_whatever_it_says(app: App) -> None:
    app.run()
    upload = check_upload(HOSTILE, "pets <b>.csv", owner_folder(app.owner))
    opened(app, DataChoice(upload.source))
    assert not app.at.exception
    assert any(found.value == "pets \\<b\\>\\.csv" for found in app.at.subheader)
    assert "![x](" not in texts(app)
    assert "<script>" not in texts(app)
    app.at.selectbox(key="data_target").select(upload.names[0]).run()
    assert stored(app).target == "<script>alert(1)</script>"
    assert "a number" in texts(app)


def test_a_shape_that_does_not_fit_is_told_and_nothing_is_lost(app: App) -> None:
    app.run()
    upload = check_upload(HOSTILE, "pets.csv", owner_folder(app.owner))
    opened(app, DataChoice(upload.source))
    app.at.text_input(key="data_shape").set_value("5×5").run()
    assert "A row has 3 numbers" in texts(app)
    assert not app.at.exception
    app.at.text_input(key="data_shape").set_value("").run()
    assert "28 training" in texts(app)


def test_a_set_that_is_gone_is_told_and_can_be_chosen_anew(app: App) -> None:
    opened(app, DataChoice("upload:" + "0" * 20))
    assert "is gone" in texts(app)
    assert not app.at.exception
    app.run()
    assert app.at.button(key="lw_open_data_iris")


def test_a_network_that_cannot_fit_says_why(app: App) -> None:
    opened(app, DataChoice("iris"), key="lenet5")
    assert "reads pictures" in texts(app)
    assert app.at.button(key="data_to_build")


def test_a_file_the_disk_does_not_let_go_of_stays_and_says_why(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.run()
    upload = check_upload(HOSTILE, "pets.csv", owner_folder(app.owner))
    opened(app)

    def refuse(path: Path, _: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        app.click(f"data_delete_{upload.id}")
    assert any(text.startswith("The file was not deleted") for text in app.said)
    app.shows_no_trouble()
    app.click(f"data_delete_{upload.id}")
    assert not [b for b in app.at.button if b.key == f"lw_mine_data_{upload.id}"]


def test_the_head_says_on_every_page_when_the_chosen_data_does_not_fit(app: App) -> None:
    opened(app, DataChoice("iris"))
    assert app.at.button(key="lw_data_bad").label == "Iris · does not fit"
    assert "takes N×64" in app.at.button(key="lw_data_bad").help
    app.at.switch_page("pages/build.py").run()
    assert app.at.button(key="lw_data_bad").label == "Iris · does not fit"
    app.at.switch_page("pages/data.py").run()
    app.click("data_fit")
    assert app.at.button(key="lw_data").label == "Iris"
    app.shows_no_trouble()
