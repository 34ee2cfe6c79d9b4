"""The network as a notebook that runs top to bottom: data, model, training, and what it gives."""

from __future__ import annotations

import ast
import json
import textwrap
from dataclasses import replace
from typing import Any

from builder.errors import ExportRefused
from builder.export.data_script import built_in, data_script
from builder.export.names import as_comment
from builder.export.own_source import is_written
from builder.export.proof import Proof, promised
from builder.export.proving import hold, job, run_clean, workplace
from builder.export.subject import Subject
from builder.export.training_proof import app_figures, hold_history, promised_history
from builder.export.training_script import RESERVED, script_of
from builder.graph.model import Graph
from builder.graph.names import class_name
from builder.graph.project import Project
from builder.training.prepare import Plan


def export_ipynb(subject: Subject, plan: Plan | None, title: str) -> tuple[bytes, Proof]:
    """The notebook and its proof: all its code cells were run in order.

    It trains where the data is a built-in set: a notebook is one file, without a person's rows.
    Errors: ExportRefused, also where the proof fails.
    """
    if subject.by_hand:
        raise ExportRefused(
            "The style “manual” makes no nn.Module for a notebook to train. Choose another style."
        )
    taken = RESERVED & _defined(subject.source)
    if taken:
        raise ExportRefused(
            f"The notebook uses the name {min(taken)} itself. Call that class otherwise."
        )
    data = data_script(plan) if plan is not None and built_in(plan) is not None else None
    trained = plan if data is not None and not data.rows and subject.start is None else None
    with workplace() as folder:
        app = app_figures(trained, folder) if trained is not None else []
        proof = promised(
            subject,
            f"all code cells were run in order, a state_dict ({len(subject.state)} tensors) loaded "
            "strictly, and the model run",
            more=(promised_history(app),) if app else (),
        )
        cells = _cells(subject, trained, title, proof, data.text if data else "", plan)
        content = _json(cells).encode("utf-8")
        (folder / "notebook.ipynb").write_bytes(content)
        task = job(folder, subject, "notebook", file="notebook.ipynb", epochs=len(app))
        answer = run_clean(folder, [task])[0]
        hold(folder, subject, task)
        if app:
            hold_history(answer["history"], app)
    return content, proof


def without_collisions(project: Project) -> Project:
    """Classes that are called as something of the notebook's own get another name."""

    root = project.graph
    keys = {key: _other(key, "Block") for key in root.blocks}
    targets = {f"block:{key}": f"block:{other}" for key, other in keys.items()}

    def renamed(graph: Graph) -> Graph:
        owners = {
            key: replace(owner, target=targets.get(owner.target, owner.target))
            for key, owner in graph.owners.items()
        }
        return replace(graph, owners=owners)

    if all(key == other for key, other in keys.items()):
        return replace(project, graph=replace(root, name=_other(root.name, "Model")))
    blocks = {
        keys[key]: replace(renamed(block), name=_other(block.name, "Block"))
        for key, block in root.blocks.items()
    }
    named = replace(renamed(root), name=_other(root.name, "Model"), blocks=blocks)
    return replace(project, graph=named)


def _other(name: str, ending: str) -> str:
    return f"{class_name(name)}{ending}" if class_name(name) in RESERVED else name


def _cells(
    subject: Subject, plan: Plan | None, title: str, proof: Proof, data: str, asked: Plan | None
) -> list[dict[str, Any]]:
    proven = "\n".join(f"- {sentence}" for sentence in proof.sentences)
    about = f"A network made with Layerwise: {subject.report.totals.parameters} parameters."
    if plan is not None:
        about += " It trains from the start, as its seed draws the weights."
    cells = [_markdown(f"# {as_comment(title)}\n\n{about}")]
    proof_cell = _markdown(f"## What was proven\n\n{proven}")
    seed = _code(f"import torch\n\ntorch.manual_seed({subject.seed})")
    model, smoke = _parts_of(subject)
    if plan is None:
        if asked is not None:
            missing = as_comment(asked.data.title)
            if subject.start is not None:
                missing = "What this training starts from, weights that were brought,"
            cells.append(
                _markdown(f"{missing} is not part of this notebook: the zip project holds it.")
            )
        made = [_code(f"model = {subject.makes}")] if subject.makes else []
        network = [_markdown("## The network"), seed, _code(model), *made]
        return [*cells, *network, *_look(smoke), proof_cell]
    script = script_of(subject, plan, subject.makes or "model")
    main = script.main.replace("range(1, epochs + 1)", "range(1, EPOCHS + 1)")
    main = main.replace("{epochs}", "{EPOCHS}")
    draws = [] if subject.makes else [seed]
    if not subject.makes:  # the weights were drawn by the cell above, after its seed
        main = main.replace("torch.manual_seed(SEED)\n", "")
    return [
        *cells,
        _markdown("## The rows"),
        _code(data.split('"""\n\n', 1)[1]),
        _markdown("## The network"),
        *draws,
        _code(model),
        _markdown("## Training"),
        _code(f"{script.imports}\n{script.settings}\n\n{script.functions}"),
        _code(main),
        *_look(smoke),
        proof_cell,
    ]


def _look(smoke: str) -> list[dict[str, Any]]:
    return [_markdown("## What it gives"), _code(f"model.eval().cpu()\n{smoke}")] if smoke else []


def _parts_of(subject: Subject) -> tuple[str, str]:
    """The model, and what stands under `__main__` without making the model again.

    The latter is the written one's: a person may have put it on other lines, as `model = Net(); x = …`.
    """
    model, smoke = _divided(subject.source)
    if not subject.written:
        return model, smoke
    written, smoke = _divided(subject.written)
    if not is_written(model, written):
        raise ExportRefused("The text cannot be divided into cells. Take your own text back.")
    return model, smoke


def _divided(source: str) -> tuple[str, str]:
    body = ast.parse(source).body
    last = body[-1]
    lines = source.splitlines(keepends=True)
    if not isinstance(last, ast.If):
        return source.rstrip(), ""
    under = [node for node in last.body if not ast.unparse(node).startswith("model = ")]
    first = under[0].lineno if under else last.end_lineno or last.lineno
    smoke = textwrap.dedent("".join(lines[first - 1 : last.end_lineno]))
    return "".join(lines[: last.lineno - 1]).rstrip(), smoke.rstrip()


def _defined(source: str) -> set[str]:
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
    return found


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(text),
    }


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)


def _json(cells: list[dict[str, Any]]) -> str:
    """nbformat 4.5: each cell has an id of its own."""
    book = {
        "cells": [{"id": f"cell-{i}", **cell} for i, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=True) + "\n"
