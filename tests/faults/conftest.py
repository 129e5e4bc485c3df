"""What every test of a fault has: a place for it to happen, and somewhere to hand in its row."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.site import DemoSite
from tests.faults.account import Account
from tests.faults.here import FACTS, Here
from tests.faults.row import PROPERTY, HandIn, Row
from tests.faults.workers import Redis


@pytest.fixture
def hand_in(record_property: Any) -> HandIn:
    """Nothing may be lost, doubled or wrong."""

    def hand_in(account: Account, **rest: Any) -> None:
        record_property(PROPERTY, Row.of(account, **rest).as_json())
        assert (account.lost, account.doubled, account.wrong) == ([], [], [])

    return hand_in


@pytest.fixture(scope="session")
def slow_site() -> Iterator[DemoSite]:
    """Takes 0.1 s to answer, so that a run of 10 threads takes a few seconds."""
    with DemoSite(FACTS, delay_seconds=0.1) as site:
        yield site


@pytest.fixture
def here(folder: Path, postgres_url: str, slow_site: DemoSite) -> Iterator[Here]:
    made = Here(folder, postgres_url, slow_site)
    yield made
    made.end()


@pytest.fixture
def broker() -> Iterator[Redis]:
    """A Redis for workers, which a test may stop and start."""
    with tempfile.TemporaryDirectory(prefix="imdb-redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        yield server
        server.close()
