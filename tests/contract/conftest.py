"""The adapters that the contract holds for. Another one is a line here and a factory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from application.ports import TitleRepository
from tests.contract.both import BothFactory
from tests.contract.factories import CsvFactory, PostgresFactory, RepositoryFactory


def _csv(request: pytest.FixtureRequest) -> RepositoryFactory:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return CsvFactory(tmp_path / "output")


def _postgres(request: pytest.FixtureRequest) -> RepositoryFactory:
    return PostgresFactory(request.getfixturevalue("postgres_url"))


def _both(request: pytest.FixtureRequest) -> RepositoryFactory:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return BothFactory(tmp_path / "output", request.getfixturevalue("postgres_url"))


ADAPTERS: dict[str, Callable[[pytest.FixtureRequest], RepositoryFactory]] = {
    "csv": _csv,
    "postgres": _postgres,
    "csv+postgres": _both,
}


@pytest.fixture(params=list(ADAPTERS))
def repository_factory(request: Any) -> RepositoryFactory:
    """Opens one empty repository, any number of times."""
    return ADAPTERS[request.param](request)


@pytest.fixture
def repository(repository_factory: RepositoryFactory) -> Iterator[TitleRepository]:
    """An empty repository, open."""
    with repository_factory() as opened:
        yield opened
