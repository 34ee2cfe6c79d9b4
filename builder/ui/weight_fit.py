"""A checkpoint beside code that was read: whether its names and shapes are the network's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import streamlit as st

from builder.code.weight_files import ENDINGS, fit_weights, read_shapes
from builder.errors import CodeRefused, LayerwiseError
from builder.ui import state
from builder.ui.markdown import plain
from builder.ui.readings import Reading

_MIB: Final = 50  # what the server takes (maxUploadSize in .streamlit/config.toml)
_KEPT: Final = "reading.weights"


def weight_fit(place: str, reading: Reading) -> None:
    """The field for a checkpoint, and what of it fits. Nothing of the file is kept."""
    file = st.file_uploader(
        "Does your checkpoint fit? (.safetensors or .pt)",
        type=[ending.removeprefix(".") for ending in ENDINGS],
        key=f"lw_read_weights_{place}",
        max_upload_size=_MIB,
        help="Its names and shapes are held against the network's, strictly. Of a .pt only tensors are "
        "opened (weights_only=True); a whole pickled model is refused. For larger "
        "files: python -m builder import FILE --weights.",
    )
    if file is None:
        return
    asked = (file.file_id, reading.number)
    known, tone, sentences = state.recall(_KEPT, (None, "", []))
    if known != asked:
        with st.spinner("Looking into the file…"):
            tone, sentences = _looked_into(file.getvalue(), file.name, reading)
        state.keep(_KEPT, (asked, tone, sentences))
    show, icon = {
        "fits": (st.success, ":material/check_circle:"),
        "differs": (st.warning, ":material/error:"),
    }.get(tone, (st.error, ":material/report:"))
    show("  \n".join(plain(sentence) for sentence in sentences), icon=icon)
    if tone == "fits":
        st.caption(
            "They were only compared: a project keeps no weights of its own. The code that Layerwise "
            "writes takes this file by load_state_dict."
        )


def _looked_into(raw: bytes, name: str, reading: Reading) -> tuple[str, list[str]]:
    assert not isinstance(reading.result, CodeRefused)
    try:
        with tempfile.NamedTemporaryFile(prefix="layerwise-", suffix=Path(name).suffix) as file:
            file.write(raw)
            file.flush()
            fit = fit_weights(reading.result.graph, read_shapes(Path(file.name), name))
    except LayerwiseError as refusal:
        return "refused", [str(refusal)]
    except OSError as error:
        return "refused", [f"The file cannot be looked into: {error.strerror}."]
    return "fits" if fit.ok else "differs", fit.sentences
