"""One layer or operation as an expression: how it is constructed, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from keyword import iskeyword
from types import EllipsisType

from builder import catalogue
from builder.catalogue.entry import REQUIRED, Entry, Parameter, Port
from builder.catalogue.making import DEVICE, LEADING
from builder.catalogue.norms import NORMS
from builder.code.writing.layout import Expression, Group, Infix, Prefixed, call, flat, list_of
from builder.code.writing.literals import (
    ReadRef,
    ReadSetting,
    argument,
    constant,
    index,
    indexed,
    keyword,
    operation,
)
from builder.errors import CodeRefused, NotFound, quote
from builder.graph.model import Argument, Graph, Node, Owner, Ref, Slice, Training
from builder.graph.norms import CannotCompute, tensors_with_norms
from builder.graph.report import NodeReport

_MOST_POSITIONAL = 2
# Torch gives these methods no types, so that `mypy --strict` refuses them: the functions have them.
_UNTYPED_METHODS = frozenset({"torch.unflatten", "torch.split"})
# Takes tensors one by one, or a list of them, but by its types no tuple.
_TAKES_TENSORS_APART = frozenset({"torch.meshgrid"})
# Sizes that are, by torch's types, a list and no tuple.
_TAKES_LIST = frozenset({("torch.split", "split_size")})
FUNCTIONAL = "torch.nn.functional."


def entry_for(key: str, who: str, kind: str) -> Entry:
    """The catalogue's entry, which must be a layer or an operation; CodeRefused otherwise."""
    try:
        entry = catalogue.get(key)
    except NotFound as error:
        raise CodeRefused(f"{quote(who)} cannot be written: {error}") from None
    if entry.kind != kind:
        raise CodeRefused(f"{quote(who)} calls {entry.name}, which is no {kind}.")
    return entry


# Constructors ---------------------------------------------------------------------------------


def constructed(entry: Entry, given: Mapping[str, Expression], label: str) -> Expression:
    """`nn.Conv2d(3, 16, kernel_size=3)`: the sizes in and out, or the first two required arguments, by position.

    Errors: CodeRefused where a required argument is not known.
    """
    if entry.inner is not None:
        own, inner = catalogue.split_inner(entry, given)
        layer = constructed(
            _only(catalogue.get(entry.inner.key), entry.inner.parameters), inner, label
        )
        norm = own.get("norm")
        own = {name: value for name, value in own.items() if name != "norm"}
        if norm is not None and flat(norm) == "True":
            own["norm"] = call("nn.LayerNorm", inner["d_model"])
        rest = _arguments(_without(entry, entry.inner.parameters), own, label, positional=0)
        return call(_class(entry), layer, *rest)
    sizes = sum(parameter.inferred is not None for parameter in entry.parameters)
    positional = max(_MOST_POSITIONAL, sizes + 1)  # nn.Bilinear(4, 5, 3)
    return call(_class(entry), *_arguments(entry.parameters, given, label, positional))


def normalized(layer: Expression, owner: Owner | None, report: NodeReport | None) -> Expression:
    """`nn.utils.spectral_norm(nn.Conv2d(3, 64, 3))`: a layer with weights that are computed.

    `report`: of a call of the layer, or of the making of it. Errors: CodeRefused for a weight that is
    not there, or that cannot be computed so.
    """
    if owner is None or not owner.norms:
        return layer
    try:
        tensors_with_norms(owner, report or NodeReport())
    except CannotCompute as reason:
        raise CodeRefused(f"{quote(owner.name)} {reason.message}") from None
    except (TypeError, ValueError, RuntimeError):
        pass  # torch cannot make the layer at all: said where that is tried
    for norm in owner.norms:
        entry = NORMS[norm.kind]
        given = [
            keyword(p.name, constant(norm.arguments[p.name], p))
            for p in entry.parameters
            if p.name in norm.arguments and norm.arguments[p.name] != p.default
        ]
        layer = call(norm.kind.removeprefix("torch."), layer, *given)
    return layer


def _class(entry: Entry) -> str:
    return entry.key.removeprefix("torch.")


