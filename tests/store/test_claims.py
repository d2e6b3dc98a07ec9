"""Claims on both databases: one a ticket, one an agent, fences that only grow, and nothing half written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ivr.core.customer import Customer
from ivr.core.errors import NoSuchTicket
from ivr.core.ticket import TicketState
from ivr.core.words import AgentId, TicketId
from ivr.store.claims import _columns
from ivr.store.session import SqlRecords
from ivr.store.tables import claims
from ivr.switchboard.ports.queue import ClaimOnRecord, ClaimState
from tests.databases import START
from tests.store.test_calls import at_once
from tests.store.test_tickets import waits

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
ANNA, BRUNO, CARLA, DARIO = (AgentId(name) for name in ("anna", "bruno", "carla", "dario"))
T, S = TicketId("t"), TicketId("s")


@pytest.fixture
def line(records: SqlRecords, maria: Customer) -> SqlRecords:
    """Two in line."""
    with records.write() as tx:
        for order, ticket in enumerate((T, S)):
            assert tx.tickets.take(waits(maria.id, ticket, order=order))
    return records


def offer(
    *agents: AgentId, ticket: TicketId = T, token: str = "", fence: int = 1, after: timedelta = timedelta()
) -> list[ClaimOnRecord]:
    made_at = START + after
    return [
        ClaimOnRecord(
            token=token or f"{ticket}{fence}",
            agent=agent,
            ticket=ticket,
            attempt=1,
            fence=fence,
            made_at=made_at,
            lapses_at=made_at + 15 * SECOND,
            because=f"first in line; {agent} idle longest",
        )
        for agent in agents
    ]


def test_a_claim_comes_back_whole(line: SqlRecords) -> None:
    (claim,) = offer(ANNA, fence=2**40)
    with line.write() as tx:
        assert tx.claims.make([claim])
    with line.read() as tx:
        assert tx.claims.under(claim.token) == tx.claims.of_ticket(T) == tx.claims.live() == [claim]
        assert tx.claims.of_agent(ANNA) == claim
        assert tx.claims.of_agent(BRUNO) is None
        assert tx.claims.under("nothing") == tx.claims.of_ticket(S) == []


def test_several_are_rung_at_once_in_the_order_given(line: SqlRecords) -> None:
    rung = offer(CARLA, ANNA, BRUNO)
    with line.write() as tx:
        assert tx.claims.make(rung)
        assert tx.claims.under(rung[0].token) == tx.claims.of_ticket(T) == tx.claims.live() == rung


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        pytest.param(offer(ANNA), offer(BRUNO, fence=2), id="the ticket has a live claim"),
        pytest.param(offer(ANNA, BRUNO), offer(CARLA, fence=2), id="the ticket rings elsewhere"),
        pytest.param(offer(ANNA), offer(ANNA, ticket=S), id="the agent has a live claim"),
        pytest.param(offer(BRUNO), offer(ANNA, BRUNO, CARLA, ticket=S), id="one of several agents has"),
        pytest.param(offer(CARLA), offer(ANNA, BRUNO, CARLA, ticket=S), id="the last of several agents has"),
        pytest.param(offer(ANNA), offer(ANNA), id="a repeat"),
        pytest.param(offer(ANNA), offer(ANNA, fence=2, token="t1"), id="the token again"),
        pytest.param([], offer(ANNA, BRUNO, ANNA), id="one agent twice"),
    ],
)
def test_what_would_break_a_rule_is_refused_whole_and_the_transaction_goes_on(
    line: SqlRecords, held: list[ClaimOnRecord], asked: list[ClaimOnRecord]
) -> None:
    with line.write() as tx:
        assert not held or tx.claims.make(held)
        assert not tx.claims.make(asked)
        assert tx.claims.live() == held
        assert tx.claims.make(offer(DARIO, ticket=S, fence=9))
    with line.read() as tx:
        assert {claim.agent for claim in tx.claims.live()} == {*(claim.agent for claim in held), DARIO}


def test_a_ticket_still_ringing_elsewhere_is_not_offered_after_one_refusal(line: SqlRecords) -> None:
    with line.write() as tx:
        assert tx.claims.make(offer(ANNA, BRUNO))
        assert tx.claims.end("t1", ANNA, "declined", START)  # the place of the first is free, the ticket is not
        assert not tx.claims.make(offer(CARLA, fence=2))
        assert tx.claims.end("t1", BRUNO, "missed", START)
        assert tx.claims.make(offer(CARLA, fence=2))
        ended, missed, carla = tx.claims.of_ticket(T)
        assert [ended.how, missed.how, carla.how] == ["declined", "missed", None]


@pytest.mark.parametrize(("fence", "stands"), [(4, False), (5, False), (6, True)])
def test_a_late_fence_is_refused(line: SqlRecords, fence: int, stands: bool) -> None:
    with line.write() as tx:
        assert tx.claims.make(offer(ANNA, fence=5))
        assert tx.claims.end("t5", ANNA, "missed", START)
        assert tx.claims.make(offer(BRUNO, fence=fence, token="new")) is stands
        assert tx.claims.make(offer(CARLA, ticket=S, fence=1))  # each ticket has fences of its own


@pytest.mark.parametrize(("fence", "stands"), [(4, False), (5, True), (6, True)])
def test_a_fence_that_the_ticket_says_already_counts_as_seen(line: SqlRecords, fence: int, stands: bool) -> None:
    with line.write() as tx:
        assert tx.tickets.change(replace(tx.tickets.get(T), fence=5, attempt=1))
        assert tx.claims.make(offer(ANNA, fence=fence)) is stands


def test_a_claim_of_no_ticket_or_of_two_is_a_mistake(line: SqlRecords) -> None:
    with line.write() as tx:
        with pytest.raises(NoSuchTicket):
            tx.claims.make(offer(ANNA, ticket=TicketId("nothing")))
        with pytest.raises(ValueError, match="one token, one ticket"):
            tx.claims.make([*offer(ANNA), *offer(BRUNO, ticket=S)])
        for rung in ([], offer(*(AgentId(str(n)) for n in range(6)))):
            with pytest.raises(ValueError, match="1 to 5 agents"):
                tx.claims.make(rung)
        assert tx.claims.live() == []


def test_an_offer_is_accepted_once_and_ended_once(line: SqlRecords) -> None:
    (claim,) = offer(ANNA)
    with line.write() as tx:
        assert not tx.claims.accept("t1", ANNA, START)
        assert tx.claims.make([claim])
        assert not tx.claims.accept("t1", BRUNO, START)
        assert not tx.claims.accept("other", ANNA, START)
        assert tx.claims.accept("t1", ANNA, START + SECOND)
        assert not tx.claims.accept("t1", ANNA, START + 2 * SECOND)
        talking = replace(claim, state=ClaimState.ACCEPTED, accepted_at=START + SECOND)
        assert tx.claims.live() == [talking]
        assert tx.claims.of_agent(ANNA) == talking
        assert not tx.claims.make(offer(BRUNO, fence=2))
        assert tx.claims.end("t1", ANNA, "talked", START + MINUTE)
        assert not tx.claims.end("t1", ANNA, "lapsed", START + 2 * MINUTE)
        assert not tx.claims.end("t1", BRUNO, "lapsed", START)
        assert not tx.claims.accept("t1", ANNA, START + MINUTE)
        assert tx.claims.live() == []
        assert tx.claims.of_agent(ANNA) is None
        over = replace(talking, state=ClaimState.ENDED, how="talked", ended_at=START + MINUTE)
        assert tx.claims.of_ticket(T) == [over]


def test_of_several_rung_one_gets_the_caller(line: SqlRecords) -> None:
    with line.write() as tx:
        assert tx.claims.make(offer(ANNA, BRUNO, CARLA))
        assert tx.claims.accept("t1", BRUNO, START)
        assert not tx.claims.accept("t1", ANNA, START)
        assert tx.claims.end("t1", BRUNO, "talked", START + MINUTE)
        assert tx.claims.accept("t1", ANNA, START + MINUTE)


def test_live_claims_come_the_earliest_first(line: SqlRecords) -> None:
    late, early = offer(ANNA, after=MINUTE), offer(BRUNO, CARLA, ticket=S)
    with line.write() as tx:
        assert tx.claims.make(late)
        assert tx.claims.make(early)
        assert tx.claims.live() == [*early, *late]


def test_of_those_who_claim_one_ticket_at_once_one_does(line: SqlRecords) -> None:
    def claim(n: int) -> bool:
        with line.write() as tx:
            return tx.claims.make(offer(AgentId(f"agent{n}"), fence=n + 1))

    assert sorted(at_once(6, claim)) == [False] * 5 + [True]


def test_of_those_who_claim_one_agent_at_once_one_does(records: SqlRecords, maria: Customer) -> None:
    with records.write() as tx:
        for n in range(6):
            tx.tickets.take(waits(maria.id, f"t{n}", order=n))

    def claim(n: int) -> bool:
        with records.write() as tx:
            return tx.claims.make(offer(ANNA, ticket=TicketId(f"t{n}")))

    assert sorted(at_once(6, claim)) == [False] * 5 + [True]


def test_those_who_ring_the_same_agents_in_another_order_do_not_wait_for_each_other(
    records: SqlRecords, maria: Customer
) -> None:
    everybody = [AgentId(f"agent{n}") for n in range(5)]
    with records.write() as tx:
        for n in range(40):
            tx.tickets.take(waits(maria.id, f"t{n}", order=n))

    def claim(n: int) -> int:
        agents = everybody if n % 2 else everybody[::-1]
        made = 0
        for ticket in range(n * 10, n * 10 + 10):
            token = f"token{ticket}"
            with records.write() as tx:
                stands = tx.claims.make(offer(*agents, ticket=TicketId(f"t{ticket}"), token=token))
            if stands:
                made += 1
                with records.write() as tx:
                    assert all(tx.claims.end(token, agent, "declined", START) for agent in agents)
        return made

    assert sum(at_once(4, claim)) > 0
    with records.read() as tx:
        assert tx.claims.live() == []
        everything = [len(tx.claims.of_ticket(TicketId(f"t{n}"))) for n in range(40)]
        assert set(everything) <= {0, 5}


def test_who_claims_a_ticket_waits_for_whoever_is_claiming_it(line: SqlRecords) -> None:
    def second() -> bool:
        with line.write() as tx:
            return tx.claims.make(offer(CARLA, fence=2))

    with ThreadPoolExecutor(1) as pool:
        with line.write() as tx:
            assert tx.claims.make(offer(ANNA, BRUNO))
            assert tx.claims.end("t1", ANNA, "declined", START)  # its place is free before the other looks
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result() is False


def test_who_accepts_a_ticket_waits_for_whoever_is_accepting_it(line: SqlRecords) -> None:
    with line.write() as tx:
        assert tx.claims.make(offer(ANNA, BRUNO))

    def second() -> bool:
        with line.write() as tx:
            return tx.claims.accept("t1", BRUNO, START)

    with ThreadPoolExecutor(1) as pool:
        with line.write() as tx:
            assert tx.claims.accept("t1", ANNA, START)
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result() is False


def test_of_those_who_accept_at_once_one_does(line: SqlRecords) -> None:
    rung = offer(ANNA, BRUNO, CARLA, DARIO)
    with line.write() as tx:
        assert tx.claims.make(rung)

    def accept(n: int) -> bool:
        with line.write() as tx:
            return tx.claims.accept("t1", rung[n].agent, START)

    assert sorted(at_once(4, accept)) == [False, False, False, True]


@pytest.mark.parametrize(
    ("rule", "claim", "place"),
    [
        ("live_agent", offer(ANNA, ticket=S)[0], 0),
        ("live_place", offer(BRUNO, fence=2)[0], 0),
        ("accepted", replace(offer(BRUNO, fence=2)[0], state=ClaimState.ACCEPTED), 1),
    ],
)
def test_the_database_itself_keeps_the_rules(line: SqlRecords, rule: str, claim: ClaimOnRecord, place: int) -> None:
    with line.write() as tx:
        assert tx.claims.make(offer(ANNA))
        assert tx.claims.accept("t1", ANNA, START)
    with line.engine.connect() as connection, pytest.raises(IntegrityError) as refused:
        connection.execute(insert(claims).values(_columns(claim, place)))
    told = str(refused.value)
    column = {"live_agent": "claims.agent", "live_place": "claims.place", "accepted": "claims.ticket_id"}[rule]
    assert f"uq_claims_{rule}" in told or column in told


def test_all_claims_of_who_stood_at_some_moment_of_a_time(line: SqlRecords) -> None:
    (first,), (second,) = offer(ANNA), offer(BRUNO, fence=2, after=MINUTE)
    (other,) = offer(CARLA, ticket=S, after=30 * SECOND)
    with line.write() as tx:
        assert tx.claims.make([first])
        assert tx.claims.end(first.token, ANNA, "missed", START + 20 * SECOND)
        assert tx.claims.make([other])
        assert tx.claims.make([second])
        place = tx.tickets.get(S)
        gone = replace(place.ticket, state=TicketState.ABANDONED)
        assert tx.tickets.change(replace(place, ticket=gone, ended_at=START + 2 * MINUTE))
    with line.read() as tx:
        found = [(claim.ticket, claim.agent) for claim in tx.claims.of_standing(START, START + MINUTE)]
        assert found == [(T, ANNA), (S, CARLA), (T, BRUNO)]
        later = [claim.ticket for claim in tx.claims.of_standing(START + 3 * MINUTE, START + 4 * MINUTE)]
        assert later == [T, T], "ended before, but the ticket stands"
