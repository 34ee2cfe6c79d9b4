"""How long reading and writing code takes, at 10, 100 and 1000 layers.

    python benchmarks/reading.py [--runs 20]

"read" is `builder.read_code` in the warm child, text in and graph out; "read, first" the same for a
text whose layers were never judged before (a fresh child, its start not counted); "write" is
`builder.write_code`. Beside them, in the same run and in turn, what Python itself needs to parse and
compile the same text: the figures are to be read as ratios to it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter

import builder
from builder.code.reading.child import Child

LAYERS = (10, 100, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"{runs} interleaved runs, milliseconds: median (p95), and the ratio of medians")
    print(f"{'layers':>6}  {'what':<12}{'Layerwise':>18}{'ast + compile':>18}{'ratio':>8}")
    for count in LAYERS:
        for what, ours, theirs in measured(count, runs):
            ratio = statistics.median(ours) / statistics.median(theirs)
            print(f"{count:>6}  {what:<12}{shown(ours):>18}{shown(theirs):>18}{ratio:>8.1f}")


def measured(count: int, runs: int) -> list[tuple[str, list[float], list[float]]]:
    """(what, our milliseconds, Python's milliseconds) for a network of so many layers."""
    rows: list[tuple[str, list[float], list[float]]] = []
    for kind, text in (("chain", chain(count)), ("classes", classes(count))):
        first = [first_contact(text) for _ in range(max(2, runs // 10))]
        graph = builder.read_code(text)
        builder.write_code(graph)  # what is imported for it is imported now
        again, write, parse = [], [], []
        for _ in range(runs):
            again.append(timed(builder.read_code, text))
            write.append(timed(builder.write_code, graph))
            parse.append(timed(compile, text, "text", "exec"))
        rows.append((f"{kind} first", first, parse))
        rows.append((f"{kind} read", again, parse))
        rows.append((f"{kind} write", write, parse))
    return rows


def first_contact(text: str) -> float:
    """Milliseconds of a text in a child that has read nothing but its own warming up."""
    child = Child()
    child.warm()
    try:
        return timed(child.read, text, None, None)
    finally:
        child.close()


def timed(do: Callable[..., object], *given: object) -> float:
    """Milliseconds."""
    start = perf_counter()
    do(*given)
    return 1000 * (perf_counter() - start)


def shown(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{statistics.median(values):.2f} ({p95:.2f})"


def chain(count: int) -> str:
    """An nn.Sequential of Linear and ReLU in turn, each of another width."""
    lines = ["import torch", "from torch import nn", "", "model = nn.Sequential("]
    width = 16
    for at in range(count):
        if at % 2:
            lines.append("    nn.ReLU(),")
        else:
            following = 8 + (at * 7) % 57
            lines.append(f"    nn.Linear({width}, {following}),")
            width = following
    return "\n".join([*lines, ")", "model(torch.randn(4, 16))", ""])


def classes(count: int) -> str:
    """Blocks of five layers, each a class's instance, called one after the other by name."""
    blocks = max(1, count // 5)
    made = "\n".join(f"        self.block{i} = Block(8, {8 + i % 5})" for i in range(blocks))
    called = "\n".join(f"        x = self.block{i}(x)" for i in range(blocks))
    return f"""
import torch
from torch import nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, hidden, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv2 = nn.Conv2d(hidden, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
{made}

    def forward(self, x):
{called}
        return x


model = Net()
model(torch.randn(2, 8, 8, 8))
"""


if __name__ == "__main__":
    main()
