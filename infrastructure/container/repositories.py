"""Where titles are kept: the chosen repositories, and the database, embedded or not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from application.ports import RepositoryOpener, TitleRepository
from domain.errors import InvalidConfiguration
from shared.config import Settings

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from infrastructure.repositories.csv import CsvRepository
    from infrastructure.repositories.postgres import PostgresRepository


def repository_openers(
    settings: Settings, guard: "Callable[[cursor], None] | None" = None
) -> list[RepositoryOpener]:
    """The chosen repositories, not yet open: what is not chosen is never touched.

    ``guard`` is called in the transactions of the database that save.
    """
    openers: dict[str, Callable[[Settings], AbstractContextManager[TitleRepository]]]
    openers = {"csv": open_csv, "postgres": partial(open_postgres, guard=guard)}
    return [
        RepositoryOpener(name, partial(openers[name], settings)) for name in settings.repositories
    ]


def repositories_with_data(settings: Settings) -> list[RepositoryOpener]:
    """The chosen repositories that are there: to look into them makes none.

    A database that ``DATABASE_URL`` names counts as being there.
    """
    is_there = {
        "csv": _may_exist(settings.output_dir / "titles.csv"),
        "postgres": bool(settings.database_url) or has_embedded_database(settings),
    }
    return [opener for opener in repository_openers(settings) if is_there[opener.name]]


def has_embedded_database(settings: Settings) -> bool:
    """Whether there is an embedded database in ``OUTPUT_DIR``, or one cannot see whether."""
    return _may_exist(embedded_database_dir(settings))


def _may_exist(path: Path) -> bool:
    """Whether there is such a file or folder; one that may not be looked at says so when opened."""
    try:
        return path.exists()
    except OSError:
        return True


def check_output_dir(settings: Settings) -> None:
    """Write a little into ``OUTPUT_DIR``, and remove it again.

    Raises `RepositoryUnavailable` when the folder takes no files or has no room for one.
    """
    from infrastructure.repositories.csv import check_folder

    check_folder(settings.output_dir)


def embedded_database_dir(settings: Settings) -> Path:
    """Where the embedded PostgreSQL keeps its data when ``DATABASE_URL`` is empty."""
    return settings.output_dir / "postgres"


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database, which for the embedded one is started and stopped here.

    Raises `RepositoryUnavailable` when that cannot be started, or PostgreSQL's library cannot read
    ``DATABASE_URL``.
    """
    if given := settings.database_url.reveal():
        from infrastructure.repositories.postgres.connections import read_url

        read_url(given)
        yield given
        return
    from infrastructure.repositories.postgres.embedded import embedded_postgres

    with embedded_postgres(embedded_database_dir(settings)) as url:
        yield url


def psql_path() -> Path:
    """The ``psql`` of the embedded PostgreSQL; raises `RepositoryUnavailable` without it."""
    from infrastructure.repositories.postgres.embedded import embedded_psql_path

    return embedded_psql_path()


def database_holds_runs_other_than(command: str, settings: Settings) -> bool:
    """Whether runs of another command are kept in the database that ``DATABASE_URL`` names.

    Raises `RepositoryUnavailable` when it cannot be asked.
    """
    from infrastructure.repositories.postgres import open_postgres_repository

    with open_postgres_repository(settings.database_url.reveal()) as repository:
        return repository.holds_runs_other_than(command)


@contextmanager
def open_csv(settings: Settings) -> "Iterator[CsvRepository]":
    """Open the CSV files of ``OUTPUT_DIR``. Raises `RepositoryUnavailable`."""
    from infrastructure.repositories.csv import open_csv_repository

    escape_formulas = settings.csv_escape_formulas == "true"
    with open_csv_repository(settings.output_dir, escape_formulas=escape_formulas) as repository:
        yield repository


@contextmanager
def open_postgres(
    settings: Settings, guard: "Callable[[cursor], None] | None" = None
) -> "Iterator[PostgresRepository]":
    """Open the titles of the database; an embedded one runs until this is left.

    ``guard`` as in `open_postgres_repository`. Raises `RepositoryUnavailable`.
    """
    from infrastructure.repositories.postgres import open_postgres_repository

    revive = None if settings.database_url else partial(revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_repository(url, revive=revive, guard=guard) as repository,
    ):
        yield repository


def revive_embedded(settings: Settings) -> None:
    """Start the embedded server again, whose process has gone. Raises `RepositoryUnavailable`."""
    from infrastructure.repositories.postgres.embedded import revive_embedded_postgres

    revive_embedded_postgres(embedded_database_dir(settings))


def need_postgres(settings: Settings, why: str) -> None:
    """Raise `InvalidConfiguration`, with the reason, when the settings do without PostgreSQL."""
    if "postgres" not in settings.repositories:
        problem = (
            f"REPOSITORIES: {why}, and {','.join(settings.repositories)} does without: add "
            "postgres (then `python main.py repair` copies into it what is saved already)"
        )
        raise InvalidConfiguration([problem])
