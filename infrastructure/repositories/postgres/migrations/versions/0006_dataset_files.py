"""IMDb's dataset files, in a schema of their own. What is there stays."""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0006 import STATEMENTS

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
