"""What goes into a turn and what comes out of it: heard, wanted and got, said, done.

``advance`` (interpreter.py) is a generator: it yields a ``Want`` for everything that it cannot know by itself, is sent
the ``Got`` that answers it, and returns the ``Turn``. It performs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from ivr.core.company import EmergencyClosing, Line
from ivr.core.events import CallEvent
from ivr.core.flow.expression import Value
from ivr.core.words import Language, PhoneNumber, QueueName

# --- What the caller, or the carrier on the caller's behalf, did -----------------------------------------------------


@dataclass(frozen=True)
class Rang:
    """The call came in: the first turn."""


@dataclass(frozen=True)
class Keys:
    """Keys pressed; never empty. The finishing key is not among them."""

    digits: str


@dataclass(frozen=True)
class Silence:
    """The time for an answer ran out."""


@dataclass(frozen=True)
class Words:
    """What the carrier's recogniser understood."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Recorded:
    """A message was taken; the carrier's key for it, its address and length."""

    recording: str
    url: str
    length: timedelta | None = None
    hung_up: bool = False


@dataclass(frozen=True)
class NothingRecorded:
    """The recording was empty: nobody spoke."""


@dataclass(frozen=True)
class CameBack:
    """The way in for everything without an answer in it: a waiting sentence ended, or we moved the leg here."""


@dataclass(frozen=True)
class LeftQueue:
    """The parked leg left the carrier's queue; ``how`` is the carrier's word for it."""

    how: str


@dataclass(frozen=True)
class LeftRoom:
    """The caller's leg is out of the conference, and not because we moved it."""


@dataclass(frozen=True)
class DialEnded:
    """The call to a number outside ended: ``completed``, ``busy``, ``no_answer`` or ``failed``."""

    how: str


Heard = Rang | Keys | Silence | Words | Recorded | NothingRecorded | CameBack | LeftQueue | LeftRoom | DialEnded

# --- What is said ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Utter:
    """A sentence, in a language, at a pace."""

    text: str
    language: Language
    slow: bool = False


@dataclass(frozen=True)
class Sound:
    """A sound file of the company's, by name."""

    name: str


@dataclass(frozen=True)
class Rest:
    """Silence, in whole seconds."""

    seconds: int


Utterance = Utter | Sound | Rest


@dataclass(frozen=True)
class Speak:
    """Say these and go on to what follows in the same answer."""

    utterances: tuple[Utterance, ...]


@dataclass(frozen=True)
class Ask:
    """Say these and listen for keys; every ending (keys, silence) comes in by the `keys` door.

    ``digits``: so many keys end it at once (None: the finishing key or the time-out does). ``finish``: the key that
    ends it, or "" for none. ``patience``: seconds of silence that end it (first key and between keys alike, since a
    carrier's Gather has one time-out). ``hints``: words for the carrier's recogniser; empty: keys only.
    """

    utterances: tuple[Utterance, ...]
    digits: int | None
    finish: str
    patience: int
    language: Language
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """Say these, then a tone, then record; `recorded` and `empty` are its doors."""

    utterances: tuple[Utterance, ...]
    longest: int  # seconds
    silence: int  # seconds of silence that end it
    language: Language


@dataclass(frozen=True)
class Park:
    """Into the waiting room of a queue; leaves by the `queue_left` door. ``ticket`` is whose wait document is heard."""

    queue: QueueName
    language: Language
    ticket: str = ""


@dataclass(frozen=True)
class Join:
    """Into a conference room; leaves by the `left_room` door. ``ends``: the room ends with them, as with a customer.

    ``star``: the star key leads out of it, too.
    """

    room: str
    ends: bool = True
    star: bool = False


@dataclass(frozen=True)
class Dial:
    """Connect to a number; ends by the `dialled` door."""

    number: PhoneNumber
    seconds: int
    shows: PhoneNumber | None


@dataclass(frozen=True)
class GoOn:
    """Come back at once by the `moved` door (after what was said; a worker may be fetching meanwhile)."""

    after: int = 0  # seconds of silence first


