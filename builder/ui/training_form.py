"""The left side of the Train page: how it is to be trained, what is in the way, and the button."""

from __future__ import annotations

import math
from typing import Any, Final

import streamlit as st

from builder.errors import LayerwiseError
from builder.graph.size import format_count
from builder.training.check import Problem, check_job
from builder.training.devices import devices
from builder.training.job import JobRequest
from builder.training.losses import losses
from builder.training.optimizers import Option, get_optimizer, optimizers
from builder.training.remedies import Remedy
from builder.training.settings import AUTO, TrainingSettings
from builder.training.supervisor import get_supervisor
from builder.training.watch import wait_for_first_point
from builder.ui import data_cache, state
from builder.ui.markdown import plain
from builder.ui.own_weights import own_weights
from builder.ui.places import go_to
from builder.ui.suggested import suggested_loss
from builder.ui.worded import worded

_SAFE: Final = 2**53 - 1  # the largest whole number a browser keeps exactly
_PROBLEMS_SHOWN: Final = 5
_FIRST_POINT_SECONDS: Final = 0.25  # a warm worker has it by then, so the page shows it at once


def settings_form() -> None:
    """Draws the settings; each change is kept with the project at once."""
    settings = state.training_settings()
    with st.container(key="lw_train_settings", gap="small"):
        _loss(settings)
        _optimizer(settings)
        left, right = st.columns(2, gap="small")
        with left:
            _whole_number("Batch size", "batch_size", settings, 1, 1_000_000)
            _whole_number("Seed", "seed", settings, 0, _SAFE)
        with right:
            _whole_number("Epochs", "epochs", settings, 1, 1_000_000)
            _device(settings)


def train_panel() -> None:
    """Draws what is in the way, with the ways out, and the button that starts a run."""
    _start_choice()
    request = current_request()
    found = _problems(request)
    _problem_list(found)
    blocked = any(p.severity == "error" for p in found)
    st.button(
        "Train",
        key="lw_train",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=blocked,
        help="Mend what stands above first" if blocked else None,
        on_click=_start,
    )
    st.caption(_job_words(request))


def current_request() -> JobRequest:
    """The job the page would start: the open project, its data and its settings."""
    choice = state.data_choice()
    data: Any = choice
    if choice is not None:
        try:
            data = data_cache.load(choice, state.owner_dir())
        except LayerwiseError:
            data = choice  # the check loads it again and says why it cannot
    settings, kept = state.training_settings(), own_weights()
    taken = kept is not None and kept.fits and settings.start == "brought"
    return JobRequest(
        state.project(),
        data,
        settings,
        state.owner(),
        project_id=state.project_id() or "",
        weights=kept.path if kept is not None and taken else None,
    )


# --- fields ---------------------------------------------------------------------------------------


def _loss(settings: TrainingSettings) -> None:
    suggested = suggested_loss(settings)
    unknown = "Choose a data set first" if state.data_choice() is None else "Suggested"

    def title(key: str) -> str:
        if key != AUTO:
            return losses()[key].title
        return f"{suggested.title} (suggested)" if suggested else unknown

    choices = (AUTO, *losses())
    key = worded("lw_t.loss", map(title, choices))
    state.follow(key, settings.loss)
    chosen = suggested if settings.loss == AUTO else losses().get(settings.loss)
    st.selectbox(
        "Loss",
        choices,
        key=key,
        format_func=title,
        on_change=_set_from,
        args=("loss", key),
        help=f"{chosen.help} [PyTorch’s page]({chosen.link})" if chosen else None,
    )
    if settings.goal == "input":
        key = "lw_t.goal"
        state.follow(key, True)
        st.toggle(
            "Learn to give back the input",
            key=key,
            on_change=_set,
            kwargs={"goal": "target", "loss": AUTO},
            help="As an autoencoder does: what comes in is the target",
        )


def _start_choice() -> None:
    """From which weights training starts, where the project has some of its own."""
    kept = own_weights()
    if kept is None:
        return
    if not kept.fits:
        st.caption(f":material/error: {plain(kept.sentence)} Training starts from fresh ones.")
        return
    key = "lw_t.start"
    state.follow(key, state.training_settings().start == "brought")
    st.toggle(
        f"Start from your weights ({plain(kept.title)})",
        key=key,
        on_change=lambda: _set(start="brought" if state.widget(key) else "drawn"),
        help="Off: PyTorch draws fresh ones from the seed",
    )


