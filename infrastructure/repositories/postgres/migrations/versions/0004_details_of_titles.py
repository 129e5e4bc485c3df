"""Tables for the details of titles. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0004 import STATEMENTS

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