@dataclass(frozen=True)
class HangUp:
    pass


Said = Speak | Ask | Record | Park | Join | Dial | GoOn | HangUp
"""``Turn.says`` is any number of Speak, then exactly one of the others."""

# --- What a turn cannot know by itself -------------------------------------------------------------------------------


@dataclass(frozen=True)
class WantRecord:
    """`order`, `customer` or `case` by a key; answered with GotRecord."""

    record: str
    key: str


@dataclass(frozen=True)
class WantProof:
    """Does this prove who it is? by "pin": answer; by "order": order number and postcode. Answered with GotProof."""

    by: str
    answer: str
    order: str | None = None


@dataclass(frozen=True)
class WantEmergency:
    """Is the emergency switch of these hours on? Answered with GotEmergency."""

    hours: str


@dataclass(frozen=True)
class WantCaseCode:
    """A code for a new case, unused so far; answered with GotCode."""

    case: str


@dataclass(frozen=True)
class WantFetched:
    """What the worker fetched for this http node so far; answered with GotFetched."""

    key: str


@dataclass(frozen=True)
class WantKept:
    """Is this recording on record as a voicemail? Answered with GotKept."""

    recording: str


@dataclass(frozen=True)
class WantPlace:
    """How the caller's place in line stands; answered with GotPlace."""

    queue: QueueName


@dataclass(frozen=True)
class WantNumber:
    """May this number be called back, and is it going to be? ``text`` "": the one they ring from; else as it was typed.

    ``country``: of a number that was typed without a country code; ``ours``: never called. Answered with GotNumber.
    """

    text: str
    line: Line
    country: str
    ours: frozenset[PhoneNumber]


@dataclass(frozen=True)
class WantSlots:
    """The slots of a queue that are booked in ``[since, until)``; answered with GotSlots."""

    queue: QueueName
    since: datetime
    until: datetime


Want = (
    WantRecord | WantProof | WantEmergency | WantCaseCode | WantFetched | WantKept | WantPlace | WantNumber | WantSlots
)


@dataclass(frozen=True)
class GotRecord:
    """The record as typed variables without their prefix (``{"status": "shipped"}``), or None when there is none."""

    fields: Mapping[str, Value] | None
    types: Mapping[str, str] = field(default_factory=dict)  # field -> text, number, money, date, moment, enum:NAME
    owner: str | None = None  # the customer's id; None where whoever has its number may hear of it


@dataclass(frozen=True)
class GotProof:
    """The customer's variables when proven (``{"name": …}``, or ``{"order.status": …}`` for others), None otherwise."""

    fields: Mapping[str, Value] | None
    customer: str | None = None  # id
    types: Mapping[str, str] = field(default_factory=dict)  # field -> type, as in GotRecord


@dataclass(frozen=True)
class GotEmergency:
    closing: EmergencyClosing | None


@dataclass(frozen=True)
class GotCode:
    code: str


@dataclass(frozen=True)
class GotFetched:
    """``state``: waiting, success, failure, timeout; ``answer``: the JSON body when success."""

    state: str
    answer: object = None


@dataclass(frozen=True)
class GotKept:
    kept: bool


@dataclass(frozen=True)
class GotPlace:
    """``state`` is a TicketState, or "" where the caller has no place yet; ``new`` is an id for a new ticket.

    ``away``: the place of a dropped line, which this caller may come back to. ``left``: the place was given up on this
    call; a new ticket keeps its arrival.
    """

    new: str
    ticket: str = ""
    state: str = ""
    wish: str = ""  # what the caller chose while waiting, or what overflowed: callback, voicemail, overflow_1, …
    room: str | None = None  # of the talk, once an agent took it
    agent: str | None = None
    since: datetime | None = None  # arrival
    language: Language | None = None  # perhaps chosen while waiting
    callback: bool = False  # one is owed to the number they ring from
    handed: bool = False  # transferred by an agent, and not taken yet
    returned: str = ""  # from a number outside that did not take them: busy, no_answer, failed


