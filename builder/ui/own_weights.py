"""The open project's own weights: what a page asks of them, and what a person does with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.code.weight_files import ENDINGS, read_shapes
from builder.code.weight_fit import Fit, fit_weights
from builder.errors import LayerwiseError, quote
from builder.graph.model import Graph
from builder.training.own_weights import OwnWeights, read_tensors, weights_beside
from builder.ui import project_weights, state
from builder.ui.projects import project_path

if TYPE_CHECKING:
    from torch import Tensor

_LONGEST_TITLE: Final = 40  # characters
_DAMAGED: Final = "The weights kept with this project are damaged. Bring them again."


@dataclass(frozen=True)
class Kept:
    """Weights kept with the open project, held against its network as it is now.

    `sentence`: why they are of no use to it; "" where they fit.
    """

    weights: OwnWeights
    sentence: str

    @property
    def fits(self) -> bool:
        """Whether the network takes them, strictly."""
        return not self.sentence

    @property
    def path(self) -> Path:
        """Where they lie. A file there is only ever replaced."""
        return self.weights.path

    @property
    def name(self) -> str:
        """The file they came from, in a person's own words."""
        return self.weights.name

    @property
    def title(self) -> str:
        """The same, as long as a label may be."""
        return shortened(self.name)

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Another one where the file was replaced."""
        return self.weights.stamp


def shortened(name: str) -> str:
    """The name of a file, as long as a label may be."""
    return name if len(name) <= _LONGEST_TITLE else f"{name[: _LONGEST_TITLE - 1]}…"


def own_weights() -> Kept | None:
    """What is kept with the open project; None without a project or weights."""
    project_id = state.project_id()
    if project_id is None:
        return None
    try:
        found = project_weights.kept_weights(state.owner(), project_id)
    except LayerwiseError:
        path = weights_beside(project_path(state.owner(), project_id))
        return Kept(OwnWeights(path, "damaged", (0, 0, 0), {}), _DAMAGED)
    if found is None:
        return None
    try:
        fit = project_weights.fit_of(found, state.graph())
    except LayerwiseError as refusal:
        return Kept(found, str(refusal))
    return Kept(found, project_weights.unfit_sentence(found.name, fit))


def own_tensors(kept: Kept) -> dict[str, Tensor]:
    """Weights that fit, by the names of the network's `state_dict`.

    Errors: WeightsRefused where their file is damaged.
    """
    found = read_tensors(kept.path)
    sources = project_weights.fit_of(kept.weights, state.graph()).sources
    return {ours: found[theirs] for ours, theirs in sources.items()}


def bring(file: Any) -> bool:
    """Keeps an uploaded checkpoint with the open project, and says how it went. Whether it is kept."""
    project_id = state.project_id()
    if project_id is None or file is None:
        return False
    state.settle()
    try:
        with _laid_down(file) as path:
            kept = project_weights.keep_weights(
                state.owner(), project_id, state.graph(), path, file.name
            )
    except LayerwiseError as refusal:
        state.say(f"The weights were not kept: {refusal}", "error")
        return False
    except OSError as error:
        state.say(f"The weights were not kept: {error.strerror or error}.", "error")
        return False
    count = "One tensor" if kept.tensors == 1 else f"{kept.tensors} tensors"
    state.say(f"{count} of {quote(kept.name)} are kept with this project.", "success")
    return True


def take_away() -> None:
    """Removes the open project's weights; what was trained from them stays as it is."""
    project_id = state.project_id()
    if project_id is None:
        return
    try:
        project_weights.remove_weights(state.owner(), project_id)
    except LayerwiseError as refusal:
        state.say(f"The weights were not taken away: {refusal}", "error")


def look_into(file: Any, graph: Graph) -> Fit:
    """How an uploaded checkpoint fits a network. Nothing is kept.

    Errors: LayerwiseError with the reason; OSError where this machine takes no temporary file.
    """
    with _laid_down(file) as path:
        return fit_weights(graph, read_shapes(path, file.name))


@contextmanager
def _laid_down(file: Any) -> Iterator[Path]:
    """An uploaded file as a file on the disk, under a name of ours, for as long as it is looked at."""
    ending = Path(file.name).suffix.lower()
    with tempfile.NamedTemporaryFile(
        prefix="layerwise-", suffix=ending if ending in ENDINGS else ""
    ) as laid:
        laid.write(file.getvalue())
        laid.flush()
        yield Path(laid.name)
