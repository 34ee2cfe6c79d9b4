"""How much work one text may cause: every loop, list, text and call of it counts against these."""

from __future__ import annotations

from time import thread_time

from builder.errors import CodeRefused

MAX_SOURCE = 1_000_000  # characters
MAX_LINES = 40_000
MAX_SYNTAX_NODES = 400_000
MAX_STEPS = 2_000_000  # evaluated expressions and statements
MAX_ITEMS = 200_000  # of one list, tuple, dict or range
MAX_TEXT = 200_000  # characters of one text that is worked out
MAX_BITS = 4096  # of a whole number
MAX_DEPTH = 60  # calls inside each other
MAX_NESTED = 64  # modules inside each other, as deep as code is written
MAX_NODES = 20_000  # nodes of the network that is read
MAX_LAYERS = 20_000  # layers that are made
SECONDS = 1.8  # of the processor, for one text


class Budget:
    """Counts down while a text is read. Errors: CodeRefused, naming what ran out."""

    __slots__ = ("depth", "layers", "line", "nodes", "steps", "until")

    def __init__(self, seconds: float = SECONDS) -> None:
        self.steps = self.nodes = self.layers = self.depth = 0
        self.line: int | None = None
        self.until = thread_time() + seconds

    def step(self) -> None:
        """One expression or statement more."""
        self.steps += 1
        if self.steps & 255 == 0:
            self.look()

    def look(self) -> None:
        """Whether time or steps have run out."""
        if self.steps > MAX_STEPS or thread_time() > self.until:
            raise self.spent("Working it out takes too long")

    def node(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.spent(f"The network would have more than {MAX_NODES:,} calls")

    def layer(self) -> None:
        self.layers += 1
        if self.layers > MAX_LAYERS:
            raise self.spent(f"The network would have more than {MAX_LAYERS:,} layers")

    def items(self, count: int) -> None:
        """A list of that many values."""
        if count > MAX_ITEMS:
            raise self.spent(f"A list would have {_many(count)} values, of at most {MAX_ITEMS:,}")
        self.steps += count >> 3
        self.look()

    def text(self, length: int) -> None:
        """A text of that many characters."""
        if length > MAX_TEXT:
            raise self.spent(
                f"A text would have {_many(length)} characters, of at most {MAX_TEXT:,}"
            )

    def bits(self, count: int) -> None:
        """A whole number of that many bits."""
        if count > MAX_BITS:
            raise self.spent("A whole number would be far too large")

    def nested(self, line: int) -> CodeRefused:
        """Modules stand deeper inside each other than a graph can hold."""
        return CodeRefused(
            f"Modules stand more than {MAX_NESTED} deep inside each other.", line=line, kind="limit",
            help="Put the layers behind each other in one nn.Sequential.",
        )  # fmt: skip

    def spent(self, what: str) -> CodeRefused:
        return CodeRefused(
            f"{what}.", line=self.line, kind="limit",
            help="Read a smaller part of it, or a smaller network.",
        )  # fmt: skip


def _many(count: int) -> str:
    return f"{count:,}" if count < 10**15 else "far too many"
