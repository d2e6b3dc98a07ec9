"""The talk in the hands of its agent: hold, and back into line for another agent or another queue.

Each is written first and done after: the hint, or else the sweep, points the legs to where the record says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core import waiting
from ivr.core.company import Queue
from ivr.core.errors import ChangedMeanwhile, IvrError, NoSuchCall
from ivr.core.events import TalkHeld, Transferred
from ivr.core.flow import cursor as cursors
from ivr.core.flow.turn import Utterance, Wording
from ivr.core.leg import GUESTS, Leg, LegState
from ivr.core.ticket import Ticket, TicketEvent, TicketState, after
from ivr.core.whisper import spoken
from ivr.core.words import AgentId, QueueName, TicketId
from ivr.switchboard.ports.queue import TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows
from ivr.switchboard.record import places


class NobodyTalks(IvrError):
    """Nobody talks at this place in line."""


class TransferRefused(IvrError):
    """This caller cannot be transferred there."""


def hold(tx: Transaction, ticket: TicketId, now: datetime) -> None:
    """The caller hears words and music from now on; again changes nothing. Raises NoSuchTicket, NobodyTalks."""
    place = talking(tx, ticket)
    if place.held_at is None:
        _held(tx, replace(place, held_at=now, hold_due_at=now), now)


def resume(tx: Transaction, ticket: TicketId, now: datetime) -> None:
    """Back into the talk. Raises NoSuchTicket, NobodyTalks."""
    place = talking(tx, ticket)
    if place.held_at is not None:
        _held(tx, replace(place, held_at=None, hold_due_at=now), now)


def to_agent(tx: Transaction, ticket: TicketId, agent: AgentId, wrap_up: timedelta, now: datetime) -> None:
    """Back into line, at the same place, for this agent; then for who transferred it, and only then for anybody.

    Skills that the agent lacks are asked for no longer: a person chose. Raises NoSuchTicket, NobodyTalks, NoSuchAgent,
    TransferRefused.
    """
    place = talking(tx, ticket)
    offer = tx.agents.get(agent).record.brings()
    if agent == place.agent:
        raise TransferRefused(f"{agent} talks to them already")
    if place.ticket.queue not in offer.queues:
        raise TransferRefused(f"{agent} does not answer for queue '{place.ticket.queue}'")
    back = replace(
        place.ticket,
        needs={skill: level for skill, level in place.ticket.needs.items() if offer.levels.get(skill, 0) >= level},
        last_agent=agent,
        last_agent_until=now + places.HANDED_FOR + places.HANDED_SLACK,
        refused_by=place.ticket.refused_by - {agent},
    )
    _handed(tx, place, back, agent, wrap_up, now)


def to_queue(tx: Transaction, ticket: TicketId, queue: QueueName, wrap_up: timedelta, now: datetime) -> None:
    """Into the line of a queue, with the arrival they have. Raises NoSuchTicket, NobodyTalks."""
    place = talking(tx, ticket)
    assert place.agent is not None
    back = replace(
        place.ticket,
        queue=queue,
        needs={},
        preferred={},
        relaxations=(),
        last_agent=None,
        last_agent_until=None,
        refused_by=frozenset({place.agent}),
    )
    _handed(tx, place, back, None, wrap_up, now)


def _handed(
    tx: Transaction, place: TicketOnRecord, back: Ticket, to: AgentId | None, wrap_up: timedelta, now: datetime
) -> None:
    assert place.agent is not None
    places.agent_done(tx, place, "handed", wrap_up, now)
    places.colleagues_go(tx, place.ticket.id)
    places.note(tx, place, [Transferred(back.id, place.agent, back.queue, to, "handed")], now)
    back = replace(back, state=after(place.ticket.state, TicketEvent.PUT_BACK), not_before=None)
    _write(
        tx,
        replace(
            place,
            ticket=back,
            agent=None,
            taken_at=None,
            handed_by=place.agent,
            handed_to=to,
            held_at=None,
            hold_due_at=None,
        ),
    )


def _held(tx: Transaction, place: TicketOnRecord, now: datetime) -> None:
    _write(tx, place)
    places.note(tx, place, [TalkHeld(place.ticket.id, place.agent or "", place.held_at is not None)], now)


def talking(tx: Transaction, ticket: TicketId) -> TicketOnRecord:
    """The place in line of a talk that is on. Raises NoSuchTicket, NobodyTalks."""
    place = tx.tickets.get(ticket)
    if place.ticket.state is not TicketState.TALKING or place.agent is None:
        raise NobodyTalks
    return place


def guest_of(tx: Transaction, place: TicketOnRecord) -> Leg | None:
    """The leg of whoever is in a talk beside its agent, or is rung for it: a colleague, or a number outside."""
    legs = tx.legs.of_ticket(place.ticket.id)
    there = (leg for leg in legs if leg.kind in GUESTS and leg.attempt == place.attempt)
    return next((leg for leg in there if leg.state is not LegState.ENDED and not leg.unwanted), None)


def _write(tx: Transaction, place: TicketOnRecord) -> None:
    if not tx.tickets.change(place):
        raise ChangedMeanwhile


@dataclass(frozen=True)
class HoldMusic:
    """What a caller on hold hears, round after round: words, then the queue's music. It writes nothing."""

    records: Records
    flows: Flows
    clock: Clock
    wording: Wording
    sounds: frozenset[str]

    def __call__(self, ticket: TicketId) -> tuple[Utterance, ...]:
        """Raises NoSuchTicket, NoSuchCall, RecordsUnavailable."""
        with self.records.read() as tx:
            place = tx.tickets.get(ticket)
            if place.ticket.call is None:
                raise NoSuchCall
            call = tx.calls.at(place.ticket.call)
        version = self.flows.version(call.version)
        language = place.ticket.language or cursors.from_json(call.cursor).language
        sentence = "transfer" if places.outside(place) else "hold_words"
        words = spoken(version.company, self.wording, language, self.clock.now(), sentence)
        queue = version.company.queues.get(place.ticket.queue) or Queue(place.ticket.queue)
        return (words, *waiting.music(queue, self.sounds, False)[0])


def wrap_up_of(tx: Transaction, flows: Flows, ticket: TicketId) -> timedelta:
    """The queue's, by the flow version of the call. Raises NoSuchTicket."""
    place = tx.tickets.get(ticket)
    if place.ticket.call is None:
        return timedelta()
    queue = flows.version(tx.calls.at(place.ticket.call).version, tx).company.queues.get(place.ticket.queue)
    return queue.wrap_up if queue else timedelta()


def refuse_unknown_queue(tx: Transaction, flows: Flows, ticket: TicketId, queue: QueueName) -> None:
    """Raises NoSuchTicket, TransferRefused."""
    place = tx.tickets.get(ticket)
    if (
        place.ticket.call is None
        or queue not in flows.version(tx.calls.at(place.ticket.call).version, tx).company.queues
    ):
        raise TransferRefused(f"company.yaml has no queue '{queue}'")
