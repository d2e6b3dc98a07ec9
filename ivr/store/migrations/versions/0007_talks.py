"""Talks: who handed a caller over to whom, and who is on hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("handed_by", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("handed_to", sa.Text(), nullable=True))
    op.add_column("tickets", sa.Column("held_at", Moment, nullable=True))
    op.add_column("tickets", sa.Column("hold_due_at", Moment, nullable=True))
