"""The layers of a network as PyTorch holds them: where each stands in the module and in a Sequential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder import catalogue
from builder.catalogue.entry import Family
from builder.graph.model import Graph
from builder.graph.remember import Remembered

if TYPE_CHECKING:
    from torch import nn

_known: Remembered[tuple[Graph, list[Layer]]] = Remembered(64)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of torch, also inside a block, or a tensor that is no layer's.

    `path`: where it stands in the nn.Module ("fc1", "blocks.0.conv1"); "" for an operation that is
    a module only in the Sequential. `chain_path`: where it stands in the nn.Sequential the same
    network is written as ("2", "1.0.conv1"), None where it is no chain. `kind`: torch's class.
    `words`: what printing it shows. `parameters`: what it learns, by its names in the `state_dict`.
    """

    path: str
    chain_path: str | None
    kind: str
    words: str
    family: Family
    parameters: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.path} · {self.kind}"

    def holds(self, name: str) -> bool:
        """Whether an entry of the `state_dict` is this layer's."""
        return bool(self.path) and (name == self.path or name.startswith(f"{self.path}."))


def layers_of(graph: Graph) -> list[Layer]:
    """Every layer, in the order in which they run. Nothing is allocated.

    Errors: CodeRefused for a network that cannot be written as code yet.
    """
    known = _known.get(id(graph))
    if known is None:  # the graph is kept beside its layers, so that no other one can get its id
        known = _known.put(id(graph), (graph, list(_layers(graph))))
    return known[1]


def _layers(graph: Graph) -> Iterator[Layer]:
    import torch

    from builder.code import build_hollow, paths

    module = build_hollow(graph)
    named, chained = paths(graph), paths(graph, "sequential")
    chain = build_hollow(graph, "sequential") if chained else None
    modules, found = dict(module.named_modules()), []
    for key in dict.fromkeys([*named, *chained]):
        path, place = named.get(key), chained.get(key)
        outer = next(
            (k for k in chained if k in named and key.startswith((f"{k}/", f"{k}."))), None
        )
        if place is None and path is not None and outer is not None:
            # Inside a block both styles use the block's own class, so the rest of the path is one.
            place = chained[outer] + path[len(named[outer]) :]
        if path is not None and path not in modules:
            continue  # a tensor: below
        if path is not None:
            layer = modules[path]
        elif chain is not None and place is not None:
            layer = chain.get_submodule(place)
        else:
            continue
        if type(layer).__module__.startswith("torch.nn.") and not isinstance(
            layer, torch.nn.Sequential | torch.nn.ModuleList
        ):
            found.append(_layer(layer, path or "", place))
    yield from found
    yield from _beside(module, modules, found)


def _beside(
    module: nn.Module, modules: Mapping[str, nn.Module], found: Sequence[Layer]
) -> Iterator[Layer]:
    """What no call leads to: tensors that are no layer's, and layers that are only kept or read."""
    import torch

    known = list(found)
    for name, tensor in [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]:
        if any(layer.holds(name) for layer in known):
            continue
        parent = name.rpartition(".")[0]
        if parent and type(modules[parent]).__module__.startswith("torch.nn."):
            layer = _layer(modules[parent], parent, None)
        else:
            kind = "Parameter" if isinstance(tensor, torch.nn.Parameter) else "Buffer"
            words = f"{kind}({', '.join(map(str, tensor.shape))})"
            own = (name,) if kind == "Parameter" else ()
            layer = Layer(name, None, kind, words, "other", own)
        known.append(layer)
        yield layer


def _layer(layer: nn.Module, path: str, place: str | None) -> Layer:
    kind = kind_of(layer)
    entry = catalogue.entries().get(f"torch.nn.{kind}")
    return Layer(
        path=path,
        chain_path=place,
        kind=kind,
        words=_words(layer),
        family=entry.family if entry else "other",
        parameters=tuple(f"{path}.{name}" for name, _ in layer.named_parameters()) if path else (),
    )


def kind_of(layer: nn.Module) -> str:
    """The layer's class, that of torch.nn too where torch made one of its own for computed weights."""
    from torch.nn.utils import parametrize

    cls = type(layer)
    return cls.__bases__[0].__name__ if parametrize.is_parametrized(layer) else cls.__name__


def _words(layer: nn.Module) -> str:
    """Linear(in_features=16, out_features=12, bias=True); its class where it prints several lines."""
    if kind_of(layer) != type(layer).__name__:
        return f"{kind_of(layer)}({layer.extra_repr()})"
    lines = str(layer).splitlines()
    return lines[0] if len(lines) == 1 else f"{type(layer).__name__}(…)"
