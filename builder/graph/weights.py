"""The tensors that owners own: raw ones, those of layers, and those inside blocks by their path.

Here is worked out what a weight node gives, what owners have that no node calls, and whether
parameters that are tied fit each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from builder import catalogue
from builder.catalogue.tensors import DRAWN, read_by
from builder.errors import NotFound, quote
from builder.graph import meta
from builder.graph.allowed_weights import inside
from builder.graph.block_calls import settings_of
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import (
    PARAMETER,
    Graph,
    Literals,
    Node,
    Owner,
    TensorSpec,
    Value,
    format_shape,
)
from builder.graph.norms import counted, tensors_with_norms
from builder.graph.outcome import infer_arguments
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.scope import Scope
from builder.graph.symbols import LARGEST_INTEGER, CannotEvaluate, Evaluated
from builder.graph.wiring import no_references

Run = Callable[[Scope, tuple[Value, ...]], ShapeReport]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor some owner owns. `learns`: a parameter that is not frozen, as far as its owners say."""

    spec: TensorSpec
    parameter: bool = True
    learns: bool = True

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(int(size) for size in self.spec.shape)


def run_weight(scope: Scope, node: Node, run: Run) -> NodeReport:
    """The report of a weight node; raises CannotEvaluate where its tensor cannot be known."""
    owner = scope.graph.owners.get(node.target)
    if owner is None:
        raise CannotEvaluate("unknown_target", "reads a tensor that is not in this network.")
    if owner.raw:
        report = raw_report(scope, owner, run)
        first = scope.built.setdefault(owner.id, (owner.name, report))[1]
        return scope.sized(node, first)
    path = node.arguments.get("name")
    known = scope.built.get(owner.id)
    made = known[1] if known is not None else scope.later.get(owner.id)
    found = (
        tensors_of(scope.graph, scope.blocks, owner, made)
        if made is not None
        else _unbuilt(scope, owner, str(path), run)
    )
    if found is None:
        text = (
            f"reads a tensor of {quote(owner.name)} before that runs, so its sizes are not known. Set "
            f"the sizes of {quote(owner.name)}, or put this behind it."
        )
        raise CannotEvaluate("weight_unknown", text)
    if path not in found:
        text = f"reads {quote(path)}, which {quote(owner.name)} does not have. Choose another one."
        raise CannotEvaluate("no_weight", text)
    return NodeReport(result=found[str(path)].spec)


def raw_report(scope: Scope, owner: Owner, run: Run) -> NodeReport:
    """What a raw tensor is; raises CannotEvaluate for sizes that are none."""
    evaluated: dict[str, Evaluated] = {
        name: scope.evaluate_of(catalogue.get(owner.target), name, value, no_references)
        for name, value in owner.arguments.items()
    }
    spec = _made(scope, owner, evaluated, run) if owner.made_by else _sized(owner, evaluated)
    report = NodeReport(result=spec, arguments=evaluated)  # type: ignore[arg-type]
    count = Tensor(spec).count
    if owner.target != PARAMETER:
        return replace(report, buffers=count)
    learns = not owner.frozen and evaluated.get("requires_grad") is not False
    return replace(report, parameters=count, trainable=count if learns else 0)


def owned(scope: Scope, run: Run) -> dict[str, NodeReport]:
    """What the owners have that no node calls: raw tensors, and layers that are only kept or read."""
    found: dict[str, NodeReport] = {}
    for owner in scope.graph.owners.values():
        calls = scope.graph.calls_of(owner.id)
        if any(not call.bypassed for call in calls) or not scope.graph.is_made(owner):
            continue
        known = scope.built.get(owner.id)
        try:
            if known is not None:
                found[owner.id] = known[1]
            elif owner.raw:
                found[owner.id] = raw_report(scope, owner, run)
            elif (report := _made_alone(scope, owner)) is not None:
                found[owner.id] = less_tied(scope, owner, report)
        except CannotEvaluate as reason:
            if not scope.graph.reads_of(owner.id):
                text = f"{quote(owner.name)} {reason.message or 'cannot be made.'}"
                scope.problems.append(Diagnostic("", text, kind=reason.kind))
    return found


