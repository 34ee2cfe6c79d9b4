"""The form of a node, made from its catalogue entry: what it is set to, and where its inputs come from.

    layer_form(node_id)      # everything about one node of state.scoped_graph()
    network_form()           # what belongs to no single layer: class name, settings

Nothing here knows a particular layer: a new catalogue entry needs no line of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from builder.catalogue.entry import Entry, Parameter
from builder.errors import LayerwiseError
from builder.graph.edits import (
    UNSET,
    Rename,
    SetArgument,
    SetCallArgument,
    SetCondition,
    SetInputSpec,
    SetNote,
    Unset,
)
from builder.graph.model import (
    OPAQUE,
    Argument,
    Dim,
    Graph,
    Node,
    Owner,
    Ref,
    TensorSpec,
    format_shape,
)
from builder.graph.report import NodeReport, ShapeReport
from builder.graph.words import entry_of, source_words, type_name, write_argument
from builder.ui import state
from builder.ui.block_form import block_fields, settings_fields
from builder.ui.canvas.holding import edit_or_ask
from builder.ui.expressions import (
    has_batch,
    read_condition,
    read_shape,
    with_batch,
    without_batch,
)
from builder.ui.fields import parameter_field
from builder.ui.markdown import plain
from builder.ui.norm_form import norm_fields
from builder.ui.output_form import output_fields
from builder.ui.ports import port_fields, ports_of
from builder.ui.tensor_form import (
    own_code_fields,
    tensor_fields,
    weight_choice,
    weight_fields,
)

_SHOWN_OF_OTHERS: Final = 4  # parameters without a place in the two lists below
# What people set most, in the order in which it stands after what a layer needs …
_OFTEN_SET: Final = (
    *("kernel_size", "stride", "padding", "num_layers", "bidirectional", "batch_first"),
    *("p", "dim_feedforward", "num_encoder_layers", "num_decoder_layers", "dropout"),
)
# … and what they rarely touch: it stands under “More parameters” until it is set.
_RARELY_SET: Final = frozenset(
    {
        *("bias", "inplace", "eps", "layer_norm_eps", "dilation", "groups", "padding_mode"),
        *("return_indices", "ceil_mode", "nonlinearity", "add_bias_kv", "add_zero_attn"),
        *("affine", "elementwise_affine", "track_running_stats", "output_padding"),
    }
)
_DTYPES: Final = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool")
_KINDS: Final = {
    "input": "What comes into the network.",
    "output": "What the network gives.",
    "branch": "One value or another, by a condition: a plain `if` in the code.",
    "weight": "A tensor that a layer owns, read by itself.",
}


def layer_form(node_id: str) -> None:
    """Draws the form of one node of the graph being looked at."""
    graph, report = state.scoped_graph(), state.scoped_report()
    node = graph.nodes[node_id]
    found = report.nodes.get(node_id, NodeReport()) if report else NodeReport()
    entry, owner = entry_of(graph, node), graph.stands_for(node)
    key = f"lw_f.{state.project_id()}.{state.scope()}.{node_id}"
    _name(graph, node, entry, key)
    if node.kind == "input":
        _input(node, key)
    elif node.kind == "output":
        output_fields(graph, node, key)
    elif node.kind == "branch":
        _condition(graph, node, key)
    elif owner is not None and owner.block:
        block_fields(graph, node, owner, key)
    elif owner is not None and owner.raw and entry is not None:
        tensor_fields(graph, node, owner, entry, key)
    elif owner is not None and owner.target == OPAQUE:
        own_code_fields(node, owner, key)
    elif node.kind == "weight":
        weight_choice(graph, node, report, key)
    elif entry is not None:
        _parameters(graph, node, entry, found, key)
    if ports := ports_of(graph, node, state.graph()):
        if len(ports) > 1:
            st.markdown("**Inputs**")
        port_fields(graph, node, report, key=f"{key}.port")
    _advanced(graph, node, owner, report, key)


def network_form() -> None:
    """Draws what belongs to the network (or the block looked at) as a whole."""
    graph = state.scoped_graph()
    key = f"lw_g.{state.project_id()}.{state.scope()}"
    name_key = state.followed(f"{key}.name", graph.name)

    def renamed() -> None:
        state.rename_model(state.widget(name_key) or "")

    chosen = state.by_hand(name_key, renamed)
    st.text_input(
        "Class name in the code", graph.name, key=name_key, max_chars=64, on_change=chosen
    )
    settings_fields(graph, key)


# --- head of the form -----------------------------------------------------------------------------


def _name(graph: Graph, node: Node, entry: Entry | None, key: str) -> None:
    owner = graph.stands_for(node)
    name = owner.name if owner else graph.label(node.id)
    name_key = state.followed(f"{key}.name", name)

    def renamed() -> None:
        edit_or_ask(Rename(node.id, state.widget(name_key), scope=state.scope()))

    st.text_input(
        "Name",
        name,
        key=name_key,
        max_chars=64,
        on_change=state.by_hand(name_key, renamed),
        help="The attribute in the code and in the state_dict",
        disabled=node.kind == "weight" and owner is None,
    )
    if entry is None:
        if owner is None or owner.block is None:
            st.caption(_KINDS.get(node.kind, plain(node.target)))
        else:
            st.caption(f"A block of this network: **{plain(owner.block or owner.target)}**")
        return
    kind = type_name(graph, node)
    link = f" [PyTorch’s page]({entry.link})" if entry.link.startswith("https://") else ""
    st.caption(f"**{plain(kind)}** · {plain(entry.help)}{link}")


# --- parameters -----------------------------------------------------------------------------------


def _parameters(graph: Graph, node: Node, entry: Entry, report: NodeReport, key: str) -> None:
    owner = graph.owner_of(node)
    given = owner.arguments if owner else {}
    fields = [(p, given.get(p.name, UNSET), True) for p in entry.parameters]
    fields += [(p, node.arguments.get(p.name, UNSET), False) for p in entry.call_parameters]
    if not fields:
        return
    first = [f for i, f in enumerate(fields) if _is_usual(i, f[0], f[1])]
    first.sort(key=lambda f: _rank(f[0]))
    more = [f for f in fields if f not in first]
    _grid(graph, node, first, report, key)
    if more:
        with st.expander(f"More parameters ({len(more)})", key=f"{key}.more", type="compact"):
            _grid(graph, node, more, report, key)


def _is_usual(place: int, parameter: Parameter, value: Argument | Unset) -> bool:
    if parameter.required or parameter.inferred or parameter.name in _OFTEN_SET:
        return True
    if value is not UNSET and value != parameter.default:
        return True
    return place < _SHOWN_OF_OTHERS and parameter.name not in _RARELY_SET


def _rank(parameter: Parameter) -> int:
    """What a layer needs stands first, in torch's order; then what is often set; then the rest."""
    if parameter.required or parameter.inferred:
        return 0
    often = parameter.name in _OFTEN_SET
    return 1 + (_OFTEN_SET.index(parameter.name) if often else len(_OFTEN_SET))


