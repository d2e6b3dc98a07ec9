"""Call scripts: what a caller does, in order, and what must be true at the end. Written in YAML, several to a file.

A script's words: ``call, at, from, to, given, agents, phones, steps, expect``. Steps: ``hear``, ``press`` (once asked),
``interrupt`` (press while it still speaks), ``speak`` (a WAV file after the tone, or ``{words, confidence}`` for the
carrier's recogniser), ``wait``, ``talk`` (once somebody else is on the line), ``hangup``; and for who is called:
``answer``, ``reject``, ``miss``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ivr.core.flow.model import NOWHERE, Mark
from ivr.core.roster import LEVELS
from ivr.flowfiles import scalars
from ivr.flowfiles.fields import Fields, Reading
from ivr.flowfiles.marks import Table, Text, Tree, read_all
from ivr.flowfiles.problems import Notes, Problem, did_you_mean, one_of
from ivr.testing.on_duty import ALWAYS, OnDuty
from ivr.testing.outside import Outside

OUTCOMES = ("answered", "voicemail", "callback", "abandoned", "self_service", "transferred", "failed")
STEPS = ("hear", "press", "interrupt", "speak", "wait", "talk", "hangup", "answer", "reject", "miss")
BARE = ("talk", "hangup", "answer", "reject", "miss")
"""Steps that may be written as a word alone."""
WITHIN = timedelta(minutes=20)
"""So long a caller waits for somebody on the line, or for the phone to ring."""
AND_SO_ON = ("…", "...")
"""The first word of a path that gives only its end."""

CALL = ("call", "at", "from", "to", "given", "agents", "phones", "steps", "expect")

NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)

_KEYS = re.compile(r"[0-9*#w]{1,40}")
_ADDRESS = re.compile(r"sips?:[^\s@]+@[^\s@]+|client:[^\s]+")


@dataclass(frozen=True)
class Hear:
    """Some sentence up to the next question contains these words; case and accents do not matter."""

    words: str
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Press:
    """Press these keys (``w`` waits half a second) once the line asks."""

    keys: str
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Interrupt:
    """Press these keys while the line still speaks."""

    keys: str
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Speak:
    """Speak a WAV file after the tone; its name is looked for beside the script and in the folders of voices."""

    file: str
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class SayWords:
    """What the carrier's recogniser shall understand, once the line asks."""

    text: str
    confidence: float
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Wait:
    length: timedelta
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Talk:
    """Wait until somebody else is on the line, and talk so long; None: until they are gone."""

    length: timedelta | None = None
    within: timedelta = WITHIN
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class HangUp:
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Answer:
    """Wait until the caller's own phone rings, and pick up; ``machine``: an answering machine does."""

    after: timedelta = timedelta(0)
    within: timedelta = WITHIN
    machine: bool = False
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Reject:
    """Wait until the caller's own phone rings, and refuse the call."""

    within: timedelta = WITHIN
    mark: Mark = NOWHERE


@dataclass(frozen=True)
class Miss:
    """Wait until the caller's own phone rings, and let it ring until it stops."""

    within: timedelta = WITHIN
    mark: Mark = NOWHERE


Step = Hear | Press | Interrupt | Speak | SayWords | Wait | Talk | HangUp | Answer | Reject | Miss


@dataclass(frozen=True)
class ExpectedTranscript:
    language: str | None = None
    contains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What must be true at the end; what is None is not looked at.

    ``path``: the nodes passed; ``path_open``: only the last of them are given. ``customer``: a number, an id, a name.
    ``agent_heard``: words that somebody on duty heard meanwhile, out of one call each.
    """

    outcome: str | None = None
    customer: str | None = None
    path: tuple[str, ...] | None = None
    path_open: bool = False
    transcript: ExpectedTranscript | None = None
    promise_due_within: timedelta | None = None
    answered_by: str | None = None
    agent_heard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Script:
    name: str
    at: datetime  # aware
    from_: str
    to: str
    steps: tuple[Step, ...]
    expect: Expected = Expected()
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    agents: tuple[OnDuty, ...] = ()
    phones: tuple[Outside, ...] = ()
    mark: Mark = NOWHERE


def read(file: str, source: bytes | str) -> tuple[tuple[Script, ...], tuple[Problem, ...]]:
    """The scripts of a file and what is wrong with it, all at once; never raises for what is in the file.

    Scripts are given only where there is no problem at all.
    """
    trees, found = read_all(file, source)
    notes = Notes()
    notes.found.extend(found)
    if not trees and not notes.found:
        notes.error(Mark(file, 1, 1), "empty", "the file holds no call")
    scripts = tuple(_script(tree, notes) for tree in trees)
    whole = [script for script in scripts if script is not None]
    return (() if notes.found else tuple(whole)), tuple(notes.found)


def _script(tree: Tree, notes: Notes) -> Script | None:
    if not isinstance(tree, Table):
        notes.error(tree.mark, "wrong-shape", "a call is written as key: value", "begin with 'call: what it is about'")
        return None
    named = tree.get("call")
    where = f"call '{named.text}'" if isinstance(named, Text) else "call"
    fields = Fields(tree, where, CALL, Reading(notes))
    return Script(
        name=fields.text("call", needed=True),
        at=fields.convert("at", moment, NO_MOMENT, needed=True),
        from_=fields.text("from", needed=True),
        to=fields.text("to", needed=True),
        steps=_steps(fields),
        expect=_expected(fields),
        given={key.text: _texts(fields, value, key.text) for key, value in fields.entries("given")},
        agents=_agents(fields),
        phones=_phones(fields),
        mark=tree.mark,
    )


def moment(text: str) -> datetime:
    """``2026-11-24T20:30:00+01:00``; raises ValueError without an offset."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at
    except ValueError:
        pass
    raise ValueError(f"'{text}' is no moment; write 2026-11-24T20:30:00+01:00")


