"""Which variable holds which value in `forward`.

The running value of a chain is `x`, written over at every step. A value that something reads later
keeps a name of its own, taken from its layer. A value may be `x` only where the very next step is
the last one that reads it; in a branch that next step is the first one of each side. Two values
that are joined, neither of which comes from the other, have names both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builder.code.writing import reading
from builder.code.writing.naming import LONGEST_VARIABLE, Namespace, given_name, says_nothing
from builder.code.writing.patterns import Path, Pattern, leaf_of, leaves, parts_in, pattern_of
from builder.code.writing.steps import Choice, Item, Return, Settle, Step
from builder.graph.model import Graph, Node, Ref, Value, iter_refs, with_refs

UNREAD = "_"
_GENERIC_OUTPUT = re.compile(r"(y|out|output|outputs)?_?\d*")
_MERGES = frozenset(
    {"operator.add", "operator.sub", "operator.mul", "torch.cat", "torch.stack", "torch.add"}
)


@dataclass
class Variables:
    """Names for the values of one `forward`.

    `arguments`: input node id → name. `patterns`: node id → what its call is assigned to. `alias`:
    a name the input `x` is kept under, "" for none; the first step still reads `x`. `chain`: the
    variable that is written over at every step.
    """

    arguments: dict[str, str] = field(default_factory=dict)
    patterns: dict[str, Pattern] = field(default_factory=dict)
    names: dict[tuple[str, Path], str] = field(default_factory=dict)
    alias: str = ""
    first_step: str = ""
    chain: str = "x"

    def read(self, ref: Ref, reader: str = "") -> str:
        """The expression for a reference, as the node `reader` reads it."""
        leaf = leaf_of(self.patterns.get(ref.node, ()), ref.path)
        if leaf is None:  # several results of a block, read as a whole
            parts = [self.names[ref.node, (i,)] for i in range(parts_in(self.patterns[ref.node]))]
            return f"({', '.join(parts)})"
        name = self.names.get((ref.node, leaf), "")
        if not name:
            raise reading.gives_nothing(ref, reader)
        if self.alias and name == self.alias and reader == self.first_step:
            name = self.arguments[ref.node]
        return name + "".join(f"[{index}]" for index in ref.path[len(leaf) :])


def name_variables(
    graph: Graph,
    items: Sequence[Item],
    results: Mapping[str, Value | None],
    *,
    reserved: Iterable[str] = (),
    part_name: Callable[[Node, Path], str] = lambda _node, _path: "",
    carried: Callable[[Node], int] = lambda _node: 0,
    gives_several: Callable[[Node], bool] = lambda _node: False,
    given: Callable[[Node], str] = given_name,
) -> Variables:
    """Names every value that `items` read or define.

    Args: results: what each node gives, as far as known. reserved: names in use around the function.
          part_name: a part's name in the catalogue. carried: for a block run in a loop, how many
          values go round (0: no loop). gives_several: whether a node of unknown shapes gives a tuple.
          given: what a person calls a node's value, "" for nothing.
    """
    first = _Namer(graph, items, results, reserved, part_name, carried, gives_several, given)
    found = first.run()
    if not first.hides_input:
        return found
    second = _Namer(graph, items, results, reserved, part_name, carried, gives_several, given)
    second.keeps_input = True
    return second.run()


class _Namer:
    def __init__(
        self,
        graph: Graph,
        items: Sequence[Item],
        results: Mapping[str, Value | None],
        reserved: Iterable[str],
        part_name: Callable[[Node, Path], str],
        carried: Callable[[Node], int],
        gives_several: Callable[[Node], bool],
        given: Callable[[Node], str],
    ) -> None:
        self.graph, self.items, self.results = graph, items, results
        self.part_name, self.carried, self.gives_several = part_name, carried, gives_several
        self.space = Namespace({*reserved, "x", "block", "result"}, LONGEST_VARIABLE)
        self.found = Variables()
        self.reads_inside: dict[int, set[tuple[str, Path]]] = {}
        self.given_back: dict[tuple[str, Path], str] = {}
        self.sources: dict[str, set[str]] = {}
        self.pinned: set[tuple[str, Path]] = set()
        self.given: dict[str, str] = {}  # node → its name, each name once
        for node in graph.nodes.values():
            wish = given(node)
            if wish and wish not in self.given.values() and not carried(node):
                self.given[node.id] = wish
        self.place = 0  # among the items of the function
        self.keeps_input = (
            False  # under another name, as `x` is written over before it is read last
        )
        self.hides_input = False  # what was to be found out

    def run(self) -> Variables:
        self._find_patterns()
        self._pin(self.items)
        self._find_given_back()
        self._name_arguments()
        self._name_items(self.items, set())
        return self.found

    # Which parts of results are read -----------------------------------------------------------

    def _find_patterns(self) -> None:
        read: dict[str, set[Path]] = {}
        for ref in reading.all_refs(self.items):
            read.setdefault(ref.node, set()).add(ref.path)
        for step in reading.all_steps(self.items):
            rounds = self.carried(step.node)
            if rounds > 1:
                self.found.patterns[step.node.id] = [(i,) for i in range(rounds)]
                continue
            value = self.results.get(step.node.id)
            paths = read.get(step.node.id, set())
            if rounds == 1 or (not isinstance(value, tuple) and paths):
                self.found.patterns[step.node.id] = ()
            else:
                self.found.patterns[step.node.id] = pattern_of(value, paths, ())

    def _reads(self, item: Item) -> set[tuple[str, Path]]:
        """The leaves read by an item, with all that stands inside it."""
        known = self.reads_inside.get(id(item))
        if known is None:
            known = set()
            for ref in reading.all_refs((item,)):
                pattern = self.found.patterns.get(ref.node, ())
                leaf = leaf_of(pattern, ref.path)
                known |= (
                    {(ref.node, leaf)}
                    if leaf is not None
                    else {(ref.node, path) for path in leaves(pattern)}
                )
            self.reads_inside[id(item)] = known
        return known

    def _pin(self, items: Sequence[Item]) -> None:
        """Values a loop reads in every round must not be written over by its first result."""
        for step in reading.all_steps(items):
            rounds = self.carried(step.node)
            first = True
            for ref in step.reads if rounds else ():
                leaf = leaf_of(self.found.patterns.get(ref.node, ()), ref.path)
                if leaf is not None and (rounds > 1 or not first):
                    self.pinned.add((ref.node, leaf))
                first = False

    def _find_given_back(self) -> None:
        """Which values only a return reads, where it gives several, and the output's name."""
        elsewhere = reading.read_by_steps(self.items, self._reads)
        for item in reading.returns(self.items):
            for node, ref in zip(item.outputs, item.values, strict=True):
                value = (ref.node, ref.path)
                if len(item.values) > 1 and value not in elsewhere:
                    self.given_back.setdefault(value, node.name)

    # Names -------------------------------------------------------------------------------------

    def _name_arguments(self) -> None:
        inputs = self.graph.inputs
        last = reading.last_reads(self.items, self._reads)
        for node in inputs:
            value = (node.id, ())
            label = node.name or node.id
            if len(inputs) == 1 and says_nothing(label):
                self._name_only_input(node)
                continue
            if label == "x" and "x" not in self.found.arguments.values():
                name = "x"
                if not self._may_be_written_over(value, self.items, -1, last):
                    self.found.chain = self.space.claim("out")
            else:
                name = self.space.claim(label, "x")
            self.found.arguments[node.id] = self.found.names[value] = name

    def _name_only_input(self, node: Node) -> None:
        """The one input is `x`; where it is read again later, `skip = x` stands at the head."""
        value = (node.id, ())
        self.found.arguments[node.id] = self.found.names[value] = "x"
        if not self.keeps_input:
            return
        first = self.items[0]
        rest = [i for i in self.items[1:] if value in self._reads(i)]
        merged = all(isinstance(i, Step) and i.node.target in _MERGES for i in rest)
        reads_first = isinstance(first, Step) and value in self._reads(first)
        self.found.alias = self.space.claim("skip" if merged and reads_first else "inputs")
        self.found.first_step = first.node.id if isinstance(first, Step) else ""
        self.found.names[value] = self.found.alias

    def _hides_input(self) -> bool:
        """Whether the input is still read where `x` is written over."""
        if self.keeps_input or len(self.found.arguments) != 1:
            return False
        value = (next(iter(self.found.arguments)), ())
        if self.found.names[value] != self.found.chain:
            return False
        until = reading.last_reads(self.items, self._reads).get(value, -1)
        here = self.items[self.place]
        rests = value in self.pinned or not self._only_at_entry(value, here)
        return self.place < until or (self.place == until and rests)

    def _name_items(self, items: Sequence[Item], behind: set[tuple[str, Path]]) -> None:
        """`behind`: what is read after all of them."""
        last = {**reading.last_reads(items, self._reads), **dict.fromkeys(behind, len(items) + 1)}
        for place, item in enumerate(items):
            self.place = place if items is self.items else self.place
            following = items[place + 1] if place + 1 < len(items) else None
            if isinstance(item, Step):
                self._name_step(item, items, place, last, following)
            elif isinstance(item, Choice):
                self._name_choice(item, items, place, last, following)

    def _name_step(
        self,
        step: Step,
        items: Sequence[Item],
        place: int,
        last: Mapping[tuple[str, Path], int],
        following: Item | None,
    ) -> None:
        node = step.node
        written_into = self._name_written_into(node)
        if written_into:
            self.found.names[node.id, ()] = written_into
            return
        chain_free = self.carried(node) <= 1
        for path in leaves(self.found.patterns[node.id]):
            value = (node.id, path)
            if value not in last and self.carried(node) == 0:
                self.found.names[value] = UNREAD
            elif (
                chain_free
                and self._may_be_written_over(value, items, place, last)
                and not self._stands_beside(value, following)
                and not self._keeps_name(node, following)
            ):
                self.found.names[value] = self._next_name(value, following)
                chain_free = False
            else:
                self.found.names[value] = self._own_name(node, path)

    def _keeps_name(self, node: Node, following: Item | None) -> bool:
        """Whether a value that could be `x` has the name a person gave it.

        Not where a branch ends with it, nor where a layer gives what is returned: of `x` the type is
        said in the head of the function, of another variable it would have to be.
        """
        if node.id not in self.given or isinstance(following, Settle):
            return False
        declared = self.found.chain in self.found.arguments.values() and not self._hides_input()
        return not (node.kind == "layer" and declared and isinstance(following, Return))

    def _name_written_into(self, node: Node) -> str:
        """The name of the tensor that `x[...] = v` writes into, if nothing else takes that name."""
        taken = node.arguments.get("input")
        if node.target != "operator.setitem" or not isinstance(taken, Ref):
            return ""
        leaf = leaf_of(self.found.patterns.get(taken.node, ()), taken.path)
        name = self.found.names.get((taken.node, leaf), "") if leaf == taken.path else ""
        own = name not in (UNREAD, self.found.chain, "x", *self.found.arguments.values())
        return name if own else ""

    def _name_choice(
        self,
        choice: Choice,
        items: Sequence[Item],
        place: int,
        last: Mapping[tuple[str, Path], int],
        following: Item | None,
    ) -> None:
        for branch in choice.branches:
            value = (branch.id, ())
            final = branch is choice.branches[-1]
            if value not in last and not any(
                value in self._reads(i) for i in choice.if_true + choice.if_false
            ):
                self.found.names[value] = UNREAD
            elif final and self._may_be_written_over(value, items, place, last):
                self.found.names[value] = self._next_name(value, following)
            else:
                self.found.names[value] = self._own_name(branch, ())
        # What runs in one mode only is known behind its `if`; of a branch only its value is.
        rest = items[place + 1 :] if not choice.branches else ()
        behind = {value for item in rest for value in self._reads(item)}
        for side in choice.sides:
            self._name_items(side, behind)

    def _next_name(self, value: tuple[str, Path], following: Item | None) -> str:
        """`x`, or where a branch ends with this value, the branch's own variable."""
        if isinstance(following, Settle):
            branch = self.found.names[following.branch.id, ()]
            if branch != UNREAD:
                return branch
        self.hides_input = self.hides_input or self._hides_input()
        return self.found.chain

    def _own_name(self, node: Node, path: Path) -> str:
        given = self.given_back.get((node.id, path), "")
        if given and _GENERIC_OUTPUT.fullmatch(given.lower()) is None:
            return self.space.claim(given)
        if not path and node.id in self.given:
            return self.space.claim(self.given[node.id])
        label = self.graph.label(node.id)
        part = self.part_name(node, path) if path else ""
        if not path or part in ("output", ""):
            index = "_".join(str(i) for i in path) if path and not part else ""
            return self.space.claim(f"{label}_{index}" if index else label)
        if part.startswith("part "):
            return self.space.claim(f"{label}_{part[5:]}")
        return self.space.claim(part)

    # Where `x` may be written over ---------------------------------------------------------------

    def _may_be_written_over(
        self,
        value: tuple[str, Path],
        items: Sequence[Item],
        place: int,
        last: Mapping[tuple[str, Path], int],
    ) -> bool:
        if value in self.pinned or self._is_tuple(value):
            return False
        if last.get(value, place) > place + 1:
            rest = items[place + 1 :]
            return reading.only_returns(rest) and value in self._reads(rest[-1])
        return place + 1 >= len(items) or self._only_at_entry(value, items[place + 1])

    def _stands_beside(self, value: tuple[str, Path], following: Item | None) -> bool:
        """Whether a value is joined with one of another branch, or given back with others: all
        deserve a name. Not where one comes from the other, as in a skip connection.
        """
        if isinstance(following, Return):
            return len(following.values) > 1
        if not isinstance(following, Step) or following.node.kind != "operation":
            return False
        others = {ref.node for ref in following.reads} - {value[0]}
        others -= {n.id for n in self.graph.nodes.values() if n.kind in ("input", "weight")}
        return any(
            other not in self._behind(value[0]) and value[0] not in self._behind(other)
            for other in others
        )

    def _behind(self, node_id: str) -> set[str]:
        """The nodes a value comes from."""
        known = self.sources.get(node_id)
        if known is None:
            known = set()
            for ref in reading.refs_of(with_refs(self.graph.nodes[node_id], self.graph.resolve)):
                known |= {ref.node} | self._behind(ref.node)
            self.sources[node_id] = known
        return known

    def _is_tuple(self, value: tuple[str, Path]) -> bool:
        """Whether a value is no tensor: `x` is one by its type."""
        found = self.results.get(value[0])
        if found is None and not value[1]:
            return self.gives_several(self.graph.nodes[value[0]])
        for index in value[1]:
            found = found[index] if isinstance(found, tuple) and index < len(found) else None
        return isinstance(found, tuple)

    def _only_at_entry(self, value: tuple[str, Path], item: Item) -> bool:
        if not isinstance(item, Choice):
            return True
        if any(ref.node == value[0] for ref in iter_refs(item.condition)):
            return False  # what is asked deserves a name
        for side in item.sides:
            readers = [i for i in side if value in self._reads(i)]
            if readers and not (
                len(readers) == 1 and readers[0] is side[0] and self._only_at_entry(value, side[0])
            ):
                return False
        return True
