"""Legs on both databases: there before the carrier is asked, moved by one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from ivr.core.call import CallRecord
from ivr.core.errors import NoSuchLeg
from ivr.core.leg import Leg, LegEnd, LegKind, LegState
from ivr.core.words import AgentId, CallbackId, Language, LegId, PhoneNumber, TicketId
from ivr.store.session import SqlRecords
from tests.databases import START
from tests.store.test_callbacks import callback  # noqa: F401
from tests.store.test_calls import at_once
from tests.store.test_tickets import waits

SECOND = timedelta(seconds=1)
T = TicketId("t")


@pytest.fixture
def leg(records: SqlRecords, call: CallRecord) -> Leg:
    with records.write() as tx:
        assert tx.tickets.take(waits(call.customer, T))
    return Leg(
        id=LegId("leg"),
        kind=LegKind.AGENT,
        ticket=T,
        to="sip:anna@example.com",
        line="verde",
        language=Language("it"),
        made_at=START,
        rings=12.5 * SECOND,
    )


def test_a_leg_comes_back_as_it_was_committed(records: SqlRecords, leg: Leg) -> None:
    with records.write() as tx:
        tx.legs.commit(leg)
    with records.read() as tx:
        assert tx.legs.get(leg.id) == leg
        assert tx.legs.of_ticket(T) == tx.legs.unfinished() == [leg]
        assert tx.legs.of_ticket(TicketId("other")) == []
        with pytest.raises(NoSuchLeg):
            tx.legs.get(LegId("nothing"))


def test_a_leg_comes_back_with_all_that_became_of_it(
    records: SqlRecords,
    leg: Leg,
    callback: object,  # noqa: F811
) -> None:
    over = replace(
        leg,
        kind=LegKind.CUSTOMER,
        to="+390612345678",
        call=callback.call,  # type: ignore[attr-defined]
        token="token",
        agent=AgentId("anna"),
        callback=CallbackId("b"),
        attempt=2,
        shows=PhoneNumber("+390212345678"),
        state=LegState.ENDED,
        sid="CA7",
        unwanted=True,
        turn=3,
        door="keys",
        token_heard="heard",
        stage="over",
        says='[{"say": "città"}]',
        ended_at=START + 30 * SECOND,
        how=LegEnd.NO_ANSWER,
    )
    with records.write() as tx:
        tx.callbacks.ask(callback)  # type: ignore[arg-type]
        tx.legs.commit(leg)
        assert tx.legs.change(over)
        assert not tx.legs.change(over)
        assert tx.legs.get(leg.id) == replace(over, version=1)
        assert tx.legs.unfinished() == []
        assert not tx.legs.change(replace(over, id=LegId("nothing")))


def test_legs_of_a_claim_and_of_a_ticket_come_the_earliest_first(records: SqlRecords, leg: Leg) -> None:
    late = replace(leg, id=LegId("a"), made_at=START + SECOND, token="claim")
    early = replace(leg, id=LegId("z"), token="claim")
    other = replace(leg, id=LegId("m"), token="other", made_at=START + 2 * SECOND)
    with records.write() as tx:
        for each in (late, early, other):
            tx.legs.commit(each)
        assert tx.legs.under("claim") == [early, late]
        assert tx.legs.of_ticket(T) == tx.legs.unfinished() == [early, late, other]
        assert tx.legs.under("nothing") == []


@pytest.mark.parametrize("state", list(LegState))
def test_a_leg_is_unfinished_until_it_has_ended(records: SqlRecords, leg: Leg, state: LegState) -> None:
    with records.write() as tx:
        tx.legs.commit(replace(leg, state=state))
        assert len(tx.legs.unfinished()) == (state is not LegState.ENDED)


def test_of_two_who_move_a_leg_at_once_one_does(records: SqlRecords, leg: Leg) -> None:
    with records.write() as tx:
        tx.legs.commit(leg)

    def answer(n: int) -> bool:
        with records.write() as tx:
            return tx.legs.change(replace(leg, turn=1, token_heard=f"request{n}", state=LegState.ANSWERED))

    heard = at_once(4, answer)
    assert sorted(heard) == [False, False, False, True]
    with records.read() as tx:
        assert tx.legs.get(leg.id).token_heard == f"request{heard.index(True)}"


def test_a_leg_is_not_committed_twice(records: SqlRecords, leg: Leg) -> None:
    with records.write() as tx:
        tx.legs.commit(leg)
    with pytest.raises(IntegrityError), records.write() as tx:
        tx.legs.commit(leg)
