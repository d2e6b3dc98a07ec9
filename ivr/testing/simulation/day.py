"""One simulated day, from a seed: who rings, what goes wrong, and whether every law held."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ivr import wiring
from ivr.exchange.handset import Perceived
from ivr.exchange.phones import Behaviour
from ivr.switchboard.customers.import_customers import import_customers
from ivr.switchboard.record.promises import answer_voicemail
from ivr.testing.run import people_of
from ivr.testing.simulation import laws, queue_laws, recording_laws
from ivr.testing.simulation.callers import TEMPERAMENTS, OneCall, Papers, Person, Street
from ivr.testing.simulation.diary import Entry
from ivr.testing.simulation.line import Keeps, Line, Wrong
from ivr.testing.simulation.staff import on_duty

ZONE = ZoneInfo("Europe/Rome")
FIRST_DAY = datetime(2026, 11, 23, tzinfo=ZONE)
DAYS = 42
"""A seed chooses one of so many days: Sundays, holidays and the closing at the end of the year are among them."""

YEAR_ENDS = datetime(2026, 12, 24, tzinfo=ZONE)
ODD_DAYS = 0.2
"""So many Sundays and holidays remain of all that were drawn."""

BEGINS, ENDS = timedelta(hours=7, minutes=45), timedelta(hours=20, minutes=15)
SETTLES = timedelta(days=2, hours=4)
"""How long the line lives on after the last caller: promises come due, what went wrong is made good."""

LONGEST_CALL = timedelta(hours=1)
PREFIXES = ("+39061", "+39333")
"""Of callers: a text message goes to mobiles alone."""

RUSHES, CROWDED, RUSH = 0.7, 240.0, (3600.0, 9 * 3600.0)
"""The share of callers who ring in a rush, how close together on average, and from when to when one may begin."""

ANSWERED = 0.4
"""The share of messages that somebody answers."""


@dataclass(frozen=True)
class Plan:
    """What to simulate."""

    seed: int
    calls: int
    faults: bool = False

    def command(self) -> str:
        """What replays it."""
        return f"ivr simulate --seed {self.seed} --calls {self.calls}" + (" --faults" if self.faults else "")


@dataclass(frozen=True)
class Seen:
    """A broken law, when it was seen, and what happened on the call until then."""

    wrong: Wrong
    at: datetime
    dialogue: tuple[Entry, ...]


@dataclass(frozen=True)
class Told:
    """How a day went; ``digest`` is the same whenever its plan is run."""

    plan: Plan
    digest: str
    began: datetime
    calls: int
    events: int
    outcomes: Mapping[str, int] = field(default_factory=dict)
    voicemails: int = 0
    promises: Mapping[str, int] = field(default_factory=dict)
    tickets: Mapping[str, int] = field(default_factory=dict)
    callbacks: Mapping[str, int] = field(default_factory=dict)
    struck: Mapping[str, int] = field(default_factory=dict)
    lives: int = 1
    broken: tuple[Seen, ...] = ()

    @property
    def held(self) -> bool:
        return not self.broken

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "seed": self.plan.seed,
            "calls": self.calls,
            "faults": self.plan.faults,
            "held": self.held,
            "digest": self.digest,
            "day": self.began.date().isoformat(),
            "events": self.events,
            "outcomes": dict(self.outcomes),
            "voicemails": self.voicemails,
            "promises": dict(self.promises),
            "tickets": dict(self.tickets),
            "callbacks": dict(self.callbacks),
            "struck": dict(self.struck),
            "lives": self.lives,
            "replay": self.plan.command(),
            "broken": [
                {
                    "law": seen.wrong.law,
                    "what": seen.wrong.text,
                    "at": seen.at.isoformat(),
                    "sid": seen.wrong.sid,
                    "dialogue": [str(entry) for entry in seen.dialogue],
                }
                for seen in self.broken
            ],
        }


def simulate(plan: Plan, flows_dir: Path, records: Keeps | None = None) -> Told:
    """Live through one day; it stops at the first broken law. ``records``: how the process keeps its records."""
    with ExitStack() as ends:
        return Day(plan, flows_dir, ends, records).live()


class Day:
    """A day under way."""

    def __init__(self, plan: Plan, flows_dir: Path, ends: ExitStack, records: Keeps | None) -> None:
        self.plan = plan
        self._chance = random.Random(f"{plan.seed}:day")
        self.began = _day(self._chance) + BEGINS - timedelta(minutes=5)
        self.line = Line(self.began, flows_dir, plan.seed, plan.faults, ends, records)
        self.calls: list[OneCall] = []
        self.events = 0
        self._wrong: list[Wrong] = []
        self._books = laws.Books()
        self._reader = laws.Reader(self.line.records)
        self._written = -1
        self._power_cuts = 0
        self._raw: Any = self.line.records.engine.raw_connection()
        ends.callback(self._raw.close)
        self._people(flows_dir)

    def live(self) -> Told:
        """The day, the nights after it, and the account of it."""
        scheduler = self.line.scheduler
        broken = scheduler.run_until(self._look, (ENDS - BEGINS + LONGEST_CALL).total_seconds())
        if not broken:
            self.line.calm_down()
            broken = scheduler.run_until(self._look, SETTLES.total_seconds())
        if not broken:
            for law in (*laws.AT_THE_END, *queue_laws.AT_THE_END, *recording_laws.AT_THE_END):
                self._wrong += law(self.line, self.calls, self._books)
        self._write_down_the_books()
        return self._told()

    # --- Who is there -----------------------------------------------------------------------------------------------

    def _people(self, flows_dir: Path) -> None:
        line, chance = self.line, self._chance
        sheets, orders, postcodes, known = _known_people(flows_dir)
        import_customers(line.records, sheets, line.ids, line.process.office.numbering, "IT", self.began)
        to = wiring.line_numbers(line.settings)[0]
        street = Street(
            line.telephones,
            line.network.phones,
            line.scheduler,
            line.diary,
            to,
            self.plan.seed,
            self._heard,
            self.calls,
        )
        self.staff = on_duty(line, self.plan.seed, ENDS - BEGINS)
        for number in wiring.company(line.settings).lines.values():  # type: ignore[union-attr]
            person = Behaviour(answers_after=chance.choice((4.0, 12.0, None)), hangs_up_after=chance.uniform(5, 120))
            if number.reaches:
                line.network.phones.put(number.reaches, person)
        papers = Papers(orders, postcodes)
        crowd = [
            f"{chance.choice(PREFIXES)}{chance.randrange(1_000_000, 9_999_999)}"
            for _ in range(max(1, self.plan.calls // 2))
        ]
        rushes = [chance.uniform(*RUSH) for _ in range(chance.randint(1, 3))]
        numbers = [*crowd, *known, "anonymous"]
        for n in range(self.plan.calls):
            own = random.Random(f"{self.plan.seed}:caller:{n}")
            caller = Person(own.choice(numbers), own.choice(list(TEMPERAMENTS)), papers)
            rings_at = own.uniform(300.0, (ENDS - BEGINS).total_seconds())
            if own.random() < RUSHES:
                rings_at = own.choice(rushes) + own.expovariate(1 / CROWDED)
            line.scheduler.after(rings_at, OneCall(street, caller, own).dial)
        clerk = random.Random(f"{self.plan.seed}:clerk")
        line.scheduler.after(3600.0, lambda: self._answer_messages(clerk))

    def _answer_messages(self, clerk: random.Random) -> None:
        """Somebody at the desk answers some of the messages, each as `ivr voicemails answered` does."""
        self.line.process.doing(lambda: self._answered(clerk), "messages")
        self.line.scheduler.after(4 * 3600.0, lambda: self._answer_messages(clerk))

    def _answered(self, clerk: random.Random) -> None:
        with self.line.process.office.records.write() as tx:
            waiting = [one for one in tx.voicemails.unanswered(laws.EVERY) if clerk.random() < ANSWERED]
            for voicemail in waiting:
                answer_voicemail(tx, voicemail.id, "clerk", self.line.scheduler.now())

    # --- The laws ---------------------------------------------------------------------------------------------------

    def _look(self) -> bool:
        """After every event: True when a law is broken."""
        self.events += 1
        connection = self._raw.driver_connection
        if self.line.power_cuts != self._power_cuts:  # what the books tell has not been
            self._power_cuts = self.line.power_cuts
            self._books = self._reader.read_anew()
        if connection.total_changes != self._written:
            after = self._reader.read(self._books)
            self._written = connection.total_changes  # the reader's own are among them
            change = laws.Change(self._books, after, self.line)
            self._books = after
            for law in (*laws.AT_EVERY_EVENT, *(queue_laws.AT_EVERY_EVENT if change.in_the_queue else ())):
                self._wrong += law(change)
        self._wrong += self.line.wrong
        self.line.wrong.clear()
        return bool(self._wrong)

    def _heard(self, call: OneCall, news: Perceived) -> None:
        for law in (*laws.AT_EVERY_WORD, *queue_laws.AT_EVERY_WORD):
            self._wrong += law(call, news, self._books, self.line.records)

    # --- The account ------------------------------------------------------------------------------------------------

    def _write_down_the_books(self) -> None:
        """What is on record belongs to the digest too."""
        diary, books = self.line.diary, self._books
        for call in sorted(books.calls.values(), key=lambda call: call.id):
            for event in books.events[call.id]:
                when = f"{event.happened_at.isoformat()} {event.seq} {event.kind}"
                diary.sum_up(f"{call.key.sid} {when} {sorted(event.data.items())}")
        for voicemail in sorted(books.voicemails.values(), key=lambda one: one.id):
            diary.sum_up(f"{voicemail.id} {voicemail.recording} {voicemail.audio} {voicemail.answered_at}")
        for promise in sorted(books.promises.values(), key=lambda one: one.id):
            diary.sum_up(f"{promise.id} {promise.state} {promise.due_at.isoformat()} {promise.version}")
        for ticket in sorted(books.tickets.values(), key=lambda one: one.ticket.id):
            diary.sum_up(f"{ticket.ticket.id} {ticket.ticket.state} {ticket.attempt} {ticket.agent} {ticket.because}")
        for claim in sorted(books.claims.values(), key=lambda one: (one.fence, one.agent)):
            diary.sum_up(f"{claim.token} {claim.agent} {claim.ticket} {claim.how}")

    def _told(self) -> Told:
        books, diary = self._books, self.line.diary
        outcomes = Counter(call.outcome or "none" for call in books.calls.values())
        outcomes["not on record"] = sum(books.of_sid(call.sid) is None for call in self.calls)
        now = self.line.scheduler.now()
        return Told(
            plan=self.plan,
            digest=diary.digest(),
            began=self.began,
            calls=len(self.calls),
            events=self.events,
            outcomes=+outcomes,
            voicemails=len(books.voicemails),
            promises=Counter(promise.state.value for promise in books.promises.values()),
            tickets=Counter(place.ticket.state.value for place in books.tickets.values()),
            callbacks=Counter(callback.state.value for callback in books.callbacks.values()),
            struck=diary.struck,
            lives=self.line.process.life,
            broken=tuple(Seen(wrong, now, tuple(diary.of(wrong.sid) or diary.latest(30))) for wrong in self._wrong),
        )


def _day(chance: random.Random) -> datetime:
    """Most often one of the days on which somebody is at work."""
    while True:
        day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
        if (day.weekday() < 5 and day < YEAR_ENDS) or chance.random() < ODD_DAYS:
            return day


def _known_people(folder: Path) -> tuple[Sequence[Any], Sequence[str], Sequence[str], Sequence[str]]:
    """The company's example customers, their orders, postcodes and telephone numbers."""
    names = {row["name"].casefold().replace(" ", "_") for row in _rows(folder / "people" / "customers.csv")}
    sheets, _ = people_of(folder, frozenset(names))
    orders = [row["order"] for row in _rows(folder / "people" / "orders.csv")]
    postcodes = [row["postcode"] for row in _rows(folder / "people" / "customers.csv")]
    numbers = [row["phone"] for row in _rows(folder / "people" / "numbers.csv")]
    return sheets, orders, postcodes, numbers


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
