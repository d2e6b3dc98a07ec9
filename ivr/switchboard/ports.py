"""What the use cases need of the world: small Protocols, each named for a role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ivr.core.agent import AgentStatus
from ivr.core.agent_call import AgentCall
from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.callbacks import Callback, Outcome
from ivr.core.company import EmergencyClosing
from ivr.core.customer import CaseRecord, Customer, Match, Note, Order
from ivr.core.events import CallEvent
from ivr.core.flow.model import FlowVersion
from ivr.core.leg import Leg, LegEnd
from ivr.core.promises import Promise
from ivr.core.recording import TalkRecording
from ivr.core.roster import Address, AgentRecord
from ivr.core.routing.decide import FreeAgent, Pair, Waiting
from ivr.core.survey import SurveyAnswer
from ivr.core.text_message import TextMessage
from ivr.core.ticket import Ticket, TicketKind
from ivr.core.voicemail import AudioState, Transcript, Voicemail
from ivr.core.words import (
    AgentCallId,
    AgentId,
    CallbackId,
    CallerNumber,
    CallId,
    CustomerId,
    FlowVersionId,
    Language,
    LegId,
    PhoneNumber,
    PromiseId,
    QueueName,
    RecordingId,
    TextId,
    TicketId,
    VoicemailId,
)


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class Ids(Protocol):
    def new(self) -> str:
        """A UUIDv7 as text; seeded in simulation."""
        ...

    def code(self, length: int) -> str:
        """Digits by chance, the first not 0; for codes that are read out."""
        ...


# --- Records (SQL) ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredEvent:
    """An event as it lies in ``call_events``."""

    call: CallId
    seq: int
    kind: str
    schema: int
    happened_at: datetime
    recorded_at: datetime
    customer: CustomerId | None
    data: Mapping[str, Any]


class Calls(Protocol):
    def find(self, key: CarrierKey) -> CallRecord | None: ...

    def at(self, call: CallId) -> CallRecord:
        """Raises NoSuchCall."""
        ...

    def start(self, call: CallRecord) -> bool:
        """Insert; False when the carrier key is on record already (somebody won the race)."""
        ...

    def move(self, call: CallRecord, from_turn: int) -> bool:
        """Write turn, door, token, cursor, says, state, next_seq WHERE turn = from_turn; False: somebody was first.

        One statement.
        """
        ...

    def recognise(self, call: CallId, customer: CustomerId, sure: Sure) -> None: ...

    def end(self, call: CallId, state: CallState, outcome: str, at: datetime) -> bool:
        """False when it had ended already."""
        ...

    def set_outcome(self, call: CallId, outcome: str) -> None:
        """Of an ended call, whose last message came in late."""
        ...

    def recent(self, limit: int, before: datetime | None = None) -> Sequence[CallRecord]: ...

    def of(self, customer: CustomerId) -> Sequence[CallRecord]: ...

    def unfinished(self) -> Sequence[CallRecord]: ...

    def ended_between(self, after: datetime, until: datetime) -> Sequence[CallRecord]:
        """Those that ended after one moment and no later than the other; the first to end first."""
        ...


class CallLog(Protocol):
    def append(
        self,
        call: CallId,
        first_seq: int,
        events: Sequence[CallEvent],
        happened_at: datetime,
        customer: CustomerId | None,
    ) -> None:
        """Append events with seq ``first_seq`` and on, in one statement."""
        ...

    def add(self, call: CallId, events: Sequence[CallEvent], happened_at: datetime) -> None:
        """Append from outside a turn: reserves seq numbers on the call's row first."""
        ...

    def of_call(self, call: CallId) -> Sequence[StoredEvent]: ...

    def kinds_of(self, call: CallId) -> frozenset[str]:
        """The kinds of a call's events."""
        ...

    def of_customer(self, customer: CustomerId) -> Sequence[StoredEvent]: ...

    def of_kinds(self, kinds: Iterable[str], since: datetime, until: datetime) -> Sequence[StoredEvent]:
        """Those of calls that rang in ``[since, until)``, as they happened."""
        ...


@dataclass(frozen=True)
class UnclaimedRecording:
    """A recording that the carrier told of, whose call is not on record; ``fact`` is the key it is kept under."""

    fact: str
    carrier: str
    account: str
    sid: str
    recording: str
    url: str
    seconds: int | None


