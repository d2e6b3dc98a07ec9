"""The floor in Redis: who waits, who is free, who is claimed. Scripts dispose; the choice is made in the core."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote

import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.commands.core import Script
from redis.retry import Retry

from ivr.core.errors import FloorBeingBuilt, FloorLost, FloorUnavailable
from ivr.core.routing.decide import RING_AT_ONCE, FreeAgent, Pair, Rules, Strategy, Waiting
from ivr.core.routing.skills import Asked, Need, Offer, Phase, Place, phases, serves
from ivr.core.ticket import Ticket
from ivr.core.words import AgentId, QueueName, TicketId
from ivr.live import keys
from ivr.switchboard.ports.floor import Candidates, Claim, FloorAnswer, FloorSnapshot, StandingClaim

EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
STARVING = -4 * 10**15
"""Added to the score of tickets past the starvation limit: before everybody else, and still exact in a double."""

FENCES_AN_EPOCH = 10**9
BUILT_WITHIN, BUILT_A_TICKET = timedelta(seconds=10), timedelta(milliseconds=2)
"""Whoever began to build a floor and takes longer has died over it."""

LAPSED_AT_ONCE = 100
PUT_AT_ONCE = 500
TICKETS_A_LANE = 2
"""Looked at for several matches; the next match in order is most often of another lane."""

PATIENCE_SECONDS = 2.0
READ_BEFORE = 20_000
"""So many entries are kept as read: the same ones head a need look after look."""

FIELDS: Mapping[Strategy, int] = {
    Strategy.LONGEST_IDLE: 1,
    Strategy.RING_ALL: 1,
    Strategy.FEWEST_CALLS: 3,
    Strategy.ROUND_ROBIN: 4,
    Strategy.TOP_DOWN: 5,
}
"""Which field of an agent's entry a strategy goes by; ties go by the entry itself: by since, then by agent."""

CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True)
class Known:
    """The needs and offers that the floor knew at a shape."""

    shape: str
    needs: Mapping[str, Need]
    offers: Mapping[str, Offer]