def _optimizer(settings: TrainingSettings) -> None:
    entry = get_optimizer(settings.optimizer)
    left, right = st.columns([1.25, 1], gap="small")
    with left:
        key = "lw_t.optimizer"
        state.follow(key, settings.optimizer)
        st.selectbox(
            "Optimizer",
            list(optimizers()),
            key=key,
            format_func=lambda name: optimizers()[name].title,
            on_change=_change_optimizer,
            args=(key,),
            help=f"{entry.help} [PyTorch’s page]({entry.link})",
        )
    with right:
        key = f"lw_t.lr.{settings.optimizer}"
        state.follow(key, settings.learning_rate)
        st.number_input(
            "Learning rate",
            key=key,
            min_value=0.0,
            step=_step(settings.learning_rate),
            format="%g",
            on_change=_set_from,
            args=("lr", key),
            help="How far each step goes. Too large and the loss grows, too small and it creeps.",
        )
    with st.expander(f"Options of {entry.title}", key=f"lw_t.options.{entry.key}", type="compact"):
        for place, option in enumerate(entry.options):
            if place % 2 == 0:
                pair = st.columns(2, gap="small", vertical_alignment="bottom")
            with pair[place % 2]:
                _option(option, settings)


def _option(option: Option, settings: TrainingSettings) -> None:
    key = f"lw_t.{settings.optimizer}.{option.name}"
    value = settings.options.get(option.name, option.default)
    state.follow(key, value)
    common: dict[str, Any] = {
        "key": key,
        "help": option.help,
        "on_change": _set_option,
        "args": (option.name, key),
    }
    if option.type == "bool":
        st.toggle(option.name, **common)
        return
    most = None if option.maximum == math.inf else float(option.maximum)
    st.number_input(
        option.name,
        min_value=float(option.minimum),
        max_value=most,
        step=float(option.step),
        format="%g",
        **common,
    )


def _whole_number(title: str, name: str, settings: TrainingSettings, least: int, most: int) -> None:
    key = f"lw_t.{name}"
    state.follow(key, getattr(settings, name))
    st.number_input(
        title, least, most, key=key, step=1, on_change=_set_from, args=(name, key), help=_HELP[name]
    )


def _device(settings: TrainingSettings) -> None:
    titles = _devices()
    if settings.device not in titles:
        titles = {**titles, settings.device: f"{settings.device} (not here)"}
    key = worded("lw_t.device", titles.values())
    state.follow(key, settings.device)
    st.selectbox(
        "Device",
        list(titles),
        key=key,
        format_func=titles.__getitem__,
        on_change=_set_from,
        args=("device", key),
        help=_HELP["device"],
    )


@st.cache_resource(show_spinner=False)
def _devices() -> dict[str, str]:
    return {device.key: device.title for device in devices()}


_HELP: Final = {
    "batch_size": "Rows that are looked at together before each step.",
    "epochs": "How often all training rows are gone through.",
    "seed": "The same seed gives the same weights, to the last bit.",
    "device": "Where it is computed. Small networks are quickest on the processor.",
}


def _step(value: float) -> float:
    """A tenth of the value's own size: 0.001 for 0.01, whatever is being tuned."""
    return float(10.0 ** (math.floor(math.log10(value)) - 1)) if value > 0 else 0.001


# --- what the fields change -----------------------------------------------------------------------


def _set(**changed: Any) -> None:
    state.set_training_settings(state.training_settings().with_(**changed))


def _set_from(name: str, key: str) -> None:
    value = state.widget(key)
    if value is None or (name == "lr" and value <= 0):
        return  # an emptied field, or a step below nothing: the old value comes back
    _set(**{name: value})


def _take_fields() -> None:
    """What stands in the fields, also what was typed a moment before the click.

    Both then arrive in one message, and whose callback runs first is Streamlit's to choose.
    """
    settings = state.training_settings()
    fields = {name: f"lw_t.{name}" for name in ("batch_size", "epochs", "seed")}
    fields["lr"] = f"lw_t.lr.{settings.optimizer}"
    for name, key in fields.items():
        value = state.widget(key)
        if value is not None and value != getattr(
            settings, "learning_rate" if name == "lr" else name
        ):
            _set_from(name, key)


