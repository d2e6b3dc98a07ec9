"""Telephones: the ones the network rings, and the handset a person or a script holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import phonenumbers

from ivr.exchange.handset import Behaviour, Handset, Perceived
from ivr.exchange.scheduler import Scheduler, VirtualScheduler
from ivr.exchange.sound import audible, pcm_of, seconds_of, words_take

__all__ = ["Behaviour", "Held", "InProcessTelephones", "Phone", "PhoneBook", "Playing", "Rung", "address", "e164"]

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg
    from ivr.exchange.network import Network

BETWEEN_KEYS = 0.2
KEY_PAUSE = 0.5  # a `w`
TO_PRESS = 1.0  # from a question to its key
KEYS = frozenset("0123456789*#ABCD")


@lru_cache(maxsize=65536)
def e164(text: str) -> str | None:
    """A dialled number in E.164 form, or None when it is none."""
    dialled = text.strip()
    if dialled.startswith("00"):
        dialled = "+" + dialled[2:]
    try:
        number = phonenumbers.parse(dialled, None)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def address(text: str) -> str | None:
    """Whom a call can be made to: a number in E.164 form, ``sip:…`` or ``client:…`` as it is; else None."""
    return text if text.startswith(("client:", "sip:", "sips:")) else e164(text)


@lru_cache(maxsize=65536)
def country_of(number: str) -> str:
    """The two letters of a number's country; empty when it has none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number, None)) or ""
    except phonenumbers.NumberParseException:
        return ""


@dataclass(frozen=True, slots=True)
class Playing:
    """What a phone hears right now; ``wav`` when the network has it as sound."""

    kind: str  # said or played
    text: str
    language: str
    voice: str
    rate: float
    started: datetime
    seconds: float
    wav: bytes | None = None


SILENT = Behaviour(no_answer=True)


class Held:
    """A phone in a person's hand: each call that rings it is added to ``calls``."""

    def __init__(self) -> None:
        self.calls: list[Phone] = []

    def ring(self, phone: Phone) -> None:
        self.calls.append(phone)


class Rung:
    """A phone that behaves by itself (a Subscriber): it misses the first calls, and is engaged while it is in one."""

    def __init__(self, behaviour: Behaviour, misses: int = 0, told: Callable[[Phone], object] | None = None) -> None:
        self._behaviour, self._misses, self._told = behaviour, misses, told
        self._calls: list[Phone] = []

    def calls(self) -> Sequence[Phone]:
        return tuple(self._calls)

    def next(self) -> Behaviour:
        """What it does with a call that comes now."""
        if any(not phone.over for phone in self._calls):
            return replace(self._behaviour, busy=True)
        return replace(self._behaviour, no_answer=True) if len(self._calls) < self._misses else self._behaviour

    def ring(self, phone: Phone) -> None:
        self._calls.append(phone)
        if self._told is not None:
            self._told(phone)


Subscribed = Behaviour | Rung | Callable[["Phone"], None]


class PhoneBook:
    """Who answers at which number, ``sip:`` or ``client:`` address; one not in it rings until time runs out."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscribed] = {}

    def put(self, number: str, subscriber: Subscribed) -> None:
        """A behaviour, a phone that has one, or a function that is handed the ringing phone."""
        self._subscribers[e164(number) or number] = subscriber

    def hold(self, number: str) -> Held:
        """Give the phone to a person, who answers or rejects by hand."""
        held = Held()
        self.put(number, held.ring)
        return held

    def remove(self, number: str) -> None:
        self._subscribers.pop(e164(number) or number, None)

    def at(self, number: str) -> Subscribed:
        return self._subscribers.get(number, SILENT)


class Phone:
    """One leg as its person holds it (a Handset). Any thread may use it."""

    def __init__(self, leg: Leg, scheduler: Scheduler) -> None:
        self._leg, self._scheduler = leg, scheduler
        self._perceived: list[Perceived] = []
        self._watchers: list[Callable[[Phone], None]] = []
        self._keys_until = 0.0
        self.playing: Playing | None = None

    @property
    def sid(self) -> str:
        return self._leg.sid

    @property
    def ringing(self) -> bool:
        return not self._leg.over and self._leg.unanswered

    @property
    def over(self) -> bool:
        return self._leg.over

    @property
    def number(self) -> str:
        """The other party's number."""
        return self._leg.call.from_ if self._leg.outbound else self._leg.call.to

    def perceived(self, after: int = 0) -> list[Perceived]:
        return self._perceived[after:]

    def watch(self, callback: Callable[[Phone], None]) -> None:
        """Call back, on the loop, whenever something is perceived or a sound begins."""
        self._scheduler.call(lambda: self._watchers.append(callback))

    def press(self, digits: str) -> None:
        if not KEYS.issuperset(digits.replace("w", "")):
            raise ValueError(f"{digits!r} holds what is no key")
        self._scheduler.call(lambda: self._press(digits))

    def speak(self, wav: bytes) -> float:
        pcm = pcm_of(wav)
        return self._scheduler.call(lambda: self._leg.speaks(pcm, audible(pcm), seconds_of(pcm)))

    def say_words(self, text: str, confidence: float) -> None:
        self._scheduler.call(lambda: self._leg.says_words(text, confidence, words_take(text)))

    def answer(self, machine: bool = False) -> None:
        def picks_up() -> None:
            self._leg.machine = machine
            self._leg.answered()

        self._scheduler.call(picks_up)

    def reject(self, how: str = "busy") -> None:
        """``how``: busy, no-answer or failed."""
        self._scheduler.call(lambda: self._leg.refused(how))

    def hang_up(self) -> None:
        self._scheduler.call(self._leg.phone_hung_up)

    def drop(self) -> None:
        """The line is lost: nobody hung up, and the leg ends as failed."""
        self._scheduler.call(lambda: self._leg.end("failed", "the line dropped"))

    # --- The network's side -----------------------------------------------------------------------------------------

    def notice(self, kind: str, text: str = "", language: str = "", voice: str = "", cut: bool = False) -> None:
        self._perceived.append(
            Perceived(len(self._perceived) + 1, self._scheduler.now(), kind, text, language, voice, cut)
        )
        self._tell()

    def hears(self, playing: Playing | None) -> None:
        self.playing = playing
        if playing is not None:
            self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher(self)

    def _press(self, digits: str) -> None:
        at = max(0.0, self._keys_until - self._leg.clock())
        for key in digits:
            if key == "w":
                at += KEY_PAUSE
                continue
            if at <= 0:
                self._leg.key(key)
            else:
                self._scheduler.after(at, lambda key=key: self._leg.key(key))  # type: ignore[misc]
            at += BETWEEN_KEYS
        self._keys_until = self._leg.clock() + at


