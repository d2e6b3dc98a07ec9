"""The queue keeps its word, whatever happens in whatever order: people, a carrier that tells late, twice or never, and
processes, Redis and SQL that die in the middle. After every step the record must be sound; once it all settles, nobody
may be stuck, and nobody wait while somebody could take them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ivr.core.agent import SystemState, Wish
from ivr.core.errors import FloorLost, RecordsUnavailable
from ivr.core.routing.decide import FreeAgent, Pair, Rules, Strategy, best_pairs, waiting_at
from ivr.core.routing.skills import serves
from ivr.core.ticket import ENDS, TicketState
from ivr.core.words import QueueName
from ivr.live.floor import RedisFloor
from ivr.switchboard.ports.floor import Candidates
from ivr.switchboard.ports.queue import ClaimState, TicketOnRecord
from ivr.switchboard.queue.line_up import LAPSES
from ivr.switchboard.queue.standing_floor import free_agent, on_record
from ivr.switchboard.record.places import room_of, stands_in_line
from tests.switchboard.queue_world import CREW, DESKS, SWEEP, Killed, Phone, QueueWorld, Webhook

CALLERS = [f"+39061234567{n}" for n in range(6)]
RULES = Rules({QueueName("orders"): Strategy.LONGEST_IDLE, QueueName("repairs"): Strategy.RING_ALL})
RESERVED = {SystemState.CLAIMED, SystemState.RINGING, SystemState.TALKING}
which = st.integers(0, 1000)
T = TypeVar("T")


def one(of: Sequence[T], n: int) -> T:
    return of[n % len(of)]


class QueueAsItHappens(RuleBasedStateMachine):
    """Rules are what people and machines do; ``settles`` is when it is looked at whether all went well."""

    def __init__(self) -> None:
        super().__init__()
        self.world = QueueWorld()
        self.carrier = self.world.carrier
        self.told: list[Webhook] = []  # webhooks that were delivered, to be repeated
        self.heeded: list[tuple[str, str]] = []
        self.rooms: dict[tuple[str, int], str] = {}
        self.problems: list[str] = []
        self.written = 0
        for name in CREW:
            self.world.wishes(name, Wish.AVAILABLE)
        looks = RedisFloor.candidates
        watch = self

        def watched(floor: RedisFloor, now: Any, matches: int = 1) -> Candidates:
            found = looks(floor, now, matches)
            watch.order_is_kept(floor, found, matches)
            return found

        self.watching = mock.patch.object(RedisFloor, "candidates", watched)
        self.watching.start()

    def teardown(self) -> None:
        try:
            self.all_is_well_once_it_settles()
        finally:
            self.watching.stop()
            self.world.close()

    # --- Who there is ---------------------------------------------------------------------------------------------

    def up(self, *places: str, agents: bool | None = None) -> list[Phone]:
        return [
            phone
            for phone in self.carrier.phones.values()
            if phone.is_up and (not places or phone.place in places) and agents in (None, phone.is_agents)
        ]

    def news(self) -> list[Webhook]:
        return [webhook for webhook in self.carrier.webhooks if "status" in webhook.what]

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        """One rule for all: as rules of their own each would be left out of half of the runs, and talks be rare."""
        what = [name for name, (weight, can) in HAPPENS.items() if can(self) for _ in range(weight)]
        getattr(self, data.draw(st.sampled_from(what)))(data.draw(which))

    # --- Callers --------------------------------------------------------------------------------------------------

    def somebody_rings(self, n: int) -> None:
        self.world.rings(CALLERS[n % len(CALLERS)], sorted(DESKS)[n // 7 % len(DESKS)])

    def a_caller_hangs_up(self, n: int) -> None:
        self.carrier.hangs_up(one(self.up(agents=False), n))

    def a_caller_presses_a_key(self, n: int) -> None:
        self.world.presses_while_waiting(one(self.up("parked"), n), "29"[n // 7 % 2])

    # --- Agents ---------------------------------------------------------------------------------------------------

    def an_agent_signs_in(self, n: int) -> None:
        self.world.wishes(one(sorted(CREW), n), Wish.AVAILABLE)

    def an_agent_stops(self, n: int) -> None:
        self.world.wishes(one(sorted(CREW), n), one([Wish.BREAK, Wish.OFF], n // 7))

    def a_phone_rings(self, n: int) -> None:
        self.carrier.tells(one(self.up("ringing"), n), "ringing")

    def an_agent_answers(self, n: int) -> None:
        self.carrier.answers(one(self.up("ringing"), n))

    def an_agent_presses(self, n: int) -> None:
        self.carrier.presses(one(self.up("asked", agents=True), n), one(["1", "1", "1", "2", "5", ""], n // 7))

    def an_agent_takes_a_call(self, n: int) -> None:
        """And sometimes all that it leads to arrives at once; else the caller still hears the music."""
        phone = one(self.up("ringing"), n)
        self.carrier.answers(phone)
        self.world.arrives()
        if phone.place == "asked":
            self.carrier.presses(phone, "1")
            self.world.deliver(self.carrier.webhooks.pop())
        if n // 7 % 3:
            self.world.arrives()

    def an_agents_line_ends(self, n: int) -> None:
        how = one(["completed", "completed", "busy", "no-answer", "failed"], n // 7)
        self.carrier.hangs_up(one(self.up(agents=True), n), how)

    def an_agent_ends_a_talk(self, n: int) -> None:
        self.carrier.hangs_up(one(self.up("room", agents=True), n), one(["completed", "completed", "failed"], n // 7))

    def a_caller_ends_a_talk(self, n: int) -> None:
        self.carrier.hangs_up(one(self.up("room", agents=False), n))

    def a_room_is_closed(self, n: int) -> None:
        self.carrier.closes(one(self.up("room"), n).room)

    # --- The carrier's word, and the worker's ---------------------------------------------------------------------

    def a_webhook_arrives(self, n: int) -> None:
        """In any order, and perhaps twice, the first answer being lost."""
        webhook = self.carrier.webhooks.pop(n % len(self.carrier.webhooks))
        self.world.deliver(webhook, times=one([1, 1, 2], n // 7))
        self.told.append(webhook)

    def an_old_webhook_comes_again(self, n: int) -> None:
        self.world.repeat(one(self.told, n))

    def news_is_lost(self, n: int) -> None:
        """Never a document: somebody hears it fail, and their call ends."""
        self.carrier.webhooks.remove(one(self.news(), n))

    def a_hint_is_heeded(self, n: int) -> None:
        hint = self.world.hints.waiting.pop(n % len(self.world.hints.waiting))
        self.world.heed(hint)
        self.heeded.append(hint)

    def an_old_hint_comes_again(self, n: int) -> None:
        self.world.heed(one(self.heeded, n))

    def hints_are_lost(self, n: int) -> None:
        self.world.hints.waiting.clear()

    def all_is_told_in_order(self, n: int) -> None:
        self.told += self.carrier.webhooks
        self.world.arrives()

    def time_passes(self, n: int) -> None:
        self.world.passes(one([1, 1, 1, 2, 5, 5, 10, 15, 21, 36, 61, 300, 901], n))

    # --- What breaks ----------------------------------------------------------------------------------------------

    def something_breaks_soon(self, n: int) -> None:
        """At some step of what is done next: before or after a commit, or while the carrier is asked."""
        self.world.faults.after(1 + n % 12, one([Killed, Killed, RecordsUnavailable], n // 12))

    def the_carrier_is_in_a_mood(self, n: int) -> None:
        """For the next dial."""
        self.carrier.mood = one(["unavailable", "lost", "refused"], n)

    def redis_is_wiped(self, n: int) -> None:
        self.world.redis.flushdb()

    # --- What must be so ------------------------------------------------------------------------------------------

    @invariant()
    def the_record_is_sound(self) -> None:
        written = self.world.records.written()
        if written == self.written:
            return
        self.written = written
        self.one_claim_an_agent_and_one_a_ticket()
        self.every_ticket_lives_or_ended_with_a_reason()
        self.nothing_is_done_twice_and_no_room_is_used_again()
        self.the_order_was_kept()

    def one_claim_an_agent_and_one_a_ticket(self) -> None:
        with self.world.records.seen() as tx:
            live, crew, tickets = tx.claims.live(), tx.agents.all(), tx.tickets.live()
        by_agent, by_ticket = Counter(claim.agent for claim in live), {claim.ticket: set[str]() for claim in live}
        for claim in live:
            by_ticket[claim.ticket].add(claim.token)
        assert all(count == 1 for count in by_agent.values()), by_agent
        assert all(len(tokens) == 1 for tokens in by_ticket.values()), by_ticket
        states = {each.record.name: each.status.state for each in crew}
        assert {name for name, state in states.items() if state in RESERVED} == by_agent.keys(), (states, live)
        talking = {claim.agent for claim in live if claim.state is ClaimState.ACCEPTED}
        assert {name for name, state in states.items() if state is SystemState.TALKING} == talking
        for place in tickets:
            mine = [claim.state for claim in live if claim.ticket == place.ticket.id]
            self._stands_as_claimed(place, mine)
        assert by_ticket.keys() <= {place.ticket.id for place in tickets}, "a claim of a ticket that has ended"

    def _stands_as_claimed(self, place: TicketOnRecord, claims: Sequence[ClaimState]) -> None:
        match place.ticket.state:
            case TicketState.TALKING:
                assert claims == [ClaimState.ACCEPTED], place
            case TicketState.CLAIMED:
                assert claims and set(claims) == {ClaimState.OFFERED}, place
            case _:
                assert not claims, place

    def every_ticket_lives_or_ended_with_a_reason(self) -> None:
        with self.world.records.seen() as tx:
            ended = tx.tickets.ended_between(self.world.began, self.world.clock.at + timedelta(days=1))
            live = tx.tickets.live()
        assert all(place.because and place.ticket.state in ENDS for place in ended)
        assert all(place.ended_at is None for place in live)
        now = {place.ticket.id for place in (*ended, *live)}
        assert now >= self.world.tickets, "a ticket is gone from the record"
        self.world.tickets |= now

    def nothing_is_done_twice_and_no_room_is_used_again(self) -> None:
        twice = [leg for leg, times in Counter(self.carrier.dialled).items() if times > 1]
        assert not twice, "a leg was dialled twice"
        with self.world.records.seen() as tx:
            claims = tx.claims.live()
        for claim in claims:
            token = self.rooms.setdefault((claim.ticket, claim.attempt), claim.token)
            assert token == claim.token, "two claims of one ticket have one room"
        for room, met in self.carrier.met.items():
            assert len(met) <= 1, f"two agents were in {room}"

    def the_order_was_kept(self) -> None:
        assert not self.problems, self.problems

    def order_is_kept(self, floor: RedisFloor, found: Candidates, matches: int) -> None:
        """What is about to be chosen, against all that stands on the floor.

        A ticket that the floor does not know yet (its hint is late or lost) is found by the comparison of the sweep.
        """
        now = self.world.clock.at
        with suppress(FloorLost):
            there = floor.snapshot(now)
            with self.world.records.seen() as tx:
                live, crew = tx.tickets.live(), tx.agents.all()
            waiting = [place.ticket for place in live if stands_in_line(place)]
            standing = [seen for one in waiting if one.id in there.in_line and (seen := waiting_at(one, now, RULES))]
            pairs = best_pairs(found.waiting, found.free, RULES, matches)
            known = {one.agent: one for one in there.free}
            for pair in pairs[:1]:
                self._nobody_is_passed(pair, standing, known)
            free = {a.record.name: free_agent(a) for a in crew if a.status.is_free(now)}
            if free == known and there.in_line == {one.id for one in waiting}:
                full = best_pairs(standing, list(free.values()), RULES, 1)
                if [(p.ticket, p.agents) for p in full] != [(p.ticket, p.agents) for p in pairs[:1]]:
                    self.problems.append(f"full scan: {full}, chosen: {pairs[:1]}")

    def _nobody_is_passed(self, pair: Pair, standing: Sequence[Any], free: dict[Any, FreeAgent]) -> None:
        chosen = next((one for one in standing if one.ticket == pair.ticket), None)
        if chosen is None:
            return  # the record knows better: it will refuse the claim
        for one in standing:
            if one.place < chosen.place and one.asked.need == chosen.asked.need:
                for agent in pair.agents:
                    if agent in free and one.asked.allows(agent) and serves(free[agent].offer, one.asked.need):
                        self.problems.append(f"{one.ticket} was passed: {pair}")

    # --- Once it settles ------------------------------------------------------------------------------------------

    def all_is_well_once_it_settles(self) -> None:
        """A minute for what is under way; twice as much for a call whose end the carrier never told.

        A call must be a minute old, and be missed in two looks at the carrier's list, before it counts as over.
        """
        self.world.settles(20)
        self.no_claim_stands_on_the_floor_alone()
        self.world.settles(40, every=10)
        self.nobody_is_stuck()
        self.world.settles(80, every=10)
        self.the_record_is_sound()
        self.nobody_is_stuck()
        self.the_floor_is_the_record()
        self.nobody_waits_while_somebody_could_take_them()
        self.phones_are_where_the_record_says()

    def no_claim_stands_on_the_floor_alone(self) -> None:
        """As after a process that died between its claim and the record of it."""
        now = self.world.clock.at
        seen = self.world.office.queueing.care.floor.ask(lambda floor: floor.snapshot(now))
        with self.world.records.seen() as tx:
            offered = {claim.token for claim in tx.claims.live() if claim.state is ClaimState.OFFERED}
        assert {claim.token for claim in seen.claims} <= offered

    def nobody_is_stuck(self) -> None:
        now = self.world.clock.at
        with self.world.records.seen() as tx:
            claims, places, crew = tx.claims.live(), tx.tickets.live(), tx.agents.all()
        for claim in claims:
            if claim.state is ClaimState.OFFERED:
                assert now - claim.made_at <= LAPSES + timedelta(seconds=4 * SWEEP), claim
        fine = {TicketState.IN_LINE, TicketState.CLAIMED, TicketState.TALKING, TicketState.AWAY}
        assert {place.ticket.state for place in places} <= fine
        for each in crew:
            until = each.status.wrap_up_until
            assert until is None or until > now, f"{each} wraps up for ever"

    def the_floor_is_the_record(self) -> None:
        now = self.world.clock.at
        seen = self.world.office.queueing.care.floor.ask(lambda floor: floor.snapshot(now))
        with self.world.records.seen() as tx:
            stands = on_record(tx, now)
        claimed = {claim.ticket: (set(claim.agents), claim.token) for claim in stands.claims}
        reserved = {agent for agents, _ in claimed.values() for agent in agents}
        assert {one.ticket: (set(one.agents), one.token) for one in seen.claims} == claimed
        assert seen.in_line | seen.resting == {one.id for one in stands.tickets} - claimed.keys()
        assert {one.agent for one in seen.free} == {one.agent for one in stands.agents} - reserved

    def nobody_waits_while_somebody_could_take_them(self) -> None:
        now = self.world.clock.at
        with self.world.records.seen() as tx:
            places, crew = tx.tickets.live(), tx.agents.all()
            on_the_phone = {leg.agent for leg in tx.legs.unfinished()}
        line = [place.ticket for place in places if stands_in_line(place)]
        waiting = [seen for one in line if (seen := waiting_at(one, now, RULES))]
        idle = [each for each in crew if each.status.is_free(now) and each.record.name not in on_the_phone]
        free = [free_agent(each) for each in idle]
        assert not best_pairs(waiting, free, RULES, 1)

    def phones_are_where_the_record_says(self) -> None:
        """Whoever waits has a place, and nobody is alone in a room."""
        with self.world.records.seen() as tx:
            places = {place.ticket.id: place for place in tx.tickets.live()}
            claims = {claim.token: claim for claim in tx.claims.live()}
            legs = {leg.id: leg for leg in tx.legs.unfinished()}
        calls = {place.ticket.call: place for place in places.values()}
        for phone in self.up(agents=False):
            place = calls.get(phone.ours)  # type: ignore[call-overload]
            assert place is not None, f"{phone} is on the line, and nothing knows of it"
            if phone.place == "parked":
                assert place.ticket.state in (TicketState.IN_LINE, TicketState.CLAIMED), (phone, place)
            else:
                assert (phone.place, phone.room) == ("room", room_of(place)), (phone, place)
                assert [a.ours for a in self.up("room", agents=True) if a.room == phone.room], f"alone in {phone.room}"
        for phone in self.up(agents=True):
            leg = legs.get(phone.ours)  # type: ignore[call-overload]
            assert leg is not None and leg.token in claims, f"{phone} is on the line for nothing"
        for place in places.values():
            if place.ticket.state in (TicketState.IN_LINE, TicketState.CLAIMED, TicketState.TALKING):
                assert any(phone.ours == place.ticket.call for phone in self.up(agents=False)), f"{place}: nobody there"


def _always(_: QueueAsItHappens) -> bool:
    return True


HAPPENS: Mapping[str, tuple[int, Callable[[QueueAsItHappens], Any]]] = {
    "somebody_rings": (3, _always),
    "a_caller_hangs_up": (1, lambda queue: queue.up(agents=False)),
    "a_caller_presses_a_key": (1, lambda queue: queue.up("parked")),
    "an_agent_signs_in": (4, _always),
    "an_agent_stops": (1, _always),
    "a_phone_rings": (2, lambda queue: queue.up("ringing")),
    "an_agent_answers": (6, lambda queue: queue.up("ringing")),
    "an_agent_takes_a_call": (6, lambda queue: queue.up("ringing")),
    "an_agent_presses": (8, lambda queue: queue.up("asked", agents=True)),
    "an_agents_line_ends": (2, lambda queue: queue.up(agents=True)),
    "an_agent_ends_a_talk": (4, lambda queue: queue.up("room", agents=True)),
    "a_caller_ends_a_talk": (2, lambda queue: queue.up("room", agents=False)),
    "a_room_is_closed": (1, lambda queue: queue.up("room")),
    "a_webhook_arrives": (6, lambda queue: queue.carrier.webhooks),
    "an_old_webhook_comes_again": (1, lambda queue: queue.told),
    "news_is_lost": (1, lambda queue: queue.news()),
    "a_hint_is_heeded": (6, lambda queue: queue.world.hints.waiting),
    "an_old_hint_comes_again": (1, lambda queue: queue.heeded),
    "hints_are_lost": (1, lambda queue: queue.world.hints.waiting),
    "all_is_told_in_order": (5, _always),
    "time_passes": (4, _always),
    "something_breaks_soon": (2, _always),
    "the_carrier_is_in_a_mood": (1, _always),
    "redis_is_wiped": (1, _always),
}
"""What may happen, how often, and when it can."""


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        QueueAsItHappens,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(600)  # a failing run is shrunk
def test_the_queue_keeps_its_word_whatever_happens() -> None:
    run(6, 30)
