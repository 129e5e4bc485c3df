"""Transactions that a restarted server is not noticed in."""

from collections.abc import Callable
from typing import TypeVar

import psycopg2
from psycopg2.extensions import cursor
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import is_lost_connection, translated

_Result = TypeVar("_Result")

_ATTEMPTS = 5


class Transactions:
    """Does work in a transaction, again when its connection has broken. Any thread may call it.

    So the work has to be such that doing it twice does no harm: an answer may get lost after the
    commit.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._retrying = Retrying(
            retry=retry_if_exception(_is_lost),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            reraise=True,
        )

    def do(self, work: Callable[[cursor], _Result]) -> _Result:
        """Give what the work gives. Raises `RepositoryUnavailable`."""

        def attempt() -> _Result:
            with self._pool.transaction() as statements:
                return work(statements)

        with translated():
            return self._retrying(attempt)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, psycopg2.Error) and is_lost_connection(error)
