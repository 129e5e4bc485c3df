"""IMDb's dataset files in PostgreSQL: reading the bytes, loading them, putting them in place."""

from infrastructure.repositories.postgres.datasets.store import DatasetTables

__all__ = ["DatasetTables"]
