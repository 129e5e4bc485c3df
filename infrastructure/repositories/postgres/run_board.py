"""What the copies of a server tell each other of the run that one of them does itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from psycopg2.extensions import cursor

from application.run_progress import RunProgress
from domain.errors import AnotherRunAtWork
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.presence import Presence, shown
from infrastructure.repositories.postgres.transactions import Transactions

SILENCE_SECONDS = 15
"""A copy that has said nothing for so long counts as cut off."""

# One that has died is known by its presence at once.
_LIVES = f"""
    (served_runs.heard_at > now() - interval '{SILENCE_SECONDS} s'
        AND {shown("served_runs.token")})
"""

_TAKE = f"""
    INSERT INTO served_runs (token) VALUES (%(token)s)
    ON CONFLICT (slot) DO UPDATE SET token = excluded.token, heard_at = now(), run_id = NULL,
        progress = NULL, is_cancelled = false
    WHERE NOT {_LIVES} OR served_runs.token = excluded.token
"""  # noqa: S608 - built from constants

_TELL = """
    UPDATE served_runs SET heard_at = now(), run_id = %(run_id)s, progress = %(progress)s
    WHERE token = %(token)s RETURNING is_cancelled
"""

_CANCEL = f"""
    UPDATE served_runs SET is_cancelled = true WHERE run_id = %s AND {_LIVES}
"""  # noqa: S608 - built from constants

_LOOK = f"SELECT progress FROM served_runs WHERE run_id = %s AND {_LIVES}"  # noqa: S608


@contextmanager
def open_run_board(url: str) -> Iterator["PostgresRunBoard"]:
    """Open the board in the database at ``url``. Raises `RepositoryUnavailable`."""
    with open_pool(url, size=2, wait_seconds=10) as pool:
        presence = Presence(pool.server)
        try:
            yield PostgresRunBoard(Transactions(pool), presence)
        finally:
            presence.end()


class PostgresRunBoard:
    """Fulfils `RunBoard`. Each call is one transaction; the database's clock counts."""

    def __init__(self, transactions: Transactions, presence: Presence) -> None:
        self._transactions = transactions
        self._presence = presence

    def take(self, token: str) -> None:
        """Have the one place, unless another copy that lives has it."""

        def take(statements: cursor) -> str | None:
            statements.execute(_TAKE, {"token": token})
            if statements.rowcount:
                return token
            statements.execute("SELECT run_id FROM served_runs")
            row = statements.fetchone()
            raise AnotherRunAtWork(None if row is None else row[0])

        with translated():
            self._presence.show(token)
        try:
            self._transactions.do(take)
        except BaseException:
            self._presence.end()
            raise

    def tell(self, token: str, progress: RunProgress) -> bool:
        """Note how far the run is; False also when the place is somebody else's by now."""
        values = {
            "token": token,
            "run_id": progress.run_id or None,
            "progress": msgspec.json.encode(progress).decode(),
        }

        def tell(statements: cursor) -> bool:
            statements.execute(_TELL, values)
            return statements.fetchone() == (True,)

        with translated():
            self._presence.keep()
        return self._transactions.do(tell)

    def leave(self, token: str) -> None:
        """Clear the place."""
        self._presence.end()
        self._transactions.do(
            lambda statements: statements.execute(
                "DELETE FROM served_runs WHERE token = %s", (token,)
            )
        )

    def cancel(self, run_id: str) -> bool:
        """Note that the run is to end early."""

        def cancel(statements: cursor) -> bool:
            statements.execute(_CANCEL, (run_id,))
            return statements.rowcount > 0

        return self._transactions.do(cancel)

    def look(self, run_id: str) -> RunProgress | None:
        """Give what was told last of a run."""

        def look(statements: cursor) -> RunProgress | None:
            statements.execute(_LOOK, (run_id,))
            row = statements.fetchone()
            return None if row is None else msgspec.convert(row[0], type=RunProgress)

        return self._transactions.do(look)
