"""Plays call scripts on real telephones, in virtual or real time, and says as a dialogue what happened.

The player holds phones and nothing else: it hears what a caller hears and does what a caller can. Calls that ring near
one another share the line and may overlap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from ivr.exchange.handset import Handset, Perceived, Telephones
from ivr.exchange.records import CarrierRefused
from ivr.testing.evidence import Evidence, Exit, Findings, not_as_expected, said_in
from ivr.testing.scripts import HangUp, Hear, Interrupt, Press, SayWords, Script, Speak, Step, Wait

PATIENCE = timedelta(seconds=120)  # without any news from the line, the caller gives up
STEP = 0.25  # seconds between two looks when several calls run at once
SETTLING = timedelta(seconds=120)  # for what is written after the call: its end, the transcript
TOGETHER = timedelta(minutes=10)
"""A call that rings this soon after the one before shares its line; later ones get a line of their own."""


@dataclass(frozen=True)
class Moment:
    """A line of the dialogue; ``who`` is ``line``, ``caller`` or "" for what is noticed."""

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
class _At:
    until: datetime


_Waiting = Generator[_News | _At, None, None]
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
    ``told`` is given each line of a dialogue as it happens.
    """

    def __init__(
        self, telephones: Telephones, evidence: Evidence, voices: Sequence[Path] = (), told: Told | None = None
    ) -> None:
        self._telephones, self._evidence = telephones, evidence
        self._voices, self._told = tuple(voices), told

    def play(self, scripts: Sequence[Script]) -> list[Played]:
        """All of them on one line, each ringing so long after the first as is written; results in the order given."""
        began = self._telephones.now()
        first = min(script.at for script in scripts) if scripts else began
        calls = [_Call(script, self._telephones, self._voices, self._told) for script in scripts]
        self._run([call.live(began + (call.script.at - first)) for call in calls])
        return [self._judged(call) for call in calls]

    def _run(self, lives: Sequence[_Waiting]) -> None:
        waiting: dict[_Waiting, _News | _At] = {}

        def go_on(life: _Waiting) -> None:
            wish = next(life, None)
            waiting.pop(life, None)
            if wish is not None:
                waiting[life] = wish

        for life in lives:
            go_on(life)
        while waiting:
            now = self._telephones.now()
            ready = [life for life, wish in waiting.items() if _come(wish, now)]
            for life in ready:
                go_on(life)
            if not ready:
                self._let_time_pass(list(waiting.values()), now)

    def _let_time_pass(self, wishes: Sequence[_News | _At], now: datetime) -> None:
        seconds = min((wish.until - now).total_seconds() for wish in wishes)
        listening = [wish for wish in wishes if isinstance(wish, _News)]
        if not listening:
            self._telephones.wait(seconds)
        elif len(listening) == 1:
            self._telephones.wait_for_news(listening[0].handset, listening[0].after, seconds)
        else:
            self._telephones.wait(min(seconds, STEP))

    def _judged(self, call: _Call) -> Played:
        problems, findings = list(call.problems), Findings()
        if call.sid is not None:
            findings, wrong = self._settled(call.sid, call.script)
            problems += [f"{_place(call.script.mark)}: {text}" for text in wrong]
        return Played(call.script, tuple(call.dialogue), tuple(problems), call.sid, findings)

    def _settled(self, sid: str, script: Script) -> tuple[Findings, Sequence[str]]:
        """The end of a call and its transcript are written after the phone is down: wait for them, not for ever."""
        deadline = self._telephones.now() + SETTLING
        while True:
            findings = self._evidence.of(sid)
            wrong = not_as_expected(findings, script.expect)
            if (not wrong and findings.ended) or self._telephones.now() >= deadline:
                return findings, wrong
            self._telephones.wait(1.0)


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
    _handset: Handset | None = None
    _heard: list[Perceived] = field(default_factory=list)
    _acted: int = 0  # number of the last thing perceived before the caller last did something

    def live(self, rings_at: datetime) -> _Waiting:
        yield _At(rings_at)
        try:
            self._dial()
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

    def _stay_until_the_end(self) -> _Waiting:
        """A caller who has done everything listens on, until the line ends the call or asks again."""
        barrier = self._last("question", "tone")
        while not self._over() and self._last("question", "tone") <= barrier:
            yield from self._news("the line fell silent")
            self._listen()

    # --- What a caller notices --------------------------------------------------------------------------------------

    def _news(self, otherwise: str) -> _Waiting:
        until = self.telephones.now() + PATIENCE
        count = len(self._heard)
        yield _News(self._phone(), count, until)
        self._listen()
        if len(self._heard) == count:
            raise NotAsWritten(otherwise)

    def _listen(self) -> None:
        for news in self._phone().perceived(len(self._heard)):
            self._heard.append(news)
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

    def _phone(self) -> Handset:
        assert self._handset is not None  # dialled before any step
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


def as_dialogue(played: Played) -> list[str]:
    """The lines of a call, each with its time from the first."""
    if not played.dialogue:
        return []
    began = played.dialogue[0].at
    return [line_of(moment, began) for moment in played.dialogue]


def line_of(moment: Moment, began: datetime) -> str:
    seconds = int((moment.at - began).total_seconds())
    return f"{seconds // 60:3d}:{seconds % 60:02d}  {moment.who:6}  {moment.text}"


def _come(wish: _News | _At, now: datetime) -> bool:
    if now >= wish.until:
        return True
    return isinstance(wish, _News) and bool(wish.handset.perceived(wish.after))


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
        case _:
            return ""


def _place(mark: Any) -> str:
    return f"{mark.file}:{mark.line}"
