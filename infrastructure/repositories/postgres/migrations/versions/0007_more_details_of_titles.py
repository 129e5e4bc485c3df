"""Tables for more details of titles. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0007 import STATEMENTS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
