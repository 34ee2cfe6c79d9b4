"""A bounded memory of what was worked out already, shared by all sessions (threads)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keeps the `limit` results that were used last. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.hits = self.misses = 0
        self._results: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """The result kept under a key, which counts as used now; None where there is none."""
        with self._lock:
            result = self._results.get(key)
            if result is None:
                self.misses += 1
            else:
                self.hits += 1
                self._results.move_to_end(key)
            return result

    def put(self, key: Hashable, result: T) -> T:
        """Keeps a result, and forgets the one that was not used for longest when there are too many."""
        with self._lock:
            self._results[key] = result
            self._results.move_to_end(key)
            while len(self._results) > self.limit:
                self._results.popitem(last=False)
        return result

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._results.clear()
            self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._results)
