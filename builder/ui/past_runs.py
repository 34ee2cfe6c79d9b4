"""The list of past runs: looked at, compared on one chart, renamed, deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import streamlit as st

from builder.errors import LayerwiseError, NotFound
from builder.graph.size import format_count, format_exact
from builder.inspection import figures
from builder.inspection.figures import Curve
from builder.training.card import RunCard
from builder.training.metrics import metric
from builder.training.supervisor import get_supervisor
from builder.training.watch import PartName, Watch, watch
from builder.training.words import (
    STATE_WORDS,
    optimizer_words,
    telling_figure,
    words_for_figure,
    words_for_seconds,
)
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.markdown import plain

_MOST_COMPARED: Final = 8  # as many as there are colours that stay apart
_ASK_EVERY_SECONDS: Final = 1.0
_EVERY: Final = "lw_runs_all"


def compared_runs() -> bool:
    """Draws the runs selected in the table on one chart, in place of the single run's; whether it did."""
    selected = _selected(_listed()[0])
    if len(selected) < 2:
        return False
    active = sum(card.active for card in selected[:_MOST_COMPARED])
    draw = st.fragment(_comparison, run_every=_ASK_EVERY_SECONDS if active else None)
    draw([card.id for card in selected], active)
    return True


def past_runs() -> None:
    """Draws the table; what is selected in it can be compared, opened, renamed and deleted."""
    cards, others = _listed()
    if not cards and not others:
        return
    selected = _selected(cards)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="medium", key="lw_runs_bar"
    ):
        st.subheader("Runs", anchor=False, width="content")
        if cards and not selected:
            st.caption(
                "Tick one to see it above, several to compare them on one chart.", width="content"
            )
        _buttons(selected)
        if others:  # not at the right end: there the table's own tools lie over it
            st.toggle(
                "All projects",
                key=_EVERY,
                persist_state="session",
                on_change=_new_table,
                help=f"Shows {others} run{'' if others == 1 else 's'} of other projects too",
            )
    if not cards:
        st.caption("This project has no run yet.")
        return
    st.dataframe(
        [_row(card) for card in cards],
        hide_index=True,
        key=_table(),
        on_select=partial(_open_selected, _table(), [card.id for card in cards]),
        selection_mode="multi-row",
        placeholder="–",
        column_config=_columns(),
    )


def _listed() -> tuple[list[RunCard], int]:
    """The runs of the table, the newest first, and how many there are of other projects."""
    everything = get_supervisor().store.runs(state.owner())
    here = [card for card in everything if card.summary.get("project") == state.project_id()]
    others = len(everything) - len(here)
    return (everything if others and state.widget(_EVERY) else here), others


def _table() -> str:
    """The key of the table: a new one has nothing selected."""
    return f"lw_runs_{state.recall('train.table', 0)}"


def _selected(cards: list[RunCard]) -> list[RunCard]:
    rows = (state.widget(_table()) or {}).get("selection", {}).get("rows", [])
    return [cards[row] for row in rows if row < len(cards)]


def _row(card: RunCard) -> dict[str, Any]:
    held_out = card.figures.get("validation") or card.figures.get("train") or {}
    key = next((name for name in held_out if name not in ("loss", "not_finite")), "")
    total = card.summary.get("epochs", 0)
    return {
        "Name": card.name,
        "State": STATE_WORDS[card.state],
        "Data": card.summary.get("data", ""),
        "Parameters": format_exact(int(card.summary.get("parameters") or 0)),
        "Optimizer": optimizer_words(card.summary),
        "Epochs": f"{'…' if card.active else card.epoch} of {total}",
        "Loss": held_out.get("loss"),
        "Result": f"{metric(key).title} {words_for_figure(key, held_out[key])}" if key else "–",
        "Test": _test_words(card),
        "Time": words_for_seconds(card.seconds) if card.seconds else "–",
        "Begun": datetime.fromtimestamp(card.created, UTC),
    }


def _test_words(card: RunCard) -> str:
    figures = card.figures.get("test") or {}
    key = telling_figure(figures)
    return words_for_figure(key, figures.get(key))


def _columns() -> dict[str, Any]:
    return {
        "Loss": st.column_config.NumberColumn(
            format="%.4g", help="On the validation rows, after the last whole epoch"
        ),
        "Result": st.column_config.TextColumn(help="On the validation rows", width=130),
        "Test": st.column_config.TextColumn(
            help="On the test rows, once, with the weights at the end of the run"
        ),
        "Parameters": st.column_config.TextColumn(alignment="right"),
        "Begun": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
    }


