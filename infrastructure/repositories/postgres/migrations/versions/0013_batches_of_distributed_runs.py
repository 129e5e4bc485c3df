"""The ledger of runs that many workers do. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0013 import STATEMENTS

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
