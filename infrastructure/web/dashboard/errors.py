"""Error pages: a problem is answered as a page when a browser asks."""

import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infrastructure.web.dashboard.rendering import page
from infrastructure.web.problems import MEDIA_TYPE

_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json")


class PagesForProblems:
    """Turns problem details into pages for those who take HTML; programs are given them as is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _is_for_people(scope):
            await self._app(scope, receive, send)
            return
        begun: Message | None = None
        body = bytearray()

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                    begun = message
                    return
            elif begun is not None and message["type"] == "http.response.body":
                # A problem is a few thousand characters at most.
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    await _answer(scope, receive, send, begun, bytes(body))
                return
            await send(message)

        await self._app(scope, receive, sending)


def _is_for_people(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and not scope["path"].startswith(_FOR_PROGRAMS)
        and "text/html" in Headers(scope=scope).get("accept", "")
    )


async def _answer(scope: Scope, receive: Receive, send: Send, begun: Message, body: bytes) -> None:
    problem = json.loads(body)
    answer = page("error.html", status=begun["status"], problem=problem, here="")
    for name, value in Headers(raw=begun["headers"]).items():
        if name not in {"content-type", "content-length"}:
            answer.headers[name] = value
    await answer(scope, receive, send)