def _change_optimizer(key: str) -> None:
    _set(optimizer=state.widget(key), lr=None, options={})


def _set_option(name: str, key: str) -> None:
    settings, value = state.training_settings(), state.widget(key)
    if value is not None:
        default = next(
            o.default for o in get_optimizer(settings.optimizer).options if o.name == name
        )
        rest = {k: v for k, v in settings.options.items() if k != name}
        options = rest if value == default else {**rest, name: value}
        if name == "nesterov" and value and not options.get("momentum"):
            options["momentum"] = 0.9  # nothing to look along without one
        if name == "momentum" and not value:
            options.pop("nesterov", None)
        state.set_training_settings(settings.with_(options=options))


# --- problems and the start -----------------------------------------------------------------------


def _problems(request: JobRequest) -> tuple[Problem, ...]:
    """What stands in the way, worked out once for each state of network, data and settings."""
    known, found = state.recall("train.check", (None, ()))
    now = (request.project.graph, request.data, request.settings)
    if known is None or any(a is not b and a != b for a, b in zip(known[2:], now[2:], strict=True)):
        known = None
    if known is None or known[0] is not now[0] or known[1] is not now[1]:
        found = check_job(request, state.check())
        state.keep("train.check", (now, found))
    problems: tuple[Problem, ...] = found
    return problems


def _problem_list(found: tuple[Problem, ...]) -> None:
    if not found:
        return
    errors = any(p.severity == "error" for p in found)
    with st.container(key="lw_problems" if errors else "lw_notes", border=True, gap="small"):
        for place, problem in enumerate(found[:_PROBLEMS_SHOWN]):
            _problem(place, problem)
        if len(found) > _PROBLEMS_SHOWN:
            st.caption(f"{len(found) - _PROBLEMS_SHOWN} more.")


def _problem(place: int, problem: Problem) -> None:
    error = problem.severity == "error"
    symbol, colour = (":material/error:", "red") if error else (":material/warning:", "orange")
    st.markdown(f":{colour}[{symbol}] {plain(problem.message)}")
    with st.container(horizontal=True, gap="xsmall"):
        for number, remedy in enumerate(problem.remedies):
            st.button(
                plain(remedy.label),
                key=f"lw_remedy_{place}_{number}",
                type="primary" if number == 0 and error else "secondary",
                help=plain(remedy.help) or None,
                on_click=_follow,
                args=(remedy,),
            )
        if problem.kind == "data" and st.button(
            "Go to Data", key=f"lw_to_data_{place}", type="tertiary"
        ):
            go_to("Data")
        if problem.diagnostic is not None and st.button(
            "Show it", key=f"lw_to_build_{place}", type="tertiary"
        ):
            state.select(problem.diagnostic.node, problem.diagnostic.scope)
            go_to("Build")


def _follow(remedy: Remedy) -> None:
    if remedy.edit is not None:
        state.edit(remedy.edit)
    if remedy.data is not None:
        state.set_data_choice(remedy.data)
    if remedy.settings:
        _set(**remedy.settings)


def _start() -> None:
    _take_fields()
    try:
        run_id = get_supervisor().start(current_request())
    except LayerwiseError as refusal:
        state.say(str(refusal), "error")
        return
    state.choose_run(run_id)
    wait_for_first_point(get_supervisor().store, run_id, _FIRST_POINT_SECONDS)


def _job_words(request: JobRequest) -> str:
    """1 258 rows in 40 batches of 32, 20 epochs: 800 steps."""
    train = getattr(request.data, "train", None)
    if train is None:
        return ""
    rows, settings = len(train.x), request.settings
    batches = math.ceil(rows / settings.batch_size)
    size = min(rows, settings.batch_size)
    return (
        f"{format_count(rows)} rows in {format_count(batches)} "
        f"batch{'' if batches == 1 else 'es'} of {format_count(size)}; "
        f"{format_count(batches * settings.epochs)} steps in all"
    )
