"""The autograd graph: what PyTorch recorded in a real forward pass, drawn by torchviz.

`autograd_graph` builds the network from its written code, runs it once on the CPU with a batch of
the shape a person chose, and gives the picture as DOT, the text Graphviz reads. torchviz decides
what stands in it; we give it stable node names, our colours, and a size it may not pass.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.errors import InspectionRefused, quote
from builder.graph.model import Graph, format_shape
from builder.graph.modes import given_in
from builder.graph.remember import Remembered
from builder.graph.size import format_bytes, format_exact, training_bytes
from builder.inspection.autograd_drawing import Restyled, colours_of, only_outputs
from builder.inspection.batch import BatchShape, inputs_for, with_batch

if TYPE_CHECKING:
    import torch
    from torch import nn

    from builder.graph.report import ShapeReport

MOST_NODES = 1_500  # Graphviz needs a few seconds for these in a browser; beyond, minutes
MOST_BYTES = 2**30  # for one picture, on a machine that others train on
MOST_FLOPS = 10**11  # a few seconds on one core
_ATTRIBUTE_CHARACTERS = 40

_drawn: Remembered[tuple[Graph, AutogradGraph]] = Remembered(64)


@dataclass(frozen=True, slots=True)
class AutogradGraph:
    """A backward graph as DOT.

    `nodes`: boxes in the drawing. `inputs`, `outputs`: shape by name, as they ran. `parameters`:
    names of the parameters that stand in it. `note`: a sentence where the drawing needs one, else "".
    """

    dot: str
    nodes: int
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    parameters: tuple[str, ...]
    note: str = ""


def autograd_graph(
    graph: Graph,
    batch_shape: BatchShape = (1,),
    *,
    show_attrs: bool = False,
    show_saved: bool = False,
    training: bool = True,
    dark: bool = False,
) -> AutogradGraph:
    """Runs the network once and draws what autograd recorded.

    Args:    batch_shape: put where inputs have N: (5,), (4, 5), or () for one sample without a batch.
             show_attrs: non-tensor attributes of each backward step. show_saved: tensors kept for it.
             training: run as in training (dropout active) or as in evaluation.
    Errors:  InspectionRefused when the network has a problem, does not run on such a batch, or is
             too big to run or to draw here, each with the numbers.
    Source:  github.com/szagoruyko/pytorchviz, `make_dot`.
    """
    key = (id(graph), batch_shape, show_attrs, show_saved, training, dark)
    known = _drawn.get(key)
    if known is None:  # the graph is kept beside its drawing, so that no other one can get its id
        result = _draw(graph, batch_shape, show_attrs, show_saved, training, dark)
        known = _drawn.put(key, (graph, result))
    return known[1]


def _draw(
    graph: Graph,
    batch_shape: BatchShape,
    show_attrs: bool,
    show_saved: bool,
    training: bool,
    dark: bool,
) -> AutogradGraph:
    from builder.graph.shapes import infer_shapes

    _check_runs(graph, infer_shapes(graph), batch_shape)
    module, values, result = _run(graph, batch_shape, training)
    outputs = dict(_named_tensors(graph, result, training))
    named = dict(module.named_parameters())
    wanted = tuple(value for value in outputs.values() if value.requires_grad)
    shapes = {name: tuple(value.shape) for name, value in values.items()}
    out_shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    if not wanted:
        note = (
            "Nothing here is learned: no parameter that requires a gradient leads to an output, so "
            "autograd recorded no step."
        )
        return AutogradGraph(
            only_outputs(out_shapes, dark), len(outputs), shapes, out_shapes, (), note
        )
    count, depth = _size(value.grad_fn for value in wanted)
    if count > MOST_NODES:
        raise InspectionRefused(
            f"This autograd graph has {format_exact(count)} boxes; up to {format_exact(MOST_NODES)} can be drawn. Look at the "
            "architecture with its blocks folded, or at a smaller network."
        )
    drawn = _make_dot(wanted, named, show_attrs, show_saved, depth)
    body = Restyled(colours_of(module, dark), dark)
    source = body.write(drawn.body)
    if body.boxes > MOST_NODES:
        raise InspectionRefused(
            f"With its saved tensors this graph has {format_exact(body.boxes)} boxes; up to {format_exact(MOST_NODES)} can be "
            "drawn. Switch saved tensors off."
        )
    present = tuple(name for name in named if name in body.names)
    return AutogradGraph(source, body.boxes, shapes, out_shapes, present, _note(named, present))


def _check_runs(graph: Graph, report: ShapeReport, batch: BatchShape) -> None:
    if not graph.inputs or not graph.outputs:
        raise InspectionRefused("The network needs an input and an output before it can run.")
    if report.errors:
        raise InspectionRefused(
            f"The network does not run yet. Mend this first: {report.errors[0].message}"
        )
    samples = math.prod(batch)
    totals = report.totals
    needed = training_bytes(totals.trainable // 2, totals.frozen) + samples * (
        2 * totals.activation_bytes
        + sum(8 * math.prod(with_batch(n.spec, ())) for n in graph.inputs if n.spec)
    )
    if needed > MOST_BYTES:
        raise InspectionRefused(
            f"Running this network on {format_exact(samples)} samples takes about {format_bytes(needed)}; for a "
            f"picture up to {format_bytes(MOST_BYTES)} are used. Choose a smaller batch or network."
        )
    if totals.flops * samples > MOST_FLOPS:
        raise InspectionRefused(
            f"Running this network on {format_exact(samples)} samples takes about "
            f"{format_exact(round(totals.flops * samples / 1e9))} GFLOPs; for a picture up to {MOST_FLOPS // 10**9} "
            "are used. The graph looks the same for a smaller batch."
        )


def _run(
    graph: Graph, batch: BatchShape, training: bool
) -> tuple[nn.Module, Mapping[str, torch.Tensor], Any]:
    import torch

    from builder.code import build_module, why_not_run

    if sentence := why_not_run(graph):
        raise InspectionRefused(sentence)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build_module(graph).train(training)
        values = inputs_for(graph, batch, module)
        try:
            result = module(*values.values())
        # torch's layers refuse a shape with any of these.
        except (
            RuntimeError,
            ValueError,
            IndexError,
            TypeError,
            NotImplementedError,
            AssertionError,
        ) as problem:
            raise InspectionRefused(_why_it_stopped(values, batch, training, problem)) from problem
    return module, values, result


def _why_it_stopped(
    values: Mapping[str, torch.Tensor], batch: BatchShape, training: bool, problem: Exception
) -> str:
    shapes = ", ".join(format_shape(tuple(value.shape)) for value in values.values())
    first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
    if training and "more than 1 value per channel" in first:
        return (
            f"BatchNorm cannot learn from a single sample (input {shapes}). Choose a batch of 2 or "
            "more, or run it as in evaluation."
        )
    way_out = "" if len(batch) == 1 else " Try a batch shape with one size, such as 5."
    return f"The network does not run on an input of {shapes}. PyTorch says {quote(first, 160)}.{way_out}"


def _named_tensors(graph: Graph, result: Any, training: bool) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor the network gives, by its output's name; the parts of a tuple are numbered."""
    names = [graph.label(node.id) for node in given_in(graph, training)]
    parts = result if len(names) > 1 and isinstance(result, tuple) else (result,)
    for name, part in zip(names, parts, strict=False):
        yield from _tensors(name, part)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, tuple | list):
        for index, part in enumerate(value):
            yield from _tensors(f"{name}[{index}]", part)


