"""A run's folder: everything a worker needs, and everything it leaves.

model.py            the code, as it stood on the screen
project.json        the project it was written from
job.json            settings, loss, the model's class, where the data came from
data.safetensors    the rows themselves
start.safetensors   the weights it starts from, where a person brought some
workers/1.json      which process trains (attempt 1; after a resume 2, …)
metrics.jsonl       what it reports (metrics_log.py)
checkpoints/        weights (checkpoints.py)
listed.json         whose run it is and what the list calls it, should the list be lost
stop                lies there when somebody wants it to stop
end.json            how it ended
log.txt, error.txt  what the worker printed; the traceback of a failure
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from builder.errors import NotFound, quote
from builder.home import make_folder, storage_refused, temporary_path, write_atomically
from builder.training.metrics_log import finite
from builder.training.processes import ProcessMark

RunState: TypeAlias = Literal["queued", "running", "finished", "stopped", "failed", "interrupted"]
VERSION = 1
_ENDED: Final = ("finished", "stopped", "failed", "interrupted")
_UNKNOWN: Final = ProcessMark(-1, "")  # a process that nobody can find any more


@dataclass(frozen=True)
class Ending:
    """How a run ended. `sentence` is for the screen; `epoch`: the last one that is complete.

    `figures`: {"train": {"loss": …, "accuracy": …}, "validation": {…}} of that epoch, and "test"
    of the last weights, for a run that finished or was stopped.
    """

    state: RunState
    sentence: str
    epoch: int = 0
    seconds: float = 0.0
    figures: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True)
class RunFolder:
    """The names in one folder. Nothing is read before it is asked for."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.py"

    @property
    def project(self) -> Path:
        return self.path / "project.json"

    @property
    def data(self) -> Path:
        return self.path / "data.safetensors"

    @property
    def start(self) -> Path:
        return self.path / "start.safetensors"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def error(self) -> Path:
        return self.path / "error.txt"

    # --- the job ---------------------------------------------------------------------------------

    def job(self) -> dict[str, Any]:
        """What job.json says. Errors: NotFound when this is no run folder, or of a later version."""
        job = _read_json(self.path / "job.json")
        if job is None:
            raise NotFound(f"{quote(self.path)} is not the folder of a run: it has no job.json.")
        if job.get("layerwise_run") != VERSION:
            raise NotFound(
                f"{quote(self.path)} was made by another version of Layerwise "
                f"({quote(job.get('layerwise_run'))}); this one reads version {VERSION}."
            )
        return job

    def write_job(self, job: Mapping[str, Any]) -> None:
        write_atomically(
            self.path / "job.json",
            json.dumps({"layerwise_run": VERSION, **job}, indent=1, allow_nan=False) + "\n",
        )

    # --- its place in the list -------------------------------------------------------------------

    def listed(self) -> dict[str, Any] | None:
        """What `write_listed` wrote: {"owner", "name", "created", "summary"}; None without it."""
        found = _read_json(self.path / "listed.json") or {}
        kinds = {"owner": str, "name": str, "created": (int, float), "summary": dict}
        fine = all(isinstance(found.get(key), kind) for key, kind in kinds.items())  # type: ignore[arg-type]
        return found if fine else None

    def write_listed(self, listed: Mapping[str, Any]) -> None:
        plain = {**listed, "summary": finite(listed["summary"])}
        write_atomically(self.path / "listed.json", json.dumps(plain, indent=1, allow_nan=False))

    # --- who trains ------------------------------------------------------------------------------

    def worker(self, attempt: int) -> ProcessMark | None:
        """The process of an attempt, None when none has begun."""
        path = self.path / "workers" / f"{attempt}.json"
        try:
            text = path.read_bytes()
        except OSError:
            return None
        try:
            mark = json.loads(text)
            return ProcessMark(int(mark["pid"]), str(mark["started"]))
        except (ValueError, KeyError, TypeError):
            return _UNKNOWN  # a power cut may leave an empty file: somebody began, and is gone

    def begin(self, attempt: int, mark: ProcessMark) -> bool:
        """Claims an attempt for a process, once: False when another has claimed or voided it."""
        path = make_folder(self.path / "workers") / f"{attempt}.json"
        temporary = temporary_path(path)
        try:
            temporary.write_text(json.dumps(asdict(mark)), "utf-8")
            if os.name == "nt":
                os.rename(temporary, path)  # refuses a name that is taken there
            else:
                os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise storage_refused(error, path) from error
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def void(self, attempt: int) -> bool:
        """Makes sure that no worker can begin this attempt any more; False when one has begun."""
        return self.begin(attempt, ProcessMark(0, "void"))

    @property
    def attempts(self) -> int:
        """How many attempts have begun."""
        marks = (self.path / "workers").glob("[0-9]*.json")
        return max((int(p.stem) for p in marks if p.stem.isdecimal()), default=0)

    # --- stopping and ending ---------------------------------------------------------------------

    @property
    def stop_wanted(self) -> bool:
        return os.path.exists(self.path / "stop")

    def want_stop(self) -> None:
        try:
            (self.path / "stop").touch()
        except OSError as error:
            raise storage_refused(error, self.path) from error

    def forget_end(self) -> None:
        """Before it is trained again: no request to stop, no ending, no old error."""
        for name in ("stop", "end.json", "error.txt"):
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise storage_refused(error, self.path) from error

    def ending(self) -> Ending | None:
        """How it ended, None when it has not (or was killed, or the file does not say)."""
        end = _read_json(self.path / "end.json")
        if end is None:
            return None
        try:
            state, figures = end["state"], end["figures"]
            if state not in _ENDED or not all(isinstance(f, dict) for f in figures.values()):
                return None
            return Ending(
                cast(RunState, state),
                str(end["sentence"]),
                int(end["epoch"]),
                float(end["seconds"]),
                figures,
                int(end["attempt"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None

    def write_ending(self, ending: Ending) -> None:
        plain = {**asdict(ending), "figures": {k: finite(v) for k, v in ending.figures.items()}}
        write_atomically(self.path / "end.json", json.dumps(plain, indent=1, allow_nan=False))


def _read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, None when there is no such file or it is not one."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
