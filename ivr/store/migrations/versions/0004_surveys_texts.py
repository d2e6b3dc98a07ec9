"""Answers to surveys, text messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "survey_answers",
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("survey", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("measures", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("unhappy", sa.Boolean(), nullable=False),
        sa.Column("answered_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_survey_answers_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_survey_answers_customer_id"),
        sa.PrimaryKeyConstraint("call_id", "survey", "question", "number", name="pk_survey_answers"),
    )
    op.create_index("ix_survey_answers_answered_at", "survey_answers", ["answered_at"])
    op.create_index("ix_survey_answers_customer_id", "survey_answers", ["customer_id"])

    op.create_table(
        "texts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Text(), server_default="main", nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Moment),
        sa.Column("ended_at", Moment),
        sa.Column("because", sa.Text()),
        sa.Column("carrier_id", sa.Text()),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name="fk_texts_call_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_texts_customer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_texts"),
    )
    op.create_index("ix_texts_call_id", "texts", ["call_id"])
    op.create_index("ix_texts_customer_id", "texts", ["customer_id"])
    op.create_index("ix_texts_next_at", "texts", ["next_at"])
