"""Files to take along: each is run in a clean interpreter, and a proof that fails blocks it."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import builder
from builder import cli, gallery
from builder.code import source_module
from builder.code.building import network_class
from builder.errors import CodeRefused, ExportRefused, LayerwiseError, NotFound
from builder.export import FORMATS, export_project
from builder.export.proving import answers_of, hold, job, workplace
from builder.export.python_file import export_files, export_py
from builder.export.subject import Subject, subject_of
from builder.graph.model import Graph
from tests.code.networks import Net, chain
from tests.code.weight_networks import opaque


def small(name: str = "Small") -> Graph:
    graph = chain(
        ("fc1", "Linear", {"out_features": 8}),
        ("relu", "ReLU", {}),
        ("drop", "Dropout", {"p": 0.5}),
        ("fc2", "Linear", {"out_features": 3}),
    )
    return replace(graph, name=name)


def test_a_python_file_says_at_its_top_what_was_proven() -> None:
    exported = export_project(small(), "py")
    assert exported.name == "small.py"
    head = exported.content.decode().split("\n\n")[0].splitlines()
    assert all(line.startswith("# ") for line in head)
    said = " ".join(line.removeprefix("# ").strip() for line in head)
    assert f"torch {torch.__version__}" in said
    assert "its state_dict (4 tensors) loaded strictly" in said
    assert "float32 (4, 16); output: float32 (4, 3)" in said
    assert "in eval and training mode: 0.0 (equal bit for bit)" in said
    ast.parse(exported.content)
    source = exported.content.decode()
    assert network_class(source_module(source)).__name__ == "Small"


def test_every_style_is_proven_by_one_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.code import styles

    monkeypatch.setenv("LAYERWISE_OWN_CODE", "1")
    subjects = [subject_of(small(), style) for style in styles()]
    own = subject_of(opaque("N×3"))
    *made, theirs = export_files([*subjects, own])
    assert b"# Code of your own, as it was given:" in theirs[0]
    assert [proof.tolerance for _, proof in made] == [0.0] * 5 + [1e-4]
    assert list(subjects[0].state) == ["0.weight", "0.bias", "3.weight", "3.bias"]
    assert b"By hand the sums are in another order" in made[-1][0]


LOOKS = """import os, sys

