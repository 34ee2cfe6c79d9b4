"""Numbers a person reads (counts, bytes, FLOPs), and how much memory this machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from builder.graph.model import Graph

BYTES_PER_NUMBER = 4  # float32
COPIES_IN_TRAINING = 4  # weight, gradient, and Adam's two moments
_FALLBACK_MEMORY = 8 * 2**30  # where the system does not say
_CGROUP_FILES = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def format_count(count: int) -> str:
    """999, 12 345 (thin spaces), 1.3M, 25.6G: exact below 100 000, then three figures."""
    if abs(count) < 100_000:
        return f"{count:,}".replace(",", "\u2009")
    return _short(count, 1000, ("", "k", "M", "G", "T", "P", "E"), "")


def format_parameters(count: int) -> str:
    """All digits up to 9 999 999, as one counts them by hand; then three figures: 25.6M."""
    return format_exact(count) if abs(count) < 10_000_000 else format_count(count)


def format_exact(count: int) -> str:
    """All digits, in groups of three with thin spaces: 1 290 240."""
    return f"{count:,}".replace(",", "\u2009")


def count_layers(graph: Graph, root: Graph | None = None) -> int:
    """What a person counts as layers: layers and operations, also those inside blocks, as often as a
    block is repeated. `root`: the network whose blocks they are, where `graph` is not the whole of it.
    """
    return _count(graph, (root or graph).blocks, {})


def _count(graph: Graph, blocks: Mapping[str, Graph], known: dict[str, int]) -> int:
    """`known`: of each block, so that each is counted once; one inside itself counts as a layer."""
    count = 0
    for node in graph.nodes.values():
        owner = graph.owner_of(node)
        name = owner.block if owner is not None else None
        if owner is None or name is None or name not in blocks:
            count += node.kind in ("layer", "operation")
            continue
        if name not in known:
            known[name] = 1
            known[name] = _count(blocks[name], blocks, known)
        count += known[name] * owner.repeat
    return count


def format_layers(count: int) -> str:
    """1 layer, 8 layers."""
    return f"{format_exact(count)} {'layer' if count == 1 else 'layers'}"


def format_bytes(count: int) -> str:
    """In powers of 1024: 512 B, 3.5 MiB, 2.1 GiB."""
    return _short(count, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"), " ")


def format_gigabytes(count: int) -> str:
    """In GB of 10⁹ bytes, as memory is sold: 160 GB, 0.4 GB."""
    gigabytes = count / 1e9
    return (
        f"{gigabytes:,.0f} GB".replace(",", "\u2009") if gigabytes >= 10 else f"{gigabytes:.1f} GB"
    )


def format_flops(count: int | None) -> str:
    """FLOPs of one sample: 8.2 kFLOPs; "?" where unknown."""
    return (
        "?" if count is None else _short(count, 1000, ("", "k", "M", "G", "T", "P"), " ") + "FLOPs"
    )


def training_bytes(trainable: int, frozen: int = 0, activations: int = 0) -> int:
    """Bytes that training takes: four copies of each trainable number, one of each frozen one."""
    copies = COPIES_IN_TRAINING * trainable + frozen
    return BYTES_PER_NUMBER * copies + activations


def machine_memory() -> int:
    """Bytes of memory this process may use: the machine's, or less where a container says so."""
    return min([_physical_memory(), *_container_limits()])


def _short(count: int, base: int, units: tuple[str, ...], space: str) -> str:
    size, unit = float(count), 0
    while abs(size) >= base and unit < len(units) - 1:
        size, unit = size / base, unit + 1
    if abs(size) >= base:  # beyond the last unit
        return f"{size:.3g}{space}{units[unit]}"
    number = f"{size:.0f}" if unit == 0 or abs(size) >= 100 else f"{size:.1f}"
    if number == str(base):  # 999.96k rounds to the next unit
        return _short(round(size) * base**unit, base, units, space)
    return f"{number.removesuffix('.0')}{space}{units[unit]}"


@cache
def _physical_memory() -> int:
    if sys.platform == "win32":
        return _windows_memory()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return _FALLBACK_MEMORY


def _windows_memory() -> int:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((f"field{i}", ctypes.c_ulonglong) for i in range(7)),
        )

    status = Status()
    status.length = ctypes.sizeof(Status)
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return _FALLBACK_MEMORY
    return int(status.field0)


@cache
def _container_limits() -> tuple[int, ...]:
    limits = []
    for file in _CGROUP_FILES:
        try:
            text = file.read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) > 0:
            limits.append(int(text))
    return tuple(limits)
