"""Tickets with their counter, claims, legs, and the floor's row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")

LIVE_TICKETS = "state IN ('in_line', 'claimed', 'talking', 'away')"
LIVE_CLAIMS = "ended_at IS NULL"
ACCEPTED_CLAIMS = "state = 'accepted'"
UNFINISHED_LEGS = "state <> 'ended'"


def _index(name: str, table: str, columns: list[str], where: str, unique: bool = True) -> None:
    partial = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=partial, postgresql_where=partial)


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("arrived_at", Moment, nullable=False),
        sa.Column("counts_from", Moment, nullable=False),
        sa.Column("tie", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("preferred", sa.Text(), nullable=False),
        sa.Column("relaxations", sa.Text(), nullable=False),
        sa.Column("boost_seconds", sa.Float(), nullable=False),
        sa.Column("last_agent", sa.Text(), nullable=True),
        sa.Column("last_agent_until", Moment, nullable=True),
        sa.Column("refused_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", Moment, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("taken_at", Moment, nullable=True),
        sa.Column("away_at", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("told_position", sa.Integer(), nullable=True),
        sa.Column("told_low_seconds", sa.Float(), nullable=True),
        sa.Column("told_high_seconds", sa.Float(), nullable=True),
        sa.Column("told_at", Moment, nullable=True),
        sa.Column("load", sa.Float(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_tickets_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_tickets_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    for column in ("customer_id", "call_id", "ended_at"):
        op.create_index(f"ix_tickets_{column}", "tickets", [column])
    _index("uq_tickets_live_call", "tickets", ["site_id", "call_id"], LIVE_TICKETS)
    op.create_index("ix_tickets_line", "tickets", ["site_id", "queue", "state", "counts_from", "tie"])
    op.create_index("ix_tickets_state_away_at", "tickets", ["site_id", "state", "away_at"])

    op.create_table(
        "ticket_counter",
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_ticket_counter"),
    )

    op.create_table(
        "claims",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.Column("lapses_at", Moment, nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("accepted_at", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_claims_ticket_id"),
        sa.PrimaryKeyConstraint("token", "agent", name="pk_claims"),
    )
    _index("uq_claims_live_agent", "claims", ["site_id", "agent"], LIVE_CLAIMS)
    _index("uq_claims_live_place", "claims", ["ticket_id", "place"], LIVE_CLAIMS)
    _index("uq_claims_accepted", "claims", ["ticket_id"], ACCEPTED_CLAIMS)
    op.create_index("ix_claims_ticket_id_fence", "claims", ["ticket_id", "fence"])

    op.create_table(
        "legs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.Column("rings_seconds", sa.Float(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("callback_id", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("shows", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sid", sa.Text(), nullable=True),
        sa.Column("unwanted", sa.Boolean(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("token_heard", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_legs_call_id"),
        sa.ForeignKeyConstraint(["callback_id"], ["callbacks.id"], name="fk_legs_callback_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name="fk_legs_ticket_id"),
        sa.PrimaryKeyConstraint("id", name="pk_legs"),
    )
    for column in ("ticket_id", "call_id", "token", "callback_id"):
        op.create_index(f"ix_legs_{column}", "legs", [column])
    _index("ix_legs_unfinished", "legs", ["site_id", "made_at"], UNFINISHED_LEGS, unique=False)

    op.create_table(
        "floor_epoch",
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("set_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("site_id", name="pk_floor_epoch"),
    )
    op.execute("INSERT INTO floor_epoch (epoch) VALUES (0)")
