"""Seeded callers: each with a temperament and a chance of its own, holding nothing but a telephone."""

from __future__ import annotations

import math
import random
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ivr.exchange.handset import Perceived
from ivr.exchange.phones import InProcessTelephones, Phone, PhoneBook
from ivr.exchange.scheduler import VirtualScheduler
from ivr.exchange.sound import RATE, wav_of
from ivr.testing.simulation.diary import Diary

KEY_WORDS = {"asterisco": "*", "star": "*", "cancelletto": "#", "hash": "#"}
NAMED_KEY = re.compile(r"(?:premi|premete|press) (\d|asterisco|cancelletto|star|hash)\b")
ABOUT_A_CALL = re.compile("richiam|call you back|call back")
ENTRIES: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile("numero dell'ordine|order number"), "order"),
    (re.compile("avviamento postale|postcode"), "postcode"),
)
LENGTHS = (0.4, 1.5, 4.0, 11.0, 35.0, 130.0)
"""Seconds that somebody speaks into a voicemail; the last is longer than is recorded."""


@dataclass(frozen=True)
class Temperament:
    """What somebody is likely to do at each question, 0 to 1; what is left over is pressing a key that was named."""

    errs: float = 0.05  # presses a key that was not named
    silent: float = 0.05
    barges: float = 0.1  # presses before the sentence ends
    hangs_up: float = 0.03  # at a question, or in a sentence
    person: float = 0.05  # presses 0
    again: float = 0.03  # presses *
    other_language: float = 0.03  # presses 9
    speaks: float = 0.9  # into a voicemail
    ends_with_hash: float = 0.4
    hangs_up_after_speaking: float = 0.5
    mistypes: float = 0.2
    rings_again: float = 0.15
    patience: float = 600.0  # seconds until the phone is put down, on average
    while_waiting: float = 0.15  # presses a key in a round of the wait
    agrees: float = 0.3  # takes the first of the keys that were named
    talks: float = 120.0  # seconds with a person, on average; then hangs up
    at_home: float = 0.7  # answers, when rung


TEMPERAMENTS: Mapping[str, Temperament] = {
    "patient": Temperament(errs=0.02, silent=0.02, hangs_up=0.0, patience=900.0),
    "hasty": Temperament(barges=0.7, hangs_up=0.12, rings_again=0.5, patience=60.0),
    "clumsy": Temperament(errs=0.4, mistypes=0.6, again=0.1),
    "silent": Temperament(silent=0.8, speaks=0.4),
    "foreign": Temperament(other_language=0.6),
    "wants_a_person": Temperament(person=0.7, speaks=0.95),
    "waits": Temperament(person=0.9, errs=0.0, hangs_up=0.0, patience=2400.0, while_waiting=0.05, at_home=0.9),
    "plays_with_keys": Temperament(person=0.8, while_waiting=0.8, patience=900.0),
    "wants_to_be_called": Temperament(person=0.5, errs=0.0, while_waiting=0.9, patience=1200.0, agrees=0.9),
    "drops_and_redials": Temperament(person=0.8, hangs_up=0.1, rings_again=0.9, patience=120.0, at_home=0.5),
    "falls_silent": Temperament(person=0.9, silent=0.3, patience=1200.0, talks=20.0, at_home=0.3),
    "talks": Temperament(person=0.3, speaks=1.0, ends_with_hash=0.2, hangs_up_after_speaking=0.6),
    "lost": Temperament(errs=0.3, again=0.4, silent=0.2, hangs_up=0.1, rings_again=0.4),
}


@dataclass(frozen=True)
class Papers:
    """What a caller may have at hand: orders and postcodes, right ones among them."""

    orders: Sequence[str]
    postcodes: Sequence[str]


@dataclass(frozen=True)
class Person:
    """Somebody who may ring."""

    number: str
    temperament: str
    papers: Papers


Heard = Callable[["OneCall", Perceived], None]
"""Told of everything a caller perceives."""


@dataclass
class Street:
    """Where the callers live: their telephones, the clock, the diary, the line's number."""

    telephones: InProcessTelephones
    phones: PhoneBook
    scheduler: VirtualScheduler
    diary: Diary
    to: str
    seed: int
    heard: Heard
    calls: list[OneCall]
    homes: dict[str, Home] = field(default_factory=dict)

    def home_of(self, person: Person) -> Home:
        """The telephone at this number, which rings when somebody calls back."""
        return self.homes.setdefault(person.number, Home(self, person))


