"""How a call is worded in a diagram: as PyTorch prints it, shortened to what matters."""

from __future__ import annotations

from builder.catalogue.entry import REQUIRED, Entry, Parameter
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    GradEnabled,
    Graph,
    Node,
    Owner,
    Ref,
    Setting,
    Size,
    Slice,
    Training,
    iter_refs,
)
from builder.graph.report import NodeReport


def call_words(
    graph: Graph, node: Node, owner: Owner | None, entry: Entry | None, report: NodeReport
) -> list[str]:
    """Conv2d(1, 16, kernel_size=3) for a layer, cat(dim=1) for an operation; [] if that is its name."""
    target = owner.target if owner else node.target
    name = entry.name if entry else target.rsplit(".", 1)[-1]
    if owner is not None:
        given: dict[str, Argument] = dict(report.arguments or owner.arguments)
        words = _arguments(graph, given, entry.parameters if entry else ())
        return [f"{name}({', '.join(words)})"]
    literals: dict[str, Argument] = {
        key: value
        for key, value in node.arguments.items()
        if value is not None and not isinstance(value, Ref) and not _only_refs(value)
    }
    if entry and entry.form == "index":
        return [show_argument(literals.get("index"), graph, index=True)]
    words = _arguments(graph, literals, entry.call_parameters if entry else ())
    if words:
        return [f"{name}({', '.join(words)})"]
    return [] if graph.label(node.id) == name else [name]


def show_argument(argument: Argument, graph: Graph, *, index: bool = False) -> str:
    """An argument as a person reads it in code: x.size(0) * 2, self.training, score > 0.5, (1, 2)."""
    match argument:
        case Ref(node=name):
            return graph.label(name) if name in graph.nodes else name
        case Size(of=of, dim=dim):
            return f"{show_argument(of, graph)}.size({dim})"
        case Calc(op=op, left=left, right=right) | Compare(op=op, left=left, right=right):
            return f"{show_argument(left, graph)} {op} {show_argument(right, graph)}"
        case Slice(start=start, stop=stop, step=step):
            parts = ["" if part is None else show_argument(part, graph) for part in (start, stop)]
            return ":".join(parts) + (f":{show_argument(step, graph)}" if step is not None else "")
        case Setting(name=name):
            return name
        case Training():
            return "self.training"
        case GradEnabled():
            return "torch.is_grad_enabled()"
        case tuple():
            inside = ", ".join(show_argument(part, graph) for part in argument)
            return f"[{inside}]" if index else f"({inside})"
        case _ if argument is ...:
            return "…"
        case float():
            return f"{argument:g}"
        case _:
            return f"[{argument!r}]" if index else repr(argument)


def _arguments(graph: Graph, given: dict[str, Argument], known: tuple[Parameter, ...]) -> list[str]:
    """What the constructor needs as bare values, then by name what differs from its default."""
    words = []
    positional = True
    for parameter in known:
        if parameter.name not in given:
            positional = False
            continue
        value = given.pop(parameter.name)
        shown = show_argument(value, graph)
        needed = parameter.default is REQUIRED and parameter.name != "kernel_size"
        if needed and positional:
            words.append(shown)
        elif needed or value != parameter.default:
            words.append(f"{parameter.name}={shown}")
    words += [f"{name}={show_argument(value, graph)}" for name, value in given.items()]
    return words


def _only_refs(argument: Argument) -> bool:
    """Whether an argument is nothing but the tensors that flow in, which wires show already."""
    return (
        isinstance(argument, tuple)
        and bool(argument)
        and all(isinstance(part, Ref) for part in argument)
        and any(True for _ in iter_refs(argument))
    )
