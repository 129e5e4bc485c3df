"""What the contract suite needs of an adapter: a way to open it that another process can use."""

import csv
import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from application.ports import TitleRepository
from domain.details import DetailName
from domain.identifiers import NameId, TitleId
from domain.title import CreditCategory, Title
from infrastructure.repositories.csv import open_csv_repository
from tests.builders import a_run, a_title, cast_of, person_number, title_number
from tests.databases import rows_of


class RepositoryFactory(Protocol):
    """Opens the same repository again and again. Can be pickled."""

    def __call__(self) -> AbstractContextManager[TitleRepository]: ...

    def people(self) -> dict[NameId, str]:
        """Everybody's name as it is stored, by id; fails when an id comes twice."""


@dataclass(frozen=True)
class CsvFactory:
    directory: Path

    def __call__(self) -> AbstractContextManager[TitleRepository]:
        # Generous, because many writers take turns on a machine that may be busy.
        return open_csv_repository(self.directory, lock_timeout_seconds=60)

    def people(self) -> dict[NameId, str]:
        with self(), (self.directory / "people.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
        return _each_once([(row["imdb_id"], row["name"]) for row in rows])


@dataclass(frozen=True)
class PostgresFactory:
    url: str

    def __call__(self) -> AbstractContextManager[TitleRepository]:
        postgres = importlib.import_module("infrastructure.repositories.postgres")
        opened: AbstractContextManager[TitleRepository] = postgres.open_postgres_repository(
            self.url
        )
        return opened

    def people(self) -> dict[NameId, str]:
        return _each_once(rows_of(self.url, "SELECT imdb_id, name FROM people"))


def _each_once(people: Sequence[tuple[str, ...]]) -> dict[NameId, str]:
    by_id = {NameId(imdb_id): name for imdb_id, name in people}
    assert len(by_id) == len(people)
    return by_id


def in_billing_order(title: Title) -> Title:
    """The same title as `TitleRepository.titles` gives it."""
    ordered = [credit for category in CreditCategory for credit in title.credits_of(category)]
    details = sorted(title.details, key=lambda detail: list(DetailName).index(detail.name))
    return replace(title, credits=tuple(ordered), details=tuple(details))


def held(repository: TitleRepository) -> dict[TitleId, Title]:
    """Everything in a repository by id; fails when an id comes twice."""
    titles = list(repository.titles())
    by_id = {title.imdb_id: in_billing_order(title) for title in titles}
    assert len(by_id) == len(titles)
    return by_id


def shared_title(number: int) -> Title:
    """A title whose cast overlaps with its neighbours', so that writers meet over people."""
    people = [person_number(number % 7 + offset) for offset in (3, 1, 2)]
    return a_title(number, credits=cast_of(*people, "Nameless Extra"))


def save_titles(factory: RepositoryFactory, numbers: list[int], batch_size: int = 5) -> None:
    """Save shared titles through a repository of one's own; run in threads and processes."""
    run = a_run()
    with factory() as repository:
        repository.begin_run(run, None)
        for start in range(0, len(numbers), batch_size):
            batch = [shared_title(number) for number in numbers[start : start + batch_size]]
            repository.save(batch, run)


def expected_shared_titles(numbers: range) -> dict[TitleId, Title]:
    return {title_number(number): in_billing_order(shared_title(number)) for number in numbers}
