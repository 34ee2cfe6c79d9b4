"""What the wires of a graph say apart from any layer: names, loose ends, where a value comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from builder import catalogue
from builder.errors import NotFound, quote
from builder.graph import meta
from builder.graph.call import is_value, show
from builder.graph.diagnostics import Diagnostic, Finding
from builder.graph.model import (
    BLOCK_PREFIX,
    BUFFER,
    Graph,
    Node,
    Ref,
    TensorSpec,
    Value,
    format_value,
    iter_refs,
    primary_input,
    refs_in,
)
from builder.graph.modes import given_in
from builder.graph.report import NodeReport
from builder.graph.symbols import LARGEST_INTEGER, CannotEvaluate, Evaluated, probe_from_dim

_REASONS = {
    "unknown_setting": "uses the setting {}, which this model does not have.",
    "misplaced_condition": "has a condition where a value belongs.",
    "too_large_number": "is given {}, more than a 64-bit number holds. Choose a smaller number.",
    "size_of_tuple": "asks for a size of a tuple. Choose one part of it first.",
    "size_out_of_range": "asks for size {}, which has fewer dimensions.",
    "calculation": "cannot calculate a size: {}.",
}
"""Words for the mistakes that are found while an argument is worked out."""


def in_words(reason: CannotEvaluate) -> str:
    """The sentence behind a node's name."""
    words = _REASONS.get(reason.kind)
    if words is None:
        return reason.message
    message = quote(reason.message) if reason.kind == "unknown_setting" else reason.message
    return words.replace("{}", message)


def name_of(graph: Graph, node: Node) -> str:
    """Linear “head”, Input “x”: how a sentence about a node begins."""
    label = quote(graph.label(node.id))
    held = graph.held_by(node)
    if held is not None:
        return f"{held.target.capitalize() if held.raw else 'Weight'} {label}"
    owner = graph.owner_of(node)
    target = owner.target if owner else node.target
    if target.startswith(BLOCK_PREFIX):
        return f"Block {label}"
    if node.kind in ("layer", "operation"):
        try:
            return f"{catalogue.get(target).name} {label}"
        except NotFound:
            return f"Layer {label}"
    return f"{str(node.kind).capitalize()} {label}"


def missing_words(node: Node, name: str) -> str:
    """What to do about an input that reads nothing."""
    if node.kind == "output":
        return "shows no value yet. Choose what it gives."
    if node.kind == "branch":
        return f"has nothing on its side “{name}” yet. Choose which layer it reads."
    return f"has nothing at “{name}” yet. Choose which layer it reads."


def no_references(_ref: Ref) -> Value:
    """Stands for `value_of` where an argument must not read the data."""
    raise CannotEvaluate(
        "unknown_argument",
        "reads the data in a constructor argument, which is made before any data.",
    )


def checked_spec(node: Node) -> TensorSpec:
    """An input's spec, if torch can hold such a tensor. Raises CannotEvaluate."""
    spec = node.spec
    if spec is None:
        raise CannotEvaluate("input_spec", "has no shape yet. Give it one, such as N×784.")
    try:
        sizes = [probe_from_dim(size) for size in spec.shape]
    except (ValueError, TypeError):
        raise CannotEvaluate(
            "input_spec",
            f"has the shape {quote(format_value(spec))}. Write sizes as whole numbers and the batch as N.",
        ) from None
    if any(not 0 <= size <= LARGEST_INTEGER for size in sizes):
        raise CannotEvaluate(
            "input_spec",
            f"has the shape {quote(format_value(spec))}. Sizes must be 0 or more, within 64 bits.",
        )
    try:
        meta.empty(spec)
    except (ValueError, RuntimeError, TypeError) as error:
        words = (
            f"has the dtype {quote(spec.dtype)}, which torch does not know."
            if isinstance(error, ValueError)
            else f"has the shape {quote(format_value(spec))}, more numbers than torch can count."
        )
        raise CannotEvaluate("input_spec", words) from None
    return spec


def passed_through(node: Node) -> Ref:
    """What readers of a bypassed node get."""
    ref = primary_input(node)
    if ref is None:
        raise CannotEvaluate("not_wired", "is bypassed, but has no input to pass on. Choose one.")
    return ref


def result_of(graph: Graph, reports: Mapping[str, NodeReport]) -> Value | None:
    """What calling the graph gives in evaluation: the one output's value, a tuple of several, None if
    unknown.
    """
    results = [reports[node.id].result for node in given_in(graph, training=False)]
    known = tuple(r for r in results if r is not None)
    if not results or len(known) < len(results):
        return None
    return known[0] if len(known) == 1 else known


