"""The tables: what happened, for good. Times are UTC and always handed in; the database never asks its own clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    insert,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

SITE = "main"
"""One installation is one organisation so far; every row says so already."""

SUFFIX = 7
"""How many last digits make two numbers similar."""


def as_iso(moment: datetime) -> str:
    """The same moment in UTC as fixed-width text, so that text order is the order of time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be put on record")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Moment(TypeDecorator[datetime]):
    """An aware UTC time: ``timestamptz`` where there is one, fixed-width ISO text on SQLite."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = as_iso(value)
        return text if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _site(primary_key: bool = False) -> Column[str]:
    return Column("site_id", Text, nullable=False, default=SITE, server_default=SITE, primary_key=primary_key)


def _customer(nullable: bool = False, index: bool = True, primary_key: bool = False) -> Column[str]:
    return Column(
        "customer_id", Text, ForeignKey("customers.id"), nullable=nullable, index=index, primary_key=primary_key
    )


def _call(nullable: bool = False, index: bool = True) -> Column[str]:
    return Column("call_id", Text, ForeignKey("calls.id"), nullable=nullable, index=index)


customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("name_key", Text),  # small letters without accents, for finding
    Column("language", Text),
    Column("slow", Boolean, nullable=False, default=False),
    Column("email", Text),
    Column("postcode", Text),
    Column("zone", Text),
    Column("number", Text),
    Column("pin_hash", Text),
    Column("created_at", Moment),
    UniqueConstraint("site_id", "number"),
)

customer_numbers = Table(
    "customer_numbers",
    metadata,
    _site(primary_key=True),
    Column("number", Text, primary_key=True),
    _customer(primary_key=True),
    Column("suffix", Text, nullable=False),
    Column("kind", Text, nullable=False, default="phone"),
    Column("verified", Boolean, nullable=False, default=False),
    Column("last_seen", Moment),
    Index("ix_customer_numbers_suffix", "site_id", "suffix"),
)

customer_products = Table(
    "customer_products",
    metadata,
    _site(),
    _customer(index=False, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    _site(primary_key=True),
    Column("number", Text, primary_key=True),
    _customer(),
    Column("status", Text, nullable=False),
    Column("placed", Date),
    Column("due", Date),
    Column("total_cents", BigInteger),
    Column("currency", Text, nullable=False),
)

order_items = Table(
    "order_items",
    metadata,
    _site(primary_key=True),
    Column("order_number", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _site(),
    _customer(),
    Column("at", Moment, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("carrier", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("caller_number", Text),
    Column("caller_said", Text),  # what the carrier sent in place of a number
    Column("called_number", Text, nullable=False),
    _customer(),
    Column("sure", Text, nullable=False),
    Column("flow_version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("door", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("started_at", Moment, nullable=False, index=True),
    Column("ended_at", Moment, index=True),
    Column("outcome", Text),
    UniqueConstraint("site_id", "carrier", "account", "sid"),
)

call_events = Table(
    "call_events",
    metadata,
    Column("call_id", Text, ForeignKey("calls.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    _site(),
    Column("kind", Text, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("happened_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("customer_id", Text),  # who it was taken for at that moment
    Column("data", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,  # one tree to write in place of two, at every turn
)

carrier_facts = Table(
    "carrier_facts",
    metadata,
    _site(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False, index=True),
    Column("call_id", Text, index=True),
    Column("kept_at", Moment, nullable=False),
    Column("body", Text, nullable=False),  # JSON
)

odd_counts = Table(
    "odd_counts",
    metadata,
    _site(primary_key=True),
    Column("day", Date, primary_key=True),  # of UTC
    Column("what", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _customer(),
    _call(nullable=True),
    Column("status", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("about", Text),
    UniqueConstraint("site_id", "code"),
)

voicemails = Table(
    "voicemails",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    _call(),
    _customer(),
    Column("queue", Text, nullable=False),
    Column("recording", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("audio_state", Text, nullable=False),
    Column("text_state", Text, nullable=False),
    Column("seconds", Float),
    Column("language", Text),
    Column("transcript_text", Text),  # None: not tried yet
    Column("transcript_language", Text),
    Column("transcript_words", Text),  # JSON: [[text, start, end, confidence], …]
    Column("transcript_seconds", Float),
    Column("transcript_model", Text),
    Column("transcript_problem", Text),
    Column("promise_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, index=True),
    Column("answered_at", Moment),
    Column("answered_by", Text),
    UniqueConstraint("site_id", "recording"),
    Index("ix_voicemails_answered_at_taken_at", "answered_at", "taken_at"),
)

promises = Table(
    "promises",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("what", Text, nullable=False),
    _customer(),
    _call(nullable=True),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("zone", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("ended_at", Moment),
    Column("because", Text),
    Column("counts_from", Moment),
    Column("moved_to", Moment),
    Column("moves", Integer, nullable=False, server_default="0"),
    Column("warned_at", Moment),
    Column("late_at", Moment),
    Column("missed_at", Moment),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, index=True),  # when the sweep looks at it; None once it has ended
    Index("ix_promises_state_due_at", "state", "due_at"),
)

LIVE_CALLBACKS = "ended_at IS NULL"

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    _customer(),
    Column("call_id", Text, ForeignKey("calls.id"), nullable=True, index=True),  # on which it was asked for
    Column("line", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("country", Text),
    Column("zones", Text, nullable=False),  # JSON: [zone, …]
    Column("language", Text, nullable=False),
    Column("shows", Text),
    Column("arrived_at", Moment, nullable=False),  # the place in line
    Column("asked_at", Moment, nullable=False, index=True),
    Column("ticket_id", Text, index=True),
    Column("case_id", Text),
    Column("promise_id", Text),
    Column("path", Text, nullable=False),  # JSON: [node, …]
    Column("typed", Text, nullable=False),  # JSON: {variable: value}
    Column("slot_at", Moment),
    Column("slot_hour", Moment),
    Column("slot_place", Integer),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("next_at", Moment, index=True),
    Column("last_outcome", Text),
    Column("tell", Boolean, nullable=False),
    Column("code", Text, index=True),
    Column("code_until", Moment),
    Column("ended_at", Moment),
    Column("because", Text),
    Column("version", Integer, nullable=False),
    Index(
        "uq_callbacks_live_number",
        "site_id",
        "number",
        unique=True,
        sqlite_where=text(LIVE_CALLBACKS),
        postgresql_where=text(LIVE_CALLBACKS),
    ),
    Index(
        "uq_callbacks_live_slot",
        "site_id",
        "queue",
        "slot_hour",
        "slot_place",
        unique=True,
        sqlite_where=text(LIVE_CALLBACKS),
        postgresql_where=text(LIVE_CALLBACKS),
    ),
    Index("ix_callbacks_number_asked_at", "number", "asked_at"),
)

callback_attempts = Table(
    "callback_attempts",
    metadata,
    Column("callback_id", Text, ForeignKey("callbacks.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),  # from 1; whoever puts the row there dials
    _site(),
    Column("agent", Text),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", Text),
)

LIVE_TICKETS = "state IN ('in_line', 'claimed', 'talking', 'away')"
"""So in the index and in the queries: PostgreSQL takes a partial index only where it can see that it fits."""

tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("counts_from", Moment, nullable=False),  # arrival less boost
    Column("tie", BigInteger, nullable=False),  # the ticket's order, from `ticket_counter`
    _customer(),
    _call(nullable=True),
    Column("language", Text),
    Column("needs", Text, nullable=False),  # JSON: {skill: level}
    Column("preferred", Text, nullable=False),  # JSON: {skill: level}
    Column("relaxations", Text, nullable=False),  # JSON: [[after so many seconds, [skill, …]], …]
    Column("boost_seconds", Float, nullable=False),
    Column("last_agent", Text),
    Column("last_agent_until", Moment),
    Column("refused_by", Text, nullable=False),  # JSON: [agent, …]
    Column("state", Text, nullable=False),
    Column("not_before", Moment),
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("wish", Text, nullable=False),
    Column("agent", Text),
    Column("node", Text, nullable=False),
    Column("taken_at", Moment),
    Column("away_at", Moment),
    Column("ended_at", Moment, index=True),
    Column("because", Text),
    Column("told_position", Integer),
    Column("told_low_seconds", Float),
    Column("told_high_seconds", Float),
    Column("told_at", Moment),
    Column("load", Float),
    Column("handed_by", Text),
    Column("handed_to", Text),
    Column("held_at", Moment),
    Column("hold_due_at", Moment),
    Column("moves", Integer, nullable=False, server_default="0"),
    Column("moved_turn", Integer, nullable=False, server_default="0"),
    Column("moved_at", Moment),
    Column("version", Integer, nullable=False),
    Index(
        "uq_tickets_live_call",
        "site_id",
        "call_id",
        unique=True,
        sqlite_where=text(LIVE_TICKETS),
        postgresql_where=text(LIVE_TICKETS),
    ),
    Index("ix_tickets_line", "site_id", "queue", "state", "counts_from", "tie"),
    Index("ix_tickets_state_away_at", "site_id", "state", "away_at"),
)

ticket_counter = Table(
    "ticket_counter",
    metadata,
    _site(primary_key=True),
    Column("last", BigInteger, nullable=False),
)

LIVE_CLAIMS = "ended_at IS NULL"
ACCEPTED_CLAIMS = "state = 'accepted'"

claims = Table(
    "claims",
    metadata,
    Column("token", Text, primary_key=True),
    Column("agent", Text, primary_key=True),
    _site(),
    Column("ticket_id", Text, ForeignKey("tickets.id"), nullable=False),
    Column("place", Integer, nullable=False),  # from 0, among those rung at once
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("lapses_at", Moment, nullable=False),
    Column("because", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("how", Text),
    Column("accepted_at", Moment),
    Column("ended_at", Moment),
    Index(
        "uq_claims_live_agent",
        "site_id",
        "agent",
        unique=True,
        sqlite_where=text(LIVE_CLAIMS),
        postgresql_where=text(LIVE_CLAIMS),
    ),
    Index(
        "uq_claims_live_place",
        "ticket_id",
        "place",
        unique=True,
        sqlite_where=text(LIVE_CLAIMS),
        postgresql_where=text(LIVE_CLAIMS),
    ),
    Index(
        "uq_claims_accepted",
        "ticket_id",
        unique=True,
        sqlite_where=text(ACCEPTED_CLAIMS),
        postgresql_where=text(ACCEPTED_CLAIMS),
    ),
    Index("ix_claims_ticket_id_fence", "ticket_id", "fence"),
)

UNFINISHED_LEGS = "state <> 'ended'"

legs = Table(
    "legs",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("kind", Text, nullable=False),
    Column("ticket_id", Text, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("rings_seconds", Float, nullable=False),
    _call(nullable=True),
    Column("token", Text, nullable=False, index=True),
    Column("agent", Text),
    Column("callback_id", Text, ForeignKey("callbacks.id"), nullable=True, index=True),
    Column("attempt", Integer, nullable=False),
    Column("shows", Text),
    Column("state", Text, nullable=False),
    Column("sid", Text),
    Column("unwanted", Boolean, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("door", Text, nullable=False),
    Column("token_heard", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("says", Text, nullable=False),  # JSON
    Column("ended_at", Moment),
    Column("how", Text),
    Column("version", Integer, nullable=False),
    Index(
        "ix_legs_unfinished",
        "site_id",
        "made_at",
        sqlite_where=text(UNFINISHED_LEGS),
        postgresql_where=text(UNFINISHED_LEGS),
    ),
)

floor_epoch = Table(
    "floor_epoch",
    metadata,
    _site(primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("set_at", Moment),  # None: never rebuilt
)

agents = Table(
    "agents",
    metadata,
    _site(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("skills", Text, nullable=False),  # JSON: {skill: level}
    Column("queues", Text, nullable=False),  # JSON: [queue, …]
    Column("address_kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("wrap_up_seconds", Float),
    Column("rank", Integer, nullable=False, server_default="0"),  # place in agents.yaml
    Column("wish", Text, nullable=False),
    Column("wish_because", Text, nullable=False),
    Column("wish_since", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_because", Text, nullable=False),
    Column("state_since", Moment, nullable=False),
    Column("idle_since", Moment, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("wrap_up_until", Moment),
    Column("calls", Integer, nullable=False),
    Column("last_offer", Integer, nullable=False),
    Column("removed_at", Moment),
    Column("version", Integer, nullable=False),
    Column("pin_hash", Text),
    Index("ix_agents_address", "site_id", "address"),
)

agent_calls = Table(
    "agent_calls",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    Column("carrier", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("sid", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("rang_at", Moment, nullable=False),
    Column("agent", Text),
    Column("stage", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("door", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("says", Text, nullable=False),  # JSON
    Column("failures", Integer, nullable=False),
    Column("unheard", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("carrier", "account", "sid", name="uq_agent_calls_carrier_account_sid"),
    Index("ix_agent_calls_agent_rang_at", "site_id", "agent", "rang_at"),
)

agent_states = Table(
    "agent_states",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _site(),
    Column("agent", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("what", Text, nullable=False),  # wish or state
    Column("value", Text, nullable=False),
    Column("because", Text, nullable=False),
    Index("ix_agent_states_agent_id", "site_id", "agent", "id"),
)

fetches = Table(
    "fetches",
    metadata,
    _site(primary_key=True),
    Column("key", Text, primary_key=True),
    _call(),
    Column("node", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("limit_seconds", Float, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", Text),
    Index("ix_fetches_state_asked_at", "state", "asked_at"),
)

proof_attempts = Table(
    "proof_attempts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _site(),
    _call(),
    Column("customer_id", Text),  # whom the caller claimed to be; None: nobody of ours
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("held", Boolean, nullable=False),
    Index("ix_proof_attempts_customer_id_at", "customer_id", "at"),
)

flow_versions = Table(
    "flow_versions",
    metadata,
    _site(primary_key=True),
    Column("id", Text, primary_key=True),
    Column("flow", Text, nullable=False),
    Column("files", Text, nullable=False),  # JSON: file name -> text
    Column("kept_at", Moment, nullable=False),
)

flow_aliases = Table(
    "flow_aliases",
    metadata,
    _site(primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("version", Text, nullable=False),
)

flow_publications = Table(
    "flow_publications",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _site(),
    Column("flow", Text, nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

emergency_closings = Table(
    "emergency_closings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _site(),
    Column("hours", Text, nullable=False, index=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("because", Text),
    Column("opened_again_at", Moment),
)

survey_answers = Table(
    "survey_answers",
    metadata,
    _site(),
    Column("call_id", Text, ForeignKey("calls.id"), primary_key=True),
    Column("survey", Text, primary_key=True),
    Column("question", Text, primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, which is the one that counts
    _customer(),
    Column("measures", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("unhappy", Boolean, nullable=False),
    Column("answered_at", Moment, nullable=False, index=True),
)

texts = Table(
    "texts",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    _call(nullable=True),
    _customer(),
    Column("number", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, index=True),  # when there is something to do; None once it has ended
    Column("ended_at", Moment),
    Column("because", Text),
    Column("carrier_id", Text),
    Column("channel", Text, nullable=False, server_default="sms"),
    Column("callback_id", Text),  # of whose miss or new time it tells
    Column("was_due", Moment),  # when that call was promised before
)

talk_recordings = Table(
    "talk_recordings",
    metadata,
    Column("id", Text, primary_key=True),
    _site(),
    _call(),
    _customer(),
    Column("ticket_id", Text, ForeignKey("tickets.id"), nullable=False, index=True),
    Column("leg", Text, nullable=False),  # the carrier's name of the customer's leg
    Column("rule", Text, nullable=False),
    Column("wanted_at", Moment, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("recording", Text),
    Column("url", Text),
    Column("paused_until", Moment),
    Column("withdrawn_at", Moment),
    Column("seconds", Float),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, index=True),
    Column("because", Text),
    Column("version", Integer, nullable=False),
    UniqueConstraint("site_id", "leg", "ticket_id"),  # one tape a leg and place in line, whoever asks for it again
    UniqueConstraint("site_id", "recording"),
)

NEVER_CHANGED = ("call_events", "flow_versions", "agent_states")
"""Tables that are only added to; the database itself refuses the rest."""

POSTGRESQL_REFUSAL = """
CREATE OR REPLACE FUNCTION ivr_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE integrity_constraint_violation USING MESSAGE = TG_TABLE_NAME || ' is append-only';
END $$
"""


def guards(dialect: str) -> list[str]:
    """The statements that make the database refuse UPDATE and DELETE on what is never changed."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for table in NEVER_CHANGED
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        POSTGRESQL_REFUSAL,
        *(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ivr_never_changed()"
            for table in NEVER_CHANGED
        ),
    ]


def _guard(_metadata: MetaData, connection: Connection, **_: object) -> None:
    for statement in guards(connection.dialect.name):
        connection.exec_driver_sql(statement)
    # A row that is locked has to be there before anybody locks it.
    connection.execute(insert(floor_epoch).values(epoch=0))


event.listen(metadata, "after_create", _guard)
