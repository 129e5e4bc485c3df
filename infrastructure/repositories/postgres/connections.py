"""Connections to PostgreSQL: how they are made, shared among threads, and thrown away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psycopg2
from psycopg2.extensions import (
    ISOLATION_LEVEL_READ_COMMITTED,
    connection,
    cursor,
    make_dsn,
    parse_dsn,
)

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres.errors import NAME, cannot_connect

_OLDEST_SERVER = 140_000

_DEFAULTS = {
    "application_name": "imdb-title-collector",
    "client_encoding": "UTF8",
    # A server that vanishes without a word is noticed within a minute: while we wait for it by
    # probes (seconds, seconds, probes), and when what we sent stays unacknowledged (milliseconds).
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


# Another program's lock on a table makes an error of it, instead of a program that stands still.
_PATIENCE = "SET LOCAL lock_timeout = '30s'"


class Server:
    """A database by its URL; ``location`` is the URL without its password.

    ``revive`` starts the server anew when it has died, where that is ours to do; any thread may
    call it. Raises `RepositoryUnavailable` when the URL cannot be read; nothing is connected yet.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_seconds: int,
        revive: Callable[[], None] | None = None,
    ) -> None:
        given = read_url(url)
        # What the URL says about a connection goes before what we would say.
        ours = _DEFAULTS | {"connect_timeout": str(connect_timeout_seconds)}
        self._dsn = make_dsn(**(ours | given))
        self.location = _shown_url(given)
        self._revive = revive

    def connect(self) -> connection:
        """Open a connection. Raises `RepositoryUnavailable`, with what to check in the URL."""
        try:
            opened = self._connected()
        except RepositoryUnavailable as error:
            if self._revive is None or not error.transient:
                raise
            self._revive()
            opened = self._connected()
        if opened.server_version < _OLDEST_SERVER:
            version = opened.server_version // 10_000
            opened.close()
            raise RepositoryUnavailable(
                NAME, f"{self.location}: PostgreSQL {version} is too old: 14 or later is needed"
            )
        # Explicit, because a server may have another default.
        opened.isolation_level = ISOLATION_LEVEL_READ_COMMITTED
        return opened

    def begin_to_connect(self) -> connection:
        """Begin to open a connection that never waits: its ``poll`` says what it waits for.

        May take long to look up the host's name. Raises `RepositoryUnavailable`.
        """
        try:
            return psycopg2.connect(self._dsn, async_=1)
        except psycopg2.Error as error:
            raise cannot_connect(error, self.location) from error

    def _connected(self) -> connection:
        try:
            return psycopg2.connect(self._dsn)
        except psycopg2.Error as error:
            raise cannot_connect(error, self.location) from error


def read_url(url: str) -> dict[str, str]:
    """The parts of a URL of PostgreSQL, by libpq's names of them.

    Raises `RepositoryUnavailable`, without any part of a password, when it cannot be read.
    """
    try:
        given: dict[str, str] = parse_dsn(url)
    except psycopg2.Error:
        given = {}
    if not url.startswith(("postgresql://", "postgres://")) or not _is_plausible(given):
        # Not "from error": libpq quotes the part that it cannot read, which may be the password.
        raise RepositoryUnavailable(
            NAME,
            "DATABASE_URL is not a PostgreSQL URL: write postgresql://user:password@host:port/name "
            "with @ : / ? # % in the password as %40 %3A %2F %3F %23 %25, and after a ? only what "
            "PostgreSQL's own programs take there",
        )
    return given


def _is_plausible(given: dict[str, str]) -> bool:
    """Whether no part of a password seems to have got into the host, the port or the name.

    libpq takes the first "@" for the end of the password, and the first "/" for the end of all.
    """
    ports = given.get("port", "").split(",")
    return (
        bool(given)
        and "@" not in given.get("host", "") + given.get("dbname", "")
        and all(port == "" or port.isdecimal() for port in ports)
    )


def _shown_url(given: dict[str, str]) -> str:
    user = quote(given.get("user", ""), safe="")
    host, port = given.get("host", ""), given.get("port", "")
    name = quote(given.get("dbname", ""), safe="")
    before = f"postgresql://{user}@" if user else "postgresql://"
    if host.startswith("/"):
        where = urlencode({"host": host} | ({"port": port} if port else {}), safe="/")
        return f"{before}/{name}?{where}"
    shown_host = f"[{host}]" if ":" in host else host
    return f"{before}{shown_host}{':' + port if port else ''}/{name}"


class ConnectionPool:
    """Connections to a ``server`` for any number of threads, at most ``size`` at a time.

    Not `psycopg2.pool`: `ThreadedConnectionPool` fails instead of waiting when all connections are
    lent, and closes those above its minimum at each return.
    """

    def __init__(self, server: Server, *, size: int, wait_seconds: float) -> None:
        self.server = server
        self._size = size
        self._wait_seconds = wait_seconds
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[connection] = []

    @contextmanager
    def transaction(self) -> Iterator[cursor]:
        """One transaction on a connection of its own: committed at the end, undone on an error.

        Waits at most ``wait_seconds`` for a free connection. Raises `RepositoryUnavailable` when
        none gets free or none can be opened; psycopg2's errors pass through.
        """
        with self._borrowed() as borrowed:
            borrowed.autocommit = False
            with borrowed, borrowed.cursor() as statements:
                statements.execute(_PATIENCE)
                yield statements

    @contextmanager
    def questions(self) -> Iterator[cursor]:
        """A cursor for which each message to the server is a transaction of its own.

        It saves the ways to the server and back that begin and end a transaction. Whoever asks
        says in each message how long it may wait for a lock. Waits and raises as `transaction`.
        """
        with self._borrowed() as borrowed:
            borrowed.autocommit = True
            with borrowed.cursor() as statements:
                yield statements

    @contextmanager
    def stream(self, itersize: int) -> Iterator[cursor]:
        """A cursor whose rows stay on the server and arrive ``itersize`` at a time."""
        with self._borrowed() as borrowed:
            borrowed.autocommit = False
            with borrowed, borrowed.cursor("stream") as statements:
                with borrowed.cursor() as before:
                    before.execute(_PATIENCE)
                statements.itersize = itersize
                yield statements

    def close(self) -> None:
        """Close the idle connections; nobody may use the pool any more."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _borrowed(self) -> Iterator[connection]:
        if not self._free.acquire(timeout=self._wait_seconds):
            raise RepositoryUnavailable(
                NAME,
                f"none of the {self._size} connections got free in {self._wait_seconds:g} s",
                transient=True,
            )
        try:
            borrowed = self._take()
            try:
                yield borrowed
            finally:
                self._give_back(borrowed)
        finally:
            self._free.release()

    def _take(self) -> connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self.server.connect()

    def _give_back(self, borrowed: connection) -> None:
        if borrowed.closed:
            # It broke: the server went away, and with it the other connections.
            self.close()
        else:
            self._idle.append(borrowed)
