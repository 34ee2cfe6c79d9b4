"""What a network can be trained on here, and how much memory there is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Device:
    """One device: torch's name of it, and the words for the form."""

    key: str
    title: str


def devices() -> list[Device]:
    """The devices of this machine, the processor first."""
    import torch

    found = [Device("cpu", "Processor (CPU)")]
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        for index in range(count):
            key = "cuda" if count == 1 else f"cuda:{index}"
            found.append(Device(key, f"{torch.cuda.get_device_name(index)} ({key})"))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU (mps)"))
    return found


def is_available(device: str) -> bool:
    """Whether torch can train on a device of that name here."""
    names = {found.key for found in devices()}
    if "cuda" in names:
        names.add("cuda:0")
    elif "cuda:0" in names:
        names.add("cuda")
    return device in names


def available_bytes(device: str = "cpu") -> int | None:
    """Memory that is free on a device, for the processor also within a container; None if unknown."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    free = _free_on_machine()
    limit = _free_in_container()
    return limit if free is None else free if limit is None else min(free, limit)


def _free_on_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_in_container() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        limit = int((_CGROUP / "memory.max").read_text())  # "max" is no number: no limit
        return max(0, limit - int((_CGROUP / "memory.current").read_text()))
    return None
