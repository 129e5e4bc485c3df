"""What it takes to look through many titles a page at a time. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0011 import STATEMENTS

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
