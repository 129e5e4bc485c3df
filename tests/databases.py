"""Looking into a test's database, and letting users into it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg2

SECRET = "s3cr:et@/word"  # noqa: S105 - of a database that lives for one test


def execute(url: str, *statements: str) -> None:
    """Run statements one by one, each in its own transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    """Every row of a query."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def database_url(server: str, database: str) -> str:
    """The URL of another database on the same server."""
    before, _, after = server.partition("@/")
    _, _, query = after.partition("?")
    return f"{before}@/{database}?{query}"


def new_database(server: str) -> str:
    """Make an empty database; give its URL."""
    name = f"test_{uuid4().hex}"
    execute(server, f"CREATE DATABASE {name}")
    return database_url(server, name)


def drop_database(server: str, url: str) -> None:
    """Drop a database of `new_database`, whoever is connected to it."""
    name = url.partition("@/")[2].partition("?")[0]
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def a_user(server: str, name: str, rule: str) -> Iterator[None]:
    """A database user with `SECRET` as password, let in by ``rule`` of ``pg_hba.conf``."""
    hba = Path(rows_of(server, "SHOW hba_file")[0][0])
    before = hba.read_text()
    execute(server, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    hba.write_text(f"local all {name} {rule}\n{before}")
    execute(server, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        hba.write_text(before)
        execute(server, "SELECT pg_reload_conf()", f"DROP ROLE {name}")


def as_user(url: str, name: str, password: str) -> str:
    return url.replace("postgres@", f"{name}:{quote(password, safe='')}@")
