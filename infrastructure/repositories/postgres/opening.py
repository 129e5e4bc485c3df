"""How the database is opened, by whatever asks it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from infrastructure.repositories.postgres.connections import ConnectionPool, Server
from infrastructure.repositories.postgres.migrations import apply_migrations


@contextmanager
def open_pool(
    url: str,
    *,
    size: int,
    wait_seconds: float,
    connect_timeout_seconds: int = 5,
    revive: Callable[[], None] | None = None,
) -> Iterator[ConnectionPool]:
    """Bring the schema up to date, then give at most ``size`` connections to share among threads.

    A thread that finds all of them in use waits at most ``wait_seconds``. ``revive`` is called when
    the server cannot be reached, and starts it anew if it is ours. Leaving it closes the
    connections. Raises `RepositoryUnavailable`, with what to check in the URL.
    """
    server = Server(url, connect_timeout_seconds=connect_timeout_seconds, revive=revive)
    with closing(server.connect()) as connection:
        apply_migrations(connection)
    with closing(ConnectionPool(server, size=size, wait_seconds=wait_seconds)) as pool:
        yield pool
