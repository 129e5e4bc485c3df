"""Packs pages on their way to a browser."""

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ANSWERS_OF_PROGRAMS = "/api/"

_LEVEL = 5
"""Half of the time of the highest level, for 2 % more bytes."""


class PackedPages:
    """Packs pages, and the files that they are shown with, for whoever takes gzip.

    Answers of the HTTP API stay as they are: their tags are strong, and name these very bytes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packing = GZipMiddleware(app, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(_ANSWERS_OF_PROGRAMS):
            await self._app(scope, receive, send)
            return

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                _weaken_tag(MutableHeaders(raw=message["headers"]))
            await send(message)

        await self._packing(scope, receive, tagged)


def _weaken_tag(headers: MutableHeaders) -> None:
    """Make the tag of packed bytes weak: a strong one is of one encoding (RFC 9110, 8.8.1)."""
    tag = headers.get("etag", "")
    if tag.startswith('"') and headers.get("content-encoding") == "gzip":
        headers["etag"] = f"W/{tag}"