def behave(leg: Leg, behaviour: Behaviour, scheduler: Scheduler) -> None:
    """Do with a ringing leg what this subscriber does."""
    if behaviour.fails:
        scheduler.after(0, lambda: leg.refused("failed"))
    elif behaviour.busy or behaviour.rejects:
        scheduler.after(behaviour.answers_after or 0 if behaviour.rejects else 0, lambda: leg.refused("busy"))
    elif not behaviour.no_answer and behaviour.answers_after is not None:
        scheduler.after(behaviour.answers_after, lambda: _pick_up(leg, behaviour, scheduler))


def _pick_up(leg: Leg, behaviour: Behaviour, scheduler: Scheduler) -> None:
    if leg.over:
        return
    leg.machine = behaviour.machine
    if behaviour.presses or behaviour.talks is not None:
        leg.phone.watch(_Attending(behaviour, scheduler))
    if behaviour.hangs_up_after is not None:
        scheduler.after(behaviour.hangs_up_after, leg.phone_hung_up)
    leg.answered()


class _Attending:
    """Does at each thing that is perceived what this subscriber does then."""

    def __init__(self, behaviour: Behaviour, scheduler: Scheduler) -> None:
        self._scheduler, self._talks = scheduler, behaviour.talks
        self._keys = iter(behaviour.presses)
        self._seen = 0

    def __call__(self, phone: Phone) -> None:
        for news in phone.perceived(self._seen):
            self._seen = news.n
            if news.kind == "question" and (keys := next(self._keys, None)) is not None:
                self._scheduler.after(TO_PRESS, lambda keys=keys: phone.press(keys))  # type: ignore[misc]
            elif news.kind == "connected" and self._talks is not None:
                self._scheduler.after(self._talks, phone.hang_up)
                self._talks = None


class InProcessTelephones:
    """Telephones in virtual time: waiting runs the network's clock forward."""

    def __init__(self, network: Network, scheduler: VirtualScheduler) -> None:
        self._network, self._scheduler = network, scheduler
        self._held: dict[str, Held] = {}

    def dial(self, from_: str, to: str) -> Phone:
        """Twilio never hears of a call to a number it does not own: CarrierRefused 404, and the phone stays silent."""
        return self._network.dial(from_, to)

    def hold(self, number: str) -> None:
        if number not in self._held:
            self._held[number] = self._network.phones.hold(number)

    def ringing(self, number: str, longest: float = 0.0) -> list[Phone]:
        held = self._held[number]
        if longest > 0:
            self._scheduler.run_until(lambda: any(phone.ringing for phone in held.calls), longest)
        return [phone for phone in held.calls if phone.ringing]

    def subscriber(self, number: str, behaviour: Behaviour, misses: int = 0) -> Rung:
        rung = Rung(behaviour, misses)
        self._network.phones.put(number, rung)
        return rung

    def now(self) -> datetime:
        return self._scheduler.now()

    def wait(self, seconds: float) -> None:
        self._scheduler.run_for(seconds)

    def wait_for_news(self, handset: Handset, after: int, longest: float) -> bool:
        return self._scheduler.run_until(lambda: bool(handset.perceived(after)), longest)
