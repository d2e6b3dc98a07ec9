"""Seeded agents: their shift, their telephones, and what each of them does when one rings."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ivr.core.agent import Wish
from ivr.core.errors import FloorUnavailable, IvrError
from ivr.core.roster import Address, AddressKind, AgentRecord
from ivr.core.words import AgentId, QueueName
from ivr.exchange.phones import Phone
from ivr.switchboard.record import agents
from ivr.testing.simulation.diary import Diary
from ivr.testing.simulation.line import Line

ASKS_AGAIN = 30.0
"""Seconds until an agent whose wish was not taken down says it again."""


@dataclass(frozen=True)
class Manners:
    """What an agent is likely to do with a call, 0 to 1; what is left over is answering and pressing 1."""

    answers_after: tuple[float, float] = (1.0, 9.0)
    misses: float = 0.04  # lets it ring
    busy: float = 0.02
    off: float = 0.01  # the network cannot reach the phone
    declines: float = 0.05  # presses 2
    fumbles: float = 0.05  # presses a key that means nothing, at the first question
    silent: float = 0.03  # answers, and presses nothing: as a voicemail does
    hangs_up: float = 0.02  # in the whisper
    talks: float = 150.0  # seconds, on average
    stays: float = 0.0  # on the line when the customer has gone
    drops: float = 0.02  # the line drops in the talk
    breaks: float = 0.5  # of agents, once
    signs_off: float = 0.3  # in the middle of the day


MANNERS: Mapping[str, Manners] = {
    "good": Manners(),
    "quick": Manners(answers_after=(0.0, 2.0), misses=0.0, declines=0.0, talks=60.0),
    "choosy": Manners(declines=0.4),
    "absent": Manners(misses=0.5, off=0.05, hangs_up=0.05),
    "talkative": Manners(talks=600.0, stays=0.3),
    "bad_line": Manners(off=0.1, busy=0.1, drops=0.4),
    "slow": Manners(answers_after=(12.0, 24.0), silent=0.2, fumbles=0.3, stays=0.2),
    "wanders": Manners(breaks=1.0, signs_off=0.6, misses=0.2),
}

SKILLS: Sequence[Mapping[str, int]] = (
    {"orders": 3},
    {"orders": 5, "english": 3},
    {"complaints": 2},
    {"orders": 2, "complaints": 4},
    {"orders": 1, "complaints": 1, "english": 5},
)


class AtDesk:
    """One agent: a shift of wishes, and a phone that rings."""

    def __init__(self, line: Line, name: str, number: str, day: timedelta, chance: random.Random) -> None:
        self._line, self.name, self.number, self._chance = line, AgentId(name), number, chance
        self.kind = chance.choice(list(MANNERS))
        self.manners = MANNERS[self.kind]
        self.calls: list[Phone] = []
        self._seen: dict[str, int] = {}
        line.network.phones.put(number, self._rings)
        self._shift(day.total_seconds())

    def record(self) -> AgentRecord:
        """As the company has them on record."""
        skills = self._chance.choice(SKILLS)
        both = QueueName("sales"), QueueName("complaints")
        queues = both if self._chance.random() < 0.7 else both[: 1 if "orders" in skills else 2]
        wrap_up = self._chance.choice((None, None, timedelta(seconds=10), timedelta(seconds=45)))
        return AgentRecord(self.name, queues, Address(AddressKind.PHONE, self.number), skills, wrap_up)

    def spoke_with_somebody(self, sid: str) -> bool:
        """Whether somebody else was on the line in a call of theirs."""
        return any(phone.sid == sid and _connected(phone) for phone in self.calls)

    # --- The shift --------------------------------------------------------------------------------------------------

    def _shift(self, day: float) -> None:
        chance = self._chance
        comes, goes = chance.uniform(0.0, 0.15) * day, chance.uniform(0.85, 1.0) * day
        if chance.random() < self.manners.signs_off:
            goes = chance.uniform(0.3, 0.8) * day
        self._at(comes, Wish.AVAILABLE, "signed in")
        if chance.random() < self.manners.breaks:
            begins, lasts = chance.uniform(comes, goes), chance.choice((120.0, 900.0, 2400.0))
            self._at(begins, Wish.BREAK, "coffee")
            if begins + lasts < goes:
                self._at(begins + lasts, Wish.AVAILABLE, "back")
        self._at(goes, Wish.OFF, "signed off")

    def _at(self, seconds: float, wish: Wish, because: str) -> None:
        self._line.scheduler.after(seconds, lambda: self._wishes(wish, because))

    def _wishes(self, wish: Wish, because: str) -> None:
        """Said at the desk; where nobody takes it down it is said again."""
        taken = self._line.process.doing(lambda: self._said(wish, because), "wish")
        self._note(f"wishes {wish}" + ("" if taken else ", and nobody hears"))
        if not taken:
            self._at(ASKS_AGAIN, wish, because)

    def _said(self, wish: Wish, because: str) -> None:
        office = self._line.process.office
        with office.records.write() as tx:
            agents.wish(tx, self.name, wish, because, self._line.scheduler.now())
        try:
            office.queueing.line_up.agents((self.name,))
        except FloorUnavailable:
            pass  # the sweep compares the floor with the record
        except IvrError as trouble:  # so does it here: the wish is on record
            self._note(f"is not lined up: {type(trouble).__name__}")
        office.later.match()

    # --- The phone --------------------------------------------------------------------------------------------------

    def _rings(self, phone: Phone) -> None:
        chance, manners = self._chance, self.manners
        others = [call for call in self.calls if not call.over]
        self.calls.append(phone)
        if others:
            self._line.rung_twice(self.name, [call.sid for call in (*others, phone)])
            phone.reject("busy")
            return
        self._note("is rung", phone)
        luck = chance.random()
        for share, what in ((manners.misses, ""), (manners.busy, "busy"), (manners.off, "failed")):
            luck -= share
            if luck < 0:
                if what:
                    phone.reject(what)
                return
        phone.watch(self._listens)
        self._later(phone, chance.uniform(*manners.answers_after), phone.answer)

    def _listens(self, phone: Phone) -> None:
        news = phone.perceived(self._seen.get(phone.sid, 0))
        self._seen[phone.sid] = self._seen.get(phone.sid, 0) + len(news)
        for one in news:
            self._note(one.kind + (f": {one.text}" if one.text else ""), phone)
            match one.kind:
                case "question":
                    self._decides(phone)
                case "connected":
                    self._talks(phone)
                case "alone" if self._chance.random() >= self.manners.stays:
                    self._later(phone, self._chance.uniform(1.0, 20.0), phone.hang_up)

    def _decides(self, phone: Phone) -> None:
        luck, manners = self._chance.random(), self.manners
        choices: Sequence[tuple[float, Callable[[], None]]] = (
            (manners.declines, lambda: self._presses(phone, "2")),
            (manners.fumbles, lambda: self._presses(phone, self._chance.choice("5*7#"))),
            (manners.silent, lambda: None),
            (manners.hangs_up, phone.hang_up),
            (1.0, lambda: self._presses(phone, "1")),
        )
        for share, does in choices:
            luck -= share
            if luck < 0:
                self._later(phone, self._chance.uniform(0.2, 3.0), does)
                return

    def _presses(self, phone: Phone, key: str) -> None:
        self._note(f"presses {key}", phone)
        phone.press(key)

    def _talks(self, phone: Phone) -> None:
        length = self._chance.expovariate(1 / self.manners.talks)
        if self._chance.random() < self.manners.drops:
            self._later(phone, length / 3, lambda: self._line.drop(phone.sid))
        else:
            self._later(phone, length, phone.hang_up)

    def _later(self, phone: Phone, seconds: float, what: Callable[[], None]) -> None:
        self._line.scheduler.after(seconds, lambda: None if phone.over else what())

    def _note(self, what: str, phone: Phone | None = None) -> None:
        diary: Diary = self._line.diary
        diary.note(self.name, what, phone.sid if phone else "")


def _connected(phone: Phone) -> bool:
    return any(news.kind == "connected" for news in phone.perceived())


def on_duty(line: Line, seed: int, day: timedelta) -> list[AtDesk]:
    """Two to six agents, on record and with their phones."""
    chance = random.Random(f"{seed}:staff")
    staff = [
        AtDesk(line, f"agent{n}", f"+3902{98765000 + n}", day, random.Random(f"{seed}:agent:{n}"))
        for n in range(chance.randint(2, 6))
    ]
    with line.records.write() as tx:
        for agent in staff:
            tx.agents.put(agent.record(), line.scheduler.now())
    return staff
