"""Promises that warn and move, answered voicemails, callbacks, agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")

LIVE = "ended_at IS NULL"


def upgrade() -> None:
    op.add_column("promises", sa.Column("counts_from", Moment))
    op.add_column("promises", sa.Column("moved_to", Moment))
    op.add_column("promises", sa.Column("moves", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("promises", sa.Column("warned_at", Moment))
    op.add_column("promises", sa.Column("late_at", Moment))
    op.add_column("promises", sa.Column("missed_at", Moment))
    op.add_column("promises", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("promises", sa.Column("next_at", Moment))
    op.create_index("ix_promises_next_at", "promises", ["next_at"])
    # The first sweep looks at every open promise once, and writes when to look next.
    op.execute("UPDATE promises SET next_at = made_at WHERE state = 'open'")

    op.add_column("voicemails", sa.Column("answered_at", Moment))
    op.add_column("voicemails", sa.Column("answered_by", sa.Text()))
    op.create_index("ix_voicemails_answered_at_taken_at", "voicemails", ["answered_at", "taken_at"])

    op.create_table(
        "callbacks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("zones", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("shows", sa.Text(), nullable=True),
        sa.Column("arrived_at", Moment, nullable=False),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("promise_id", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("slot_at", Moment, nullable=True),
        sa.Column("slot_hour", Moment, nullable=True),
        sa.Column("slot_place", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment, nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.Column("tell", sa.Boolean(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("code_until", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_callbacks_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_callbacks_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_callbacks"),
    )
    for column in ("customer_id", "call_id", "asked_at", "ticket_id", "next_at", "code"):
        op.create_index(f"ix_callbacks_{column}", "callbacks", [column])
    op.create_index("ix_callbacks_number_asked_at", "callbacks", ["number", "asked_at"])
    op.create_index(
        "uq_callbacks_live_number",
        "callbacks",
        ["site_id", "number"],
        unique=True,
        sqlite_where=sa.text(LIVE),
        postgresql_where=sa.text(LIVE),
    )
    op.create_index(
        "uq_callbacks_live_slot",
        "callbacks",
        ["site_id", "queue", "slot_hour", "slot_place"],
        unique=True,
        sqlite_where=sa.text(LIVE),
        postgresql_where=sa.text(LIVE),
    )

    op.create_table(
        "callback_attempts",
        sa.Column("callback_id", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("began_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["callback_id"], ["callbacks.id"], name="fk_callback_attempts_callback_id"),
        sa.PrimaryKeyConstraint("callback_id", "attempt", name="pk_callback_attempts"),
    )

    op.create_table(
        "agents",
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("skills", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("address_kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("wrap_up_seconds", sa.Float(), nullable=True),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("wish_because", sa.Text(), nullable=False),
        sa.Column("wish_since", Moment, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_because", sa.Text(), nullable=False),
        sa.Column("state_since", Moment, nullable=False),
        sa.Column("idle_since", Moment, nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("wrap_up_until", Moment, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("last_offer", sa.Integer(), nullable=False),
        sa.Column("removed_at", Moment, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "name", name="pk_agents"),
    )
    op.create_table(
        "agent_states",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_states"),
    )
    op.create_index("ix_agent_states_agent_id", "agent_states", ["site_id", "agent", "id"])

    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER agent_states_no_{verb.lower()} BEFORE {verb} ON agent_states "
                "BEGIN SELECT RAISE(ABORT, 'agent_states is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER agent_states_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON agent_states "
        "FOR EACH STATEMENT EXECUTE FUNCTION ivr_never_changed()"
    )