class Facts(Protocol):
    def keep(self, key: str, kind: str, body: Mapping[str, str], at: datetime, call: CallId | None) -> bool:
        """Store a carrier callback once under the carrier's own key; False for a repeat."""
        ...

    def unclaimed(self, limit: int) -> Sequence[UnclaimedRecording]:
        """Completed recordings without a call, oldest first."""
        ...

    def claim(self, key: str, call: CallId | None) -> None:
        """A recording's fact belongs to this call from now on, or to nobody for good."""
        ...

    def count_odd(self, what: str, at: datetime) -> None:
        """Count something that moved nothing and belongs to no call of ours."""
        ...


class Customers(Protocol):
    def by_number(self, number: PhoneNumber) -> Match:
        """Exact matches; only when there are none, customers whose number ends alike (last 7 digits)."""
        ...

    def get(self, customer: CustomerId) -> Customer:
        """Raises NoSuchCustomer."""
        ...

    def find(self, text: str) -> Sequence[Customer]:
        """By id, customer number, phone number or a part of the name."""
        ...

    def by_customer_number(self, number: str) -> Customer | None:
        """The one with this number in the company's books."""
        ...

    def add(self, customer: Customer) -> None: ...

    def change(self, customer: CustomerId, **fields: object) -> None:
        """Set name, language, slow, email, postcode, zone, kind, number, pin_hash."""
        ...

    def merge_call(self, anonymous: CustomerId, customer: CustomerId, call: CallId) -> None:
        """A caller proved who they are: this call and its events, cases, voicemails now belong to ``customer``."""
        ...

    def seen(self, number: PhoneNumber, at: datetime) -> None: ...

    def pin_hash(self, customer: CustomerId) -> str | None: ...

    def order(self, number: str) -> Order | None: ...

    def orders_of(self, customer: CustomerId) -> Sequence[Order]: ...

    def notes_of(self, customer: CustomerId) -> Sequence[Note]: ...

    def note(self, note: Note) -> None: ...

    def all(self, limit: int, after: str | None = None) -> Sequence[Customer]: ...

    def add_number(
        self, customer: CustomerId, number: PhoneNumber, kind: str = "phone", verified: bool = False
    ) -> None: ...

    def set_products(self, customer: CustomerId, products: Sequence[str]) -> None: ...

    def put_order(self, order: Order) -> None:
        """Put an order on record, in place of what was known of it."""
        ...


class Proofs(Protocol):
    def tried(self, call: CallId, customer: CustomerId | None, by: str, at: datetime, held: bool) -> None:
        """Put an attempt to prove who one is on record; ``customer`` is who it would have been."""
        ...

    def failures(self, call: CallId, customer: CustomerId | None, since: datetime) -> int:
        """Failed attempts on this call, or at this customer from any call."""
        ...


class Cases(Protocol):
    def open(self, case: CaseRecord) -> None: ...

    def by_code(self, code: str) -> CaseRecord | None: ...

    def of(self, customer: CustomerId) -> Sequence[CaseRecord]: ...


class Voicemails(Protocol):
    def take(self, voicemail: Voicemail) -> bool:
        """Insert; False when this recording is on record already."""
        ...

    def get(self, voicemail: VoicemailId) -> Voicemail:
        """Raises NoSuchVoicemail."""
        ...

    def by_recording(self, recording: str) -> Voicemail | None: ...

    def audio(self, voicemail: VoicemailId, state: AudioState, seconds: float | None) -> None: ...

    def transcript(self, voicemail: VoicemailId, transcript: Transcript) -> None: ...

    def postpone(
        self, voicemail: VoicemailId, attempts: int, next_at: datetime | None, seen: int | None = None
    ) -> bool:
        """Set both; with ``seen`` only where ``attempts`` still stands at it (False: another worker was first)."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Voicemail]:
        """Those with a step to do (``next_at`` passed), oldest first."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Voicemail]: ...

    def answered(self, voicemail: VoicemailId, by: str, at: datetime) -> bool:
        """Put on record that it is answered; False when it was already, or is not there."""
        ...

    def unanswered(self, limit: int) -> Sequence[Voicemail]:
        """Oldest first."""
        ...

    def recent(self, limit: int) -> Sequence[Voicemail]:
        """Newest first."""
        ...


class Promises(Protocol):
    def make(self, promise: Promise) -> None: ...

    def get(self, promise: PromiseId) -> Promise:
        """Raises NoSuchPromise."""
        ...

    def change(self, promise: Promise) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Promise]: ...

    def open(self, owner: str | None = None) -> Sequence[Promise]:
        """The most urgent first; of one owner, or of all."""
        ...

    def to_look_at(self, now: datetime, limit: int) -> Sequence[Promise]:
        """Open ones at which the clock has something to do, the longest due first."""
        ...

    def due_between(self, since: datetime, until: datetime) -> Sequence[Promise]:
        """Those whose time (the first that was missed, else the present one) lies in ``[since, until)``."""
        ...


