"""The styles `sequential` and `ordered`: the whole network as one nn.Sequential, where it is a chain.

A block that is a chain itself is a nested nn.Sequential; any other block is a class above it. In the
style `ordered` the layers stand in an OrderedDict under the names they have in the style `module`,
so that the `state_dict` has the same keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from builder.code.writing.calls import constructed, entry_for, normalized
from builder.code.writing.chain import Link, NoChain, chain_of
from builder.code.writing.classes import write_class
from builder.code.writing.elements import Element, list_elements, sequential
from builder.code.writing.imports import import_lines
from builder.code.writing.layout import Each, Expression, Group, Prefixed, call, flat, lay
from builder.code.writing.literals import argument, constant, keyword, text
from builder.code.writing.naming import Namespace
from builder.code.writing.page import Page, Written
from builder.code.writing.scope import Use, paths_in, repetitions, setting_value
from builder.code.writing.scopes import find_scopes
from builder.code.writing.shapes import shape_text, summary
from builder.code.writing.smoke import smoke_test
from builder.errors import CodeRefused, quote
from builder.graph.model import Graph, Owner, Ref
from builder.graph.names import refuse_name
from builder.graph.report import ShapeReport

# What an nn.Sequential has itself, beside what every nn.Module has.
_METHODS = frozenset({"append", "extend", "insert", "pop"})


def write_sequential(graph: Graph, report: ShapeReport, name: str | None = None) -> Written:
    """`model = nn.Sequential(...)`, one layer a line, and a smoke test.

    Errors: CodeRefused with the reason where the network is no chain.
    """
    return _SequentialWriter(graph, report, name).write()


def write_ordered(graph: Graph, report: ShapeReport, name: str | None = None) -> Written:
    """`model = nn.Sequential(OrderedDict([...]))`, one named layer a line, and a smoke test.

    Errors: CodeRefused with the reason where the network is no chain.
    """
    return _SequentialWriter(graph, report, name, named=True).write()


def sequential_paths(graph: Graph, report: ShapeReport, named: bool = False) -> dict[str, str]:
    """Node id → where it stands in the nn.Sequential ("0", "1", or its name); empty for no chain.

    Nodes inside blocks too: "blocks.2/fc" → "1.2.0".
    """
    try:
        writer = _SequentialWriter(graph, report, None, named)
        return dict(writer.paths(writer.links, "", writer.scopes[""].uses[0], "", ""))
    except CodeRefused:
        return {}


class _SequentialWriter:
    def __init__(
        self, graph: Graph, report: ShapeReport, name: str | None, named: bool = False
    ) -> None:
        links = chain_of(graph, report, ties=not named)
        if isinstance(links, NoChain):
            raise CodeRefused(links.reason)
        self.graph, self.report, self.links, self.named = graph, report, links, named
        self.keeps_names = not named and _are_places(links)
        self.scopes = find_scopes(graph, report, name)
        self.as_class: dict[str, list[Use]] = {}
        self.frozen: list[str] = []
        self.name = name

    def write(self) -> Written:
        model = Page()
        root = self.scopes[""].uses[0]
        if any(scope.block and not scope.inline for scope in self.scopes.values()):
            self.look_at_classes(root)
        list_elements(model, self.elements(self.links, "", root, ""), 0, "model = ")
        body = Page()
        for block in self.classes():
            body.append(write_class(self.scopes[block], self.scopes))
            body.write(["", ""])
        body.append(model)
        self.freeze(body)
        self.tie(body)
        reserved = frozenset({scope.class_name for scope in self.scopes.values()})
        body.write(smoke_test(self.graph, self.report, "", reserved)[1:])
        page = Page()
        page.write([f'"""{self.docstring()}"""', "", *import_lines("\n".join(body.lines))])
        page.write(["", ""] if self.as_class else [""])
        page.append(body)
        return page.written()

    def look_at_classes(self, root: Use) -> None:
        """Of a block that is written out in one place and a class in another the class knows the second."""
        self.elements(self.links, "", root, "")
        found = find_scopes(self.graph, self.report, self.name, self.as_class)
        for block, scope in found.items():
            if block and scope.uses:
                scope.class_name = self.scopes[block].class_name
                self.scopes[block] = scope
        self.as_class, self.frozen = {}, []

    def docstring(self) -> str:
        name = self.scopes[""].class_name
        ends = [self.report.nodes[n.id].result for n in (*self.graph.inputs, *self.graph.outputs)]
        said = summary([("x", ends[0])], [ends[1]], "")
        return f"{name} m{said[1:]}" if said else f"{name} is a chain of layers."

    # Elements ----------------------------------------------------------------------------------

    def names(self, links: list[Link], block: str) -> list[str]:
        """What the elements of a block are called in an OrderedDict; [] where places are counted."""
        scope = self.scopes[block]
        if not self.named or scope.inline:
            return []
        owners = [link.owner for link in links if link.owner is not None]
        for owner in owners:
            if "." in owner.name and refuse_name(owner.name) is None:
                raise CodeRefused(
                    f"{quote(owner.name)} stands in a container, and the names in an OrderedDict "
                    "have no dots."
                )
        counted = all(owner.name.isdecimal() for owner in owners)
        known = {
            owner.id: owner.name
            if owner.name.isdecimal() and not counted
            else scope.attributes[owner.id]
            for owner in owners
        }
        space = Namespace({*known.values(), *_METHODS})
        found: list[str] = []
        for link in links:
            name = known[link.owner.id] if link.owner is not None else ""
            if not name or name in _METHODS:
                name = space.claim(link.node.name or link.node.id)
            elif name in found:  # called again: a key can stand only once
                name = space.claim(name)
            found.append(name)
        return found

    def places(self, links: list[Link], block: str) -> list[str]:
        """The keys of the elements in the nn.Sequential: names, or "0", "1", …"""
        return self.names(links, block) or [str(place) for place in range(len(links))]

    def elements(self, links: list[Link], block: str, use: Use, path: str) -> list[Element]:
        """The elements of an nn.Sequential, each with the shape it gives where it changes."""
        found: list[Element] = []
        taken = use.report.nodes[self.scopes[block].graph.inputs[0].id].result
        names = self.names(links, block) or [""] * len(links)
        for place, name, link in zip(self.places(links, block), names, links, strict=True):
            here = f"{path}.{place}" if path else place
            report = use.report.nodes.get(link.node.id)
            given = report.result if report is not None else None
            inside = self.inside(link, use)
            made: Expression | list[Element]
            if inside is not None and link.owner is not None and link.owner.repeat == 1:
                body, inner_use = inside
                block = link.owner.block or ""
                if self.is_row(body, block, inner_use):
                    made = self.block(link, link.owner, use, 0, here)
                else:
                    made = self.elements(body, block, inner_use, here)
                if link.owner.frozen:
                    self.frozen.append(here)
            else:
                made = self.element(link, use, here)
            keys = () if path else (link.node.id,)
            found.append(Element(made, shape_text(given) if given != taken else "", keys, name))
            taken = given
        return found

    def is_row(self, links: list[Link], block: str, use: Use) -> bool:
        """Whether a chain is nothing but equal blocks that give what they take: one, repeated."""
        owners = [link.owner for link in links]
        if len(links) < 2 or self.names(links, block):
            return False
        if any(o is None or o.block is None or o.repeat > 1 or o.frozen for o in owners):
            return False
        kinds = {(o.target, repr(o.arguments)) for o in owners if o is not None}
        taken = use.report.nodes[self.scopes[block].graph.inputs[0].id].result
        given = [use.report.nodes[link.node.id].result for link in links]
        return len(kinds) == 1 and all(result == taken for result in given)

    def inside(self, link: Link, use: Use) -> tuple[list[Link], Use] | None:
        """The links of a block that is a chain itself, as it is used here."""
        if link.owner is None or link.owner.block is None:
            return None
        return self.links_of(link, link.owner, use, 0)

    def links_of(
        self, link: Link, owner: Owner, use: Use, repetition: int
    ) -> tuple[list[Link], Use] | None:
        block = self.scopes[owner.block or ""].graph
        inner = self.inner_use(link, owner, use, repetition)
        links = chain_of(block, inner.report)
        if isinstance(links, NoChain) or (self.keeps_names and not _are_places(links)):
            return None
        return links, inner

    def inner_use(self, link: Link, owner: Owner, use: Use, repetition: int) -> Use:
        bodies = use.report.nodes[link.node.id].body
        if repetition >= len(bodies):
            raise CodeRefused(f"{quote(owner.name)} is not worked out yet. Mend its problem first.")
        block = self.scopes[owner.block or ""].graph
        given = {
            name: setting_value(value, use.settings) for name, value in owner.arguments.items()
        }
        return Use(bodies[repetition], {**block.settings, **given})

    def element(self, link: Link, use: Use, path: str) -> Expression:
        """A layer, or a block (repeated: an nn.Sequential of its repetitions)."""
        owner = link.owner
        if owner is None or owner.block is None:
            return self.layer(link, use, path)
        if owner.frozen:
            self.frozen.append(path)
        if owner.repeat == 1:
            return self.block(link, owner, use, 0, path)
        each = [self.block(link, owner, use, i, f"{path}.{i}") for i in range(owner.repeat)]
        return call("nn.Sequential", *_runs(each))

    def block(self, link: Link, owner: Owner, use: Use, repetition: int, path: str) -> Expression:
        inside = self.links_of(link, owner, use, repetition)
        if inside is None:
            return self.block_class(link, owner, use, repetition)
        links, inner = inside
        places = self.places(links, owner.block or "")
        elements = [
            self.element(one, inner, f"{path}.{i}") for i, one in zip(places, links, strict=True)
        ]
        if self.is_row(links, owner.block or "", inner):
            return call("nn.Sequential", *_runs(elements))
        return sequential(elements, self.names(links, owner.block or ""))

    def block_class(self, link: Link, owner: Owner, use: Use, repetition: int) -> Expression:
        scope = self.scopes[owner.block or ""]
        if len(scope.graph.inputs) != 1 or len(scope.graph.outputs) != 1:
            raise CodeRefused(
                f"{quote(owner.name)} is a block with {len(scope.graph.inputs)} inputs and "
                f"{len(scope.graph.outputs)} outputs: nn.Sequential hands on one value."
            )
        inner = self.inner_use(link, owner, use, repetition)
        self.as_class.setdefault(scope.block, []).append(inner)
        items: list[Expression] = [constant(size.value(inner)) for size in scope.sizes.values()]
        asked = [setting for setting in scope.settings if setting in scope.asked]
        items += [constant(inner.settings[setting]) for setting in asked]
        for setting, name in scope.settings.items():
            if setting not in asked and inner.settings[setting] != scope.graph.settings[setting]:
                items.append(keyword(name, constant(inner.settings[setting])))
        return call(scope.class_name, *items)

    def layer(self, link: Link, use: Use, path: str) -> Expression:
        label = link.owner.name if link.owner is not None else link.node.name or link.node.id
        entry = link.entry or entry_for("", label, "layer")
        given: dict[str, Expression] = {}
        for name, value in link.arguments.items():
            parameter = entry.parameter(name)
            if parameter is None:
                raise CodeRefused(f"{entry.name} {quote(label)} takes no argument {quote(name)}.")
            here = use.settings

            def spell(setting: str, here: Mapping[str, object] = here) -> str:
                return flat(constant(here.get(setting)))

            given[name] = argument(value, _no_value, spell, parameter)
        report = use.report.nodes.get(link.node.id)
        if link.owner is not None and report is not None:
            for name in report.inferred:
                if name not in given and name in report.arguments:
                    given[name] = constant(report.arguments[name], entry.parameter(name))
            if link.owner.frozen and report.parameters:
                self.frozen.append(path)
        return normalized(constructed(entry, given, label), link.owner, report)

    def paths(
        self, links: list[Link], block: str, use: Use, prefix: str, outer: str
    ) -> Iterator[tuple[str, str]]:
        """(key, path) of every element, as `scopes.paths_in` has them for classes."""
        for place, link in zip(self.places(links, block), links, strict=True):
            key, path = f"{outer}{link.node.id}", f"{prefix}{place}"
            yield key, path
            owner = link.owner
            if owner is None or owner.block is None:
                continue
            for i, behind in enumerate(repetitions(owner)):
                inside = self.links_of(link, owner, use, i)
                if inside is not None:
                    body, inner = inside
                    yield from self.paths(
                        body, owner.block, inner, f"{path}{behind}.", f"{key}{behind}/"
                    )
                else:
                    scope = self.scopes[owner.block]
                    yield from paths_in(scope, self.scopes, f"{path}{behind}.", f"{key}{behind}/")

    # Around it ---------------------------------------------------------------------------------

    def classes(self) -> Iterator[str]:
        """The blocks written as classes, with those they use, each before its users."""
        needed: dict[str, None] = {}

        def visit(block: str) -> None:
            if block not in needed:
                for owner, _ in self.scopes[block].owners:
                    if owner.block is not None:
                        visit(owner.block)
                needed[block] = None

        for block in self.as_class:
            visit(block)
        yield from (block for block in needed if not self.scopes[block].inline)

    def tie(self, page: Page) -> None:
        """`model[4].weight = model[2].weight`, of layers that share weights."""
        places = {k.owner.id: at for at, k in enumerate(self.links) if k.owner is not None}
        for link in self.links:
            for mine, (other, theirs) in link.owner.ties.items() if link.owner is not None else ():
                source = f"model[{places[other]}].{theirs}"
                target = f"model[{places[link.owner.id]}].{mine}" if link.owner is not None else ""
                page.write([f"{target} = {source}"], [link.node.id])

    def freeze(self, page: Page) -> None:
        for path in self.frozen:
            # mypy knows no index of an element, and no attribute that is a name in an OrderedDict
            layer: Expression = call("model.get_submodule", text(path))
            if path.isdigit():
                layer = Group("model[", (path,), "]")
            page.write(lay(layer, 0, "", ".requires_grad_(False)"))


def _are_places(links: list[Link]) -> bool:
    """Whether layers are called "0", "1", … where they stand: an nn.Sequential then keeps the names."""
    owners = [(str(at), link.owner) for at, link in enumerate(links) if link.owner is not None]
    return bool(owners) and all(owner.name == place for place, owner in owners)


def _no_value(_ref: Ref) -> str:
    raise CodeRefused("A layer is constructed before anything runs, so it cannot read a value.")


def _runs(items: list[Expression]) -> list[Expression]:
    """Equal ones in a row as `*(… for _ in range(n))`."""
    found: list[Expression] = []
    for _, same in groupby(items, key=flat):
        run = list(same)
        if len(run) == 1:
            found.append(run[0])
        else:
            found.append(Prefixed("*", Group("(", (Each(run[0], f"for _ in range({len(run)})"),))))
    return found
