"""Ids that have been merged into others. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0008 import STATEMENTS

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
