"""Titles, people, credits, charts, rating history, runs and failures, with views on them.

Versions go forward only: there is no way back without losing what they hold.
"""

from alembic import op

from infrastructure.repositories.postgres.migrations.statements_0001 import STATEMENTS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
