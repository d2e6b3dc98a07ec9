"""A telephone: it can ring, listen, press, speak, wait and hang up; nothing else.

One Protocol for the phone in the same process (virtual or real time) and the one across HTTP, so that a call script, a
test, the demo and the browser phone all hold the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Perceived:
    """Something the person holding the phone notices.

    ``kind``: ``ringback`` (we hear it ring), ``ringing`` (our phone rings), ``answered``, ``said`` (``text`` was spoken
    to its end, or cut short when ``cut``), ``played`` (``text`` is the address), ``question`` (all was said and keys or
    words are awaited), ``tone`` (the beep: a recording runs), ``connected`` (somebody else is on the line now),
    ``alone`` (nobody else is any more), ``busy``, ``ended`` (``text`` says why).
    """

    n: int  # counts up for this leg, from 1
    at: datetime
    kind: str
    text: str = ""
    language: str = ""
    voice: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a simulated subscriber does when the network rings; lengths in seconds."""

    answers_after: float | None = 5.0
    busy: bool = False
    no_answer: bool = False
    rejects: bool = False
    fails: bool = False  # the number cannot be reached at all
    machine: bool = False  # an answering machine picks up
    presses: tuple[str, ...] = ()  # at the first question, the second, …
    hangs_up_after: float | None = None  # from answering
    talks: float | None = None  # from the moment somebody else is on the line; then hangs up


class Handset(Protocol):
    """One leg as its person holds it."""

    @property
    def sid(self) -> str: ...

    def perceived(self, after: int = 0) -> list[Perceived]:
        """All since number ``after``, oldest first; does not wait."""
        ...

    def press(self, digits: str) -> None:
        """Press keys one after another (``w`` waits half a second)."""
        ...

    def speak(self, wav: bytes) -> float:
        """Speak a WAV file into the line; how long it takes, in seconds."""
        ...

    def say_words(self, text: str, confidence: float) -> None:
        """What the carrier's recogniser shall understand, into a speech Gather."""
        ...

    def answer(self, machine: bool = False) -> None:
        """Pick up a phone that rings; ``machine``: an answering machine does."""
        ...

    def reject(self, how: str = "busy") -> None: ...

    def hang_up(self) -> None: ...


class Subscriber(Protocol):
    """Somebody whose phone behaves by itself, one call at a time: a phone in use is engaged."""

    def calls(self) -> Sequence[Handset]:
        """Every call that has rung the phone, oldest first; what was heard in each is ``perceived``."""
        ...


class Telephones(Protocol):
    """Where phones come from, and how time passes for them."""

    def dial(self, from_: str, to: str) -> Handset:
        """Pick up and dial; raises CarrierRefused when the network has no such number."""
        ...

    def hold(self, number: str) -> None:
        """Take the phone at a number in hand: it rings for ``ringing`` instead of behaving by itself."""
        ...

    def ringing(self, number: str, longest: float = 0.0) -> Sequence[Handset]:
        """The calls that ring a held phone now; waits up to so many seconds for the first."""
        ...

    def subscriber(self, number: str, behaviour: Behaviour, misses: int = 0) -> Subscriber:
        """Let the phone at a number (``sip:…``, ``client:…``) behave by itself, after so many calls that it misses."""
        ...

    def now(self) -> datetime: ...

    def wait(self, seconds: float) -> None:
        """Let time pass: the virtual clock is run forward, the real one waited for."""
        ...

    def wait_for_news(self, handset: Handset, after: int, longest: float) -> bool:
        """Until something newer than ``after`` is perceived; False when ``longest`` seconds passed first."""
        ...
