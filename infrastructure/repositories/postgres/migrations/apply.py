"""Bring a database to the newest version of the schema."""

from pathlib import Path

import psycopg2
from psycopg2.extensions import connection, cursor

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres.errors import NAME, translated, unavailable
from infrastructure.repositories.postgres.migrations import (
    statements_0001,
    statements_0002,
    statements_0003,
    statements_0004,
    statements_0005,
    statements_0006,
    statements_0007,
    statements_0008,
    statements_0009,
    statements_0010,
    statements_0011,
    statements_0012,
    statements_0013,
    statements_0014,
    statements_0015,
    statements_0016,
)

_VERSIONS = {
    "0001": statements_0001.STATEMENTS,
    "0002": statements_0002.STATEMENTS,
    "0003": statements_0003.STATEMENTS,
    "0004": statements_0004.STATEMENTS,
    "0005": statements_0005.STATEMENTS,
    "0006": statements_0006.STATEMENTS,
    "0007": statements_0007.STATEMENTS,
    "0008": statements_0008.STATEMENTS,
    "0009": statements_0009.STATEMENTS,
    "0010": statements_0010.STATEMENTS,
    "0011": statements_0011.STATEMENTS,
    "0012": statements_0012.STATEMENTS,
    "0013": statements_0013.STATEMENTS,
    "0014": statements_0014.STATEMENTS,
    "0015": statements_0015.STATEMENTS,
    "0016": statements_0016.STATEMENTS,
}
"""The statements of every version, in order; versions sort as text."""

HEAD = max(_VERSIONS)
"""The newest version of the schema. A test holds it to Alembic's scripts."""

VERSION_TABLE = "schema_version"
"""Alembic's table under a name of ours, because another program may use Alembic in the database."""

_CREATE_VERSION_TABLE = f"""
    CREATE TABLE {VERSION_TABLE} (
        version_num varchar(32) NOT NULL,
        CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)
    )
"""
"""As Alembic makes it (alembic.ddl.impl, ``version_table_impl``)."""

_TITLES_REWRITTEN = "0014"

_LOCK_KEY = 7_204_163_518
"""Our key among PostgreSQL's advisory locks: any number will do, the same for every process."""

_LOCK_WAIT = "60s"


def is_new(opened: connection) -> bool:
    """Whether the database has no schema yet, of whichever version; raises as `apply_migrations`.

    ``opened`` is not in a transaction, before and after.
    """
    with translated(), opened, opened.cursor() as cursor:
        return _version(cursor) is None


def apply_migrations(opened: connection) -> None:
    """Apply what is missing, in one transaction; processes that do this at once go one by one.

    A database without a schema gets the statements of all versions at once: Alembic, which upgrades
    one that has an older version, takes longer to load than that. ``opened`` is not in a
    transaction, before and after. Raises `RepositoryUnavailable`, among others when the schema was
    made by a later version of this program.
    """
    with translated():
        with opened, opened.cursor() as cursor:
            version = _version(cursor)
        if version is None:
            version = _create(opened)
    if version != HEAD:
        _upgrade(opened)
        if version is not None and version < _TITLES_REWRITTEN:
            _note_visible_titles(opened)


def _version(statements: cursor) -> str | None:
    """The schema's version, or ``None`` for a database without one."""
    # Not to_regclass: it may go on saying "no" in a session that has asked before, until the next
    # transaction, whatever others have committed.
    statements.execute(
        "SELECT count(*) FROM pg_catalog.pg_tables"
        " WHERE tablename = %s AND schemaname = ANY (current_schemas(false))",
        (VERSION_TABLE,),
    )
    if statements.fetchone() == (0,):
        return None
    statements.execute(f"SELECT max(version_num) FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    row = statements.fetchone()
    version: str | None = row[0] if row else None
    if version is not None and version > HEAD:
        raise RepositoryUnavailable(
            NAME,
            f"the database has schema version {version}, and this program knows up to {HEAD}: "
            "use the version of the program that wrote it, or another database",
        )
    return version


def _create(opened: connection) -> str | None:
    """Make the newest schema, noted as Alembic would; give the version that there is then."""
    with opened, opened.cursor() as statements:
        statements.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
        statements.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        version = _version(statements)
        if version is not None:  # another process has been here while we waited
            return version
        # In one go: after each answer the thread would wait for the interpreter, which the threads
        # that fetch have meanwhile.
        statements.execute(";".join(s for number in sorted(_VERSIONS) for s in _VERSIONS[number]))
        statements.execute(_CREATE_VERSION_TABLE)
        statements.execute(f"INSERT INTO {VERSION_TABLE} VALUES (%s)", (HEAD,))  # noqa: S608
    return HEAD


def _note_visible_titles(opened: connection) -> None:
    """Have PostgreSQL note what all may see: only then an index alone answers who looks through it.

    It would do so by itself when enough has changed, which in an old store may never be. Cannot be
    part of a transaction; when it is interrupted, looking through titles only takes longer.
    """
    opened.autocommit = True
    try:
        with translated(), opened.cursor() as statements:
            statements.execute("VACUUM (ANALYZE) titles")
    finally:
        opened.autocommit = False


def _upgrade(opened: connection) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    config = Config()
    # ConfigParser reads "%" as the start of a reference.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = create_engine("postgresql+psycopg2://", creator=lambda: opened, poolclass=StaticPool)
    try:
        with engine.begin() as sa_connection:
            sa_connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
            sa_connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
            config.attributes.update(connection=sa_connection, version_table=VERSION_TABLE)
            command.upgrade(config, HEAD)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg2.Error):
            raise unavailable(error.orig) from error
        raise
