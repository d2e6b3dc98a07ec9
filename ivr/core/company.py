"""What is true of the company and named once (``call_flows/company.yaml``): lines, hours, items, queues, surveys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from ivr.core.flow.text import Prompt
from ivr.core.words import Language, PhoneNumber, QueueName


@dataclass(frozen=True)
class Span:
    """Open from ``opens`` to ``closes`` on one day; ``closes`` before ``opens`` runs past midnight."""

    opens: time
    closes: time


@dataclass(frozen=True)
class Closing:
    """Closed on the dates from ``first`` to ``last``, both included; ``yearly`` repeats them each year."""

    name: str
    first: date
    last: date
    because: Prompt | None = None
    yearly: bool = False


@dataclass(frozen=True)
class Hours:
    """A named schedule in a zone (IANA name); ``week`` maps weekday (Monday 0) to its open spans."""

    name: str
    zone: str
    week: Mapping[int, tuple[Span, ...]]
    holidays_of: str | None = None  # ISO 3166 country, optionally with a subdivision: "IT", "IT-MI"
    closings: tuple[Closing, ...] = ()


@dataclass(frozen=True)
class Item:
    """A piece of information with an end: price list, fair, promotion; never read out past ``until``."""

    name: str
    says: Prompt
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Queue:
    """A line of people waiting, and what it aims at."""

    name: QueueName
    hours: str | None = None
    title: Prompt | None = None
    music: str | None = None
    skills: Mapping[str, int] = field(default_factory=dict)
    target: timedelta = timedelta(seconds=20)
    longest: int = 100  # tickets
    callback_capacity: int = 4  # bookings an hour
    wrap_up: timedelta = timedelta(seconds=30)
    strategy: str = "longest_idle"
    records_calls: str = ""  # talks are recorded: announce (who stays agrees), ask (1 agrees); "": they are not


@dataclass(frozen=True)
class SurveyQuestion:
    """One question with the keys that answer it; ``measures`` is helped, solved, satisfaction or effort."""

    name: str
    ask: Prompt
    answers: Mapping[str, str]  # key -> value
    measures: str


@dataclass(frozen=True)
class Survey:
    name: str
    questions: tuple[SurveyQuestion, ...]


@dataclass(frozen=True)
class Line:
    """A dialled number and its flow."""

    name: str
    number: PhoneNumber
    flow: str
    shows: PhoneNumber | None = None  # caller id of the calls we make
    texts_from: str | None = None  # number or one-way name; None: this line cannot text
    callable_from: tuple[str, ...] = ("IT",)  # ISO 3166 countries
    greets_by_name: bool = False
    carrier_speech: bool = False
    reaches: PhoneNumber | None = None  # static fallback: a number that always reaches a person
    staff: PhoneNumber | None = None  # rung by agents: their menu


@dataclass(frozen=True)
class Company:
    """The shared half of every flow version."""

    name: str
    country: str
    zone: str
    currency: str = "EUR"
    lines: Mapping[str, Line] = field(default_factory=dict)
    hours: Mapping[str, Hours] = field(default_factory=dict)
    items: Mapping[str, Item] = field(default_factory=dict)
    phrases: Mapping[str, Prompt] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Prompt]] = field(default_factory=dict)  # enumeration -> value -> words
    queues: Mapping[QueueName, Queue] = field(default_factory=dict)
    skills: tuple[str, ...] = ()
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    sounds: tuple[str, ...] = ()  # names that `play` may use; files lie beside the flows in sounds/
    http_hosts: tuple[str, ...] = ()  # hosts that http nodes may ask
    pronunciations: Mapping[Language, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class EmergencyClosing:
    """The one switch: closed now, whatever the schedule says; it may end by itself."""

    hours: str
    since: datetime
    until: datetime | None = None
    because: str | None = None  # plain words, spoken as they are
