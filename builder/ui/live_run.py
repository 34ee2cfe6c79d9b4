"""One run as it trains: curves that move, progress, speed, time left, Stop, and how it ended.

A fragment asks once a second while the run is active, and only it is drawn again. When the run ends
the whole page is drawn once more, and the asking stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from builder.errors import LayerwiseError, NotFound
from builder.graph.changes import change_words
from builder.graph.size import format_count
from builder.inspection import figures
from builder.inspection.figures import Curve
from builder.training.card import RunCard
from builder.training.folder import RunState
from builder.training.losses import losses
from builder.training.metrics import metric
from builder.training.supervisor import get_supervisor
from builder.training.watch import PartName, Series, Watch, watch
from builder.training.words import (
    STATE_WORDS,
    optimizer_words,
    words_for_figure,
    words_for_seconds,
)
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.markdown import plain
from builder.ui.own_weights import shortened
from builder.ui.places import go_to

_ASK_EVERY_SECONDS: Final = 1.0
_CHART_HEIGHT: Final = 330
_COLOURS: Final[dict[RunState, str]] = {
    "queued": "gray",
    "running": "blue",
    "finished": "green",
    "stopped": "gray",
    "failed": "red",
    "interrupted": "orange",
}
_MORE_EPOCHS: Final = 20
_EPOCHS_OF_A_CURVE: Final = 3  # before that single batches show more
_EPOCHS_WITH_A_TICK_EACH: Final = 12


def shown_run() -> None:
    """Draws the run that is chosen, else the one of this project that trains or is the newest."""
    card = _card_to_show()
    if card is None:
        _nothing_yet()
        return
    draw = st.fragment(_draw, run_every=_ASK_EVERY_SECONDS if card.active else None)
    draw(card.id, card.active, _another_network(card))


def state_badge(run_state: RunState) -> str:
    """The state as a coloured badge, in Markdown."""
    return f":{_COLOURS[run_state]}-badge[{STATE_WORDS[run_state]}]"


def _card_to_show() -> RunCard | None:
    store, owner = get_supervisor().store, state.owner()
    chosen = state.chosen_run()
    if chosen is not None:
        try:
            return store.get(chosen[0], owner)
        except NotFound:
            state.choose_run(None)
    mine = [c for c in store.runs(owner) if c.summary.get("project") == state.project_id()]
    card = next((c for c in mine if c.active), mine[0] if mine else None)
    if card is not None:
        state.choose_run(card.id)
    return card


def _nothing_yet() -> None:
    st.subheader("Not trained yet", anchor=False)
    if state.data_choice() is None:
        st.markdown("Choose a data set first: it is what the network learns from.")
        if st.button("Choose data", key="lw_to_data", icon=":material/table_chart:"):
            go_to("Data")
        return
    _, found = state.recall("train.check", (None, ()))  # what the form beside this has just found
    blocking = next((problem for problem in found if problem.severity == "error"), None)
    if blocking is None:
        st.markdown(
            "Press **Train**: the curves appear here and move while the network learns. "
            "You may leave the page; it goes on in the background."
        )
    else:
        st.markdown(
            f":red[:material/error:] **Training cannot begin yet.** {plain(blocking.message)} "
            "Mend it beside this; the curves then appear here."
        )
    _charts(None)


def _another_network(card: RunCard) -> str:
    """Whose network a run holds where it is not the open one as it is now; "" where it is."""
    if card.summary.get("project") != state.project_id():
        return "the network of another project"
    known_id, known = state.recall("train.run_graph", ("", None))
    if known_id != card.id:
        try:
            known = get_supervisor().store.open(card.id, state.owner()).graph
        except LayerwiseError:
            return ""  # a run without its project.json: what is left of it is shown all the same
        state.keep("train.run_graph", (card.id, known))
    changed = change_words(known, state.graph())
    return f"an earlier version of the network, before {changed}" if changed else ""


def _draw(run_id: str, was_active: bool, another: str) -> None:
    try:
        seen = watch(get_supervisor().store, run_id, state.owner())
    except NotFound:
        draw_anew()
    if seen.card.active != was_active:
        draw_anew()
    with st.container(key="lw_run", gap="small"):
        _head(seen)
        if seen.card.active:
            _progress(seen)
        else:
            _ending(seen, another)
        if another:
            st.caption(
                f":material/history: This run trained {plain(another)}, and going on trains that one. "
                "**Train** begins a run of the network as it is now."
            )
        elif seen.card.active:
            st.caption(_what_train_does())
        _charts(seen)


def _head(seen: Watch) -> None:
    card = seen.card
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(card.name), anchor=False, width="content")
        st.markdown(state_badge(card.state), width="content")
        st.caption(_settings_words(card), width="stretch")
        if card.active:
            asked = state.recall("train.stopping") == card.id
            st.button(
                "Stopping" if asked else "Stop",
                key="lw_stop",
                icon=":material/stop:",
                disabled=asked,
                on_click=_stop,
                args=(card.id,),
                help="Stops after the current batch and keeps what was learned",
            )


def _settings_words(card: RunCard) -> str:
    summary = card.summary
    loss = losses().get(str(summary.get("loss")))
    parts = [
        str(summary.get("data", "")),
        loss.title if loss else "",
        optimizer_words(summary),
        f"batch {summary.get('batch_size', '?')}",
        f"seed {summary.get('seed', '?')}",
        f"from {shortened(str(summary['start']))}" if summary.get("start") else "",
    ]
    return plain(" · ".join(part for part in parts if part))


def _what_train_does() -> str:
    """What the button beside an active run does: several train at once, the next ones wait."""
    most = get_supervisor().at_once
    together = "one trains at a time" if most == 1 else f"{most} train at a time"
    return f"**Train** begins another run: {together}, more wait their turn. This one goes on."


def _progress(seen: Watch) -> None:
    if seen.card.state == "queued":
        before = (
            "It is the next." if not seen.place else f"{format_count(seen.place)} are before it."
        )
        st.progress(0.0, text=f"Waiting for its turn. {before}")
        return
    if not seen.started:
        st.progress(0.0, text="Starting: the training process imports PyTorch.")
        return
    now = format_count(min(seen.epoch + 1, seen.epochs))
    parts = [f"Epoch {now} of {format_count(seen.epochs)}"]
    if seen.rows_per_second:
        parts.append(f"{format_count(round(seen.rows_per_second))} rows a second")
    if seen.seconds_left is not None:
        parts.append(f"{words_for_seconds(seen.seconds_left)} left")
    st.progress(min(1.0, seen.share), text=" · ".join(parts))


def _ending(seen: Watch, another: str) -> None:
    card = seen.card
    show, icon = {
        "finished": (st.success, ":material/check_circle:"),
        "failed": (st.error, ":material/report:"),
    }.get(card.state, (st.warning, ":material/pause_circle:"))
    show(plain(card.sentence), icon=icon)
    with st.container(horizontal=True, gap="small"):
        if seen.started and st.button(
            "Look at the weights", key="lw_inspect", type="primary", icon=":material/query_stats:"
        ):
            go_to("Inspect")
        if card.state in ("interrupted", "stopped") and seen.epoch < seen.epochs:
            st.button(
                f"Go on with epoch {format_count(seen.epoch + 1)}",
                key="lw_resume",
                icon=":material/play_arrow:",
                on_click=_resume,
                args=(card.id, None),
                help=_goes_on(another),
            )
        if card.state == "finished":
            st.button(
                f"{_MORE_EPOCHS} more epochs",
                key="lw_more",
                icon=":material/add:",
                on_click=_resume,
                args=(card.id, seen.epochs + _MORE_EPOCHS),
                help=_goes_on(another),
            )


def _goes_on(another: str) -> str:
    """What going on with a run means, above all which network it is."""
    if another:
        return f"Goes on with what this run trained, {another}; the open network stays as it is"
    return "Goes on from here, with the optimizer as it was"


def _charts(seen: Watch | None) -> None:
    """The loss, and the figure people understand, side by side; empty axes before the first step."""
    left, right = st.columns(2, gap="medium")
    loss = losses().get(str(seen.card.summary.get("loss"))) if seen else None
    with left:
        title = f"Loss ({loss.title})" if loss else "Loss"
        _chart(seen, "loss", title, _step_lines(seen) if seen else [])
    with right:
        key = seen.metric if seen and seen.metric else ""
        _chart(seen, key, metric(key).title if key else "Result", [])


def _step_lines(seen: Watch) -> list[Curve]:
    """The loss of single batches, while there are too few epochs for a curve."""
    few = seen.epoch < _EPOCHS_OF_A_CURVE or seen.card.state == "failed"
    if not few or not seen.steps.x:
        return []
    return [Curve("train", seen.steps.x, seen.steps.y, "Train, single batches")]


def _chart(seen: Watch | None, figure: str, title: str, before: list[Curve]) -> None:
    parts: tuple[PartName, PartName] = ("train", "validation")
    lines = before + [
        Curve(part, line.x, line.y, _label(part, figure, line), part.capitalize())
        for part in parts
        if seen and (line := seen.series(part, figure)).x
    ]
    drawn = figures.curves(lines, y_title=title, dark=state.dark(), height=_CHART_HEIGHT)
    for trace in drawn.data[: len(before)]:
        trace.update(opacity=0.45, mode="lines", line={"width": 1.5})
    if metric(figure).share:
        drawn.update_yaxes(tickformat=".0%")
    epochs = seen.epochs if seen and seen.epochs else state.training_settings().epochs
    reached = max((line.x[-1] for line in lines), default=0.0)
    if reached <= 1:
        drawn.update_xaxes(range=[0, 1.05] if lines else [0, epochs])
    if not lines:
        drawn.update_yaxes(range=[0, 1])
    if 1 < reached <= _EPOCHS_WITH_A_TICK_EACH:
        drawn.update_xaxes(dtick=1)
    drawn.update_layout(showlegend=bool(lines), uirevision=seen.card.id if seen else "")
    st.plotly_chart(
        drawn,
        theme=None,
        width="stretch",
        key=f"lw_chart_{figure or 'result'}",
        config={"displayModeBar": False},
    )


def _label(part: PartName, figure: str, line: Series) -> str:
    return f"{part.capitalize()} {words_for_figure(figure, line.last)}"


def _stop(run_id: str) -> None:
    state.keep("train.stopping", run_id)
    _told(lambda: get_supervisor().stop(run_id, state.owner()))


def _resume(run_id: str, epochs: int | None) -> None:
    state.keep("train.stopping", None)
    _told(lambda: get_supervisor().resume(run_id, state.owner(), epochs))


def _told(act: Callable[[], None]) -> None:
    try:
        act()
    except LayerwiseError as refusal:
        state.say(str(refusal), "warning")
