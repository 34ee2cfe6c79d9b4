"""Programs that run without this Python code: torch.export's .pt2, and ONNX."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Final

from builder.catalogue.packing import LENGTHS, packs
from builder.errors import ExportRefused, quote
from builder.export.proof import Proof, promised
from builder.export.proving import hold, job, run_clean, workplace
from builder.export.subject import Subject
from builder.graph.blocks import graphs
from builder.graph.model import TensorSpec
from builder.graph.words import entry_of

ONNX_TOLERANCE: Final = 1e-4
"""Relative to the largest value: onnxruntime has kernels of its own, which round in another order."""


FAST_PATH_TOLERANCE: Final = 1e-5
"""Relative too: torch fuses these layers in eval mode, and torch.export writes their steps out."""
_FUSED: Final = frozenset(
    f"torch.nn.{name}"
    for name in (
        "MultiheadAttention",
        "Transformer",
        "TransformerEncoder",
        "TransformerEncoderLayer",
    )
)


def export_pt2(subject: Subject) -> tuple[bytes, Proof]:
    """The .pt2 file and its proof, which stands in it as proof.json.

    Errors: ExportRefused, also where torch cannot export the network.
    """
    fused = any(o.target in _FUSED for _, g in graphs(subject.graph) for o in g.owners.values())
    tolerance = FAST_PATH_TOLERANCE if fused else 0.0
    return _exported(subject, "pt2", tolerance, "the program was loaded by torch.export and run")


def export_onnx(subject: Subject) -> tuple[bytes, Proof]:
    """The .onnx file and its proof, which stands in its metadata.

    Errors: ExportRefused, also where the extra is not installed.
    """
    if sentence := why_no_onnx():
        raise ExportRefused(sentence)
    what = "the program was checked by onnx and run by onnxruntime"
    return _exported(subject, "onnx", ONNX_TOLERANCE, what)


def why_no_onnx() -> str:
    """What is missing for ONNX, and how to get it; "" where all of it is here."""
    missing = missing_for_onnx()
    if not missing:
        return ""
    return (
        f"ONNX needs {' and '.join(missing)}, not installed here: "
        "`pip install -e .[onnx]` brings what it needs."
    )


def missing_for_onnx() -> list[str]:
    """The packages of the extra “onnx” that are not here."""
    needed = ("onnx", "onnxscript", "onnxruntime")
    return [name for name in needed if importlib.util.find_spec(name) is None]


def _exported(subject: Subject, kind: str, tolerance: float, what: str) -> tuple[bytes, Proof]:
    if subject.by_hand:
        raise ExportRefused("The style “manual” makes no nn.Module. Choose another style.")
    proof = promised(subject, what, modes=("eval",), tolerance=tolerance)
    with workplace() as folder:
        (folder / "model.py").write_text(subject.source, "utf-8")
        file = f"program.{kind}"
        make = job(
            folder, subject, f"make_{kind}", file="model.py", gives=file,
            batch_axes=_batch_axes(subject), proof=proof.to_json(),
        )  # fmt: skip
        try:
            batch = run_clean(folder, [make])[0]["batch"]
        except ExportRefused as refusal:
            owners = (o for _, g in graphs(subject.graph) for o in g.owners.values())
            kept = next((o for o in owners for n in o.norms if n.kind.endswith("orthogonal")), None)
            if kind == "onnx" and kept is not None:
                raise ExportRefused(
                    f"ONNX cannot take this network: {quote(kept.name)} keeps its weight orthogonal, for which "
                    "ONNX has no operation. Take that away, or export it as .pt2."
                ) from refusal
            told = str(refusal).replace("The proof failed, so nothing is exported", "torch says")
            title = "torch.export" if kind == "pt2" else "ONNX"
            if packed := _packed(subject):
                told = (
                    f"{quote(packed)} reads packed sequences, so that sizes inside depend on the lengths "
                    "in the data. Export the Python file and the weights, or take the lengths away."
                )
            raise ExportRefused(f"{title} cannot take this network: {told}") from refusal
        task = job(folder, subject, kind, file=file)
        run_clean(folder, [task])
        found = hold(folder, subject, task, tolerance)
        content = (folder / file).read_bytes()
    more: tuple[str, ...] = (f"Batch: {batch}.",)
    if kind == "pt2" and found:
        more += ("In eval mode torch fuses its transformer layers; here their steps stand.",)
    return content, replace(proof, max_difference=found, more=more)


def _packed(subject: Subject) -> str:
    """The name of a layer that is told how long each sequence is; "" where none is."""
    for _, graph in graphs(subject.graph):
        for node in graph.nodes.values():
            if packs(entry_of(graph, node)) and node.arguments.get(LENGTHS) is not None:
                return graph.label(node.id)
    return ""


def _batch_axes(subject: Subject) -> list[list[int]]:
    """Of each input the axes that are the batch, alone."""
    specs = [subject.report.nodes[node.id].result for node in subject.graph.inputs]
    return [
        [axis for axis, size in enumerate(spec.shape) if size == "N"]
        if isinstance(spec, TensorSpec)
        else []
        for spec in specs
    ]
