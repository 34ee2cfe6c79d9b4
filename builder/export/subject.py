"""What is exported: the written code, the weights under its names, and what the network gives for them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from builder.code.building import module_from_source, source_module
from builder.code.limits import refuse_own_code
from builder.code.registry import MANUAL, style_for
from builder.code.write import model_source, write_code
from builder.code.writing.smoke import drawn_inputs
from builder.errors import ExportRefused, quote
from builder.export.clean import flattened
from builder.graph.model import Graph, TensorSpec
from builder.graph.report import ShapeReport
from builder.graph.size import format_bytes
from builder.training.headless import as_in_a_worker

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_BYTES: Final = 2 << 30
"""Of weights, and of the values of one run: an export is made twice, here and in a clean interpreter."""
BY_HAND_TOLERANCE: Final = 1e-4
"""By hand the sums are written out in another order than torch's: relative to the largest value."""


@dataclass(frozen=True)
class Subject:
    """A network ready to be exported.

    `source`: its code in `style`, without a proof. `makes`: what makes the model there, "CNN()", ""
    where the file makes it itself. `drawn`: the inputs as Python, drawn from `seed`; `inputs`: their
    values. `state`: the weights by the names of this style. `expected`: what the network that is
    trained gives, by mode and place ("eval", "train[0]"). `weights`: where they come from, in words.
    `start`: what a training starts from, by the names of this style; None: as the seed draws them.
    `note`: what is to be said of the text, "" for nothing. `written`: the code as Layerwise writes it,
    where `source` is the person's own text of it.
    """

    graph: Graph
    report: ShapeReport
    style: str
    source: str
    makes: str
    seed: int
    drawn: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    state: Mapping[str, Tensor]
    expected: Mapping[str, Tensor]
    weights: str
    start: Mapping[str, Tensor] | None = None
    note: str = ""
    written: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether the code makes no nn.Module: no state_dict, and rounding of its own."""
        return self.style == MANUAL

    @property
    def trains(self) -> bool:
        """Whether what it gives in training mode is known too."""
        return any(place.startswith("train") for place in self.expected)

    @property
    def class_name(self) -> str:
        """The network's class, "" where the file has none."""
        return self.makes.removesuffix("()")


def subject_of(
    graph: Graph,
    style: str = "module",
    *,
    seed: int = 0,
    state: Mapping[str, Tensor] | None = None,
    weights: str = "",
    start: Mapping[str, Tensor] | None = None,
    report: ShapeReport | None = None,
) -> Subject:
    """Writes the code and runs the network once.

    Args:   state: trained weights, by the names of the style `module`; without them those that the
            seed draws. weights: where they come from. start: those a training starts from, by the
            same names.
    Errors: ExportRefused, CodeRefused with the reason.
    """
    style_for(style)
    refuse_own_code(graph)
    report = report or _shapes(graph)
    refuse_unfinished(graph, report)
    if style == MANUAL and state is not None:
        raise ExportRefused(
            "The style “manual” has no state_dict that trained weights could be loaded into. Choose "
            "another style, or leave the run and the weights out."
        )
    source = write_code(graph, style, report=report)
    drawn = tuple(drawn_inputs(graph, report))
    with as_in_a_worker():
        try:
            inputs = _draw(drawn, seed)
            module = _made(model_source(graph, report=report), seed)
            names = _names(module, source, style, seed)
            if state is not None:
                _load(module, state)
            kept = {name: value.detach().clone() for name, value in module.state_dict().items()}
            expected = _outputs(module, inputs, seed)
        except (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError) as error:
            raise ExportRefused(
                f"The network does not run on random input of its shapes: {quote(error, 200)}."
            ) from error
    return Subject(
        graph,
        report,
        style,
        source,
        _makes(source),
        seed,
        drawn,
        inputs,
        {names[name]: value for name, value in kept.items()} if names else {},
        expected,
        weights or f"as PyTorch draws them with the seed {seed}",
        {names[name]: value for name, value in start.items()} if start is not None else None,
    )


def _shapes(graph: Graph) -> ShapeReport:
    from builder.graph.shapes import infer_shapes

    return infer_shapes(graph)


def refuse_unfinished(graph: Graph, report: ShapeReport) -> None:
    """ExportRefused for a network that does not run yet, or is too large to be run here."""
    if report.errors:
        raise ExportRefused(f"The network does not run yet: {report.errors[0].message}")
    for node in graph.inputs:
        known = report.nodes.get(node.id)
        if known is None or not isinstance(known.result, TensorSpec):
            raise ExportRefused(f"The input {quote(graph.label(node.id))} needs a shape.")
    if not graph.inputs or not graph.outputs:
        raise ExportRefused("The network needs an input and an output before it can be exported.")
    totals = report.totals
    needed = 4 * (totals.parameters + totals.buffers + totals.activation_bytes)
    if needed > MAX_BYTES:
        raise ExportRefused(
            f"The network needs {format_bytes(needed)} to be run once, and an export is proven up to "
            f"{format_bytes(MAX_BYTES)}. Make its widest layers smaller."
        )


def _draw(drawn: tuple[str, ...], seed: int) -> tuple[Tensor, ...]:
    """The inputs, by running the lines that the exported files show."""
    lines = "".join(f"    {line},\n" for line in drawn)
    text = f"import torch\n\ntorch.manual_seed({seed})\ninputs = (\n{lines})\n"
    return tuple(vars(source_module(text))["inputs"])


def _made(source: str, seed: int) -> nn.Module:
    import torch

    torch.manual_seed(seed)
    return module_from_source(source)


def _names(module: nn.Module, source: str, style: str, seed: int) -> dict[str, str]:
    """From the names of the state_dict that is trained to those of a style; by hand there are none.

    The same seed gives the same weights in every style, in the same order: so the names are matched.
    """
    import torch

    if style == MANUAL:
        return {}
    ours = module.state_dict()
    if style == "module":
        return {name: name for name in ours}
    theirs = _made(source, seed).state_dict()
    same = len(ours) == len(theirs) and all(
        a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
        for a, b in zip(ours.values(), theirs.values(), strict=True)
    )
    if not same:
        raise ExportRefused(
            f"The style “{style}” keeps the weights in another order. Choose the style “module”."
        )
    return dict(zip(ours, theirs, strict=True))


def _load(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        raise ExportRefused(
            "The weights do not belong to this network: their names or shapes are others. Export the "
            "run with the network it trained."
        ) from error


def _outputs(module: nn.Module, inputs: tuple[Tensor, ...], seed: int) -> dict[str, Tensor]:
    """What comes out in eval mode, and in training mode where the network runs in it."""
    import torch

    def run(mode: str) -> dict[str, Tensor]:
        torch.manual_seed(seed)
        with torch.no_grad():
            given: Any = module.train(mode == "train")(*(value.clone() for value in inputs))
        return {f"{mode}{place}": value for place, value in flattened(given)}

    found = run("eval")
    try:
        return found | run("train")
    except (RuntimeError, ValueError):  # one value a channel, say: BatchNorm cannot train on it
        return found


def _makes(source: str) -> str:
    tree = ast.parse(source).body
    for node in tree:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == "model":
                return ""
    classes = [node.name for node in tree if isinstance(node, ast.ClassDef)]
    return f"{classes[-1]}()" if classes else ""