def _size(roots: Iterable[Any]) -> tuple[int, int]:
    """How many steps and parameters the graph holds, and an upper bound of its depth.

    Walked without recursion: torchviz recurses, so it may only be called once this is known.
    """
    seen: dict[Any, None] = {}
    leaves = 0
    waiting = [root for root in roots if root is not None]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen[step] = None
        if len(seen) > 20 * MOST_NODES:
            break
        leaves += hasattr(step, "variable")
        waiting.extend(following for following, _ in step.next_functions if following is not None)
    return len(seen) + leaves, len(seen)


def _make_dot(
    wanted: tuple[torch.Tensor, ...],
    named: Mapping[str, nn.Parameter],
    show_attrs: bool,
    show_saved: bool,
    depth: int,
) -> Any:
    try:
        import distutils.version  # noqa: F401
    except ModuleNotFoundError:
        # torchviz 0.0.3 imports distutils, gone in Python 3.12; setuptools brings it back.
        importlib.import_module("setuptools")
    from torchviz import make_dot

    # torchviz calls itself once a step; the interpreter allows 1000 calls unless told otherwise.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 2 * depth + 1_000))
    return make_dot(
        wanted,
        params=dict(named),
        show_attrs=show_attrs,
        show_saved=show_saved,
        max_attr_chars=_ATTRIBUTE_CHARACTERS,
    )


def _note(named: Mapping[str, nn.Parameter], present: tuple[str, ...]) -> str:
    frozen = [name for name, value in named.items() if not value.requires_grad]
    unused = [n for n in named if n not in present and n not in frozen]
    parts = []
    if unused:
        parts.append(f"No gradient reaches {_some(unused)}: nothing leads from there to an output.")
    if frozen:
        parts.append(f"Frozen, so autograd leaves them out: {_some(frozen)}.")
    return " ".join(parts)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
