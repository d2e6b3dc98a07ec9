"""Tickets: how often the caller's leg was moved in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("tickets", sa.Column("moves", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("moved_turn", sa.Integer(), server_default="0", nullable=False))
    op.add_column("tickets", sa.Column("moved_at", Moment))
