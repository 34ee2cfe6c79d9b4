"""Names and shapes of a checkpoint held against those of a network, strictly, in every code style.

    fit = fit_weights(graph, read_shapes(Path("model.safetensors")))
    fit.ok, fit.sentence, fit.sources["fc.weight"]

Nothing is allocated: the network is made on the meta device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from builder.code.building import build_hollow
from builder.code.description import paths
from builder.code.limits import refuse_own_code
from builder.code.registry import MANUAL, styles
from builder.errors import CodeRefused, WeightsRefused, quote
from builder.graph.model import Graph

if TYPE_CHECKING:
    from torch import Tensor

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

_TORCHS: Final = (
    RuntimeError, TypeError, ValueError, AssertionError, ArithmeticError, LookupError, AttributeError,
)  # fmt: skip
"""What torch raises for arguments with which a layer cannot be made."""
_MOST_NAMED: Final = 3  # names in a sentence
_WRAPPERS: Final = ("module.", "_orig_mod.", "model.", "net.")
"""nn.DataParallel, torch.compile, and what training frameworks call the network they hold."""


@dataclass(frozen=True)
class Fit:
    """A checkpoint held against a network's `state_dict`, strictly.

    `count`: tensors in the file. `missing`, `unexpected`: names that only the network, only the file
    has. `other`: name, shape in the file, shape in the network. `left_off`: what all names of the file
    begin with, as a wrapper puts it there. `style`: of the code whose names they are. `sources`: every
    name of the network's `state_dict` (style `module`) → the name in the file, where all fits. `ties`:
    pairs of these names that are one tensor. `dtypes`, `bytes`: of the network's tensors.
    """

    count: int
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    other: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    left_off: str = ""
    style: str = "module"
    sources: Mapping[str, str] = field(default_factory=dict)
    ties: tuple[tuple[str, str], ...] = ()
    dtypes: Mapping[str, str] = field(default_factory=dict)
    bytes: int = 0

    @property
    def off(self) -> int:
        """How many names and shapes do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.other)

    @property
    def ok(self) -> bool:
        """Whether `load_state_dict` takes it strictly."""
        return not self.off

    @property
    def difference(self) -> str:
        """What does not fit, without a full stop: "the file lacks “fc.bias”; …"; "" where all fits."""
        said = []
        if self.missing:
            said.append(f"the file lacks {_some(self.missing)}")
        if self.unexpected:
            said.append(f"the network lacks {_some(self.unexpected)}")
        said += [
            f"{quote(name)} is {_shape(there)} in the file and {_shape(here)} in the network"
            for name, there, here in self.other[:_MOST_NAMED]
        ]
        if len(self.other) > _MOST_NAMED:
            said.append(f"{len(self.other) - _MOST_NAMED} more have another shape")
        return "; ".join(said)

    @property
    def sentence(self) -> str:
        """What fits, or what does not, in one sentence."""
        left_off = f"; “{self.left_off}” before each name is left off" if self.left_off else ""
        if not self.ok:
            return f"They do not fit: {self.difference}{left_off}."
        tensors = "The one tensor fits" if self.count == 1 else f"All {self.count} tensors fit"
        named = "" if self.style == "module" else f" of the style “{styles()[self.style].title}”"
        return f"{tensors}, by name and by shape{named}{left_off}."


def fit_weights(graph: Graph, shapes: Shapes, *, any_style: bool = True) -> Fit:
    """Holds a checkpoint's names and shapes against those of a network, in the style they fit best.

    `any_style`: False for a file of ours, which has the names of the style `module`.
    Errors: CodeRefused where the network cannot be written, or holds code of a person's own;
    WeightsRefused where it cannot be made.
    """
    refuse_own_code(graph)
    here = _state(graph, "module")
    best = _fit(here, here, shapes, "module")
    others = _in_other_styles(graph, here, shapes) if any_style else iter(())
    while not best.ok and (other := next(others, None)) is not None:
        best = min(best, other, key=lambda fit: fit.off)
    return best


