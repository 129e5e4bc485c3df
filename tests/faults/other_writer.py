"""Another writer, which locks titles in an order that ends in deadlocks with the program.

``python -m tests.faults.other_writer URL``; says ``ready``, and ends when its input does.
"""

import sys
import threading

import psycopg2

DEADLOCKS = 3
"""So many rounds: the program halves a batch at each, and they take a while."""

_WAITING = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
_LOCK = "SELECT 1 FROM titles WHERE imdb_id = %s FOR UPDATE"


def main(url: str) -> None:
    """Deadlock with whoever locks several titles in the order of their ids, as the program does.

    A round locks the last title, which is the last of any batch that it is in, waits until somebody
    who holds the others of the batch waits for it, and locks those others.
    """
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT imdb_id FROM titles ORDER BY imdb_id DESC")
        last, *others = [row[0] for row in cursor.fetchall()]
        connection.commit()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in range(DEADLOCKS):
            cursor.execute(_LOCK, (last,))
            cursor.execute(_WAITING)
            while not cursor.rowcount and not over.wait(0.01):
                cursor.execute(_WAITING)
            try:
                for imdb_id in others:
                    cursor.execute(_LOCK, (imdb_id,))
                connection.commit()
            except psycopg2.errors.DeadlockDetected:
                connection.rollback()
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
