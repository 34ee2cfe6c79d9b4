"""What the components of a page did, as numbered operations: each is carried out once, and in order.

JavaScript keeps every operation it has not seen acknowledged in one state value, and sends them all
again until it has. So two quick clicks, a rerun in the middle or a dropped line lose and repeat nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from builder.ui import state

_MOST_OPERATIONS: Final = 200  # in one message; a browser that sends more is not ours
_LONGEST_CLIENT: Final = 80
_CLIENTS_KEPT: Final = 8  # of one person's component: open tabs, and those just reloaded
_PEOPLE_KEPT: Final = 2000

Operation = Mapping[str, Any]
Handler = Callable[[Operation], None]

# By person, not by session: a reloaded page is a new session, and its browser asks what was done.
_done: Final[OrderedDict[tuple[str, str], dict[str, int]]] = OrderedDict()
_lock: Final = threading.Lock()


def receive(handlers: Mapping[str, Handler]) -> None:
    """Carries out what waits in the components with these keys, before anything is drawn.

    In the order it was done: a click on a row and one in the palette can arrive in one message, and a
    layer must not be added behind the row selected before. A project must be open.
    """
    with state.undisturbed():
        waiting = [(*found, key) for key in handlers for found in _unseen(key)]
        for _, client, operation, key in sorted(waiting, key=lambda item: item[0]):
            _acknowledge(key, client, operation["seq"])  # first: one that fails is not repeated
            handlers[key](operation)


def acknowledged(key: str) -> dict[str, int]:
    """For each client of a component: the number of the last operation that was carried out."""
    with _lock:
        return dict(_done.get((state.owner(), key), {}))


def sent(key: str) -> Mapping[str, Any]:
    """What a component's browser side sent last: {"client", "ops", …}; empty where that is nothing."""
    value = state.widget(key)
    message = value.get("ops") if isinstance(value, Mapping) else None
    return message if isinstance(message, Mapping) else {}


def _acknowledge(key: str, client: str, number: int) -> None:
    with _lock:
        clients = _done.setdefault((state.owner(), key), {})
        clients.pop(client, None)
        clients[client] = number
        while len(clients) > _CLIENTS_KEPT:
            del clients[next(iter(clients))]
        _done.move_to_end((state.owner(), key))
        while len(_done) > _PEOPLE_KEPT:
            _done.popitem(last=False)


def _unseen(key: str) -> list[tuple[float, str, Operation]]:
    """What was sent and nobody carried out yet: moment, client, operation; repeats are left out."""
    message = sent(key)
    client, operations = message.get("client"), message.get("ops")
    if not isinstance(client, str) or not isinstance(operations, list):
        return []
    client = client[:_LONGEST_CLIENT]
    seen = acknowledged(key).get(client, 0)
    found: list[tuple[float, str, Operation]] = []
    for operation in operations[:_MOST_OPERATIONS]:
        number = operation.get("seq") if isinstance(operation, Mapping) else None
        if type(number) is int and number > seen:
            seen = number
            found.append((_moment(operation), client, operation))
    return found


def _moment(operation: Operation) -> float:
    """When it was done, in the browser's milliseconds; 0 where it does not say."""
    said = operation.get("at_ms", operation.get("at"))
    fine = isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < 1e15
    return float(said) if fine and said is not None else 0.0
