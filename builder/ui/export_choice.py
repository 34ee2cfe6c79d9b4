"""What is to be exported: the format, the style, whose weights, and the training that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from builder.code import styles
from builder.code.write import model_source
from builder.data import title_of
from builder.errors import LayerwiseError
from builder.export.formats import FORMATS, Format, format_for
from builder.export.queue import get_exports
from builder.export.wish import Wish
from builder.graph.changes import change_words
from builder.graph.model import Graph
from builder.graph.own_texts import OwnText
from builder.training.card import RunCard
from builder.training.losses import losses
from builder.training.settings import AUTO, TrainingSettings
from builder.training.supervisor import get_supervisor
from builder.training.words import optimizer_words
from builder.ui import state
from builder.ui.code_editor.texts import shown_text
from builder.ui.code_styles import style_looked_at
from builder.ui.code_view import style_text
from builder.ui.markdown import plain
from builder.ui.own_weights import Kept, own_weights
from builder.ui.suggested import suggested_loss
from builder.ui.worded import worded

_FORMAT: Final = "export.format"
_STYLE: Final = "export.style"
_WEIGHTS: Final = "export.weights"
_EPOCH: Final = "export.epoch"
_FRESH: Final = "fresh"
_OWN: Final = "own"
_RUNS_LOOKED_AT: Final = 12  # the newest of the project
_STYLE_WIDTH: Final = 170  # pixels; the three stand in one line
_WEIGHTS_WIDTH: Final = 260
_EPOCH_WIDTH: Final = 150


@dataclass(frozen=True)
class Source:
    """Whose weights: a run with its kept epochs, a person's own, or neither for fresh ones."""

    card: RunCard | None = None
    epochs: tuple[int, ...] = ()
    kept: Kept | None = None


def choose_format() -> Format:
    """The formats, a sentence each; those that are there or under way say so."""
    exports, owner, project = get_exports(), state.owner(), state.project_id() or ""

    def caption(wanted: Format) -> str:
        last = exports.last(owner, project, wanted.key)
        status = exports.status(last) if last is not None else None
        if status is not None and status.active:
            return f":material/hourglass_top: Being made. {wanted.help}"
        if last is not None and status is not None and status.state == "done":
            if change_words(last.graph, state.graph()):
                return f":material/history: Made before an edit. {wanted.help}"
            return f":material/check_circle: Ready. {wanted.help}"
        return wanted.help

    chosen = state.recall(_FORMAT)
    state.follow("lw_export_format", chosen if chosen in FORMATS else next(iter(FORMATS)))
    key = st.radio(
        "Format",
        list(FORMATS),
        key="lw_export_format",
        format_func=lambda key: f"{FORMATS[key].title}  `{FORMATS[key].suffix}`",
        captions=[caption(wanted) for wanted in FORMATS.values()],
        on_change=lambda: state.keep(_FORMAT, state.widget("lw_export_format")),
        label_visibility="collapsed",
    )
    return FORMATS[key]


def choose_wish(wanted: Format) -> Wish:
    """Draws what there is to choose for a format, and gives what is wanted then."""
    graph = state.graph()
    style, source, epoch = "module", Source(), None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if wanted.proven:
            style = _choose_style(graph)
        if wanted.weights and style != "manual":
            source = _choose_weights(graph)
            epoch = _choose_epoch(source)
    if wanted.trains:
        _training_words(wanted, source)
    settings = state.training_settings()
    run = get_supervisor().store.folders / source.card.id if source.card is not None else None
    choice = state.data_choice()
    data = choice.to_json() if choice is not None else None
    project = replace(
        state.project(), data=data, training=settings.to_json(), done={}, texts=_own_text(style)
    )
    kept = source.kept
    asked = (project, wanted.key, style, settings.seed, run, epoch, kept)
    before, known = state.recall("export.wish", ((), None))
    if known is not None and before == asked:
        return known  # type: ignore[no-any-return]  # its key is worked out already
    wish = Wish.of(
        project, wanted.key, style, seed=settings.seed, run=run, epoch=epoch,
        owner_dir=state.owner_dir(), weights=kept.path if kept is not None else None,
        stamp=kept.stamp if kept is not None else (),
    )  # fmt: skip
    state.keep("export.wish", (asked, wish))
    return wish


def _own_text(style: str) -> dict[str, OwnText]:
    """What the person made of the code in a style, as the editor shows it."""
    if state.own_text(style) is None:
        return {}
    written = style_text(state.graph(), styles()[style])
    if isinstance(written, LayerwiseError):
        return {}
    shown = shown_text(style, written)
    return {style: OwnText(shown.text)} if shown.edited else {}


def weights_words(wish: Wish) -> str:
    """Whose weights a wish takes."""
    if wish.weights is not None:
        return "your own weights"
    if wish.run is None:
        return "fresh weights" if format_for(wish.to).trains else f"fresh weights, seed {wish.seed}"
    name = next((c.name for c in _cards() if c.id == wish.run.name), "a run")
    return f"weights of {plain(name)} after epoch {wish.epoch}"


# The choices --------------------------------------------------------------------------------------


