"""Open or closed: weekly hours in a zone, public holidays, own closings, the emergency switch; and time counted open.

A span belongs to the day on which it opens: one that runs past midnight goes on into a holiday, and none begins there.
A wall-clock time that the change to summer time skips counts as the moment of the change; one that the change to winter
time repeats counts as its first occurrence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ivr.core.company import Closing, EmergencyClosing, Hours, Span
from ivr.core.flow.text import Prompt
from ivr.core.flow.turn import Holidays

FARTHEST = 400  # days that are searched for the next opening


class Reason(StrEnum):
    OPEN = "open"
    CLOSED = "closed"  # out of hours
    CLOSING = "closing"  # a closing of the company's own
    HOLIDAY = "holiday"
    EMERGENCY = "emergency"


@dataclass(frozen=True)
class HoursState:
    """Open or closed, why, and when it opens next (UTC; None when open, or when nobody can tell)."""

    reason: Reason
    name: str | None = None  # of the holiday or the closing
    because: Prompt | str | None = None  # a closing's own words, or those of the emergency switch
    next_open: datetime | None = None

    @property
    def open(self) -> bool:
        return self.reason is Reason.OPEN


def state(hours: Hours, now: datetime, holidays: Holidays, emergency: EmergencyClosing | None = None) -> HoursState:
    """What these hours say at ``now`` (aware); an emergency closing counts from its ``since`` to its ``until`` only."""
    if emergency is not None and emergency.since <= now and (emergency.until is None or now < emergency.until):
        again = None if emergency.until is None else next_open(hours, emergency.until, holidays)
        return HoursState(Reason.EMERGENCY, because=emergency.because, next_open=again)
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    for opens, closes in openings(hours, today - timedelta(days=1), 2, holidays):
        if opens <= now < closes:
            return HoursState(Reason.OPEN)
    again = next_open(hours, now, holidays)
    closing = closing_on(hours, today)
    if closing is not None:
        return HoursState(Reason.CLOSING, closing.name, closing.because, again)
    holiday = holiday_on(hours, today, holidays)
    return HoursState(Reason.CLOSED if holiday is None else Reason.HOLIDAY, holiday, None, again)


def next_open(hours: Hours, after: datetime, holidays: Holidays) -> datetime | None:
    """The first moment (UTC) from ``after`` on at which it is open; None when there is none within 400 days."""
    if not any(hours.week.values()):
        return None
    today = after.astimezone(ZoneInfo(hours.zone)).date()
    for opens, closes in openings(hours, today - timedelta(days=1), FARTHEST, holidays):
        if after < closes:
            return max(opens, after.astimezone(UTC))
    return None


def closes_at(hours: Hours, now: datetime, holidays: Holidays) -> datetime | None:
    """When the present opening ends (UTC), spans that touch taken as one; None when it is closed now."""
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    until: datetime | None = None
    for opens, closes in openings(hours, today - timedelta(days=1), 2 + FARTHEST, holidays):
        if opens <= (until or now) < closes:
            until = closes
        elif opens > (until or now):
            break
    return until


def due_in_opening_time(hours: Hours, start: datetime, amount: timedelta, holidays: Holidays) -> datetime | None:
    """When ``amount`` of opening time has passed since ``start`` (UTC); None when 400 days do not hold so much."""
    if amount <= timedelta(0):
        return start.astimezone(UTC)
    if not any(hours.week.values()):
        return None
    counted_to, left = start.astimezone(UTC), amount
    today = start.astimezone(ZoneInfo(hours.zone)).date()
    for opens, closes in openings(hours, today - timedelta(days=1), FARTHEST, holidays):
        begins = max(opens, counted_to)  # spans that overlap count once
        if closes <= begins:
            continue
        if closes - begins >= left:
            return begins + left
        left -= closes - begins
        counted_to = closes
    return None


def openings(hours: Hours, first: date, days: int, holidays: Holidays) -> Iterator[tuple[datetime, datetime]]:
    """The spans (UTC) that begin on ``days`` days from ``first`` on, in order."""
    zone = ZoneInfo(hours.zone)
    for ahead in range(days):
        day = first + timedelta(days=ahead)
        spans = hours.week.get(day.weekday(), ())
        if not spans or closing_on(hours, day) is not None or holiday_on(hours, day, holidays) is not None:
            continue
        for span in sorted(spans, key=opening_time):
            last = day if span.closes > span.opens else day + timedelta(days=1)
            opens, closes = moment(day, span.opens, zone), moment(last, span.closes, zone)
            if opens < closes:
                yield opens, closes


def opening_time(span: Span) -> time:
    return span.opens


def closing_on(hours: Hours, day: date) -> Closing | None:
    """The company's own closing that holds on this day."""
    return next((closing for closing in hours.closings if holds(closing, day)), None)


def holds(closing: Closing, day: date) -> bool:
    if not closing.yearly:
        return closing.first <= day <= closing.last
    first, last = (closing.first.month, closing.first.day), (closing.last.month, closing.last.day)
    this = (day.month, day.day)
    if first <= last:
        return first <= this <= last
    return this >= first or this <= last  # over New Year


def holiday_on(hours: Hours, day: date, holidays: Holidays) -> str | None:
    return None if hours.holidays_of is None else holidays.on(hours.holidays_of, day)


def moment(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The first moment (UTC) at which the zone's clock shows this time of this day, or a later one."""
    local = datetime.combine(day, wall, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    early, late = local.replace(fold=1).astimezone(UTC), instant  # skipped: the change lies between these
    after = late.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        early, late = (early, middle) if middle.astimezone(zone).utcoffset() == after else (middle, late)
    return late.replace(microsecond=0)
