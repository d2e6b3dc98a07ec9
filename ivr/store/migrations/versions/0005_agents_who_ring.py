"""Agents who ring us: their PIN, and their calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("agents", sa.Column("pin_hash", sa.Text(), nullable=True))
    op.create_index("ix_agents_address", "agents", ["site_id", "address"])

    op.create_table(
        "agent_calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("rang_at", Moment, nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("unheard", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_calls"),
        sa.UniqueConstraint("carrier", "account", "sid", name="uq_agent_calls_carrier_account_sid"),
    )
    op.create_index("ix_agent_calls_agent_rang_at", "agent_calls", ["site_id", "agent", "rang_at"])
