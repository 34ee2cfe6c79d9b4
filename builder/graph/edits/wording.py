"""An edit in words, for the history and the undo button: written before the edit is applied."""

from __future__ import annotations

from dataclasses import replace

from builder.errors import quote
from builder.graph.allowed_norms import norm_words
from builder.graph.edits import drawn as d
from builder.graph.edits import values as v
from builder.graph.edits.scoped import UNSET
from builder.graph.edits.values import Edit
from builder.graph.model import (
    BLOCK_PREFIX,
    Argument,
    Calc,
    Compare,
    Frame,
    GradEnabled,
    Graph,
    Ref,
    Setting,
    Size,
    Slice,
    TensorSpec,
    Training,
    format_shape,
)
from builder.graph.modes import CHOICES, WHEN


def describe(edit: Edit, graph: Graph) -> str:
    """What the edit does to this graph: "Add Linear behind “fc1”". Never raises."""
    if isinstance(edit, v.Several | v.Rewrite):
        return edit.label
    inner = graph.blocks.get(edit.scope, graph) if edit.scope else graph
    text = _describe(edit, inner)
    return f"{text} in {quote(edit.scope)}" if edit.scope else text


def _describe(edit: Edit, graph: Graph) -> str:
    def at(node: str) -> str:
        return quote(graph.label(node) if node in graph.nodes else node)

    match edit:
        case v.AddNode(target=target, after=after, reads=reads):
            behind = reads.node if isinstance(reads, Ref) else after if reads is UNSET else None
            return f"Add {_title(target)}" + (f" behind {at(behind)}" if behind else "")
        case v.AddBranch(after=after):
            return "Add branch" + (f" behind {at(after)}" if after else "")
        case v.DeleteNode(node=node):
            return f"Delete {at(node)}"
        case v.MoveNode(node=node, after=after):
            return f"Move {at(node)} behind {at(after)}"
        case v.DuplicateNode(node=node):
            return f"Duplicate {at(node)}"
        case v.Rename(node=node, name=name):
            return f"Rename {at(node)} to {quote(name)}"
        case (
            v.SetArgument(node=node, name=name, value=value)
            | v.SetCallArgument(node=node, name=name, value=value)
        ):
            if name == WHEN and value in CHOICES:
                return f"Give {at(node)} only {'while' if value == 'training' else 'in'} {value}"
            if name == WHEN and value is UNSET:
                return f"Give {at(node)} in both modes"
            if value is UNSET:
                return f"Reset {_word(name)} of {at(node)}"
            return f"Set {_word(name)} of {at(node)} to {shown_value(value, graph)}"
        case v.SetInputSpec(node=node, spec=spec):
            shape = (
                f"{format_shape(spec.shape)} {spec.dtype}"
                if isinstance(spec, TensorSpec)
                else "any"
            )
            return f"Set shape of {at(node)} to {shape}"
        case v.SetBypassed(node=node, bypassed=on):
            return f"{'Bypass' if on else 'Use'} {at(node)}" + ("" if on else " again")
        case v.SetFrozen(node=node, frozen=on):
            return f"{'Freeze' if on else 'Unfreeze'} {at(node)}"
        case v.SetNote(node=node):
            return f"Note at {at(node)}"
        case v.SetPosition(node=node):
            return f"Place {at(node)}"
        case v.ShareWeights(node=node, with_node=other):
            return f"Let {at(node)} share the weights of {at(other)}"
        case v.UnshareWeights(node=node):
            return f"Give {at(node)} weights of its own"
        case v.SetWeight(node=node, owner=owner, name=name):
            held = graph.owners.get(owner)
            return f"Let {at(node)} give {quote('.'.join(p for p in (held.name if held else owner, name) if p))}"
        case v.SetTie(node=node, owner=other_owner):
            return f"{'Untie' if other_owner is None else 'Tie'} weights of {at(node)}"
        case v.SetNorms(node=node, norms=norms):
            said = " and ".join(norm_words(norm) for norm in norms)
            return f"Normalize the weight of {at(node)}: {said or 'none'}"
        case v.SetCondition(node=node):
            return f"Set condition of {at(node)}"
        case v.SetSetting(name=name, value=value):
            if value is UNSET:
                return f"Remove setting {quote(name)}"
            return f"Set {quote(name)} to {shown_value(value, graph)}"
        case v.RenameModel(name=name):
            return f"Rename class to {quote(name)}"
        case v.GroupIntoBlock(nodes=nodes, name=name):
            return f"Group {len(nodes)} nodes into {quote(name) if name else 'a block'}"
        case v.Ungroup(node=node):
            return f"Ungroup {at(node)}"
        case v.SetRepeat(node=node, repeat=repeat, shared=shared):
            return f"Repeat {at(node)} {repeat}×" + (" with shared weights" if shared else "")
        case d.Connect(value=value, node=node, port=port):
            read = value.node if isinstance(value, Ref) else value
            return f"Connect {at(read)} to {_word(port)} of {at(node)}"
        case d.Disconnect(node=node, port=port):
            return f"Disconnect {_word(port)} of {at(node)}"
        case d.InsertOnWire(target=target, node=node):
            return f"Insert {_title(target)} before {at(node)}"
        case d.Join(a=a, b=b, how="add"):
            return f"Add {at(a.node)} and {at(b.node)} (sum)"
        case d.Join(a=a, b=b):
            return f"Concatenate {at(a.node)} and {at(b.node)}"
        case d.DeleteNodes(nodes=nodes):
            return f"Delete {at(nodes[0])}" if len(nodes) == 1 else f"Delete {len(nodes)} nodes"
        case d.SetPositions(positions=moved):
            return (
                f"Move {at(next(iter(moved)))}" if len(moved) == 1 else f"Move {len(moved)} nodes"
            )
        case d.SetFrame(id=identity, frame=frame):
            return _framed(graph.frames.get(identity), frame)
        case d.PasteFragment(fragment=fragment):
            return f"Paste {len(fragment.nodes)} node{'s' * (len(fragment.nodes) != 1)}"
        case d.FoldRepeats(stretches=rows, name=name):
            return f"Fold {sum(map(len, rows))} nodes into {len(rows)} × {quote(name) if name else 'a block'}"
        case v.Several(label=label) | v.Rewrite(label=label):
            return label