class OneCall:
    """One call of one person, from dialling to the end."""

    def __init__(self, street: Street, person: Person, chance: random.Random, again: int = 2) -> None:
        self._street, self.person, self._chance, self._again = street, person, chance, again
        self.temper = TEMPERAMENTS[person.temperament]
        self.said_since_act: list[str] = []
        self.words_heard = 0
        self.acted_last = False  # the caller did something, and has heard no words since
        self.spoke = 0.0  # seconds into the recording that runs, or ran last
        self.over = ""
        self.told_ahead: dict[str, int] = {}  # by queue and arrival: how many are ahead, as they heard it last
        self._seen = 0
        self._music = False  # what was last heard is the music of the wait
        self._called = False  # they were rung, and did not ring

    def dial(self) -> None:
        street = self._street
        home = street.home_of(self.person)
        if home.is_engaged():
            street.scheduler.after(60.0, self.dial)  # one call a telephone
            return
        self.phone: Phone = street.telephones.dial(self.person.number, street.to)
        street.calls.append(self)
        home.calls.append(self)
        self._note(f"rings, {self.person.temperament}")
        self._stays(self._chance.expovariate(1 / self.temper.patience))

    def picks_up(self, phone: Phone) -> None:
        """Take a call that rings the phone."""
        self.phone, self._called = phone, True
        self._note(f"answers, {self.person.temperament}")
        self._stays(self._chance.expovariate(1 / self.temper.patience))
        phone.answer()

    def _stays(self, longest: float) -> None:
        self._later(longest, self._hang_up)
        self.phone.watch(lambda _: self._listen())
        self._listen()

    @property
    def sid(self) -> str:
        return self.phone.sid

    # --- What is heard ----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        news = self.phone.perceived(self._seen)
        self._seen += len(news)
        for one in news:
            self._notice(one)
        playing = self.phone.playing
        if playing is not None and not _is_music(playing.text) and self._chance.random() < self.temper.barges:
            self._later(self._chance.uniform(0.3, 4.0), lambda: self._press(self._some_key()))

    def _notice(self, news: Perceived) -> None:
        text = f"{news.kind}: {news.text}" if news.text else news.kind
        self._street.diary.note("line", text + (" (cut short)" if news.cut else ""), self.sid)
        match news.kind:
            case "said":
                self.words_heard += 1
                self.acted_last = False
                self.said_since_act.append(news.text)
                if self._chance.random() < self.temper.hangs_up / 3:
                    self._later(self._chance.uniform(0.0, 3.0), self._hang_up)
            case "played":
                self._music = _is_music(news.text)
            case "question" if self._music:
                self._music = False
                if self._chance.random() < self.temper.while_waiting:
                    self._later(self._chance.uniform(0.2, 3.0), self._press_while_waiting)
            case "question":
                self._later(self._chance.uniform(0.4, 4.0), self._answer)
            case "connected":
                self._later(self._chance.expovariate(1 / self.temper.talks), self._hang_up)
            case "tone":
                self._later(self._chance.uniform(0.1, 2.0), self._speak)
            case "ended" | "busy":
                self.over = self.over or news.text or news.kind
                if news.kind == "ended":
                    self._put_down()
        if not self._called:
            self._street.heard(self, news)

    def _put_down(self) -> None:
        if not self._called and self._again and self._chance.random() < self.temper.rings_again:
            again = OneCall(self._street, self.person, self._chance, self._again - 1)
            pause = self._chance.choice((2.0, 20.0, 300.0, 3600.0))
            self._street.scheduler.after(pause, again.dial)

    # --- What is done -----------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        if ABOUT_A_CALL.search(" ".join(self.said_since_act)) and self._chance.random() < self.temper.agrees:
            self._press(self._right_keys())
            return
        temper, luck = self.temper, self._chance.random()
        for what, share in (
            (self._hang_up, temper.hangs_up),
            (lambda: None, temper.silent),
            (lambda: self._press(self._wrong_key()), temper.errs),
            (lambda: self._press("0"), temper.person),
            (lambda: self._press("*"), temper.again),
            (lambda: self._press("9"), temper.other_language),
        ):
            luck -= share
            if luck < 0:
                what()
                return
        self._press(self._right_keys())

    def _right_keys(self) -> str:
        heard = " ".join(self.said_since_act)
        for words, kind in ENTRIES:
            if words.search(heard):
                return self._typed(kind)
        named = [KEY_WORDS.get(key, key) for key in NAMED_KEY.findall(heard)]
        if named and self._chance.random() < self.temper.agrees:
            return str(named[0])
        return str(self._chance.choice(named)) if named else self._some_digits()

    def _typed(self, kind: str) -> str:
        if self._chance.random() < self.temper.mistypes:
            return self._some_digits()
        papers = self.person.papers
        return self._chance.choice(papers.orders if kind == "order" else papers.postcodes) + "#"

    def _press_while_waiting(self) -> None:
        agrees = self._chance.random() < self.temper.agrees
        self._press("1" if agrees else self._chance.choice("12345*0"))

    def _some_digits(self) -> str:
        return "".join(self._chance.choices("0123456789", k=self._chance.randint(1, 10))) + self._chance.choice(
            ("", "#")
        )

    def _some_key(self) -> str:
        return self._chance.choice("0123456789*#")

    def _wrong_key(self) -> str:
        return self._chance.choice(("5", "6", "7", "8", "#", "12", "99#", "1w1"))

    def _press(self, keys: str) -> None:
        self._act(f"presses {keys}")
        self.phone.press(keys)

    def _speak(self) -> None:
        chance, temper = self._chance, self.temper
        if chance.random() >= temper.speaks:
            if chance.random() < 0.3:
                self._hang_up()
            return
        seconds = chance.choice(LENGTHS)
        self._act(f"speaks for {seconds:g} s")
        took = self.phone.speak(voice(seconds))
        self.spoke += took
        if chance.random() < temper.ends_with_hash:
            self._later(took + chance.uniform(0.0, 2.0), lambda: self._press("#"))
        elif chance.random() < temper.hangs_up_after_speaking:
            self._later(chance.choice((took, took + 0.5, took * 0.6)), self._hang_up)

    def _hang_up(self) -> None:
        self._act("hangs up")
        self.phone.hang_up()

    def _act(self, what: str) -> None:
        self._note(what)
        self.acted_last = True
        self.said_since_act.clear()

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        self._street.scheduler.after(seconds, lambda: None if self.over else what())

    def _note(self, what: str) -> None:
        self._street.diary.note("caller", what, self.sid)


