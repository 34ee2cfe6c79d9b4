"""The formats a network can be exported to: one entry each, read by the command line and the verb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from builder.errors import NotFound, did_you_mean, quote


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `suffix`: its file's ending. `help`: one sentence. `mime`: for a download.

    `proven`: it is run before it is given away; a picture is not. `trains`: it needs data and settings.
    `weights`: it holds them.
    """

    key: str
    title: str
    suffix: str
    mime: str
    help: str
    proven: bool = True
    trains: bool = False
    weights: bool = False


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
        Format(
            "py", "Python file", ".py", "text/x-python",
            "The model as PyTorch code, to read and to import.",
        ),
        Format(
            "zip", "Project", ".zip", "application/zip",
            "To go on training elsewhere: model.py, train.py with data, loss and optimizer, the weights, "
            "requirements and a README.",
            trains=True, weights=True,
        ),
        Format(
            "ipynb", "Notebook", ".ipynb", "application/x-ipynb+json",
            "For Jupyter or Colab, runs top to bottom: the model, and its training on a built-in set.",
            trains=True,
        ),
        Format(
            "safetensors", "Weights", ".safetensors", "application/octet-stream",
            "The weights by their names in the state_dict, for code that has the model.",
            weights=True,
        ),
        Format(
            "pt2", "torch.export", ".pt2", "application/octet-stream",
            "Code and weights in one file, for torch anywhere, without this Python code.",
            weights=True,
        ),
        Format(
            "onnx", "ONNX", ".onnx", "application/octet-stream",
            "Code and weights for other runtimes and languages, checked in onnxruntime.",
            weights=True,
        ),
        Format(
            "svg", "Picture (SVG)", ".svg", "image/svg+xml",
            "The drawn network for slides and papers, sharp at every size.", proven=False,
        ),
        Format(
            "png", "Picture (PNG)", ".png", "image/png",
            "The drawn network as an image for everything else.", proven=False,
        ),
    )
}  # fmt: skip
