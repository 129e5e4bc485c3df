"""The HTTP API over real HTTP on loopback, in this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from infrastructure.container import open_web
from infrastructure.web import Server
from shared.config import Settings
from shared.setting_values import DatabaseUrl


@contextmanager
def api_client(url: str, settings: Settings | None = None) -> Iterator[httpx.Client]:
    """A client of the application over the database at ``url``."""
    given = msgspec.structs.replace(settings or Settings(), database_url=DatabaseUrl(url))
    with open_web(given) as app, serving_app(app) as address, httpx.Client(base_url=address) as c:
        yield c


@contextmanager
def serving_app(app: Any) -> Iterator[str]:
    """Serve an application until the end of the block; gives its address."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    is_up = threading.Event()

    server = Server(app, when_up=is_up.set)
    with listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert is_up.wait(timeout=60)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
