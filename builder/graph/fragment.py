"""A piece of a network on its way: copied here, pasted there, as a value and as text.

The text is read as strictly as a project file: it may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from builder.errors import EditRefused, ProjectRefused, did_you_mean, quote
from builder.graph.allowed import settings_in
from builder.graph.blocks import blocks_inside
from builder.graph.encoding import Json, check_keys, graph_from_json, graph_to_json
from builder.graph.model import (
    BATCH,
    Graph,
    Literals,
    Node,
    Owner,
    TensorSpec,
    refs_in,
)
from builder.graph.names import names_in, suggest_name
from builder.graph.project import MAX_BYTES, parse_json
from builder.graph.validate import validate

VERSION = 1
_KEY = "layerwise_fragment"
_ANY = TensorSpec((BATCH, 1))  # stands for what is not copied while a fragment is checked


@dataclass(frozen=True)
class Fragment:
    """Nodes in running order with all they need: owners, settings, blocks.

    References to nodes that were not copied stay as they are; pasting keeps or cuts them.
    """

    nodes: Mapping[str, Node]
    owners: Mapping[str, Owner] = field(default_factory=dict)
    settings: Mapping[str, Literals] = field(default_factory=dict)
    blocks: Mapping[str, Graph] = field(default_factory=dict)

    @property
    def outside(self) -> list[str]:
        """The ids of the nodes that are read but were not copied."""
        read = dict.fromkeys(r.node for n in self.nodes.values() for r in refs_in(n))
        return [i for i in read if i not in self.nodes]


def copy_nodes(graph: Graph, ids: Collection[str], root: Graph) -> Fragment:
    """The nodes of a graph with those ids. `root`: the network it stands in, which holds the blocks.

    Errors: EditRefused for an id that is not there.
    """
    for identity in ids:
        if identity not in graph.nodes:
            hint = did_you_mean(str(identity), graph.nodes) or "It may have been deleted."
            raise EditRefused(f"There is no node {quote(identity)} in {quote(graph.name)}. {hint}")
    if not ids:
        raise EditRefused("Choose at least one node to copy.")
    chosen = set(ids)
    nodes = {i: n for i, n in graph.nodes.items() if i in chosen}
    called = {n.target for n in nodes.values() if n.kind == "layer"}
    owners = {i: o for i, o in graph.owners.items() if i in called}
    values = [a for node in nodes.values() for a in node.arguments.values()]
    values += [a for owner in owners.values() for a in owner.arguments.values()]
    used = {name for value in values for name in settings_in(value)}
    inside = {b for o in owners.values() if o.block for b in blocks_inside(root, o.block)}
    return Fragment(
        nodes,
        owners,
        {name: value for name, value in graph.settings.items() if name in used},
        {name: block for name, block in root.blocks.items() if name in inside},
    )


def fragment_to_text(fragment: Fragment) -> str:
    """The fragment as JSON text, for a clipboard."""
    graph = Graph("", fragment.nodes, fragment.owners, fragment.settings, fragment.blocks)
    value = {_KEY: VERSION, **graph_to_json(graph, with_name=False)}
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def fragment_from_text(text: str) -> Fragment:
    """The fragment a text holds. ProjectRefused says in one sentence why it holds none."""
    if len(text) > MAX_BYTES:
        raise ProjectRefused("The text is too long to be pasted. Save it as a project instead.")
    try:
        value = parse_json(text)
    except ProjectRefused as broken:
        raise ProjectRefused("The copied text is damaged. Copy the layers again.") from broken
    if not isinstance(value, dict) or _KEY not in value:
        raise ProjectRefused("This is no part of a network. Copy some layers first.")
    version = value[_KEY]
    if version != VERSION or isinstance(version, bool):
        raise ProjectRefused(
            f"The copied part has the format {quote(version)}; this Layerwise reads format {VERSION}."
        )
    where = "The copied part"
    check_keys(value, {_KEY, "nodes", "owners", "settings", "blocks"}, where)
    inside: dict[str, Json] = {k: v for k, v in value.items() if k != _KEY}
    graph = graph_from_json(inside, None, where)
    fragment = Fragment(graph.nodes, graph.owners, graph.settings, graph.blocks)
    if not fragment.nodes:
        raise ProjectRefused("The copied part holds no layers. Copy some first.")
    validate(_checked(fragment))
    return fragment


def _checked(fragment: Fragment) -> Graph:
    """A network around the fragment, in which all it reads is an input: what `validate` can judge."""
    nodes = {
        i: replace(n, spec=_ANY) if n.kind == "input" and n.spec is None else n
        for i, n in fragment.nodes.items()
    }
    graph = Graph("", nodes, fragment.owners, fragment.settings, fragment.blocks)
    taken = {
        *names_in(graph),
        *fragment.blocks,
        *(s for b in fragment.blocks.values() for s in b.settings),
    }
    inputs = {}
    for identity in fragment.outside:
        name = suggest_name("x", taken)
        taken.add(name)
        inputs[identity] = Node(identity, "input", name, spec=_ANY)
    return replace(graph, name=suggest_name("Fragment", taken), nodes={**inputs, **nodes})
