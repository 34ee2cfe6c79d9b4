"""Candidates for pictures that are too small for a kernel: the kernel, the padding, the strides before."""

from __future__ import annotations

from collections.abc import Iterator

from builder.errors import quote
from builder.graph.edits import UNSET, SetArgument, SetBypassed
from builder.graph.model import Argument, Node, primary_input
from builder.graph.repairs.case import Candidate, Case
from builder.graph.repairs.sizes import channels_first, spatial_dims_of

_USUAL_KERNELS = (3, 2, 5, 1)
_MOST_STRIDES = 4  # layers before whose stride is tried


def kernel_too_large(case: Case) -> Iterator[Candidate]:
    """A usual kernel, the largest that fits, more padding, or a layer before that shrinks less."""
    spec = case.arriving()
    spatial = spatial_dims_of(case)
    if spec is None or spatial is None:
        return
    picture = [s for s in spec.shape[len(spec.shape) - spatial :] if isinstance(s, int)]
    kernel, padding = case.argument("kernel_size"), case.argument("padding") or 0
    dilation = case.argument("dilation") or 1
    if len(picture) < spatial:
        return
    yield from _usual(case, kernel, padding)
    if isinstance(kernel, int) and isinstance(padding, int):
        room = min(picture) + 2 * padding
        step = dilation if isinstance(dilation, int) else 1
        fitting = (room - 1) // step + 1
        yield case.set("kernel_size", max(1, min(kernel, fitting)))
        if isinstance(dilation, int) and dilation > 1 and kernel > 1:
            yield case.set("dilation", max(1, (room - 1) // (kernel - 1)))
        missing = step * (kernel - 1) + 1 - min(picture)
        yield case.set("padding", -(-missing // 2), tier=1)
    elif isinstance(kernel, tuple):
        sides = padding if isinstance(padding, tuple) else (padding,) * spatial
        fits = tuple(
            min(k, s + 2 * p) if isinstance(k, int) and isinstance(p, int) else k
            for k, s, p in zip(kernel, picture, sides, strict=False)
        )
        yield case.set("kernel_size", fits)
    yield from smaller_strides(case, tier=1)
    yield from channels_first(case)
    yield from bypass_shrinking(case, tier=2)


def _usual(case: Case, kernel: Argument, padding: Argument) -> Iterator[Candidate]:
    """The kernel that keeps the size with this padding, and those that are common."""
    same = [2 * padding + 1] if isinstance(padding, int) and padding > 0 else []
    for tier, size in enumerate(dict.fromkeys((*same, *_USUAL_KERNELS))):
        largest = kernel if isinstance(kernel, int) else 0
        if isinstance(kernel, tuple):
            largest = max((k for k in kernel if isinstance(k, int)), default=0)
        if size < largest:
            yield case.set("kernel_size", size, tier=1 + (tier > 0))


def smaller_strides(case: Case, tier: int) -> Iterator[Candidate]:
    """Layers before that shrink the picture, with torch's own stride in place of the one set."""
    tried = 0
    for node in _before(case):
        stride = case.chosen("stride", node)
        sizes = stride if isinstance(stride, tuple) else (stride,)
        if not any(isinstance(s, int) and s > 1 for s in sizes) or tried >= _MOST_STRIDES:
            continue
        tried += 1
        entry = case.entry_of(node)
        label = quote(case.graph.label(node.id))
        if entry is not None and entry.family == "pooling" and node.kind == "layer":
            edit = SetArgument(node.id, "stride", UNSET, scope=case.scope)
            yield Candidate(f"Let the stride of {label} follow its kernel_size", edit, tier)
        elif entry is not None and entry.family == "convolution":
            yield case.set("stride", 1, tier, node=node)
            yield case.set("stride", 2, tier + 1, node=node)


def bypass_shrinking(case: Case, tier: int) -> Iterator[Candidate]:
    """Takes out the last layer before that made the picture smaller without changing its channels."""
    for node in _before(case):
        entry = case.entry_of(node)
        if entry is not None and entry.family == "pooling":
            label = f"Bypass “{case.graph.label(node.id)}”, so that the picture stays larger"
            yield Candidate(label, SetBypassed(node.id, True, scope=case.scope), tier)
            return


def _before(case: Case) -> Iterator[Node]:
    """The chain of nodes that leads to this one, the nearest first."""
    node: Node | None = case.node
    for _ in range(len(case.graph.nodes)):
        before = primary_input(node) if node else None
        node = case.source(before) if before else None
        if node is None:
            return
        yield node


def empty(case: Case) -> Iterator[Candidate]:
    """Less shrinking before."""
    yield from smaller_strides(case, tier=0)
    yield from bypass_shrinking(case, tier=0)


CANDIDATES = {"kernel_too_large": kernel_too_large, "empty": empty}