def loose_ends(
    graph: Graph, reports: Mapping[str, NodeReport], *, root: bool
) -> Iterator[Diagnostic]:
    """An output or input that is missing, and layers whose result reaches no output."""
    nodes = graph.nodes
    if not nodes:
        yield Diagnostic("", "The network is empty. Add an input.", kind="no_input")
        return
    last = next(reversed(list(nodes)))
    if root and not graph.inputs:
        first = next(iter(nodes))
        yield Diagnostic(first, "The network has no input. Add one in front.", kind="no_input")
    if not graph.outputs:
        label = quote(graph.label(last))
        words = f"The network gives nothing yet. Add an output behind {label}."
        yield Diagnostic(last, words, kind="no_output")
        return
    for training, mode in ((True, "While training"), (False, "In evaluation")):
        if not given_in(graph, training):
            said = quote(graph.label(graph.outputs[-1].id))
            words = f"{mode} the network gives nothing. Let {said} be given in both modes."
            yield Diagnostic(graph.outputs[-1].id, words, kind="no_output")
    used = reached(graph)
    if len(used) == len(nodes):
        return
    loose = [node for node in nodes.values() if node.id not in used]
    # The last of a row of unused layers says it for all.
    read_by_loose = {ref.node for node in loose for ref in refs_in(node) if ref.node != node.id}
    for node in loose:
        if node.bypassed or node.id in read_by_loose:
            continue
        problem = reports[node.id].problem
        if problem is not None and problem.kind == "not_wired":
            continue  # first things first
        has_weights = reports[node.id].parameters > 0
        label = name_of(graph, node)
        if node.kind == "input":
            text = f"{label} is read by nothing. Wire it to a layer, or delete it."
        elif has_weights:
            text = f"Nothing that {label} gives is used for an output, so its weights would never learn. Wire its result, or delete it."
        else:
            text = (
                f"Nothing that {label} gives is used for an output. Wire its result, or delete it."
            )
        yield Diagnostic(node.id, text, severity="warning", kind="unused")


def reached(graph: Graph) -> set[str]:
    """The nodes that some output depends on, or what the network keeps for its next call."""
    todo = [
        node.id for node in graph.nodes.values() if node.kind == "output" or _keeps(graph, node)
    ]
    found: set[str] = set()
    while todo:
        node = graph.nodes.get(todo.pop())
        if node is None or node.id in found:
            continue
        found.add(node.id)
        if node.bypassed:
            primary = primary_input(node)
            todo.extend([primary.node] if primary else [])
        else:
            todo.extend(ref.node for ref in refs_in(node))
    return found


def _keeps(graph: Graph, node: Node) -> bool:
    """Whether a node writes into a buffer, as a moving mean does: `self.mean.copy_(x)`."""
    if node.kind != "operation" or node.bypassed or not node.target.endswith(("_", ".setitem")):
        return False
    at: Node | None = node
    while at is not None and at.kind == "operation" and at.target.endswith(_LEADING_BACK):
        ref = primary_input(at)
        at = graph.nodes.get(ref.node) if ref is not None else None
    held = graph.held_by(at) if at is not None else None
    return held is not None and held.target == BUFFER


_LEADING_BACK = ("_", ".setitem", ".getitem", ".detach", ".view", ".unsqueeze", ".squeeze")
"""Operations that write into what they are given, or give a view of it."""


def batch_lost(
    graph: Graph, node: Node, reports: Mapping[str, NodeReport], value: Evaluated
) -> Finding | None:
    """A warning where samples go in and nothing of the batch comes out."""
    batched = any(_has_batch(reports[n.id].result) for n in graph.inputs if n.id in reports)
    if not batched or _has_batch(value) or not is_value(value):
        return None
    text = (
        f"{name_of(graph, node)} gives {show(value)}, the same for the whole batch. Training needs a "
        "result for each sample: keep the N of the input."
    )
    return Finding("batch_lost", text, "value", severity="warning")


def _has_batch(value: Evaluated) -> bool:
    if isinstance(value, tuple):
        return any(_has_batch(part) for part in value)
    return isinstance(value, TensorSpec) and any(isinstance(size, str) for size in value.shape)


def source_of(
    graph: Graph, node: Node, reports: Mapping[str, NodeReport]
) -> Callable[[str, int], str]:
    """For a port: ', from “relu” (its size was set by “fc1”)', or less where less is to be said."""

    def words(port: str, place: int = 0) -> str:
        refs = list(iter_refs(node.arguments.get(port)))
        ref = refs[place] if place < len(refs) else None
        if ref is None or ref.node not in graph.nodes:
            return ""
        ref = graph.resolve(ref)
        origin = origin_of(graph, ref, reports)
        named = f", from {quote(graph.label(ref.node))}"
        if origin is None or origin.id == ref.node:
            return named
        return f"{named} (its shape was set by {quote(graph.label(origin.id))})"

    return words


def origin_of(graph: Graph, ref: Ref | None, reports: Mapping[str, NodeReport]) -> Node | None:
    """The node that gave a value its shape: past what leaves the shape as it was."""
    for _ in range(len(graph.nodes)):
        if ref is None:
            return None
        ref = graph.resolve(ref)
        source = graph.nodes.get(ref.node)
        if source is None:
            return None
        before = primary_input(source)
        if source.kind in ("input", "branch") or before is None or ref.path:
            return source
        taken = reports.get(graph.resolve(before).node)
        given = reports.get(source.id)
        if taken is None or given is None or before.path or taken.result != given.result:
            return source
        if given.arguments and given.parameters and given.inferred != frozenset(given.arguments):
            owner = graph.owner_of(source)
            # A Linear(64, 64) sets the size although it is the same; a BatchNorm does not.
            if owner is not None and any(name.startswith("out_") for name in owner.arguments):
                return source
        ref = before
    return None
