"""What the components of a page did, as numbered operations: each is carried out once, and in order.

JavaScript keeps every operation it has not seen acknowledged in one state value, and sends them all
again until it has. So two quick clicks, a rerun in the middle or a dropped line lose and repeat nothing.
What was done is known in three places, and the highest number counts: the project's file (after a crash
of the server exactly what is not in the graph is done again), the server's memory (a reloaded page is
a new session; not every operation changes the file) and the session (which hears its own tab forever, also
when another project is opened under what was sent last).
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from builder.ui import state

_MOST_OPERATIONS: Final = 200  # in one message; a browser that sends more is not ours
_MOST_SENT: Final = 5_000  # looked through for those: the first may be done already
_CLIENT: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}")  # stands in the project's file
_LARGEST: Final = 2**53
_CLIENTS_KEPT: Final = 32  # of one project's component: open tabs, and those just closed
_PROJECTS_KEPT: Final = 4000
_HEARD: Final = "received.heard"
_MOST_HEARD: Final = 64  # tabs that one session has heard: its own, in each project

Operation = Mapping[str, Any]
Handler = Callable[[Operation], None]

_done: Final[OrderedDict[tuple[str, str, str], dict[str, int]]] = OrderedDict()
_lock: Final = threading.Lock()


def receive(handlers: Mapping[str, Handler], questions: frozenset[str] = frozenset()) -> None:
    """Carries out what waits in the components with these keys, before anything is drawn.

    In the order it was done: a click on a row and one in the palette can arrive in one message, and a
    layer must not be added behind the row selected before. Of each of the `questions` only the last is
    answered: nobody waits for the others any more. A project must be open.
    """
    with state.undisturbed():
        waiting = [(*found, key) for key in handlers for found in _unseen(key)]
        waiting.sort(key=lambda item: item[0])
        last = {operation.get("op"): operation for _, _, operation, _ in waiting if _is(operation)}
        for _, client, operation, key in waiting:
            asked = operation.get("op") if _is(operation) else None
            # Acknowledged first: one that fails is not repeated.
            with state.marked(_name(key, client), operation["seq"]):
                _acknowledge(key, client, operation["seq"])
                if asked not in questions or last[asked] is operation:
                    handlers[key](operation)


def waits(key: str) -> bool:
    """Whether a component's browser side sent something that nobody carried out yet."""
    return bool(_unseen(key))


def acknowledged(key: str) -> dict[str, int]:
    """For each client of a component: the number of the last operation that was carried out."""
    found = on_disk(key, state.done())
    with _lock:
        known = dict(_done.get(_place(key), {}))
    heard: Mapping[str, int] = state.recall(_HEARD, {})
    for more in (known, on_disk(key, heard)):
        for client, number in more.items():
            found[client] = max(number, found.get(client, 0))
    return found


def unlearn(key: str) -> None:
    """Forgets of a component what could not be written: a tab that is loaded anew does it again.

    Its browser still has it. The session that did it goes by what it has heard itself.
    """
    safe = on_disk(key, state.done_on_disk())
    with _lock:
        clients = _done.get(_place(key), {})
        for client, number in clients.items():
            clients[client] = min(number, safe.get(client, 0))


def on_disk(key: str, done: Mapping[str, int]) -> dict[str, int]:
    """The part of a project's marks that is about one component, by client."""
    start = _name(key, "")
    return {name.removeprefix(start): n for name, n in done.items() if name.startswith(start)}


def sent(key: str) -> Mapping[str, Any]:
    """What a component's browser side sent last: {"client", "ops", …}; empty where that is nothing."""
    value = state.widget(key)
    message = value.get("ops") if isinstance(value, Mapping) else None
    return message if isinstance(message, Mapping) else {}


def sender(key: str) -> str | None:
    """The client that a component's browser side sent as last, None where it sent nothing yet."""
    client = sent(key).get("client")
    return client if isinstance(client, str) and _CLIENT.fullmatch(client) else None


def _acknowledge(key: str, client: str, number: int) -> None:
    with _lock:
        clients = _done.setdefault(_place(key), {})
        clients.pop(client, None)
        clients[client] = number
        while len(clients) > _CLIENTS_KEPT:
            del clients[next(iter(clients))]
        _done.move_to_end(_place(key))
        while len(_done) > _PROJECTS_KEPT:
            _done.popitem(last=False)
    heard = dict(state.recall(_HEARD, {}))
    heard.pop(_name(key, client), None)
    heard[_name(key, client)] = number
    while len(heard) > _MOST_HEARD:
        del heard[next(iter(heard))]
    state.keep(_HEARD, heard)


def _place(key: str) -> tuple[str, str, str]:
    return state.owner(), state.project_id() or "", key


def _name(key: str, client: str) -> str:
    return f"{key}:{client}"


def _is(operation: Operation) -> bool:
    return isinstance(operation.get("op"), str)


def _unseen(key: str) -> list[tuple[float, str, Operation]]:
    """What was sent and nobody carried out yet: moment, client, operation; repeats are left out."""
    client, operations = sender(key), sent(key).get("ops")
    if client is None or not isinstance(operations, list):
        return []
    seen = acknowledged(key).get(client, 0)
    found: list[tuple[float, str, Operation]] = []
    for operation in operations[:_MOST_SENT]:
        number = operation.get("seq") if isinstance(operation, Mapping) else None
        if type(number) is int and seen < number < _LARGEST:
            seen = number
            found.append((_moment(operation), client, operation))
    return found[:_MOST_OPERATIONS]


def _moment(operation: Operation) -> float:
    """When it was done, in the browser's milliseconds; 0 where it does not say."""
    said = operation.get("at_ms", operation.get("at"))
    fine = isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < 1e15
    return float(said) if fine and said is not None else 0.0
