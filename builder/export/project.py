"""The project as a zip: the model, its weights, a training one can read, and the proof of all of it."""

from __future__ import annotations

import importlib.metadata
import json
import zipfile
from io import BytesIO
from typing import Final

from builder.errors import ExportRefused
from builder.export.archive import zipped
from builder.export.data_script import DataScript, data_script
from builder.export.names import as_comment
from builder.export.proof import Proof, promised
from builder.export.proving import hold, job, run_clean, workplace
from builder.export.subject import Subject
from builder.export.training_proof import app_figures, hold_history, promised_history
from builder.export.training_script import START, train_script
from builder.export.weights import as_safetensors
from builder.graph.size import format_bytes
from builder.training.prepare import Plan

MAX_ROWS_BYTES: Final = 512 << 20
"""Of rows in a zip."""
WEIGHTS: Final = "weights.safetensors"


def export_zip(subject: Subject, plan: Plan, title: str) -> tuple[bytes, Proof]:
    """The zip and its proof: unpacked, imported, run, and its train.py held to the app's losses.

    Errors: ExportRefused, also where the proof fails.
    """
    if subject.by_hand:
        raise ExportRefused(
            "The style “manual” makes no nn.Module that train.py could train. Choose another style, or "
            "export the file alone."
        )
    if plan.data.bytes > MAX_ROWS_BYTES:
        raise ExportRefused(
            f"The rows take {format_bytes(plan.data.bytes)}, and a project holds up to "
            f"{format_bytes(MAX_ROWS_BYTES)} of them. Choose less data."
        )
    with workplace() as folder:
        app = app_figures(plan, folder)
        proof = promised(
            subject,
            f"model.py was imported, {WEIGHTS} ({len(subject.state)} tensors) loaded strictly, and "
            "train.py run",
            more=(promised_history(app),),
        )
        content = zipped(_files(subject, plan, title, proof))
        place = folder / "project"
        with zipfile.ZipFile(BytesIO(content)) as archive:
            archive.extractall(place)
        task = job(folder, subject, "project", project="project", weights=WEIGHTS, epochs=len(app))
        answer = run_clean(folder, [task])[0]
        hold(folder, subject, task)
        hold_history(answer["history"], app)
    return content, proof


def _files(subject: Subject, plan: Plan, title: str, proof: Proof) -> dict[str, bytes]:
    data = data_script(plan)
    texts = {
        "model.py": f"{proof.header}\n{subject.source}",
        "train.py": train_script(subject, plan, as_comment(plan.data.title)),
        "data.py": data.text,
        "requirements.txt": requirements(data),
        "README.md": _readme(subject, plan, title, proof, data),
        "PROOF.txt": "\n".join(proof.sentences) + "\n",
        "PROOF.json": json.dumps(proof.to_json(), indent=1) + "\n",
    }
    files = {name: text.encode("utf-8") for name, text in texts.items()}
    files[WEIGHTS] = as_safetensors(subject.state, proof)
    if subject.start is not None:
        files[START] = as_safetensors(subject.start, None)
    if data.rows:
        files["data.safetensors"] = as_safetensors(data.rows, None)
    return files


def requirements(data: DataScript) -> str:
    """The packages the files import, in the versions of the proof."""
    packages = sorted({"torch", "numpy", "safetensors", *data.needs})
    lines = [f"{name}=={importlib.metadata.version(name).split('+')[0]}" for name in packages]
    return "\n".join(lines) + "\n"


def _readme(subject: Subject, plan: Plan, title: str, proof: Proof, data: DataScript) -> str:
    rows = ", ".join(f"{count} {name}" for name, count in plan.data.rows.items())
    stored = (
        "the rows as they were, from data.safetensors"
        if data.rows
        else "the rows, loaded from their source, split and scaled"
    )
    start = f"- `{START}`: the weights that train.py starts from.\n" if subject.start else ""
    proven = "\n".join(f"- {sentence}" for sentence in proof.sentences)
    return f"""# {as_comment(title)}

A network made with Layerwise: {subject.report.totals.parameters} parameters, trained on
{as_comment(plan.data.title)} ({rows} rows).

```bash
python -m pip install -r requirements.txt
python train.py
```

trains from the start, with the numbers of Layerwise.

```bash
python train.py --from {WEIGHTS}
```

goes on from the weights {as_comment(subject.weights)}, or from any others of this network, such as
trained.pt; the optimizer and the order of the rows start anew. `--epochs N` trains longer or shorter.

- `model.py`: the network (style {subject.style}).
- `train.py`: {plan.settings.epochs} epochs, {plan.loss.title}, {plan.settings.optimizer}, learning rate {plan.settings.learning_rate:g}, batches of {plan.settings.batch_size}, seed {plan.settings.seed}. It writes trained.pt, and every figure with all its digits to history.json.
- `data.py`: {stored}, as in Layerwise.
- `{WEIGHTS}`: weights {as_comment(proof.weights)}; `model.load_state_dict(load_file("{WEIGHTS}"))`.
{start}
{proven}
"""
