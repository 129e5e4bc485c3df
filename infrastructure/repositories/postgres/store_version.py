"""The version of the store, asked for once a request of the API: without a thread, and together.

A statement for each request would cost more than the answer that it lets us keep. So all who ask
while a statement is on its way share the next one, which then begins after each of them has asked.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_WRITE, connection

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres.connections import Server
from infrastructure.repositories.postgres.errors import NAME, unavailable

STORE_VERSION = """
    SELECT encode(sha256(string_agg(uuid_send(version), '' ORDER BY slot)), 'hex')
    FROM store_versions
"""
"""Another text for another state of what answers are made from (see version 0012 of the schema)."""

# Read and planned once: doing that takes longer than the statement.
_PREPARE = f"PREPARE store_version AS {STORE_VERSION}"
_EXECUTE = "EXECUTE store_version"

_PATIENCE_SECONDS = 2.0
"""So long an answer is waited for, and a connection."""

_PAUSE_SECONDS = 1.0
"""So long nobody tries to connect after it has failed."""


@contextmanager
def open_store_version(url: str) -> Iterator["PostgresStoreVersion"]:
    """Make what asks for the version; it connects when it is first asked, and closes at the end.

    The schema must be up to date. Raises `RepositoryUnavailable` when the URL cannot be read.
    """
    opened = PostgresStoreVersion(Server(url, connect_timeout_seconds=int(_PATIENCE_SECONDS)))
    try:
        yield opened
    finally:
        opened.close()


class PostgresStoreVersion:
    """Fulfils `StoreVersion` over one connection. Used by one event loop, in its thread.

    The connection is made anew after it broke, or did not answer in time.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: connection | None = None
        self._descriptor = -1
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[str]] = []
        self._asked: list[asyncio.Future[str]] = []
        self._statements: Any = None
        self._alarm: asyncio.TimerHandle | None = None
        self._no_try_before = 0.0

    async def current(self) -> str:
        """Give the version that was the newest at some moment after this was called.

        Raises `RepositoryUnavailable` when the server does not say it at once.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        self._waiting.append(answer)
        if self._connection is None:
            self._begin_to_connect(loop)
        elif not self._asked:
            self._ask(loop)
        return await answer

    def close(self) -> None:
        """Close the connection. The loop has ended, or nobody asks any more."""
        opened, self._connection = self._connection, None
        if opened is not None:
            opened.close()

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asked, self._waiting = self._waiting, []
        try:
            self._statements.execute(_EXECUTE)
        except psycopg2.Error as error:
            self._give_up(loop, error)
        else:
            self._alarm = loop.call_later(_PATIENCE_SECONDS, self._too_late, loop)

    def _readable(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take what the server has sent: the answer, a part of it, or that it goes away."""
        assert self._connection is not None  # noqa: S101 - it is only listened to while it is there
        try:
            if self._connection.poll() != POLL_OK or not self._asked:
                return
            ((version,),) = self._statements.fetchall()
        except psycopg2.Error as error:
            self._give_up(loop, error)
            return
        self._silence_alarm()
        asked, self._asked = self._asked, []
        for each in asked:
            if not each.done():  # whoever asked may have gone
                each.set_result(version)
        if self._waiting:
            self._ask(loop)

    def _too_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._give_up(loop, TimeoutError(f"no answer in {_PATIENCE_SECONDS:g} s"))

    def _give_up(self, loop: asyncio.AbstractEventLoop, error: Exception) -> None:
        """Throw the connection away, and tell all who wait."""
        self._silence_alarm()
        opened, self._connection = self._connection, None
        if opened is not None:
            # By its number: a connection that broke does not know its socket any more, and the next
            # one may get the same.
            loop.remove_reader(self._descriptor)
            opened.close()
        waiting = self._asked + self._waiting
        self._asked, self._waiting = [], []
        for each in waiting:
            if not each.done():
                each.set_exception(_explained(error))

    def _silence_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _begin_to_connect(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._connecting is not None:
            return
        if loop.time() < self._no_try_before:
            self._give_up(loop, ConnectionError("the server could not be reached a moment ago"))
            return
        self._connecting = loop.create_task(self._connect(loop))

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect, and ask for all who wait."""
        opened = None
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                # In a thread: a host's name may take long to look up.
                opened = await asyncio.to_thread(self._server.begin_to_connect)
                await _settled(loop, opened)
                self._statements = opened.cursor()
                self._statements.execute(_PREPARE)
                await _settled(loop, opened)
        except (psycopg2.Error, OSError, RepositoryUnavailable) as error:
            if opened is not None:
                opened.close()
            self._no_try_before = loop.time() + _PAUSE_SECONDS
            self._give_up(loop, error)
        else:
            self._connection = opened
            self._descriptor = opened.fileno()
            loop.add_reader(self._descriptor, self._readable, loop)
            if self._waiting:
                self._ask(loop)
        finally:
            self._connecting = None


async def _settled(loop: asyncio.AbstractEventLoop, opened: connection) -> None:
    """Wait until the connection has done what it was given."""
    while (state := opened.poll()) != POLL_OK:
        ready = asyncio.Event()
        descriptor = opened.fileno()
        if state == POLL_WRITE:
            loop.add_writer(descriptor, ready.set)
        else:
            loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(descriptor)
            loop.remove_reader(descriptor)


def _explained(error: Exception) -> RepositoryUnavailable:
    if isinstance(error, RepositoryUnavailable):
        return error
    if isinstance(error, psycopg2.Error):
        return unavailable(error)
    return RepositoryUnavailable(NAME, f"the version of the store: {error}", transient=True)
