"""`apply(graph, edit) -> Graph`: every change of a network goes through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from builder.errors import EditRefused
from builder.graph.blocks import drop_unused_blocks, follow_interface, graph_at, with_graph
from builder.graph.edits import (
    adding,
    deleting,
    drawn,
    layers,
    nodes,
    pasting,
    values,
    weights,
    wires,
)
from builder.graph.edits.drawn import FoldRepeats, PasteFragment
from builder.graph.edits.folding import fold
from builder.graph.edits.grouping import group
from builder.graph.edits.ungrouping import ungroup
from builder.graph.edits.values import Edit, GroupIntoBlock, RenameModel, Rewrite, Several, Ungroup
from builder.graph.limits import refuse_unfolding
from builder.graph.model import Graph

_IN_ONE_GRAPH: Mapping[type[Any], Callable[[Graph, Graph, Any], Graph]] = {
    values.AddNode: adding.add_node,
    values.AddBranch: adding.add_branch,
    values.DeleteNode: nodes.delete_node,
    values.MoveNode: nodes.move_node,
    values.DuplicateNode: nodes.duplicate_node,
    values.Rename: layers.rename,
    values.SetArgument: layers.set_argument,
    values.SetCallArgument: layers.set_call_argument,
    values.SetCondition: layers.set_condition,
    values.SetInputSpec: layers.set_input_spec,
    values.SetBypassed: layers.set_bypassed,
    values.SetFrozen: layers.set_frozen,
    values.SetNote: layers.set_note,
    values.SetPosition: layers.set_position,
    values.SetSetting: layers.set_setting,
    values.ShareWeights: layers.share_weights,
    values.UnshareWeights: layers.unshare_weights,
    values.SetRepeat: layers.set_repeat,
    values.SetWeight: weights.set_weight,
    values.SetTie: weights.set_tie,
    values.SetNorms: weights.set_norms,
    drawn.Connect: wires.connect,
    drawn.Disconnect: wires.disconnect,
    drawn.InsertOnWire: wires.insert_on_wire,
    drawn.Join: wires.join,
    drawn.DeleteNodes: deleting.delete_nodes,
    drawn.SetPositions: layers.set_positions,
    drawn.SetFrame: layers.set_frame,
    drawn.PasteFragment: pasting.paste,
}
"""What changes one graph: given the network, the graph in scope, and the edit."""

_GROWING: tuple[type[Any], ...] = (
    *(values.AddNode, values.AddBranch, values.DuplicateNode, values.SetRepeat),
    *(values.ShareWeights, values.UnshareWeights, drawn.InsertOnWire, drawn.PasteFragment),
)
"""The edits after which a network may hold more layers, every block written out."""


def apply(graph: Graph, edit: Edit) -> Graph:
    """The network after an edit; the one given is left as it was.

    Errors: EditRefused with a sentence for the screen when it cannot be carried out: an unknown
    node, a name that is taken, a cycle, … Half-built networks are no error.
    """
    if isinstance(edit, Several):
        for part in edit.edits:
            graph = apply(graph, part)
        return graph
    if isinstance(edit, Rewrite):
        return _bounded(graph, edit.graph)
    after = _applied(graph, edit)
    return weights.follow_tensors(graph, after) if weights.has_tensors(after) else after


def _applied(graph: Graph, edit: Any) -> Graph:
    if isinstance(edit, PasteFragment):
        graph, edit = pasting.with_blocks(graph, edit)
    before = graph_at(graph, edit.scope)
    if isinstance(edit, RenameModel):
        return layers.rename_model(graph, edit)
    if isinstance(edit, GroupIntoBlock):
        return _bounded(graph, group(graph, edit))
    if isinstance(edit, FoldRepeats):
        return _bounded(graph, fold(graph, edit))
    if isinstance(edit, Ungroup):
        return drop_unused_blocks(graph, ungroup(graph, edit))
    after = with_graph(graph, edit.scope, _IN_ONE_GRAPH[type(edit)](graph, before, edit))
    if edit.scope:
        after = follow_interface(after, edit.scope, before)
    if not graph.blocks:
        return after
    after = drop_unused_blocks(graph, after)
    return _bounded(graph, after) if isinstance(edit, _GROWING) else after


def _bounded(before: Graph, after: Graph) -> Graph:
    """What an edit made; EditRefused where its blocks have become too many or too deep to run."""
    if sentence := refuse_unfolding(after, before):
        raise EditRefused(sentence)
    return after
