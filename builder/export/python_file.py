"""The model as one Python file, with its proof as a comment at the top."""

from __future__ import annotations

from collections.abc import Sequence

from builder.export.proof import Proof, promised
from builder.export.proving import hold, job, run_clean, workplace
from builder.export.subject import BY_HAND_TOLERANCE, Subject


def export_py(subject: Subject) -> tuple[bytes, Proof]:
    """The file and its proof. Errors: ExportRefused where the proof fails."""
    return export_files([subject])[0]


def export_files(subjects: Sequence[Subject]) -> list[tuple[bytes, Proof]]:
    """Several files, proven in one clean interpreter."""
    made = []
    with workplace() as folder:
        jobs = []
        for number, subject in enumerate(subjects):
            proof = _promised(subject)
            content = f"{proof.header}\n{subject.source}".encode()
            file = f"model_{number}.py"
            (folder / file).write_bytes(content)
            kind = "manual" if subject.by_hand else "model"
            jobs.append(job(folder, subject, kind, str(number), file=file))
            made.append((content, proof))
        run_clean(folder, jobs)
        for subject, task, (_, proof) in zip(subjects, jobs, made, strict=True):
            hold(folder, subject, task, proof.tolerance)
    return made


def _promised(subject: Subject) -> Proof:
    if subject.by_hand:
        return promised(
            subject,
            "this file was imported, its tensors drawn from the seed, and run",
            modes=("eval",),
            tolerance=BY_HAND_TOLERANCE,
            more=(
                "By hand the sums are in another order than torch's, so the last digits differ.",
            ),
        )
    return promised(
        subject,
        f"this file was imported, its state_dict ({len(subject.state)} tensors) loaded strictly, and run",
    )
