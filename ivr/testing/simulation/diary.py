"""What happened on a simulated day, in order, and a digest of it that two runs of one seed share."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Now(Protocol):
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; ``who`` is caller, line, fault, process or record, ``sid`` the leg it belongs to."""

    at: datetime
    who: str
    sid: str
    text: str

    def __str__(self) -> str:
        return f"{self.at:%d %H:%M:%S.%f}"[:-3] + f"  {self.who:7} {self.text}"


class Diary:
    """Written by everybody on the line; ``touched`` remembers which legs a fault came near, and where."""

    def __init__(self, clock: Now) -> None:
        self._clock = clock
        self._sum = hashlib.sha256()
        self._of: dict[str, list[Entry]] = defaultdict(list)
        self.touched: dict[str, set[str]] = defaultdict(set)  # leg -> paths of its requests that a fault met
        self.struck: Counter[str] = Counter()
        self.struck_at: datetime | None = None  # when something went wrong last

    def note(self, who: str, text: str, sid: str = "") -> None:
        """Put down what happens now."""
        entry = Entry(self._clock.now(), who, sid, text)
        self._sum.update(f"{entry.at.isoformat()}|{who}|{sid}|{text}\n".encode())
        self._of[sid].append(entry)

    def sum_up(self, text: str) -> None:
        """Let the digest cover something that is no event."""
        self._sum.update(f"{text}\n".encode())

    def strikes(self, fault: str, what: str, sid: str = "", path: str = "") -> None:
        """Put down that a fault happens now, to whom, and at which of their requests."""
        self.struck[fault] += 1
        self.struck_at = self._clock.now()
        self.note("fault", f"{fault}: {what}" + (f" ({path})" if path else ""), sid)
        if sid:
            self.touched[sid].add(path)

    def of(self, sid: str) -> Sequence[Entry]:
        """All that is known of one leg, and what befell the whole line meanwhile."""
        own = self._of.get(sid, [])
        if not own:
            return ()
        since, until = own[0].at, own[-1].at
        around = [entry for entry in self._of.get("", []) if since <= entry.at <= until] if sid else []
        return sorted([*own, *around], key=lambda entry: entry.at)

    def latest(self, count: int) -> Sequence[Entry]:
        """The last things that happened, whoever they belong to."""
        every = sorted((entry for entries in self._of.values() for entry in entries), key=lambda entry: entry.at)
        return every[-count:]

    def digest(self) -> str:
        return self._sum.hexdigest()
