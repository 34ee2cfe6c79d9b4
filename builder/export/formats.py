"""The formats a network can be exported to: one entry each, read by the command line and the verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from builder.errors import NotFound, did_you_mean, quote


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `suffix`: its file's ending. `help`: one sentence. `mime`: for a download.

    `proven`: it is run before it is given away; a picture is not. `trains`: it needs data and settings.
    """

    key: str
    title: str
    suffix: str
    mime: str
    help: str
    proven: bool = True
    trains: bool = False


def format_for(key: str) -> Format:
    """The format of a key. Errors: NotFound with the nearest key."""
    found = FORMATS.get(key)
    if found is None:
        near = did_you_mean(key, FORMATS) or f"There are: {', '.join(FORMATS)}."
        raise NotFound(f"There is no export format {quote(key)}. {near}")
    return found


FORMATS: Final = {
    entry.key: entry
    for entry in (
        Format("py", "Python file", ".py", "text/x-python", "The model as PyTorch code."),
        Format(
            "zip", "Project", ".zip", "application/zip",
            "model.py, train.py with data, loss and optimizer, weights, requirements and README.",
            trains=True,
        ),
        Format(
            "ipynb", "Notebook", ".ipynb", "application/x-ipynb+json",
            "A notebook that runs top to bottom: the model, and its training on a built-in set.",
            trains=True,
        ),
        Format(
            "safetensors", "Weights", ".safetensors", "application/octet-stream",
            "The weights by their names in the state_dict.",
        ),
        Format(
            "pt2", "torch.export", ".pt2", "application/octet-stream",
            "Code and weights in one file that runs without this Python code.",
        ),
        Format(
            "onnx", "ONNX", ".onnx", "application/octet-stream",
            "For other runtimes, checked in onnxruntime; needs the extra “onnx”.",
        ),
        Format("svg", "Picture (SVG)", ".svg", "image/svg+xml", "The drawn network.", proven=False),
        Format("png", "Picture (PNG)", ".png", "image/png", "The drawn network.", proven=False),
    )
}  # fmt: skip