def _buttons(selected: list[RunCard]) -> None:
    if len(selected) == 1:
        with st.popover("Rename", icon=":material/edit:"):
            st.text_input(
                "Name",
                value=selected[0].name,
                key=f"lw_rename_{selected[0].id}",
                max_chars=80,
                on_change=_rename,
                args=(selected[0].id,),
            )
    if selected:
        few = "this run" if len(selected) == 1 else f"these {len(selected)} runs"
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete {few}? The weights and curves are gone then.")
            st.button(
                f"Delete {few}",
                key="lw_delete_runs",
                type="primary",
                on_click=_delete,
                args=([card.id for card in selected],),
            )


def _comparison(run_ids: list[str], active: int) -> None:
    """Draws itself again while one of them trains; when one ends the whole page, for the table."""
    store, owner = get_supervisor().store, state.owner()
    try:
        seen = [watch(store, run_id, owner) for run_id in run_ids[:_MOST_COMPARED]]
    except NotFound:
        draw_anew()  # deleted in another tab
    if sum(one.card.active for one in seen) != active:
        draw_anew()
    shared = list(dict.fromkeys(s.metric for s in seen if s.metric))
    keys = ["loss", *shared]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{len(run_ids)} runs compared", anchor=False, width="content")
        st.space("stretch")
        if st.button("Back to one run", key="lw_compare_end", icon=":material/close:"):
            _new_table()
            draw_anew()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        key = st.segmented_control(
            "Compare by",
            keys,
            default="loss",
            format_func=lambda name: metric(name).title,
            required=True,
            key="lw_compare_by",
            label_visibility="collapsed",
        )
        part = st.segmented_control(
            "Rows",
            ["validation", "train", "both"],
            default="validation",
            format_func=str.capitalize,
            required=True,
            key="lw_compare_part",
            label_visibility="collapsed",
        )
    both: tuple[PartName, ...] = ("train", "validation")
    parts = both if part == "both" else tuple(p for p in both if p == part)
    runs = {
        name: [Curve(p, line.x, line.y) for p in parts if (line := one.series(p, key)).x]
        for name, one in zip(_names(seen), seen, strict=True)
    }
    drawn = figures.compare_runs(runs, y_title=metric(key).title, dark=state.dark())
    drawn.update_layout(showlegend=True)  # also while only one of them has begun
    if metric(key).share:
        drawn.update_yaxes(tickformat=".0%")
    st.plotly_chart(
        drawn, theme=None, width="stretch", key="lw_compare", config={"displayModeBar": False}
    )
    if len(run_ids) > _MOST_COMPARED:
        st.caption(f"The first {_MOST_COMPARED} of {len(run_ids)} are drawn.")


def _names(seen: list[Watch]) -> list[str]:
    """The names as in the table, each with the epochs done and with what else differs."""
    aspects: tuple[Callable[[RunCard], str], ...] = (
        lambda card: optimizer_words(card.summary),
        lambda card: f"batch {card.summary.get('batch_size', '?')}",
        lambda card: f"seed {card.summary.get('seed', '?')}",
    )
    cards = [one.card for one in seen]
    telling = [words for words in aspects if len({words(card) for card in cards}) > 1]
    names: list[str] = []
    for one in seen:
        epochs = f"{format_count(one.epoch)} epoch{'' if one.epoch == 1 else 's'}"
        parts = [one.card.name, epochs, *filter(None, (words(one.card) for words in telling))]
        wish = told = " · ".join(parts)
        number = 2
        while told in names:  # two runs may be given one name
            told, number = f"{wish} ({number})", number + 1
        names.append(told)
    return names


def _open_selected(key: str, run_ids: list[str]) -> None:
    """A single selected run is shown above at once."""
    rows = (state.widget(key) or {}).get("selection", {}).get("rows", [])
    if len(rows) == 1 and rows[0] < len(run_ids):
        state.choose_run(run_ids[rows[0]])


def _new_table() -> None:
    state.keep("train.table", state.recall("train.table", 0) + 1)


def _rename(run_id: str) -> None:
    try:
        get_supervisor().store.rename(
            run_id, state.owner(), str(state.widget(f"lw_rename_{run_id}"))
        )
    except LayerwiseError as refusal:
        state.say(str(refusal), "warning")


def _delete(run_ids: list[str]) -> None:
    shown = state.chosen_run()
    for run_id in run_ids:
        try:
            get_supervisor().store.delete(run_id, state.owner())
        except LayerwiseError as refusal:
            state.say(plain(refusal), "warning")
            continue
        if shown is not None and shown[0] == run_id:
            state.choose_run(None)
    _new_table()
