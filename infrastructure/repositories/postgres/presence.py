"""Which runs are at work now: each has an advisory lock for as long as a process of it lives."""

from contextlib import suppress

import psycopg2
from psycopg2.extensions import connection

from infrastructure.repositories.postgres.connections import Server

_KEY = "hashtextextended({run_id}, 7204163518)"

_LOCK = f"SELECT pg_advisory_lock_shared({_KEY.format(run_id='%s')})"

AT_WORK = f"""
    EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND objsubid = 1 AND datname = current_database()
            AND (classid::bigint << 32) | objid::bigint = {_KEY.format(run_id="runs.run_id")}
    )
"""
"""Tells of a row of ``runs`` whether the run is at work. (A key of 64 bits is shown in halves.)"""


class Presence:
    """Shows other processes that a run is at work, on a connection of its own.

    The server ends it with the connection, whichever way this process ends. A connection that
    breaks under a run is not replaced: the run goes on, and only its presence is no longer seen.
    Used by one thread.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._run_id: str | None = None
        self._connection: connection | None = None

    def show(self, run_id: str) -> None:
        """Show that the run is at work, here and perhaps elsewhere too.

        Raises `RepositoryUnavailable`; psycopg2's errors pass through.
        """
        if self._run_id == run_id:
            return
        self.end()
        self._connection = self._server.connect()
        self._connection.autocommit = True
        with self._connection.cursor() as statements:
            statements.execute(_LOCK, (run_id,))
        self._run_id = run_id

    def end(self) -> None:
        """Be at work on nothing."""
        if self._connection is not None:
            # The server takes a moment to notice that a connection is closed. One that is broken
            # holds no lock.
            with suppress(psycopg2.Error), self._connection.cursor() as statements:
                statements.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection = self._run_id = None
