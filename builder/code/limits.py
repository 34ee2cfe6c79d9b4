"""What of written code may run on this server, and how much a process that reads may take.

`LAYERWISE_OWN_CODE=1` lets layers of a person's own code run: whoever may draw a network may then run
any program as the server does. It is off unless the owner of the server sets it.
"""

from __future__ import annotations

import os

from builder.errors import CodeRefused, quote
from builder.graph.blocks import graphs
from builder.graph.model import OPAQUE, Graph


def limit_memory(room: int) -> None:
    """Lets this process take `room` bytes of addresses more than it has, and leave no core dump."""
    import resource

    with open("/proc/self/statm") as status:
        used = int(status.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def own_code_allowed() -> bool:
    """Whether the owner of the server lets people's own code run."""
    return os.environ.get("LAYERWISE_OWN_CODE", "0") == "1"


def why_not_run(root: Graph) -> str | None:
    """Why a network cannot be run here, in one sentence; None where all its code is written by us."""
    if own_code_allowed():
        return None
    for _, graph in graphs(root):
        for owner in graph.owners.values():
            if owner.target == OPAQUE:
                return (
                    f"{quote(owner.name)} is code of your own, which this server does not run: write the "
                    "network as a file and run it yourself, or ask who runs the server to set "
                    "LAYERWISE_OWN_CODE=1."
                )
    return None


def refuse_own_code(root: Graph) -> None:
    """CodeRefused for a network that cannot be run here."""
    if sentence := why_not_run(root):
        raise CodeRefused(sentence)