def _choose_style(graph: Graph) -> str:
    """The style looked at, until another one is chosen here; then that one, until one looks at another."""
    offered, looked_at = styles(), style_looked_at(graph).key
    at, chosen = state.recall(_STYLE, ("", ""))
    style = chosen if at == looked_at and chosen in offered else looked_at
    state.follow("lw_export_style", style)
    st.selectbox(
        "Style",
        list(offered),
        key="lw_export_style",
        format_func=lambda key: offered[key].title,
        on_change=lambda: state.keep(_STYLE, (looked_at, state.widget("lw_export_style"))),
        width=_STYLE_WIDTH,
    )
    return str(style)


def _choose_weights(graph: Graph) -> Source:
    """The last run that trained this very network, else a person's own weights, until one chooses."""
    sources = {source.card.id: source for source in _trained(graph) if source.card is not None}
    fresh = f"As PyTorch draws them, seed {state.training_settings().seed}"
    words = {i: f"{s.card.name} · {s.card.state}" for i, s in sources.items() if s.card}
    kept = own_weights()
    if kept is not None and kept.fits:
        sources[_OWN] = Source(kept=kept)
        words[_OWN] = f"Your weights · {kept.title}"
    words[_FRESH] = fresh
    chosen = state.recall(_WEIGHTS)
    key = worded("lw_export_weights", words.values())
    state.follow(key, chosen if chosen in words else next(iter(words)))
    found = st.selectbox(
        "Weights",
        list(words),
        key=key,
        format_func=words.__getitem__,
        on_change=lambda: state.keep(_WEIGHTS, state.widget(key)),
        help="Of a run that trained this very network, your own, or fresh"
        if kept is None or kept.fits
        else f"{plain(kept.sentence)}",
        width=_WEIGHTS_WIDTH,
    )
    return sources.get(str(found), Source())


def _choose_epoch(source: Source) -> int | None:
    if source.card is None:
        return None
    run_id, epoch = state.recall(_EPOCH, ("", None))
    last = source.epochs[-1]
    epoch = epoch if run_id == source.card.id and epoch in source.epochs else last
    key = worded("lw_export_epoch", (source.card.id, *source.epochs))
    card_id = source.card.id
    state.follow(key, epoch)
    st.selectbox(
        "After epoch",
        source.epochs[::-1],
        key=key,
        format_func=lambda n: f"{n}, the last kept" if n == last else str(n),
        on_change=lambda: state.keep(_EPOCH, (card_id, state.widget(key))),
        help="0 is before training. Of long runs not every epoch is kept.",
        width=_EPOCH_WIDTH,
    )
    return int(epoch)


def _trained(graph: Graph) -> list[Source]:
    """The project's runs that trained this very network and kept weights, the newest first."""
    store, owner = get_supervisor().store, state.owner()
    known_graph, known = state.recall("export.trained", (None, {}))
    fits: dict[str, bool] = dict(known) if known_graph is graph else {}
    found = []
    for card in _cards()[:_RUNS_LOOKED_AT]:
        try:
            run = store.open(card.id, owner)
            if card.id not in fits:
                fits[card.id] = model_source(run.graph) == model_source(graph)
            if fits[card.id] and (epochs := run.epochs()):
                found.append(Source(card, tuple(epochs)))
        except LayerwiseError:
            continue  # a run without its project.json, or a network that cannot be written yet
    state.keep("export.trained", (graph, fits))
    return found


def _cards() -> list[RunCard]:
    cards = get_supervisor().store.runs(state.owner())
    return [card for card in cards if card.summary.get("project") == state.project_id()]


# The training that goes with it -------------------------------------------------------------------


def _training_words(wanted: Format, source: Source) -> None:
    if source.card is not None:
        st.caption(
            f":material/model_training: Trains as the run did: {_of_run(source.card)}.",
        )
        return
    choice = state.data_choice()
    if choice is None:
        if wanted.key == "ipynb":
            st.caption("No data set is chosen: the notebook holds the model alone.")
        return
    if wanted.key == "ipynb" and choice.upload_id is not None:
        st.caption(
            "A notebook is one file, without rows of your own: it holds the model alone. The project "
            "(zip) holds the rows too."
        )
        return
    try:
        title = title_of(choice, state.owner_dir())
    except LayerwiseError:
        title = "a data set that is missing"
    settings = state.training_settings()
    st.caption(
        f":material/model_training: Trains on {plain(title)}: {settings.epochs} epochs, "
        f"{_loss_words(settings)}, {plain(optimizer_words(_summary(settings)))}, batches of "
        f"{settings.batch_size}, seed {settings.seed}. Chosen on the Data and Train pages."
        + (
            " A notebook holds no weights: it trains from the start."
            if wanted.key == "ipynb"
            else ""
        )
    )


def _summary(settings: TrainingSettings) -> dict[str, Any]:
    return {"optimizer": settings.optimizer, "lr": settings.learning_rate}


def _loss_words(settings: TrainingSettings) -> str:
    if settings.loss == AUTO:
        suggested = suggested_loss(settings)
        return f"{plain(suggested.title)} (suggested)" if suggested else "the suggested loss"
    known = losses().get(settings.loss)
    return plain(known.title if known else settings.loss)


def _of_run(card: RunCard) -> str:
    summary = card.summary
    loss = losses().get(str(summary.get("loss")))
    parts = [
        str(summary.get("data", "")),
        f"{summary.get('epochs', '?')} epochs",
        loss.title if loss else "",
        optimizer_words(summary),
        f"batches of {summary.get('batch_size', '?')}",
        f"seed {summary.get('seed', '?')}",
    ]
    return plain(", ".join(part for part in parts if part))
