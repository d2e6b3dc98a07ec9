"""Plain words to values: durations, times of day, days, numbers as people write them.

Every function raises ValueError with a sentence for the author of the file.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta

from ivr.core.company import Span
from ivr.core.words import PhoneNumber

_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "min": 60, "m": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
}  # fmt: skip
_PART = re.compile(r"([0-9]{1,6})\s*([a-z]+)")
_SPAN = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*[-–]\s*([0-9]{1,2})(?:[:.]([0-9]{2}))?")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def duration(text: str) -> timedelta:
    """``20 s``, ``2 min``, ``24 h``, ``1 h 30 min``, ``3 d``."""
    parts = _PART.findall(text.lower())
    known = all(unit in _UNITS for _, unit in parts)
    if not parts or not known or _PART.sub("", text.lower()).strip():
        raise ValueError(f"'{text}' is no length of time; write 20 s, 2 min, 8 h or 1 h 30 min")
    return timedelta(seconds=sum(int(amount) * _UNITS[unit] for amount, unit in parts))


def whole_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"'{text}' is no whole number")
    return int(text)


def fraction(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}([.,][0-9]{1,4})?", text):
        raise ValueError(f"'{text}' is no number")
    return float(text.replace(",", "."))


def yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise ValueError(f"'{text}' is neither true nor false")
    return text.lower() in ("true", "yes")


def length(text: str) -> tuple[int, int]:
    """``6`` or ``6-8`` digits."""
    found = re.fullmatch(r"([0-9]{1,3})(?:\s*-\s*([0-9]{1,3}))?", text)
    if not found:
        raise ValueError(f"'{text}' is no length; write 6 or 6-8")
    shortest, longest = int(found[1]), int(found[2] or found[1])
    if not 1 <= shortest <= longest <= 64:
        raise ValueError(f"a length of '{text}' cannot be keyed in")
    return shortest, longest


def day(text: str) -> date:
    """``2026-12-24``."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no day; write 2026-12-24") from None


def spans(text: str) -> tuple[Span, ...]:
    """``8:30-12:30, 14-18``; ``closed`` is none; ``22:00-6:00`` runs past midnight; ``0-24`` is the whole day."""
    if text.lower() in ("closed", "never", "-"):
        return ()
    return tuple(_span(part.strip()) for part in text.split(","))


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is no opening time; write 8:30-19:30")
    opens, closes = _clock(found[1], found[2], text), _clock(found[3], found[4], text)
    if opens == closes and text not in ("0-24", "0:00-24:00", "00:00-24:00"):
        raise ValueError(f"'{text}' opens and closes at the same time; write 0:00-24:00 for the whole day")
    return Span(opens, closes)


def _clock(hour: str, minute: str | None, text: str) -> time:
    hours, minutes = int(hour), int(minute or 0)
    if hours == 24 and minutes == 0:
        return time(0, 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"'{text}' holds a time that no clock shows")
    return time(hours, minutes)


def weekdays(text: str) -> tuple[int, ...]:
    """``mon``, ``mon-fri``, ``sat, sun``, ``daily``; Monday is 0."""
    if text.lower() == "daily":
        return tuple(range(7))
    found: list[int] = []
    for part in text.lower().split(","):
        ends = [end.strip()[:3] for end in part.split("-")]
        if len(ends) > 2 or any(end not in WEEKDAYS for end in ends):
            raise ValueError(f"'{text}' are no days of the week; write mon, mon-fri, sat or daily")
        first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
        found += [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    return tuple(found)


def phone_number(text: str) -> PhoneNumber:
    """``+39 02 1234 5678``, spaces allowed."""
    try:
        return PhoneNumber(re.sub(r"[ ./()-]", "", text))
    except ValueError:
        raise ValueError(
            f"'{text}' is no phone number; write it with + and the country's code: +390212345678"
        ) from None
