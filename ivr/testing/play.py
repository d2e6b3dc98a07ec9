"""Plays call scripts on real telephones, in virtual or real time, and says as a dialogue what happened.

The player holds phones and nothing else: it hears what a caller hears and does what a caller can; what agents heard it
has from their phones. Calls that ring near one another share the line and may overlap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from ivr.exchange.handset import Behaviour, Handset, Perceived, Subscriber, Telephones
from ivr.exchange.records import CarrierRefused
from ivr.testing.evidence import Evidence, Exit, Findings, not_as_expected, said_in
from ivr.testing.scripts import (
    Answer,
    HangUp,
    Hear,
    Interrupt,
    Miss,
    Press,
    Reject,
    SayWords,
    Script,
    Speak,
    Step,
    Talk,
    Wait,
)

PATIENCE = timedelta(seconds=120)  # without any news from the line, the caller gives up
LONGEST_TALK = timedelta(hours=4)
LONGEST_RING = timedelta(minutes=11)  # the carrier's longest Timeout is ten
STEP = 0.25  # seconds between two looks when several calls run at once
SETTLING = timedelta(seconds=120)  # for what is written after the call: its end, the transcript
AT_ONCE = timedelta(seconds=0.2)  # in real time two phones are told one after the other
CALLED = (Answer, Reject, Miss)
TOGETHER = timedelta(minutes=10)
"""A call that rings this soon after the one before shares its line; later ones get a line of their own."""


@dataclass(frozen=True)
class Moment:
    """A line of the dialogue; ``who`` is ``line``, ``caller``, an agent's name, or "" for what is noticed."""

    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class Played:
    """A script that was played; ``problems``: what was not as written, empty when all held."""

    script: Script
    dialogue: tuple[Moment, ...]
    problems: tuple[str, ...]
    sid: str | None = None
    findings: Findings = field(default_factory=Findings)

    @property
    def held(self) -> bool:
        return not self.problems

    @property
    def exits(self) -> tuple[Exit, ...]:
        return self.findings.exits

    def as_dict(self) -> Mapping[str, Any]:
        """For ``--json``."""
        return {
            "call": self.script.name,
            "file": self.script.mark.file,
            "line": self.script.mark.line,
            "held": self.held,
            "problems": list(self.problems),
            "sid": self.sid,
            "dialogue": [{"at": m.at, "who": m.who, "text": m.text} for m in self.dialogue],
            "outcome": self.findings.outcome,
            "path": list(self.findings.path),
            "records": self.findings.records,
        }


class NotAsWritten(Exception):
    """A step could not be done, or something else was heard."""


@dataclass(frozen=True)
class _News:
    """Wake me at the next thing that this phone perceives, or at a time."""

    handset: Handset
    after: int
    until: datetime


@dataclass(frozen=True)
class _Rings:
    """Wake me when the phone at this number rings, or at a time."""

    number: str
    until: datetime


@dataclass(frozen=True)
class _At:
    until: datetime


_Wish = _News | _Rings | _At
_Waiting = Generator[_Wish, None, None]
Told = Callable[[Script, Moment], None]


def together(scripts: Iterable[Script]) -> list[list[Script]]:
    """Scripts in the groups that share a line, in the order they ring."""
    groups: list[list[Script]] = []
    for script in sorted(scripts, key=lambda script: script.at):
        if groups and script.at - groups[-1][-1].at <= TOGETHER:
            groups[-1].append(script)
        else:
            groups.append([script])
    return groups


