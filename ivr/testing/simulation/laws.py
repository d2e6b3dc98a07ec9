"""The laws of the house, each a function that gives a sentence for what breaks it.

``AT_EVERY_EVENT`` compares the books before and after something was written; ``AT_THE_END`` looks at the whole day once
all is calm. A new part of the house (tickets, agents, callbacks) brings its laws as further functions in these tables.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from ivr.core.call import CallRecord, CallState
from ivr.core.callbacks import Callback
from ivr.core.leg import Leg
from ivr.core.promises import Promise
from ivr.core.voicemail import AudioState, TextState, Voicemail
from ivr.core.words import AgentId, CallbackId, CallId, LegId, PromiseId, TicketId, VoicemailId
from ivr.exchange.handset import Perceived
from ivr.store.session import SqlRecords
from ivr.switchboard.ports.calls import StoredEvent
from ivr.switchboard.ports.queue import AgentOnRecord, ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.testing.simulation.callers import OneCall
from ivr.testing.simulation.line import Line, Wrong

EVERY = 100_000
LOOKED_AFTER = timedelta(minutes=40)
"""So long after a promise came due a sweep has looked at it, also at night, when sweeps are rare here."""


@dataclass(frozen=True)
class Books:
    """What is on record at one moment."""

    calls: Mapping[CallId, CallRecord] = field(default_factory=dict)
    events: Mapping[CallId, tuple[StoredEvent, ...]] = field(default_factory=dict)
    voicemails: Mapping[VoicemailId, Voicemail] = field(default_factory=dict)
    promises: Mapping[PromiseId, Promise] = field(default_factory=dict)
    tickets: Mapping[TicketId, TicketOnRecord] = field(default_factory=dict)
    claims: Mapping[tuple[str, AgentId], ClaimOnRecord] = field(default_factory=dict)
    legs: Mapping[LegId, Leg] = field(default_factory=dict)
    agents: Mapping[AgentId, AgentOnRecord] = field(default_factory=dict)
    callbacks: Mapping[CallbackId, Callback] = field(default_factory=dict)

    def of_sid(self, sid: str) -> CallRecord | None:
        return next((call for call in self.calls.values() if call.key.sid == sid), None)


WATCHED: Mapping[str, str] = {
    "calls": "id",
    "call_events": "call_id",
    "voicemails": "id",
    "promises": "id",
    "tickets": "id",
    "claims": "token",
    "legs": "id",
    "agents": "name",
    "callbacks": "id",
}
"""Table -> the column by which its rows are read anew."""

Row = TypeVar("Row")


class Reader:
    """Keeps the books up to date: triggers note which rows are written, whoever writes them, and those are read anew.

    The notes are part of the transaction that they are of: what is rolled back leaves none.
    """

    def __init__(self, records: SqlRecords) -> None:
        self._records = records
        with records.engine.connect() as connection:
            raw = connection.connection.cursor()
            raw.execute("CREATE TEMP TABLE noted (what TEXT, id TEXT)")
            for table, key in WATCHED.items():
                for event, row, what in (
                    ("INSERT", "NEW", table),
                    ("UPDATE", "NEW", table),
                    ("DELETE", "OLD", f"no more {table}"),
                ):
                    note = f"INSERT INTO noted VALUES ('{what}', {row}.{key})"  # noqa: S608 (names of our own)
                    raw.execute(f"CREATE TEMP TRIGGER note_{event}_{table} AFTER {event} ON {table} BEGIN {note}; END")

    def read(self, before: Books) -> Books:
        """The books as they are now; a part of which nothing was written is the same object as before."""
        noted = self._noted()
        with self._records.read() as tx:
            calls = sorted({*noted["calls"], *noted["call_events"]} - noted["no more calls"])
            return Books(
                _with(before.calls, noted["no more calls"], ((CallId(id_), tx.calls.at(CallId(id_))) for id_ in calls)),
                _with(before.events, set(), ((CallId(id_), tuple(tx.log.of_call(CallId(id_)))) for id_ in calls)),
                _anew(before.voicemails, noted, "voicemails", VoicemailId, tx.voicemails.get),
                _anew(before.promises, noted, "promises", PromiseId, tx.promises.get),
                _anew(before.tickets, noted, "tickets", TicketId, tx.tickets.get),
                _with(before.claims, set(), _claims(tx, sorted(noted["claims"]))),
                _anew(before.legs, noted, "legs", LegId, tx.legs.get),
                _anew(before.agents, noted, "agents", AgentId, tx.agents.get),
                _anew(before.callbacks, noted, "callbacks", CallbackId, tx.callbacks.get),
            )

    def read_anew(self) -> Books:
        """The books from nothing, where the records have become what they were."""
        with self._records.engine.connect() as connection:
            raw = connection.connection.cursor()
            raw.execute("DELETE FROM noted")
            for table, key in WATCHED.items():
                raw.execute(f"INSERT INTO noted SELECT '{table}', {key} FROM {table}")  # noqa: S608 (names of our own)
        return self.read(Books())

    def _noted(self) -> Mapping[str, set[str]]:
        noted: dict[str, set[str]] = defaultdict(set)
        with self._records.engine.connect() as connection:
            raw = connection.connection.cursor()
            for what, id_ in raw.execute("SELECT DISTINCT what, id FROM noted").fetchall():
                noted[what].add(id_)
            raw.execute("DELETE FROM noted")
        return noted


def _claims(tx: Transaction, tokens: list[str]) -> Iterator[tuple[tuple[str, AgentId], ClaimOnRecord]]:
    for token in tokens:
        for claim in tx.claims.under(token):
            yield (token, claim.agent), claim


Id = TypeVar("Id", bound=str)
Key = TypeVar("Key", bound=Hashable)


def _anew(
    before: Mapping[Id, Row],
    noted: Mapping[str, set[str]],
    table: str,
    name: Callable[[str], Id],
    get: Callable[[Id], Row],
) -> Mapping[Id, Row]:
    gone = noted[f"no more {table}"]
    return _with(before, gone, ((name(id_), get(name(id_))) for id_ in sorted(noted[table] - gone)))


def _with(before: Mapping[Key, Row], gone: set[str], fresh: Iterable[tuple[Key, Row]]) -> Mapping[Key, Row]:
    """The same object where nothing is fresh and nothing is gone."""
    now = dict(fresh)
    if not now and not gone:
        return before
    return {key: row for key, row in before.items() if key not in gone} | now


@dataclass(frozen=True)
class Change:
    """What was written by one event: the books before and after it, and the calls it concerns."""

    before: Books
    after: Books
    line: Line

    @cached_property
    def moved(self) -> Sequence[CallRecord]:
        """The calls that were written, or events of theirs."""
        before = self.before.calls
        return [call for call in self.after.calls.values() if before.get(call.id) is not call]

    @property
    def in_the_queue(self) -> bool:
        """Whether tickets, claims or agents were written."""
        before, after = self.before, self.after
        same = before.tickets is after.tickets and before.claims is after.claims and before.agents is after.agents
        return not same


# --- At every event ---------------------------------------------------------------------------------------------------


def turns_only_grow(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        was = change.before.calls.get(call.id)
        if was is not None and call.turn < was.turn:
            yield Wrong("turn numbers only grow", f"the call went from turn {was.turn} to {call.turn}", call.key.sid)


def events_are_dense(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        seqs = [event.seq for event in change.after.events[call.id]]
        if seqs != list(range(1, call.next_seq)):
            text = f"events {seqs} where 1 to {call.next_seq - 1} should be"
            yield Wrong("events are numbered without gaps", text, call.key.sid)


def events_are_never_changed(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        was = change.before.events.get(call.id, ())
        if change.after.events[call.id][: len(was)] != was:
            yield Wrong("events are never changed", "an event of the past is another now", call.key.sid)


def ended_calls_have_an_outcome(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        ended = (call.state is CallState.ENDED, call.ended_at is not None, call.outcome is not None)
        if len(set(ended)) > 1:
            yield Wrong("an ended call has an outcome, and only it", f"{call.state}, {call.outcome}", call.key.sid)


def ended_calls_stay_ended(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        was = change.before.calls.get(call.id)
        if was is not None and was.state is CallState.ENDED and call.state is not CallState.ENDED:
            yield Wrong("an ended call stays ended", f"it is {call.state} again", call.key.sid)


def nothing_is_taken_off_the_record(change: Change) -> Iterator[Wrong]:
    before, after = change.before, change.after
    for kind, was, now in (
        ("call", before.calls, after.calls),
        ("voicemail", before.voicemails, after.voicemails),
        ("promise", before.promises, after.promises),
    ):
        for gone in sorted(() if was is now else set[str](was) - set[str](now)):
            yield Wrong("nothing is taken off the record", f"{kind} {gone} is gone")


def messages_told_of_are_on_record(change: Change) -> Iterator[Wrong]:
    known = {voicemail.recording for voicemail in change.after.voicemails.values()}
    for call in change.moved:
        for event in change.after.events[call.id]:
            if event.kind == "voicemail.taken" and event.data["recording"] not in known:
                yield Wrong("a message told of is on record", "voicemail.taken without a voicemail", call.key.sid)


def promises_told_of_are_on_record(change: Change) -> Iterator[Wrong]:
    for call in change.moved:
        for event in change.after.events[call.id]:
            if event.kind == "promise.made" and event.data["promise"] not in change.after.promises:
                yield Wrong("what was promised is on record", "promise.made without a promise", call.key.sid)


def promises_are_never_silently_closed(change: Change) -> Iterator[Wrong]:
    if change.after.promises is change.before.promises:
        return
    for promise in change.after.promises.values():
        was = change.before.promises.get(promise.id)
        if promise is was or promise.open or promise.call is None:
            continue
        call = change.after.calls[promise.call]
        told = [event.data for event in change.after.events[call.id] if event.kind == "promise.closed"]
        if not any(one["promise"] == promise.id and one["result"] == promise.state for one in told):
            text = f"it is {promise.state}, and no event says so"
            yield Wrong("a promise is never silently closed", text, call.key.sid)


AT_EVERY_EVENT: tuple[Callable[[Change], Iterator[Wrong]], ...] = (
    turns_only_grow,
    events_are_dense,
    events_are_never_changed,
    ended_calls_have_an_outcome,
    ended_calls_stay_ended,
    nothing_is_taken_off_the_record,
    messages_told_of_are_on_record,
    promises_told_of_are_on_record,
    promises_are_never_silently_closed,
)


# --- When a caller hears something ------------------------------------------------------------------------------------

MESSAGE_KEPT = re.compile("Abbiamo ricevuto il vostro messaggio|We have your message")
MESSAGE_PROMISE = re.compile("Vi rispondiamo entro|We will answer by")
CASE_CODE = re.compile(r"(?:codice è|code is) ([\d ,]+)")


def message_aloud_is_on_record(call: OneCall, said: Perceived, books: Books, _: Records) -> Iterator[Wrong]:
    record = books.of_sid(call.sid)
    if MESSAGE_KEPT.search(said.text) and not any(
        record is not None and one.call == record.id for one in books.voicemails.values()
    ):
        yield Wrong("what was said aloud is on record", "a message was thanked for and is not on record", call.sid)


def promise_aloud_is_on_record(call: OneCall, said: Perceived, books: Books, _: Records) -> Iterator[Wrong]:
    record = books.of_sid(call.sid)
    if MESSAGE_PROMISE.search(said.text) and not any(
        record is not None and one.call == record.id for one in books.promises.values()
    ):
        yield Wrong("what was promised aloud is on record", "an answer was promised and is not on record", call.sid)


def code_aloud_is_on_record(call: OneCall, said: Perceived, _: Books, records: Records) -> Iterator[Wrong]:
    for digits in CASE_CODE.findall(said.text):
        code = "".join(filter(str.isdigit, digits))
        with records.read() as tx:
            if not said.cut and tx.cases.by_code(code) is None:
                yield Wrong("what was said aloud is on record", f"there is no case with the code {code}", call.sid)


def words_before_the_end(call: OneCall, news: Perceived, _: Books, __: Records) -> Iterator[Wrong]:
    if news.kind == "ended" and call.over != "you hung up":
        if not call.words_heard:
            yield Wrong("no call ends without words", f"it ended ({call.over}) and nothing was ever said", call.sid)
        elif call.acted_last:
            yield Wrong("no call ends without words", f"it ended ({call.over}) without an answer", call.sid)


AT_EVERY_WORD: tuple[Callable[[OneCall, Perceived, Books, Records], Iterator[Wrong]], ...] = (
    message_aloud_is_on_record,
    promise_aloud_is_on_record,
    code_aloud_is_on_record,
    words_before_the_end,
)


# --- At the end of the day --------------------------------------------------------------------------------------------


def every_call_is_on_record(line: Line, calls: list[OneCall], books: Books) -> Iterator[Wrong]:
    for call in calls:
        if books.of_sid(call.sid) is None and "/voice/incoming" not in line.diary.touched.get(call.sid, ()):
            yield Wrong("every call ends in the record", "it rang, and is not on record", call.sid)


def no_call_is_left_open(_: Line, __: list[OneCall], books: Books) -> Iterator[Wrong]:
    for call in books.calls.values():
        if call.state is not CallState.ENDED:
            yield Wrong("no call is left open", f"it is {call.state} at the end", call.key.sid)


def every_recording_is_a_voicemail(line: Line, _: list[OneCall], books: Books) -> Iterator[Wrong]:
    known = {voicemail.recording for voicemail in books.voicemails.values()}
    for recording in line.network.recordings():
        if recording.status == "completed" and recording.source == "RecordVerb" and recording.sid not in known:
            yield Wrong(
                "no message is lost", "the carrier has a recording that is not on record", recording.call_sid or ""
            )


def every_message_is_kept(line: Line, _: list[OneCall], books: Books) -> Iterator[Wrong]:
    for voicemail in books.voicemails.values():
        sid = books.calls[voicemail.call].key.sid
        if voicemail.audio is not AudioState.KEPT:
            yield Wrong("no message is lost", f"its audio is {voicemail.audio} at the end", sid)
        elif line.process.office.audio.path(voicemail.id) is None:
            yield Wrong("no message is lost", "its audio is not on the shelf", sid)
        elif voicemail.text is TextState.WAITING:
            yield Wrong("every message is read", "nobody tried to read it", sid)


def late_promises_are_escalated(line: Line, _: list[OneCall], books: Books) -> Iterator[Wrong]:
    now = line.scheduler.now()
    for promise in books.promises.values():
        if promise.open and now > promise.due_at + LOOKED_AFTER and promise.late_at is None:
            sid = books.calls[promise.call].key.sid if promise.call else ""
            yield Wrong("a late promise is escalated", f"it was due {promise.due_at:%d %H:%M} and nobody said so", sid)


def a_calm_day_needs_no_fallback(line: Line, _: list[OneCall], __: Books) -> Iterator[Wrong]:
    if not line.faults:
        for refusal in line.network.refusals:
            yield Wrong("the carrier executes all we answer", refusal)


AT_THE_END: tuple[Callable[[Line, list[OneCall], Books], Iterator[Wrong]], ...] = (
    every_call_is_on_record,
    no_call_is_left_open,
    every_recording_is_a_voicemail,
    every_message_is_kept,
    late_promises_are_escalated,
    a_calm_day_needs_no_fallback,
)