def _grid(
    graph: Graph,
    node: Node,
    fields: Sequence[tuple[Parameter, Argument | Unset, bool]],
    report: NodeReport,
    key: str,
) -> None:
    """Two fields to a line; what needs room (tuples, text) gets a line of its own."""
    row = None
    for parameter, value, at_construction in fields:
        wide = parameter.type in ("index", "str") or parameter.inferred is not None
        wide = wide or (isinstance(value, tuple) and len(value) > 1)
        if wide:
            place, row = st.container(), None
        elif row is None:
            left, row = st.columns(2, gap="small", vertical_alignment="bottom")
            place = left
        else:
            place, row = row, None
        with place:
            _parameter(graph, node, parameter, value, at_construction, report, key)


def _parameter(
    graph: Graph,
    node: Node,
    parameter: Parameter,
    value: Argument | Unset,
    at_construction: bool,
    report: NodeReport,
    key: str,
) -> None:
    def change(new: Argument | Unset) -> None:
        if new == parameter.default and type(new) is type(parameter.default):
            new = UNSET  # torch's own value needs no word in the code
        make = SetArgument if at_construction else SetCallArgument
        edit_or_ask(make(node.id, parameter.name, new, scope=state.scope()))

    parameter_field(
        parameter,
        value,
        change,
        key=f"{key}.{parameter.name}",
        graph=graph,
        inferred=_inferred(graph, node, parameter, report),
    )


def _inferred(graph: Graph, node: Node, parameter: Parameter, report: NodeReport) -> str | None:
    if parameter.inferred is None:
        return None
    source = node.arguments.get(parameter.inferred.port)
    if parameter.name not in report.inferred:
        return "worked out from the input"
    came_from = f", from {source_words(graph, source)}" if isinstance(source, Ref) else ""
    return f"{write_argument(report.arguments[parameter.name], graph)}{came_from}"


