"""Weights kept with projects: quota, copies, what goes when a project goes, edits and Undo."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from builder.code import build_module
from builder.errors import WeightsRefused
from builder.gallery import project
from builder.graph.edits import AddNode, Rename, SetArgument
from builder.graph.model import Graph
from builder.home import StorageRefused
from builder.training import JobRequest, Store, Supervisor, TrainingSettings
from builder.training.own_weights import weights_beside
from builder.ui import opened, own_weights, project_weights, projects, session
from builder.ui.owner import new_token
from builder.ui.session import Session
from tests.training.support import fill, moons, mounted, wait_until

ID = "abcdefgh"


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LAYERWISE_HOME", str(tmp_path / "home"))
    return new_token()


@pytest.fixture
def state(tmp_path: Path) -> dict[str, Tensor]:
    torch.manual_seed(7)
    found = build_module(graph()).state_dict()
    made = {name: torch.rand_like(value) for name, value in found.items()}
    save_file(made, tmp_path / "mine.safetensors")
    return made


def graph() -> Graph:
    return project("moons_mlp").graph


def keep(owner: str, tmp_path: Path, project_id: str = ID) -> project_weights.OwnWeights:
    if not projects.project_path(owner, project_id).exists():
        projects.write_project(owner, project_id, project("moons_mlp"), None)
    path = tmp_path / "mine.safetensors"
    return project_weights.keep_weights(owner, project_id, graph(), path, "mine.safetensors")


def names(owner: str) -> list[str]:
    folder = projects.project_path(owner, ID).parent
    return sorted(p.name for p in folder.iterdir())


def test_they_lie_beside_the_project_and_go_with_it(
    owner: str, tmp_path: Path, state: dict[str, Tensor]
) -> None:
    kept = keep(owner, tmp_path)
    assert (kept.name, kept.tensors) == ("mine.safetensors", 6)
    assert names(owner) == ["abcdefgh.json", "abcdefgh.weights.safetensors"]
    assert all(torch.equal(load_file(kept.path)[n], state[n]) for n in state)
    assert [card.id for card in projects.list_projects(owner)] == [ID]
    projects.delete_project(owner, ID)
    assert names(owner) == []


@pytest.mark.usefixtures("state")
def test_a_project_that_is_not_saved_keeps_none(owner: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match="Save this one first"):
        project_weights.keep_weights(
            owner, ID, graph(), tmp_path / "mine.safetensors", "mine.safetensors"
        )


@pytest.mark.usefixtures("state")
def test_what_one_owner_may_keep_is_bounded_and_copies_share_it(
    owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keep(owner, tmp_path)
    monkeypatch.setattr(project_weights, "MAX_BYTES", first.bytes + 100)
    projects.write_project(owner, "ijklmnop", project("moons_mlp"), None)
    with pytest.raises(WeightsRefused, match=r"1\.4 KiB.*of your .* Take those of another project"):
        keep(owner, tmp_path, "ijklmnop")
    project_weights.copy_weights(owner, ID, "ijklmnop")
    assert project_weights.bytes_kept(owner) == first.bytes
    project_weights.remove_weights(owner, "ijklmnop")
    project_weights.remove_weights(owner, "ijklmnop")
    assert keep(owner, tmp_path).bytes == first.bytes  # in place of the old ones
    assert project_weights.kept_weights(owner, "ijklmnop") is None


@pytest.mark.usefixtures("state")
def test_what_is_left_behind_is_swept_when_others_are_kept(owner: str, tmp_path: Path) -> None:
    folder = keep(owner, tmp_path).path.parent
    (folder / "gonegone.weights.safetensors").write_bytes(b"0")
    for name, age in (
        (".x.weights.safetensors.1-1.tmp", 7200),
        (".y.weights.safetensors.1-2.tmp", 0),
    ):
        (folder / name).write_bytes(b"0")
        os.utime(folder / name, (time.time() - age,) * 2)
    keep(owner, tmp_path)
    assert names(owner) == [
        ".y.weights.safetensors.1-2.tmp", "abcdefgh.json", "abcdefgh.weights.safetensors",
    ]  # fmt: skip


@pytest.mark.usefixtures("state")
def test_a_full_disk_is_told_and_the_old_weights_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "disk", megabytes=1) as disk:
        monkeypatch.setenv("LAYERWISE_HOME", str(disk))
        owner = new_token()
        before = keep(owner, tmp_path)
        fill(disk)
        with pytest.raises(StorageRefused, match="is full: nothing was written"):
            keep(owner, tmp_path)
        assert project_weights.kept_weights(owner, ID) == before


# --- in a session ---------------------------------------------------------------------------------


@pytest.fixture
def here(owner: str, monkeypatch: pytest.MonkeyPatch) -> Session:
    held = Session(owner)
    monkeypatch.setattr(session, "_find", [lambda: held])
    opened.new_project(project("moons_mlp"))
    return held


@pytest.fixture
def brought(here: Session, tmp_path: Path, state: dict[str, Tensor]) -> Callable[[], str]:
    """Weights kept with the open project; gives why they do not fit now."""
    file = io.BytesIO((tmp_path / "mine.safetensors").read_bytes())
    file.name = "mine.safetensors"
    assert own_weights.bring(file), here.messages

    def sentence() -> str:
        kept = own_weights.own_weights()
        assert kept is not None
        return kept.sentence

    return sentence


def test_an_edit_of_a_name_or_a_shape_makes_them_unfit_and_undo_fit(
    brought: Callable[[], str],
) -> None:
    assert brought() == ""
    assert opened.edit(SetArgument("fc1", "out_features", 20))
    assert brought() == (
        "Your weights (“mine.safetensors”) no longer fit the network: “fc1.weight” is 16×2 in the file "
        "and 20×2 in the network; “fc1.bias” is 16 in the file and 20 in the network; “fc2.weight” is "
        "16×16 in the file and 16×20 in the network. Undo the edit, or bring others."
    )
    opened.undo()
    assert brought() == ""
    assert opened.edit(Rename("fc1", "first"))
    assert "the file lacks “first.weight”, “first.bias”; the network lacks “fc1" in brought()
    opened.undo()
    assert opened.edit(AddNode("torch.nn.ReLU", after="fc1"))
    assert brought() == ""  # nothing of the names and shapes has changed


def test_a_network_with_a_problem_says_what_it_waits_for(brought: Callable[[], str]) -> None:
    assert opened.edit(SetArgument("fc1", "out_features", -4))
    assert brought()
    opened.undo()
    assert brought() == ""


def test_a_copy_has_them_too_and_is_on_its_own(here: Session, brought: Callable[[], str]) -> None:
    assert here.work is not None
    source = here.work.id
    opened.duplicate_project()
    assert here.work.id != source and brought() == ""
    projects.delete_project(here.owner, source)
    assert brought() == ""
    own_weights.take_away()
    assert own_weights.own_weights() is None


def test_a_design_with_weights_of_ones_own_is_no_untouched_copy(
    here: Session, brought: Callable[[], str]
) -> None:
    assert brought() == "" and here.work is not None
    assert (
        opened.open_design(project("moons_mlp")) != here.work or own_weights.own_weights() is None
    )


def test_what_does_not_fit_is_not_kept_and_said(here: Session) -> None:
    file = io.BytesIO()
    torch.save({"fc1.weight": torch.zeros(3)}, file)
    file.name = "other.pt"
    assert not own_weights.bring(file)
    assert "“other.pt” does not fit the network: the file lacks" in here.messages[-1][1]
    assert own_weights.own_weights() is None


def test_a_run_of_the_page_starts_from_them_and_shares_the_file(
    here: Session, brought: Callable[[], str], state: dict[str, Tensor], tmp_path: Path
) -> None:
    assert brought() == ""
    kept = own_weights.own_weights()
    assert kept is not None
    data = moons()
    supervisor = Supervisor(Store(tmp_path / "runs"))
    try:
        settings = TrainingSettings(epochs=1)
        request = JobRequest(project("moons_mlp"), data, settings, here.owner, weights=kept.path)
        run_id = supervisor.start(request)
        wait_until(lambda: not supervisor.store.get(run_id, here.owner).active, 60)
        run = supervisor.store.open(run_id, here.owner)
        own_weights.take_away()
        assert run.start == "mine.safetensors"
        assert supervisor.store.get(run_id, here.owner).summary["start"] == "mine.safetensors"
        begun = run.state_dict(0)
        assert all(torch.equal(begun[n], state[n]) for n in state)
    finally:
        supervisor.close()


def test_weights_lie_where_the_project_lies(owner: str) -> None:
    path = weights_beside(projects.project_path(owner, ID))
    assert path.name == "abcdefgh.weights.safetensors"
