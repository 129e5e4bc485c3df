"""Another writer, which locks titles in an order that ends in deadlocks with the program.

``python -m tests.faults.other_writer URL``; says ``ready``, ends when its input does, and says then
how often it was the one to give way.
"""

import sys
import threading
from collections.abc import Sequence

import psycopg2
from psycopg2.extensions import cursor

ROUNDS = 3
"""Won by this writer: after each the program saves halves of its batch by themselves."""

_WAITING = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
_LOCK = "SELECT 1 FROM titles WHERE imdb_id = %s FOR UPDATE"


def main(url: str) -> None:
    """Deadlock with whoever locks several titles in the order of their ids, as the program does."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
    connection = psycopg2.connect(url)
    won = lost = 0
    with connection.cursor() as statements:
        # The program looks for a deadlock after a second, and so it is the one that gives way.
        statements.execute("SET deadlock_timeout = '30s'")
        statements.execute("SELECT imdb_id FROM titles ORDER BY imdb_id DESC")
        ids = [row[0] for row in statements.fetchall()]
        connection.commit()
        _say("ready")
        while won < ROUNDS and not over.is_set():
            try:
                _lock(ids, statements, over)
                connection.commit()
                won += 1
            except psycopg2.errors.DeadlockDetected:
                connection.rollback()
                lost += 1
    connection.close()
    _say(str(lost))


def _lock(ids: Sequence[str], statements: cursor, over: threading.Event) -> None:
    """Lock the last title, which is the last of its batch, and the others once that is waited for.

    Whoever waits for the last title of a batch has locked the others.
    """
    last, *others = ids
    statements.execute(_LOCK, (last,))
    statements.execute(_WAITING)
    while not statements.rowcount and not over.wait(0.01):
        statements.execute(_WAITING)
    for imdb_id in others:
        statements.execute(_LOCK, (imdb_id,))


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
