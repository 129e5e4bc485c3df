"""The versions of the database's schema, and how they are applied."""

from infrastructure.repositories.postgres.migrations.apply import HEAD, apply_migrations, is_new

__all__ = ["HEAD", "apply_migrations", "is_new"]