def _only(entry: Entry, names: tuple[str, ...]) -> Entry:
    return replace(entry, parameters=tuple(p for p in entry.parameters if p.name in names))


def _without(entry: Entry, names: tuple[str, ...]) -> tuple[Parameter, ...]:
    return tuple(p for p in entry.parameters if p.name not in names)


def _arguments(
    parameters: tuple[Parameter, ...], given: Mapping[str, Expression], label: str, positional: int
) -> list[Expression]:
    items: list[Expression] = []
    for parameter in parameters:
        if parameter.name not in given:
            if parameter.default is REQUIRED:
                raise CodeRefused(
                    f"{quote(label)} has no {parameter.name} yet: it comes from the input. "
                    "Mend what stands in front of it, or set it."
                )
            positional = 0
        elif parameter.default is REQUIRED and len(items) < positional:
            items.append(given[parameter.name])
        elif not _is_default(parameter, given[parameter.name]):
            items.append(keyword(parameter.name, given[parameter.name]))
    return items


def _is_default(parameter: Parameter, written: Expression) -> bool:
    if parameter.default is REQUIRED or not isinstance(written, str | Group | Prefixed):
        return False
    try:
        return flat(written) == flat(constant(parameter.default, parameter))
    except CodeRefused:
        return False


# Calls ----------------------------------------------------------------------------------------


def in_module() -> str:
    """How the methods of an nn.Module ask whether they train."""
    return "self.training"


def called(
    entry: Entry,
    node: Node,
    function: str,
    read: ReadRef,
    setting: ReadSetting,
    training: Callable[[], str] = in_module,
) -> Expression:
    """The call of a layer (`function` is `self.fc1`) or of an operation."""
    arguments = {
        n: a for n, a in node.arguments.items() if a is not None or not _skips_none(entry, n)
    }
    _check_given(entry, node, arguments)
    if entry.form == "infix":
        return _infix(entry, arguments, read, setting)

    def spell(name: str) -> Expression:
        value = arguments[name]
        parameter = entry.parameter(name)
        if parameter is not None and parameter.type == "bool" and value == Training():
            return training()
        written = argument(value, read, setting, parameter)
        if (entry.key, name) in _TAKES_LIST and isinstance(written, Group) and written.literal:
            return list_of(written.items)
        if name == DEVICE and entry.port(name) is not None:
            return f"{flat(written)}.device"
        if parameter is not None and parameter.training_only and flat(written) not in ("0", "0.0"):
            return f"{flat(written)} if {training()} else 0.0"
        return written

    first = entry.ports[0].name
    if entry.form == "index":
        value = arguments["index"]
        one = isinstance(value, tuple) and len(value) == 1 and not _stands_alone(value[0])
        return indexed(flat(spell(first)), index(value, read, setting), one)
    order = [name for name in _order(entry) if name in arguments]
    if entry.form == "method" and entry.key not in _UNTYPED_METHODS:
        order.remove(first)
        function = f"{flat(spell(first))}.{entry.key.rpartition('.')[2]}"
    elif entry.kind == "operation":
        function = _function(entry)
    items = _call_arguments(entry, arguments, order, spell)
    if entry.training:
        items.append(keyword(entry.training, training()))
    return call(function, *items)


def _stands_alone(part: Argument) -> bool:
    """Whether `x[part]` is `x[part,]`, whatever x is: not so for a reference, which may be a tuple."""
    return isinstance(part, Slice | int | EllipsisType) or part is None


def _order(entry: Entry) -> tuple[str, ...]:
    """The names of ports and call parameters in the order of the call."""
    return entry.order or (*(p.name for p in entry.ports), *(p.name for p in entry.call_parameters))


def _skips_none(entry: Entry, name: str) -> bool:
    port = entry.port(name)
    if port is not None:
        return port.optional
    parameter = entry.parameter(name)
    return parameter is not None and parameter.default is None


