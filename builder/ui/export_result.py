"""How an export stands, drawn: what is being done since when, the file with its proof, or why there is none."""

from __future__ import annotations

import time
from typing import Final

import streamlit as st

from builder.errors import LayerwiseError
from builder.export.formats import format_for
from builder.export.kept import Kept
from builder.export.proof import Proof
from builder.export.queue import Status, get_exports
from builder.export.wish import Wish
from builder.graph.changes import change_words
from builder.graph.size import format_bytes
from builder.ui import state
from builder.ui.anew import draw_anew
from builder.ui.export_choice import weights_words
from builder.ui.markdown import plain
from builder.ui.times import moment

_ASK_EVERY_SECONDS: Final = 1.0
_LARGEST_SHOWN: Final = 1_000_000  # bytes of a picture


def export_result(wish: Wish, wanted: Wish) -> None:
    """Draws how a wish stands, again each second while it is made.

    `wanted`: what would be asked for now; where that is another one, the file says how it differs.
    """
    status = get_exports().status(wish)
    if status is None:
        return
    draw = st.fragment(_draw, run_every=_ASK_EVERY_SECONDS if status.active else None)
    draw(wish, status.active, _differs(wish, wanted))


def ask(wish: Wish) -> None:
    """Has a wish carried out; where that cannot be, the page says why."""
    try:
        get_exports().ask(wish, state.owner(), state.project_id() or "")
    except LayerwiseError as refusal:
        state.say(str(refusal), "warning")


def _draw(wish: Wish, was_active: bool, differs: str) -> None:
    status = get_exports().status(wish)
    if status is None or status.active != was_active:
        draw_anew()
    assert status is not None
    with st.container(key="lw_export_result", gap="small"):
        if differs and not status.active:
            st.caption(f":material/history: {differs}")
        if status.active:
            _under_way(wish, status, differs)
        elif status.kept is None:
            _refused(wish, status.sentence)
        else:
            _finished(wish, status.kept, newest=not differs)


# Under way ----------------------------------------------------------------------------------------


def _under_way(wish: Wish, status: Status, differs: str) -> None:
    wanted = format_for(wish.to)
    what = f"{'Making and proving' if wanted.proven else 'Making'}: {wanted.title}"
    since = max(0, round(time.time() - status.since))
    with st.container(border=True, key="lw_export_under_way", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if status.state == "waiting":
                others = "It is the next." if not status.before else f"{status.before} before it."
                st.markdown(f":material/hourglass_top: **Waiting for its turn** · {since} s")
                most = get_exports().at_once
                words = f"{others} This server makes {most} at a time."
            else:
                st.markdown(f":material/progress_activity: **{what}** · {since} s")
                words = ""
            st.space("stretch")
            st.button(
                "Cancel",
                key="lw_export_cancel",
                icon=":material/close:",
                on_click=lambda: get_exports().cancel(wish, state.owner()),
            )
        if words:
            st.caption(words)
        for place, (step, begun) in enumerate(status.steps):
            done = place + 1 < len(status.steps)
            until = status.steps[place + 1][1] if done else time.time()
            icon = ":material/check:" if done else ":material/arrow_right:"
            st.caption(f"{icon} {plain(step)} · {max(0.0, until - begun):.0f} s")
        st.caption(differs or "You may leave this page: it goes on, and is found here again.")


# Not given ----------------------------------------------------------------------------------------


def _refused(wish: Wish, sentence: str) -> None:
    st.error(plain(sentence), icon=":material/report:")
    st.button(
        "Try again",
        key="lw_export_again",
        icon=":material/refresh:",
        on_click=ask,
        args=(wish,),
    )


# Given --------------------------------------------------------------------------------------------


def _finished(wish: Wish, kept: Kept, newest: bool) -> None:
    with st.container(border=True, key="lw_export_done", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.download_button(
                f"Download {plain(kept.name)}",
                kept.content,
                file_name=kept.name,
                mime=kept.mime,
                key="lw_export_download",
                type="primary" if newest else "secondary",
                icon=":material/download:",
                on_click="ignore",
            )
            st.caption(f"{format_bytes(kept.size)} · made {moment(kept.made)}", width="content")
        if kept.proof is not None:
            _proof(kept.proof)
        elif kept.size <= _LARGEST_SHOWN:
            _picture(wish, kept)


def _picture(wish: Wish, kept: Kept) -> None:
    try:
        content = kept.content()
    except OSError:
        return  # removed since it was found; the next run of the page says so
    with st.container(key="lw_export_picture"):
        st.image(content.decode("utf-8") if wish.to == "svg" else content)


def _proof(proof: Proof) -> None:
    """The proof in plain words, and the sentences that stand in the file."""
    if proof.tolerance == 0.0:
        st.markdown(
            ":green[:material/verified:] **Proven: it gives what the network gives, bit for bit.**"
        )
    else:
        st.markdown(
            ":green[:material/verified:] **Proven: it gives what the network gives, to within "
            f"{proof.tolerance:g}.**"
        )
    many = f"{len(proof.inputs)} input{'' if len(proof.inputs) == 1 else 's'}"
    modes = " and ".join({"eval": "eval", "train": "training"}.get(m, m) for m in proof.modes)
    rows = [
        ("Max difference", f"{proof.max_difference:.2g}" if proof.max_difference else "0.0"),
        ("Tried on", f"{many} drawn with seed {proof.seed}: {', '.join(proof.inputs)}"),
        ("Came out", f"{', '.join(proof.outputs)}, in {modes} mode"),
        ("What was done", f"In a clean Python {proof.what}."),
        ("Weights", f"{proof.weights[:1].upper()}{proof.weights[1:]}"),
        *(("Besides", sentence) for sentence in proof.more),
        ("Versions", f"Python {proof.python} · torch {proof.torch} · Layerwise {proof.layerwise}"),
    ]  # fmt: skip
    lines = ["| | |", "|---|---|", *(f"| {name} | {_cell(words)} |" for name, words in rows)]
    with st.container(key="lw_export_proof"):
        st.markdown("\n".join(lines))


def _cell(words: str) -> str:
    return plain(words).replace("|", "&#124;")


def _differs(wish: Wish, wanted: Wish) -> str:
    """How what is shown differs from what would be asked for now, in a sentence; "" where it does not."""
    if wish.key == wanted.key:
        return ""
    if changed := change_words(wish.graph, wanted.graph):
        return f"This is of the network before {plain(changed)}."
    if wish.style != wanted.style:
        return f"This is in the style “{plain(wish.style)}”."
    if wish.weights is not None and wish.weights == wanted.weights and wish.stamp != wanted.stamp:
        return "This has the weights that you had brought before."
    if (wish.run, wish.epoch, wish.seed, wish.weights) != (
        wanted.run, wanted.epoch, wanted.seed, wanted.weights,
    ):  # fmt: skip
        return f"This has {weights_words(wish)}."
    if wish.project.data != wanted.project.data:
        return "This trains on the data set that was chosen before."
    if wish.project.training != wanted.project.training:
        return "This trains with the settings that were chosen before."
    if wish.project.name != wanted.project.name:
        return f"This bears the name from before, {plain(wish.project.name)}."
    if wish.project.texts != wanted.project.texts:
        return "This has the text from before your last changes to it."
    return "This is of the network as it was arranged or described before."
