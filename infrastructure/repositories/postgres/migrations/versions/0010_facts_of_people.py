"""What else is said of people. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0010 import STATEMENTS

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
