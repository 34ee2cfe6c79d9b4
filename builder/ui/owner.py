"""Who is at the browser: a long random token in a cookie, and the headers every answer carries.

There are no accounts. The cookie is what finds a person's projects, uploads and runs again after a
reload, in another tab and after a restart of the server; whoever holds it is that person. So a page's
script never prints it, JavaScript cannot read it, and it is checked before it becomes part of a path.
"""

from __future__ import annotations

import re
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = "layerwise_owner"
_TOKEN_BYTES: Final = 32  # 256 bits: nobody guesses one
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # what token_urlsafe(32) always looks like
_TEN_YEARS_SECONDS: Final = 10 * 365 * 24 * 3600  # browsers shorten it to about 400 days

# What a browser may do with our pages. Streamlit's front end needs inline styles, workers and wasm,
# so a full content policy would be an empty one; these four break nothing and close real doors.
_SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
}


def new_token() -> str:
    """A fresh owner token: 43 characters, URL-safe, from the system's random source."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def is_token(text: object) -> bool:
    """Whether a text could be one of our tokens: never a path, never a surprise in a file name."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


class OwnerMiddleware:
    """Sets the owner cookie on the page itself, and the security headers on every answer.

    The HTML answer sets the cookie, and the websocket handshake that follows carries it: it is there
    in the first script run. A request for a file (fonts, scripts) sets nothing, or two requests in
    flight on a first visit would give one person two names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = is_token(_cookie(headers.get("cookie", "")))
        secure = _came_by_https(scope, headers)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    answer.setdefault(name, value)
                if not known and answer.get("content-type", "").startswith("text/html"):
                    answer.append("Set-Cookie", _set_cookie(new_token(), secure))
                    answer["Cache-Control"] = "no-store"  # a cached page would hand out one name
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _set_cookie(token: str, secure: bool) -> str:
    parts = [f"{COOKIE}={token}", "Path=/", f"Max-Age={_TEN_YEARS_SECONDS}", "HttpOnly"]
    return "; ".join([*parts, "SameSite=Lax", *(["Secure"] if secure else [])])


def _came_by_https(scope: Scope, headers: Headers) -> bool:
    forwarded = headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    return bool(scope.get("scheme") == "https" or forwarded == "https")
