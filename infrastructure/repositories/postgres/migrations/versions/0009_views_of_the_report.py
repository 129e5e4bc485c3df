"""Views with the figures of the report. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0009 import STATEMENTS

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
