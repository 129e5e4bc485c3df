"""Which runs are at work now: each has an advisory lock for as long as a process of it lives."""

import select
import threading
from contextlib import suppress

import psycopg2
from psycopg2.extensions import connection

from infrastructure.repositories.postgres.connections import Server

_KEY = "hashtextextended({run_id}, 7204163518)"

_LOCK = f"SELECT pg_advisory_lock_shared({_KEY.format(run_id='%s')})"


def shown(key: str) -> str:
    """SQL that tells whether a `Presence` shows what an expression of SQL gives."""
    # A key of 64 bits is shown in halves.
    return f"""
    EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND objsubid = 1 AND datname = current_database()
            AND (classid::bigint << 32) | objid::bigint = {_KEY.format(run_id=key)}
    )
    """


AT_WORK = shown("runs.run_id")
"""Tells of a row of ``runs`` whether the run is at work."""


class Presence:
    """Shows other processes that a run is at work, on a connection of its own.

    The server ends it with the connection, whichever way this process ends. A connection that has
    broken under a run (a restarted server) is replaced by `keep`. Any number of threads may call
    it; a lock guards the connection.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._run_id: str | None = None
        self._connection: connection | None = None

    def show(self, run_id: str) -> None:
        """Show that the run is at work, here and perhaps elsewhere too.

        Raises `RepositoryUnavailable`; psycopg2's errors pass through.
        """
        with self._lock:
            if self._run_id != run_id:
                self._end()
                self._run_id = run_id
            self._keep()

    def keep(self) -> None:
        """Show again what is not seen any more; asks the server nothing while all is well.

        Raises as `show` does.
        """
        with self._lock:
            self._keep()

    def end(self) -> None:
        """Be at work on nothing."""
        with self._lock:
            self._end()

    def _keep(self) -> None:
        if self._run_id is None or (self._connection is not None and _lives(self._connection)):
            return
        self._hang_up()
        opened = self._server.connect()
        try:
            opened.autocommit = True
            with opened.cursor() as statements:
                statements.execute(_LOCK, (self._run_id,))
        except BaseException:
            opened.close()
            raise
        self._connection = opened

    def _end(self) -> None:
        self._run_id = None
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            # The server takes a moment to notice that a connection is closed. One that is broken
            # holds no lock.
            with suppress(psycopg2.Error), self._connection.cursor() as statements:
                statements.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection = None


def _lives(idle: connection) -> bool:
    """Whether an idle connection is still there: a server that ends one says so, unasked."""
    if idle.closed:
        return False
    waiting = select.poll()
    waiting.register(idle.fileno(), select.POLLIN)
    if not waiting.poll(0):
        return True
    try:  # word of something else is read by this, and does no harm
        with idle.cursor() as statements:
            statements.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True
