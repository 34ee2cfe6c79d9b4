"""Which requests are answered at all: by host name, and never the metrics."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from builder.ui.door import DoorMiddleware
from tests.ui.asgi import run_apart


def visit(path: str = "/", host: str = "localhost") -> tuple[int, str]:
    """Status and body of the answer to a request under a host name."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    headers = [(b"host", host.encode())] if host else []
    scope = {"type": "http", "path": path, "method": "GET", "headers": headers}
    door = DoorMiddleware(PlainTextResponse("page"))
    run_apart(door(scope, receive, send))
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize("host", ["localhost", "localhost:8501", "127.0.0.1:8501", "[::1]:8501"])
def test_the_names_of_this_machine_are_answered(host: str) -> None:
    assert visit(host=host) == (200, "page")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil", ""])
def test_a_strangers_name_gets_no_page(host: str) -> None:
    status, said = visit(host=host)
    assert status == 421 and "--server.allowedHosts" in said


def test_health_is_answered_under_any_name() -> None:
    assert visit("/_stcore/health", "10.0.0.7") == (200, "page")


def test_the_metrics_are_closed() -> None:
    assert visit("/_stcore/metrics")[0] == 404
