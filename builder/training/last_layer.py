"""What makes the network's output: the last layer that does more than hand on its values.

A Sigmoid is still the ending when a squeeze or a Dropout comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from builder.graph.model import Argument, Graph, Node, Ref, primary_input
from builder.graph.modes import compared_outputs


@dataclass(frozen=True, slots=True)
class LastLayer:
    """`target`: its catalogue key, "" where there is none. `dropout`: whether a Dropout follows.

    `node`: the node's id, "" where it stands inside a block.
    """

    target: str = ""
    node: str = ""
    dropout: bool = False


def last_layer(graph: Graph) -> LastLayer:
    """The last layer or operation, past bypassed ones and those that only hand on, into blocks."""
    found, _ = _walk_back(graph, _output_value(graph), graph.blocks)
    return found


def _output_value(graph: Graph, path: tuple[int, ...] = ()) -> Argument:
    """What an output reads; of a block with several, the one that the caller's path picks."""
    outputs = compared_outputs(graph)
    index = path[0] if path and len(outputs) > 1 else 0
    return outputs[index].arguments.get("value") if index < len(outputs) else None


def _walk_back(
    graph: Graph, value: Argument, blocks: Mapping[str, Graph], within: tuple[str, ...] = ()
) -> tuple[LastLayer, Node | None]:
    """The last layer, or the input that was reached without finding one."""
    dropout = False
    while isinstance(value, Ref):
        ref = graph.resolve(value)
        node = graph.nodes.get(ref.node)
        if node is None:
            break
        if node.kind == "input":
            return LastLayer(dropout=dropout), node
        owner = graph.owner_of(node)
        target = owner.target if owner else node.target
        name = owner.block if owner else None
        if name is not None and name in blocks and name not in within:
            output = _output_value(blocks[name], ref.path)
            found, port = _walk_back(blocks[name], output, blocks, (*within, name))
            dropout = dropout or found.dropout
            if port is None:
                return replace(found, node="", dropout=dropout), None
            value = node.arguments.get(port.name or port.id)
        elif target in _HANDS_ON:
            dropout = dropout or target in _DROPOUTS
            value = primary_input(node)
        else:
            return LastLayer(target, node.id, dropout), None
    return LastLayer(dropout=dropout), None


_DROPOUTS: Final = {
    "torch.nn.Dropout", "torch.nn.Dropout1d", "torch.nn.Dropout2d", "torch.nn.Dropout3d",
    "torch.nn.functional.dropout", "torch.nn.functional.dropout1d",
    "torch.nn.functional.dropout2d",
}  # fmt: skip

_HANDS_ON: Final = _DROPOUTS | {
    "torch.nn.Identity", "torch.nn.Flatten", "torch.nn.Unflatten", "torch.flatten",
    "torch.unflatten", "torch.reshape", "torch.Tensor.view", "torch.squeeze", "torch.unsqueeze",
    "torch.permute", "torch.transpose", "torch.movedim", "torch.clone", "torch.Tensor.contiguous",
    "torch.Tensor.detach", "torch.Tensor.float", "torch.Tensor.double", "operator.getitem",
    "torch.select", "torch.narrow", "torch.chunk", "torch.split", "torch.unbind",
}  # fmt: skip
"""What changes shape, order or memory, but no value, or picks some of them."""
