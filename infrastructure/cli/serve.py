"""The server: the application of the container, run by uvicorn until a signal ends it."""

import resource
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console
from rich.text import Text

from domain.errors import InvalidConfiguration, RepositoryUnavailable
from infrastructure.cli.demo import COMMAND as DEMO
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.interruption import heeded_signals
from infrastructure.cli.report_file import read_failed_run
from infrastructure.cli.runs import written
from infrastructure.cli.shown import shown
from infrastructure.container import has_embedded_database, open_web, web_server
from shared.config import Settings, problems_of_serving

if TYPE_CHECKING:
    from fastapi import FastAPI

_WAITING_CONNECTIONS = 1024

_MOST_CONNECTIONS = 2000
"""Of clients at the same time, where so many files may be open."""

_OTHER_FILES = 200
"""Open files besides the connections of clients: of databases, sources, and what is loaded."""

_FEWEST_CONNECTIONS = 50


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


def _most_connections() -> int:
    """Let the process open as many files as it may, and leave some of them to all but clients."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(_MOST_CONNECTIONS, max(most - _OTHER_FILES, _FEWEST_CONNECTIONS))


def _run(app: "FastAPI", listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown_host = f"[{host}]" if ":" in host else host
    server = web_server(
        app,
        connections=_most_connections(),
        when_up=lambda: _say(f"Serving at http://{shown_host}:{port}/ (Ctrl-C ends it)."),
    )
    before = {number: signal.signal(number, server.handle_exit) for number in heeded_signals()}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    Console(stderr=True).print(Text(line), soft_wrap=True)