@dataclass(frozen=True)
class Attempt:
    """One dial of a callback, on record from before the carrier was asked."""

    callback: CallbackId
    number: int  # from 1
    agent: AgentId | None
    began_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None


class Callbacks(Protocol):
    def ask(self, callback: Callback, capacity: int = 0, zone: str = "UTC") -> Callback:
        """Put it on record, or give back the live one that this number has already: compare the ids.

        A slot takes one of its hour's ``capacity`` places, the hour as the queue's ``zone`` shows it; raises SlotTaken.
        """
        ...

    def get(self, callback: CallbackId) -> Callback:
        """Raises NoSuchCallback."""
        ...

    def live_of(self, number: PhoneNumber) -> Callback | None: ...

    def of_ticket(self, ticket: TicketId) -> Callback | None: ...

    def by_code(self, code: str, now: datetime) -> Callback | None:
        """The one whose code this is, while it holds."""
        ...

    def change(self, callback: Callback) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Callback]:
        """Those waiting whose time has come, in the order of arrival."""
        ...

    def live(self, queue: QueueName | None = None) -> Sequence[Callback]:
        """In the order of arrival."""
        ...

    def live_count(self, queue: QueueName) -> int:
        """How many of a queue have not ended."""
        ...

    def booked(self, queue: QueueName, since: datetime, until: datetime) -> Sequence[datetime]:
        """The slots taken by live callbacks in ``[since, until)``."""
        ...

    def of(self, customer: CustomerId) -> Sequence[Callback]: ...

    def asked_since(self, since: datetime, number: PhoneNumber | None = None) -> int:
        """How many were asked for, at one number or in all."""
        ...

    def begin(self, attempt: Attempt) -> bool:
        """Put a dial on record before the carrier is asked; False when this attempt is somebody else's."""
        ...

    def end(self, callback: CallbackId, number: int, outcome: Outcome, at: datetime) -> bool:
        """False when it has ended already, or never began."""
        ...

    def attempts(self, callback: CallbackId) -> Sequence[Attempt]: ...


@dataclass(frozen=True)
class AgentOnRecord:
    """An agent as the company has them, and as they are now; ``version`` tells apart two who change that at once."""

    record: AgentRecord
    status: AgentStatus
    version: int


@dataclass(frozen=True)
class AgentChange:
    """One line of an agent's log: ``what`` is ``wish`` or ``state``."""

    agent: AgentId
    at: datetime
    what: str
    value: str
    because: str


class Agents(Protocol):
    def all(self) -> Sequence[AgentOnRecord]:
        """By name."""
        ...

    def get(self, agent: AgentId) -> AgentOnRecord:
        """Raises NoSuchAgent."""
        ...

    def edition(self) -> int:
        """A number that grows with every change of anybody: the same number, the same agents."""
        ...

    def resting(self) -> Mapping[AgentId, datetime]:
        """Who wraps up, and until when; the earliest first."""
        ...

    def put(self, record: AgentRecord, at: datetime) -> None:
        """Put on record, or change who they are and leave wish and state; one taken off before begins anew."""
        ...

    def remove(self, agent: AgentId, version: int, at: datetime) -> bool:
        """Take off the record; False when they have been changed since that version."""
        ...

    def change(self, status: AgentStatus, version: int) -> bool:
        """Write wish and state, and log what is new of them; False when changed since that version."""
        ...

    def history(self, agent: AgentId, limit: int) -> Sequence[AgentChange]:
        """The newest first."""
        ...

    def at(self, address: Address) -> AgentOnRecord | None:
        """Who is rung there."""
        ...

    def pin_hash(self, agent: AgentId) -> str | None: ...

    def set_pin(self, agent: AgentId, hashed: str | None) -> bool:
        """None takes it away; False where nobody has this name."""
        ...


class AgentCalls(Protocol):
    """Agents who ring us."""

    def find(self, key: CarrierKey) -> AgentCall | None: ...

    def get(self, call: AgentCallId) -> AgentCall:
        """Raises NoSuchAgentCall."""
        ...

    def start(self, call: AgentCall) -> bool:
        """Insert; False when the carrier key is on record already."""
        ...

    def change(self, call: AgentCall) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def failures(self, agent: AgentId, since: datetime) -> int:
        """Wrong PINs of calls that began since then."""
        ...


