"""Messages: by e-mail too, and of which call back they tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("texts", sa.Column("channel", sa.Text(), server_default="sms", nullable=False))
    op.add_column("texts", sa.Column("callback_id", sa.Text()))
    op.add_column("texts", sa.Column("was_due", Moment))