def keys(text: str) -> str:
    if not _KEYS.fullmatch(text):
        raise ValueError(f"'{text}' cannot be pressed; keys are 0 to 9, * and #, and w waits half a second")
    return text


def confidence(text: str) -> float:
    value = scalars.fraction(text)
    if value > 1:
        raise ValueError(f"'{text}' is no confidence; write 0 to 1")
    return value


def _steps(fields: Fields) -> tuple[Step, ...]:
    found = [_step(item, fields) for item in fields.items("steps")]
    if not found:
        fields.wrong(fields.mark, "no-steps", "nobody does anything", "add 'steps:' with '- hear: …'")
    return tuple(step for step in found if step is not None)


def _step(item: Tree, fields: Fields) -> Step | None:
    if isinstance(item, Text) and item.text in BARE:
        return _bare(item)
    if not isinstance(item, Table) or len(item.entries) != 1:
        fields.wrong(
            item.mark, "wrong-step", "a step is one thing", f"write - {STEPS[0]}: …, or one of {one_of(STEPS)}"
        )
        return None
    verb = item.entries[0].key
    if verb.text not in STEPS:
        cure = did_you_mean(verb.text, STEPS) or f"a caller can {one_of(STEPS)}"
        fields.wrong(verb.mark, "wrong-step", f"nobody can '{verb.text}' with a telephone", cure)
        return None
    step, mark = fields.within(item, "step", (verb.text,)), verb.mark
    if step is None:
        return None
    match verb.text:
        case "hear":
            return Hear(step.text("hear", needed=True), mark)
        case "press":
            return Press(step.convert("press", keys, "", needed=True), mark)
        case "interrupt":
            return Interrupt(step.convert("interrupt", keys, "", needed=True), mark)
        case "wait":
            return Wait(step.duration("wait", timedelta(0)), mark)
        case "speak" if isinstance(item.entries[0].value, Table):
            said = step.within(item.entries[0].value, "'speak'", ("words", "confidence"))
            if said is None:
                return None
            return SayWords(said.text("words", needed=True), said.convert("confidence", confidence, 0.9), mark)
        case "speak":
            return Speak(step.text("speak", needed=True), mark)
        case _ if isinstance(item.entries[0].value, Text) and not item.entries[0].value.text:
            return _bare(verb)
        case "talk" if not isinstance(item.entries[0].value, Table):
            return Talk(step.duration("talk", timedelta(0)), mark=mark)
        case "hangup":
            return HangUp(mark)
        case _:
            return _on_the_phone(verb, item.entries[0].value, step)


def _bare(verb: Text) -> Step:
    kinds: Mapping[str, Callable[..., Step]] = {"talk": Talk, "answer": Answer, "reject": Reject, "miss": Miss}
    return kinds.get(verb.text, HangUp)(mark=verb.mark)


def _on_the_phone(verb: Text, value: Tree, step: Fields) -> Step | None:
    """A step that waits for somebody else, written as a table."""
    more = {"answer": ("after", "machine"), "talk": ("for",)}.get(verb.text, ())
    told = step.within(value, f"'{verb.text}'", (*more, "within"))
    if told is None:
        return None
    within = told.duration("within", WITHIN)
    match verb.text:
        case "talk":
            return Talk(told.optional_duration("for"), within, verb.mark)
        case "answer":
            return Answer(told.duration("after", timedelta(0)), within, told.flag("machine"), verb.mark)
        case "reject":
            return Reject(within, verb.mark)
        case _:
            return Miss(within, verb.mark)


