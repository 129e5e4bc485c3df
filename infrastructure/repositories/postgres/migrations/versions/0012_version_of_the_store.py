"""A version of the store, by which caches see that something has changed. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0012 import STATEMENTS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
