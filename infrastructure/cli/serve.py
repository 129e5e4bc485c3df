"""The server: the application of the container, run by uvicorn until a signal ends it."""

import asyncio
import resource
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import msgspec
import uvicorn
from rich.console import Console
from rich.text import Text
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from domain.errors import InvalidConfiguration, RepositoryUnavailable
from infrastructure.cli.demo import COMMAND as DEMO
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.interruption import heeded_signals
from infrastructure.cli.report_file import read_failed_run
from infrastructure.cli.runs import written
from infrastructure.cli.shown import shown
from infrastructure.container import has_embedded_database, open_web
from shared.config import Settings, problems_of_serving

_GRACE_SECONDS = 10
"""How long a request that is being answered at the end has left."""

_KEEP_ALIVE_SECONDS = 30
_FIRST_REQUEST_SECONDS = 20
"""So long a connection may take to its first request: they are not free."""

_WAITING_CONNECTIONS = 1024

_MOST_HEAD_BYTES = 64 * 1024
"""So long the line and the headers of a request may be, and what comes with their last part."""


def serve(settings: Settings) -> int:
    """Serve until a signal of `SIGNALS` comes; give the exit status.

    The second signal does not wait for requests that are being answered. Raises
    `InvalidConfiguration` when anybody could read by mistake, or there is no PostgreSQL.
    """
    if problems := problems_of_serving(settings):
        raise InvalidConfiguration(problems)
    settings = _for_demo_data(settings)
    try:
        listener = _listener(settings)
    except OSError as error:
        where = f"{settings.api_host}, port {settings.api_port}"
        sys.stderr.write(f"cannot listen on {where}: {error.strerror} (API_HOST, API_PORT)\n")
        return INCOMPLETE
    with listener:
        try:
            with open_web(
                settings,
                reported=partial(read_failed_run, settings.output_dir),
                when_ended=lambda report: written(report, settings),
            ) as app:
                _run(app, listener)
        except RepositoryUnavailable as error:
            sys.stderr.write(f"{shown(str(error))}\n")
            return INCOMPLETE
    return SAVED


def _for_demo_data(settings: Settings) -> Settings:
    """The settings; those of the demo's data when there is no other yet, so that there is some.

    Not when there are keys, with which runs may be started: what they save is no demo's.
    """
    demo = msgspec.structs.replace(settings, output_dir=settings.output_dir / DEMO)
    if settings.database_url or settings.api_keys or has_embedded_database(settings):
        return settings
    if not has_embedded_database(demo):
        return settings
    _say(f"There is no data in {settings.output_dir} yet: this is the demo's.")
    return demo


def _listener(settings: Settings) -> socket.socket:
    """A socket that listens, made before anything else, so that a port in use is told at once."""
    host = settings.api_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows a connection that should not wait to fill packets (TCP_NODELAY):
    # an answer is written in two parts, and the second would wait 40 ms for the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, settings.api_port))
        listener.listen(_WAITING_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


class _Connection(HttpToolsProtocol):
    """A connection; one that has asked nothing whole in time is closed, so that none is held.

    So is one whose request line and headers have no end: the parser has no limit of its own.
    """

    _is_in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.loop.call_later(_FIRST_REQUEST_SECONDS, self._close_when_silent)

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
        """Have the request answered; its body may follow."""
        self._is_in_head = False
        super().on_headers_complete()

    def _close_when_silent(self) -> None:
        asked: object | None = self.cycle  # declared as if there always were one
        if asked is None and not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Says where it is once it answers, and ends like a program that was asked to."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, but not to raise it again at the end as uvicorn would: we end well."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            shown_host = f"[{host}]" if ":" in host else host
            _say(f"Serving at http://{shown_host}:{port}/ (Ctrl-C ends it).")


def _allow_many_connections() -> None:
    """Let the process open as many files as it may: a connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _run(app: Callable[..., Any], listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http=_Connection,
        loop="uvloop",
        ws="none",
        # Ours are configured already; addresses with what was searched for are not logged.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    server = _Server(config)
    _allow_many_connections()
    before = {number: signal.signal(number, server.handle_exit) for number in heeded_signals()}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    Console(stderr=True).print(Text(line), soft_wrap=True)