def less_tied(scope: Scope, owner: Owner, report: NodeReport) -> NodeReport:
    """The report without the parameters that are another owner's, which counts them."""
    if not owner.ties:
        return report
    known = tensors_of(scope.graph, scope.blocks, owner, report)
    tied = [known[path] for path in owner.ties if path in known]
    return replace(
        report,
        parameters=report.parameters - sum(t.count for t in tied if t.parameter),
        trainable=max(0, report.trainable - sum(t.count for t in tied if t.learns)),
    )


def tie_problems(scope: Scope, alone: Mapping[str, NodeReport]) -> Iterator[Diagnostic]:
    """Tied parameters that are not of one shape, or that are not there."""
    graph = scope.graph

    def tensors(owner: Owner) -> Mapping[str, Tensor] | None:
        known = scope.built.get(owner.id)
        report = known[1] if known is not None else alone.get(owner.id)
        return tensors_of(graph, scope.blocks, owner, report) if report is not None else None

    for owner in graph.owners.values():
        for path, (other_id, other_path) in owner.ties.items():
            other = graph.owners.get(other_id)
            mine, theirs = tensors(owner), tensors(other) if other is not None else None
            if mine is None or theirs is None or other is None:
                continue
            names = [
                f"{o.name}.{p}" if p else o.name for o, p in ((owner, path), (other, other_path))
            ]
            lacking = [
                n
                for n, p, t in zip(names, (path, other_path), (mine, theirs), strict=True)
                if p not in t
            ]
            if lacking:
                text = f"{quote(lacking[0])} is tied to another tensor, but is not there. Untie it."
            elif mine[path].spec == theirs[other_path].spec:
                continue
            else:
                one, two = (format_shape(t.spec.shape) for t in (mine[path], theirs[other_path]))
                text = (
                    f"{quote(names[0])} is {one} and cannot be the same tensor as {quote(names[1])}, "
                    f"which is {two}. Give both the same sizes, or untie them."
                )
            nodes = [*graph.calls_of(owner.id), *graph.reads_of(owner.id)]
            yield Finding("tied", text).at(nodes[0].id if nodes else "")


def tensors_of(
    graph: Graph, blocks: Mapping[str, Graph], owner: Owner, report: NodeReport
) -> dict[str, Tensor]:
    """Every tensor of an owner's `state_dict` by its path, of a block those inside it.

    `graph`: in which the owner stands. `report`: of the call or the making of it.
    """
    learns = not owner.frozen
    if owner.raw:
        if not isinstance(report.result, TensorSpec):
            return {}
        parameter = owner.target == PARAMETER
        learns = learns and report.arguments.get("requires_grad") is not False
        return {"": Tensor(report.result, parameter, parameter and learns)}
    if owner.block is None:
        try:
            found = tensors_with_norms(owner, report)
        except Exception:  # whatever torch raises was said when the shapes were worked out
            return {}
        return {name: Tensor(spec, own, own and learns) for name, (spec, own) in found.items()}
    block = blocks.get(owner.block)
    inside: dict[str, Tensor] = {}
    if block is None:
        return inside
    repeated = owner.repeat > 1 and not owner.shared
    for place, body in enumerate(report.body if repeated else report.body[:1]):
        before = f"{place}." if repeated else ""
        for inner in block.owners.values():
            made = report_of(block, inner, body)
            for path, tensor in tensors_of(block, blocks, inner, made).items() if made else ():
                full = f"{before}{inner.name}.{path}" if path else f"{before}{inner.name}"
                inside[full] = replace(tensor, learns=tensor.learns and learns)
    return inside


def report_of(graph: Graph, owner: Owner, report: ShapeReport) -> NodeReport | None:
    """What is known of an owner's weights in a pass: from its first call, or from making it alone."""
    calls = [n for n in graph.calls_of(owner.id) if not n.bypassed]
    return report.nodes.get(calls[0].id) if calls else report.owned.get(owner.id)


def _unbuilt(scope: Scope, owner: Owner, path: str, run: Run) -> dict[str, Tensor] | None:
    """The tensor under a path of what does not run yet, as far as constants say what it is."""
    whole = path
    while owner.block is not None:
        block = scope.blocks.get(owner.block)
        if block is None or owner.block in scope.stack:
            return None
        if owner.repeat > 1 and not owner.shared:
            path = path.partition(".")[2]
        settings = settings_of(scope, owner, owner.block, block)
        scope = Scope(block, scope.blocks, settings, (*scope.stack, owner.block))
        below = inside(block, path)
        if below is None:
            return None
        owner, path = below
    made = raw_report(scope, owner, run) if owner.raw else _made_alone(scope, owner)
    if made is None:
        return None
    found = tensors_of(scope.graph, scope.blocks, owner, made)
    return {whole: found[path]} if path in found else {}


