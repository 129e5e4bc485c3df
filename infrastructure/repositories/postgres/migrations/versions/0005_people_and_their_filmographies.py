"""Profiles of people, and their filmographies. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0005 import STATEMENTS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
