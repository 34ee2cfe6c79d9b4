"""Which modules can be blocks: those that read and own nothing that stands outside of them."""

from __future__ import annotations

from typing import Any

from builder.code.reading.trace import Frame, Layer, Module, Raw, Step, Trace, tensors_in
from builder.graph.model import Argument, Calc, Compare, Ref, Size, Slice, iter_refs

_RANDOM = frozenset(
    {
        "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
        "rand_like", "randn_like", "randint_like", "gumbel_softmax", "scaled_dot_product_attention",
        "feature_dropout", "native_dropout", "fractional_max_pool2d",
    }
)  # fmt: skip


class Tree:
    """Where each layer and module stands in the network: its path, and the modules around it."""

    def __init__(self, root: Module) -> None:
        self.root = root
        self.paths: dict[int, str] = {}
        self.parents: dict[int, Module] = {}
        self.again: list[tuple[str, Any]] = []  # registered a second time
        self.order: list[tuple[str, Layer | Raw]] = []
        self.all_paths: list[str] = []
        self.ranges: dict[int, tuple[int, int, int, int]] = {}
        self._around: dict[int, list[Module]] = {}
        self._walk(root, "")

    def _walk(self, module: Module, prefix: str) -> None:
        self.paths[id(module)] = prefix
        first, first_path = len(self.order), len(self.all_paths)
        if module.layer is not None:
            self.order.append((prefix, module.layer))
            self.paths[id(module.layer)] = prefix
            self.parents[id(module.layer)] = module
        for name, member in module.members.items():
            if member is None:
                continue
            path = f"{prefix}.{name}" if prefix else name
            self.all_paths.append(path)
            if id(member) in self.paths:
                self.again.append((path, member))
                continue
            self.parents[id(member)] = module
            if isinstance(member, Module):
                self._walk(member, path)
            else:
                self.paths[id(member)] = path
                self.order.append((path, member))
        self.ranges[id(module)] = (first, len(self.order), first_path, len(self.all_paths))

    def inside(self, module: Module) -> list[tuple[str, Layer | Raw]]:
        """The layers and tensors in a module, with those of modules in it."""
        first, last, _, _ = self.ranges[id(module)]
        return self.order[first:last]

    def paths_inside(self, module: Module) -> list[str]:
        """The paths of all that a module holds, relative to it."""
        _, _, first, last = self.ranges[id(module)]
        prefix = self.paths[id(module)]
        cut = len(prefix) + 1 if prefix else 0
        return [path[cut:] for path in self.all_paths[first:last]]

    def around(self, member: Any) -> list[Module]:
        """The modules around a member, the nearest first, without the network itself."""
        known = self._around.get(id(member))
        if known is not None:
            return known
        found: list[Module] = []
        self._around[id(member)] = found
        module = self.parents.get(id(member))
        while module is not None and module is not self.root:
            found.append(module)
            module = self.parents.get(id(module))
        return found

    def relative(self, member: Any, inside: Module) -> str:
        """The path of a member as it is known inside a module."""
        path, prefix = self.paths[id(member)], self.paths[id(inside)]
        return path[len(prefix) + 1 :] if prefix else path


