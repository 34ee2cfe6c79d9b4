"""The Graph page: what autograd recorded in a real forward pass, and the network as a diagram."""

from __future__ import annotations

from functools import partial

import streamlit as st

from builder.errors import InspectionRefused
from builder.inspection.architecture import architecture_graph
from builder.inspection.autograd import AutogradGraph, autograd_graph
from builder.inspection.batch import parse_batch_shape
from builder.inspection.dot import node_path
from builder.ui import state
from builder.ui.graph_view import graph_view
from builder.ui.head import page_head
from builder.ui.markdown import plain
from builder.ui.problems import problem_list

AROUND = 315  # pixels of the page above and below the graph


def autograd_tab() -> None:
    with st.container(
        key="lw_graph_row", horizontal=True, vertical_alignment="center", gap="medium"
    ):
        st.markdown(
            "Batch shape",
            width="content",
            help="What stands in front of a sample's own sizes: 5 for five samples, 4, 5 for four "
            "times five, nothing for a single sample without a batch.",
        )
        typed = st.text_input(
            "Batch shape",
            value=state.recall("graph.batch_shape", "2"),
            key="graph_batch_shape",
            max_chars=40,
            placeholder="one sample, no batch",
            label_visibility="collapsed",
            width=170,
        )
        state.keep("graph.batch_shape", typed)
        show_saved = st.toggle(
            "Saved tensors",
            key="graph_saved",
            persist_state="session",
            help="Tensors kept from the forward pass because the backward pass needs them: boxes with "
            "a dashed frame.",
        )
        show_attrs = st.toggle(
            "Attributes",
            key="graph_attributes",
            persist_state="session",
            help="Settings that a backward step kept, such as sizes and strides.",
        )
        evaluated = st.toggle(
            "Evaluation mode",
            key="graph_evaluation",
            persist_state="session",
            help="Run as after training: dropout does nothing, BatchNorm uses its running averages.",
        )
    try:
        draw = partial(
            autograd_graph,
            state.graph(),
            parse_batch_shape(typed),
            show_attrs=show_attrs,
            show_saved=show_saved,
            training=not evaluated,
        )
        drawn = draw(dark=state.dark())
        file = draw(dark=False).dot  # what is taken along is for slides and paper
    except InspectionRefused as refusal:
        refused(refusal)
        return
    graph_view(
        drawn.dot,
        file=file,
        above=AROUND,
        name=f"{state.graph().name}-autograd",
        key="graph_autograd",
        label="Autograd graph",
    )
    explain(drawn, show_saved)


def refused(refusal: InspectionRefused) -> None:
    """Why there is no graph; where the network is at fault, with the repairs one click away."""
    repairs = state.check().repairs
    if any(repairs.get(problem) for problem in state.problems()):
        st.caption("The autograd graph is drawn once the network runs.")
        problem_list()
    else:
        st.warning(plain(refusal), icon=":material/error:")


def explain(drawn: AutogradGraph, show_saved: bool) -> None:
    shapes = " and ".join(f"{name} ({sizes(shape)})" for name, shape in drawn.inputs.items())
    results = " and ".join(f"{name} ({sizes(shape)})" for name, shape in drawn.outputs.items())
    if drawn.note:
        st.info(plain(drawn.note), icon=":material/info:")
    st.caption(
        plain(f"Ran {shapes} and gave {results}.")
        + " Coloured boxes are parameters, in their layer's colour; grey ones the steps by which "
        "gradients flow back; the green one is the result. "
        + (
            "Boxes with a dashed frame are tensors that the forward pass saved for the backward pass: "
            "what a step needs to work out its gradient, and most of the memory of training. "
            if show_saved
            else ""
        )
        + "Every arrow points the way of the "
        "forward pass. Drawn by torchviz `make_dot`."
    )


def architecture_tab() -> None:
    graph = state.graph()
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        unfolded = st.toggle(
            "Unfold blocks",
            key="graph_unfolded",
            persist_state="session",
            disabled=not graph.blocks,
            help="Show what is inside each block. A repeated one is drawn once, with its count."
            if graph.blocks
            else "This network has no blocks.",
        )
        across = st.toggle("Left to right", key="graph_across", persist_state="session")
    try:
        draw = partial(architecture_graph, graph, unfolded and bool(graph.blocks), across=across)
        drawn, file = draw(dark=state.dark()), draw(dark=False)
    except InspectionRefused as refusal:
        st.warning(plain(refusal), icon=":material/error:")
        return
    clicked = graph_view(
        drawn,
        file=file,
        above=AROUND,
        name=f"{graph.name}-architecture",
        key="graph_architecture",
        label="Architecture diagram",
    )
    if clicked is not None:
        *scope, node = node_path(clicked)
        state.select(node, tuple(scope))
    st.caption(
        "Colours are layer families, the same as on the Build page. Along the wires stand the shapes, "
        "with N for the batch. A red outline marks a layer with a problem. Click a layer to find it "
        "selected on the Build page."
    )


def sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"


page_head("Graph")
autograd, architecture = st.tabs(
    ["Autograd graph", "Architecture"], key="graph_tab", on_change="rerun"
)
if autograd.open:
    with autograd:
        autograd_tab()
if architecture.open:
    with architecture:
        architecture_tab()
