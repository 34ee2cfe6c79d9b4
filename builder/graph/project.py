"""Project files: a network with what it is trained on and how, as JSON that reads and diffs well.

Loading reads data only. Whatever is wrong with a file becomes one sentence, in `ProjectRefused`.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

from builder.errors import ProjectRefused, quote
from builder.graph.blocks import graphs
from builder.graph.encoding import Json, check_keys, graph_from_json, graph_to_json
from builder.graph.limits import refuse_text
from builder.graph.model import OPAQUE, Graph
from builder.graph.modes import has_modes
from builder.graph.own_texts import OwnText, texts_from_json, texts_to_json
from builder.graph.validate import validate

VERSION = 5
"""The newest format: 2 holds tensors without a layer, ties and layers of own code, 3 a person's own texts
of the code, 4 weights that are computed (`Owner.norms`), 5 outputs of one mode (`graph.modes`).
What an older one can hold is still written as that, so that an older Layerwise opens it and no file changes
for nothing."""
MAX_BYTES = 20 * 1024 * 1024
MAX_PROJECT_NAME = 120  # characters
_LINE = 100  # characters up to which a list or an object of plain values stays on one line
_MOST_DONE = 200  # browser tabs
_EXTRA_DEPTH = 20  # brackets inside each other in "data" and "training"


@dataclass(frozen=True)
class Project:
    """A network with its name, and the data and training choices as JSON objects.

    Those two belong to the rooms above, which check them when they use them. `done`: of each browser
    tab the number of its last operation that is in the graph, for what is saved between two edits.
    `texts`: what the person made of the code, by style. ProjectRefused for a name that could not be read again.
    """

    name: str
    graph: Graph
    data: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    done: Mapping[str, int] = field(default_factory=dict, compare=False)
    texts: Mapping[str, OwnText] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fine = isinstance(self.name, str) and 0 < len(self.name) <= MAX_PROJECT_NAME
        if not fine or not self.name.strip() or refuse_text(self.name):
            raise ProjectRefused(
                f"The project needs a “name”: a text of 1 to {MAX_PROJECT_NAME} characters, "
                f"not {quote(self.name)}."
            )


def to_json(project: Project) -> str:
    """The project as text: one key a line, always in the same order, defaults left out.

    Errors: ProjectRefused where "data" or "training" hold what JSON cannot (NaN, an object), or a
    text what UTF-8 cannot (half of a character).
    """
    value: dict[str, Json] = {
        "layerwise": max(3 if project.texts else 1, _format_of(project.graph)),
        "name": project.name,
        "model": graph_to_json(project.graph),
    }
    if project.data is not None:
        value["data"] = dict(project.data)
    if project.training is not None:
        value["training"] = dict(project.training)
    if project.texts:
        value["code"] = dict(texts_to_json(project.texts))
    if project.done:
        value["done"] = dict(project.done)
    try:
        text = _write(value, "") + "\n"
        text.encode("utf-8")
        return text
    except UnicodeEncodeError as error:
        raise ProjectRefused(_broken(error)) from None
    except (TypeError, ValueError) as error:
        raise ProjectRefused(
            f"The project cannot be written: {quote(error)}. Choose other data or settings."
        ) from None


def _format_of(root: Graph) -> int:
    """The oldest format that can hold a network."""
    oldest = 1
    if has_modes(root):
        return 5
    for _, graph in graphs(root):
        if any(o.norms for o in graph.owners.values()):
            return 4
        if any(n.kind == "weight" for n in graph.nodes.values()):
            oldest = 2
        if any(o.raw or o.ties or o.target == OPAQUE for o in graph.owners.values()):
            oldest = 2
    return oldest


def from_json(text: str) -> Project:
    """The project a text holds. ProjectRefused says in one sentence why it holds none."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise ProjectRefused(_too_big(len(text.encode("utf-8", "replace"))))
    value = parse_json(text.removeprefix("\ufeff"))  # Notepad's mark of UTF-8
    if not isinstance(value, dict) or "layerwise" not in value:
        raise ProjectRefused(
            "This is JSON, but no Layerwise project: it lacks the key “layerwise”. "
            "Choose a file that was saved here."
        )
    version = value["layerwise"]
    if version not in range(1, VERSION + 1) or isinstance(version, bool | float):
        newer = isinstance(version, int) and version > VERSION
        way_out = (
            "Update Layerwise to open it." if newer else "Save it again with a current Layerwise."
        )
        raise ProjectRefused(
            f"This project has the format {quote(version)}; this Layerwise reads formats 1 to {VERSION}. {way_out}"
        )
    check_keys(
        value, {"layerwise", "name", "model", "data", "training", "code", "done"}, "The project"
    )
    if "model" not in value:
        raise ProjectRefused("The project lacks the key “model”: the file holds no network.")
    graph = graph_from_json(value["model"])
    validate(graph)
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ProjectRefused(_broken(error)) from None
    return Project(
        cast(str, value.get("name")),
        graph,
        _extra(value, "data"),
        _extra(value, "training"),
        _done(value),
        texts_from_json(value.get("code", {})),
    )


