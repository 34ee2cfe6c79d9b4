"""The sums over a graph: what several calls share counts once."""

from __future__ import annotations

from collections.abc import Mapping

from builder.graph.model import Graph
from builder.graph.report import NodeReport, Totals
from builder.graph.size import training_bytes


def add_up(
    graph: Graph, reports: Mapping[str, NodeReport], owned: Mapping[str, NodeReport]
) -> Totals:
    """Parameters and buffers by owner, FLOPs and activations by call. `owned`: what no node calls."""
    parameters = trainable = buffers = flops = activations = 0
    counted = set()
    for node in graph.nodes.values():
        if node.kind not in ("layer", "operation"):
            continue
        report = reports[node.id]
        flops += report.flops or 0
        activations += report.activation_bytes
        if report.parameters + report.buffers and node.target not in counted:
            counted.add(node.target)
            parameters += report.parameters
            trainable += report.trainable
            buffers += report.buffers
    for report in owned.values():
        parameters += report.parameters
        trainable += report.trainable
        buffers += report.buffers
    frozen = parameters - trainable
    return Totals(
        parameters,
        trainable,
        frozen,
        buffers,
        flops,
        activations,
        training_bytes(trainable, frozen + buffers, activations),
    )