assert not any("LAYERWISE" in k or "PYTHON" in k for k in os.environ)
assert sys.flags.isolated and "/secret" not in sys.path
"""


def test_what_is_wrong_with_a_file_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAYERWISE_HOME", "/secret")
    monkeypatch.setenv("PYTHONPATH", "/secret")
    right = subject_of(small())
    other_state = {name.replace("fc2", "head"): value for name, value in right.state.items()}
    more = {**right.state, "fc3.weight": torch.zeros(1)}

    def changed(old: str, new: str) -> Subject:
        assert old in right.source
        return replace(right, source=right.source.replace(old, new))

    cases = {
        "": replace(right, source=LOOKS + right.source),  # it sees nothing of this process
        "in eval mode the output differs from the network's by": changed("ReLU()", "Tanh()"),
        "in train mode the output differs from": changed("nn.Dropout()", "nn.Dropout(0.4)"),
        "another shape or type": changed("return x", "return x[:1]"),
        "2 tensors came out where the network gives": changed("return x", "return x, x"),
        "Missing key": replace(right, state=other_state),
        "Unexpected key": replace(right, state=more),
        "builder": replace(right, source="import builder\n" + right.source),
        "SystemExit": replace(right, source="raise SystemExit(0)\n" + right.source),
    }
    with workplace() as folder:
        jobs = []
        for number, subject in enumerate(cases.values()):
            (folder / f"{number}.py").write_text(subject.source, "utf-8")
            jobs.append(job(folder, subject, "model", str(number), file=f"{number}.py"))
        answers = answers_of(folder, jobs)
        for (sentence, subject), task, answer in zip(cases.items(), jobs, answers, strict=True):
            if not sentence:
                assert "error" not in answer and hold(folder, subject, task) == 0.0
            elif "error" in answer:
                assert sentence in answer["error"], answer
            else:
                with pytest.raises(ExportRefused) as refused:
                    hold(folder, subject, task)
                assert "proof failed, so nothing is exported" in str(refused.value)
                assert sentence in str(refused.value)


def test_a_failing_proof_blocks_the_export() -> None:
    subject = subject_of(small())
    with pytest.raises(ExportRefused, match=r"proof failed, so nothing is exported: .*boom"):
        export_py(replace(subject, source=subject.source + "\nraise ValueError('boom')\n"))


def test_a_file_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(small())
    monkeypatch.setattr("builder.export.proving.PROOF_SECONDS", 1.0)
    with pytest.raises(ExportRefused, match="not done after 1 seconds"):
        export_py(replace(subject, source="while True:\n    pass\n"))


def test_an_interpreter_that_dies_is_named() -> None:
    subject = subject_of(small())
    with pytest.raises(ExportRefused, match="ended without an answer"):
        export_py(replace(subject, source="import os\n\nos.abort()\n"))


def test_weights_are_saved_with_their_proof_and_load_into_the_style(tmp_path: Path) -> None:
    exported = export_project(small(), "safetensors", style="ordered")
    path = tmp_path / exported.name
    path.write_bytes(exported.content)
    with safe_open(path, framework="pt") as file:
        assert sorted(file.keys()) == ["fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"]
        proof = json.loads(file.metadata()["layerwise_proof"])
    assert (proof["max_difference"], proof["modes"], proof["seed"]) == (0.0, ["eval", "train"], 0)


def test_tied_weights_are_saved_and_loaded() -> None:
    net = Net("Tied")
    x = net.input("x", "N", 5, dtype="int64")
    e = net.layer("emb", "Embedding", x, num_embeddings=11, embedding_dim=6)
    net.output(net.layer("head", "Linear", e, out_features=11, bias=False))
    net.tie("head", "weight", "emb", "weight")
    assert export_project(net.graph(), "safetensors").proof is not None


def test_trained_weights_go_along(tmp_path: Path) -> None:
    project = gallery.project("moons_mlp")
    run = builder.train(project, "moons", folder=tmp_path / "run", epochs=2)
    exported = export_project(project, "safetensors", run=tmp_path / "run", epoch=1)
    path = tmp_path / exported.name
    path.write_bytes(exported.content)
    wanted = run.state_dict(1)
    with safe_open(path, framework="pt") as file:
        assert all(torch.equal(file.get_tensor(k), v) for k, v in wanted.items())
    assert (
        exported.proof is not None and exported.proof.weights == "of a training run after epoch 1"
    )
    changed = replace(project, graph=small())
    with pytest.raises(ExportRefused, match="The network has changed since this run trained it"):
        export_project(changed, "py", run=run)
    with pytest.raises(ExportRefused, match="“manual” has no state_dict"):
        export_project(project, "py", run=run, style="manual")
    with pytest.raises(NotFound, match="epoch 7 are not kept"):
        export_project(project, "py", run=run, epoch=7)


def test_pictures_need_no_proof() -> None:
    svg, png = (export_project(small(), to) for to in ("svg", "png"))
    assert svg.content.startswith(b"<svg") and png.content.startswith(b"\x89PNG")
    assert svg.proof is None and (svg.name, png.name) == ("small.svg", "small.png")


def test_own_code_is_refused_unless_the_owner_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAYERWISE_OWN_CODE", raising=False)
    for to in ("py", "zip", "ipynb", "safetensors", "pt2", "onnx"):
        with pytest.raises(CodeRefused, match="LAYERWISE_OWN_CODE=1"):
            export_project(opaque("N×16"), to)


@pytest.mark.parametrize(
    ("to", "given", "sentence"),
    [
        ("pdf", {}, "There is no export format “pdf”."),
        ("pt", {}, "Did you mean “pt2”?"),
        ("py", {"style": "modul"}, "There is no code style “modul”. Did you mean “module”?"),
        ("py", {"epochs": 3}, "Python file holds no training: leave out epochs."),
        ("py", {"epoch": 3}, "name the run too"),
        ("zip", {}, "no data is chosen"),
        ("zip", {"data": "digitz"}, "Did you mean “digits”?"),
        ("pt2", {"style": "manual"}, "makes no nn.Module"),
        ("safetensors", {"style": "manual"}, "has no state_dict"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_sentence(
    to: str, given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(LayerwiseError) as refused:
        export_project(small(), to, **given)  # type: ignore[arg-type]
    assert sentence in str(refused.value)


def test_a_network_with_a_problem_is_not_exported() -> None:
    graph = chain(("fc", "Linear", {"in_features": 5, "out_features": 2}))
    with pytest.raises(ExportRefused, match="does not run yet: "):
        export_project(graph, "py")


def test_a_network_that_is_too_large_is_refused_before_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("builder.export.subject.MAX_BYTES", 500)
    with pytest.raises(ExportRefused, match="to be run once, and an export is proven up to"):
        export_project(small(), "py")


def test_minus_zero_is_another_bit_and_nan_the_same() -> None:
    subject = subject_of(small())
    values = torch.tensor([0.0, float("nan"), float("inf")])
    with workplace() as folder:
        task = {**job(folder, subject, "model"), "training": False}
        for given, fine in ((values, True), (-values, False)):
            torch.save({"eval": given}, folder / task["outputs"])
            wanted = replace(subject, expected={"eval": values})
            if fine:
                assert hold(folder, wanted, task) == 0.0
            else:
                with pytest.raises(ExportRefused):
                    hold(folder, wanted, task)


def test_the_command_writes_the_file_and_says_the_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.py"
    assert (
        cli.main(["export", "moons_mlp", "--to", "py", "--style", "ordered", "-o", str(out)]) == 0
    )
    assert "Max difference from the network in Layerwise" in capsys.readouterr().err
    assert "OrderedDict" in out.read_text("utf-8")
    assert cli.main(["export", "moons_mlp", "--to", "exe"]) == 2
    assert "There are: py, zip, ipynb" in capsys.readouterr().err
    assert cli.main(["export", str(tmp_path / "none.json"), "--to", "py"]) == 2


def test_every_format_is_one_entry() -> None:
    assert list(FORMATS) == ["py", "zip", "ipynb", "safetensors", "pt2", "onnx", "svg", "png"]
    assert all(f.suffix == f".{f.key}" and f.help.endswith(".") for f in FORMATS.values())