class Player:
    """Plays scripts on telephones and compares what is on record afterwards.

    ``voices``: folders where the WAV files of ``speak`` are looked for, after the script's own and ``voices`` in it.
    ``told`` is given each line of a dialogue as it happens. ``staff``: the phones of the agents on duty, by name.
    """

    def __init__(
        self,
        telephones: Telephones,
        evidence: Evidence,
        voices: Sequence[Path] = (),
        told: Told | None = None,
        staff: Mapping[str, Subscriber] | None = None,
    ) -> None:
        self._telephones, self._evidence = telephones, evidence
        self._voices, self._told = tuple(voices), told
        self._staff = Staff(staff or {})

    def play(self, scripts: Sequence[Script]) -> list[Played]:
        """All of them on one line, each ringing so long after the first as is written; results in the order given."""
        began = self._telephones.now()
        first = min(script.at for script in scripts) if scripts else began
        calls = [_Call(script, self._telephones, self._voices, self._told) for script in scripts]
        self._run(calls, [call.live(began + (call.script.at - first)) for call in calls])
        return [self._judged(call, calls) for call in calls]

    def _run(self, calls: Sequence[_Call], lives: Sequence[_Waiting]) -> None:
        waiting: dict[_Waiting, _Wish] = {}

        def go_on(life: _Waiting) -> None:
            wish = next(life, None)
            waiting.pop(life, None)
            if wish is not None:
                waiting[life] = wish

        for life in lives:
            go_on(life)
        while waiting:
            now = self._telephones.now()
            for name, moment in self._staff.news():
                for call in calls:
                    call.overhear(name, moment)
            ready = [life for life, wish in waiting.items() if self._come(wish, now)]
            for life in ready:
                go_on(life)
            if not ready:
                self._let_time_pass(list(waiting.values()), now)

    def _come(self, wish: _Wish, now: datetime) -> bool:
        match wish:
            case _ if now >= wish.until:
                return True
            case _News(handset, after):
                return bool(handset.perceived(after))
            case _Rings(number):
                return bool(self._telephones.ringing(number))
            case _:
                return False

    def _let_time_pass(self, wishes: Sequence[_Wish], now: datetime) -> None:
        seconds = min((wish.until - now).total_seconds() for wish in wishes)
        match [wish for wish in wishes if not isinstance(wish, _At)]:
            case []:
                self._telephones.wait(seconds)
            case [_News(handset, after)]:
                self._telephones.wait_for_news(handset, after, seconds)
            case [_Rings(number)]:
                self._telephones.ringing(number, seconds)
            case _:
                self._telephones.wait(min(seconds, STEP))

    def _judged(self, call: _Call, beside: Sequence[_Call]) -> Played:
        problems, findings = list(call.problems), Findings()
        if call.sid is not None:
            findings, wrong = self._settled(call.sid, call, beside)
            problems += [f"{_place(call.script.mark)}: {text}" for text in wrong]
        dialogue = tuple(sorted(call.dialogue, key=lambda moment: moment.at))
        return Played(call.script, dialogue, tuple(problems), call.sid, findings)

    def _settled(self, sid: str, call: _Call, beside: Sequence[_Call]) -> tuple[Findings, Sequence[str]]:
        """The end of a call and its transcript are written after the phone is down: wait for them, not for ever."""
        deadline = self._telephones.now() + SETTLING
        while True:
            findings = replace(
                self._evidence.of(sid),
                put_through=self._staff.who_met(call, beside),
                agents_heard=self._staff.heard(call.script, call.dialogue[0].at),
            )
            wrong = not_as_expected(findings, call.script.expect)
            if (not wrong and findings.ended) or self._telephones.now() >= deadline:
                return findings, wrong
            self._telephones.wait(1.0)


class Staff:
    """The phones of the agents on duty, and what was heard on them."""

    def __init__(self, phones: Mapping[str, Subscriber]) -> None:
        self._phones = phones
        self._seen: dict[str, int] = {}

    def news(self) -> list[tuple[str, Perceived]]:
        """What agents perceived since this was last asked."""
        found = []
        for name, subscriber in self._phones.items():
            for phone in subscriber.calls():
                fresh = phone.perceived(self._seen.get(phone.sid, 0))
                self._seen[phone.sid] = self._seen.get(phone.sid, 0) + len(fresh)
                found += [(name, news) for news in fresh]
        return sorted(found, key=lambda one: one[1].at)

    def who_met(self, call: _Call, beside: Sequence[_Call]) -> tuple[str, ...] | None:
        """Agents whose phones were put through to the caller's; None without any phones to look at.

        Two who meet notice it at once. A third is alone in noticing that they came, so counts for everybody who had
        company then: who took which call is on record.
        """
        if not self._phones:
            return None
        others = [moment for other in beside if other is not call for moment in other.met]
        return tuple(
            name
            for name, subscriber in self._phones.items()
            if any(
                _near(news.at, call.met) or (call.had_company(news.at) and not _near(news.at, others))
                for phone in subscriber.calls()
                for news in phone.perceived()
                if news.kind == "connected"
            )
        )

    def heard(self, script: Script, since: datetime) -> tuple[str, ...]:
        """All that was said to the script's agents, for each call that rang one."""
        names = [agent.name for agent in script.agents if agent.name in self._phones]
        calls = [phone.perceived() for name in names for phone in self._phones[name].calls()]
        said = [" ".join(news.text for news in call if news.kind == "said" and news.at >= since) for call in calls]
        return tuple(text for text in said if text)


