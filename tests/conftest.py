"""Fixtures for every kind of test: a real PostgreSQL, embedded, and an empty database in it."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.databases import drop_database, execute, new_database

# How fast an example is says more of the machine than of the program.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def closed_terminals() -> Iterator[None]:
    """Programs that tests start hear of a closed terminal, also when the tests run under nohup.

    What is ignored here would be ignored there; a handler is not handed on.
    """
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def server_dir() -> Iterator[Path]:
    """A folder for an embedded PostgreSQL that a test starts itself.

    Not below pytest's own, which every session closes to the account that a server started by root
    runs as, also while another session is at work.
    """
    with tempfile.TemporaryDirectory(prefix="imdb-postgres-") as folder:
        yield Path(folder, "postgres")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server started for this test session, from the wheel."""
    with (
        tempfile.TemporaryDirectory(prefix="imdb-postgres-") as folder,
        embedded_postgres(Path(folder)) as url,
    ):
        # The tests' data need not survive a power cut.
        execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database, dropped after the test."""
    url = new_database(postgres_server)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder, not below pytest's: a server that root starts runs as another account."""
    with tempfile.TemporaryDirectory(prefix="imdb-test-") as made:
        yield Path(made)
