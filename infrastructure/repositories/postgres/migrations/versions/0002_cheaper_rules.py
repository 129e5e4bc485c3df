"""Rules that are cheaper to check, and what a person's time means. What is there stays.

Earlier programs, which keep a person's time in another way, no longer open the database.
"""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0002 import STATEMENTS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
