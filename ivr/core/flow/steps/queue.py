"""Wait for a person: a place in line, a talk, and on with the flow.

Where the caller stands is the ticket's business, not the cursor's: whatever brings the leg back here (the carrier's
queue let it go, we pointed it here), the ticket says what comes next.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta

from ivr.core.flow.model import QueueNode
from ivr.core.flow.steps import consent
from ivr.core.flow.steps.lookup import reason
from ivr.core.flow.turn import (
    EndTalk,
    Got,
    GotPlace,
    Heard,
    Join,
    LeavePlace,
    LeftQueue,
    LeftRoom,
    Park,
    TakePlace,
    Want,
    WantPlace,
)
from ivr.core.flow.walk import Fail, Leave, Wait, Walk
from ivr.core.ticket import TicketState

BROKEN = frozenset({"error", "queue-full", "system-error", "unknown"})
"""QueueResults after which the carrier will not park this leg ("TwiML Voice: <Enqueue>", attributes, action)."""

CODE = "callback.code"
"""What ``lookup: callback`` gives."""

PARKED, TALKING = "park", "talk"
"""Stages: in the carrier's queue; in a room with an agent."""


def queue_(walk: Walk, node: QueueNode, heard: Heard | None) -> Generator[Want, Got, Leave | Wait | Fail]:
    if walk.stage in consent.STAGES:
        question = consent.answered(walk, node.queue, heard)
        if question is not None:
            return question
        heard = None  # the place in line comes only now
    place = yield WantPlace(node.queue)
    if not isinstance(place, GotPlace):
        return Fail(reason(place))
    if heard is not None and place.language in walk.version.flow.languages:
        walk.language = place.language  # perhaps chosen while waiting
    place = after_this_turn(walk, place)
    match place.state:
        case TicketState.TALKING if isinstance(heard, LeftRoom):
            here = walk.company.queues.get(node.queue)
            walk.deeds.append(EndTalk(place.ticket, here.wrap_up.total_seconds() if here else 0.0))
            return Leave("when_done", "the talk is over")
        case TicketState.TALKING if place.room is not None:
            consent.recorded(walk, node.queue, place.ticket)
            return Wait(TALKING, Join(place.room))
        case TicketState.SERVED if heard is not None:
            return Leave("when_done", f"talked to {place.agent}" if place.agent else "was served")
        case TicketState.IN_LINE | TicketState.CLAIMED:
            return waits_on(walk, node, place, heard)
        case _ if place.callback and node.callback_to is not None:
            return Leave("callback", "is owed a call back already")
        case _:
            return consent.asked(walk, node.queue) or lines_up(walk, node, place)


def after_this_turn(walk: Walk, place: GotPlace) -> GotPlace:
    """The place as it will stand once this turn is on record: another queue may have been left in it."""
    for deed in walk.deeds:
        match deed:
            case LeavePlace(ticket) if ticket == place.ticket:
                place = replace(place, state=TicketState.LEFT, wish="")
            case EndTalk(ticket) if ticket == place.ticket:
                place = replace(place, state=TicketState.SERVED)
            case _:
                pass
    return place


def lines_up(walk: Walk, node: QueueNode, place: GotPlace) -> Wait:
    """A new place, or the one they had: after a dropped line, or before they tried another way."""
    again = place.state == TicketState.AWAY
    ticket = place.ticket if again else place.new
    here = walk.company.queues.get(node.queue)
    walk.deeds.append(
        TakePlace(
            ticket=ticket,
            queue=node.queue,
            language=walk.language,
            needs={**(here.skills if here else {}), **node.skills},
            preferred=node.preferred,
            relax=node.relax,
            boost=timedelta(seconds=node.priority),
            node=node.name,
            last_agent=node.prefer == "last_agent",
            since=place.since if place.state == TicketState.LEFT else None,
            code=code if isinstance(code := walk.value(CODE), str) else None,
        )
    )
    if again:
        walk.say_sentence("place_kept")
    return parked(walk, node, ticket)


def waits_on(walk: Walk, node: QueueNode, place: GotPlace, heard: Heard | None) -> Leave | Wait | Fail:
    """Out of line by the way that was chosen while waiting; else in line as before."""
    if isinstance(heard, LeftQueue) and heard.how in BROKEN:
        walk.deeds.append(LeavePlace(place.ticket, "failed"))
        return Fail(f"the carrier's queue: {heard.how}")
    if place.wish and place.wish in dict(node.ways()):
        walk.deeds.append(LeavePlace(place.ticket, place.wish))
        return Leave(place.wish, f"chose {place.wish} while waiting")
    if walk.stage == TALKING and place.returned:
        walk.say_sentence(f"transfer_{place.returned}")
        walk.say_sentence("transfer_back")
    elif walk.stage == TALKING:
        walk.say_sentence("handed_over" if place.handed else "line_dropped")
    return parked(walk, node, place.ticket)


def parked(walk: Walk, node: QueueNode, ticket: str) -> Wait:
    return Wait(PARKED, Park(node.queue, walk.language, ticket))
