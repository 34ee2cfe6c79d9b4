"""Every class the code needs: the network itself and each block it uses, with all their uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from builder.code.writing.chain import NoChain, chain_of
from builder.code.writing.containers import Containers, claim_path
from builder.code.writing.naming import Namespace
from builder.code.writing.own_code import own_names
from builder.code.writing.scope import Scope, Use, first_call, setting_value
from builder.code.writing.sizes import name_sizes
from builder.errors import CodeRefused, quote
from builder.graph.model import Graph, Literals, Node, Owner
from builder.graph.report import ShapeReport

MOST_DEPTH = 64  # blocks inside blocks
MOST_MODULES = (
    1000  # layers in an nn.Sequential and those in it: what stands inside is written anew
)


def find_scopes(
    graph: Graph,
    report: ShapeReport,
    name: str | None = None,
    only: Mapping[str, Sequence[Use]] | None = None,
) -> dict[str, Scope]:
    """The network ("") and the blocks it uses, each block before what uses it.

    `only`: the uses of blocks that the network itself makes, where it has no class and writes out others.

    Errors: CodeRefused where a block is missing or calls itself, or could not be worked out.
    """
    scopes = {name: Scope(block, name, "", graph) for name, block in _needed_blocks(graph).items()}
    scopes[""] = Scope(graph, "", "", graph)
    scopes[""].uses = [Use(report, graph.settings)]
    scopes[""].runs = [report]
    for scope in reversed(scopes.values()):  # users before what they use
        if only is not None and scope.block in only:
            scope.add_uses(only[scope.block])
            scope.add_runs(use.report for use in only[scope.block])
        if only is None or (scope.uses and scope.block):
            _hand_down(scope, scopes)
    classes = Namespace(own_names(scopes))
    scopes[""].class_name = classes.claim_class(name or graph.name)
    for block, scope in scopes.items():
        scope.modules = _modules(scope, scopes) if scope.uses else 0
        if block and not scope.inline:
            scope.class_name = classes.claim_class(block)
    for scope in scopes.values():
        _name_members(scope, scopes)
        name_sizes(scope, scopes)
    return scopes


def _needed_blocks(root: Graph) -> dict[str, Graph]:
    """The blocks used, directly or not, each after those it uses itself."""
    found: dict[str, Graph] = {}

    def visit(graph: Graph, stack: tuple[str, ...]) -> None:
        if len(stack) > MOST_DEPTH:
            raise CodeRefused(f"Blocks stand in blocks more than {MOST_DEPTH} deep.")
        for node in graph.nodes.values():
            owner = graph.owner_of(node)
            if owner is None or owner.block is None or node.bypassed or owner.block in found:
                continue
            name = owner.block
            if name in stack:
                raise CodeRefused(f"The block {quote(name)} is used inside itself. Take it out.")
            if name not in root.blocks or not name:
                raise CodeRefused(f"The block {quote(name)} does not exist any more.")
            visit(root.blocks[name], (*stack, name))
            found[name] = root.blocks[name]

    visit(root, ())
    return found


def _hand_down(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """Gives the blocks that a class calls their uses and runs."""
    graph = scope.graph
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        if owner is None or owner.block is None or node.bypassed:
            continue
        inner = scopes[owner.block]
        makes_layers = first_call(graph, owner) is node
        for run in scope.runs:
            inner.add_runs(run.nodes[node.id].body if node.id in run.nodes else ())
        for use in scope.uses if makes_layers else ():
            bodies = use.report.nodes[node.id].body
            expected = 1 if owner.shared else owner.repeat
            if len(bodies) < expected:
                raise CodeRefused(_unfinished(graph, node, use.report))
            settings = {**inner.graph.settings, **_settings_here(owner, use)}
            inner.add_uses(Use(body, settings) for body in bodies[:expected])


def _modules(scope: Scope, scopes: Mapping[str, Scope]) -> int:
    """How many layers a block holds that means an nn.Sequential: a chain of layers "0", "1", …

    0 for the network itself and for every other block.
    """
    if not scope.block:
        return 0
    links = chain_of(scope.graph, scope.uses[0].report)
    if isinstance(links, NoChain):
        return 0
    count = 0
    for place, link in enumerate(links):
        if link.owner is None or link.owner.name != str(place):
            return 0
        inner = scopes[link.owner.block] if link.owner.block is not None else None
        if inner is not None and (len(inner.graph.inputs) != 1 or len(inner.graph.outputs) != 1):
            return 0
        count += link.owner.repeat * (1 + (inner.modules if inner is not None else 0))
    return count if count <= MOST_MODULES else 0


def _settings_here(owner: Owner, use: Use) -> dict[str, Literals]:
    return {name: setting_value(value, use.settings) for name, value in owner.arguments.items()}


def _name_members(scope: Scope, scopes: Mapping[str, Scope]) -> None:
    """Attribute names: of the settings first, as they are the constructor's parameters too, where
    they must not hide a class.
    """
    parameters = Namespace(s.class_name for s in scopes.values())
    for setting in scope.graph.settings:
        scope.settings[setting] = parameters.claim(setting, "setting")
    space = Namespace(scope.settings.values())
    tops: dict[str, str] = {}
    for owner, _ in scope.members:
        name = owner.name
        scope.attributes[owner.id] = name if scope.inline else claim_path(space, tops, name)
    members = {scope.attributes[owner.id]: owner for owner, _ in scope.members}
    scope.containers = Containers(members)


def _unfinished(graph: Graph, node: Node, report: ShapeReport) -> str:
    problem = report.nodes[node.id].problem or next(iter(report.errors), None)
    reason = f" {problem.message}" if problem is not None else ""
    return f"{quote(graph.label(node.id))} cannot be written yet.{reason}"
