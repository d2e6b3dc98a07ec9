"""Hours: spans, holidays, closings, the emergency switch, and both changes of the clock in Rome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.company import Closing, EmergencyClosing, Hours, Span
from ivr.core.hours import HoursState, Reason, due_in_opening_time, moment, next_open, openings, state
from tests.core.flow.builders import Calendar, both

ROME = ZoneInfo("Europe/Rome")
CALENDAR = Calendar(
    {date(2026, 12, 8): "Immacolata", date(2026, 12, 25): "Natale", date(2026, 12, 26): "Santo Stefano"}
)


def week(*spans: str, days: range = range(5)) -> Mapping[int, tuple[Span, ...]]:
    built = tuple(Span(*(time.fromisoformat(end) for end in span.split("-"))) for span in spans)
    return dict.fromkeys(days, built)


OFFICE = Hours(
    "office",
    "Europe/Rome",
    week("08:30-12:30", "14:00-18:00"),
    holidays_of="IT",
    closings=(
        Closing("summer", date(2026, 8, 10), date(2026, 8, 21), both("ferie")),
        Closing("year_end", date(2025, 12, 28), date(2026, 1, 6), yearly=True),
    ),
)
NIGHT = Hours("night", "Europe/Rome", week("22:00-06:00", days=range(7)))
ALWAYS = Hours("always", "Europe/Rome", week("00:00-00:00", days=range(7)))
NEVER = Hours("never", "Europe/Rome", {})


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("now", "reason", "name", "opens"),
    [
        ("2026-11-24 08:29:59", Reason.CLOSED, None, "2026-11-24 08:30"),
        ("2026-11-24 08:30", Reason.OPEN, None, None),
        ("2026-11-24 12:29:59", Reason.OPEN, None, None),
        ("2026-11-24 12:30", Reason.CLOSED, None, "2026-11-24 14:00"),
        ("2026-11-24 18:00", Reason.CLOSED, None, "2026-11-25 08:30"),
        ("2026-11-27 20:00", Reason.CLOSED, None, "2026-11-30 08:30"),
        ("2026-11-28 10:00", Reason.CLOSED, None, "2026-11-30 08:30"),
        ("2026-12-08 10:00", Reason.HOLIDAY, "Immacolata", "2026-12-09 08:30"),
        ("2026-12-24 19:00", Reason.CLOSED, None, "2027-01-07 08:30"),
        ("2026-08-09 10:00", Reason.CLOSED, None, "2026-08-24 08:30"),
        ("2026-08-10 10:00", Reason.CLOSING, "summer", "2026-08-24 08:30"),
        ("2026-08-21 23:59", Reason.CLOSING, "summer", "2026-08-24 08:30"),
        ("2026-12-28 10:00", Reason.CLOSING, "year_end", "2027-01-07 08:30"),
        ("2031-01-02 10:00", Reason.CLOSING, "year_end", "2031-01-07 08:30"),
        ("2026-06-15 10:00", Reason.OPEN, None, None),
    ],
)
def test_the_office_says_whether_it_is_open_why_not_and_until_when(
    now: str, reason: Reason, name: str | None, opens: str | None
) -> None:
    said = state(OFFICE, rome(now), CALENDAR)
    assert (said.reason, said.name) == (reason, name)
    assert said.open is (reason is Reason.OPEN)
    assert said.next_open == (None if opens is None else rome(opens))


def test_a_closing_speaks_its_own_words() -> None:
    assert state(OFFICE, rome("2026-08-12 10:00"), CALENDAR).because == both("ferie")


@pytest.mark.parametrize(
    ("now", "open_"),
    [("2026-11-24 21:59", False), ("2026-11-24 22:00", True), ("2026-11-25 00:30", True), ("2026-11-25 06:00", False)],
)
def test_a_span_may_run_past_midnight(now: str, open_: bool) -> None:
    assert state(NIGHT, rome(now), CALENDAR).open is open_


def test_a_night_that_began_before_a_holiday_is_worked_to_its_end_and_none_begins_on_it() -> None:
    hours = replace(NIGHT, holidays_of="IT")
    assert state(hours, rome("2026-12-08 05:59"), CALENDAR).open
    assert state(hours, rome("2026-12-08 22:30"), CALENDAR).reason is Reason.HOLIDAY
    assert state(hours, rome("2026-12-08 22:30"), CALENDAR).next_open == rome("2026-12-09 22:00")


def test_from_midnight_to_midnight_is_always_open_and_no_hours_never() -> None:
    for hour in range(0, 24 * 14, 5):
        assert state(ALWAYS, rome("2026-10-20 00:00") + timedelta(hours=hour), CALENDAR).open
    assert state(NEVER, rome("2026-10-20 00:00"), CALENDAR) == HoursState(Reason.CLOSED)
    shut = replace(OFFICE, closings=(Closing("for good", date(2020, 1, 1), date(2099, 1, 1)),))
    assert state(shut, rome("2026-10-20 10:00"), CALENDAR) == HoursState(Reason.CLOSING, "for good")


def test_the_emergency_switch_is_stronger_than_the_schedule_and_may_end_by_itself() -> None:
    now = rome("2026-11-24 10:00")
    on = EmergencyClosing("office", now - timedelta(hours=1), because="un guasto")
    assert state(OFFICE, now, CALENDAR, on) == HoursState(Reason.EMERGENCY, because="un guasto")
    till_noon = replace(on, until=rome("2026-11-24 12:00"))
    assert state(OFFICE, now, CALENDAR, till_noon).next_open == rome("2026-11-24 12:00")
    till_one = replace(on, until=rome("2026-11-24 13:00"))
    assert state(OFFICE, now, CALENDAR, till_one).next_open == rome("2026-11-24 14:00")
    assert state(OFFICE, rome("2026-11-24 14:00"), CALENDAR, till_one).open
    later = replace(on, since=now + timedelta(minutes=1))
    assert state(OFFICE, now, CALENDAR, later).open


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-24 08:30", 4, "2026-11-24 12:30"),
        ("2026-11-24 08:30", 8, "2026-11-24 18:00"),
        ("2026-11-24 10:00", 8, "2026-11-25 10:00"),
        ("2026-11-24 20:30", 8, "2026-11-25 18:00"),
        ("2026-11-27 17:00", 2, "2026-11-30 09:30"),
        ("2026-12-07 17:00", 2, "2026-12-09 09:30"),
        ("2026-12-24 17:00", 2, "2027-01-07 09:30"),
        ("2026-11-24 10:00", 0, "2026-11-24 10:00"),
    ],
)
def test_opening_time_is_counted_only_while_open(start: str, hours: int, due: str) -> None:
    assert due_in_opening_time(OFFICE, rome(start), timedelta(hours=hours), CALENDAR) == rome(due)


def test_opening_time_that_never_comes_is_no_promise() -> None:
    assert due_in_opening_time(NEVER, rome("2026-11-24 10:00"), timedelta(hours=1), CALENDAR) is None
    assert due_in_opening_time(OFFICE, rome("2026-11-24 10:00"), timedelta(days=400), CALENDAR) is None


def test_spans_that_overlap_count_once() -> None:
    double = Hours("double", "Europe/Rome", week("08:00-12:00", "10:00-14:00", "09:00-10:00"))
    assert due_in_opening_time(double, rome("2026-11-24 08:00"), timedelta(hours=6), CALENDAR) == rome(
        "2026-11-24 14:00"
    )
    assert state(double, rome("2026-11-24 13:00"), CALENDAR).open


# On 29 March 2026 Rome's clocks go from 2:00 to 3:00 (01:00 UTC), on 25 October from 3:00 to 2:00 (01:00 UTC).


@pytest.mark.parametrize(
    ("day", "wall", "utc"),
    [
        (date(2026, 3, 29), time(1, 59), "2026-03-29T00:59"),
        (date(2026, 3, 29), time(2, 0), "2026-03-29T01:00"),
        (date(2026, 3, 29), time(2, 30), "2026-03-29T01:00"),
        (date(2026, 3, 29), time(3, 0), "2026-03-29T01:00"),
        (date(2026, 3, 29), time(3, 1), "2026-03-29T01:01"),
        (date(2026, 10, 25), time(1, 59), "2026-10-24T23:59"),
        (date(2026, 10, 25), time(2, 30), "2026-10-25T00:30"),
        (date(2026, 10, 25), time(3, 0), "2026-10-25T02:00"),
    ],
)
def test_a_wall_clock_time_on_the_days_the_clocks_change(day: date, wall: time, utc: str) -> None:
    assert moment(day, wall, ROME) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    def length(day: date) -> timedelta:
        ((opens, closes),) = openings(NIGHT, day, 1, CALENDAR)
        return closes - opens

    assert length(date(2026, 3, 28)) == timedelta(hours=7)
    assert length(date(2026, 10, 24)) == timedelta(hours=9)
    assert length(date(2026, 6, 1)) == timedelta(hours=8)


def test_the_office_opens_by_its_own_clock_on_both_sides_of_the_change() -> None:
    assert next_open(OFFICE, rome("2026-03-27 19:00"), CALENDAR) == datetime(2026, 3, 30, 6, 30, tzinfo=UTC)
    assert next_open(OFFICE, rome("2026-10-23 19:00"), CALENDAR) == datetime(2026, 10, 26, 7, 30, tzinfo=UTC)


def test_a_span_inside_the_skipped_hour_does_not_take_place() -> None:
    early = Hours("early", "Europe/Rome", week("02:00-02:45", days=range(7)))
    assert list(openings(early, date(2026, 3, 29), 1, CALENDAR)) == []
    assert next_open(early, rome("2026-03-29 00:00"), CALENDAR) == rome("2026-03-30 02:00")


MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
CLOCKS = st.times(max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))
SCHEDULES = st.builds(
    Hours,
    st.just("any"),
    st.sampled_from(["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.dictionaries(st.integers(0, 6), st.lists(st.builds(Span, CLOCKS, CLOCKS), max_size=3).map(tuple)),
    st.sampled_from([None, "IT"]),
)


@given(SCHEDULES, MOMENTS, st.integers(1, 200_000))
def test_whatever_the_schedule_what_it_says_holds_together(hours: Hours, now: datetime, seconds: int) -> None:
    said = state(hours, now, CALENDAR)
    if said.next_open is not None:
        assert not said.open
        assert said.next_open > now
        assert state(hours, said.next_open, CALENDAR).open
        assert not state(hours, said.next_open - timedelta(seconds=1), CALENDAR).open
    due = due_in_opening_time(hours, now, timedelta(seconds=seconds), CALENDAR)
    if due is not None:
        assert due - now >= timedelta(seconds=seconds)
        assert state(hours, due - timedelta(microseconds=1), CALENDAR).open
