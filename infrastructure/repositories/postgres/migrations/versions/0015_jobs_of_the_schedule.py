"""Jobs that are done by the clock. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0015 import STATEMENTS

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
