"""What Python asks of an object of the text by itself: its length, truth and items, and who is equal."""

from __future__ import annotations

from typing import Any, Final

from builder.code.reading.attributes import find_in_class
from builder.code.reading.reader import Reader
from builder.code.reading.trace import Module
from builder.code.reading.values import Function, Instance, UserClass

NOT_ASKED: Final = object()
_SIGNS: Final = {
    "Eq": ("__eq__", "__eq__"), "NotEq": ("__ne__", "__ne__"), "Lt": ("__lt__", "__gt__"),
    "Gt": ("__gt__", "__lt__"), "LtE": ("__le__", "__ge__"), "GtE": ("__ge__", "__le__"),
}  # fmt: skip


def asked(reader: Reader, value: Any, name: str, *args: Any) -> Any:
    """What a method such as __len__ gives that the text writes; NOT_ASKED where it writes none."""
    cls = value.cls if isinstance(value, Module | Instance) else None
    found = find_in_class(cls, name) if cls is not None else None
    if not isinstance(found, Function):
        return NOT_ASKED
    return reader.call(found, [value, *args], {})


def truth(reader: Reader, value: Any) -> Any:
    """What decides whether an object holds: its __bool__, else its __len__."""
    given = asked(reader, value, "__bool__")
    return given if given is not NOT_ASKED else asked(reader, value, "__len__")


def compared(reader: Reader, op: str, left: Any, right: Any) -> Any:
    """`a == b`, `a < b` where one of them is an object with such a method."""
    name, turned = _SIGNS.get(op, ("", ""))
    found = asked(reader, left, name, right)
    if found is NOT_ASKED:
        found = asked(reader, right, turned, left)
    if found is NOT_ASKED and op == "NotEq":
        found = compared(reader, "Eq", left, right)
        if found is not NOT_ASKED:
            from builder.code.reading.branches import negated

            return negated(reader, found)
    return found


def set_property(reader: Reader, value: Any, name: str, given: Any) -> bool:
    """`self.k = 1` where the class has a property k: its setter is called. False where there is none."""
    cls = value.cls if isinstance(value, Module | Instance) else None
    found = find_in_class(cls, name) if cls is not None else None
    if not isinstance(found, Function) or found.kind != "property":
        return False
    if not isinstance(found.wrapped, Function):
        raise reader.refuse(f"The property “{name[:40]}” cannot be set", kind="raised")
    reader.call(found.wrapped, [value, given], {})
    return True


def check_making(reader: Reader, cls: UserClass, metaclass: Any) -> None:
    """A class that is made by more than its own lines. Errors: CodeRefused."""
    for base in cls.mro[1:]:
        if isinstance(base, UserClass) and isinstance(base.body.get("__init_subclass__"), Function):
            _refuse(reader, cls, "__init_subclass__ of what it inherits from")
    if isinstance(metaclass, UserClass):
        _refuse(reader, cls, "a metaclass")


def _refuse(reader: Reader, cls: UserClass, what: str) -> None:
    raise reader.refuse(
        f"“{cls.name[:40]}” is changed by {what}",
        "Write the class as it is after that.",
        line=cls.node.lineno,
        kind="behind",
    )
