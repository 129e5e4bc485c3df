"""What it takes to look through many titles a page at a time. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0012 import STATEMENTS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
