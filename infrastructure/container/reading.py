"""What reads the repositories: runs, history, figures, and titles that are chosen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Protocol

import msgspec

from application.ports import Catalogue, HistoryReader, RefreshCandidates, TitleSelector
from application.run_history import read_history
from domain.errors import NoHistory, NoTitles
from domain.run import RunRecord, StoreCounts
from infrastructure.container.repositories import (
    database_url,
    embedded_database_dir,
    has_embedded_database,
    need_postgres,
    open_csv,
    open_postgres,
    repositories_with_data,
    revive_embedded,
)
from shared.config import RepositoryName, Settings


class Selection(TitleSelector, Protocol):
    """A repository to choose titles from, which can count them."""

    @property
    def name(self) -> str:
        """Its name in settings and messages."""

    def counts(self) -> StoreCounts:
        """Count the titles that are held."""


@contextmanager
def latest_runs(settings: Settings, limit: int) -> Iterator[list[RunRecord]]:
    """The latest runs, from the repository that is quickest to ask: the CSV files if they are one.

    An embedded database that had to be started for it runs until this is left: for the run that
    follows it is there. Raises `RepositoryUnavailable` when the runs cannot be read.
    """
    if "csv" in settings.repositories:
        from infrastructure.repositories.csv import newest_runs

        yield newest_runs(settings.output_dir, limit)
        return
    openers = repositories_with_data(settings)
    with database_url(settings) if openers else nullcontext():
        records, unavailable = read_history(openers, limit)
        for error in unavailable:
            raise error
        yield records


@contextmanager
def open_history(settings: Settings) -> Iterator[HistoryReader]:
    """Open what is kept of earlier times; an embedded database runs until this is left.

    Raises `NoHistory` when nothing is kept by these settings, or not yet; `RepositoryUnavailable`.
    """
    _refuse_without_history(settings)
    from infrastructure.repositories.postgres.observations import open_postgres_history

    with database_url(settings) as url, open_postgres_history(url) as history:
        yield history


def _refuse_without_history(settings: Settings) -> None:
    if "postgres" not in settings.repositories:
        raise NoHistory(
            "ratings and ranks over time are kept in PostgreSQL, and REPOSITORIES="
            f"{','.join(settings.repositories)} does without: add postgres to REPOSITORIES, and "
            "every run from then on is remembered"
        )
    if not settings.database_url and not has_embedded_database(settings):
        folder = embedded_database_dir(settings)
        raise NoHistory(
            f"there is no database in {folder} yet: run the program first, or see OUTPUT_DIR"
        )


@contextmanager
def open_refresh_candidates(settings: Settings) -> Iterator[RefreshCandidates]:
    """Open what knows the titles that could be fetched again; raises as `open_history`."""
    _refuse_without_history(settings)
    from infrastructure.repositories.postgres.refreshing import open_postgres_candidates

    with database_url(settings) as url, open_postgres_candidates(url) as known:
        yield known


@contextmanager
def open_catalogue(settings: Settings) -> Iterator[Catalogue]:
    """Open what looks through the titles held; an embedded database runs until this is left.

    Raises `InvalidConfiguration` when the settings do without PostgreSQL; `RepositoryUnavailable`.
    """
    need_postgres(settings, "titles are looked through in PostgreSQL")
    from infrastructure.repositories.postgres.catalogue import open_postgres_catalogue

    revive = None if settings.database_url else partial(revive_embedded, settings)
    with database_url(settings) as url, open_postgres_catalogue(url, revive=revive) as catalogue:
        yield catalogue


@contextmanager
def open_selection(settings: Settings, repository: RepositoryName | None) -> Iterator[Selection]:
    """Open a repository to choose titles from: the one named, or the first that has data.

    Nothing is made where nothing is. Raises `NoTitles` when there is no data,
    `RepositoryUnavailable`.
    """
    chosen = (repository,) if repository else settings.repositories
    with_data = repositories_with_data(msgspec.structs.replace(settings, repositories=chosen))
    if not with_data:
        raise NoTitles(
            f"no titles are saved yet ({' or '.join(chosen)}, OUTPUT_DIR={settings.output_dir}): "
            "run the program first, or say where they are"
        )
    openers: dict[str, Callable[[Settings], AbstractContextManager[Selection]]]
    openers = {"csv": open_csv, "postgres": open_postgres}
    with openers[with_data[0].name](settings) as selection:
        yield selection