# --- inputs, branches, blocks ---------------------------------------------------------------------


def _input(node: Node, key: str) -> None:
    spec = node.spec
    shape = format_shape(spec.shape) if spec and spec.shape else ""
    shape_key = state.followed(f"{key}.shape", shape)
    dtype = spec.dtype if spec else "float32"
    dtype_key = state.followed(f"{key}.dtype", dtype)
    batched = spec is None or has_batch(spec.shape)
    batch_key = state.followed(f"{key}.batch", batched)

    def changed() -> None:
        text = (state.widget(shape_key) or "").strip()
        try:
            read = read_shape(text) if text or not state.scope() else None
        except LayerwiseError as refusal:
            state.say(str(refusal), "warning")
            return
        put = read is not None and state.widget(batch_key, True) and not has_batch(read)
        if read is not None and put:
            read = with_batch(read)
        state.keep(f"{key}.put", read if put else None)
        give(read)

    def switched() -> None:
        if spec is not None:
            turn = with_batch if state.widget(batch_key) else without_batch
            state.keep(f"{key}.put", None)
            give(turn(spec.shape))

    def give(new: tuple[Dim, ...] | None) -> None:
        given = None if new is None else TensorSpec(new, state.widget(dtype_key))
        edit_or_ask(SetInputSpec(node.id, given, scope=state.scope()))

    dtypes = list(dict.fromkeys([*_DTYPES, dtype]))
    left, right = st.columns([3, 2], gap="small")
    with left:
        st.text_input(
            "Shape",
            shape,
            key=shape_key,
            on_change=state.by_hand(shape_key, changed),
            max_chars=100,
            placeholder="as the caller gives it" if state.scope() else "N×1×28×28",
            help="N is the batch. Numbers between × or commas: N×784, N×3×32×32",
        )
    with right:
        st.selectbox(
            "Type of numbers",
            dtypes,
            dtypes.index(dtype),
            key=dtype_key,
            on_change=state.by_hand(dtype_key, changed),
            help="float32 for measurements and pictures, int64 for token numbers",
        )
    st.toggle(
        "Batch in front (N)",
        batched,
        key=batch_key,
        on_change=state.by_hand(batch_key, switched),
        disabled=spec is None,
        help="On: what you type is one sample, and N, the batch, is put in front of it. "
        "Off: the shape is taken as you type it, without a batch.",
    )
    if spec is not None and state.recall(f"{key}.put") == spec.shape:
        st.caption(
            f"{format_shape(without_batch(spec.shape))} is one sample, so N was put in front."
        )
    elif spec is not None and not has_batch(spec.shape):
        st.caption("No batch: the first size counts as the data’s own.")


def _condition(graph: Graph, node: Node, key: str) -> None:
    text = write_argument(node.arguments.get("condition"), graph)
    condition_key = state.followed(f"{key}.condition", text)

    def changed() -> None:
        try:
            condition = read_condition(state.widget(condition_key) or "", graph)
        except LayerwiseError as refusal:
            state.say(str(refusal), "warning")
            return
        edit_or_ask(SetCondition(node.id, condition, scope=state.scope()))

    known = ", ".join(graph.settings)
    st.text_input(
        "Condition",
        text,
        key=condition_key,
        on_change=state.by_hand(condition_key, changed),
        max_chars=200,
        help="training; gradients are recorded (not under torch.no_grad()); the name of a setting"
        + (f" ({plain(known)})" if known else "")
        + "; or a comparison with a value of one number, such as score > 0.5",
    )
    st.caption("What only one side reads runs only on that side.")


# --- the rest -------------------------------------------------------------------------------------


def _advanced(
    graph: Graph, node: Node, owner: Owner | None, report: ShapeReport | None, key: str
) -> None:
    with st.expander(
        "Weights and note" if owner else "Note", key=f"{key}.advanced", type="compact"
    ):
        if owner is not None:
            norm_fields(graph, node, owner, report, key)
            weight_fields(graph, node, owner, report, key)
        note_key = state.followed(f"{key}.note", node.note)

        def noted() -> None:
            state.edit(SetNote(node.id, state.widget(note_key) or "", scope=state.scope()))

        st.text_area(
            "Note",
            node.note,
            key=note_key,
            max_chars=2000,
            height=80,
            on_change=state.by_hand(note_key, noted),
            placeholder="Why it is here",
        )
