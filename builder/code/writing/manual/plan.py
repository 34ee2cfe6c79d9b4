"""Names for everything in a file by hand: functions, tensors, settings.

The network itself stands at the level of the file. A block is a NamedTuple of its tensors, a
function that makes one, and a function that computes with one.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.code.writing.manual.recipe import Drawn
from builder.code.writing.manual.texts import helper_names
from builder.code.writing.naming import Namespace
from builder.code.writing.scope import Scope
from builder.errors import CodeRefused, quote
from builder.graph.allowed_weights import inside
from builder.graph.model import Owner

OWN = "w"
"""The argument of a block's function that holds its tensors."""
TRAINING = "training"
_FILE_NAMES = frozenset(
    {
        *dir(builtins),
        "forward",
        "parameters",
        "NamedTuple",
        "tensor",
        "loss",
        "p",
        "x",
        OWN,
        TRAINING,
    }
)
_TUPLE_NAMES = frozenset({"count", "index"})


@dataclass
class Plan:
    """One scope by hand. `tensors`: (owner id, its tensor) → name; ("…", "") for a block or a raw one.

    `drawn`: an owner's tensors in the order they are drawn. `kept`: the settings that the function
    reads; `made_with`: the parameters that making its tensors takes; `trains`: whether it asks.
    """

    scope: Scope
    class_name: str = ""
    function: str = "forward"
    make: str = ""
    tensors: dict[tuple[str, str], str] = field(default_factory=dict)
    drawn: dict[str, list[Drawn]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    made_with: frozenset[str] = frozenset()
    trains: bool = False

    @property
    def is_root(self) -> bool:
        return not self.scope.block

    def named(self, owner: Owner, tensor: str = "") -> str:
        """The expression for a tensor of an owner in the function: `fc_weight`, `w.fc_weight`."""
        name = self.tensors.get((owner.id, tensor))
        if name is None:
            raise CodeRefused(
                f"{quote(owner.name)} has no tensor {quote(tensor)} where it is written by hand."
            )
        return name if self.is_root else f"{OWN}.{name}"


def plan_names(scopes: Mapping[str, Scope]) -> tuple[dict[str, Plan], Namespace]:
    """A plan for each scope, and the names of the file. The tensors are named by `name_tensors`."""
    space = Namespace({*_FILE_NAMES, *helper_names()})
    plans: dict[str, Plan] = {}
    for block, scope in scopes.items():
        plans[block] = Plan(scope)
        if block:
            plans[block].class_name = space.claim_class(block)
            snake = _snake(plans[block].class_name)
            plans[block].function = space.claim(f"{snake}_forward")
            plans[block].make = space.claim(f"make_{snake}")
    for block, scope in scopes.items():
        called = Namespace({*_FILE_NAMES, *helper_names(), *called_names(plans)})
        _rename_parameters(scope, called if block else space)
    return plans, space


def called_names(plans: Mapping[str, Plan]) -> set[str]:
    """The names of the file's classes and functions."""
    return {n for p in plans.values() for n in (p.class_name, p.function, p.make) if n}


def name_tensors(plan: Plan, space: Namespace, called: Iterable[str]) -> None:
    """Names what is drawn: fc1_weight. `called`: the names of the file's classes and functions."""
    if not plan.is_root:
        given = {*plan.scope.sizes, *plan.scope.settings.values()}
        space = Namespace({*_FILE_NAMES, *_TUPLE_NAMES, *helper_names(), *called, *given})
    for owner, _ in plan.scope.members:
        # A field of a NamedTuple must not begin with an underscore.
        name = owner.name.replace(".", "_").lstrip("_") or "layer"
        name = f"layer{name}" if name[:1].isdecimal() else name
        for drawn in plan.drawn.get(owner.id, []):
            tensor = f"{name}_{drawn.name.replace('.', '_')}" if drawn.name else name
            plan.tensors[owner.id, drawn.name] = space.claim(tensor, "tensor")


def path_of(plan: Plan, plans: Mapping[str, Plan], owner: Owner, path: str) -> str:
    """The expression for a tensor by its path, through blocks: `stage[0].fc_weight`."""
    if owner.block is None:
        return plan.named(owner, path)
    found = plan.named(owner)
    if owner.repeat > 1 and not owner.shared:
        place, _, path = path.partition(".")
        found = f"{found}[{int(place)}]"
    inner = plans[owner.block]
    below = inside(inner.scope.graph, path)
    if below is None:
        raise CodeRefused(f"{quote(owner.name)} has no tensor {quote(path)}. Choose another one.")
    return f"{found}.{path_of(inner, plans, *below).removeprefix(f'{OWN}.')}"


def _rename_parameters(scope: Scope, space: Namespace) -> None:
    """Settings and sizes must not hide what the file calls: "dropout" becomes "dropout_setting"."""
    new: dict[str, str] = {}
    for name in (*scope.settings.values(), *scope.sizes):
        free = space.claim(name)
        new[name] = free if free == name else space.claim(f"{name}_setting")
    scope.settings = {setting: new[name] for setting, name in scope.settings.items()}
    scope.sizes = {new[name]: size for name, size in scope.sizes.items()}
    scope.variable = {size: new.get(name, name) for size, name in scope.variable.items()}


def _snake(class_name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", class_name).lower()
