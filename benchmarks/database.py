"""Empty databases on a PostgreSQL that is already running."""

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """Make an empty database on the server, give its URL, and drop it at the end of the block."""
    name = sql.Identifier(f"benchmark_{uuid.uuid4().hex}")
    # With the checkpoint done, none falls due because of this in the middle of a measurement.
    _execute(server_url, sql.SQL("CREATE DATABASE {}").format(name), sql.SQL("CHECKPOINT"))
    try:
        yield urlsplit(server_url)._replace(path=f"/{name.string}").geturl()
    finally:
        _execute(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _execute(server_url: str, *statements: sql.Composable) -> None:
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True  # PostgreSQL makes no database inside a transaction
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
