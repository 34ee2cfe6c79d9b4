"""What a person asked to have read in this tab, and the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import streamlit as st

from builder.code.live import brought_text
from builder.code.reading import Read, crowded, read
from builder.code.reading.asking import split_inputs
from builder.code.reading.source import MAX_NOTEBOOK, is_notebook
from builder.data import DataChoice, choices_that_fit
from builder.errors import CodeRefused, LayerwiseError, ProjectRefused
from builder.graph.check import check
from builder.graph.own_texts import OwnText
from builder.graph.project import Project
from builder.graph.summary import facts
from builder.ui import state
from builder.ui.code_styles import show_style

_LOG: Final = logging.getLogger("layerwise")
_NAME: Final = 80  # characters
_READING: Final = "Reading the code…"
_WAITING: Final = "Waiting until the texts of others are read…"
_ANSWER: Final = "reading.answer"
_ASKED: Final = "reading.asked"
_NUMBER: Final = "reading.number"
_TEXT: Final = "reading.text"


@dataclass(frozen=True)
class Question:
    """A text, and what a person said about it: None and "" where it is to be worked out."""

    source: str
    target: str | None = None
    inputs: str = ""
    is_notebook: bool = False


@dataclass(frozen=True)
class Reading:
    """A question and its answer. `number`: counts the answers of this tab; `facts`: its summary; `data`:
    the ready sets that fit the network; `texts`: the text by its style, where it can stay.
    """

    question: Question
    result: Read | CodeRefused
    number: int
    facts: str = ""
    problems: int = 0
    data: tuple[DataChoice, ...] = ()
    texts: Mapping[str, OwnText] = field(default_factory=dict)


def is_open(place: str) -> bool:
    """Whether the panel is open on a page."""
    return bool(state.recall(f"reading.open.{place}", False))


def switch(place: str) -> None:
    """Opens the panel where it is closed, and the other way round."""
    state.keep(f"reading.open.{place}", not is_open(place))


def close(place: str) -> None:
    """Closes the panel; the text stays for the next time."""
    state.keep(f"reading.open.{place}", False)


def text() -> str:
    """The text that was pasted last."""
    return str(state.recall(_TEXT, ""))


def of_file() -> str:
    """The text of the file that was brought, to be shown; "" of a notebook, which is no program."""
    asked: Question | None = state.recall(_ASKED)
    answer: Reading | None = state.recall(_ANSWER)
    question = asked or (answer.question if answer else None)
    return question.source if question and not question.is_notebook else ""


def forget() -> None:
    """Takes the answer away; the text stays."""
    state.keep(_ANSWER, None)
    state.keep(_ASKED, None)


def ask(source: str) -> None:
    """Has a pasted text read, next time `read_what_was_asked` is called."""
    state.keep(_TEXT, source)
    if not source.strip():
        forget()
        return
    before: Reading | None = state.recall(_ANSWER)
    same = before is not None and before.question.source == source
    # What was said about another text is not meant for this one.
    state.keep(_ASKED, before.question if before and same else Question(source))


def ask_file(file: Any) -> None:
    """Has an uploaded file read; none takes the answer away."""
    if file is None:
        forget()
        return
    raw: bytes = file.getvalue()
    try:
        source = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        state.keep(_ASKED, None)
        refusal = CodeRefused(
            "The file is not text in UTF-8.", help="Choose a .py file or a notebook."
        )
        _answered(Question(""), refusal)
        return
    state.keep(_ASKED, Question(source, is_notebook=is_notebook(source)))


def ask_again(target: str | None = None, inputs: str | None = None) -> None:
    """Has the same text read once more, with something else said about it."""
    before: Reading | None = state.recall(_ANSWER)
    if before is None:
        return
    question = before.question
    if target is not None:
        question = replace(question, target=target.strip() or None)
    if inputs is not None:
        question = replace(question, inputs=inputs.strip())
    state.keep(_ASKED, question)


def read_what_was_asked() -> Reading | None:
    """The answer to the last question; reads the text where it was not read yet."""
    asked: Question | None = state.recall(_ASKED)
    if asked is not None:
        with st.spinner(_WAITING if crowded() else _READING):
            _read(asked)
        state.keep(_ASKED, None)
    answer: Reading | None = state.recall(_ANSWER)
    return answer


def _read(question: Question) -> None:
    try:
        if len(question.source) > MAX_NOTEBOOK:
            raise CodeRefused(
                f"The text has {len(question.source):,} characters, of at most {MAX_NOTEBOOK:,}.",
                help="Paste only the part with the network.",
            )
        found = read(question.source, question.target, split_inputs(question.inputs))
        report = check(found.graph).report
        fitting = choices_that_fit(found.graph, report)
        texts = brought_text(question.source, found.graph)
        summary = facts(found.graph, report)
        _answered(question, found, summary, len(report.errors), fitting, texts)
    except CodeRefused as refusal:
        _answered(question, refusal)
    except LayerwiseError as refusal:
        _answered(question, CodeRefused(str(refusal)))
    except Exception:
        _LOG.exception("A text could not be read")
        trouble = CodeRefused("The network in this text cannot be checked here.", kind="stumbled",
            help="Read a smaller part of it.")  # fmt: skip
        _answered(question, trouble)


def _answered(
    question: Question,
    result: Read | CodeRefused,
    summary: str = "",
    problems: int = 0,
    data: tuple[DataChoice, ...] = (),
    texts: Mapping[str, OwnText] | None = None,
) -> None:
    number = int(state.recall(_NUMBER, 0)) + 1
    state.keep(_NUMBER, number)
    state.keep(_ANSWER, Reading(question, result, number, summary, problems, data, texts or {}))


def open_read(reading: Reading, data: DataChoice | None = None) -> None:
    """Opens a network that was read as a new project; what is open stays as it is on disk."""
    result = reading.result
    assert not isinstance(result, CodeRefused)
    chosen = data.to_json() if data is not None else None
    texts = dict(reading.texts)
    try:
        project = Project(result.graph.name[:_NAME], result.graph, chosen, texts=texts)
    except ProjectRefused:
        project = Project("Network", result.graph, chosen, texts=texts)
    state.new_project(project)
    for style in texts:
        show_style(style)
    forget()