@dataclass(frozen=True)
class TicketOnRecord:
    """A place in line as it is written: the ticket, and what became of it so far.

    ``version`` tells apart two who change it at once; ``attempt`` counts its claims (the room of each is another);
    ``fence`` is that of its last claim: an earlier one is refused.
    """

    ticket: Ticket
    version: int = 0
    attempt: int = 0
    fence: int = 0
    wish: str = ""  # chosen while waiting, once: callback, voicemail, overflow_1, …
    agent: AgentId | None = None  # who took it
    node: str = ""  # of the flow it waits for
    taken_at: datetime | None = None  # by the agent
    away_at: datetime | None = None
    ended_at: datetime | None = None
    because: str | None = None  # of the end
    told_position: int | None = None  # the last that was said aloud; never a worse one after it
    told_low: timedelta | None = None  # the first range for the wait that was said aloud, and when
    told_high: timedelta | None = None
    told_at: datetime | None = None
    load: float | None = None  # what it met on arrival: callers ahead for each agent at work
    handed_by: AgentId | None = None  # transferred by them, until somebody takes it
    handed_to: AgentId | None = None  # to this agent; None: to a queue, or back to who transferred it
    held_at: datetime | None = None  # the caller is to be on hold since then; None: in the talk
    hold_due_at: datetime | None = None  # the carrier is to be told so; None: it was
    moves: int = 0  # so often the caller's leg was pointed to its turn ``moved_turn``, and did not get on
    moved_turn: int = 0
    moved_at: datetime | None = None


@dataclass(frozen=True)
class AnsweredTicket:
    """What an answered ticket tells of waits and talks; ``load`` is the one it met when it came."""

    kind: TicketKind
    queue: QueueName
    needs: Mapping[str, int]
    arrived_at: datetime
    taken_at: datetime
    ended_at: datetime | None
    load: float | None


