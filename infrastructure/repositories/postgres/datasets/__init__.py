"""IMDb's dataset files in PostgreSQL: reading the bytes, loading them, putting them in place."""

from infrastructure.repositories.postgres.datasets.store import DatasetTables
from infrastructure.repositories.postgres.datasets.titles import open_dataset_titles

__all__ = ["DatasetTables", "open_dataset_titles"]
