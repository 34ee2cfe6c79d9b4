"""One graph being put together: names, owners, nodes, and what each reference is called here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from builder import catalogue
from builder.catalogue.making import MAKING
from builder.code.reading import raws, tying
from builder.code.reading.closed import Closed, Tree, is_random
from builder.code.reading.reader import Reader
from builder.code.reading.repeating import Run
from builder.code.reading.settings import Settings
from builder.code.reading.telling_names import is_usual, says_nothing
from builder.code.reading.trace import Entering, Frame, Layer, Module, Raw, Step
from builder.code.reading.unheld import check_unheld
from builder.code.reading.weights import check_freezing
from builder.graph.model import (
    Argument,
    Calc,
    Compare,
    Graph,
    Node,
    Owner,
    Ref,
    Size,
    Slice,
    TensorSpec,
)
from builder.graph.modes import WHEN, WhenGiven
from builder.graph.names import name_for, safe_identifier, suggest_name
from builder.graph.symbols import probe_from_dim


@dataclass
class Placed:
    """A finished graph without a name. `settings`: its names → the reader's keys."""

    graph: Graph
    lines: dict[str, list[tuple[int, int, int, int]]]
    settings: Mapping[str, str]


@dataclass
class Scope:
    """One graph of the network: the network itself, or a block."""

    reader: Reader
    tree: Tree
    module: Module
    frame: Frame
    is_root: bool
    nodes: dict[str, Node] = field(default_factory=dict)
    owners: dict[str, Owner] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    wished: set[str] = field(default_factory=set)  # variables of the text
    once: set[str] = field(default_factory=set)  # those that are given one value
    layers: frozenset[str] = frozenset()
    made: dict[str, str] = field(default_factory=dict)  # step → node
    exported: dict[Ref, Ref] = field(default_factory=dict)  # of a block's call → its result here
    lines: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    known_members: dict[int, str] = field(default_factory=dict)
    owners_of_blocks: set[int] = field(default_factory=set)
    loose: dict[int, str] = field(default_factory=dict)
    builder: Any = None
    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)
    module_owners: list[Module] = field(default_factory=list)
    origins: dict[str, list[Step | Frame]] = field(default_factory=dict)  # node → its calls

    def __post_init__(self) -> None:
        self.trace = self.reader.trace
        self.settings = Settings(self.reader, self.tree, self.module, self.is_root)

    # Names -------------------------------------------------------------------------------------

    def reserve(self, items: list[Step | Frame], closed: Closed) -> None:
        """Keeps the names of layers: they stand in the `state_dict`, all others give way."""
        given = Counter(item.name for item in items if not says_nothing(item.name))
        self.wished = set(given)
        self.once = {name for name, times in given.items() if times == 1}
        for item in items:
            member: Any = item.owner if isinstance(item, Step) else item.module
            if member is None or id(member) not in self.tree.paths:
                continue
            name = self.tree.relative(member, self.module)
            self.names.add(name)
            parent = self.tree.parents.get(id(member))
            if isinstance(item, Frame) and parent is not None and parent is not self.module:
                self.names.add(self.tree.relative(parent, self.module))
        self.layers = frozenset(self.names)
        self.settings.reserve(self.names)

    def free(self, wish: str) -> str:
        name = suggest_name(safe_identifier(wish), self.names)
        self.names.add(name)
        return name

    def node_id(self, wish: str) -> str:
        if wish not in self.nodes:
            return wish
        number = 2
        while f"{wish}_{number}" in self.nodes:
            number += 1
        return f"{wish}_{number}"

    # Nodes -------------------------------------------------------------------------------------

    def add_input(self, entering: Entering) -> None:
        name = self.free(entering.name)
        spec = entering.spec if self.is_root else None
        if spec is not None:
            spec = TensorSpec(spec.shape, spec.dtype)
        self.nodes[name] = Node(name, "input", name, spec=spec)
        self.made[entering.id] = name

    def add_output(self, wish: str, ref: Ref, when: WhenGiven | None = None) -> None:
        self.names |= self.nodes.keys()  # also of a second call of a shared layer
        name = self.free(wish or "output")
        arguments: dict[str, Argument] = {"value": self.here(ref)}
        arguments |= {WHEN: when} if when is not None else {}
        self.nodes[name] = Node(name, "output", name, arguments=arguments)

    def add_layer(self, step: Step, owner: Owner) -> None:
        identity = self.node_id(owner.name)
        arguments = {n: self.argument(a) for n, a in step.arguments.items()}
        name = self.variable(step.name, owner.name)
        self.nodes[identity] = Node(identity, "layer", name, owner.id, arguments)
        self.made[step.id] = identity
        self.origins[identity] = [step]
        self._note_line(identity, step)

    def variable(self, name: str, owner: str) -> str:
        """What the text calls the value of a layer; "" where it is written over, or called so anyway."""
        return name if name in self.once and not is_usual(name, owner) else ""

    def add_step(self, step: Step) -> None:
        wish = step.name
        as_layer = step.kind != "branch" and wish in self.once & self.layers
        if step.kind == "branch":
            name = self.free(wish or "branch")
            target = ""
        else:
            plain = wish not in self.once
            taken = self.names | self.wished
            name = name_for(step.target, taken) if plain or as_layer else self.free(wish)
            self.names.add(name)
            target = step.target
        name = self.node_id(name)
        said = wish if as_layer else name
        arguments = {n: self.argument(a) for n, a in step.arguments.items()}
        self.nodes[name] = Node(name, step.kind, said, target, arguments)  # type: ignore[arg-type]
        self.made[step.id] = name
        self.origins[name] = [step]
        self._note_line(name, step)

    def add_weight(self, step: Step) -> None:
        owner, name = step.owner, step.weight
        assert owner is not None
        identity = self.owner_name(owner)
        if identity not in self.owners:
            self.add_member(owner, identity)
        node = self.node_id(f"{identity}_{name}" if name else identity)
        arguments: dict[str, Argument] = {"name": name} if name else {}
        self.nodes[node] = Node(node, "weight", "", identity, arguments)
        self.made[step.id] = node
        self._note_line(node, step)

    def add_block_call(self, frame: Frame, owner: str, block: Graph) -> None:
        identity = self.node_id(owner)
        names = [n.name for n in block.inputs]
        arguments: dict[str, Argument] = {
            name: self.here(e.outer) for name, e in zip(names, frame.inputs, strict=True)
        }
        name = self.variable(frame.name, owner)
        self.nodes[identity] = Node(identity, "layer", name, owner, arguments)
        self.origins[identity] = [frame]
        self._export(frame, identity)
        self._note_frame(identity, frame)

    def add_repeat(self, run: Run, owner: str, block: Graph) -> None:
        identity = self.node_id(owner)
        first, last = run.frames[0], run.frames[-1]
        names = [n.name for n in block.inputs]
        arguments: dict[str, Argument] = {
            name: self.here(e.outer) for name, e in zip(names, first.inputs, strict=True)
        }
        self.nodes[identity] = Node(identity, "layer", target=owner, arguments=arguments)
        self.origins[identity] = list(run.frames)
        self._export(last, identity)
        if run.whole is not None:
            self._note_frame(identity, run.whole)
        else:
            self._note_frame(identity, first)

    def _export(self, frame: Frame, identity: str) -> None:
        several = len(frame.exports) > 1
        for i, ref in enumerate(frame.exports):
            self.exported[ref] = Ref(identity, (i,) if several else ())

    def _note_line(self, identity: str, step: Step) -> None:
        self.lines[identity] = [_position(step)]
        if isinstance(step.owner, Layer):
            self.lines[identity].append((step.owner.line, 0, step.owner.line, 0))

    def _note_frame(self, identity: str, frame: Frame) -> None:
        self.lines[identity] = [_position(frame)]

    # Owners ------------------------------------------------------------------------------------

    def owner_name(self, member: Layer | Raw | Module) -> str:
        if id(member) in self.tree.paths:
            return self.tree.relative(member, self.module)
        if id(member) not in self.loose:
            assert isinstance(member, Layer)
            self.loose[id(member)] = name_for(member.entry.key, self.names)
            self.names.add(self.loose[id(member)])
        return self.loose[id(member)]

    def second_name(self, step: Step) -> str:
        """What an nn.Sequential that holds a layer twice calls it the second time; "" else."""
        layer = step.owner
        if step.via is None or not self.tree.again or not isinstance(layer, Layer):
            return ""
        module, name = step.via
        path = f"{around}.{name}" if (around := self.tree.paths.get(id(module), "")) else name
        here = any(member is layer and path == other for other, member in self.tree.again)
        if not here or not tying.is_tied(self.reader, layer):
            return ""
        prefix = self.tree.paths[id(self.module)]
        return path[len(prefix) + 1 :] if prefix else path

    def owner_of_layer(self, step: Step) -> Owner:
        layer = step.owner
        assert isinstance(layer, Layer)
        name = self.owner_name(layer)
        if name in self.owners:
            name = self.second_name(step) or name
        if name not in self.owners:
            check_unheld(self.reader, self.tree, layer)
            self.add_member(layer, name, step)
        return self.owners[name]

    def add_member(self, member: Layer | Raw, name: str, step: Step | None = None) -> None:
        if isinstance(member, Raw):
            self.add_owner(raws.owner_of(self.builder, self, member, name), member)
        else:
            self.add_owner(self.plain_owner(member, name, step), member)

    def plain_owner(self, member: Layer, name: str, step: Step | None = None) -> Owner:
        """The owner of a layer of torch."""
        check_freezing(self.reader, member)
        arguments: dict[str, Argument] = {}
        for key, value in member.arguments.items():
            if step is not None and self.settings.inferable(member, key, value, step):
                self.left_out.setdefault(name, {})[key] = value
                continue
            arguments[key] = self.settings.argument(value)
        if step is None:  # never called: its sizes are said in full
            known = member.known or {}
            arguments = {**{k: v for k, v in known.items() if k not in arguments}, **arguments}
        return Owner(
            name, name, member.entry.key, arguments, frozen=member.frozen, norms=member.norms
        )

    def add_owner(self, owner: Owner, member: Layer | Raw | Module) -> None:
        self.owners[owner.id] = owner
        self.known_members[id(member)] = owner.name
        if isinstance(member, Module):
            self.owners_of_blocks.add(id(member))
            self.module_owners.append(member)

    def add_uncalled(self, path: str, member: Layer | Raw) -> None:
        name = self.tree.relative(member, self.module)
        if not name or name in self.owners:
            return
        self.add_member(member, name)

    # References --------------------------------------------------------------------------------

    def outer(self, ref: Ref) -> Ref:
        """A reference past the inputs of modules that are opened here."""
        while ref.node in self.trace.entering and ref.node not in self.made:
            entering = self.trace.entering[ref.node][1]
            ref = Ref(entering.outer.node, (*entering.outer.path, *ref.path))
        return ref

    def here(self, ref: Ref) -> Ref:
        """A reference as this graph knows it. Errors: CodeRefused where it stands elsewhere."""
        found = self.reachable(ref)
        if found is None:
            step = self.trace.steps.get(self.outer(ref).node)
            if step is not None and step.frame is self.trace.making and self.from_making(ref):
                return self.here(ref)
            raise self.reader.refuse(
                "This tensor was made outside of forward, which cannot be drawn yet",
                line=step.line if step is not None else None,
            )
        return found

    def from_making(self, ref: Ref) -> bool:
        """Makes a constant tensor of the text where it is read; False for one that is drawn."""
        steps = raws.steps_behind(self.trace, self.outer(ref))
        if any(is_random(step) for step in steps) or any(
            s.frame is not self.trace.making for s in steps
        ):
            return False
        for step in steps:
            if step.id not in self.made:
                self.add_step(self.on_the_device(step))
        return True

    def on_the_device(self, step: Step) -> Step:
        """A constant that was made in the file or in __init__, made where the network runs."""
        if step.target in MAKING and "device" not in step.arguments and self.frame.inputs:
            port = catalogue.get(step.target).port("device")
            if port is not None:
                device = Ref(self.frame.inputs[0].id)
                return replace(step, arguments={**step.arguments, "device": device})
        return step

    def reachable(self, ref: Ref) -> Ref | None:
        ref = self.outer(ref)
        if ref in self.exported:
            return self.exported[ref]
        if ref.node in self.made:
            return Ref(self.made[ref.node], ref.path)
        return None

    def argument(self, value: Argument) -> Argument:
        """An argument with its references and settings as this graph knows them."""
        match value:
            case Ref():
                return self.here(value)
            case Size(of=of, dim=dim):
                found = self.reachable(of)
                if found is not None:
                    return Size(found, dim)
                spec = self.trace.value_of(of)
                assert isinstance(spec, TensorSpec)
                return probe_from_dim(spec.shape[dim])
            case Calc(op=op, left=left, right=right):
                one, other = self.argument(left), self.argument(right)
                if isinstance(one, int) and isinstance(other, int):
                    return _worked_out(op, one, other)
                return Calc(op, one, other)
            case Compare(op=sign, left=left, right=right):
                return Compare(sign, self.argument(left), self.argument(right))
            case Slice(start=start, stop=stop, step=step):
                return Slice(*(self.argument(part) for part in (start, stop, step)))
            case tuple():
                return tuple(self.argument(part) for part in value)
        return self.settings.expression(value)

    def setting_from_outside(self, key: str) -> Argument:
        return self.settings.from_outside(key)

    def put_back(self) -> None:
        """Sizes that follow a setting which the block has anyway are said by it."""
        for name, values in self.left_out.items():
            owner = self.owners[name]
            kept = {k: v for k, v in values.items() if self.settings.has(v)}
            if kept:
                found = {k: self.settings.argument(v) for k, v in kept.items()}
                every = {**owner.arguments, **found}
                order = [p.name for p in catalogue.get(owner.target).parameters]
                arguments = dict(sorted(every.items(), key=lambda item: order.index(item[0])))
                self.owners[name] = replace(owner, arguments=arguments)

    def placed(self) -> Placed:
        self.put_back()
        graph = Graph("", self.nodes, self.owners, self.settings.defaults())
        return Placed(graph, self.lines, self.settings.used())


def _position(read: Step | Frame) -> tuple[int, int, int, int]:
    from builder.code.reading.structure import position_of

    return position_of(read.node) or (read.line, 0, read.line, 0)


def _worked_out(op: str, left: int, right: int) -> int:
    if op == "//":
        return left // right if right else 0
    return left * right if op == "*" else left + right if op == "+" else left - right
