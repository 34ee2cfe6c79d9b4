"""Graphs as JSON values, and back: every value checked on its way in (arguments:
`builder.graph.argument_encoding`). What is left at its default is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, cast, get_args

from builder.errors import ProjectRefused, did_you_mean, quote
from builder.graph.argument_encoding import Json, argument_from_json, argument_to_json, check_keys
from builder.graph.drawn_parts import FrameColour, FrameKind
from builder.graph.limits import (
    MAX_NODES,
    refuse_frame,
    refuse_position,
    refuse_spec,
    refuse_text,
)
from builder.graph.model import (
    Argument,
    Frame,
    Graph,
    Literals,
    Node,
    NodeKind,
    Norm,
    Owner,
    TensorSpec,
)

# --- to JSON ---------------------------------------------------------------------------------------


def graph_to_json(graph: Graph, with_name: bool = True) -> dict[str, Json]:
    """A graph as a JSON value. What is left at its default is left out."""
    value: dict[str, Json] = {"name": graph.name} if with_name else {}
    if graph.settings:
        value["settings"] = {k: argument_to_json(v) for k, v in graph.settings.items()}
    if graph.owners:
        value["owners"] = [_owner_to_json(owner) for owner in graph.owners.values()]
    value["nodes"] = [_node_to_json(node) for node in graph.nodes.values()]
    if graph.blocks:
        value["blocks"] = {k: graph_to_json(b, with_name=False) for k, b in graph.blocks.items()}
    if graph.frames:
        value["frames"] = {k: _frame_to_json(f) for k, f in graph.frames.items()}
    return value


def _frame_to_json(frame: Frame) -> Json:
    value: dict[str, Json] = {"kind": frame.kind} if frame.kind != "frame" else {}
    if frame.title:
        value["title"] = frame.title
    if frame.text:
        value["text"] = frame.text
    place: dict[str, Json] = {"position": list(frame.position), "size": list(frame.size)}
    return {**value, "colour": frame.colour, **place}


def _node_to_json(node: Node) -> Json:
    value: dict[str, Json] = {"id": node.id, "kind": node.kind}
    if node.name and node.name != node.id:
        value["name"] = node.name
    elif not node.name and node.kind not in _NAMED_BY_OWNER:
        value["name"] = ""
    if node.target:
        value["target"] = node.target
    if node.arguments:
        value["arguments"] = {k: argument_to_json(a) for k, a in node.arguments.items()}
    if node.spec is not None:
        value["shape"] = list(node.spec.shape)
        if node.spec.dtype != "float32":
            value["dtype"] = node.spec.dtype
    if node.bypassed:
        value["bypassed"] = True
    if node.note:
        value["note"] = node.note
    if node.position is not None:
        value["position"] = list(node.position)
    if node.among:
        value["among"] = list(node.among)
    return value


def _owner_to_json(owner: Owner) -> Json:
    value: dict[str, Json] = {"id": owner.id, "target": owner.target}
    if owner.name != owner.id:
        value["name"] = owner.name
    if owner.arguments:
        value["arguments"] = {k: argument_to_json(a) for k, a in owner.arguments.items()}
    if owner.frozen:
        value["frozen"] = True
    if owner.repeat != 1:
        value["repeat"] = owner.repeat
    if owner.shared:
        value["shared"] = True
    if owner.among:
        value["among"] = list(owner.among)
    if owner.ties:
        value["ties"] = {path: list(tie) for path, tie in owner.ties.items()}
    if owner.norms:
        value["norms"] = [_norm_to_json(norm) for norm in owner.norms]
    return value


def _norm_to_json(norm: Norm) -> Json:
    value: dict[str, Json] = {"kind": norm.kind}
    if norm.arguments:
        value["arguments"] = {k: argument_to_json(a) for k, a in norm.arguments.items()}
    return value


# --- from JSON -------------------------------------------------------------------------------------


def graph_from_json(value: Json, name: str | None = None, where: str = "The model") -> Graph:
    """A graph from a JSON value: every value has its type, nothing else is checked (see `validate`)."""
    obj = _object(value, where)
    keys = {"settings", "owners", "nodes", "frames"} | (
        {"name", "blocks"} if name is None else set()
    )
    check_keys(obj, keys, where)
    settings = {
        key: cast(Literals, argument_from_json(part, f"The setting {quote(key)}"))
        for key, part in _object(obj.get("settings", {}), f"{where}, settings").items()
    }
    owners = [
        _owner_from_json(part, where) for part in _list(obj.get("owners", []), f"{where}, owners")
    ]
    nodes = [
        _node_from_json(part, where) for part in _list(obj.get("nodes", []), f"{where}, nodes")
    ]
    blocks = _object(obj.get("blocks", {}), f"{where}, blocks")
    frames = _object(obj.get("frames", {}), f"{where}, frames")
    return Graph(
        name=_text(obj, "name", where, "Model") if name is None else name,
        nodes=_by_id(nodes, where),
        owners=_by_id(owners, where),
        settings=settings,
        blocks={k: graph_from_json(b, k, f"The block {quote(k)}") for k, b in blocks.items()},
        frames={k: _frame_from_json(f, f"{where}, frame {quote(k)},") for k, f in frames.items()},
    )


_NODE_KEYS = frozenset(
    ("id", "kind", "name", "target", "arguments", "shape", "dtype", "bypassed", "note")
) | {"position", "among"}
_OWNER_KEYS = frozenset(
    ("id", "target", "name", "arguments", "frozen", "repeat", "shared", "among", "ties", "norms")
)
_NAMED_BY_OWNER = ("layer", "weight")


def _node_from_json(value: Json, where: str) -> Node:
    obj = _object(value, f"{where}, a node")
    identity = _text(obj, "id", f"{where}, a node")
    where = f"{where}, node {quote(identity)},"
    check_keys(obj, _NODE_KEYS, where)
    kind = _text(obj, "kind", where)
    if kind not in get_args(NodeKind):
        hint = (
            did_you_mean(kind, get_args(NodeKind)) or f"Known are {', '.join(get_args(NodeKind))}."
        )
        raise ProjectRefused(f"{where} has the unknown kind {quote(kind)}. {hint}")
    return Node(
        id=identity,
        kind=cast(NodeKind, kind),
        name=_text(obj, "name", where, "" if kind in _NAMED_BY_OWNER else identity),
        target=_text(obj, "target", where, ""),
        arguments=_arguments(obj, where),
        spec=_spec(obj, where),
        bypassed=_flag(obj, "bypassed", where),
        note=_text(obj, "note", where, ""),
        position=_pair(obj, "position", where),
        among=_ids(obj, where),
    )


def _frame_from_json(value: Json, where: str) -> Frame:
    obj = _object(value, where)
    check_keys(obj, frozenset(("kind", "title", "text", "colour", "position", "size")), where)
    place, size = _pair(obj, "position", where), _pair(obj, "size", where)
    if place is None or size is None:
        raise ProjectRefused(f"{where} needs a position and a size: two numbers each.")
    frame = Frame(
        _text(obj, "title", where, ""),
        cast(FrameColour, _text(obj, "colour", where, "grey")),
        place,
        size,
        _text(obj, "text", where, ""),
        cast(FrameKind, _text(obj, "kind", where, "frame")),
    )
    if sentence := refuse_frame(frame):
        raise ProjectRefused(f"{where} cannot be drawn. {sentence}")
    return frame


def _owner_from_json(value: Json, where: str) -> Owner:
    obj = _object(value, f"{where}, an owner")
    identity = _text(obj, "id", f"{where}, an owner")
    where = f"{where}, owner {quote(identity)},"
    check_keys(obj, _OWNER_KEYS, where)
    repeat = obj.get("repeat", 1)
    if isinstance(repeat, bool) or not isinstance(repeat, int):
        raise ProjectRefused(f"{where} has repeat {quote(repeat)}, which is no whole number.")
    return Owner(
        id=identity,
        name=_text(obj, "name", where, identity),
        target=_text(obj, "target", where),
        arguments=_arguments(obj, where),
        frozen=_flag(obj, "frozen", where),
        repeat=repeat,
        shared=_flag(obj, "shared", where),
        among=_ids(obj, where),
        ties=_ties(obj, where),
        norms=tuple(_norm(part, where) for part in _list(obj.get("norms", []), f"{where} norms")),
    )


def _norm(value: Json, where: str) -> Norm:
    obj = _object(value, f"{where} norms, each")
    check_keys(obj, frozenset(("kind", "arguments")), f"{where} norms,")
    given = cast("dict[str, Literals]", _arguments(obj, f"{where} norms,"))
    return Norm(_text(obj, "kind", f"{where} norms,"), given)


def _ties(obj: dict[str, Json], where: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for path, tie in _object(obj.get("ties", {}), f"{where} ties").items():
        match tie:
            case [str() as owner, str() as other] if not refuse_text(owner + other + path):
                found[path] = (owner, other)
            case _:
                raise ProjectRefused(
                    f"{where} has a broken tie {quote(path)}: the id of another owner and the name of "
                    "its tensor are needed."
                )
    return found


def _arguments(obj: dict[str, Json], where: str) -> dict[str, Argument]:
    arguments = _object(obj.get("arguments", {}), f"{where} arguments")
    return {k: argument_from_json(v, f"{where} argument {quote(k)}") for k, v in arguments.items()}


def _spec(obj: dict[str, Json], where: str) -> TensorSpec | None:
    if "shape" not in obj:
        if "dtype" in obj:
            raise ProjectRefused(
                f'{where} has a dtype but no shape. Give it one, such as ["N", 64].'
            )
        return None
    shape = _list(obj["shape"], f"{where} shape")
    spec = TensorSpec(
        cast("tuple[int | str, ...]", tuple(shape)), _text(obj, "dtype", where, "float32")
    )
    if sentence := refuse_spec(spec):
        raise ProjectRefused(f"{where} cannot have this shape and dtype. {sentence}")
    return spec


def _pair(obj: dict[str, Json], key: str, where: str) -> tuple[float, float] | None:
    """Two numbers under a key, None where it is left out."""
    if key not in obj:
        return None
    match obj[key]:
        case [int() | float() as x, int() | float() as y] if not refuse_position((x, y)):
            return (x, y)
    raise ProjectRefused(f"{where} has the {key} {quote(obj[key])}: two numbers are needed.")


def _ids(obj: dict[str, Json], where: str) -> tuple[str, ...]:
    ids = _list(obj.get("among", []), f"{where} among")
    return tuple(_text({"id": identity}, "id", f"{where} among,") for identity in ids)


def _by_id(parts: list[Any], where: str) -> dict[str, Any]:
    found = {part.id: part for part in parts}
    if len(found) < len(parts):
        twice = Counter(part.id for part in parts).most_common(1)[0][0]
        raise ProjectRefused(
            f"{where} has two parts with the id {quote(twice)}. Rename one of them."
        )
    return found


def _object(value: Json, where: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ProjectRefused(f"{where}: an object {{…}} is needed, not {quote(value)}.")
    return value


def _list(value: Json, where: str) -> list[Json]:
    if not isinstance(value, list):
        raise ProjectRefused(f"{where}: a list […] is needed, not {quote(value)}.")
    if len(value) > MAX_NODES:
        raise ProjectRefused(f"{where}: {len(value):,} entries, of at most {MAX_NODES:,}.")
    return value


def _text(obj: dict[str, Json], key: str, where: str, default: str | None = None) -> str:
    value = obj.get(key, default)
    if not isinstance(value, str) or refuse_text(value):
        lacks = "lacks" if key not in obj else f"has {quote(value)} for"
        raise ProjectRefused(f"{where} {lacks} {quote(key)}, which is a short text.")
    return value


def _flag(obj: dict[str, Json], key: str, where: str) -> bool:
    value = obj.get(key, False)
    if not isinstance(value, bool):
        raise ProjectRefused(
            f"{where} has {quote(value)} for {quote(key)}, which is true or false."
        )
    return value


__all__ = [
    "Json",
    "argument_from_json",
    "argument_to_json",
    "check_keys",
    "graph_from_json",
    "graph_to_json",
]
