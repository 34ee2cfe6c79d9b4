"""torch.export and ONNX: programs that run without this Python code."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from builder.errors import ExportRefused
from builder.export import export_project
from builder.export.programs import missing_for_onnx
from tests.code.networks import Net, chain
from tests.code.norm_networks import discriminator
from tests.export.test_files import small
from tests.graph.test_lengths import tagger

needs_onnx = pytest.mark.skipif(
    bool(missing_for_onnx()), reason=f"the extra “onnx” is not installed: {missing_for_onnx()}"
)


def test_a_pt2_file_gives_the_very_bits_for_any_batch() -> None:
    graph = chain(  # torch's own GraphModule has an attribute "code", which this layer would hide
        ("fc1", "Linear", {"out_features": 8}), ("code", "Linear", {"out_features": 3})
    )
    exported = export_project(graph, "pt2")
    assert exported.proof is not None
    assert (exported.proof.max_difference, exported.proof.more) == (0.0, ("Batch: any size.",))
    with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
        name = next(n for n in archive.namelist() if n.endswith("proof.json"))
        assert json.loads(archive.read(name))["tolerance"] == 0.0


@pytest.mark.parametrize("kind", ["pt2", pytest.param("onnx", marks=needs_onnx)])
def test_packed_sequences_are_in_no_program_and_one_sentence_says_why(kind: str) -> None:
    title = "torch.export" if kind == "pt2" else "ONNX"
    with pytest.raises(ExportRefused) as caught:
        export_project(tagger(), kind)
    assert str(caught.value) == (
        f"{title} cannot take this network: “rnn” reads packed sequences, so that sizes inside depend on "
        "the lengths in the data. Export the Python file and the weights, or take the lengths away."
    )
    proof = export_project(tagger(), "py").proof
    assert proof is not None and proof.max_difference == 0.0


@needs_onnx
def test_an_onnx_file_is_held_to_torch_in_onnxruntime(tmp_path: Path) -> None:
    import onnx

    net = Net("Two")
    a, b = net.input("a", "N", 4), net.input("b", "N", 3)
    both = net.op("both", "torch.cat", tensors=(a, b), dim=1)
    net.output(net.layer("fc", "Linear", both, out_features=2))
    exported = export_project(net.graph(), "onnx")
    path = tmp_path / exported.name
    path.write_bytes(exported.content)
    model = onnx.load(path)
    props = {p.key: p.value for p in model.metadata_props}
    proof = json.loads(props["layerwise_proof"])
    assert 0 <= proof["max_difference"] <= proof["tolerance"] == 1e-4
    assert [len(i.type.tensor_type.shape.dim) for i in model.graph.input] == [2, 2]


def test_onnx_that_is_not_installed_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("builder.export.programs.missing_for_onnx", lambda: ["onnx", "onnxruntime"])
    with pytest.raises(
        ExportRefused, match=r"^ONNX needs onnx and onnxruntime, not installed here"
    ):
        export_project(small(), "onnx")


def test_what_torch_cannot_export_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object) -> None:
        raise ExportRefused("The proof failed, so nothing is exported: “UserError: a guard”.")

    monkeypatch.setattr("builder.export.programs.run_clean", failed)
    with pytest.raises(ExportRefused, match="cannot take this network: torch says: “UserError"):
        export_project(small(), "pt2")


@pytest.mark.parametrize("kind", ["weight_norm", "parametrizations.spectral_norm"])
def test_computed_weights_are_exported_to_the_bit(kind: str) -> None:
    exported = export_project(discriminator(kind), "pt2")
    assert exported.proof is not None
    assert exported.proof.max_difference == 0.0


@needs_onnx
def test_orthogonal_weights_are_refused_by_onnx_in_one_sentence() -> None:
    said = "“conv1” keeps its weight orthogonal, for which ONNX has no operation"
    with pytest.raises(ExportRefused, match=said):
        export_project(discriminator("parametrizations.orthogonal"), "onnx")