def connect(url: str) -> redis.Redis:
    """A client as the floor wants it: text, short patience, no silent repeats (a claim would be made twice)."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class RedisFloor:
    """The port ``Floor``. ``client`` must decode its answers (``connect``)."""

    def __init__(self, client: redis.Redis, rules: Rules, epoch: int = 0) -> None:
        self._redis = client
        self._rules = rules
        self._epoch = epoch
        self._names = (keys.EPOCH, keys.prefix(epoch))
        self._rung = RING_AT_ONCE if Strategy.RING_ALL in (*rules.strategies.values(), rules.otherwise) else 1
        self._known = Known("", {}, {})
        self._read_before: dict[str, FreeAgent] = {}
        self._scripts = _scripts(client)

    @property
    def epoch(self) -> int:
        return self._epoch

    def under(self, epoch: int) -> RedisFloor:
        return RedisFloor(self._redis, self._rules, epoch)

    # --- Tickets and agents -------------------------------------------------------------------------------------------

    def put(self, ticket: Ticket, now: datetime) -> FloorAnswer:
        steps = phases(ticket, self._rules.starving_after)
        args = [ticket.id, _order(ticket.order), _phases(steps), *_need_texts(steps)]
        return FloorAnswer(self._knowing(lambda: self._ask("put", now, args), _needs(steps), (), now))

    def withdraw(self, ticket: TicketId, now: datetime) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        return _answer_and_agents(self._ask("withdraw", now, [ticket]))

    def agent_free(self, agent: FreeAgent, now: datetime) -> FloorAnswer:
        args = [agent.agent, digest(agent.offer), entry(agent)]
        return FloorAnswer(self._knowing(lambda: self._ask("agent_free", now, args), (), (agent.offer,), now))

    def agent_not_free(self, agent: AgentId, now: datetime) -> FloorAnswer:
        return FloorAnswer(self._ask("agent_not_free", now, [agent]))

    # --- Matches ------------------------------------------------------------------------------------------------------

    def candidates(self, now: datetime, matches: int = 1) -> Candidates:
        lanes = matches
        tickets, agents = min(matches, TICKETS_A_LANE), max(matches, self._rung)
        while True:
            said = _not_lost(self._ask("candidates", now, [lanes, tickets, agents, matches]))
            if said == "more":
                continue
            found, left_out = self._read(said)
            if found.waiting or not left_out:
                return found
            lanes *= 2  # a tie at the very front, with a lane that was not looked at

    def claim(self, ticket: TicketId, agents: Sequence[AgentId], token: str, now: datetime, lapses: datetime) -> Claim:
        return self._claim([ticket, token, len(agents), *agents], {ticket: token}, now, lapses, 1)[0]

    def claim_first(
        self, choices: Sequence[tuple[Pair, str]], now: datetime, lapses: datetime, at_most: int = 1
    ) -> Sequence[Claim]:
        if not choices:
            return []
        args: list[str | int] = []
        for match, token in choices:
            args += (match.ticket, token, len(match.agents), *match.agents)
        return self._claim(args, {match.ticket: token for match, token in choices}, now, lapses, at_most)

    def accept(
        self, ticket: TicketId, agent: AgentId, token: str, now: datetime
    ) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
        return _answer_and_agents(self._ask("accept", now, [ticket, agent, token]))

    def release(self, ticket: Ticket, token: str, now: datetime, free_again: Sequence[AgentId] = ()) -> FloorAnswer:
        steps = phases(ticket, self._rules.starving_after)
        needs = _need_texts(steps)
        standing = [ticket.id, token, _order(ticket.order), _phases(steps)]
        args = [*standing, str(len(needs)), *needs, *free_again]
        return FloorAnswer(self._knowing(lambda: self._ask("release", now, args), _needs(steps), (), now))

    def take_back(self, ticket: TicketId, token: str, now: datetime) -> FloorAnswer:
        return FloorAnswer(self._ask("take_back", now, [ticket, token]))

    def lapsed(self, now: datetime) -> Sequence[StandingClaim]:
        ended: list[StandingClaim] = []
        while said := _not_lost(self._ask("lapse", now, [LAPSED_AT_ONCE])):
            for line in said.split("\n"):
                ticket, token, fence, *agents = line.split("\t")
                names = tuple(AgentId(agent) for agent in agents)
                ended.append(StandingClaim(TicketId(ticket), names, token, int(fence), now))
        return ended

    # --- The whole ----------------------------------------------------------------------------------------------------

    def form(self, ticket: Ticket) -> str:
        return f"{_order(ticket.order)}\n{_phases(phases(ticket, self._rules.starving_after))}"

    def snapshot(self, now: datetime) -> FloorSnapshot:
        tickets, standing, agents, claims = _not_lost(self._ask("snapshot", now, []))
        in_line = frozenset(TicketId(ticket) for ticket in standing[::2])
        claimed = {ticket: json.loads(text) for ticket, text in _pairs(claims)}
        return FloorSnapshot(
            {TicketId(ticket): form for ticket, form in _pairs(tickets)},
            in_line,
            frozenset(TicketId(ticket) for ticket in tickets[::2]) - in_line - claimed.keys(),
            tuple(self._agent(text, now) for text in agents[1::2]),
            tuple(_standing(ticket, claim) for ticket, claim in claimed.items()),
        )

    def rebuild(
        self,
        epoch: int,
        tickets: Sequence[Ticket],
        agents: Sequence[FreeAgent],
        claims: Sequence[StandingClaim],
        now: datetime,
    ) -> Sequence[Claim]:
        new = self.under(epoch)
        new._open(now, now + BUILT_WITHIN + len(tickets) * BUILT_A_TICKET)
        steps = [phases(ticket, self._rules.starving_after) for ticket in tickets]
        needs = dict.fromkeys(need for each in steps for need in _needs(each))
        new._learn(tuple(needs), tuple(dict.fromkeys(agent.offer for agent in agents)), now)
        new._ask_all("agent_free", now, ([a.agent, digest(a.offer), entry(a)] for a in agents))
        new._ask_all(
            "put",
            now,
            (
                [ticket.id, _order(ticket.order), _phases(each), *_need_texts(each)]
                for ticket, each in zip(tickets, steps, strict=True)
            ),
        )
        made = [new.claim(one.ticket, one.agents, one.token, now, one.lapses) for one in claims]
        new._clear_away()
        return made

    # --- How it is asked ----------------------------------------------------------------------------------------------

    def _ask(self, name: str, now: datetime, args: Sequence[str | int]) -> Any:
        try:
            return self._scripts[name](keys=self._names, args=(self._epoch, micros(now), *args))
        except redis.RedisError as problem:
            raise FloorUnavailable from problem

    def _ask_all(self, name: str, now: datetime, calls: Iterable[Sequence[str | int]]) -> None:
        pipe: Pipeline = self._redis.pipeline(transaction=False)
        waiting = 0
        for args in calls:
            self._scripts[name](keys=self._names, args=(self._epoch, micros(now), *args), client=pipe)
            waiting += 1
            if waiting == PUT_AT_ONCE:
                self._send(pipe)
                waiting = 0
        self._send(pipe)

    def _send(self, pipe: Pipeline) -> None:
        try:
            for said in pipe.execute():
                _not_lost(said)
        except redis.RedisError as problem:
            raise FloorUnavailable from problem

    def _claim(
        self, args: Sequence[str | int], tokens: Mapping[TicketId, str], now: datetime, lapses: datetime, at_most: int
    ) -> list[Claim]:
        said = self._ask("claim", now, [micros(lapses), at_most, *args])
        if said == "floor_lost":
            return [Claim(FloorAnswer.FLOOR_LOST, next(iter(tokens)))]
        claims = []
        for line in said.split("\n"):
            answer, name, *rest = line.split("\t")
            ticket = TicketId(name)
            if not rest:
                claims.append(Claim(FloorAnswer(answer), ticket))
            else:
                agents = tuple(AgentId(agent) for agent in rest[1:])
                claims.append(Claim(FloorAnswer.CLAIMED, ticket, agents, tokens[ticket], int(rest[0])))
        return claims

    def _knowing(self, ask: Callable[[], Any], needs: Sequence[Need], offers: Sequence[Offer], now: datetime) -> str:
        """What a script says that may meet a need or an offer for the first time; it is learnt then."""
        while (said := ask()) == "unknown":
            self._learn(needs, offers, now)
        return str(said)

    def _learn(self, needs: Sequence[Need], offers: Sequence[Offer], now: datetime) -> None:
        while True:
            known = self._what_is_known(now)
            new_needs = {need_text(need): need for need in needs if need_text(need) not in known.needs}
            new_offers = {digest(offer): offer for offer in offers if digest(offer) not in known.offers}
            if not new_needs and not new_offers:
                return
            all_needs, all_offers = {**known.needs, **new_needs}, {**known.offers, **new_offers}
            serving = {name: self._served(offer, new_needs) for name, offer in known.offers.items()}
            serving |= {name: self._served(offer, all_needs) for name, offer in new_offers.items()}
            new = {
                "needs": {text: self._field(need) for text, need in new_needs.items()},
                "offers": {name: offer_text(offer) for name, offer in new_offers.items()},
                "serves": {name: served for name, served in serving.items() if served},
            }
            shape = _not_lost(self._ask("learn", now, [known.shape, json.dumps(new)]))
            if shape != "stale":
                self._known = Known(shape, all_needs, all_offers)
                return

    def _served(self, offer: Offer, needs: Mapping[str, Need]) -> list[str | int]:
        served: list[str | int] = []
        for text, need in needs.items():
            if serves(offer, need):
                served += (text, self._field(need))
        return served

    def _field(self, need: Need) -> int:
        return FIELDS[self._rules.strategy(need.queue)]

    def _what_is_known(self, now: datetime) -> Known:
        said = _not_lost(self._ask("known", now, [self._known.shape]))
        if said != "same":
            shape, needs, offers = said
            self._known = Known(
                shape,
                {text: need_of(text) for text in needs},
                {name: offer_of(text) for name, text in _pairs(offers)},
            )
        return self._known

    # --- What it says -------------------------------------------------------------------------------------------------

    def _read(self, said: str) -> tuple[Candidates, bool]:
        """Candidates up to what was left out, and whether anything was."""
        waiting: list[tuple[tuple[int, int], Waiting]] = []
        free: dict[str, FreeAgent] = {}
        bounds: list[tuple[int, int]] = []
        asked: Asked | None = None
        for line in said.split("\n") if said else ():
            kind, rest = line[0], line[1:]
            if kind == "A":
                name = rest.split("\t", 2)[1]
                if name not in free:
                    free[name] = self._agent(rest, None)
            elif kind == "L":
                asked = asked_of(rest)
            elif kind == "B":
                bounds.append((int(rest), -1))
            else:
                score_text, order_text, ticket = rest.split("\t")
                score, order = int(score_text), int(order_text)
                if kind == "X":
                    bounds.append((score, order))
                elif asked is not None:
                    waiting.append(((score, order), Waiting(TicketId(ticket), _place(score, order), asked)))
        if bounds:
            bound = min(bounds)
            waiting = [one for one in waiting if one[0] < bound]
        return Candidates(tuple(one for _, one in waiting), tuple(free.values())), bool(bounds)

    def _agent(self, text: str, now: datetime | None) -> FreeAgent:
        read = self._read_before.get(text)
        if read is not None:
            return read
        since, name, calls, last_offer, rank, offer = text.split("\t")
        known = self._known.offers.get(offer)
        if known is None:
            self._what_is_known(now or EPOCH_START)
            known = self._known.offers[offer]
        read = FreeAgent(AgentId(name), known, moment(int(since)), int(calls), int(last_offer), int(rank))
        if len(self._read_before) >= READ_BEFORE:
            self._read_before.clear()
        self._read_before[text] = read
        return read

    # --- A new floor --------------------------------------------------------------------------------------------------

    def _open(self, now: datetime, until: datetime) -> None:
        names = [keys.EPOCH, keys.prefix(self._epoch) + keys.NAMES["FENCE"][0], keys.BUILDING]
        first = self._epoch * FENCES_AN_EPOCH
        try:
            said = self._scripts["open"](keys=names, args=[self._epoch, first, micros(now), micros(until)])
        except redis.RedisError as problem:
            raise FloorUnavailable from problem
        if said == "building":
            raise FloorBeingBuilt
        _not_lost(said)

    def _clear_away(self) -> None:
        try:
            old = [n for n in self._redis.scan_iter(keys.EVERYTHING, 1000) if keys.of_other_epochs(n, self._epoch)]
            for start in range(0, len(old), PUT_AT_ONCE):
                self._redis.unlink(*old[start : start + PUT_AT_ONCE])
        except redis.RedisError as problem:
            raise FloorUnavailable from problem


# --- Between our words and the floor's --------------------------------------------------------------------------------


def micros(at: datetime) -> int:
    """Microseconds since 1970, never negative: what is before is "always"."""
    return max((at - EPOCH_START) // MICROSECOND, 0)


def moment(count: int) -> datetime:
    return EPOCH_START + timedelta(microseconds=count)


def need_text(need: Need) -> str:
    """``orders|it:3,wine:2``; begins with no bracket, and holds no tab and no line end."""
    return f"{quote(need.queue)}|{_skills(need.skills)}"


@lru_cache(maxsize=20_000)
def need_of(text: str) -> Need:
    queue, skills = text.split("|")
    return Need(QueueName(unquote(queue)), _skills_of(skills))


def offer_text(offer: Offer) -> str:
    return f"{','.join(sorted(quote(queue) for queue in offer.queues))}|{_skills(offer.skills)}"


@lru_cache(maxsize=20_000)
def offer_of(text: str) -> Offer:
    queues, skills = text.split("|")
    return Offer(frozenset(QueueName(unquote(queue)) for queue in queues.split(",") if queue), _skills_of(skills))


def digest(offer: Offer) -> str:
    """A short name for an offer, the same everywhere."""
    return hashlib.sha256(offer_text(offer).encode()).hexdigest()[:16]


def lane_text(asked: Asked) -> str:
    """The need, where nothing else is asked; otherwise all of it as JSON."""
    need = need_text(asked.need)
    if asked.prefers is None and asked.only is None and not asked.not_by:
        return need
    prefers = need_text(asked.prefers) if asked.prefers else ""
    return json.dumps([need, prefers, asked.only or "", sorted(asked.not_by)], separators=(",", ":"))


@lru_cache(maxsize=20_000)
def asked_of(lane: str) -> Asked:
    if not lane.startswith("["):
        return Asked(need_of(lane))
    need, prefers, only, not_by = json.loads(lane)
    return Asked(
        need_of(need), need_of(prefers) if prefers else None, AgentId(only) if only else None, frozenset(not_by)
    )


def entry(agent: FreeAgent) -> str:
    """An agent's entry: sorts by since, then by agent. Raises ValueError for a name with control characters."""
    if CONTROL.search(agent.agent):
        raise ValueError("an agent's id holds no control characters")
    figures = f"{agent.calls:010d}\t{agent.last_offer:010d}\t{agent.rank:010d}"  # of one width: compared as text
    return f"{micros(agent.since):017d}\t{agent.agent}\t{figures}\t{digest(agent.offer)}"