class Closed:
    """Works out which steps are kept and which modules stay open (are written out where they stand)."""

    def __init__(self, trace: Trace, tree: Tree, root: Frame) -> None:
        self.trace, self.tree, self.root = trace, tree, root
        self.kept = self._kept()
        self.frames: dict[int, list[Frame]] = {}
        self._collect(root)
        self.open: set[int] = set()
        self.uses: dict[Ref, list[Frame]] = {}
        for step in self.kept.values():
            self._look_at(step)
        for tensor in tensors_in(root.result):
            self.uses.setdefault(tensor.ref, []).append(root)
        for frame in self._every(root):
            self._look_at_frame(frame)

    def is_block(self, module: Module | None) -> bool:
        return module is not None and id(module) in self.tree.paths and id(module) not in self.open

    def _kept(self) -> dict[str, Step]:
        """The steps that matter: layers, what has an effect, and what these read."""
        needed: set[str] = set()
        for tensor in tensors_in(self.root.result):
            self._need(tensor.ref, needed)
        frames = [f for f in self._every(self.root) if len(f.exports) > 1]
        while True:
            kept = self._kept_for(needed)
            before = len(needed)
            for frame in frames:  # a call gives all its values, read or not: so all calls are alike
                if any(ref.node in needed for ref in frame.exports):
                    for ref in frame.exports:
                        self._need(ref, needed)
            for branch in self._settling(kept):
                needed.add(branch)
            if len(needed) == before:
                return kept

    def _settling(self, kept: dict[str, Step]) -> list[str]:
        """The branches that hold what is written on one side, where nothing on that side reads it."""
        read: set[str] = set()
        for step in kept.values():
            for argument in step.arguments.values():
                for ref in iter_refs(argument):
                    self._need(ref, read)
        waiting = self.trace.settling.items()
        return [branch for step, branch in waiting if step in kept and step not in read]

    def _kept_for(self, needed: set[str]) -> dict[str, Step]:
        kept: dict[str, Step] = {}
        for step in reversed(list(self.trace.steps.values())):
            if not step.frame.inside(self.root) and step.id not in needed:
                continue
            if step.id in needed or has_effect(step):
                kept[step.id] = step
                for argument in step.arguments.values():
                    for ref in iter_refs(argument):
                        self._need(ref, needed)
        return dict(reversed(kept.items()))

    def _need(self, ref: Ref, needed: set[str]) -> None:
        while ref.node in self.trace.entering:
            ref = self.trace.entering[ref.node][1].outer
        needed.add(ref.node)

    def _collect(self, frame: Frame) -> None:
        for item in frame.items:
            if isinstance(item, Frame):
                if item.module is not None:
                    self.frames.setdefault(id(item.module), []).append(item)
                self._collect(item)

    def _every(self, frame: Frame) -> list[Frame]:
        found = []
        for item in frame.items:
            if isinstance(item, Frame):
                found.append(item)
                found.extend(self._every(item))
        return found

    def _look_at(self, step: Step) -> None:
        if step.owner is not None:
            around = self.tree.around(step.owner)
            for module in around:
                if not _is_inside_one_of(step.frame, self.frames.get(id(module), ())):
                    self.open.add(id(module))
            holding = {id(module) for module in around}
            frame: Frame | None = step.frame if id(step.owner) in self.tree.paths else None
            while frame is not None:  # a module that was handed to another one is not that one's
                if frame.module is not None and id(frame.module) not in holding:
                    self.open.add(id(frame.module))
                frame = frame.parent
        for argument in step.arguments.values():
            for ref in must_refs(argument, self.trace):
                self.uses.setdefault(ref, []).append(step.frame)
                self._look_at_ref(step.frame, ref)

    def _look_at_ref(self, frame: Frame, ref: Ref) -> None:
        if ref.node in self.trace.entering:
            home = self.trace.entering[ref.node][0]
        elif ref.node in self.trace.steps:
            home = self.trace.steps[ref.node].frame
        else:
            return
        if home is self.trace.making:
            return
        user: Frame | None = frame
        while user is not None and not home.inside(user):  # read inside, made outside
            if user.module is not None:
                self.open.add(id(user.module))
            user = user.parent
        maker: Frame | None = home
        while maker is not None and not frame.inside(maker):  # made inside, read outside
            if maker.module is not None and ref not in maker.exports:
                self.open.add(id(maker.module))
            maker = maker.parent

    def _look_at_frame(self, frame: Frame) -> None:
        module = frame.module
        if module is None:
            return
        if (
            not frame.exports
            or not frame.inputs
            or module.layer is not None
            or not self._holds_steps(frame)
            or id(module) not in self.tree.paths
            or _names_mixed(module)
        ):
            self.open.add(id(module))
        if frame.parent is not None:
            for entering in frame.inputs:
                self.uses.setdefault(entering.outer, []).append(frame)
                self._look_at_ref(frame.parent, entering.outer)
        for ref in frame.exports:
            self.uses.setdefault(ref, []).append(frame)
            self._look_at_ref(frame, ref)

    def _holds_steps(self, frame: Frame) -> bool:
        return any(
            self._holds_steps(item) if isinstance(item, Frame) else item.id in self.kept
            for item in frame.items
        )


def _names_mixed(module: Module) -> bool:
    """Whether “0” stands beside “norm”: as an attribute of a class it could not."""
    counted = [str(place) for place in range(len(module.members))]
    return any(n.isdecimal() for n in module.members) and list(module.members) != counted


def _is_inside_one_of(frame: Frame, frames: Any) -> bool:
    return any(frame.inside(other) for other in frames)


def is_random(step: Step) -> bool:
    """Whether a step draws random numbers."""
    name = step.target.rpartition(".")[2]
    return name in _RANDOM or name in _RANDOM_IN_PLACE or "dropout" in name


_RANDOM_IN_PLACE = frozenset(
    {
        "normal_",
        "uniform_",
        "bernoulli_",
        "exponential_",
        "random_",
        "cauchy_",
        "log_normal_",
        "geometric_",
    }
)


def has_effect(step: Step) -> bool:
    """Whether a step does something beside giving its value."""
    if step.kind == "layer":
        return True
    if step.kind != "operation":
        return False
    name = step.target.rpartition(".")[2]
    return (
        name in _RANDOM
        or bool(step.in_place)
        or name == "setitem"
        or (name.endswith("_") and not name.endswith("__") and name not in ("and_", "or_"))
        or name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "rrelu")
    )


def must_refs(argument: Argument, trace: Trace) -> list[Ref]:
    """The references that cannot become numbers: all but sizes that are known."""
    match argument:
        case Ref():
            return [argument]
        case Size(of=of, dim=dim):
            value = trace.value_of(of)
            known = getattr(value, "shape", ())
            return [of] if known and isinstance(known[dim], str) else []
        case Calc(left=left, right=right) | Compare(left=left, right=right):
            return [*must_refs(left, trace), *must_refs(right, trace)]
        case Slice(start=start, stop=stop, step=step):
            return [r for part in (start, stop, step) for r in must_refs(part, trace)]
        case tuple():
            return [r for part in argument for r in must_refs(part, trace)]
    return []
