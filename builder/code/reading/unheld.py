"""Layers that no module holds: nobody finds their weights, and `.eval()` does not reach them."""

from __future__ import annotations

from typing import Final

from builder.code.reading.closed import Tree
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Layer
from builder.code.reading.values import plain

# Layer → the operation that draws in evaluation too, and what it calls the mode.
_ALWAYS: Final = {
    "torch.nn.Dropout": ("torch.dropout", "train"),
    "torch.nn.Dropout2d": ("torch.feature_dropout", "train"),
    "torch.nn.Dropout3d": ("torch.feature_dropout", "train"),
    "torch.nn.AlphaDropout": ("torch.alpha_dropout", "train"),
    "torch.nn.FeatureAlphaDropout": ("torch.feature_alpha_dropout", "train"),
    "torch.nn.RReLU": ("torch.nn.functional.rrelu", "training"),
}


def draw_always(reader: Reader, tree: Tree) -> None:
    """`nn.Dropout(0.5)(x)` in forward becomes the operation that drops in evaluation too, as it does."""
    from builder.code.reading.adapting import exists
    from builder.code.reading.torch_calls import argument_of

    for step in reader.trace.steps.values():
        layer = step.owner
        if step.kind != "layer" or not isinstance(layer, Layer) or id(layer) in tree.paths:
            continue
        target, mode = _ALWAYS.get(layer.entry.key, ("", ""))
        if not target or not exists(target) or plain(layer.arguments.get("inplace")) is True:
            continue
        known = {p.name: p.default for p in layer.entry.parameters if p.name != "inplace"}
        known |= {k: v for k, v in layer.arguments.items() if k in known}
        given = {name: argument_of(reader, value) for name, value in known.items()}
        step.kind, step.target, step.owner = "operation", target, None
        step.arguments = {**step.arguments, **given, mode: True}


def check_unheld(reader: Reader, tree: Tree, layer: Layer) -> None:
    """Errors: CodeRefused for one with weights, or that behaves otherwise while training."""
    from builder.code.reading.layers import module_of

    if id(layer) in tree.paths:
        return
    module = module_of(reader, layer)
    if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
        raise reader.refuse(
            f"This nn.{layer.entry.name} is held by no module, so its weights are lost",
            "Give it in __init__ as self.name, and several as nn.ModuleList.",
            line=layer.line,
        )
    if layer.entry.family == "dropout" or layer.entry.name == "RReLU":
        raise reader.refuse(
            f"This nn.{layer.entry.name} is held by no module: it also draws in evaluation",
            "Give it in __init__ as self.name.", line=layer.line,
        )  # fmt: skip
