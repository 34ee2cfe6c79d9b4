"""Weights that a person brought: fitted, kept, taken up by a training, and given out by exports."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import builder
from builder import gallery
from builder.code import build_module, styles
from builder.code.registry import MANUAL
from builder.code.weight_files import MARK
from builder.code.weight_fit import fit_weights
from builder.errors import CodeRefused, ExportRefused, WeightsRefused
from builder.export import export_project
from builder.export.wish import Wish
from builder.graph.model import Graph
from builder.graph.project import Project
from builder.home import StorageRefused
from builder.training.headless import train
from builder.training.own_weights import (
    find_weights,
    is_ready,
    load_weights,
    share,
    take_in,
    weights_beside,
)
from builder.training.prepare import run_data
from tests.code.weight_networks import NETWORKS
from tests.training.support import fill, mounted

HEAD = "import torch\nfrom torch import nn\n"
TIED = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, x):
        return self.head(self.emb(x))
"""
)


def moons() -> Project:
    return gallery.project("moons_mlp")


def drawn(graph: Graph, style: str = "module", seed: int = 7) -> dict[str, Tensor]:
    """A state_dict of which no two tensors are equal."""
    torch.manual_seed(seed)
    found = build_module(graph, style).state_dict()
    return {n: torch.rand_like(v) if v.is_floating_point() else v for n, v in found.items()}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    save_file(drawn(moons().graph), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


# --- fitting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["moons_mlp", "lenet5", "residual", "unet", "siamese"])
def test_the_names_of_every_style_lead_to_the_same_network(design: str) -> None:
    graph = gallery.project(design).graph
    ours = build_module(graph).eval()
    inputs = [
        torch.rand(2, *(int(n) for n in node.spec.shape[1:]))
        for node in graph.inputs
        if node.spec is not None
    ]
    for style in styles():
        if style == MANUAL:
            continue
        try:
            theirs = build_module(graph, style).eval()
        except CodeRefused:
            continue
        theirs.load_state_dict(drawn(graph, style))
        state = theirs.state_dict()
        fit = fit_weights(graph, {name: tuple(value.shape) for name, value in state.items()})
        ours.load_state_dict({n: state[there] for n, there in fit.sources.items()}, strict=True)
        for a, b in zip(_listed(ours(*inputs)), _listed(theirs(*inputs)), strict=True):
            assert torch.equal(a, b), style


def _listed(value: Any) -> list[Tensor]:
    return list(value) if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_names_of_every_style_fit_tensors_of_every_kind(name: str) -> None:
    made = NETWORKS[name]
    graph = made() if callable(made) else made
    for style in styles():
        if style == MANUAL:
            continue
        try:
            theirs = build_module(graph, style).state_dict()
        except CodeRefused:
            continue
        if not theirs:
            continue
        fit = fit_weights(graph, {n: tuple(v.shape) for n, v in theirs.items()})
        assert fit.ok, (style, fit.sentence)
        assert list(fit.sources) == list(fit.dtypes)


def test_what_differs_is_one_sentence_that_names_it() -> None:
    graph = builder.read_code(HEAD + "model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))")
    shapes = {"0.weight": (2, 3), "0.bias": (2,), "1.weight": (4, 2), "2.bias": (1,)}
    fit = fit_weights(graph, shapes)
    assert fit.style == "sequential"
    assert fit.sentence == (
        "They do not fit: the file lacks “1.bias”; the network lacks “2.bias”; “1.weight” is 4×2 in "
        "the file and 1×2 in the network."
    )


# --- taking in ------------------------------------------------------------------------------------


def test_a_pt_file_becomes_safetensors_with_the_networks_names_and_types(tmp_path: Path) -> None:
    graph = moons().graph
    state = drawn(graph, "sequential")
    halves = {f"module.{name}": value.double() for name, value in state.items()}
    torch.save({"state_dict": halves, "epoch": 3}, tmp_path / "run.pt")
    into = tmp_path / "kept.safetensors"
    take_in(tmp_path / "run.pt", graph, into)
    kept = load_file(into)
    assert set(kept) == set(build_module(graph).state_dict())
    assert {value.dtype for value in kept.values()} == {torch.float32}
    assert torch.equal(kept["fc1.weight"], state["0.weight"])
    found = find_weights(into)
    assert found is not None and (found.name, found.tensors) == ("run.pt", len(state))


class _Runs:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return open, (self.path, "w")


def test_a_pickle_that_would_run_code_is_refused_everywhere_and_nothing_runs(
    tmp_path: Path,
) -> None:
    touched, project = tmp_path / "touched", moons()
    state: dict[str, Any] = dict(drawn(project.graph))
    with (tmp_path / "old.pt").open("wb") as file:
        pickle.dump(_Runs(str(touched)), file)
    torch.save({**state, "extra": _Runs(str(touched))}, tmp_path / "zip.pt")
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    (tmp_path / "lie.safetensors").write_bytes((tmp_path / "zip.pt").read_bytes())
    for name in ("old.pt", "zip.pt", "whole.pt", "lie.safetensors"):
        with pytest.raises(WeightsRefused, match="nothing else is opened"):
            take_in(tmp_path / name, project.graph, tmp_path / "kept.safetensors")
    with pytest.raises(WeightsRefused):
        train(project, "moons", folder=tmp_path / "run", weights=tmp_path / "zip.pt")
    assert not touched.exists()
    assert not (tmp_path / "kept.safetensors").exists() and not (tmp_path / "run").exists()


def test_what_is_no_plain_tensor_is_refused_by_its_name(tmp_path: Path) -> None:
    graph, into = moons().graph, tmp_path / "kept.safetensors"
    state = drawn(graph)
    odd = {
        "complex": state["fc1.weight"].to(torch.complex64),
        "sparse": state["fc1.weight"].to_sparse(),
    }
    for word, value in odd.items():
        torch.save({**state, "fc1.weight": value}, tmp_path / "odd.pt")
        with pytest.raises(WeightsRefused, match=f"“odd.pt” is not taken: “fc1.weight” .*{word}"):
            take_in(tmp_path / "odd.pt", graph, into)
    assert [p.name for p in tmp_path.iterdir()] == ["odd.pt"]


def test_a_tensor_that_claims_more_than_its_file_holds_is_refused(tmp_path: Path) -> None:
    graph = builder.read_code(HEAD + "model = nn.Sequential(nn.Linear(4000, 4000))")
    wide = torch.zeros(1, 1).expand(4000, 4000)  # one number on the disk
    key = next(iter(build_module_on_meta(graph)))
    torch.save({key: wide, key.replace("weight", "bias"): torch.zeros(4000)}, tmp_path / "wide.pt")
    assert (tmp_path / "wide.pt").stat().st_size < 200_000
    found = load_weights(graph, tmp_path / "wide.pt")  # what the network itself needs is allowed
    assert found[key].shape == (4000, 4000)
    with pytest.raises(WeightsRefused, match="does not fit"):
        torch.save({key: wide.expand(4000, 4000)[:1].expand(10**9, 4000)}, tmp_path / "far.pt")
        load_weights(graph, tmp_path / "far.pt")


def build_module_on_meta(graph: Graph) -> dict[str, Tensor]:
    with torch.device("meta"):
        return dict(build_module(graph).state_dict())


def test_tied_tensors_are_filled_in_and_must_agree(tmp_path: Path) -> None:
    graph = builder.read_code(TIED, inputs=["int64[N, 7]"])
    emb = torch.rand(10, 4)
    save_file({"emb.weight": emb}, tmp_path / "once.safetensors")
    found = load_weights(graph, tmp_path / "once.safetensors")
    assert torch.equal(found["head.weight"], emb) and torch.equal(found["emb.weight"], emb)
    take_in(tmp_path / "once.safetensors", graph, tmp_path / "kept.safetensors")
    assert is_ready(tmp_path / "kept.safetensors", graph)
    save_file({"emb.weight": emb, "head.weight": emb + 1}, tmp_path / "two.safetensors")
    with pytest.raises(WeightsRefused, match="are one tensor in the network, and differ"):
        load_weights(graph, tmp_path / "two.safetensors")


def test_what_was_found_equal_of_another_network_is_looked_at_again(tmp_path: Path) -> None:
    loose = builder.read_code(
        TIED.replace("        self.head.weight = self.emb.weight\n", ""), inputs=["int64[N, 7]"]
    )
    tied = builder.read_code(TIED, inputs=["int64[N, 7]"])
    state = {"emb.weight": torch.rand(10, 4), "head.weight": torch.rand(10, 4)}
    save_file(state, tmp_path / "two.safetensors")
    take_in(tmp_path / "two.safetensors", loose, tmp_path / "kept.safetensors")
    assert is_ready(tmp_path / "kept.safetensors", loose)
    assert not is_ready(tmp_path / "kept.safetensors", tied)
    with pytest.raises(WeightsRefused, match=r"“two\.safetensors” is not taken: .* are one tensor"):
        take_in(tmp_path / "kept.safetensors", tied, tmp_path / "other.safetensors")


def test_a_strangers_file_that_says_it_is_ours_is_taken_anew(
    tmp_path: Path, checkpoint: Path
) -> None:
    state = load_file(checkpoint)
    state["fc1.weight"] = state["fc1.weight"].to(torch.complex64)
    save_file(state, tmp_path / "forged.safetensors", {MARK: '{"file": "x", "ties": []}'})
    with pytest.raises(WeightsRefused, match="complex"):
        take_in(tmp_path / "forged.safetensors", moons().graph, tmp_path / "out", anew=True)


def test_a_full_disk_is_told_in_one_sentence_and_leaves_what_was(
    tmp_path: Path, checkpoint: Path
) -> None:
    with mounted(tmp_path / "disk", megabytes=1) as disk:
        into = disk / "net.weights.safetensors"
        take_in(checkpoint, moons().graph, into)
        before = into.read_bytes()
        fill(disk)
        with pytest.raises(StorageRefused, match="is full: nothing was written"):
            take_in(checkpoint, moons().graph, into)
        assert into.read_bytes() == before
        assert sorted(p.name for p in disk.iterdir()) == ["filler", into.name]


def test_a_second_name_shares_the_room(tmp_path: Path, checkpoint: Path) -> None:
    share(checkpoint, tmp_path / "copy.weights.safetensors")
    assert checkpoint.stat().st_nlink == 2


def test_weights_lie_beside_their_project() -> None:
    assert weights_beside(Path("a/net.json")) == Path("a/net.weights.safetensors")
    assert find_weights(Path("a/net.weights.safetensors")) is None


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mine.safetensors", "mine.pt"])
def test_training_starts_from_them_to_the_bit(tmp_path: Path, checkpoint: Path, name: str) -> None:
    project, state = moons(), load_file(checkpoint)
    torch.save(state, tmp_path / "mine.pt")
    run = train(
        project, "moons", folder=tmp_path / "run", weights=tmp_path / name, epochs=1, lr=0.01
    )
    assert run.state == "finished" and run.start == name
    begun = run.state_dict(0)
    assert set(begun) == set(state)
    assert all(torch.equal(begun[n], state[n]) for n in state)
    assert run.metrics()[0]["train"]["loss"] == first_loss(project, state, run.settings.batch_size)


def first_loss(project: Project, state: dict[str, Tensor], batch_size: int) -> float:
    """The mean loss of the first epoch, by a loop as one would write it."""
    data = run_data(builder.load_dataset("moons"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = build_module(project.graph)
    model.load_state_dict(state, strict=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    x, y = data.parts["train"]
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=batch_size, shuffle=True
    )
    total, rows = 0.0, 0
    for xs, ys in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xs), ys)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total, rows = total + loss.item() * len(ys), rows + len(ys)
    torch.set_num_threads(threads)
    return total / rows


def test_without_them_the_seed_draws_as_before(tmp_path: Path) -> None:
    run = train(moons(), "moons", folder=tmp_path / "run", epochs=1)
    assert run.start is None and not run.folder.start.exists()


def test_weights_that_do_not_fit_start_nothing(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(WeightsRefused, match="does not fit the network: "):
        train(gallery.project("digits_cnn"), "digits", folder=tmp_path / "run", weights=checkpoint)
    assert not (tmp_path / "run").exists()


# --- exports --------------------------------------------------------------------------------------


def test_exports_take_them(checkpoint: Path) -> None:
    project, state = moons(), load_file(checkpoint)
    made = export_project(project, "safetensors", weights=checkpoint)
    from safetensors.torch import load

    given = load(made.content)
    assert all(torch.equal(given[n], state[n]) for n in state)
    assert made.proof is not None and made.proof.weights == "of a file that was brought"


def test_a_project_trains_from_them_with_the_apps_own_losses(checkpoint: Path) -> None:
    made = export_project(
        moons(), "zip", weights=checkpoint, style="sequential", data="moons", epochs=2
    )
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert 'with_name("start.safetensors")' in archive.read("train.py").decode()
        assert "`start.safetensors`: the weights that train.py starts from." in (
            archive.read("README.md").decode()
        )
        proof = json.loads(archive.read("PROOF.json"))
    assert "equal to the last bit to those of Layerwise" in proof["more"][0]


def test_a_run_that_started_from_them_is_exported_with_its_start(
    tmp_path: Path, checkpoint: Path
) -> None:
    run = train(moons(), "moons", folder=tmp_path / "run", weights=checkpoint, epochs=1)
    made = export_project(moons(), "zip", run=run)
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        (tmp_path / "start.safetensors").write_bytes(archive.read("start.safetensors"))
    given, state = load_file(tmp_path / "start.safetensors"), load_file(checkpoint)
    assert all(torch.equal(given[n], state[n]) for n in state)


def test_a_wish_holds_to_the_very_file_that_was_asked_for(tmp_path: Path, checkpoint: Path) -> None:
    into = tmp_path / "net.weights.safetensors"
    take_in(checkpoint, moons().graph, into)
    found = find_weights(into)
    assert found is not None
    wish = Wish.of(moons(), "safetensors", weights=into, stamp=found.stamp)
    again = Wish.from_json(json.loads(json.dumps(wish.to_json())))
    assert again == wish and again.key == wish.key
    assert wish.key != Wish.of(moons(), "safetensors").key
    from safetensors.torch import load

    given = load(wish.carry_out().content)
    assert torch.equal(given["fc1.weight"], load_file(checkpoint)["fc1.weight"])
    take_in(checkpoint, moons().graph, into)
    with pytest.raises(ExportRefused, match="replaced or taken away"):
        wish.carry_out()


def test_a_run_and_a_file_are_not_taken_together(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(ExportRefused, match="leave one of them out"):
        export_project(moons(), "py", weights=checkpoint, run=tmp_path)


def test_a_notebook_says_why_it_does_not_train(checkpoint: Path) -> None:
    made = export_project(moons(), "ipynb", weights=checkpoint, data="moons")
    assert "What this training starts from, weights that were brought, is not part" in (
        made.content.decode()
    )
    assert "optimizer" not in made.content.decode()


def test_a_renamed_layer_makes_them_unfit(checkpoint: Path) -> None:
    from builder.graph.edits import Rename, apply

    graph = moons().graph
    changed = apply(graph, Rename("fc1", "first"))
    found = find_weights(checkpoint)
    assert found is not None
    assert fit_weights(graph, found.shapes).ok
    assert (
        "the network lacks “fc1.bias”, “fc1.weight”" in fit_weights(changed, found.shapes).sentence
    )