@dataclass(frozen=True)
class LiveCallback:
    """A call that we owe a number: its place in line from 1, where it is in line now; ``waits``: one may wait there."""

    callback: str
    ticket: str
    place: int | None = None
    slot: datetime | None = None
    waits: bool = False


@dataclass(frozen=True)
class GotNumber:
    """``number`` None: withheld, or no number at all; ``refusal``: of ``core.callbacks``, "" where it may be called."""

    number: PhoneNumber | None
    own: bool = False  # they ring from it
    refusal: str = ""
    because: str = ""
    country: str | None = None
    zones: tuple[str, ...] = ()
    live: LiveCallback | None = None


@dataclass(frozen=True)
class GotSlots:
    booked: tuple[datetime, ...]


@dataclass(frozen=True)
class GotNothing:
    """What was wanted cannot be had now (the records are down): the node leaves by its `failed` exit."""

    because: str


Got = (
    GotRecord | GotProof | GotEmergency | GotCode | GotFetched | GotKept | GotPlace | GotNumber | GotSlots | GotNothing
)

# --- What must be on record before it is said: written in the turn's own transaction ----------------------------------


@dataclass(frozen=True)
class OpenCase:
    case: str
    code: str
    about: str | None = None


@dataclass(frozen=True)
class KeepVoicemail:
    """The message is a row of ours from now on; ``due`` is a promise to answer, where one is made."""

    recording: str
    url: str
    length: timedelta | None
    queue: QueueName
    due: datetime | None
    language: Language | None


@dataclass(frozen=True)
class RememberLanguage:
    language: Language


@dataclass(frozen=True)
class RememberPace:
    slow: bool


@dataclass(frozen=True)
class Recognise:
    """The caller has proven to be this customer."""

    customer: str


@dataclass(frozen=True)
class Fetch:
    """A worker shall ask another system; the answer is kept under ``key``."""

    key: str
    url: str
    method: str
    body: Mapping[str, Value]
    limit: timedelta


@dataclass(frozen=True)
class TakePlace:
    """A place in line from now on, or again: a ticket of this id that is away comes back with its arrival.

    ``since``: the arrival it keeps, where the caller had a place before.
    """

    ticket: str
    queue: QueueName
    language: Language
    needs: Mapping[str, int] = field(default_factory=dict)
    preferred: Mapping[str, int] = field(default_factory=dict)
    relax: tuple[tuple[timedelta, tuple[str, ...]], ...] = ()
    boost: timedelta = timedelta()
    node: str = ""
    last_agent: bool = False  # whoever served them last is asked first
    since: datetime | None = None
    code: str | None = None  # of a call back that reached nobody: it takes them forward


@dataclass(frozen=True)
class LeavePlace:
    """The place is given up: by a key, or by overflow."""

    ticket: str
    because: str


@dataclass(frozen=True)
class AskCallback:
    """We owe a call from now on, at the place in line that this call had; ``due`` is what is promised aloud.

    ``slot`` None: as soon as possible, not before ``next_at``. ``capacity`` an hour of ``zone`` is the queue's.
    """

    queue: QueueName
    number: PhoneNumber
    country: str | None
    zones: tuple[str, ...]
    language: Language
    next_at: datetime
    due: datetime
    zone: str
    capacity: int
    slot: datetime | None = None
    shows: PhoneNumber | None = None  # as it was said
    needs: Mapping[str, int] = field(default_factory=dict)  # where this call had no place yet
    path: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    case: str | None = None  # its code


@dataclass(frozen=True)
class WaitAtCallback:
    """Who has a callback and rang again wants to wait on the line: its place is this call's, for the queue to find."""

    callback: str


@dataclass(frozen=True)
class CancelCallback:
    callback: str
    ticket: str


@dataclass(frozen=True)
class RecordTalk:
    """The talk at this place in line is to be recorded, by the rule under which the caller agreed; once."""

    ticket: str
    rule: str


