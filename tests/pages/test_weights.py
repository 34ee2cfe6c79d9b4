"""Weights of one's own in AppTest: brought on a page, shown on Inspect, taken up by Train, taken away."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from builder.code import build_module
from builder.gallery import project
from builder.graph.edits import SetArgument
from builder.training import supervisor as supervisor_module
from builder.training.own_weights import weights_beside
from builder.training.supervisor import get_supervisor
from builder.ui.project_weights import keep_weights, kept_weights
from builder.ui.projects import project_path
from tests.pages.app import App


@pytest.fixture(autouse=True)
def _no_worker_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(supervisor_module, "KEEP_A_WORKER_WARM", False)
    yield
    get_supervisor().close()


def state() -> dict[str, Tensor]:
    torch.manual_seed(7)
    found = build_module(project("moons_mlp").graph).state_dict()
    return {name: torch.rand_like(value) for name, value in found.items()}


def with_weights(app: App, tmp_path: Path, page: str, name: str = "mine.safetensors") -> App:
    """A project with weights, kept before the page is opened."""
    app.open("gallery", project("moons_mlp"))
    app.run()
    (tmp_path / "mine.safetensors").write_bytes(save(state()))
    keep_weights(app.owner, app.session.work.id, app.graph, tmp_path / "mine.safetensors", name)
    app.at.switch_page(f"pages/{page}.py").run()
    return app


def bring(app: App, page: str, name: str, content: bytes) -> App:
    [field] = [f for f in app.at.file_uploader if f.key.startswith(f"lw_weights_{page}_")]
    field.upload(name, content, "application/octet-stream").run()
    return app


def said(app: App) -> str:
    return "\n".join(app.said).replace("\\", "").replace("\u2060", "")


def captions(app: App) -> str:
    return "\n".join(c.value for c in app.at.caption).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize("page", ["code", "inspect"])
def test_a_checkpoint_is_brought_for_the_open_project(app: App, page: str) -> None:
    app.open(page, project("moons_mlp"))
    bring(app, page, "mine.safetensors", save(state()))
    assert "6 tensors of “mine.safetensors” are kept with this project." in said(app)
    assert "They fit the network: training starts from them." in captions(app)
    kept = kept_weights(app.owner, app.session.work.id)
    assert kept is not None and kept.name == "mine.safetensors"
    app.click(f"lw_weights_away_{page}")
    assert kept_weights(app.owner, app.session.work.id) is None
    app.shows_no_trouble()


def test_one_that_does_not_fit_is_said_in_one_sentence_and_not_kept(app: App) -> None:
    app.open("code", project("moons_mlp"))
    wrong = {**state(), "more": torch.zeros(1)}
    del wrong["fc3.bias"]
    wrong["fc1.weight"] = torch.zeros(5, 2)
    bring(app, "code", "wrong.safetensors", save(wrong))
    assert (
        "The weights were not kept: “wrong.safetensors” does not fit the network: the file lacks "
        "“fc3.bias”; the network lacks “more”; “fc1.weight” is 5×2 in the file and 16×2 in the "
        "network."
    ) in said(app)
    buffer = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), buffer)
    bring(app, "code", "whole.pt", buffer.getvalue())
    assert "nothing else is opened" in said(app)
    assert kept_weights(app.owner, app.session.work.id) is None
    app.shows_no_trouble()


def test_inspect_shows_them_of_a_project_without_a_run(app: App, tmp_path: Path) -> None:
    with_weights(app, tmp_path, "inspect")
    assert app.box("inspect_run").options == ["Your weights · mine.safetensors"]
    assert "Your file, before any training here." in captions(app)
    app.at.text_input(key="inspect_look_up").set_value("model.fc2.weight[0, :3]").run()
    assert app.at.code[-1].value == str(state()["fc2.weight"][0, :3])
    app.at.session_state["inspect_view"] = "Table"
    app.run()
    shown = next(d.value for d in app.at.dataframe if d.value.shape[0] == 16)
    wanted = state()["fc2.weight"].numpy()
    assert np.array_equal(shown.to_numpy()[:, -16:].astype(np.float32), wanted)
    assert list(app.at.dataframe[0].value[""]) == ["Your file"]
    app.shows_no_trouble()


def test_after_an_edit_they_are_called_unfit_where_they_are_used_and_undo_mends_it(
    app: App, tmp_path: Path
) -> None:
    with_weights(app, tmp_path, "code")
    app.session.work.edit(SetArgument("fc1", "out_features", 20))
    sentence = "Your weights (“mine.safetensors”) no longer fit the network: “fc1.weight” is 16×2"
    for page in ("code", "inspect", "train"):
        app.at.switch_page(f"pages/{page}.py").run()
        assert sentence in captions(app) + said(app), page
    assert "Training starts from fresh ones." in captions(app)
    assert not [t for t in app.at.toggle if t.key == "lw_t.start"]
    app.click("lw_undo")
    assert sentence not in captions(app)
    assert app.at.toggle(key="lw_t.start").value is True
    app.shows_no_trouble()


def test_train_starts_from_them_and_not_where_that_is_switched_off(
    app: App, tmp_path: Path
) -> None:
    with_weights(app, tmp_path, "train")
    app.at.number_input(key="lw_t.epochs").set_value(1).run()
    assert app.at.toggle(key="lw_t.start").value is True
    first = trained(app)
    assert first.start == "mine.safetensors"
    assert torch.equal(first.state_dict(0)["fc1.weight"], state()["fc1.weight"])
    assert "from mine.safetensors" in captions(app)
    app.at.toggle(key="lw_t.start").set_value(False).run()
    assert app.session.work.training["start"] == "drawn"
    assert trained(app).start is None
    app.shows_no_trouble()


def trained(app: App):  # type: ignore[no-untyped-def]
    app.click("lw_train")
    store = get_supervisor().store
    card = store.runs(app.owner)[0]
    end = time.monotonic() + 60
    while store.get(card.id, app.owner).active:
        assert time.monotonic() < end
        time.sleep(0.05)
    app.run()
    return store.open(card.id, app.owner)


def test_the_export_panel_takes_them_first_and_says_where_they_do_not_fit(
    app: App, tmp_path: Path
) -> None:
    with_weights(app, tmp_path, "code").click("lw_export_switch")
    app.at.radio(key="lw_export_format").set_value("safetensors").run()
    box = app.box("lw_export_weights")
    assert box.options == ["Your weights · mine.safetensors", "As PyTorch draws them, seed 0"]
    app.session.work.edit(SetArgument("fc1", "out_features", 20))
    app.run()
    box = app.box("lw_export_weights")
    assert box.options == ["As PyTorch draws them, seed 0"]
    assert "no longer fit the network" in box.help
    app.shows_no_trouble()


def test_a_name_of_html_and_markdown_stays_a_name(app: App, tmp_path: Path) -> None:
    with_weights(app, tmp_path, "train", "<b>:material/home: **x** $y$.safetensors")
    for page in ("train", "inspect", "code"):
        app.at.switch_page(f"pages/{page}.py").run()
        assert not [m for m in app.at.markdown if m.allow_html]
        app.shows_no_trouble()


def test_weights_that_were_cut_short_are_no_trouble(app: App, tmp_path: Path) -> None:
    with_weights(app, tmp_path, "code")
    path = weights_beside(project_path(app.owner, app.session.work.id))
    content = path.read_bytes()
    for cut in (len(content) - 40, 20, 0):
        path.unlink()
        path.write_bytes(content[:cut])
        for page in ("train", "inspect", "code"):
            app.at.switch_page(f"pages/{page}.py").run()
            app.shows_no_trouble()
    assert "are damaged. Bring them again." in captions(app)