class Home:
    """Somebody's telephone, for the calls that come to it."""

    def __init__(self, street: Street, person: Person) -> None:
        self._street, self._person = street, person
        self._chance = random.Random(f"{person.number}:{street.seed}")
        self.calls: list[OneCall] = []
        self.rung = 0
        if person.number.startswith("+"):
            street.phones.put(person.number, self._rings)

    def is_engaged(self) -> bool:
        return self._person.number.startswith("+") and any(not call.over for call in self.calls)

    def _rings(self, phone: Phone) -> None:
        chance, temper = self._chance, TEMPERAMENTS[self._person.temperament]
        self.rung += 1
        if self.is_engaged():
            self._street.diary.note("caller", "is engaged", phone.sid)
            phone.reject("busy")
        elif chance.random() < temper.at_home:
            call = OneCall(self._street, self._person, chance, 0)
            self.calls.append(call)
            self._street.scheduler.after(chance.uniform(1.0, 15.0), lambda: self._answers(call, phone))
        else:
            self._is_not_there(phone)

    def _answers(self, call: OneCall, phone: Phone) -> None:
        if phone.ringing:
            call.picks_up(phone)
        else:
            call.over = "stopped ringing"

    def _is_not_there(self, phone: Phone) -> None:
        what = self._chance.choice(("no answer", "busy", "failed", "machine"))
        self._street.diary.note("caller", f"is rung: {what}", phone.sid)
        if what in ("busy", "failed"):
            phone.reject(what)
        elif what == "machine":
            self._street.scheduler.after(8.0, lambda: phone.answer(machine=True))


def _is_music(text: str) -> bool:
    """The address of a sound that is played to who waits."""
    return "/sounds/" in text


@lru_cache(maxsize=len(LENGTHS))
def voice(seconds: float) -> bytes:
    """Something audible of this length: a hum, as a WAV file."""
    hum = array("h", (round(6000 * math.sin(at * 2 * math.pi * 220 / RATE)) for at in range(RATE)))
    whole = hum * math.ceil(seconds)
    return wav_of(whole[: round(seconds * RATE)].tobytes())
