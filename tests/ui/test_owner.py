"""The owner cookie and the headers: what a browser gets, and what is never accepted."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from builder.ui.owner import COOKIE, OwnerMiddleware, is_token, new_token
from tests.ui.asgi import run_apart


def answer(
    cookie: str | None = None, kind: bytes = b"text/html; charset=utf-8", **scope: Any
) -> dict[str, list[str]]:
    """The headers of one answer that passed the middleware."""
    sent: list[Message] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello"})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    given = [(b"cookie", cookie.encode("latin-1"))] if cookie is not None else []
    given += scope.pop("headers", [])
    full = {"type": "http", "path": "/", "method": "GET", "headers": given, **scope}
    run_apart(OwnerMiddleware(page)(full, receive, send))
    found: dict[str, list[str]] = {}
    for name, value in sent[0]["headers"]:
        found.setdefault(name.decode(), []).append(value.decode())
    return found


def test_a_first_visit_gets_a_long_name_no_script_can_read() -> None:
    [cookie] = answer()["set-cookie"]
    name, _, rest = cookie.partition("=")
    assert name == COOKIE and is_token(rest.split(";")[0])
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie


def test_two_visitors_never_share_a_name() -> None:
    assert len({answer()["set-cookie"][0] for _ in range(50)}) == 50


def test_a_known_visitor_keeps_the_name() -> None:
    assert "set-cookie" not in answer(f"{COOKIE}={new_token()}")


def test_only_the_page_itself_gives_a_name() -> None:
    assert "set-cookie" not in answer(kind=b"application/javascript")


@pytest.mark.parametrize(
    "scope",
    [{"scheme": "https"}, {"headers": [(b"x-forwarded-proto", b"https")]}],
    ids=["direct", "behind a proxy"],
)
def test_over_https_the_cookie_is_secure(scope: dict[str, Any]) -> None:
    assert answer(**scope)["set-cookie"][0].endswith("; Secure")


@pytest.mark.parametrize(
    "value", ["../../etc/passwd", "", "x", "a" * 44, "a" * 42 + "/", "a" * 42 + "\n", 'é"; drop']
)
def test_a_name_that_is_none_of_ours_is_replaced(value: str) -> None:
    assert not is_token(value)
    assert "set-cookie" in answer(f"{COOKIE}={value}".replace("\n", ""))


def test_every_answer_carries_the_security_headers() -> None:
    headers = answer(kind=b"image/png")
    assert headers["x-content-type-options"] == ["nosniff"]
    assert headers["referrer-policy"] == ["same-origin"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"][0]


def test_a_websocket_passes_untouched() -> None:
    seen: list[Scope] = []

    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Scope = {"type": "websocket", "headers": []}
    run_apart(OwnerMiddleware(socket)(scope, None, None))  # type: ignore[arg-type]
    assert seen == [scope]
