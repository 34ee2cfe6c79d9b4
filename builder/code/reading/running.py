"""One run of a network's forward on given inputs."""

from __future__ import annotations

from typing import Any

from builder.code.reading import again, lasting, own_layers, states
from builder.code.reading.modules import call_module, walk
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, Layer, Module


def run(reader: Reader, module: Module, values: list[Any]) -> Frame:
    """Calls the network; its frame holds what ran. Errors: CodeRefused."""
    trace = reader.trace
    trace.frame, trace.side = trace.making, ()
    reader.state["forward"] = True
    reader.state["touched"] = lasting.Touched()
    reader.state["weights"] = {}
    reader.budget.depth = 0
    states.begin(reader)
    own_layers.note_sizes(reader, module)
    reader.state.pop("replaced", None)
    reader.state.pop("twice", None)
    lazy = [part for _, part in walk(module) if isinstance(part, Layer)]
    attributes = {id(m): dict(m.attributes) for _, m in walk(module) if isinstance(m, Module)}
    done = False
    try:
        reader.state["young"], reader.state["cut"] = {}, {}
        call_module(reader, module, values, {})
        lasting.end_of_run(reader)
        frame = next(item for item in reversed(trace.making.items) if isinstance(item, Frame))
        states.settle(reader, frame)
        if reader.state.get("twice"):
            reader.state["touched"].restore()
            reader.state["touched"] = lasting.Touched()
            again.check(reader, module, values, frame)
        done = True
    finally:
        reader.state["forward"] = False
        reader.state.pop("touched")
        if not done:
            own_layers.put_back(reader)
            for layer in lazy:
                layer.known = None
            for _, part in walk(module):
                if isinstance(part, Module) and id(part) in attributes:
                    part.attributes = attributes[id(part)]
    return frame
