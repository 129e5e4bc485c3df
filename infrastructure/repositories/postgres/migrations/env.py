"""Run by Alembic for each command: uses the connection that `apply_migrations` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