def _framed(old: Frame | None, new: Frame | None) -> str:
    shown = new or old
    if shown is None:
        return "Delete frame"
    what = shown.kind + (f" {quote(shown.title)}" if shown.title else "")
    if old is None or new is None:
        return f"{'Delete' if new is None else 'Add'} {what}"
    if replace(old, position=new.position) == new:
        return f"Move {what}"
    return f"{'Resize' if replace(old, position=new.position, size=new.size) == new else 'Change'} {what}"


def _title(target: str) -> str:
    if target.startswith(BLOCK_PREFIX):
        return f"block {quote(target[len(BLOCK_PREFIX) :])}"
    return _word(target.rpartition(".")[2])


def _word(text: str) -> str:
    """A name of torch's as it is; anything else in quotes and short."""
    return text if text.isidentifier() and len(text) <= 60 else quote(text)


def shown_value(value: Argument, graph: Graph) -> str:
    """A value as one would write it in code, short."""
    text = _written(value, graph)
    return text if len(text) <= 60 else text[:59] + "…"


def _written(value: Argument, graph: Graph) -> str:
    match value:
        case Ref(node=node):
            return quote(graph.label(node) if node in graph.nodes else node)
        case str():
            return quote(value)
        case Size(of=of, dim=dim):
            return f"size {dim} of {_written(of, graph)}"
        case Calc(op=op, left=left, right=right) | Compare(op=op, left=left, right=right):
            return f"{_written(left, graph)} {op} {_written(right, graph)}"
        case Setting(name=name):
            return quote(name)
        case Training():
            return "training"
        case GradEnabled():
            return "gradients are recorded"
        case Slice(start=start, stop=stop, step=step):
            parts = ["" if p is None else _written(p, graph) for p in (start, stop, step)]
            return ":".join(parts if step is not None else parts[:2])
        case tuple():
            return f"({', '.join(_written(part, graph) for part in value[:20])})"
        case _:
            return "…" if value is ... else str(value)