def _check_given(entry: Entry, node: Node, arguments: Mapping[str, Argument]) -> None:
    stray = next((name for name in arguments if name not in _order(entry)), None)
    if stray is not None:
        raise CodeRefused(f"{entry.name} takes no argument {quote(stray)}. Take it out.")
    for name in _order(entry):
        if name not in arguments and not catalogue.is_optional(entry, name):
            raise CodeRefused(
                f"{entry.name} {quote(node.name or node.id)} has nothing at “{name}” yet. "
                "Choose what it reads there."
            )


def _function(entry: Entry) -> str:
    if entry.key.startswith(FUNCTIONAL):
        return f"F.{entry.key.removeprefix(FUNCTIONAL)}"
    return entry.key


def _call_arguments(
    entry: Entry,
    arguments: Mapping[str, Argument],
    order: list[str],
    spell: Callable[[str], Expression],
) -> list[Expression]:
    items: list[Expression] = []
    every = _order(entry)
    by_keyword = False
    for place, name in enumerate(order):
        port, parameter = entry.port(name), entry.parameter(name)
        value = arguments[name]
        if _spreads(entry, name):
            items.extend(_spread(name, value, spell))
            continue
        written = spell(name)
        # torch.arange(10), but torch.arange(0, 10, 2)
        leads = _leads(entry, name) and (iskeyword(name) or "step" in order)
        if parameter is not None and _is_default(parameter, written) and not leads:
            continue
        skipped = any(
            other not in order and other != _self(entry) and not _leads(entry, other)
            for other in every[: every.index(name)]
        )
        spreads_later = any(_spreads(entry, later) for later in order[place:])
        by_keyword = (
            by_keyword or skipped or name == DEVICE or _by_keyword(entry, port, parameter)
        ) and not (spreads_later or iskeyword(name))
        items.append(keyword(name, written) if by_keyword else written)
    return items


def _leads(entry: Entry, name: str) -> bool:
    """Whether an argument stands by position: “from” of uniform_ is a word of Python."""
    return (entry.key, name) in LEADING or iskeyword(name)


def _self(entry: Entry) -> str:
    """The port in front of the dot of a method."""
    method = entry.form == "method" and entry.key not in _UNTYPED_METHODS
    return entry.ports[0].name if method else ""


def _spreads(entry: Entry, name: str) -> bool:
    port, parameter = entry.port(name), entry.parameter(name)
    if port is not None:
        return port.spread or (port.many and entry.key in _TAKES_TENSORS_APART)
    return parameter is not None and parameter.spread


def _by_keyword(entry: Entry, port: Port | None, parameter: Parameter | None) -> bool:
    if parameter is None or _leads(entry, parameter.name):
        return False  # a port, by position as long as none is left out
    if iskeyword(parameter.name):
        return False  # x.uniform_(from=0) is no Python
    return parameter.default is not REQUIRED or (
        parameter.name == "dim" and entry.form == "function"
    )


def _spread(name: str, value: Argument, spell: Callable[[str], Expression]) -> list[Expression]:
    written = spell(name)
    if isinstance(value, tuple) and isinstance(written, Group):
        return list(written.items)
    return [Prefixed("*", written)] if isinstance(value, Ref) else [written]


def _infix(
    entry: Entry, arguments: Mapping[str, Argument], read: ReadRef, setting: ReadSetting
) -> Expression:
    names = [name for name in _order(entry) if name in arguments]
    operands = [argument(arguments[name], read, setting) for name in names]
    if len(operands) == 1:
        one = operands[0]
        return Prefixed(entry.symbol, f"({flat(one)})" if isinstance(one, Infix) else one)
    return operation(entry.symbol, operands[0], operands[1])


def block_inputs(graph: Graph, node: Node, block: Graph) -> list[Ref]:
    """What a block's call reads, in the order of the block's inputs. Errors: CodeRefused for a gap."""
    found = []
    for port in block.inputs:
        given = node.arguments.get(port.name or port.id, node.arguments.get(port.id))
        if not isinstance(given, Ref):
            raise CodeRefused(
                f"{quote(graph.label(node.id))} has nothing at {quote(port.name or port.id)} "
                "yet. Choose what it reads there."
            )
        found.append(given)
    return found
