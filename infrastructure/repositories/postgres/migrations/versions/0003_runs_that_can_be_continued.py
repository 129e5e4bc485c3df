"""Runs that can be continued: what they were asked for. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0003 import STATEMENTS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
