"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As `ivr.store.tables.Moment` keeps a time.
Moment = sa.String(32).with_variant(sa.DateTime(timezone=True), "postgresql")

GUARDED = ("call_events", "flow_versions")


def upgrade() -> None:
    op.create_table('carrier_facts',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('call_id', sa.Text(), nullable=True),
    sa.Column('kept_at', Moment, nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'key', name=op.f('pk_carrier_facts'))
    )
    op.create_index(op.f('ix_carrier_facts_call_id'), 'carrier_facts', ['call_id'], unique=False)
    op.create_index(op.f('ix_carrier_facts_kind'), 'carrier_facts', ['kind'], unique=False)
    op.create_table('customers',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('name_key', sa.Text(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('slow', sa.Boolean(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('postcode', sa.Text(), nullable=True),
    sa.Column('zone', sa.Text(), nullable=True),
    sa.Column('number', sa.Text(), nullable=True),
    sa.Column('pin_hash', sa.Text(), nullable=True),
    sa.Column('created_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customers')),
    sa.UniqueConstraint('site_id', 'number', name=op.f('uq_customers_site_id_number'))
    )
    op.create_table('emergency_closings',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('hours', sa.Text(), nullable=False),
    sa.Column('since', Moment, nullable=False),
    sa.Column('until', Moment, nullable=True),
    sa.Column('because', sa.Text(), nullable=True),
    sa.Column('opened_again_at', Moment, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_emergency_closings'))
    )
    op.create_index(op.f('ix_emergency_closings_hours'), 'emergency_closings', ['hours'], unique=False)
    op.create_table('flow_aliases',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('flow', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'flow', name=op.f('pk_flow_aliases'))
    )
    op.create_table('flow_publications',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('flow', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_publications'))
    )
    op.create_index(op.f('ix_flow_publications_flow'), 'flow_publications', ['flow'], unique=False)
    op.create_table('flow_versions',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('flow', sa.Text(), nullable=False),
    sa.Column('files', sa.Text(), nullable=False),
    sa.Column('kept_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'id', name=op.f('pk_flow_versions'))
    )
    op.create_table('odd_counts',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('last_at', Moment, nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'day', 'what', name=op.f('pk_odd_counts'))
    )
    op.create_table('order_items',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('order_number', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('site_id', 'order_number', 'position', name=op.f('pk_order_items'))
    )
    op.create_table('calls',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('carrier', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('sid', sa.Text(), nullable=False),
    sa.Column('line', sa.Text(), nullable=False),
    sa.Column('caller_number', sa.Text(), nullable=True),
    sa.Column('caller_said', sa.Text(), nullable=True),
    sa.Column('called_number', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('sure', sa.Text(), nullable=False),
    sa.Column('flow_version', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('door', sa.Text(), nullable=False),
    sa.Column('token', sa.Text(), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=False),
    sa.Column('says', sa.Text(), nullable=False),
    sa.Column('next_seq', sa.Integer(), nullable=False),
    sa.Column('started_at', Moment, nullable=False),
    sa.Column('ended_at', Moment, nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_calls_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calls')),
    sa.UniqueConstraint('site_id', 'carrier', 'account', 'sid', name=op.f('uq_calls_site_id_carrier_account_sid'))
    )
    op.create_index(op.f('ix_calls_customer_id'), 'calls', ['customer_id'], unique=False)
    op.create_index(op.f('ix_calls_ended_at'), 'calls', ['ended_at'], unique=False)
    op.create_index(op.f('ix_calls_started_at'), 'calls', ['started_at'], unique=False)
    op.create_table('customer_numbers',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('suffix', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('verified', sa.Boolean(), nullable=False),
    sa.Column('last_seen', Moment, nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_customer_numbers_customer_id')),
    sa.PrimaryKeyConstraint('site_id', 'number', 'customer_id', name=op.f('pk_customer_numbers'))
    )
    op.create_index(op.f('ix_customer_numbers_customer_id'), 'customer_numbers', ['customer_id'], unique=False)
    op.create_index('ix_customer_numbers_suffix', 'customer_numbers', ['site_id', 'suffix'], unique=False)
    op.create_table('customer_products',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_customer_products_customer_id')),
    sa.PrimaryKeyConstraint('customer_id', 'position', name=op.f('pk_customer_products'))
    )
    op.create_table('notes',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('author', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_notes_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notes'))
    )
    op.create_index(op.f('ix_notes_customer_id'), 'notes', ['customer_id'], unique=False)
    op.create_table('orders',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('placed', sa.Date(), nullable=True),
    sa.Column('due', sa.Date(), nullable=True),
    sa.Column('total_cents', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_orders_customer_id')),
    sa.PrimaryKeyConstraint('site_id', 'number', name=op.f('pk_orders'))
    )
    op.create_index(op.f('ix_orders_customer_id'), 'orders', ['customer_id'], unique=False)
    op.create_table('call_events',
    sa.Column('call_id', sa.Text(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('schema', sa.Integer(), nullable=False),
    sa.Column('happened_at', Moment, nullable=False),
    sa.Column('recorded_at', Moment, nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=True),
    sa.Column('data', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_call_events_call_id')),
    sa.PrimaryKeyConstraint('call_id', 'seq', name=op.f('pk_call_events')),
    sqlite_with_rowid=False
    )
    op.create_table('cases',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('call_id', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('opened_at', Moment, nullable=False),
    sa.Column('about', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_cases_call_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_cases_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cases')),
    sa.UniqueConstraint('site_id', 'code', name=op.f('uq_cases_site_id_code'))
    )
    op.create_index(op.f('ix_cases_call_id'), 'cases', ['call_id'], unique=False)
    op.create_index(op.f('ix_cases_customer_id'), 'cases', ['customer_id'], unique=False)
    op.create_table('fetches',
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('call_id', sa.Text(), nullable=False),
    sa.Column('node', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('method', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('limit_seconds', sa.Float(), nullable=False),
    sa.Column('asked_at', Moment, nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_fetches_call_id')),
    sa.PrimaryKeyConstraint('site_id', 'key', name=op.f('pk_fetches'))
    )
    op.create_index(op.f('ix_fetches_call_id'), 'fetches', ['call_id'], unique=False)
    op.create_index('ix_fetches_state_asked_at', 'fetches', ['state', 'asked_at'], unique=False)
    op.create_table('promises',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('call_id', sa.Text(), nullable=True),
    sa.Column('made_at', Moment, nullable=False),
    sa.Column('due_at', Moment, nullable=False),
    sa.Column('zone', sa.Text(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('ended_at', Moment, nullable=True),
    sa.Column('because', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_promises_call_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_promises_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promises'))
    )
    op.create_index(op.f('ix_promises_call_id'), 'promises', ['call_id'], unique=False)
    op.create_index(op.f('ix_promises_customer_id'), 'promises', ['customer_id'], unique=False)
    op.create_index('ix_promises_state_due_at', 'promises', ['state', 'due_at'], unique=False)
    op.create_table('proof_attempts',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('call_id', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=True),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('at', Moment, nullable=False),
    sa.Column('held', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_proof_attempts_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_proof_attempts'))
    )
    op.create_index(op.f('ix_proof_attempts_call_id'), 'proof_attempts', ['call_id'], unique=False)
    op.create_index('ix_proof_attempts_customer_id_at', 'proof_attempts', ['customer_id', 'at'], unique=False)
    op.create_table('voicemails',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('site_id', sa.Text(), server_default='main', nullable=False),
    sa.Column('call_id', sa.Text(), nullable=False),
    sa.Column('customer_id', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('recording', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('taken_at', Moment, nullable=False),
    sa.Column('audio_state', sa.Text(), nullable=False),
    sa.Column('text_state', sa.Text(), nullable=False),
    sa.Column('seconds', sa.Float(), nullable=True),
    sa.Column('language', sa.Text(), nullable=True),
    sa.Column('transcript_text', sa.Text(), nullable=True),
    sa.Column('transcript_language', sa.Text(), nullable=True),
    sa.Column('transcript_words', sa.Text(), nullable=True),
    sa.Column('transcript_seconds', sa.Float(), nullable=True),
    sa.Column('transcript_model', sa.Text(), nullable=True),
    sa.Column('transcript_problem', sa.Text(), nullable=True),
    sa.Column('promise_id', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', Moment, nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['calls.id'], name=op.f('fk_voicemails_call_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customers.id'], name=op.f('fk_voicemails_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_voicemails')),
    sa.UniqueConstraint('site_id', 'recording', name=op.f('uq_voicemails_site_id_recording'))
    )
    op.create_index(op.f('ix_voicemails_call_id'), 'voicemails', ['call_id'], unique=False)
    op.create_index(op.f('ix_voicemails_customer_id'), 'voicemails', ['customer_id'], unique=False)
    op.create_index(op.f('ix_voicemails_next_at'), 'voicemails', ['next_at'], unique=False)

    if op.get_bind().dialect.name == "sqlite":
        for table in GUARDED:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    op.execute(
        """
CREATE OR REPLACE FUNCTION ivr_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation USING MESSAGE = TG_TABLE_NAME || ' is append-only';
END $$
"""
    )
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ivr_never_changed()"
        )
