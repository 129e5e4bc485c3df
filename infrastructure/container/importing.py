"""What reads dataset files into the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from application.import_datasets import ImportDatasets
from application.ports import DatasetFiles, DatasetProgress
from domain.errors import DatasetsUnusable
from infrastructure.container.network import http_client
from infrastructure.container.repositories import database_url
from shared.config import Settings


@contextmanager
def open_dataset_import(
    settings: Settings, folder: Path | None, progress: DatasetProgress
) -> Iterator[ImportDatasets]:
    """Wire the import of dataset files, from a folder or from where they are published.

    An embedded database runs until this is left. Raises `DatasetsUnusable` without a database,
    `RepositoryUnavailable`.
    """
    if "postgres" not in settings.repositories:
        raise DatasetsUnusable(
            "dataset files are kept in PostgreSQL, and REPOSITORIES="
            f"{','.join(settings.repositories)} does without: add postgres to REPOSITORIES"
        )
    from infrastructure.repositories.postgres.datasets import DatasetTables

    with _dataset_files(settings, folder) as files, database_url(settings) as url:
        yield ImportDatasets(files, DatasetTables(url), progress)


@contextmanager
def _dataset_files(settings: Settings, folder: Path | None) -> Iterator[DatasetFiles]:
    from infrastructure.scrapers.imdb_datasets import DatasetDownloads, DatasetFolder

    if folder is not None:
        yield DatasetFolder(folder)
        return
    with http_client("datasets", settings, threading.Event(), cache=None) as client:
        yield DatasetDownloads(client, settings.datasets_url, settings.output_dir / "datasets")
