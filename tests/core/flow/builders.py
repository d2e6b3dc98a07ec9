"""Small flows without YAML, a stub world, and a caller who drives ``advance`` as a telephone would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from ivr.core.company import Company, EmergencyClosing, Hours, Queue, Span
from ivr.core.events import CallEvent, SaidToCaller
from ivr.core.flow import cursor as cursors
from ivr.core.flow import model, says
from ivr.core.flow.expression import Value, read
from ivr.core.flow.interpreter import advance, begin
from ivr.core.flow.sentences import ENGLISH, ITALIAN, template
from ivr.core.flow.text import Prompt
from ivr.core.flow.turn import (
    Ask,
    CameBack,
    Deed,
    Dial,
    DialEnded,
    Got,
    GotCode,
    GotEmergency,
    GotFetched,
    GotKept,
    GotNothing,
    GotNumber,
    GotPlace,
    GotProof,
    GotRecord,
    GotSlots,
    Heard,
    Keys,
    NothingRecorded,
    Rang,
    Record,
    Recorded,
    Rest,
    Said,
    Scene,
    Silence,
    Sound,
    Speak,
    Turn,
    Utter,
    Want,
    WantCaseCode,
    WantEmergency,
    WantFetched,
    WantKept,
    WantNumber,
    WantPlace,
    WantProof,
    WantRecord,
    WantSlots,
    Words,
)
from ivr.core.words import FlowVersionId, Language, PhoneNumber, QueueName

ROME = "Europe/Rome"
TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 10 o'clock in Rome

A = TypeVar("A")


def both(it: str, en: str | None = None) -> Prompt:
    return Prompt({ITALIAN: template(it), ENGLISH: template(en or it)})


def week(*spans: tuple[time, time], days: range = range(5)) -> Mapping[int, tuple[Span, ...]]:
    return {day: tuple(Span(opens, closes) for opens, closes in spans) for day in days}


OFFICE = Hours("office", ROME, week((time(8, 30), time(12, 30)), (time(14), time(18))), holidays_of="IT")


def company(**fields: object) -> Company:
    built = Company(
        "Officine Verdi",
        "IT",
        ROME,
        hours={"office": OFFICE},
        queues={QueueName("sales"): Queue(QueueName("sales"), hours="office")},
        words={"order_status": {"shipped": both("spedito", "shipped")}},
    )
    return replace(built, **fields)  # type: ignore[arg-type]


def option(keys: str, purpose: str, to: str, **fields: object) -> model.Option:
    return model.Option(keys, to, purpose=both(purpose, f"{purpose} in English"), **fields)  # type: ignore[arg-type]


def reprompt(then: str, tries: int = 3, say: str | None = None) -> model.Reprompt:
    return model.Reprompt(then, tries, None if say is None else both(say))


def menu(name: str, *options: model.Option, **fields: object) -> model.Menu:
    known = {"no_input": reprompt("silent"), "no_match": reprompt("mistaken"), **fields}
    return model.Menu(name=name, options=options, **known)  # type: ignore[arg-type]


def collect(name: str, **fields: object) -> model.Collect:
    known: dict[str, object] = {
        "variable": "entry",
        "type": "digits",
        "ask": both("Digitate il numero.", "Key in the number."),
        "then": "done",
        "no_input": reprompt("silent"),
        "no_match": reprompt("mistaken"),
        **fields,
    }
    return model.Collect(name=name, **known)  # type: ignore[arg-type]


def say(name: str, text: str, then: str, english: str | None = None) -> model.Say:
    return model.Say(name=name, say=both(text, english), then=then)


def end(name: str, text: str | None = None) -> model.Hangup:
    return model.Hangup(name=name, say=both(text or f"Fine {name}.", f"End {name}."))


def branch(name: str, otherwise: str, **cases: str) -> model.Branch:
    """Cases by target: ``branch("b", "no", yes="a == 1")``."""
    built = tuple(model.Case(read(when), to, when) for to, when in cases.items())
    return model.Branch(name=name, cases=built, otherwise=otherwise)


def flow(*nodes: model.AnyNode, name: str = "main", **fields: object) -> model.Flow:
    """A flow that starts at its first node; the ends that the builders above name are there already."""
    known = {node.name: node for node in (end("silent"), end("mistaken"), end("done"), end("person"), end("rescue"))}
    settings: dict[str, object] = {"person": "person", "if_all_fails": "rescue", **fields}
    return model.Flow(
        name=name,
        languages=(ITALIAN, ENGLISH),
        start=nodes[0].name,
        nodes={**known, **{node.name: node for node in nodes}},
        **settings,  # type: ignore[arg-type]
    )


def version(*nodes: model.AnyNode, subflows: tuple[model.Flow, ...] = (), **fields: object) -> model.FlowVersion:
    of_company = fields.pop("company", None) or company()
    main = flow(*nodes, **fields)
    assert isinstance(of_company, Company)
    return model.FlowVersion(FlowVersionId("v1"), main, of_company, {sub.name: sub for sub in subflows})


class PlainWording:
    """Values as they are, with their kind: what the steps asked for is seen in the text."""

    def spoken(self, value: Value, kind: str, language: Language, now: datetime) -> str:
        return str(value) if kind.startswith("holiday:") else f"<{kind} {value}>"


@dataclass
class Calendar:
    """Public holidays by date."""

    days: Mapping[date, str] = field(default_factory=dict)

    def on(self, country: str, day: object) -> str | None:
        return self.days.get(day) if country == "IT" and isinstance(day, date) else None


@dataclass
class World:
    """What the records answer."""

    records: dict[tuple[str, str], GotRecord] = field(default_factory=dict)
    proofs: dict[tuple[str, str, str | None], GotProof] = field(default_factory=dict)
    emergency: EmergencyClosing | None = None
    fetched: GotFetched = field(default_factory=lambda: GotFetched("waiting"))
    code: str = "482913"
    kept: set[str] = field(default_factory=set)
    numbers: dict[str, GotNumber] = field(default_factory=dict)  # as typed, "" for the caller's own
    booked: tuple[datetime, ...] = ()
    place: GotPlace = field(default_factory=lambda: GotPlace("t1"))
    down: bool = False
    wanted: list[Want] = field(default_factory=list)

    def get(self, want: Want) -> Got:
        self.wanted.append(want)
        if self.down:
            return GotNothing("the records are down")
        match want:
            case WantRecord(record, key):
                return self.records.get((record, key), GotRecord(None))
            case WantProof(by, answer, order):
                return self.proofs.get((by, answer, order), GotProof(None))
            case WantEmergency():
                return GotEmergency(self.emergency)
            case WantCaseCode():
                return GotCode(self.code)
            case WantFetched():
                return self.fetched
            case WantKept(recording):
                return GotKept(recording in self.kept)
            case WantNumber(text):
                return self.numbers.get(text, GotNumber(None))
            case WantSlots():
                return GotSlots(self.booked)
            case WantPlace():
                return self.place
            case _:
                raise AssertionError(want)


class Caller:
    """A telephone on the far end: hears what a turn says, and can only press, speak, stay silent or record."""

    def __init__(
        self,
        version: model.FlowVersion,
        world: World | None = None,
        *,
        now: datetime = TUESDAY,
        language: Language | None = None,
        slow: bool = False,
        speech: bool = False,
        calendar: Calendar | None = None,
        maybe: Mapping[str, Value] | None = None,
        number: str | None = "+393401234567",
        number_kind: str = "mobile",
    ) -> None:
        self.version, self.world, self.now = version, world or World(), now
        self.cursor = begin(version, language, slow, speech)
        self.calendar, self.maybe = calendar or Calendar(), maybe or {}
        self.number, self.number_kind = None if number is None else PhoneNumber(number), number_kind
        self.events: list[CallEvent] = []
        self.deeds: list[Deed] = []
        self.turns = 0
        self.last: Turn
        self.takes(Rang())

    def takes(self, heard: Heard) -> Caller:
        """One turn; the cursor and what is said go through JSON, as they do between two webhooks."""
        scene = Scene(
            self.now,
            PlainWording(),
            self.calendar,
            seed=f"call:{self.turns}",
            maybe=self.maybe,
            caller=self.number,
            number_kind=lambda _: self.number_kind,
            number_country=lambda number: "IT" if number.startswith("+39") else None,
        )
        steps = advance(self.version, self.cursor, heard, scene)
        try:
            want = next(steps)
            while True:
                want = steps.send(self.world.get(want))
        except StopIteration as over:
            self.last = over.value
        self.turns += 1
        self.cursor = cursors.from_json(cursors.as_json(self.last.cursor))
        assert self.cursor == replace(self.last.cursor, types=dict(self.last.cursor.types))
        assert says.from_json(says.as_json(self.last.says)) == self.last.says
        assert all(json.dumps(event.data()) for event in self.last.events)
        self.deeds += self.last.deeds
        self.events += self.last.events
        ends_as_a_turn_must(self.last)
        return self

    def presses(self, keys: str) -> Caller:
        assert isinstance(self.said, Ask), f"nobody asked for keys, but {self.said}"
        return self.takes(Keys(keys))

    def is_silent(self) -> Caller:
        assert isinstance(self.said, Ask), f"nobody waits for an answer, but {self.said}"
        return self.takes(Silence())

    def speaks(self, words: str) -> Caller:
        assert isinstance(self.said, Ask) and self.said.hints, "nobody listens for words"
        return self.takes(Words(words, 0.9))

    def leaves_a_message(self, *, hangs_up: bool = False) -> Caller:
        assert isinstance(self.said, Record)
        return self.takes(Recorded("RE1", "https://carrier.test/RE1", timedelta(seconds=7), hung_up=hangs_up))

    def is_connected_until(self, how: str) -> Caller:
        """The carrier rings the number outside, and says how that ended."""
        assert isinstance(self.said, Dial), self.said
        return self.takes(DialEnded(how))

    def says_nothing_after_the_tone(self) -> Caller:
        assert isinstance(self.said, Record)
        return self.takes(NothingRecorded())

    def waits(self, seconds: float = 0) -> Caller:
        self.now += timedelta(seconds=seconds)
        return self.takes(CameBack())

    def hears(self, *words: str) -> Caller:
        for word in words:
            assert word in self.heard, f"expected to hear {word!r}, but heard {self.heard!r}"
        return self

    def never_hears(self, *words: str) -> Caller:
        for word in words:
            assert word not in self.heard, f"heard {word!r} in {self.heard!r}"
        return self

    @property
    def said(self) -> Said:
        return self.last.says[-1]

    @property
    def ask(self) -> Ask:
        assert isinstance(self.said, Ask), self.said
        return self.said

    @property
    def heard(self) -> str:
        return " ".join(spoken(said) for said in self.last.says).strip()

    @property
    def path(self) -> tuple[str, ...]:
        return self.cursor.path

    @property
    def variables(self) -> Mapping[str, Value]:
        return self.cursor.frames[-1].variables

    def noted(self, kind: type[A]) -> list[A]:
        return [event for event in self.events if isinstance(event, kind)]

    def did(self, kind: type[A]) -> list[A]:
        return [deed for deed in self.deeds if isinstance(deed, kind)]

    @property
    def dialogue(self) -> str:
        return " ".join(event.text for event in self.noted(SaidToCaller))


def ends_as_a_turn_must(turn: Turn) -> None:
    """Any number of Speak, then exactly one of the others."""
    assert turn.says
    assert all(isinstance(said, Speak) and said.utterances for said in turn.says[:-1])
    assert not isinstance(turn.says[-1], Speak)


def spoken(said: Said) -> str:
    words = []
    for utterance in getattr(said, "utterances", ()):
        match utterance:
            case Utter(text):
                words.append(text)
            case Sound(name):
                words.append(f"[{name}]")
            case Rest():
                pass
    return " ".join(words)
