"""Every limit of training in one place, with its reason. Some can be set from the environment."""

from __future__ import annotations

import os
from typing import Final

JOBS_AT_ONCE: Final = int(os.environ.get("LAYERWISE_JOBS") or max(2, os.cpu_count() or 1))
"""Workers that run side by side on this machine; the others wait. Each has one thread at nice 19:
four on two cores were measured to do 1.6 to 1.9 times one job's work, with the pages still quick."""

WAITING_JOBS_PER_OWNER: Final = 20
"""More than this is a stuck script, not a person."""

OWNER_RUN_BYTES: Final = int(float(os.environ.get("LAYERWISE_RUNS_GB") or 2) * 1e9)
"""What the runs of one owner may take on the disk before the next is refused: some thousand runs of the
gallery's networks, or four of the largest that `KEPT_EPOCHS_BYTES` allows. A class of 30 stays below
60 GB."""

KEEP_A_WORKER_WARM: Final = os.environ.get("LAYERWISE_WARM_WORKER", "1") != "0"
"""Whether a worker waits with torch imported while somebody may train: the first point is there in
0.02 s instead of 2 s, for some 300 MB."""

WORKER_THREADS: Final = 1
"""A second thread loses three to five times as soon as anything else runs on the machine."""

STEP_REPORTS_PER_SECOND: Final = 10
"""Of the loss within an epoch: one report a step would cost 10 to 50% on small networks."""

COMMIT_EVERY_SECONDS: Final = 0.25
"""Epochs that take less are committed together: at most this much training is done again after a
kill, and saving stays below 1% of the time."""

KEPT_EPOCHS: Final = 50
"""Epochs whose weights stay on disk to be looked at: all of a short run, else spread out
geometrically, since weights change most at the beginning. The first and last are always kept."""

KEPT_EPOCHS_BYTES: Final = 500_000_000
"""A big network keeps fewer epochs: what fits into this, at least the first and the last."""

STOP_CHECK_SECONDS: Final = 0.02
"""How often the worker looks for a request to stop; together with one batch it stays below 100 ms."""

DIVERGED_AT: Final = 1e4
"""An epoch whose mean loss is this many times the first batch's (or 1) is not going to come back."""

EVALUATION_ROWS: Final = 1024
"""Rows at once where nothing is learned, at most: more are not quicker."""

EVALUATION_BYTES: Final = 64_000_000
"""What the activations of those rows may take where a training step takes less: small beside what
`check_job` leaves free, and room for 1024 rows of every network of the gallery's size."""

WORKER_START_SECONDS: Final = 60.0
"""A worker that has not said that it lives after this long is given up."""
