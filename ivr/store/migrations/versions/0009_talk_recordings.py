"""Talks on tape."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "talk_recordings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("wanted_at", Moment, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recording", sa.Text()),
        sa.Column("url", sa.Text()),
        sa.Column("paused_until", Moment),
        sa.Column("withdrawn_at", Moment),
        sa.Column("seconds", sa.Float()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment),
        sa.Column("because", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_talk_recordings_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_talk_recordings_customer_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_talk_recordings_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_talk_recordings"),
        sa.UniqueConstraint("site_id", "leg", "ticket_id", name="uq_talk_recordings_site_id_leg_ticket_id"),
        sa.UniqueConstraint("site_id", "recording", name="uq_talk_recordings_site_id_recording"),
    )
    op.create_index("ix_talk_recordings_call_id", "talk_recordings", ["call_id"])
    op.create_index("ix_talk_recordings_customer_id", "talk_recordings", ["customer_id"])
    op.create_index("ix_talk_recordings_ticket_id", "talk_recordings", ["ticket_id"])
    op.create_index("ix_talk_recordings_state", "talk_recordings", ["state"])
    op.create_index("ix_talk_recordings_next_at", "talk_recordings", ["next_at"])
