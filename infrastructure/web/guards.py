"""What stands before every route: headers of answers, and limits on requests.

Plain ASGI, so that streams pass through as they are. Everything here runs in the event loop.
"""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infrastructure.web.problems import problem

MOST_BODY_BYTES = 64 * 1024
"""The largest body of a request; ours have a hundred bytes."""

_MOST_DISCARDED_BYTES = 16 * 1024 * 1024
"""So much of a body that was refused is read all the same, so that its client reads the answer."""

_BODY_SECONDS = 20
"""So long a client may take to send its body."""

_MOST_ADDRESS_BYTES = 8 * 1024
_MOST_PARAMETERS = 100
_MOST_HEADER_BYTES = 32 * 1024
_MOST_HEADERS = 100

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""What an answer says unless its route says otherwise."""

_UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by those who watch the server, who must not be turned away."""


class SafeHeaders:
    """Puts `HEADERS` on every answer that does not have its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)


class LocalHosts:
    """Refuses requests for other hosts' names, for a server that only this machine is to reach.

    A page from elsewhere could else have its own name point here, and read what we answer (DNS
    rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not _is_local(Headers(scope=scope).get("host", "")):
            refusal = problem(
                421,
                "This server answers on this machine only, as localhost or 127.0.0.1; for any "
                "other name set API_HOST.",
                reason="misdirected_request",
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Readable:
    """Refuses heads of requests that are too long, or can be read in two ways.

    An address must be text in UTF-8 without control characters.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal_of_address(scope) or _refusal_of_headers(scope)
        await (refusal or self._app)(scope, receive, send)


def _refusal_of_address(scope: Scope) -> Response | None:
    path, query = scope.get("raw_path") or b"", scope["query_string"]
    if len(path) + len(query) > _MOST_ADDRESS_BYTES:
        return problem(
            414,
            f"The address has more than {_MOST_ADDRESS_BYTES:,} bytes.",
            reason="uri_too_long",
        )
    if query.count(b"&") >= _MOST_PARAMETERS:
        return problem(
            400, f"There are more than {_MOST_PARAMETERS} parameters.", reason="bad_request"
        )
    if not (_is_text(path) and _is_text(query)):
        return problem(
            400,
            "The address must be text in UTF-8, percent-encoded, without control characters.",
            reason="bad_request",
        )
    return None


def _refusal_of_headers(scope: Scope) -> Response | None:
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if size > _MOST_HEADER_BYTES or len(headers) > _MOST_HEADERS:
        return problem(
            431,
            f"There are more than {_MOST_HEADERS} headers, or {_MOST_HEADER_BYTES:,} bytes.",
            reason="request_header_fields_too_large",
        )
    names = {name for name, _ in headers}
    if b"transfer-encoding" in names and b"content-length" in names:
        # A proxy before us may have taken the other one for the end of the request.
        return problem(
            400,
            "A request has a Content-Length or a Transfer-Encoding, not both.",
            reason="bad_request",
            headers={"Connection": "close"},
        )
    return None


class BodyLimit:
    """Takes the body of a request before its route sees it, and refuses one that is too large.

    Also one that does not say how large it is, and one that does not arrive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        declared = headers.get("content-length", "0")
        if "transfer-encoding" not in headers and declared == "0":
            await self._app(scope, receive, send)
            return
        body: bytes | None = None
        with anyio.move_on_after(_BODY_SECONDS) as patience:
            if not declared.isdecimal() or int(declared[:20]) <= MOST_BODY_BYTES:
                body = await _body(receive)
        if body is not None:
            await self._app(scope, _replaying(body, receive), send)
        elif patience.cancelled_caught:
            refusal = problem(
                408,
                "The body did not arrive in time.",
                reason="request_timeout",
                headers={"Connection": "close"},
            )
            await refusal(scope, receive, send)
        else:
            refusal = problem(
                413,
                f"The body has more than {MOST_BODY_BYTES:,} bytes.",
                reason="content_too_large",
                headers={"Connection": "close"},
            )
            if "expect" in headers:  # it sends nothing before it is told to
                await refusal(scope, receive, send)
            else:
                await _answer_and_discard(refusal, receive, send)


async def _answer_and_discard(refusal: Response, receive: Receive, send: Send) -> None:
    """Answer at once, and take what the client is still sending before the connection is closed.

    Closed while something is on its way, it would be reset, and the answer lost with it.
    """
    head = {"status": refusal.status_code, "headers": refusal.raw_headers}
    await send({"type": "http.response.start", **head})
    await send({"type": "http.response.body", "body": bytes(refusal.body), "more_body": True})
    left = _MOST_DISCARDED_BYTES
    with anyio.move_on_after(_BODY_SECONDS):
        while left > 0:
            message = await receive()
            if not message.get("more_body", False):
                break
            left -= len(message["body"])
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class RateLimit:
    """Refuses a client that asks too often, and says when it may ask again.

    ``wait_seconds`` counts a request of a client and gives 0, or how long to wait.
    """

    def __init__(self, app: ASGIApp, wait_seconds: Callable[[str], float]) -> None:
        self._app = app
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"] not in _UNLIMITED:
            seconds = self._wait_seconds(_client(scope))
            if seconds > 0:
                whole = int(seconds) + 1
                refusal = problem(
                    429,
                    f"Too many requests: wait {whole} s (API_REQUESTS_PER_MINUTE).",
                    reason="too_many_requests",
                    headers={"Retry-After": str(whole)},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _client(scope: Scope) -> str:
    """Who asks: an address, or of IPv6 the network of one (a client has as many as it likes)."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


@lru_cache(maxsize=256)
def _is_local(host: str) -> bool:
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_text(encoded: bytes) -> bool:
    try:
        text = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return False
    return all(character >= " " and character != "\x7f" for character in text)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or ``None`` when it is too large; what has come when the client goes away."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BODY_BYTES:
            return None
        parts.append(part)
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Give the body once, then whatever comes after it."""
    is_given = False

    async def replay() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