def _in_other_styles(graph: Graph, here: Mapping[str, Tensor], shapes: Shapes) -> Iterator[Fit]:
    for style in styles():
        if style in ("module", MANUAL):
            continue
        try:
            there = _state(graph, style)
        except CodeRefused:
            continue  # no chain, say
        if list(there) != list(here) and _same_order(graph, here, there, style):
            yield _fit(here, there, shapes, style)


def _same_order(
    graph: Graph, here: Mapping[str, Tensor], there: Mapping[str, Tensor], style: str
) -> bool:
    """Whether the tensors of two styles are the same ones in order, wherever a layer's path tells."""
    if [v.shape for v in here.values()] != [v.shape for v in there.values()]:
        return False
    named, placed = paths(graph), paths(graph, style)
    known = {placed[key]: named[key] for key in placed if key in named}
    if style not in ("sequential", "ordered"):
        return True  # these paths are those of `module`
    for ours, theirs in zip(here, there, strict=True):
        place = theirs
        while place and place not in known:
            place = place.rpartition(".")[0]
        if place and f"{known[place]}{theirs[len(place) :]}" != ours:
            return False
    return True


def _state(graph: Graph, style: str) -> dict[str, Tensor]:
    try:
        return dict(build_hollow(graph, style).state_dict(keep_vars=True))
    except _TORCHS as error:
        raise WeightsRefused(
            f"Whether weights fit is known once the network can be made: {quote(error, 160)}."
        ) from error


def _fit(
    here: Mapping[str, Tensor], there: Mapping[str, Tensor], shapes: Shapes, style: str
) -> Fit:
    """`here`: the network's tensors by the names of `module`; `there`: by those of `style`, in order."""
    fits = (_under(here, there, shapes, style, prefix) for prefix in _prefixes(shapes))
    return min(fits, key=lambda fit: fit.off)


def _prefixes(names: Iterable[str]) -> Iterator[str]:
    """What may be left off: "", "module.", "module._orig_mod.", as far as every name begins so."""
    prefix, names = "", list(names)
    while True:
        yield prefix
        more = (w for w in _WRAPPERS if names and all(n.startswith(prefix + w) for n in names))
        if (wrapper := next(more, None)) is None:
            return
        prefix += wrapper


def _under(
    here: Mapping[str, Tensor],
    there: Mapping[str, Tensor],
    shapes: Shapes,
    style: str,
    prefix: str,
) -> Fit:
    given = {name.removeprefix(prefix): shape for name, shape in shapes.items()}
    by_tensor: dict[int, list[str]] = {}  # a tied tensor has several names, and is in a file once
    for name, value in there.items():
        by_tensor.setdefault(id(value), []).append(name)
    source = {
        name: next((n for n in (name, *by_tensor[id(value)]) if n in given), None)
        for name, value in there.items()
    }
    ours = list(here)
    ties = [(names[0], other) for names in by_tensor.values() for other in names[1:]]
    name_of = dict(zip(there, ours, strict=True))
    return Fit(
        len(given),
        tuple(name for name, found in source.items() if found is None),
        tuple(n for n in given if n not in there),
        tuple(
            (n, given[n], tuple(value.shape))
            for n, value in there.items()
            if n in given and given[n] != tuple(value.shape)
        ),
        prefix,
        style,
        {name_of[n]: f"{prefix}{found}" for n, found in source.items() if found is not None},
        tuple((name_of[a], name_of[b]) for a, b in ties),
        {n: str(value.dtype).removeprefix("torch.") for n, value in here.items()},
        sum(value.numel() * value.element_size() for value in here.values()),
    )


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(quote(n) for n in names[:_MOST_NAMED]) + more


def _shape(sizes: tuple[int, ...]) -> str:
    return "×".join(map(str, sizes)) or "one number"
