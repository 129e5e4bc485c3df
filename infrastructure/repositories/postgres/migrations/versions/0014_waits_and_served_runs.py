"""Runs that wait for their source, and the run that a server does itself. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0014 import STATEMENTS

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
