"""What psycopg2's errors mean to the project: `RepositoryUnavailable`, with what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import psycopg2
from psycopg2 import errors as pg

from domain.errors import RepositoryUnavailable

NAME = "postgres"
"""The repository's name in settings, reports and errors."""


class _Hope(Enum):
    """Whether trying again can help."""

    NEVER = auto()
    LATER = auto()
    """When it has worked before: what is the matter has come, and may go."""
    SOON = auto()


_NEVER, _LATER, _SOON = _Hope.NEVER, _Hope.LATER, _Hope.SOON

# The server gives no SQLSTATE to a client that it has not let in, so libpq's words decide. The
# first match counts: (words, hope, what to do).
_WHEN_CONNECTING = (
    ("Connection refused", _SOON, "is PostgreSQL running there? See DATABASE_URL"),
    ("No such file or directory", _SOON, "is PostgreSQL running there? See DATABASE_URL"),
    ("timeout expired", _SOON, "is the host right, and reachable? See DATABASE_URL"),
    ("No route to host", _SOON, "is the host right, and reachable? See DATABASE_URL"),
    ("Network is unreachable", _SOON, "is the host right, and reachable? See DATABASE_URL"),
    ("Connection reset", _SOON, "try again in a moment"),
    ("closed unexpectedly", _SOON, "try again in a moment"),
    ("is starting up", _SOON, "try again in a moment"),
    ("is shutting down", _SOON, "try again when it is back"),
    ("in recovery mode", _SOON, "try again in a moment"),
    ("too many clients", _SOON, "other programs use all of its connections"),
    ("remaining connection slots", _SOON, "other programs use all of its connections"),
    ("server closed the connection", _SOON, "try again in a moment"),
    ("pg_hba.conf", _NEVER, "the server lets this user or host in nowhere: ask who runs it"),
    ("password authentication", _NEVER, "check the user and the password in DATABASE_URL"),
    ("no password supplied", _NEVER, "add the password to DATABASE_URL"),
    ('role "', _NEVER, "check the user in DATABASE_URL"),
    ('database "', _NEVER, "check the database's name in DATABASE_URL, or create the database"),
    # The name of a container that is started anew is not known for a while.
    ("translate host name", _LATER, "check the host in DATABASE_URL"),
)

# (error classes, hope, what happened and what to do), the first match counts.
_WHEN_CONNECTED: tuple[tuple[tuple[type[psycopg2.Error], ...], _Hope, str], ...] = (
    (
        (pg.ReadOnlySqlTransaction,),
        _LATER,
        "the database takes no changes (a standby?): use a primary server in DATABASE_URL",
    ),
    (
        (pg.InsufficientPrivilege,),
        _NEVER,
        "the user of DATABASE_URL lacks a right: let it own the database",
    ),
    ((pg.DiskFull,), _LATER, "the server's disk is full: make room"),
    ((pg.IoError,), _LATER, "the server cannot read or write its disk"),
    (
        (pg.DuplicateTable, pg.DuplicateObject, pg.WrongObjectType),
        _NEVER,
        "another program's tables are in the way: use an empty database in DATABASE_URL",
    ),
    (
        (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedObject),
        _NEVER,
        "the tables are not those that this program made: use an empty database in DATABASE_URL",
    ),
    (
        (pg.LockNotAvailable, pg.QueryCanceled, pg.DeadlockDetected, pg.SerializationFailure),
        _SOON,
        "other programs keep the tables busy",
    ),
    (
        (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow),
        _SOON,
        "the server is restarting",
    ),
    (
        (pg.IdleSessionTimeout, pg.IdleInTransactionSessionTimeout),
        _SOON,
        "the server has closed a connection that was idle",
    ),
    ((pg.TooManyConnections, pg.OutOfMemory), _SOON, "the server is overloaded"),
)

# psycopg2 itself refuses NUL and lone surrogates, with a ValueError.
_REFUSALS = (psycopg2.DataError, psycopg2.IntegrityError, pg.ProgramLimitExceeded, ValueError)


def cannot_connect(error: psycopg2.Error, location: str) -> RepositoryUnavailable:
    """Say why no connection could be made to ``location``. (libpq never quotes the password.)"""
    said = _first_line(error)
    known = (row[1:] for row in _WHEN_CONNECTING if row[0] in said)
    hope, advice = next(known, (_LATER, "check DATABASE_URL"))
    return _unavailable(f"{location}: {said}; {advice}", hope)


def unavailable(error: psycopg2.Error) -> RepositoryUnavailable:
    """Say why a statement failed on an open connection."""
    for classes, hope, meaning in _WHEN_CONNECTED:
        if isinstance(error, classes):
            return _unavailable(f"{meaning} ({_first_line(error)})", hope)
    lost = is_lost_connection(error)
    what = "the connection to the server was lost" if lost else "the server reported an error"
    return _unavailable(f"{what} ({_first_line(error)})", _SOON if lost else _NEVER)


def _unavailable(cause: str, hope: _Hope) -> RepositoryUnavailable:
    return RepositoryUnavailable(NAME, cause, transient=hope is _SOON, may_pass=hope is not _NEVER)


def is_lost_connection(error: psycopg2.Error) -> bool:
    """Whether the connection broke, so that a new one may do."""
    if isinstance(error, (pg.AdminShutdown, pg.CrashShutdown)):
        return True
    if error.pgcode is not None:
        return error.pgcode.startswith("08")
    # Without a SQLSTATE the message is libpq's own; a bare DatabaseError is a cut answer.
    return isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)) or (
        type(error) is psycopg2.DatabaseError
    )


@contextmanager
def translated() -> Iterator[None]:
    """Let psycopg2's errors leave as `RepositoryUnavailable`."""
    try:
        yield
    except psycopg2.Error as error:
        raise unavailable(error) from error


def is_refusal(error: Exception) -> bool:
    """Whether an error means that a value was refused, and not that the database is in trouble."""
    return isinstance(error, _REFUSALS) and not isinstance(error, pg.ForeignKeyViolation)


def refusal_message(error: Exception) -> str:
    """Say in one line why a value was refused."""
    if isinstance(error, psycopg2.Error) and error.diag.constraint_name:
        return f"{_first_line(error)} (rule {error.diag.constraint_name})"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg2.Error) else None
    lines = (primary or str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__
