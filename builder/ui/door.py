"""Which requests are answered at all.

Streamlit holds `server.allowedHosts` for its websocket only, so a page under a stranger's name (DNS
rebinding) would still be a page with our cookie; and it opens its metrics to everyone, one family of
which walks through every visitor's session at each call.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

_HEALTH: Final = "/_stcore/health"  # asked by address, not by name, where containers are watched
_METRICS: Final = "/_stcore/metrics"

_OTHER_HOST: Final = PlainTextResponse(
    "This server does not answer to the name in the address bar. Whoever runs it can add the name: "
    "streamlit run app.py --server.allowedHosts NAME\n",
    status_code=421,
)
_CLOSED: Final = PlainTextResponse("Layerwise does not publish its metrics.\n", status_code=404)


class DoorMiddleware:
    """Turns away requests under a host name that is not allowed, and those for the metrics."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = self.app
        if scope["type"] == "http" and not scope["path"].endswith(_HEALTH):
            if not is_host_allowed(Headers(scope=scope).get("host")):
                answer = _OTHER_HOST
            elif _METRICS in scope["path"]:
                answer = _CLOSED
        await answer(scope, receive, send)