@dataclass
class _Call:
    """One caller, from picking up to hanging up."""

    script: Script
    telephones: Telephones
    voices: tuple[Path, ...]
    told: Told | None
    sid: str | None = None
    dialogue: list[Moment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    met: list[datetime] = field(default_factory=list)  # when somebody else came on the line
    parted: list[datetime] = field(default_factory=list)  # when nobody else was any more
    _done: bool = False
    _handset: Handset | None = None
    _heard: list[Perceived] = field(default_factory=list)
    _acted: int = 0  # number of the last thing perceived before the caller last did something

    def live(self, rings_at: datetime) -> _Waiting:
        if any(isinstance(step, CALLED) for step in self.script.steps):
            self.telephones.hold(self.script.from_)
        yield _At(rings_at)
        try:
            if not self.script.steps or not isinstance(self.script.steps[0], CALLED):
                self._dial()
            else:
                self._note("caller", "waits for a call")
            for step in self.script.steps:
                try:
                    yield from self._do(step)
                except NotAsWritten as problem:
                    self.problems.append(f"{_place(step.mark)}: {problem}")
                    break
            else:
                yield from self._stay_until_the_end()
        except NotAsWritten as problem:
            self.problems.append(f"{_place(self.script.mark)}: {problem}")
        if self._handset is not None and not self._over():
            self._handset.hang_up()
            self._note("caller", "hangs up")
        self._done = True

    def had_company(self, at: datetime) -> bool:
        """Whether somebody else was on the line at a moment."""
        began = max((met for met in self.met if met <= at), default=None)
        return began is not None and not any(began <= parted <= at for parted in self.parted)

    def overhear(self, name: str, news: Perceived) -> None:
        """Take down what an agent on duty does and hears while this call goes on."""
        on_duty = any(agent.name == name for agent in self.script.agents)
        if on_duty and self.dialogue and not self._done and (text := _of_an_agent(news)):
            self._note(name, text, news.at)

    # --- What a caller does -----------------------------------------------------------------------------------------

    def _dial(self) -> None:
        self._note("caller", f"dials {self.script.to}")
        try:
            self._handset = self.telephones.dial(self.script.from_, self.script.to)
        except CarrierRefused as refused:
            raise NotAsWritten(f"the network has no way to {self.script.to}: {refused}") from None
        self.sid = self._handset.sid

    def _do(self, step: Step) -> _Waiting:
        match step:
            case Hear(words):
                yield from self._hear(words)
            case Press(keys):
                yield from self._until_asked(f"press {keys}", ("question", "tone"))
                self._act(f"presses {keys}", lambda phone: phone.press(keys))
            case Interrupt(keys):
                yield from self._interrupt(keys)
            case SayWords(text, confidence):
                yield from self._until_asked(f"say {text!r}", ("question",))
                self._act(f"says «{text}»", lambda phone: phone.say_words(text, confidence))
            case Speak(file):
                yield from self._speak(file)
            case Wait(length):
                yield from self._wait(length)
            case Talk(length, within):
                yield from self._talk(length, within)
            case Answer(after, within, machine):
                yield from self._answer(after, within, machine)
            case Reject(within):
                yield from self._pick_out_of(within)
                self._act("refuses the call", lambda phone: phone.reject())
            case Miss(within):
                yield from self._miss(within)
            case HangUp():
                self._act("hangs up", lambda phone: phone.hang_up())
            case _:
                assert_never(step)

    def _hear(self, words: str) -> _Waiting:
        barrier = self._last("question", "tone", "ended", "busy")
        while True:
            self._listen()
            if said_in(words, " ".join(self._sentences())):
                return
            now_at = self._last("question", "tone", "ended", "busy")
            if now_at > barrier or self._over():
                raise NotAsWritten(f"expected to hear {words!r}, but {self._heard_instead()}")
            yield from self._news(f"expected to hear {words!r}, but {self._heard_instead()} and then nothing")

    def _until_asked(self, wish: str, kinds: tuple[str, ...]) -> _Waiting:
        while True:
            self._listen()
            asked = self._last("question", "tone")
            if self._over():
                raise NotAsWritten(f"cannot {wish}: the call is over; {self._heard_instead()}")
            if asked > self._acted:
                if self._kind(asked) not in kinds:
                    raise NotAsWritten(f"cannot {wish}: the line records, or asks for something else")
                return
            yield from self._news(f"cannot {wish}: nobody asks for it; {self._heard_instead()}")

    def _interrupt(self, keys: str) -> _Waiting:
        self._listen()
        before = len(self._heard)
        if self._over():
            raise NotAsWritten(f"cannot press {keys}: the call is over; {self._heard_instead()}")
        self._act(f"presses {keys}, not waiting", lambda phone: phone.press(keys))
        deadline = self.telephones.now() + timedelta(seconds=2)
        while not any(p.cut or p.kind == "question" for p in self._heard[before:]):
            if self.telephones.now() >= deadline:
                raise NotAsWritten(f"pressed {keys} into a sentence that no key ends")
            yield _News(self._phone(), len(self._heard), deadline)
            self._listen()

    def _speak(self, file: str) -> _Waiting:
        wav = self._voice(file)
        yield from self._until_asked(f"speak {file}", ("tone",))
        length = 0.0

        def speak(phone: Handset) -> None:
            nonlocal length
            length = phone.speak(wav)

        self._act(f"speaks ({file})", speak)
        yield _At(self.telephones.now() + timedelta(seconds=length))
        self._listen()

    def _wait(self, length: timedelta) -> _Waiting:
        until = self.telephones.now() + length
        while self.telephones.now() < until:
            yield _News(self._phone(), len(self._heard), until)
            self._listen()

    def _talk(self, length: timedelta | None, within: timedelta) -> _Waiting:
        until = self.telephones.now() + within
        while not self._in_company():
            looked_at = len(self._heard)  # before the next look: what comes in between is news
            if self._over() or self.telephones.now() >= until:
                raise NotAsWritten(f"nobody came on the line; {self._heard_instead()}")
            yield _News(self._phone(), looked_at, until)
        self._act("talks", lambda _: None)
        until = self.telephones.now() + (length or LONGEST_TALK)
        while self._in_company() and self.telephones.now() < until:
            yield _News(self._phone(), len(self._heard), until)

    def _answer(self, after: timedelta, within: timedelta, machine: bool) -> _Waiting:
        yield from self._pick_out_of(within)
        until = self.telephones.now() + after
        while not self._over() and self.telephones.now() < until:
            yield _News(self._phone(), len(self._heard), until)
        self._act("answers by machine" if machine else "answers", lambda phone: phone.answer(machine))

    def _miss(self, within: timedelta) -> _Waiting:
        yield from self._pick_out_of(within)
        self._act("lets it ring", lambda _: None)
        while not self._over():
            yield from self._news("the phone rings and rings", LONGEST_RING)

    def _pick_out_of(self, within: timedelta) -> _Waiting:
        """The caller's own phone rings: from now on this is the call."""
        if self._handset is not None and not self._over():
            raise NotAsWritten("the caller is still on the line, so the phone cannot ring")
        until = self.telephones.now() + within
        while not (ringing := self.telephones.ringing(self.script.from_)):
            if self.telephones.now() >= until:
                raise NotAsWritten(f"the phone did not ring in {within}")
            yield _Rings(self.script.from_, until)
        self._handset, self._heard, self._acted = ringing[0], [], 0
        self.sid = self.sid or ringing[0].sid
        self._listen()

    def _stay_until_the_end(self) -> _Waiting:
        """A caller who has done everything listens on, until the line ends the call or asks again."""
        barrier = self._last("question", "tone")
        while not self._over() and self._last("question", "tone") <= barrier:
            yield from self._news("the line fell silent")
            self._listen()

    # --- What a caller notices --------------------------------------------------------------------------------------

    def _news(self, otherwise: str, patience: timedelta = PATIENCE) -> _Waiting:
        until = self.telephones.now() + (LONGEST_TALK if self._in_company() else patience)
        count = len(self._heard)
        yield _News(self._phone(), count, until)
        self._listen()
        if len(self._heard) == count:
            raise NotAsWritten(otherwise)

    def _listen(self) -> None:
        for news in self._phone().perceived(len(self._heard)):
            self._heard.append(news)
            if news.kind == "connected":
                self.met.append(news.at)
            elif news.kind in ("alone", "ended"):
                self.parted.append(news.at)
            if text := _in_words(news):
                self._note("line" if news.kind in ("said", "played") else "", text, news.at)

    def _act(self, text: str, how: Callable[[Handset], object]) -> None:
        self._listen()
        if self._over():
            raise NotAsWritten(f"the caller {text}, but the call is over; {self._heard_instead()}")
        self._note("caller", text)
        self._acted = len(self._heard)
        how(self._phone())

    def _sentences(self) -> list[str]:
        """What was said since the caller last did something; a sentence that this cut short belongs to before."""
        return [p.text for p in self._heard[self._acted :] if p.kind == "said" and not p.cut]

    def _heard_instead(self) -> str:
        said = " / ".join(self._sentences())
        over = next((p for p in self._heard if p.kind in ("ended", "busy")), None)
        ending = f", then the call ended ({over.text or over.kind})" if over else ""
        return (f"heard «{said}»" if said else "heard nothing") + ending

    def _last(self, *kinds: str) -> int:
        return next((p.n for p in reversed(self._heard) if p.kind in kinds), 0)

    def _kind(self, n: int) -> str:
        return next(p.kind for p in self._heard if p.n == n)

    def _over(self) -> bool:
        self._listen()
        return any(p.kind in ("ended", "busy") for p in self._heard)

    def _in_company(self) -> bool:
        self._listen()
        return self._last("connected") > self._last("alone", "ended")

    def _phone(self) -> Handset:
        assert self._handset is not None  # dialled, or answered, before any step that needs it
        return self._handset

    def _note(self, who: str, text: str, at: datetime | None = None) -> None:
        moment = Moment(at or self.telephones.now(), who, text)
        self.dialogue.append(moment)
        if self.told is not None:
            self.told(self.script, moment)

    def _voice(self, file: str) -> bytes:
        beside = Path(self.script.mark.file).parent
        for folder in (beside, beside / "voices", *self.voices):
            path = folder / file
            if path.is_file():
                return path.read_bytes()
        raise NotAsWritten(f"there is no audio file {file}")


class PacedTelephones:
    """Virtual telephones at the speed of real ones, so that a person can follow."""

    def __init__(self, telephones: Telephones, sleep: Callable[[float], None] = time.sleep) -> None:
        self._telephones, self._sleep = telephones, sleep

    def dial(self, from_: str, to: str) -> Handset:
        return self._telephones.dial(from_, to)

    def hold(self, number: str) -> None:
        self._telephones.hold(number)

    def subscriber(self, number: str, behaviour: Behaviour, misses: int = 0) -> Subscriber:
        return self._telephones.subscriber(number, behaviour, misses)

    def ringing(self, number: str, longest: float = 0.0) -> Sequence[Handset]:
        while not (found := self._telephones.ringing(number)) and longest > 0:
            self.wait(min(longest, STEP))
            longest -= STEP
        return found

    def now(self) -> datetime:
        return self._telephones.now()

    def wait(self, seconds: float) -> None:
        while seconds > 0:
            step = min(seconds, STEP)
            self._sleep(step)
            self._telephones.wait(step)
            seconds -= step

    def wait_for_news(self, handset: Handset, after: int, longest: float) -> bool:
        while longest > 0:
            step = min(longest, STEP)
            self._sleep(step)
            if self._telephones.wait_for_news(handset, after, step):
                return True
            longest -= step
        return False


def _near(at: datetime, moments: Sequence[datetime]) -> bool:
    return any(abs(at - moment) < AT_ONCE for moment in moments)


def as_dialogue(played: Played) -> list[str]:
    """The lines of a call, each with its time from the first."""
    if not played.dialogue:
        return []
    began = played.dialogue[0].at
    return [line_of(moment, began) for moment in played.dialogue]


def line_of(moment: Moment, began: datetime) -> str:
    seconds = int((moment.at - began).total_seconds())
    return f"{seconds // 60:3d}:{seconds % 60:02d}  {moment.who:6}  {moment.text}"


def _in_words(news: Perceived) -> str:
    match news.kind:
        case "said":
            return news.text + (" — cut short" if news.cut else "")
        case "played":
            return f"♪ {news.text.rpartition('/')[2]}"
        case "tone":
            return "(tone)"
        case "ended":
            return f"(the call ends: {news.text})" if news.text else "(the call ends)"
        case "busy":
            return "(busy)"
        case "answered":
            return "(answers)"
        case "ringing":
            return f"(the phone rings: {news.text})"
        case "connected":
            return "(somebody is on the line)"
        case "alone":
            return "(nobody else is on the line)"
        case _:
            return ""


def _of_an_agent(news: Perceived) -> str:
    match news.kind:
        case "said":
            return f"hears «{news.text}»" + (" — cut short" if news.cut else "")
        case "answered":
            return "answers"
        case "tone" | "played":
            return ""
        case _:
            return _in_words(news)


def _place(mark: Any) -> str:
    return f"{mark.file}:{mark.line}"