def _made_alone(scope: Scope, owner: Owner) -> NodeReport | None:
    """A layer of which the constructor arguments alone say what it is; None where they do not."""
    if owner.block is not None or owner.raw:
        return None
    try:
        entry = catalogue.get(owner.target)
        chosen = {
            name: scope.evaluate_of(entry, name, value, no_references)
            for name, value in owner.arguments.items()
        }
        arguments, _ = infer_arguments(entry, chosen, {})
        weights = meta.weights_of(meta.build(entry, arguments))
    except NotFound:
        return None
    except CannotEvaluate:
        raise
    except Exception:  # a size that is missing or wrong: torch has no common class for that
        return None
    report = NodeReport(
        arguments=arguments,  # type: ignore[arg-type]
        parameters=weights.parameters,
        trainable=0 if owner.frozen else weights.parameters,
        buffers=weights.buffers,
    )
    return counted(owner, report) if owner.norms else report


def _sized(owner: Owner, arguments: Mapping[str, Evaluated]) -> TensorSpec:
    size = arguments.get("size")
    if size is None:
        raise CannotEvaluate(
            "raw_size", "has no size yet. Give it one, such as 1, 65, 128.", port=None
        )
    sizes = size if isinstance(size, tuple) else (size,)
    if any(type(n) is not int or not 0 <= n <= LARGEST_INTEGER for n in sizes):
        raise CannotEvaluate("raw_size", "has a size that is no whole number from 0.")
    spec = TensorSpec(sizes, str(arguments.get("dtype", "float32")))  # type: ignore[arg-type]
    try:
        meta.empty(spec)
    except (ValueError, RuntimeError, TypeError):
        text = f"is {format_shape(spec.shape)}, which torch cannot make. Choose smaller sizes."
        raise CannotEvaluate("raw_size", text) from None
    if sentence := refuse_init(owner, spec):
        raise CannotEvaluate("raw_init", sentence)
    return spec


def refuse_init(owner: Owner, spec: TensorSpec) -> str | None:
    """Why a tensor of this shape cannot be filled so, or not learn; None when all is well."""
    init = owner.arguments.get("init", "zeros")
    is_real = spec.dtype.startswith(("float", "bfloat", "complex"))
    if init in DRAWN and not is_real:
        return f"has the dtype {spec.dtype}, which cannot hold random numbers of init {init}."
    if (
        owner.target == PARAMETER
        and not is_real
        and owner.arguments.get("requires_grad") is not False
    ):
        return f"has the dtype {spec.dtype}, which cannot learn. Make it a buffer."
    if init == "eye" and len(spec.shape) != 2:
        return f"is filled by eye, which makes two axes; it has {len(spec.shape)}."
    if "gain" in read_by(init) or "mode" in read_by(init):
        if len(spec.shape) < 2:
            return f"is filled by {init}, which needs two axes or more. Choose normal or uniform."
        if init != "orthogonal" and 0 in spec.shape:
            return f"is filled by {init}, which needs sizes above 0."
    return None


def _made(scope: Scope, owner: Owner, arguments: Mapping[str, Evaluated], run: Run) -> TensorSpec:
    name = owner.made_by or ""
    block = scope.blocks.get(name)
    if block is None:
        raise CannotEvaluate("unknown_target", f"is made by {quote(name)}, which is no block here.")
    settings: dict[str, Literals] = dict(block.settings)
    settings |= {k: v for k, v in arguments.items() if k in settings}  # type: ignore[misc]
    inner = Scope(block, scope.blocks, settings, (*scope.stack, name), memory=scope.memory)
    body = run(inner, ())
    problem = next((p for p in body.problems if p.severity == "error"), None)
    if problem is not None:
        raise CannotEvaluate("made", f"cannot be made by {quote(name)}: {problem.message}")
    if not isinstance(body.result, TensorSpec):
        raise CannotEvaluate("made", f"is made by {quote(name)}, which gives no single tensor.")
    if sentence := refuse_init(owner, body.result):
        raise CannotEvaluate("raw_init", sentence)
    return TensorSpec(body.result.shape, body.result.dtype)
