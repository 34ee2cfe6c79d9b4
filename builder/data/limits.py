"""Every limit on data, in one place: what a file may weigh, hold and cost to read.

An upload is hostile until it was read: a parquet of 0.9 MB held 1.5 GB, a CSV of 2.8 MB held one
row of 300,000 columns. So sizes are checked before opening, counts before decoding, and decoding
happens in a child process that the last group of limits holds.
"""

from __future__ import annotations

import os
from typing import Final

MIB: Final = 1024 * 1024

# One file.
MAX_FILE_BYTES: Final = 50 * MIB
"""maxUploadSize of .streamlit/config.toml is the same number (a test holds them equal): a server
keeps an upload in memory while its tab is open, so a class of 30 may hold 1.5 GiB."""
MAX_ROWS: Final = 2_000_000
MAX_COLUMNS: Final = 5_000
MAX_CELLS: Final = 100_000_000  # rows × columns
MAX_DECODED_BYTES: Final = 1024 * MIB
MAX_FIELD_CHARACTERS: Final = 100_000  # one value of a CSV
MAX_HEADER_BYTES: Final = 1 * MIB
MAX_NAME_CHARACTERS: Final = 80  # a longer column name is shortened

# One owner.
MAX_UPLOADS: Final = int(os.environ.get("LAYERWISE_UPLOADS") or 50)
MAX_OWNER_BYTES: Final = int(os.environ.get("LAYERWISE_UPLOADS_MIB") or 1024) * MIB
"""Twenty files of the largest size; a class of 30 then stays below 30 GiB, one small disk."""

# What becomes a tensor.
MAX_CATEGORIES: Final = 50  # one-hot columns made from one column of text
MAX_FEATURES: Final = 10_000  # numbers in one row after one-hot
MAX_CLASSES: Final = 1_000
MAX_TENSOR_BYTES: Final = 2048 * MIB
FEW_WHOLE_NUMBERS: Final = 20  # a target of whole numbers with at most so many values is classes

# The child process that reads a file.
WORKER_MEMORY_BYTES: Final = 3072 * MIB  # of address space
WORKER_CPU_SECONDS: Final = 60
WORKER_TIMEOUT_SECONDS: Final = 60

# What a server keeps of an upload in memory: its report.
PREVIEW_ROWS: Final = 50
PREVIEW_COLUMNS: Final = 60
PREVIEW_CHARACTERS: Final = 120
