"""Weights as safetensors, with their proof in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from builder.code.registry import style_for
from builder.errors import ExportRefused
from builder.export.proof import Proof, promised
from builder.export.proving import hold, job, run_clean, workplace
from builder.export.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor


def export_weights(subject: Subject) -> tuple[bytes, Proof]:
    """The file and its proof: loaded strictly into the written model, which gives the same output.

    Errors: ExportRefused, also where the proof fails.
    """
    if subject.by_hand or not subject.state:
        raise ExportRefused(
            "The style “manual” has no state_dict to save. Choose another style."
            if subject.by_hand
            else "This network has no weights to save."
        )
    proof = promised(
        subject,
        f"the weights ({len(subject.state)} tensors) were loaded strictly into the model as Layerwise "
        f"writes it in the style “{style_for(subject.style).title}”, which was run",
    )
    content = as_safetensors(subject.state, proof)
    with workplace() as folder:
        (folder / "model.py").write_text(subject.source, "utf-8")
        (folder / "weights.safetensors").write_bytes(content)
        task = job(folder, subject, "model", file="model.py", weights="weights.safetensors")
        run_clean(folder, [task])
        hold(folder, subject, task)
    return content, proof


def as_safetensors(tensors: Mapping[str, Tensor], proof: Proof | None) -> bytes:
    """The bytes of a safetensors file; tied weights stand in it under each of their names."""
    from safetensors import SafetensorError
    from safetensors.torch import save

    about = {"layerwise_proof": json.dumps(proof.to_json())} if proof is not None else None
    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    try:
        return save(own, about)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ExportRefused(f"These weights cannot be saved as safetensors: {error}.") from error
