"""Runs exported files in a clean interpreter and holds what came out against what was expected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builder.errors import ExportRefused, quote
from builder.export import clean
from builder.export.steps import tell
from builder.export.subject import Subject

if TYPE_CHECKING:
    from torch import Tensor

PROOF_SECONDS: Final = float(os.environ.get("LAYERWISE_PROOF_SECONDS") or 300)
"""Of one clean interpreter; a training's first epoch is part of it."""
MEMORY_BYTES: Final = int(float(os.environ.get("LAYERWISE_PROOF_GB") or 12) * (1 << 30))
"""Of address space, on top of what torch takes when it is imported."""
_OWN_GROUP: Final = os.environ.get("LAYERWISE_PROOF_GROUP") != "kept"
"""Whether a clean interpreter leads a process group; one that is ended with its parent does not."""
_MAKING: Final = {
    "make_pt2": "Making the program with torch.export",
    "make_onnx": "Making the program with torch.onnx",
}


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder for one proof, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="layerwise-proof-") as folder:
        yield Path(folder).resolve()


def job(folder: Path, subject: Subject, kind: str, key: str = "", **more: Any) -> dict[str, Any]:
    """One job for the clean interpreter: the subject's inputs and weights are laid beside the file."""
    import torch

    names = {
        "inputs": f"inputs{key}.pt", "weights": f"weights{key}.pt", "outputs": f"outputs{key}.pt",
    }  # fmt: skip
    torch.save(list(subject.inputs), folder / names["inputs"])
    if "weights" not in more:
        torch.save(dict(subject.state), folder / names["weights"])
    training = subject.trains and kind in ("model", "project", "notebook")
    return {"kind": kind, "seed": subject.seed, "training": training, **names, **more}


def run_clean(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Carries out jobs in one clean interpreter and gives its answers.

    Errors: ExportRefused where it failed, with the reason of the first job that did.
    """
    answers = answers_of(folder, jobs)
    for answer in answers:
        if "error" in answer:
            raise ExportRefused(
                f"The proof failed, so nothing is exported: {quote(answer['error'], 240)}."
            )
    return answers


def answers_of(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The answers, also of jobs that failed: those have an "error".

    The interpreter starts with `-I` in the folder, without an environment of ours, on one thread, with
    limited memory and time. Errors: ExportRefused where it gave no answer.
    """
    tell(_MAKING.get(jobs[0]["kind"], "Running the file in a clean Python"))
    task = {"jobs": list(jobs), "memory_bytes": MEMORY_BYTES, "cpu_seconds": int(PROOF_SECONDS) + 5}
    (folder / "task.json").write_text(json.dumps(task), "utf-8")
    ended = _run([sys.executable, "-I", "-B", str(Path(clean.__file__)), str(folder)], folder)
    try:
        answers: list[dict[str, Any]] = json.loads((folder / "answers.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise ExportRefused(
            f"The proof failed, so nothing is exported: the clean interpreter ended without an answer "
            f"({quote(ended or 'no word', 200)})."
        ) from None
    return answers


def hold(folder: Path, subject: Subject, done: Mapping[str, Any], tolerance: float = 0.0) -> float:
    """Compares what a job gave with what is expected; gives the largest difference.

    With a tolerance of 0.0 all bits are equal. Errors: ExportRefused where they differ by more.
    """
    import torch

    given = torch.load(folder / done["outputs"], weights_only=True)
    wanted = {
        place: value
        for place, value in subject.expected.items()
        if done["training"] or place.startswith("eval")
    }
    if "onnx" in done["kind"] or "pt2" in done["kind"]:
        given, wanted = _in_order(given), _in_order(_in_eval(wanted))
    if list(given) != list(wanted):
        raise ExportRefused(
            f"The proof failed, so nothing is exported: {len(_in_eval(given))} tensors came out where "
            f"the network gives {len(_in_eval(wanted))}."
        )
    largest = 0.0
    for place, value in wanted.items():
        difference = _difference(given[place], value, tolerance)
        if difference is None:
            raise ExportRefused(
                f"The proof failed, so nothing is exported: the output has another shape or type than "
                f"the network's ({_said(given[place])} in place of {_said(value)})."
            )
        if difference > tolerance:
            raise ExportRefused(
                f"The proof failed, so nothing is exported: in {place.split('[')[0]} mode the output "
                f"differs from the network's by {difference:g}, and {tolerance:g} is allowed."
            )
        largest = max(largest, difference)
    return largest


def _difference(given: Tensor, wanted: Tensor, tolerance: float) -> float | None:
    """The largest difference, relative to the largest value where that is above 1; None: no match."""
    import torch

    if given.shape != wanted.shape or given.dtype != wanted.dtype:
        return None
    if torch.equal(_bytes(given), _bytes(wanted)):
        return 0.0
    if given.is_complex():
        given, wanted = torch.view_as_real(given), torch.view_as_real(wanted)
    a, b = given.double(), wanted.double()
    if not torch.equal(a.isfinite(), b.isfinite()):
        return float("inf")
    finite = a.isfinite()
    if tolerance and not torch.equal(a[~finite].nan_to_num(), b[~finite].nan_to_num()):
        return float("inf")
    a, b = a[finite], b[finite]
    if not a.numel():
        return 0.0 if tolerance else 5e-324
    found = float((a - b).abs().max())
    if tolerance:
        return found / max(1.0, float(b.abs().max()))
    return found or 5e-324  # another bit, such as that of -0.0


def _bytes(value: Tensor) -> Tensor:
    import torch

    return value.contiguous().flatten().view(torch.uint8) if value.numel() else torch.empty(0)


def _in_eval(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {place: value for place, value in values.items() if place.startswith("eval")}


def _in_order(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By number: a file without Python knows no tuples in tuples."""
    return {f"eval[{i}]": value for i, value in enumerate(values.values())}


def _said(value: Tensor) -> str:
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def _run(command: list[str], folder: Path) -> str:
    """Waits for a process of its own group; gives the last line that it said on its way."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "LANG")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "", "TORCHINDUCTOR_CACHE_DIR": str(folder / "cache"),
    }  # fmt: skip
    with open(folder / "said.txt", "w+b") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=_OWN_GROUP,
        )
        try:
            process.wait(PROOF_SECONDS)
        except subprocess.TimeoutExpired:
            raise ExportRefused(
                f"The proof was not done after {PROOF_SECONDS:g} seconds, so nothing is exported. Choose "
                "a smaller network or less data."
            ) from None
        finally:
            _end(process)
        said.seek(max(0, said.seek(0, os.SEEK_END) - 4000))
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            if _OWN_GROUP and hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    process.wait()
