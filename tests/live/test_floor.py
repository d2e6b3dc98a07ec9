"""The floor on a real Redis: each script, and what must hold for any floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given, settings

from ivr.core.errors import FloorLost, FloorUnavailable
from ivr.core.routing.decide import FreeAgent, Rules, Strategy, best_pair, best_pairs
from ivr.core.routing.skills import Need, Offer
from ivr.core.ticket import Relaxation, Ticket
from ivr.live import keys
from ivr.live.floor import RedisFloor, connect, need_of, need_text, offer_of, offer_text
from ivr.switchboard.ports.floor import Claim, FloorAnswer, StandingClaim
from tests.core.routing import floors
from tests.core.routing.builders import NOW, agent, seconds, ticket

LAPSES = NOW + seconds(20)
Build = Callable[..., RedisFloor]


def fill(floor: RedisFloor, tickets: list[Ticket], agents: list[FreeAgent], now: datetime = NOW) -> None:
    for one in agents:
        assert floor.agent_free(one, now) is FloorAnswer.DONE
    for waits in tickets:
        assert floor.put(waits, now) is FloorAnswer.DONE


def chosen(floor: RedisFloor, rules: Rules, now: datetime = NOW, pairs: int = 1) -> list[tuple[str, tuple[str, ...]]]:
    found = floor.candidates(now, pairs)
    return [(pair.ticket, pair.agents) for pair in best_pairs(found.waiting, found.free, rules, pairs)]


def test_a_claim_takes_both_off_the_floor(floor: RedisFloor) -> None:
    fill(floor, [ticket("t")], [agent("anna")])
    claim = floor.claim("t", ["anna"], "token", NOW, LAPSES)
    assert (claim.answer, claim.agents, claim.fence) == (FloorAnswer.CLAIMED, ("anna",), 10**9 + 1)
    seen = floor.snapshot(NOW)
    assert (seen.in_line, seen.resting, seen.free) == (frozenset(), frozenset(), ())
    assert [(c.ticket, c.agents, c.token, c.fence, c.lapses) for c in seen.claims] == [
        ("t", ("anna",), "token", claim.fence, LAPSES)
    ]


def test_a_second_claim_finds_the_ticket_gone_or_the_agent_taken(floor: RedisFloor) -> None:
    fill(floor, [ticket("t"), ticket("u", order=1)], [agent("anna"), agent("bruno")])
    floor.claim("t", ["anna"], "1", NOW, LAPSES)
    assert floor.claim("t", ["bruno"], "2", NOW, LAPSES).answer is FloorAnswer.TICKET_GONE
    assert floor.claim("u", ["anna"], "3", NOW, LAPSES).answer is FloorAnswer.AGENT_TAKEN
    assert floor.claim("u", ["bruno"], "4", NOW, LAPSES).fence == 10**9 + 2


@pytest.mark.parametrize(
    "waits",
    [
        ticket("t", queue="repairs"),
        ticket("t", needs={"it": 1}),
        ticket("t", refused_by=frozenset({"anna"})),
        ticket("t", last_agent="bruno", last_agent_until=LAPSES),
    ],
)
def test_the_claim_itself_refuses_an_agent_who_may_not_have_the_ticket(floor: RedisFloor, waits: Ticket) -> None:
    fill(floor, [waits], [agent("anna")])
    assert floor.claim("t", ["anna"], "1", NOW, LAPSES).answer is FloorAnswer.AGENT_TAKEN
    assert floor.candidates(NOW).waiting == ()


def test_of_several_agents_those_still_free_are_reserved_and_the_others_go_free_at_the_accept(
    floor: RedisFloor,
) -> None:
    fill(floor, [ticket("t"), ticket("u", order=1)], [agent("anna", 3), agent("bruno", 2), agent("carla", 1)])
    floor.claim("u", ["anna"], "0", NOW, LAPSES)
    claim = floor.claim("t", ["anna", "bruno", "carla"], "1", NOW, LAPSES)
    assert claim.agents == ("bruno", "carla")
    assert floor.accept("t", "anna", "1", NOW)[0] is FloorAnswer.CLAIM_GONE
    assert floor.accept("t", "carla", "1", NOW) == (FloorAnswer.ACCEPTED, ("bruno",))
    assert floor.accept("t", "carla", "1", NOW)[0] is FloorAnswer.CLAIM_GONE
    assert [(one.agent, one.since) for one in floor.snapshot(NOW).free] == [("bruno", NOW - seconds(2))]


def test_a_token_of_another_claim_opens_nothing(floor: RedisFloor) -> None:
    fill(floor, [ticket("t")], [agent("anna")])
    floor.claim("t", ["anna"], "1", NOW, LAPSES)
    assert floor.accept("t", "anna", "2", NOW)[0] is FloorAnswer.CLAIM_GONE
    assert floor.release(ticket("t"), "2", NOW) is FloorAnswer.CLAIM_GONE
    assert len(floor.snapshot(NOW).claims) == 1


def test_a_refused_caller_keeps_the_place_and_is_not_offered_to_the_same_agent(floor: RedisFloor) -> None:
    first, second = ticket("first", 60), ticket("second", 30, 1)
    fill(floor, [first, second], [agent("anna"), agent("bruno")])
    floor.claim("first", ["anna"], "1", NOW, LAPSES)
    refused = replace(first, refused_by=frozenset({"anna"}))
    assert floor.release(refused, "1", NOW, ["anna"]) is FloorAnswer.DONE
    assert chosen(floor, Rules(), pairs=2) == [("first", ("bruno",)), ("second", ("anna",))]


def test_whom_a_claim_had_reserved_is_free_again_only_when_named(floor: RedisFloor) -> None:
    fill(floor, [ticket("t")], [agent("anna", 50)])
    floor.claim("t", ["anna"], "1", NOW, LAPSES)
    floor.release(ticket("t"), "1", NOW)
    assert floor.candidates(NOW).waiting == ()
    assert floor.agent_free(agent("anna", 50), NOW) is FloorAnswer.DONE
    assert chosen(floor, Rules()) == [("t", ("anna",))]


def test_a_claim_that_came_on_no_record_is_as_if_it_had_never_been(floor: RedisFloor) -> None:
    fill(floor, [ticket("first", 60), ticket("second", 30, 1)], [agent("anna", 50), agent("bruno", 40)])
    before = floor.snapshot(NOW)
    floor.claim("first", ["anna", "bruno"], "1", NOW, LAPSES)
    assert floor.take_back("first", "another", NOW) is FloorAnswer.CLAIM_GONE
    assert floor.take_back("first", "1", NOW) is FloorAnswer.DONE
    assert floor.take_back("first", "1", NOW) is FloorAnswer.CLAIM_GONE
    assert floor.snapshot(NOW) == before
    assert chosen(floor, Rules(), pairs=2) == [("first", ("anna",)), ("second", ("bruno",))]


def test_a_lapsed_claim_comes_back_to_the_same_place(floor: RedisFloor) -> None:
    fill(floor, [ticket("first", 60), ticket("second", 30, 1)], [agent("anna"), agent("bruno")])
    claim = floor.claim("first", ["anna"], "1", NOW, LAPSES)
    assert floor.lapsed(NOW + seconds(19)) == []
    (ended,) = floor.lapsed(LAPSES)
    assert (ended.ticket, ended.agents, ended.token, ended.fence) == ("first", ("anna",), "1", claim.fence)
    assert floor.lapsed(LAPSES) == []
    assert chosen(floor, Rules(), LAPSES) == [("first", ("bruno",))]


def test_a_claimed_ticket_and_a_claimed_agent_stay_so(floor: RedisFloor) -> None:
    fill(floor, [ticket("t")], [agent("anna")])
    floor.claim("t", ["anna"], "1", NOW, LAPSES)
    assert floor.put(ticket("t"), NOW) is FloorAnswer.CLAIMED
    assert floor.agent_free(agent("anna"), NOW) is FloorAnswer.CLAIMED
    assert floor.agent_not_free("anna", NOW) is FloorAnswer.CLAIMED
    assert floor.accept("t", "anna", "1", NOW)[0] is FloorAnswer.ACCEPTED


def test_a_caller_who_hangs_up_leaves_claimed_or_not(floor: RedisFloor) -> None:
    fill(floor, [ticket("t"), ticket("u", order=1)], [agent("anna")])
    floor.claim("t", ["anna"], "1", NOW, LAPSES)
    assert floor.withdraw("t", NOW) == (FloorAnswer.DONE, ("anna",))
    assert floor.withdraw("t", NOW) == (FloorAnswer.TICKET_GONE, ())
    assert floor.withdraw("u", NOW) == (FloorAnswer.DONE, ())
    seen = floor.snapshot(NOW)
    assert not seen.in_line and not seen.claims and not seen.free


def test_skills_are_relaxed_at_their_second_though_nobody_does_anything(floor: RedisFloor) -> None:
    steps = (Relaxation(seconds(30), ("it",)),)
    fill(floor, [ticket("t", needs={"it": 3}, relaxations=steps)], [agent("anna", skills={"it": 2})])
    assert chosen(floor, Rules(), NOW + seconds(29.999999)) == []
    assert chosen(floor, Rules(), NOW + seconds(30)) == [("t", ("anna",))]


def test_a_callback_rests_until_its_slot(floor: RedisFloor) -> None:
    fill(floor, [ticket("t", 500, not_before=NOW + seconds(60))], [agent("anna")])
    assert floor.snapshot(NOW).resting == {"t"}
    assert floor.claim("t", ["anna"], "1", NOW, LAPSES).answer is FloorAnswer.TICKET_GONE
    assert chosen(floor, Rules(), NOW + seconds(60)) == [("t", ("anna",))]


def test_a_boost_given_while_waiting_counts_at_the_next_match(floor: RedisFloor) -> None:
    fill(floor, [ticket("a", 60), ticket("b", 30, 1)], [agent("anna")])
    floor.put(ticket("b", 30, 1, boost=seconds(60)), NOW)
    assert chosen(floor, Rules()) == [("b", ("anna",))]


def test_a_need_is_known_to_agents_who_were_free_before_it(floor: RedisFloor) -> None:
    fill(floor, [], [agent("anna", skills={"wine": 5}), agent("bruno")])
    fill(floor, [ticket("t", needs={"wine": 4})], [])
    assert chosen(floor, Rules()) == [("t", ("anna",))]


def test_of_choices_the_first_that_hold_are_claimed(floor: RedisFloor) -> None:
    fill(floor, [ticket(f"t{n}", order=n) for n in range(4)], [agent(f"a{n}", 9 - n) for n in range(4)])
    found = floor.candidates(NOW, 4)
    pairs = best_pairs(found.waiting, found.free, Rules(), 4)
    assert [(p.ticket, p.agents[0]) for p in pairs] == [(f"t{n}", f"a{n}") for n in range(4)]
    floor.withdraw("t0", NOW)
    claims = floor.claim_first([(p, f"token {p.ticket}") for p in pairs], NOW, LAPSES)
    assert [(c.ticket, c.answer) for c in claims] == [("t0", FloorAnswer.TICKET_GONE), ("t1", FloorAnswer.CLAIMED)]
    floor.agent_not_free("a2", NOW)
    claims = floor.claim_first([(p, f"token {p.ticket}") for p in pairs], NOW, LAPSES, at_most=4)
    assert [(c.ticket, c.answer) for c in claims][2:] == [("t2", FloorAnswer.AGENT_TAKEN)]
    assert "t3" in floor.snapshot(NOW).in_line


def test_another_epoch_changes_nothing(floor: RedisFloor, floor_redis: redis.Redis) -> None:
    fill(floor, [ticket("t")], [agent("anna")])
    before = {name: floor_redis.dump(name) for name in floor_redis.scan_iter("*")}
    stale = floor.under(7)
    lost = FloorAnswer.FLOOR_LOST
    assert stale.put(ticket("u"), NOW) is lost
    assert stale.withdraw("t", NOW) == (lost, ())
    assert stale.agent_free(agent("bruno"), NOW) is lost
    assert stale.agent_not_free("anna", NOW) is lost
    assert stale.claim("t", ["anna"], "1", NOW, LAPSES).answer is lost
    assert stale.accept("t", "anna", "1", NOW) == (lost, ())
    assert stale.release(ticket("t"), "1", NOW) is lost
    assert stale.take_back("t", "1", NOW) is lost
    for ask in (stale.candidates, stale.lapsed, stale.snapshot):
        with pytest.raises(FloorLost):
            ask(NOW)
    assert {name: floor_redis.dump(name) for name in floor_redis.scan_iter("*")} == before


def test_a_wiped_redis_is_a_lost_floor_and_is_rebuilt_in_order(floor: RedisFloor, floor_redis: redis.Redis) -> None:
    line = [ticket(f"t{n}", 100 - n, n) for n in range(200)]
    crew = [agent(f"a{n}", n) for n in range(50)]
    fill(floor, line[:20], crew[:5])
    claim = floor.claim("t3", ["a3"], "token", NOW, LAPSES)
    floor_redis.flushdb()
    with pytest.raises(FloorLost):
        floor.candidates(NOW)
    (standing,) = floor.rebuild(2, line, crew, [_standing(claim)], NOW)
    assert standing.answer is FloorAnswer.CLAIMED and standing.fence > claim.fence
    again = floor.under(2)
    with pytest.raises(FloorLost):
        floor.snapshot(NOW)
    with pytest.raises(FloorLost):
        floor.rebuild(2, line, crew, [], NOW)
    assert again.accept("t3", "a3", "token", NOW)[0] is FloorAnswer.ACCEPTED
    served = []
    while pairs := chosen(again, Rules(), pairs=1):
        (name, agents) = pairs[0]
        assert again.claim(name, agents, name, NOW, LAPSES).answer is FloorAnswer.CLAIMED
        served.append(name)
    assert served == [one.id for one in line if one.id != "t3"][:49]


def _standing(claim: Claim) -> StandingClaim:
    return StandingClaim(claim.ticket, claim.agents, claim.token, claim.fence, LAPSES)


def test_nothing_of_an_old_epoch_stays(new_floor: Build, floor_redis: redis.Redis) -> None:
    fill(new_floor(), [ticket("t")], [agent("anna")])
    new_floor()
    names = list(floor_redis.scan_iter("*"))
    assert sorted(names) == ["{floor}:2:fence", keys.BUILDING, keys.EPOCH]


def test_every_name_lies_under_the_tag_and_nothing_expires(floor: RedisFloor, floor_redis: redis.Redis) -> None:
    fill(floor, [ticket("t", needs={"wine": 2}, relaxations=(Relaxation(seconds(9), ("wine",)),))], [agent("anna")])
    fill(floor, [ticket("u", last_agent="anna", last_agent_until=LAPSES, refused_by=frozenset({"bruno"}))], [])
    floor.claim("u", ["anna"], "1", NOW, LAPSES)
    beginnings = tuple(keys.prefix(1) + inside for inside, _ in keys.NAMES.values())
    for name in floor_redis.scan_iter("*"):
        assert name in (keys.EPOCH, keys.BUILDING) or name.startswith(beginnings)
        assert floor_redis.ttl(name) == -1


SCRIPTS = sorted((Path(keys.__file__).parent / "lua").glob("*.lua"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_each_script_says_its_keys_and_arguments_and_never_asks_the_time(script: Path) -> None:
    text = script.read_text()
    head = text[: text.index("\n", text.rindex("\n-- ", 0, 1200))]
    assert text.startswith("-- ") and "KEYS" in head and "ARGV" in head
    for never in ("EXPIRE", "'TIME'", "{floor}"):
        assert never not in text


def test_a_redis_that_is_down_is_said_so(tmp_path: Path) -> None:
    floor = RedisFloor(connect(f"unix://{tmp_path}/nobody.sock"), Rules(), 1)
    with pytest.raises(FloorUnavailable):
        floor.put(ticket("t"), NOW)
    with pytest.raises(FloorUnavailable):
        floor.rebuild(1, [], [], [], NOW)


def test_odd_names_are_carried_whole(floor: RedisFloor) -> None:
    need = Need("l'ordine | [a],b:c\t", (("più è:3", 2),))
    offer = Offer(frozenset({need.queue, "x,y"}), need.skills)
    assert need_of(need_text(need)) == need
    assert offer_of(offer_text(offer)) == offer
    waits = ticket("t", queue=need.queue, needs={"più è:3": 2}, refused_by=frozenset({'an"na', "[b]"}))
    fill(floor, [waits], [FreeAgent("dora ' |", offer, NOW)])
    assert chosen(floor, Rules()) == [("t", ("dora ' |",))]
    with pytest.raises(ValueError, match="control"):
        floor.agent_free(FreeAgent("a\tb", offer, NOW), NOW)


property_test = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@property_test
@given(line=floors.lines(), crew=floors.crews(), rules=floors.rules, now=floors.moments)
def test_candidates_and_choice_are_the_full_scan(
    new_floor: Build, line: list[Ticket], crew: list[FreeAgent], rules: Rules, now: datetime
) -> None:
    """To the last match: each time the index and the scan of everything choose the same ticket and the same agents."""
    floor = new_floor(rules)
    fill(floor, line, crew)
    tokens = count()
    while True:
        scanned = best_pair(line, crew, now, rules)
        assert chosen(floor, rules, now) == ([(scanned.ticket, scanned.agents)] if scanned else [])
        if scanned is None:
            return
        claim = floor.claim(scanned.ticket, scanned.agents, str(next(tokens)), now, LAPSES)
        assert (claim.answer, claim.agents) == (FloorAnswer.CLAIMED, scanned.agents)
        line = [one for one in line if one.id != scanned.ticket]
        crew = [one for one in crew if one.agent not in scanned.agents]


@property_test
@given(line=floors.lines(), crew=floors.crews(), rules=floors.rules, now=floors.moments)
def test_several_pairs_from_one_look_are_those_of_the_full_scan(
    new_floor: Build, line: list[Ticket], crew: list[FreeAgent], rules: Rules, now: datetime
) -> None:
    floor = new_floor(rules)
    fill(floor, line, crew)
    pairs = chosen(floor, rules, now, pairs=4)
    for ticket_id, agents in pairs:
        scanned = best_pair(line, crew, now, rules)
        assert scanned is not None and (scanned.ticket, scanned.agents) == (ticket_id, agents)
        line = [one for one in line if one.id != scanned.ticket]
        crew = [one for one in crew if one.agent not in scanned.agents]
    assert pairs or best_pair(line, crew, now, rules) is None


def test_strategies_are_the_index_order_too(new_floor: Build) -> None:
    crew = [
        agent("anna", 90, calls=9, last_offer=3, rank=2),
        agent("bruno", 60, calls=1, last_offer=2, rank=3),
        agent("carla", 30, calls=5, last_offer=1, rank=4),
    ] + [agent(f"x{n}", 1, calls=20, last_offer=20, rank=20) for n in range(30)]
    for strategy, first in (("fewest_calls", "bruno"), ("round_robin", "carla"), ("top_down", "anna")):
        rules = Rules(otherwise=Strategy(strategy))
        floor = new_floor(rules)
        fill(floor, [ticket("t")], crew)
        assert chosen(floor, rules) == [("t", (first,))]
        assert len(floor.candidates(NOW).free) <= 24
