"""From a graph to a torch module: the written code is imported. There is no other way to get one."""

from __future__ import annotations

import hashlib
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

from builder.code.limits import own_code_allowed, refuse_own_code
from builder.code.write import model_source
from builder.code.writing.own_code import OWN_CODE
from builder.errors import CodeRefused
from builder.graph.blocks import graphs
from builder.graph.model import Graph
from builder.graph.report import ShapeReport

if TYPE_CHECKING:
    from torch import nn

# A text that was read keeps the function it was written with; the form names the newer one.
warnings.filterwarnings(
    "ignore", ".*torch.nn.utils.weight_norm. is deprecated", category=FutureWarning
)


def build_module(
    graph: Graph, style: str = "module", *, report: ShapeReport | None = None
) -> nn.Module:
    """The network as a torch module, made by running the code that `write_code` gives.

    Weights follow torch's random state in the order of the graph's owners: the same
    `torch.manual_seed` gives the same weights in every style.
    Errors: CodeRefused where the code cannot be written, or holds code of a person's own
    (`builder.code.limits`); what torch raises where it cannot run.
    """
    refuse_own_code(graph)
    if style == "module":
        return module_from_source(model_source(graph, report=report))
    from builder.code.write import write_code

    return module_from_source(write_code(graph, style, report=report))


def build_hollow(
    graph: Graph, style: str = "module", *, report: ShapeReport | None = None
) -> nn.Module:
    """The module as `build_module` makes it, but on the meta device: names and shapes, no memory.

    With orthogonal weights it stands on the CPU: torch decides by their numbers how it makes them.
    """
    import torch

    norms = [norm for _, part in graphs(graph) for o in part.owners.values() for norm in o.norms]
    hollow = not any(norm.kind.endswith(".orthogonal") for norm in norms)
    with torch.device("meta" if hollow else "cpu"):
        return build_module(graph, style, report=report)


def module_from_source(source: str, filename: str | None = None) -> nn.Module:
    """Runs code that this package wrote, in a module namespace of its own, and makes its network.

    Only ever for our own text: nothing a person typed is run, unless the server allows own layers
    (`builder.code.limits`, which whoever has a network asks first). Tracebacks show the lines.
    """
    from torch import nn

    namespace = source_module(source, filename)
    model = vars(namespace).get("model")
    return model if isinstance(model, nn.Module) else network_class(namespace)()


def source_module(source: str, filename: str | None = None) -> ModuleType:
    """The written file as an imported module, not listed in `sys.modules`."""
    if OWN_CODE in source.splitlines() and not own_code_allowed():
        raise CodeRefused(
            "The file holds code of your own, which this server does not run. Run it yourself, or ask who "
            "runs the server to set LAYERWISE_OWN_CODE=1."
        )
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    filename = filename or f"model-{digest}.py"
    module = ModuleType(f"layerwise_model_{digest}")
    module.__file__ = filename
    # Tracebacks ask the loader for the lines of a file that is not on disk.
    module.__loader__ = _Source(source)  # type: ignore[assignment]
    exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
    return module


def network_class(module: ModuleType) -> type[nn.Module]:
    """The class of the network in a written file: the last one, as blocks stand before it."""
    from torch import nn

    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == module.__name__
    ]
    if not classes:
        raise CodeRefused("The file holds no network that Layerwise wrote.")
    return classes[-1]


class _Source:
    """A loader that only knows the text, for `linecache`."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, _name: str) -> str:
        return self._source
