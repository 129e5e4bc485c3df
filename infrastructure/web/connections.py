"""Connections of clients: how many there may be, and how long one may keep us waiting.

uvicorn has a limit for connections that are idle between two requests, and none for those that send
or take a byte a second. Everything here runs in the event loop.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from infrastructure.web.guards import HEADERS
from infrastructure.web.problems import problem

IDLE_SECONDS = 30
"""A client that keeps its connection may wait so long until it asks again."""

_GRACE_SECONDS = 10
"""How long a request that is being answered at the end has left."""

_MOST_HEAD_BYTES = 64 * 1024
"""So long the line and the headers of a request may be, and what comes with their last part."""

_SWEEP_SECONDS = 1.0

# A problem says itself that it is not to be kept.
_HEADERS = {name: value for name, value in HEADERS.items() if name != "cache-control"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What a connection may cost, and how many (``most``) there may be at the same time.

    A client has ``request_seconds`` to send the head of a request, and `IDLE_SECONDS` before that
    unless it has just come. What is written and not taken may stand still no longer than
    ``stall_seconds``; a client that takes less than ``least_bytes_per_second`` stands still.
    """

    most: int = 2000
    request_seconds: float = 20
    stall_seconds: float = 30
    least_bytes_per_second: int = 1024


_DEFAULT_LIMITS = ConnectionLimits()


class Connection(HttpToolsProtocol):
    """A connection that its client cannot hold for ever. Made by uvicorn.

    When there are as many as there may be, a new one takes the place of the one that has been
    waiting for a request for longest; only if all are being answered it is told to come again. A
    head of a request without an end is refused: the parser has no limit of its own.
    """

    limits = _DEFAULT_LIMITS
    _is_in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._request_until = monotonic() + self.limits.request_seconds
        self._unsent: tuple[float, int] | None = None
        if len(self.connections) > self.limits.most and not self._make_room():
            self.app = cast("Any", _refuse)

    def data_received(self, data: bytes) -> None:
        """Read on, unless there are too many headers."""
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES + len(data):
                self.send_400_response("The headers of the request are too long.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Have the request answered; its body may follow.

        Raises `ValueError`, which the parser takes for a broken request, for what it lets through:
        not exactly one host (RFC 9112, 3.2), a body that is packed on its way (6.1), and one that
        says in two ways how long it is (6.3), which it finds out only when an answer is due.
        """
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() != "1.0"):
            raise ValueError("not exactly one host")
        encodings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if any(value.strip().lower() != b"chunked" for value in encodings):
            raise ValueError("an unknown transfer encoding")
        if encodings and any(name == b"content-length" for name, _ in self.headers):
            raise ValueError("two lengths")
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note the end of a request, which may have been answered before its body came."""
        self._is_in_head, self._head_bytes = True, 0
        super().on_message_complete()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        cycle: Any = self.cycle  # declared as if there always were one
        return cycle is None or cycle.response_complete

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._request_until = monotonic() + IDLE_SECONDS + self.limits.request_seconds
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Note that the client has taken most of what was written."""
        self._unsent = None
        super().resume_writing()

    def look_after(self, now: float) -> None:
        """Cut the connection off when its client has kept us waiting for too long."""
        if self._stands_still(now):
            self.transport.abort()
        elif self._request_until <= now and self.is_waiting and not self.transport.is_closing():
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a client may offer another protocol, and need not be given it."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as every other error is, unless another answer is due."""
        cycle: Any = self.cycle
        if cycle is None or (cycle.response_complete and self._is_in_head):
            refusal = problem(400, "This is no HTTP.", reason="bad_request", headers=_HEADERS)
            head = [*refusal.raw_headers, (b"connection", b"close")]
            lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(field) for field in head), b"", b""]
            self.transport.write(b"\r\n".join(lines) + bytes(refusal.body))
        self.transport.close()

    def _make_room(self) -> bool:
        """Close the connection that has been waiting for longest, if one is."""
        waiting = [
            other
            for other in cast("Iterable[Connection]", self.connections)
            if other is not self and other.is_waiting and not other.transport.is_closing()
        ]
        if not waiting:
            return False
        min(waiting, key=lambda other: other._request_until).transport.close()
        return True

    def _stands_still(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if not unsent:
            self._unsent = None
        elif self._unsent is None:
            self._unsent = now, unsent
        elif now - self._unsent[0] >= self.limits.stall_seconds:
            taken = self._unsent[1] - unsent
            self._unsent = now, unsent
            return taken < self.limits.stall_seconds * self.limits.least_bytes_per_second
        return False


class Server(uvicorn.Server):
    """Looks after its connections about once a second, and ends like a program that was asked to.

    ``when_up`` is called once it answers.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: ConnectionLimits = _DEFAULT_LIMITS,
        *,
        when_up: Callable[[], object] = lambda: None,
    ) -> None:
        class Limited(Connection):
            pass

        Limited.limits = limits
        super().__init__(
            uvicorn.Config(
                app,
                http=Limited,
                loop="uvloop",
                ws="none",
                # Ours are configured already; addresses with what was searched for are not logged.
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                timeout_graceful_shutdown=_GRACE_SECONDS,
                timeout_keep_alive=IDLE_SECONDS,
            )
        )
        self._when_up = when_up
        self._swept = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, but not to raise it again at the end as uvicorn would: we end well."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._when_up()

    async def on_tick(self, counter: int) -> bool:
        """Do what is to be done now and then; whether the server is to end."""
        now = monotonic()
        if now - self._swept >= _SWEEP_SECONDS:
            self._swept = now
            for each in cast("list[Connection]", list(self.server_state.connections)):
                each.look_after(now)
        return await super().on_tick(counter)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request on a connection too many."""
    headers = {**_HEADERS, "Connection": "close", "Retry-After": "10"}
    refusal = problem(
        429,
        "The server has as many connections as it takes: try again in 10 s.",
        reason="too_many_connections",
        headers=headers,
    )
    await refusal(scope, receive, send)
