"""Runs that wait for their source, and the run that a server does itself. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0016 import STATEMENTS

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
