"""Callbacks: offered or not, to which number, when, and what follows each attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.callbacks import (
    CODE_BOOST,
    CODE_HOLDS,
    MOST_DIALS,
    AskedFor,
    AttemptPolicy,
    Callback,
    CallbackEnded,
    CallbackState,
    CallingTimes,
    Caps,
    NumberCheck,
    OfferPolicy,
    Outcome,
    Owed,
    QueueNow,
    Refusal,
    RingsAgain,
    after_attempt,
    callee_zones,
    cancelled,
    check_number,
    code_boost,
    dials,
    free_slots,
    left_the_line,
    missed_is_told,
    next_callable,
    next_morning,
    offer,
    rings_again,
    served,
    slot_hour,
)
from ivr.core.company import Closing, Hours, Span
from ivr.core.hours import closes_at, openings
from ivr.core.words import CallbackId, CustomerId, Language, PhoneNumber, QueueName

ROME = ZoneInfo("Europe/Rome")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
POLICY = AttemptPolicy()


class NoHolidays:
    def on(self, country: str, day: object) -> str | None:
        return "Immacolata" if day == date(2026, 12, 8) else None


OFFICE = Hours(
    "office",
    "Europe/Rome",
    {day: (Span(time(8, 30), time(19, 30)),) for day in range(5)},
    holidays_of="IT",
    closings=(Closing("stocktaking", date(2026, 12, 3), date(2026, 12, 3)),),
)
TIMES = CallingTimes(NoHolidays(), OFFICE, ("Europe/Rome",))


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def in_rome(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(ROME):%a %d %H:%M}"


NOW = rome("2026-11-24T10:00")  # a Tuesday
CALLBACK = Callback(
    id=CallbackId("b"),
    customer=CustomerId("c"),
    call=None,
    line="toll_free",
    queue=QueueName("sales"),
    number=PhoneNumber("+390612345678"),
    country="IT",
    zones=("Europe/Rome",),
    language=Language("it"),
    arrived_at=NOW - 5 * MINUTE,
    asked_at=NOW,
    next_at=NOW,
)


MOMENTS = st.integers(0, 500 * 24 * 3600).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


# --- When we may call


@pytest.mark.parametrize(
    ("at", "zones", "callable_at"),
    [
        ("2026-11-24T10:00", ("Europe/Rome",), "Tue 24 10:00"),
        ("2026-11-24T08:45", ("Europe/Rome",), "Tue 24 09:00"),  # open, but quiet
        ("2026-11-24T19:31", ("Europe/Rome",), "Wed 25 09:00"),
        ("2026-11-27T19:31", ("Europe/Rome",), "Mon 30 09:00"),
        ("2026-12-02T20:00", ("Europe/Rome",), "Fri 04 09:00"),  # stocktaking
        ("2026-12-07T20:00", ("Europe/Rome",), "Wed 09 09:00"),  # a public holiday
        ("2026-11-24T10:00", ("America/New_York",), "Tue 24 15:00"),  # nine in the morning there
        ("2026-11-24T12:30", ("Asia/Tokyo",), "Wed 25 08:30"),  # half past eight in the evening there
        ("2026-11-24T09:30", ("Europe/Lisbon", "Europe/Rome"), "Tue 24 10:00"),
        ("2026-11-24T10:00", (), "Tue 24 10:00"),
    ],
)
def test_we_call_when_we_are_open_and_nobody_is_disturbed(at: str, zones: tuple[str, ...], callable_at: str) -> None:
    assert in_rome(next_callable(replace(TIMES, zones=zones), rome(at))) == callable_at


def test_where_our_day_is_their_night_there_is_no_hour() -> None:
    short = replace(OFFICE, week={0: (Span(time(9, 0), time(12, 0)),)})
    assert next_callable(CallingTimes(NoHolidays(), short, ("Pacific/Honolulu",)), NOW) is None


def test_the_next_working_morning_is_another_day() -> None:
    assert in_rome(next_morning(TIMES, NOW)) == "Wed 25 09:00"
    assert in_rome(next_morning(TIMES, rome("2026-11-24T00:05"))) == "Wed 25 09:00"
    assert in_rome(next_morning(TIMES, rome("2026-11-27T10:00"))) == "Mon 30 09:00"
    assert in_rome(next_morning(replace(TIMES, hours=None), rome("2026-11-27T10:00"))) == "Sat 28 09:00"


def test_whose_zone_it_is() -> None:
    assert callee_zones("Europe/London", ("Europe/Rome",), "Europe/Rome") == ("Europe/London",)
    assert callee_zones(None, ("Atlantic/Canary", "Europe/Madrid"), "Europe/Rome") == (
        "Atlantic/Canary",
        "Europe/Madrid",
    )
    assert callee_zones(None, (), "Europe/Rome") == ("Europe/Rome",)
    assert callee_zones(None, tuple(f"Z/{n}" for n in range(30)), "Europe/Rome") == ("Europe/Rome",)


@given(MOMENTS, st.sampled_from(["Europe/Rome", "America/New_York"]))
def test_no_call_is_ever_made_in_quiet_hours_or_in_a_closing(at: datetime, zone: str) -> None:
    found = next_callable(replace(TIMES, zones=(zone,)), at)
    assert found is not None and found >= at
    assert time(9, 0) <= found.astimezone(ZoneInfo(zone)).time() < time(20, 0)
    here = found.astimezone(ROME)
    assert here.weekday() < 5 and time(8, 30) <= here.time() < time(19, 30)
    assert here.date() not in (date(2026, 12, 3), date(2026, 12, 8))


# --- Slots


def slots(after: str, many: int = 3, booked: tuple[datetime, ...] = (), capacity: int = 6) -> list[str]:
    return [in_rome(each) for each in free_slots(TIMES, capacity, booked, rome(after), many)]


def test_slots_are_the_next_ten_minutes_that_are_free() -> None:
    assert slots("2026-11-24T10:00") == ["Tue 24 10:00", "Tue 24 10:10", "Tue 24 10:20"]
    assert slots("2026-11-24T10:01") == ["Tue 24 10:10", "Tue 24 10:20", "Tue 24 10:30"]
    assert slots("2026-11-24T10:00", booked=(rome("2026-11-24T10:10"),)) == [
        "Tue 24 10:00",
        "Tue 24 10:20",
        "Tue 24 10:30",
    ]


def test_no_slot_lies_in_the_last_ten_minutes_nor_in_a_closing_nor_before_they_wake() -> None:
    assert slots("2026-11-24T19:15") == ["Tue 24 19:20", "Wed 25 09:00", "Wed 25 09:10"]
    assert slots("2026-12-02T19:21") == ["Fri 04 09:00", "Fri 04 09:10", "Fri 04 09:20"]
    assert slots("2026-12-07T19:21", 1) == ["Wed 09 09:00"]


def test_an_hour_takes_no_more_than_its_capacity() -> None:
    two = (rome("2026-11-24T10:00"), rome("2026-11-24T10:30"))
    assert slots("2026-11-24T10:00", 1, two, capacity=2) == ["Tue 24 11:00"]
    assert slots("2026-11-24T10:00", 1, two, capacity=3) == ["Tue 24 10:10"]
    at_once = (rome("2026-11-24T10:00"),)
    assert slots("2026-11-24T10:00", 1, at_once, capacity=12) == ["Tue 24 10:00"]
    assert slots("2026-11-24T10:00", 1, at_once * 2, capacity=12) == ["Tue 24 10:10"]


def test_there_are_no_slots_without_hours_or_capacity() -> None:
    assert free_slots(replace(TIMES, hours=None), 6, (), NOW, 3) == ()
    assert free_slots(TIMES, 0, (), NOW, 3) == ()
    assert free_slots(replace(TIMES, hours=replace(OFFICE, week={})), 6, (), NOW, 3) == ()


@pytest.mark.parametrize(("day", "hours_open"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_the_change_of_the_clock_takes_and_gives_an_hour_of_slots(day: str, hours_open: int) -> None:
    always = replace(OFFICE, week={n: (Span(time(0, 0), time(0, 0)),) for n in range(7)}, closings=())
    midnight = rome(f"{day}T00:00")
    times = CallingTimes(NoHolidays(), always, ())
    found = [
        slot for slot in free_slots(times, 6, (), midnight, 6 * 26) if slot.astimezone(ROME).date() == midnight.date()
    ]
    assert len(found) == len(set(found)) == 6 * hours_open
    assert len({slot_hour(slot, "Europe/Rome") for slot in found}) == hours_open
    assert all(slot.astimezone(ROME).minute % 10 == 0 for slot in found)


def test_steps_follow_the_clock_on_the_wall_also_in_nepal() -> None:
    nepal = replace(OFFICE, zone="Asia/Kathmandu")
    (first,) = free_slots(CallingTimes(NoHolidays(), nepal), 6, (), NOW, 1)
    assert first.astimezone(ZoneInfo("Asia/Kathmandu")).minute % 10 == 0
    assert slot_hour(first, "Asia/Kathmandu").astimezone(ZoneInfo("Asia/Kathmandu")).minute == 0


@given(
    MOMENTS,
    st.lists(st.integers(0, 200), max_size=60),
    st.integers(1, 14),
)
def test_slots_are_always_open_future_and_below_capacity(after: datetime, taken: list[int], capacity: int) -> None:
    grid = free_slots(TIMES, 60, (), after, 60)
    booked = [grid[n % len(grid)] for n in taken]
    found = free_slots(TIMES, capacity, booked, after, 5)
    assert list(found) == sorted(set(found))
    for slot in found:
        assert slot >= after
        opens = list(openings(OFFICE, slot.astimezone(ROME).date(), 1, NoHolidays()))
        assert any(begin <= slot and slot + 10 * MINUTE <= end for begin, end in opens)
        hour = slot_hour(slot, "Europe/Rome")
        assert sum(slot_hour(each, "Europe/Rome") == hour for each in booked) < capacity


# --- Offered or not

BUSY = QueueNow(waiting=2, agents=4, estimate=3 * MINUTE, closes_at=NOW + 9 * HOUR, always_open=False, callbacks=0)


@pytest.mark.parametrize(
    ("changed", "waited", "soon", "slot", "because"),
    [
        ({}, 0, False, False, "the wait is short"),
        ({}, 2, True, True, "has waited 2 min"),
        ({"estimate": 6 * MINUTE}, 0, True, True, "about 6 min still to wait"),
        ({"estimate": None}, 0, False, False, "the wait is short"),
        ({"waiting": 12}, 0, True, True, "12 wait for 4 agents"),
        ({"agents": 0}, 0, False, True, "nobody is signed in"),
        ({"closes_at": NOW + 3 * MINUTE}, 2, False, True, "has waited 2 min; the turn would come after closing"),
        ({"closes_at": None}, 2, False, True, "has waited 2 min; closed now"),
        ({"closes_at": None, "always_open": True}, 2, True, True, "has waited 2 min"),
        ({"callbacks": 30}, 9, False, False, "30 callbacks are owed already, 30 is the most"),
    ],
)
def test_what_is_offered_and_why(changed: dict[str, object], waited: int, soon: bool, slot: bool, because: str) -> None:
    found = offer(OfferPolicy(), waited * MINUTE, replace(BUSY, **changed), NOW)  # type: ignore[arg-type]
    assert (found.soon, found.slot, found.because) == (soon, slot, because)


def test_new_ones_can_be_stopped_while_old_ones_are_worked_off() -> None:
    found = offer(OfferPolicy(takes=False), HOUR, BUSY, NOW)
    assert (found.soon, found.slot, found.because) == (False, False, "no new callbacks are taken")


def test_closing_time_joins_spans_that_touch() -> None:
    holidays = NoHolidays()
    assert in_rome(closes_at(OFFICE, NOW, holidays)) == "Tue 24 19:30"
    assert closes_at(OFFICE, rome("2026-11-24T20:00"), holidays) is None
    night = replace(OFFICE, week={1: (Span(time(18, 0), time(0, 0)),), 2: (Span(time(0, 0), time(2, 0)),)})
    assert in_rome(closes_at(night, rome("2026-11-24T23:00"), holidays)) == "Wed 25 02:00"


# --- To which number

NUMBER = PhoneNumber("+390612345678")
ASKED = AskedFor(NUMBER, "IT", "fixed", rang_from_it=False, today=0, today_in_all=0)


@pytest.mark.parametrize(
    ("changed", "refusal", "because"),
    [
        ({}, None, "it may be called"),
        ({"number": PhoneNumber("+39800123456")}, Refusal.OURS, "this is a number of our own"),
        ({"country": "US"}, Refusal.COUNTRY, "the number is of US; we call IT, SM"),
        ({"country": None}, Refusal.COUNTRY, "the number is of no country we know; we call IT, SM"),
        ({"kind": "premium"}, Refusal.KIND, "this is a premium number"),
        ({"kind": "unknown"}, Refusal.KIND, "nobody can have this number"),
        ({"kind": "unknown", "rang_from_it": True}, None, "it may be called"),
        ({"today": 3}, Refusal.TOO_OFTEN, "asked for 3 times in 24 hours"),
        ({"today_in_all": 300}, Refusal.TOO_MANY, "300 callbacks were asked for in 24 hours"),
    ],
)
def test_a_number_is_checked_before_it_is_confirmed(
    changed: dict[str, object], refusal: Refusal | None, because: str
) -> None:
    found = check_number(
        replace(ASKED, **changed),  # type: ignore[arg-type]
        ("IT", "SM"),
        frozenset({PhoneNumber("+39800123456")}),
        Caps(),
    )
    assert found == NumberCheck(refusal, because)
    assert found.allowed == (refusal is None)


# --- What follows


def dialled(callback: Callback = CALLBACK, now: datetime = NOW) -> Callback:
    found = dials(callback, now)
    assert found is not None
    return found


def test_it_is_dialled_only_when_its_time_has_come_and_once_at_a_time() -> None:
    assert dials(CALLBACK, NOW - MINUTE) is None
    ringing = dialled()
    assert (ringing.state, ringing.attempts) == (CallbackState.DIALLING, 1)
    assert dials(ringing, NOW) is None


@pytest.mark.parametrize("outcome", [Outcome.BUSY, Outcome.NO_ANSWER, Outcome.MACHINE, Outcome.FAILED])
def test_three_attempts_then_a_code_that_holds_for_48_hours(outcome: Outcome) -> None:
    now, seen, callback = NOW, [], CALLBACK
    while callback.live:
        after = after_attempt(dialled(callback, now), outcome, POLICY, TIMES, "482133", now)
        callback = after.callback
        seen.append((after.promise, in_rome(callback.next_at) if callback.next_at else callback.state.value))
        assert callback.tell and callback.last_outcome is outcome
        now = callback.next_at or now
    assert seen == [
        (Owed.MOVE, "Tue 24 10:10"),
        (Owed.MOVE, "Tue 24 11:10"),
        (Owed.WITHDRAW, "not_reached"),
    ]
    assert callback.because is not None and callback.because.startswith("not reached in 3 attempts; the last time ")
    assert callback.code_until == now + CODE_HOLDS
    assert code_boost(callback, now + CODE_HOLDS) == CODE_BOOST
    assert code_boost(callback, now + CODE_HOLDS + MINUTE) == code_boost(CALLBACK, now) == timedelta()
    assert callback.arrived_at == CALLBACK.arrived_at


def test_a_fourth_attempt_waits_for_the_next_working_morning() -> None:
    missed_twice = replace(CALLBACK, misses=2, attempts=2)
    after = after_attempt(dialled(missed_twice), Outcome.BUSY, AttemptPolicy(most=4), TIMES, "1", NOW)
    assert in_rome(after.callback.next_at) == "Wed 25 09:00"
    assert after.because == "the line was busy; attempt 4 follows"


def test_a_pause_that_ends_after_closing_goes_on_to_the_morning() -> None:
    late = rome("2026-11-27T19:25")
    after = after_attempt(dialled(CALLBACK, late), Outcome.NO_ANSWER, POLICY, TIMES, "1", late)
    assert in_rome(after.callback.next_at) == "Mon 30 09:00"


def test_where_no_hour_is_left_the_promise_breaks_aloud() -> None:
    never = CallingTimes(NoHolidays(), replace(OFFICE, week={}))
    after = after_attempt(dialled(), Outcome.BUSY, POLICY, never, "482133", NOW)
    assert (after.promise, after.callback.state) == (Owed.BREAK, CallbackState.NOT_REACHED)
    assert after.callback.code == "482133"


def test_who_is_reached_or_says_no_is_not_called_again() -> None:
    reached = after_attempt(dialled(), Outcome.REACHED, POLICY, TIMES, "1", NOW)
    assert (reached.callback.state, reached.promise) == (CallbackState.REACHED, Owed.KEEP)
    refused = after_attempt(dialled(), Outcome.REFUSED, POLICY, TIMES, "1", NOW)
    assert (refused.callback.state, refused.promise) == (CallbackState.CANCELLED, Owed.WITHDRAW)
    for ended in (reached.callback, refused.callback):
        assert (ended.next_at, ended.ended_at, ended.code) == (None, NOW, None)
        assert dials(ended, NOW) is None


def test_what_fails_on_our_side_is_nobodys_miss_but_not_for_ever() -> None:
    callback, now = CALLBACK, NOW
    for pause in range(MOST_DIALS - 1):
        after = after_attempt(dialled(callback, now), Outcome.LOST, POLICY, TIMES, "1", now)
        again = now + timedelta(minutes=pause)  # at once, and then later and later: a phone may ring somewhere
        assert (after.callback.misses, after.callback.next_at, after.promise) == (0, again, Owed.NOTHING_NEW)
        callback, now = after.callback, again
    last = after_attempt(dialled(callback, now), Outcome.LOST, POLICY, TIMES, "1", now)
    assert (last.callback.state, last.promise) == (CallbackState.NOT_REACHED, Owed.BREAK)


def test_news_that_comes_twice_or_late_moves_nothing() -> None:
    missed = after_attempt(dialled(), Outcome.BUSY, POLICY, TIMES, "1", NOW).callback
    assert after_attempt(missed, Outcome.BUSY, POLICY, TIMES, "1", NOW).callback == missed
    gone = cancelled(CALLBACK, "asked to", NOW).callback
    assert after_attempt(gone, Outcome.REACHED, POLICY, TIMES, "1", NOW).callback == gone
    assert served(gone, "answered", NOW).callback == gone
    assert left_the_line(gone, NOW) == gone


def test_who_rings_again_may_keep_wait_or_cancel() -> None:
    kept = rings_again(CALLBACK, RingsAgain.KEEP, NOW)
    assert (kept.callback, kept.promise) == (CALLBACK, Owed.NOTHING_NEW)
    waits = rings_again(CALLBACK, RingsAgain.WAIT, NOW).callback
    assert (waits.state, waits.arrived_at) == (CallbackState.ON_THE_LINE, CALLBACK.arrived_at)
    assert dials(waits, NOW) is None
    assert left_the_line(waits, NOW + MINUTE) == replace(CALLBACK, next_at=NOW + MINUTE)
    answered = served(waits, "answered on the line", NOW)
    assert (answered.callback.state, answered.promise) == (CallbackState.SERVED, Owed.KEEP)
    gone = rings_again(CALLBACK, RingsAgain.CANCEL, NOW)
    assert (gone.callback.state, gone.promise) == (CallbackState.CANCELLED, Owed.WITHDRAW)
    with pytest.raises(CallbackEnded, match="rang and cancelled"):
        rings_again(gone.callback, RingsAgain.KEEP, NOW)


def test_who_rings_while_we_ring_them_keeps_the_place() -> None:
    ringing = dialled()
    assert rings_again(ringing, RingsAgain.WAIT, NOW).callback == ringing


def test_the_miss_is_told_once() -> None:
    missed = after_attempt(dialled(), Outcome.BUSY, POLICY, TIMES, "1", NOW).callback
    assert missed.tell and not missed_is_told(missed).tell


@given(
    st.lists(st.tuples(st.sampled_from([*Outcome, *RingsAgain, "left", "served"]), st.integers(0, 500)), max_size=40)
)
def test_every_callback_ends_and_keeps_its_place_whatever_happens(happens: list[tuple[object, int]]) -> None:
    callback, now = CALLBACK, NOW
    for what, minutes in happens:
        now += minutes * MINUTE
        callback = dials(callback, now) or callback
        match what:
            case RingsAgain() if callback.live:
                callback = rings_again(callback, what, now).callback
            case Outcome():
                callback = after_attempt(callback, what, POLICY, TIMES, "482133", now).callback
            case "left":
                callback = left_the_line(callback, now)
            case "served":
                callback = served(callback, "answered", now).callback
        assert callback.arrived_at == CALLBACK.arrived_at
        assert callback.live == (callback.ended_at is None) == (callback.next_at is not None)
        assert callback.misses <= POLICY.most and callback.attempts <= MOST_DIALS
    callback = left_the_line(callback, now)
    while callback.live:
        now = max(now, callback.next_at or now)
        callback = after_attempt(
            dials(callback, now) or callback, Outcome.NO_ANSWER, POLICY, TIMES, "482133", now
        ).callback
    assert callback.because
