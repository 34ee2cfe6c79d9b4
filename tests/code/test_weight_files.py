"""Checkpoints beside a network: strict names and shapes, and files that want to be more than tensors."""

from __future__ import annotations

import json
import pickle
import threading
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

import builder
from builder.code import weight_files
from builder.code.weight_files import read_shapes
from builder.code.weight_fit import fit_weights
from builder.errors import WeightsRefused

HEAD = "import torch\nfrom torch import nn\n"


def test_a_wrappers_prefix_is_left_off_and_said() -> None:
    graph = builder.read_code(HEAD + "model = nn.Sequential(nn.Linear(3, 2))")
    fit = fit_weights(graph, {"module.0.weight": (2, 3), "module.0.bias": (2,)})
    assert fit.ok
    assert fit.sentence == (
        "All 2 tensors fit, by name and by shape of the style “nn.Sequential”; “module.” before each "
        "name is left off."
    )


def test_a_tied_tensor_is_in_the_file_once() -> None:
    graph = builder.read_code(
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
    assert fit_weights(graph, {"emb.weight": (10, 4)}).ok
    assert fit_weights(graph, {"emb.weight": (10, 4), "head.weight": (10, 4)}).ok
    assert fit_weights(graph, {}).missing == ("emb.weight", "head.weight")


class _Runs:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return open, (self.path, "w")


def test_a_pickle_that_runs_something_is_refused_and_does_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    with (tmp_path / "net.pt").open("wb") as file:
        pickle.dump(_Runs(str(touched)), file)
    torch.save({"a": _Runs(str(touched))}, tmp_path / "zip.pt")
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    for name in ("net.pt", "zip.pt", "whole.pth"):
        with pytest.raises(WeightsRefused, match="holds no tensors"):
            read_shapes(tmp_path / name)
    assert not touched.exists()


def test_a_bomb_is_refused_by_its_numbers(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", b"0" * 40_000_000)
        archive.writestr("net/version", "3")
    with pytest.raises(WeightsRefused, match="40 MB beside its tensors"):
        read_shapes(tmp_path / "net.pt")


@pytest.mark.parametrize("form", ["archive", "file of before 2020"])
def test_a_pickle_that_would_be_at_work_for_long_is_refused(tmp_path: Path, form: str) -> None:
    """Some kilobytes once packed, and a minute of a processor."""
    busy = b"\x80\x02" + b"]" * 15_000_000 + b"."
    if form == "archive":
        with zipfile.ZipFile(tmp_path / "net.pt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("net/data.pkl", busy)
            archive.writestr("net/version", "3")
    else:
        (tmp_path / "net.pt").write_bytes(busy)
    with pytest.raises(WeightsRefused) as refusal:
        read_shapes(tmp_path / "net.pt")
    assert str(refusal.value) == (
        "“net.pt” is not opened: it does more than 1,000,000 things beside its tensors. Save only its "
        "state_dict."
    )


def test_thousands_of_tensors_are_opened(tmp_path: Path) -> None:
    many = {f"layers.{i}.self_attn.q_proj.weight": torch.zeros(2) for i in range(3000)}
    for new in (True, False):
        torch.save(many, tmp_path / "net.pt", _use_new_zipfile_serialization=new)
        assert len(read_shapes(tmp_path / "net.pt")) == 3000


def test_a_file_waits_only_so_long_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"w": torch.zeros(2)}, tmp_path / "net.pt")
    monkeypatch.setattr(weight_files, "_AT_ONCE", threading.BoundedSemaphore(1))
    monkeypatch.setattr(weight_files, "_WAIT_SECONDS", 0.1)
    with weight_files._AT_ONCE, pytest.raises(WeightsRefused, match="not opened within"):
        read_shapes(tmp_path / "net.pt")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 7, b"\xff" * 8, b"\x02" + b"\x00" * 7 + b"[]", b"\x20" + b"\x00" * 7 + b"{"],
    ids=["empty", "short", "large", "list", "cut"],
)
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.safetensors").write_bytes(content)
    with pytest.raises(WeightsRefused):
        read_shapes(tmp_path / "net.safetensors")


def test_another_ending_says_which_are_read(tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match=r"\.safetensors"):
        read_shapes(tmp_path / "net.pickle")


@pytest.mark.parametrize("shape", [[1] * 65, [2**63], [10**4000]])
def test_a_shape_that_no_tensor_has_is_refused(tmp_path: Path, shape: list[int]) -> None:
    head = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(4))
    with pytest.raises(WeightsRefused) as refusal:
        read_shapes(path)
    assert len(str(refusal.value)) < 400
