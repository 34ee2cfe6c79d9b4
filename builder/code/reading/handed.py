"""What a module's call is handed, as it sees it: its tensors are inputs of the block.

Lists and dicts of tensors are copies that hold those inputs; what the call does to them is done to the text's
own ones behind it.
"""

from __future__ import annotations

from typing import Any

from builder.code.reading import again
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Frame, tensors_in
from builder.code.reading.values import Named, Parts, Tensor


class Handed:
    """The values of one call."""

    def __init__(self, reader: Reader, frame: Frame) -> None:
        self.reader, self.frame = reader, frame
        self.copies: dict[
            int, tuple[Any, Any, Any]
        ] = {}  # by the outer one: it, the copy, its start
        self.outside: dict[int, Any] = {}  # what stands outside for a value inside

    def inside(self, name: str, value: Any) -> Any:
        """A value as the frame sees it."""
        kind = value.__class__
        if kind is Tensor:
            return self._known(value, self.reader.trace.bring_in(self.frame, name, value))
        if kind in (list, dict) and not tensors_in(value):
            return value  # the same one, as what is put into it is seen outside
        if kind is Parts:
            return Parts(self._each(name, value), None, value.names)
        if kind is Named:
            return Named(self._each(name, value), value.fields)
        if kind is tuple:
            return tuple(self._each(name, value))
        if kind is list or kind is dict:
            return self._copy(name, value)
        return value

    def end(self) -> None:
        """What the call did to its lists and dicts is done to those outside."""
        for outer, copy, start in self.copies.values():
            if _same(copy, start):
                continue
            again.written(self.reader, outer)
            if isinstance(outer, list):
                outer[:] = [self.back(part) for part in copy]
            else:
                found = {key: self.back(part) for key, part in copy.items()}
                outer.clear()
                outer.update(found)
        if self.copies and (touched := self.reader.state.get("touched")) is not None:
            for key in touched.written:
                module, _ = touched.was[key]
                if id(module.attributes.get(key[1])) in self.outside:
                    module.attributes[key[1]] = self.back(module.attributes[key[1]])

    def back(self, value: Any) -> Any:
        """A value of the frame as it is outside: the lists that were handed in are themselves."""
        if id(value) in self.outside:
            return self.outside[id(value)][1]
        if value.__class__ is tuple:
            return tuple(self.back(part) for part in value)
        return value

    def _each(self, name: str, values: Any) -> list[Any]:
        return [self.inside(f"{name}_{n}", value) for n, value in enumerate(values)]

    def _copy(self, name: str, value: Any) -> Any:
        if id(value) in self.copies:
            return self.copies[id(value)][1]
        copy: Any = [] if isinstance(value, list) else {}
        self.copies[id(value)] = (value, copy, None)
        if isinstance(value, list):
            copy += self._each(name, value)
        else:
            for key, part in value.items():
                copy[key] = self.inside(f"{name}_{key}" if isinstance(key, str) else name, part)
        self.copies[id(value)] = (value, again.made(self.reader, copy), copy.copy())
        return self._known(value, copy)

    def _known(self, outer: Any, inner: Any) -> Any:
        self.outside[id(inner)] = (inner, outer)
        return inner


def _same(copy: Any, start: Any) -> bool:
    one = list(copy.items()) if isinstance(copy, dict) else list(enumerate(copy))
    other = list(start.items()) if isinstance(start, dict) else list(enumerate(start))
    return len(one) == len(other) and all(
        a == b and p is q for (a, p), (b, q) in zip(one, other, strict=True)
    )
