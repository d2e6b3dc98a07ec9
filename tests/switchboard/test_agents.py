"""Agents loaded as a whole, and their wishes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.core.agent import AgentEvent, SystemState, Wish, happened, wishes
from ivr.core.roster import AgentIsBusy, BreakWithoutReason, NoSuchAgent, NotWrappingUp
from ivr.core.words import AgentId, QueueName
from ivr.store.session import SqlRecords
from ivr.switchboard.record import agents
from ivr.switchboard.record.agents import Loaded
from tests.databases import START, SetClock
from tests.store.test_agents import ANNA, BRUNO, MINUTE


def names(records: SqlRecords) -> list[str]:
    with records.read() as tx:
        return [each.record.name for each in tx.agents.all()]


def test_exactly_the_agents_of_the_file_are_on_record(records: SqlRecords) -> None:
    with records.write() as tx:
        assert agents.load(tx, [BRUNO, ANNA], START) == Loaded(("bruno", "anna"), (), (), ())
    better = replace(ANNA, skills={"orders": 5})
    with records.write() as tx:
        assert agents.load(tx, [better], START) == Loaded((), ("anna",), (), ("bruno",))
    with records.write() as tx:
        assert agents.load(tx, [better, BRUNO], START) == Loaded(("bruno",), (), ("anna",), ())
        assert tx.agents.get(ANNA.name).record == better


@pytest.mark.parametrize(
    "busy",
    [
        (SystemState.CLAIMED, [AgentEvent.CLAIMED]),
        (SystemState.RINGING, [AgentEvent.CLAIMED, AgentEvent.RANG]),
        (SystemState.TALKING, [AgentEvent.CLAIMED, AgentEvent.ACCEPTED]),
        (SystemState.WRAP_UP, [AgentEvent.CLAIMED, AgentEvent.ACCEPTED, AgentEvent.TALK_ENDED]),
    ],
)
def test_an_agent_on_a_call_is_not_taken_off_and_nobody_else_is_changed(
    records: SqlRecords, busy: tuple[SystemState, list[AgentEvent]]
) -> None:
    state, events = busy
    with records.write() as tx:
        agents.load(tx, [ANNA, BRUNO], START)
        status = tx.agents.get(ANNA.name).status
        for event in events:
            status = happened(status, event, "because", START + MINUTE, wrap_up=MINUTE)
        assert tx.agents.change(status, 0)
    better = replace(BRUNO, queues=(QueueName("complaints"),))
    with pytest.raises(AgentIsBusy, match=f"anna is {state.value}: nobody was changed"), records.write() as tx:
        agents.load(tx, [better], START)
    with records.read() as tx:
        assert tx.agents.get(BRUNO.name).record == BRUNO
    assert names(records) == ["anna", "bruno"]
    with records.write() as tx:  # who stays in the file keeps talking
        agents.load(tx, [replace(ANNA, wrap_up=None), better], START)
        assert tx.agents.get(ANNA.name).status.state is state


def test_a_wish_is_taken_down_with_its_reason_and_touches_no_call(records: SqlRecords, clock: SetClock) -> None:
    with records.write() as tx:
        agents.load(tx, [ANNA], START)
        on = agents.wish(tx, ANNA.name, Wish.AVAILABLE, None, clock.passes(minutes=1))
        assert (on.status.wish, on.status.wish_because) == (Wish.AVAILABLE, "asked for it")
        talking = happened(on.status, AgentEvent.CLAIMED, "ticket t", clock.now())
        tx.agents.change(happened(talking, AgentEvent.ACCEPTED, "pressed 1", clock.now()), on.version)
        rests = agents.wish(tx, ANNA.name, Wish.BREAK, " lunch ", clock.passes(minutes=1))
        assert (rests.status.wish_because, rests.status.state) == ("lunch", SystemState.TALKING)
        again = agents.wish(tx, ANNA.name, Wish.BREAK, "lunch", clock.passes(minutes=1))
        assert again == rests


def test_a_break_without_a_reason_and_an_unknown_agent_are_refused(records: SqlRecords) -> None:
    with records.write() as tx:
        agents.load(tx, [ANNA], START)
        for because in (None, "  "):
            with pytest.raises(BreakWithoutReason):
                agents.wish(tx, ANNA.name, Wish.BREAK, because, START)
        with pytest.raises(NoSuchAgent):
            agents.wish(tx, AgentId("zoe"), Wish.OFF, None, START)


def test_who_wishes_to_work_is_reachable_again(records: SqlRecords) -> None:
    with records.write() as tx:
        agents.load(tx, [ANNA], START)
        lost = happened(tx.agents.get(ANNA.name).status, AgentEvent.LOST, "the phone is gone", START)
        tx.agents.change(wishes(lost, Wish.BREAK, "lunch", START), 0)
        back = agents.wish(tx, ANNA.name, Wish.AVAILABLE, "is back", START + MINUTE)
        assert (back.status.state, back.status.misses) == (SystemState.IDLE, 0)


def wrapping_up(records: SqlRecords, clock: SetClock) -> None:
    """Anna, whose talk has just ended; five minutes are hers."""
    with records.write() as tx:
        agents.load(tx, [ANNA, BRUNO], START)
        status = agents.wish(tx, ANNA.name, Wish.AVAILABLE, None, START).status
        for event in (AgentEvent.CLAIMED, AgentEvent.ACCEPTED):
            status = happened(status, event, "a call", START)
        status = happened(status, AgentEvent.TALK_ENDED, "the talk ended", clock.now(), wrap_up=5 * MINUTE)
        assert tx.agents.change(status, tx.agents.get(ANNA.name).version)


def test_a_wrap_up_is_ended_early_and_the_agent_is_free_at_once(records: SqlRecords, clock: SetClock) -> None:
    wrapping_up(records, clock)
    now = clock.passes(minutes=1)
    with records.write() as tx:
        done = agents.end_wrap_up(tx, ANNA.name, now).status
    assert (done.state, done.state_because, done.state_since) == (SystemState.IDLE, "ended the wrap-up", now)
    assert done.is_free(now)
    with records.read() as tx:
        assert tx.agents.history(ANNA.name, 1)[0].because == "ended the wrap-up"


def test_a_wrap_up_is_made_longer_while_it_runs(records: SqlRecords, clock: SetClock) -> None:
    wrapping_up(records, clock)
    now = clock.passes(minutes=4)
    with records.write() as tx:
        done = agents.extend_wrap_up(tx, ANNA.name, 2 * MINUTE, now).status
    assert done.wrap_up_until == START + 7 * MINUTE
    assert not done.is_free(START + 6 * MINUTE)
    for by, minutes in ((0 * MINUTE, 0), (MINUTE, 4)):  # no time, and after its end
        with pytest.raises(NotWrappingUp, match="nothing was extended"), records.write() as tx:
            agents.extend_wrap_up(tx, ANNA.name, by, clock.passes(minutes=minutes))


def test_only_a_wrap_up_is_ended_or_made_longer(records: SqlRecords) -> None:
    with records.write() as tx:
        agents.load(tx, [ANNA], START)
    for change in (
        lambda tx: agents.end_wrap_up(tx, ANNA.name, START),
        lambda tx: agents.extend_wrap_up(tx, ANNA.name, MINUTE, START),
    ):
        with pytest.raises(NotWrappingUp, match="anna is idle: there is no wrap-up"), records.write() as tx:
            change(tx)


def test_who_was_unreachable_can_be_rung_again_on_a_break_too(records: SqlRecords, clock: SetClock) -> None:
    with records.write() as tx:
        agents.load(tx, [ANNA], START)
        status = agents.wish(tx, ANNA.name, Wish.BREAK, "lunch", START).status
        tx.agents.change(happened(status, AgentEvent.LOST, "the phone is gone", START), 1)
    now = clock.passes(minutes=1)
    with records.write() as tx:
        done = agents.reachable(tx, ANNA.name, now).status
        again = agents.reachable(tx, ANNA.name, now)
    assert (done.state, done.wish, done.misses) == (SystemState.IDLE, Wish.BREAK, 0)
    assert again.status == done
