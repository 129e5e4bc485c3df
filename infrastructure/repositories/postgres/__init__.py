"""Titles in PostgreSQL 14 or later: the repository, its schema, and an embedded server."""

from infrastructure.repositories.postgres.repository import (
    PostgresRepository,
    open_postgres_repository,
)

__all__ = ["PostgresRepository", "open_postgres_repository"]
