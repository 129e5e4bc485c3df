"""Bring a database to the newest version of the schema."""

from pathlib import Path

import psycopg2
from psycopg2.extensions import connection

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.postgres.errors import NAME, translated, unavailable

HEAD = "0001"
"""The newest version of the schema; versions sort as text. A test holds it to the files."""

VERSION_TABLE = "schema_version"
"""Alembic's table under a name of ours, because another program may use Alembic in the database."""

_LOCK_KEY = 7_204_163_518
"""Our key among PostgreSQL's advisory locks: any number will do, the same for every process."""

_LOCK_WAIT = "60s"


def apply_migrations(opened: connection) -> None:
    """Apply what is missing, in one transaction; processes that do this at once go one by one.

    ``opened`` is not in a transaction, before and after. Raises `RepositoryUnavailable`, among
    others when the schema was made by a later version of this program.
    """
    with translated():
        version = _version(opened)
    if version == HEAD:
        return
    _upgrade(opened)


def _version(opened: connection) -> str | None:
    """The schema's version, or ``None`` for a database without one."""
    with opened, opened.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", (VERSION_TABLE,))
        if cursor.fetchone() == (None,):
            return None
        cursor.execute(f"SELECT max(version_num) FROM {VERSION_TABLE}")  # noqa: S608 - a constant
        row = cursor.fetchone()
    version: str | None = row[0] if row else None
    if version is not None and version > HEAD:
        raise RepositoryUnavailable(
            NAME,
            f"the database has schema version {version}, and this program knows up to {HEAD}: "
            "use the version of the program that wrote it, or another database",
        )
    return version


def _upgrade(opened: connection) -> None:
    # Alembic and SQLAlchemy take longer to import than a whole check takes.
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