def load_project(path: str | os.PathLike[str]) -> Project:
    """The project in a file. ProjectRefused also for a file that is missing or too big."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProjectRefused(_too_big(path.stat().st_size))
        if not path.is_file():
            raise ProjectRefused(f"{quote(path)} is no file. Give the path of a project file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return from_json(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise ProjectRefused(f"{quote(path)} is no text file, so it holds no project.") from None
    except FileNotFoundError:
        raise ProjectRefused(f"There is no file {quote(path)}. Check the path.") from None
    except (OSError, ValueError) as error:
        raise ProjectRefused(f"{quote(path)} cannot be read: {quote(error)}.") from None


def save_project(project: Project, path: str | os.PathLike[str]) -> None:
    """Writes the project file, so that at any moment the old one or the new one is there, whole.

    Errors: ProjectRefused, as `to_json`; OSError that names the file asked for.
    """
    path = Path(path)
    content = to_json(project).encode("utf-8")
    try:
        _replace_file(path, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


def _replace_file(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp"
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def parse_json(text: str) -> Json:
    """The value of a JSON text; ProjectRefused for a key twice in one place, NaN, or no JSON at all."""

    def unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            raise ProjectRefused(
                f"The file has the key {quote(twice)} twice in one place. Keep one of them."
            )
        return found

    def no_number(word: str) -> NoReturn:
        raise ProjectRefused(
            f"The file holds {word}, which is no number in JSON. Write null or a number."
        )

    def whole_number(digits: str) -> int:
        if len(digits) > 40:
            raise ProjectRefused(
                f"The file holds a whole number of {len(digits)} digits, which is too long. Write a smaller one."
            )
        return int(digits)

    def number(digits: str) -> float:
        if math.isinf(found := float(digits)):
            raise ProjectRefused(
                f"The file holds the number {quote(digits)}, which is too large. Write a smaller one."
            )
        return found

    if not text.strip():
        raise ProjectRefused("The file is empty. Choose a project file that was saved here.")
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=unique,
            parse_constant=no_number,
            parse_int=whole_number,
            parse_float=number,
        )
        return value
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string"):
            raise ProjectRefused(
                f"The file ends in the middle, at line {error.lineno}: it was cut off. "
                "Open an older copy, or save it again."
            ) from None
        raise ProjectRefused(
            f"This is no JSON: line {error.lineno}, column {error.colno} cannot be read. "
            "Choose a project file that was saved here."
        ) from None
    except RecursionError:
        raise ProjectRefused(
            "The file has too many brackets inside each other to be a project."
        ) from None


def _extra(value: dict[str, Json], key: str) -> dict[str, Json] | None:
    part = value.get(key)
    if part is None:
        return None
    if not isinstance(part, dict):
        raise ProjectRefused(
            f"The project has {quote(part)} for {quote(key)}: an object {{…}} is needed."
        )
    if _deeper_than(part, _EXTRA_DEPTH):
        raise ProjectRefused(
            f"{quote(key)} has more than {_EXTRA_DEPTH} brackets inside each other."
        )
    return part


def _done(value: dict[str, Json]) -> dict[str, int]:
    part = value.get("done", {})
    numbers = list(part.values()) if isinstance(part, dict) else [None]
    if len(numbers) > _MOST_DONE or not all(type(n) is int and 0 <= n < 2**53 for n in numbers):
        raise ProjectRefused(
            f"The project has {quote(part)} for “done”: up to {_MOST_DONE} whole numbers by name are "
            "needed. Take that key out of the file."
        )
    return cast(dict[str, int], part)


def _deeper_than(value: Json, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_deeper_than(part, depth - 1) for part in parts)


def _broken(error: UnicodeEncodeError) -> str:
    before = error.object[max(0, error.start - 20) : error.start]
    return f"The project holds a broken character behind {quote(before)}. Write that text again."


def _too_big(size: int) -> str:
    return (
        f"The file has {size / 2**20:.1f} MiB; a project has at most {MAX_BYTES // 2**20} MiB. "
        "Data and weights do not belong into it."
    )


def _write(value: Json, indent: str) -> str:
    """JSON with short, flat lists and objects on one line: shapes and references stay readable."""
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not isinstance(value, dict | list) or not value:
        return flat
    parts = list(value.values()) if isinstance(value, dict) else value
    if len(indent) + len(flat) <= _LINE and _is_plain(value, parts):
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        lines = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_write(part, inner)}"
            for key, part in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _write(part, inner) for part in value) + f"\n{indent}]"


def _is_plain(value: Json, parts: list[Json]) -> bool:
    if isinstance(value, dict) and not {"from", "size", "calc", "compare", "slice"} & set(value):
        return not any(isinstance(part, dict | list) for part in parts) and len(parts) <= 1
    return not any(
        isinstance(part, dict) and not {"from", "slice", "setting", "ellipsis"} & set(part)
        for part in parts
    )