@dataclass(frozen=True)
class EndTalk:
    """The caller's side of the talk is over; the agent has so many seconds to wrap up."""

    ticket: str
    wrap_up: float = 0.0


@dataclass(frozen=True)
class KeepAnswer:
    """An answer to a survey. All are kept; the first that a call gives to a question is the one that counts."""

    survey: str
    question: str
    measures: str
    value: str
    unhappy: bool


@dataclass(frozen=True)
class FollowUp:
    """The customer shall hear from us by ``due``, owed by ``owner`` (a queue)."""

    due: datetime
    owner: str


@dataclass(frozen=True)
class SendText:
    """A text message to somebody; ``sender`` is a number or a one-way name."""

    to: PhoneNumber
    sender: str
    text: str


Deed = (
    OpenCase
    | KeepVoicemail
    | RememberLanguage
    | RememberPace
    | Recognise
    | Fetch
    | TakePlace
    | LeavePlace
    | AskCallback
    | WaitAtCallback
    | CancelCallback
    | RecordTalk
    | EndTalk
    | KeepAnswer
    | FollowUp
    | SendText
)

# --- The cursor ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """Where one flow (of the stack of subflows) stands, with its own variables."""

    flow: str
    node: str
    variables: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Cursor:
    """Where a call stands: small, immutable, and JSON by ``as_json`` / ``from_json`` (cursor.py)."""

    frames: tuple[Frame, ...]  # outermost first; never empty
    language: Language
    slow: bool = False
    stage: str = ""  # inside the node: "", "ask", "rest" (second Gather), "confirm", "record", "park", "fetch", …
    held: str = ""  # keys so far, waiting for the rest or for confirmation
    page: int = 0  # slow mode: which three options
    no_input: int = 0
    no_match: int = 0
    known: str | None = None  # customer id, once proven
    types: Mapping[str, str] = field(default_factory=dict)  # variable -> type, for speaking it
    path: tuple[str, ...] = ()  # nodes passed, oldest first
    speech: bool = False  # the line lets the carrier's recogniser listen
    ended: bool = False


class Wording(Protocol):
    """Values as people say them, in a language (world.wording does it with Babel)."""

    def spoken(self, value: Value, kind: str, language: Language, now: datetime) -> str:
        """``kind``: text, digits, number, money:EUR, date, moment:ZONE, duration, phone_number, holiday:IT:DATE.

        Money is in cents, a duration in seconds, a date or moment ISO text; the value of a holiday is its name in the
        country's own language. Never raises: a value of another kind is said as it is written.
        """
        ...


class Holidays(Protocol):
    """Public holidays of a country (world.holidays knows them)."""

    def on(self, country: str, day: object) -> str | None:
        """The holiday's name on a ``datetime.date``, or None. ``country``: "IT" or "IT-MI"."""
        ...


def _no_country(_: PhoneNumber) -> str | None:
    return None


def _any_kind(_number: PhoneNumber) -> str:
    return "unknown"


@dataclass(frozen=True)
class Scene:
    """All that a turn may know of the world."""

    now: datetime  # aware
    wording: Wording
    holidays: Holidays
    seed: str = ""  # a stable text for this turn, for keys of deeds (call id and turn)
    maybe: Mapping[str, Value] = field(default_factory=dict)  # customer.maybe.*, with or without that prefix
    caller: PhoneNumber | None = None  # None: withheld
    number_kind: Callable[[PhoneNumber], str] = _any_kind  # fixed, mobile, … as ``Numbering.kind`` tells it
    number_country: Callable[[PhoneNumber], str | None] = _no_country  # as ``Numbering.country`` tells it


@dataclass(frozen=True)
class Turn:
    """What one turn comes to: the next cursor, what to say, what to write, what happened."""

    cursor: Cursor
    says: tuple[Said, ...]
    deeds: tuple[Deed, ...] = ()
    events: tuple[CallEvent, ...] = ()
