"""A text message, from waiting to its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ivr.core.text_message import (
    GIVEN_UP_AFTER,
    LEASE,
    LONG_PAUSE,
    PAUSES,
    SendState,
    TextMessage,
    answer_lost,
    handed_over,
    not_taken,
    refused,
    sent,
)
from ivr.core.words import CallId, CustomerId, PhoneNumber, TextId

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TEXT = TextMessage(
    TextId("t"),
    CallId("c"),
    CustomerId("maria"),
    PhoneNumber("+393401234567"),
    "OffVerdi",
    "Il listino è qui",
    START,
    next_at=START,
)


def test_handed_over_it_waits_for_an_answer_and_ends_by_it() -> None:
    handed = handed_over(TEXT, START)
    assert (handed.state, handed.attempts, handed.next_at) == (SendState.SENDING, 1, START + LEASE)
    done = sent(handed, "SM1", START)
    assert (done.state, done.carrier_id, done.ended_at, done.next_at) == (SendState.SENT, "SM1", START, None)
    assert refused(handed, "no", START).state is SendState.FAILED
    lost = answer_lost(handed, "gone", START)
    assert (lost.state, lost.because, lost.next_at) == (SendState.UNKNOWN, "gone", None)


def test_not_taken_it_is_tried_again_with_longer_pauses_until_it_is_too_old() -> None:
    text, now, pauses = TEXT, START, []
    while text.ended_at is None:
        text = not_taken(handed_over(text, now), "away", now)
        if text.next_at is not None:
            pauses.append(text.next_at - now)
            now = text.next_at
    assert tuple(pauses[: len(PAUSES)]) == PAUSES
    assert set(pauses[len(PAUSES) :]) == {LONG_PAUSE}
    assert text.state is SendState.FAILED
    assert GIVEN_UP_AFTER - LONG_PAUSE < now - START <= GIVEN_UP_AFTER
    assert text.ended_at - START < GIVEN_UP_AFTER + timedelta(seconds=1)


def test_number_and_words_are_in_no_repr() -> None:
    assert "340" not in repr(TEXT) and "listino" not in repr(TEXT)