def _skills(skills: Iterable[tuple[str, int]]) -> str:
    return ",".join(f"{quote(skill)}:{level}" for skill, level in skills)


def _skills_of(text: str) -> tuple[tuple[str, int], ...]:
    pairs = (part.rsplit(":", 1) for part in text.split(",") if part)
    return tuple((unquote(skill), int(level)) for skill, level in pairs)


def _order(order: int) -> str:
    return f"{order:016d}"


def _score(place: Place) -> int:
    since = (place.counts_from - EPOCH_START) // MICROSECOND
    return since if place.not_starving else since + STARVING


def _place(score: int, order: int) -> Place:
    if score < STARVING // 4:
        return Place(False, moment(score - STARVING), order)
    return Place(True, moment(score), order)


def _phases(steps: Iterable[Phase]) -> str:
    return json.dumps([[micros(step.since), lane_text(step.asked), _score(step.place)] for step in steps])


def _needs(steps: Iterable[Phase]) -> tuple[Need, ...]:
    both = (need for step in steps for need in (step.asked.need, step.asked.prefers) if need is not None)
    return tuple(dict.fromkeys(both))


def _need_texts(steps: Iterable[Phase]) -> list[str]:
    return [need_text(need) for need in _needs(steps)]


def _not_lost(said: Any) -> Any:
    if said == "floor_lost":
        raise FloorLost
    return said


def _answer_and_agents(said: str) -> tuple[FloorAnswer, tuple[AgentId, ...]]:
    answer, *agents = said.split("\t")
    return FloorAnswer(answer), tuple(AgentId(agent) for agent in agents)


def _pairs(flat: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _standing(ticket: str, claim: Mapping[str, Any]) -> StandingClaim:
    agents = tuple(AgentId(held[0]) for held in claim["agents"])
    return StandingClaim(TicketId(ticket), agents, claim["token"], int(claim["fence"]), moment(int(claim["lapses"])))


def _scripts(client: redis.Redis) -> Mapping[str, Script]:
    folder = files("ivr.live") / "lua"
    texts = {
        file.name.removesuffix(".lua"): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    }
    shared = keys.prelude() + texts.pop("floor")
    alone = texts.pop("open")
    scripts = {name: client.register_script(shared + text) for name, text in texts.items()}
    return {**scripts, "open": client.register_script(alone)}