EXPECTED = ("outcome", "customer", "path", "transcript", "promise", "answered_by", "agent_heard")


def _expected(fields: Fields) -> Expected:
    expect = fields.below("expect", EXPECTED)
    if expect is None:
        return Expected()
    path = expect.names("path") if expect.has("path") else None
    transcript = expect.below("transcript", ("language", "contains"))
    promise = expect.below("promise", ("due_within",))
    return Expected(
        outcome=expect.choice("outcome", OUTCOMES, "") or None,
        customer=expect.text("customer") or None,
        path=path[1:] if path and path[0] in AND_SO_ON else path,
        path_open=bool(path and path[0] in AND_SO_ON),
        transcript=_transcript(transcript) if transcript else None,
        promise_due_within=promise.optional_duration("due_within") if promise else None,
        answered_by=expect.text("answered_by") or None,
        agent_heard=expect.names("agent_heard"),
    )


def _transcript(fields: Fields) -> ExpectedTranscript:
    return ExpectedTranscript(fields.text("language") or None, fields.names("contains"))


AGENT = (
    "name", "queues", "skills", "address", "answers_after", "presses",
    "misses", "busy", "talks", "signs_in_at", "signs_off_at",
)  # fmt: skip


def _agents(fields: Fields) -> tuple[OnDuty, ...]:
    below = [(item, fields.within(item, "'agents'", AGENT)) for item in fields.items("agents")]
    found = [_agent(agent, item.mark) for item, agent in below if agent is not None]
    names = [agent.name for agent in found]
    for n, agent in enumerate(found):
        if agent.name in names[:n]:
            fields.wrong(agent.mark, "repeated-name", f"'agents': '{agent.name}' is on duty a second time")
    return tuple(found)


def _agent(agent: Fields, mark: Mark) -> OnDuty:
    return OnDuty(
        name=agent.name("name", needed=True),
        queues=agent.names("queues"),
        skills={key.text: _level(agent, key, value) for key, value in agent.entries("skills")},
        address=agent.convert("address", address, None),
        answers_after=agent.duration("answers_after", timedelta(seconds=5)),
        presses=_presses(agent),
        misses=agent.convert("misses", misses, 0),
        busy=agent.flag("busy"),
        talks=agent.duration("talks", timedelta(minutes=1)),
        signs_in_at=agent.duration("signs_in_at", timedelta(0)),
        signs_off_at=agent.optional_duration("signs_off_at"),
        mark=mark,
    )


PHONE = ("number", "answers_after", "busy", "unreachable", "talks")


def _phones(fields: Fields) -> tuple[Outside, ...]:
    below = [(item, fields.within(item, "'phones'", PHONE)) for item in fields.items("phones")]
    return tuple(_outside(phone, item.mark) for item, phone in below if phone is not None)


def _outside(phone: Fields, mark: Mark) -> Outside:
    return Outside(
        number=phone.convert("number", lambda text: str(scalars.phone_number(text)), "", needed=True),
        answers_after=phone.duration("answers_after", timedelta(seconds=5)),
        busy=phone.flag("busy"),
        unreachable=phone.flag("unreachable"),
        talks=phone.duration("talks", timedelta(minutes=1)),
        mark=mark,
    )


def address(text: str) -> str | None:
    """Where an agent is rung: a number, ``sip:anna@pbx.example``, ``client:anna``; raises ValueError."""
    return text if _ADDRESS.fullmatch(text) else str(scalars.phone_number(text))


def misses(text: str) -> int:
    """``yes``: every call; or so many, before the first that is answered. Raises ValueError."""
    if text.isdecimal():
        return scalars.whole_number(text)
    return ALWAYS if scalars.yes_or_no(text) else 0


def _presses(agent: Fields) -> tuple[str, ...]:
    if not agent.has("presses"):
        return ("1",)
    pressed = []
    for word in agent.words("presses"):
        try:
            pressed.append(keys(word.text))
        except ValueError as refused:
            agent.wrong(word.mark, "wrong-value", f"'presses': {refused}")
    return tuple(pressed)


def _level(agent: Fields, skill: Text, value: Tree) -> int:
    if isinstance(value, Text) and value.text in map(str, LEVELS):
        return int(value.text)
    agent.wrong(value.mark, "wrong-value", f"skill '{skill.text}' takes a level from {LEVELS[0]} to {LEVELS[-1]}")
    return 0


def _texts(fields: Fields, value: Tree, what: str) -> tuple[str, ...]:
    return tuple(word.text for word in fields.as_words(value, f"'{what}'"))