class Tickets(Protocol):
    """``SqlTickets``: places in line."""

    def next_order(self) -> int:
        """The next number of the stored counter that breaks ties of arrival."""
        ...

    def take(self, ticket: TicketOnRecord) -> bool:
        """Insert; False when this call, or this callback, has a live one already."""
        ...

    def get(self, ticket: TicketId) -> TicketOnRecord:
        """Raises NoSuchTicket."""
        ...

    def of_call(self, call: CallId) -> TicketOnRecord | None:
        """The newest of a call, ended or not."""
        ...

    def away_of(self, customer: CustomerId, since: datetime) -> TicketOnRecord | None:
        """The newest of a customer that went away no earlier than ``since`` and is still away."""
        ...

    def change(self, ticket: TicketOnRecord) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def live(self, queue: QueueName | None = None) -> Sequence[TicketOnRecord]:
        """Every one that has not ended, by arrival and order."""
        ...

    def versions(self) -> Mapping[TicketId, int]:
        """Of all that have not ended: what has changed since is told by it."""
        ...

    def ahead(self, ticket: Ticket, now: datetime) -> int:
        """How many of the same queue stand in line before it (boosts counted), itself not counted.

        Those who are not to be called before a later moment than ``now`` do not count.
        """
        ...

    def lengths(self) -> Mapping[QueueName, int]:
        """How many stand in line, or are being offered, in each queue where anybody does."""
        ...

    def answered_since(self, moment: datetime) -> Sequence[AnsweredTicket]:
        """Those an agent took who talk now, or whose talk has ended since; in no order."""
        ...

    def refused(self, limit: int) -> Sequence[TicketOnRecord]:
        """Those in line that somebody refused or missed, the first to arrive first."""
        ...

    def handed(self, limit: int) -> Sequence[TicketOnRecord]:
        """Those in line that were transferred to an agent, the first to arrive first."""
        ...

    def talking(self) -> Sequence[TicketOnRecord]:
        """The earliest talk first."""
        ...

    def last_agent_of(self, customer: CustomerId) -> AgentId | None:
        """Who served this customer last."""
        ...

    def away_before(self, moment: datetime, limit: int) -> Sequence[TicketOnRecord]:
        """Those still away that went before a moment, the longest away first."""
        ...

    def left_behind(self) -> Sequence[TicketId]:
        """Those nobody talks to any more, while their caller is still where they talked."""
        ...

    def ended_between(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        """By the time of their end, in ``[since, until)``."""
        ...

    def standing(self, since: datetime, until: datetime) -> Sequence[TicketOnRecord]:
        """Every one that stood at some moment of ``[since, until)``, by arrival and order."""
        ...


class ClaimState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"  # until the talk ends
    ENDED = "ended"


@dataclass(frozen=True)
class ClaimOnRecord:
    """One agent reserved for one ticket; where several are rung at once, a row each under one token."""

    token: str
    agent: AgentId
    ticket: TicketId
    attempt: int
    fence: int
    made_at: datetime
    lapses_at: datetime
    because: str  # why this ticket, and why this agent
    state: ClaimState = ClaimState.OFFERED
    how: str | None = None  # of the end: declined, missed, lapsed, let_go, lost, talked
    accepted_at: datetime | None = None
    ended_at: datetime | None = None


class Claims(Protocol):
    def make(self, claims: Sequence[ClaimOnRecord]) -> bool:
        """Insert all or none; False when the ticket or one of the agents has a live claim, by unique constraints."""
        ...

    def under(self, token: str) -> Sequence[ClaimOnRecord]: ...

    def of_agent(self, agent: AgentId) -> ClaimOnRecord | None:
        """The live one."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[ClaimOnRecord]:
        """All of them, the earliest first."""
        ...

    def live(self) -> Sequence[ClaimOnRecord]: ...

    def of_standing(self, since: datetime, until: datetime) -> Sequence[ClaimOnRecord]:
        """All claims of the tickets that stood at some moment of ``[since, until)``, the earliest first."""
        ...

    def last_talk(self, agent: AgentId) -> ClaimOnRecord | None:
        """The claim behind the talk that an agent was the last to end."""
        ...

    def accept(self, token: str, agent: AgentId, at: datetime) -> bool:
        """False unless it stands offered."""
        ...

    def end(self, token: str, agent: AgentId, how: str, at: datetime) -> bool:
        """False when it has ended already."""
        ...


class Legs(Protocol):
    def commit(self, leg: Leg) -> None:
        """On record before the carrier is asked."""
        ...

    def get(self, leg: LegId) -> Leg:
        """Raises NoSuchLeg."""
        ...

    def under(self, token: str) -> Sequence[Leg]:
        """Those of a claim."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[Leg]:
        """The earliest first."""
        ...

    def of_agent(self, agent: AgentId) -> Sequence[Leg]:
        """An agent's own that have not ended, the earliest first; not those to customers they wait for."""
        ...

    def change(self, leg: Leg) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def unfinished(self) -> Sequence[Leg]:
        """Every one that has not ended, the earliest first."""
        ...


class FloorRow(Protocol):
    """One row: the epoch under which the floor stands; locked, it chooses the one rebuilder."""

    def epoch(self) -> int: ...

    def lock(self) -> int:
        """Hold the row until the transaction ends; the epoch."""
        ...

    def set(self, epoch: int, at: datetime) -> None: ...


@dataclass(frozen=True)
class Fetching:
    """An http node's request, in the worker's hands."""

    key: str
    call: CallId
    node: str
    url: str
    method: str
    body: str
    limit_seconds: float
    asked_at: datetime
    state: str = "waiting"  # waiting, success, failure, timeout
    answer: str | None = None


class Fetches(Protocol):
    def ask(self, fetching: Fetching) -> None: ...

    def get(self, key: str) -> Fetching | None: ...

    def end(self, key: str, state: str, answer: str | None) -> bool: ...

    def waiting(self, limit: int) -> Sequence[Fetching]: ...


class Answers(Protocol):
    """What callers answered to surveys; nothing is ever changed."""

    def keep(self, answer: SurveyAnswer) -> int:
        """Put it on record with the next number of its call and question (its own is not looked at): that number."""
        ...

    def of_call(self, call: CallId) -> Sequence[SurveyAnswer]:
        """In the order given."""
        ...

    def between(self, since: datetime, until: datetime) -> Sequence[SurveyAnswer]:
        """Those given in ``[since, until)``, later answers to the same question among them."""
        ...


class Texts(Protocol):
    def promise(self, text: TextMessage) -> None: ...

    def get(self, text: TextId) -> TextMessage:
        """Raises NoSuchText."""
        ...

    def change(self, text: TextMessage, seen: TextMessage) -> bool:
        """Write what became of it; False when it is not as it was seen any more."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[TextMessage]:
        """Those with something to do (``next_at`` passed), the longest due first."""
        ...

    def of(self, customer: CustomerId) -> Sequence[TextMessage]:
        """Oldest first."""
        ...


class Recordings(Protocol):
    """Talks on tape."""

    def want(self, recording: TalkRecording) -> bool:
        """Insert; False when this leg has one at this place in line already."""
        ...

    def get(self, recording: RecordingId) -> TalkRecording:
        """Raises NoSuchRecording."""
        ...

    def change(self, recording: TalkRecording) -> bool:
        """Write it with ``version`` one higher; False when it has been changed since it was read."""
        ...

    def of_ticket(self, ticket: TicketId) -> Sequence[TalkRecording]:
        """Oldest first."""
        ...

    def of_call(self, call: CallId) -> Sequence[TalkRecording]:
        """Oldest first."""
        ...

    def by_recording(self, recording: str) -> TalkRecording | None:
        """By the carrier's key."""
        ...

    def live(self) -> Sequence[TalkRecording]:
        """Those that the carrier is to begin, or has begun and not ended, oldest first."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[TalkRecording]:
        """Those that are not live any more with a step to do (``next_at`` passed), the longest due first."""
        ...


class FlowVersions(Protocol):
    def published(self, flow: str) -> FlowVersionId | None: ...

    def text(self, version: FlowVersionId) -> Mapping[str, str] | None:
        """File name -> text of the closure; immutable."""
        ...

    def keep(self, version: FlowVersionId, flow: str, files: Mapping[str, str], at: datetime) -> None:
        """Store once; keeping the same version again changes nothing."""
        ...

    def publish(self, flow: str, version: FlowVersionId, by: str, why: str, at: datetime) -> None:
        """Move the alias."""
        ...

    def history(self, flow: str) -> Sequence[Mapping[str, Any]]: ...


class Switches(Protocol):
    def emergency(self, hours: str, now: datetime) -> EmergencyClosing | None: ...

    def close_now(self, closing: EmergencyClosing) -> None: ...

    def open_again(self, hours: str, at: datetime) -> None: ...


class Transaction(Protocol):
    """One transaction: all of it or nothing."""

    @property
    def calls(self) -> Calls: ...
    @property
    def log(self) -> CallLog: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def voicemails(self) -> Voicemails: ...
    @property
    def promises(self) -> Promises: ...
    @property
    def callbacks(self) -> Callbacks: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def agent_calls(self) -> AgentCalls: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def legs(self) -> Legs: ...
    @property
    def floor(self) -> FloorRow: ...
    @property
    def fetches(self) -> Fetches: ...
    @property
    def flows(self) -> FlowVersions: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def proofs(self) -> Proofs: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def texts(self) -> Texts: ...
    @property
    def recordings(self) -> Recordings: ...


class Records(Protocol):
    """The door to SQL. Raises RecordsUnavailable when the database cannot be reached."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that commits at the end of the block, or rolls back when it raises."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction for reading only."""
        ...


# --- The floor (Redis) ------------------------------------------------------------------------------------------------


class FloorAnswer(StrEnum):
    """What the floor says; each is an ordinary answer, and the use case looks again."""

    DONE = "done"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    TICKET_GONE = "ticket_gone"  # not in line: claimed, withdrawn, or before its slot
    AGENT_TAKEN = "agent_taken"  # not free any more, or not for this ticket
    CLAIM_GONE = "claim_gone"  # accepted, released, lapsed or withdrawn; or another token
    FLOOR_LOST = "floor_lost"  # the epoch is another: compare with SQL, rebuild


@dataclass(frozen=True)
class Candidates:
    """The first tickets that somebody free may serve, and those who may: enough to choose as if all were here."""

    waiting: tuple[Waiting, ...]
    free: tuple[FreeAgent, ...]


@dataclass(frozen=True)
class Claim:
    """An answer to a claim. ``fence`` is later for a later claim: SQL refuses an earlier one than it has seen."""

    answer: FloorAnswer
    ticket: TicketId
    agents: tuple[AgentId, ...] = ()
    token: str = ""
    fence: int = 0


@dataclass(frozen=True)
class StandingClaim:
    """A claim that waits for an answer."""

    ticket: TicketId
    agents: tuple[AgentId, ...]
    token: str
    fence: int
    lapses: datetime


@dataclass(frozen=True)
class FloorSnapshot:
    """All that is on the floor; ``resting`` are tickets not in line yet (before a slot)."""

    in_line: frozenset[TicketId]
    resting: frozenset[TicketId]
    free: tuple[FreeAgent, ...]
    claims: tuple[StandingClaim, ...]


class Floor(Protocol):
    """Who waits, who is free and who is claimed, as every process sees it, under one epoch.

    Each method raises FloorUnavailable when Redis cannot be reached; those that answer no FloorAnswer raise FloorLost.
    The callers hold no lock: a claim is one atomic step, and nothing is decided by the floor's own clock.
    """

    @property
    def epoch(self) -> int: ...

    def under(self, epoch: int) -> Floor:
        """The same floor, expected to stand under this epoch."""
        ...

    def put(self, ticket: Ticket, now: datetime) -> FloorAnswer:
        """In line at its place, or moved to its new one. DONE, CLAIMED (a claimed one stays so), FLOOR_LOST."""
        ...

    def withdraw(self, ticket: TicketId, now: datetime) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        """Off the floor, claimed or not, with the agents its claim had reserved: they are not free by themselves.

        DONE, TICKET_GONE, FLOOR_LOST.
        """
        ...

    def agent_free(self, agent: FreeAgent, now: datetime) -> FloorAnswer:
        """Free, with these figures. DONE, CLAIMED (stays so), FLOOR_LOST."""
        ...

    def agent_not_free(self, agent: AgentId, now: datetime) -> FloorAnswer:
        """DONE, CLAIMED (the claim stands), FLOOR_LOST."""
        ...

    def candidates(self, now: datetime, matches: int = 1) -> Candidates:
        """What the choice of the next so many matches needs; may hold fewer, never none while one is possible."""
        ...

    def claim(self, ticket: TicketId, agents: Sequence[AgentId], token: str, now: datetime, lapses: datetime) -> Claim:
        """Reserve; of several agents those still free. CLAIMED, TICKET_GONE, AGENT_TAKEN, FLOOR_LOST."""
        ...

    def claim_first(
        self, choices: Sequence[tuple[Pair, str]], now: datetime, lapses: datetime, at_most: int = 1
    ) -> Sequence[Claim]:
        """Of matches with their tokens, in order, the first so many that still hold, each as by ``claim``.

        A ticket that is gone is passed over; one whose agents are taken ends it.
        """
        ...

    def accept(
        self, ticket: TicketId, agent: AgentId, token: str, now: datetime
    ) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        """The agent takes it, once: it leaves the floor; the others who were rung are free as before, and named.

        ACCEPTED, CLAIM_GONE, FLOOR_LOST.
        """
        ...

    def release(self, ticket: Ticket, token: str, now: datetime, free_again: Sequence[AgentId] = ()) -> FloorAnswer:
        """The claim came to nothing: back at the same place, now with these refusals. DONE, CLAIM_GONE, FLOOR_LOST."""
        ...

    def take_back(self, ticket: TicketId, token: str, now: datetime) -> FloorAnswer:
        """Undo a claim that came on no record: all is as before it. DONE, CLAIM_GONE, FLOOR_LOST."""
        ...

    def lapsed(self, now: datetime) -> Sequence[StandingClaim]:
        """End the claims whose time has come; their tickets are back at their places, their agents not free."""
        ...

    def snapshot(self, now: datetime) -> FloorSnapshot: ...

    def rebuild(
        self,
        epoch: int,
        tickets: Sequence[Ticket],
        agents: Sequence[FreeAgent],
        claims: Sequence[StandingClaim],
        now: datetime,
    ) -> Sequence[Claim]:
        """Begin again under a later epoch, with these in line and free, and these claims, each with a new fence.

        ``tickets`` and ``agents`` hold those of the claims too. Raises FloorLost when it is under such an epoch
        already, and FloorBeingBuilt while somebody else is at that.
        """
        ...


# --- Flows ------------------------------------------------------------------------------------------------------------


class Flows(Protocol):
    """Published flows, checked and parsed once; versions never change."""

    def for_number(self, number: PhoneNumber) -> FlowVersion:
        """The published version of the line with this number; raises NoSuchLine, FlowRefused."""
        ...

    def version(self, version: FlowVersionId, tx: Transaction | None = None) -> FlowVersion:
        """Raises NoSuchFlow. Inside a transaction hand it over, so that nobody needs two connections at once."""
        ...


# --- The carrier ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CarrierTape:
    """A recording of a talk as the carrier lists it; ``status`` in its words."""

    recording: str
    status: str
    url: str
    seconds: float | None


class Telephone(Protocol):
    """The carrier, asked by REST. Never called inside an SQL transaction."""

    def live_calls(self) -> Iterable[str]:
        """The sids of calls in progress or ringing."""
        ...

    def how_ended(self, sid: str) -> LegEnd | None:
        """How this one call ended, as the carrier says when asked for it alone; None while it is not over.

        COMPLETED, too, where the carrier knows no such call: nobody can tell, and it is nobody's miss.
        """
        ...

    def move(self, sid: str, url: str) -> bool:
        """Point a live call at another document; False when the call is over."""
        ...

    def hang_up(self, sid: str) -> None: ...

    def hold(self, room: str, sid: str, url: str | None) -> bool:
        """Put somebody in a room on hold, where they hear ``url``; None: back into the talk.

        False when there is no such room, or they are not in it.
        """
        ...

    def dial(self, to: str, shows: PhoneNumber, url: str, status_url: str, seconds: int) -> str:
        """Ring ``to`` (E.164, ``sip:`` or ``client:``) for so long; the sid of the new call.

        ``url`` is asked once it is answered, ``status_url`` is told of each change. Raises RefusedByCarrier when there
        will be no such call, CarrierUnavailable when none was made, AnswerLost when nobody knows whether one was.
        """
        ...

    def text(self, to: PhoneNumber, sender: str, body: str, status_url: str) -> str:
        """Hand over a text message; the carrier's id of it. ``status_url`` is told what becomes of it.

        Raises RefusedByCarrier, CarrierUnavailable when it was not taken, AnswerLost when nobody knows.
        """
        ...

    def fetch_recording(self, url: str) -> bytes | None:
        """The audio; None when the carrier has none (yet)."""
        ...

    def delete_recording(self, recording: str) -> None: ...

    def record(self, sid: str, news_url: str) -> str:
        """Record a live call from now on, both who is heard on it and who listens; the recording's sid.

        ``news_url`` is told when it runs, is there, or is absent. Raises RefusedByCarrier (the call is over, among
        others), CarrierUnavailable when none was begun, AnswerLost when nobody knows.
        """
        ...

    def tape(self, sid: str, recording: str, status: str) -> bool:
        """``paused`` (with silence), ``in-progress`` or ``stopped``; False when the recording is over."""
        ...

    def tapes_of(self, sid: str) -> Sequence[CarrierTape]:
        """What ``record`` began on a call, finished or not."""
        ...

    def parties(self, sid: str) -> tuple[str, str] | None:
        """Who called whom, in the carrier's words; None when it knows no such call."""
        ...

    def recordings_of(self, sid: str) -> Sequence[tuple[str, str]]:
        """(recording, url) of a call, of those that are finished."""
        ...

    def messages_since(self, since: datetime) -> Sequence[UnclaimedRecording]:
        """The finished messages that the carrier holds of whatever call, taken since then."""
        ...


class Mail(Protocol):
    """The company's mail server."""

    def send(self, to: str, subject: str, body: str, key: str) -> None:
        """Hand over an e-mail; ``key`` names it for good (its Message-ID).

        Raises RefusedByCarrier, CarrierUnavailable when it was not taken, AnswerLost when nobody knows.
        """
        ...


# --- Work after the commit --------------------------------------------------------------------------------------------


class Later(Protocol):
    """Hints for the worker, given after the commit; a lost hint is found by the sweep."""

    def fetch_voicemail(self, voicemail: VoicemailId) -> None: ...

    def read_voicemail(self, voicemail: VoicemailId) -> None: ...

    def fetch(self, key: str) -> None: ...

    def send_text(self, text: TextId) -> None: ...

    def line_up(self, ticket: TicketId) -> None:
        """Bring the floor's view of a ticket up to what is on record, and match."""
        ...

    def match(self) -> None:
        """Somebody became free, or somebody's need changed."""
        ...

    def at_work(self, agent: AgentId) -> None:
        """Bring the floor's view of an agent up to what is on record, and match."""
        ...

    def record(self, recording: RecordingId) -> None:
        """Begin, pause, resume or end the recording of a talk, as the record says."""
        ...

    def fetch_recording(self, recording: RecordingId) -> None:
        """Bring the audio of a recorded talk home."""
        ...

    def steer(self, ticket: TicketId) -> None:
        """Point the legs of a ticket to where the record says that they belong."""
        ...


class Transcriber(Protocol):
    """Audio file to text; never raises for what is in the file."""

    def transcribe(
        self, path: Path, language: Language | None, progress: Callable[[float], None] | None = None
    ) -> Transcript:
        """``language`` None: the surer of the models; ``progress`` is given the share done, 0 to 1."""
        ...


class AudioShelf(Protocol):
    """``recordings/``: audio kept under ids of ours."""

    def keep(self, voicemail: VoicemailId | RecordingId, audio: bytes) -> Path:
        """Write, sync, check, rename; raises OSError."""
        ...

    def path(self, voicemail: VoicemailId | RecordingId) -> Path | None: ...


class Numbering(Protocol):
    """What a carrier or a person writes as a number, to a number."""

    def caller(self, said: str) -> CallerNumber: ...

    def number(self, text: str, country: str) -> PhoneNumber:
        """Raises ValueError with words for people."""
        ...

    def country(self, number: PhoneNumber) -> str | None: ...

    def kind(self, number: PhoneNumber) -> str:
        """``fixed``, ``mobile``, ``fixed_or_mobile``, ``toll_free``, ``premium``, … or ``unknown``."""
        ...

    def zones(self, number: PhoneNumber) -> tuple[str, ...]:
        """The time zones (IANA) it may be in; none where nobody can tell."""
        ...


class HttpFetcher(Protocol):
    """Asks other systems: allow-listed hosts, no private addresses, size and time limits."""

    def fetch(self, url: str, method: str, body: str, limit_seconds: float) -> tuple[str, str | None]:
        """(success | failure | timeout, JSON text)."""
        ...
