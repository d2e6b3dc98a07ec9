"""The carrier, as the use cases ask it by REST."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ivr.core.leg import LegEnd
from ivr.core.words import (
    PhoneNumber,
)
from ivr.switchboard.ports.calls import UnclaimedRecording


@dataclass(frozen=True)
class CarrierTape:
    """A recording of a talk as the carrier lists it; ``status`` in its words."""

    recording: str
    status: str
    url: str
    seconds: float | None


class Telephone(Protocol):
    """The carrier, asked by REST. Never called inside an SQL transaction."""

    def live_calls(self) -> Iterable[str]:
        """The sids of calls in progress or ringing."""
        ...

    def how_ended(self, sid: str) -> LegEnd | None:
        """How this one call ended, as the carrier says when asked for it alone; None while it is not over.

        COMPLETED, too, where the carrier knows no such call: nobody can tell, and it is nobody's miss.
        """
        ...

    def move(self, sid: str, url: str) -> bool:
        """Point a live call at another document; False when the call is over."""
        ...

    def hang_up(self, sid: str) -> None: ...

    def hold(self, room: str, sid: str, url: str | None) -> bool:
        """Put somebody in a room on hold, where they hear ``url``; None: back into the talk.

        False when there is no such room, or they are not in it.
        """
        ...

    def dial(self, to: str, shows: PhoneNumber, url: str, status_url: str, seconds: int) -> str:
        """Ring ``to`` (E.164, ``sip:`` or ``client:``) for so long; the sid of the new call.

        ``url`` is asked once it is answered, ``status_url`` is told of each change. Raises RefusedByCarrier when there
        will be no such call, CarrierUnavailable when none was made, AnswerLost when nobody knows whether one was.
        """
        ...

    def text(self, to: PhoneNumber, sender: str, body: str, status_url: str) -> str:
        """Hand over a text message; the carrier's id of it. ``status_url`` is told what becomes of it.

        Raises RefusedByCarrier, CarrierUnavailable when it was not taken, AnswerLost when nobody knows.
        """
        ...

    def fetch_recording(self, url: str) -> bytes | None:
        """The audio; None when the carrier has none (yet)."""
        ...

    def delete_recording(self, recording: str) -> None: ...

    def record(self, sid: str, news_url: str) -> str:
        """Record a live call from now on, both who is heard on it and who listens; the recording's sid.

        ``news_url`` is told when it runs, is there, or is absent. Raises RefusedByCarrier (the call is over, among
        others), CarrierUnavailable when none was begun, AnswerLost when nobody knows.
        """
        ...

    def tape(self, sid: str, recording: str, status: str) -> bool:
        """``paused`` (with silence), ``in-progress`` or ``stopped``; False when the recording is over."""
        ...

    def tapes_of(self, sid: str) -> Sequence[CarrierTape]:
        """What ``record`` began on a call, finished or not."""
        ...

    def parties(self, sid: str) -> tuple[str, str] | None:
        """Who called whom, in the carrier's words; None when it knows no such call."""
        ...

    def recordings_of(self, sid: str) -> Sequence[tuple[str, str]]:
        """(recording, url) of a call, of those that are finished."""
        ...

    def messages_since(self, since: datetime) -> Sequence[UnclaimedRecording]:
        """The finished messages that the carrier holds of whatever call, taken since then."""
        ...
