"""A parked caller asks what to hear next, or pressed a key: one round of the wait document.

Reading decides, and one small guarded change keeps what will be said or was wished; whoever loses that race says
nothing new. The place in line is the ticket's: nothing here moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from ivr.core import hours as opening
from ivr.core import waiting
from ivr.core.agent import AgentStatus
from ivr.core.call import CallRecord
from ivr.core.callbacks import QueueNow
from ivr.core.company import Company, Queue
from ivr.core.errors import NoSuchCall
from ivr.core.events import CallerAnswered, CallEvent, LanguageChosen, QueueJoined, SaidToCaller
from ivr.core.flow import cursor as cursors
from ivr.core.flow.model import FlowVersion, QueueNode
from ivr.core.flow.speaking import Voice
from ivr.core.flow.turn import Cursor, Holidays, Utter, Utterance, Wording
from ivr.core.routing.skills import Offer, need_at, serves
from ivr.core.routing.wait_estimate import AtWork, Handled, RealWait, effective_agents, estimate
from ivr.core.ticket import ENDS, Ticket, TicketKind, TicketState
from ivr.core.waiting import LEAVING, NOTHING_NEW, Key, News, Standing, Told
from ivr.core.words import CallId, Language, TicketId
from ivr.switchboard.ports.queue import AnsweredTicket, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows

LOOKED_BACK = timedelta(hours=2)
"""Tickets that ended within it tell how long waits and talks are."""

KEPT = timedelta(seconds=5)
"""So long the waits of late are kept before they are read anew."""

Staff = Sequence[tuple[AgentStatus, Offer]]

TRIES = 3
"""So often a wish is written anew when somebody else changed the ticket meanwhile."""

IN_THE_LINE = frozenset({TicketState.IN_LINE, TicketState.CLAIMED})


@dataclass(frozen=True)
class WaitAnswer:
    """One round: words and music in which every key counts, then the next round; or out of the queue."""

    ticket: TicketId
    round: int
    utterances: tuple[Utterance, ...] = ()
    patience: int = waiting.PATIENCE  # seconds after the music in which a key still counts
    spoken: Language | None = None
    leaves: bool = False


class Lately:
    """What every round asks and few things change, kept by the process: hundreds who wait ask for it at once."""

    def __init__(self) -> None:
        self._answered: tuple[datetime, Sequence[AnsweredTicket]] | None = None
        self._staff: tuple[int, Staff] | None = None

    def answered(self, tx: Transaction, now: datetime) -> Sequence[AnsweredTicket]:
        """Who was answered of late; up to ``KEPT`` old."""
        kept = self._answered
        if kept is None or not timedelta() <= now - kept[0] < KEPT:
            kept = self._answered = (now, tx.tickets.answered_since(now - LOOKED_BACK))
        return kept[1]

    def staff(self, tx: Transaction) -> Staff:
        """The agents with what they bring, as they are now."""
        edition, kept = tx.agents.edition(), self._staff
        if kept is None or kept[0] != edition:
            kept = self._staff = (edition, tuple((a.status, a.record.brings()) for a in tx.agents.all()))
        return kept[1]


@dataclass(frozen=True)
class Waiting:
    """The use case behind the wait document and its writing door. ``sounds``: the names of the sounds there are.

    Both raise NoSuchTicket and RecordsUnavailable.
    """

    records: Records
    flows: Flows
    clock: Clock
    wording: Wording
    holidays: Holidays
    sounds: frozenset[str] = frozenset()
    lately: Lately = field(default_factory=Lately)

    def round(self, ticket: TicketId, number: int) -> WaitAnswer:
        """What the caller hears now; a wait that is over, by a wish or an overflow, ends in leaving the queue."""
        now = self.clock.now()
        with self.records.read() as tx:
            seen = self._look(tx, ticket, now)
        if seen.is_over:
            return WaitAnswer(ticket, number, leaves=True)
        standing = seen.in_line
        if standing is None:
            return self._music(seen, number)
        way = waiting.overflow(standing)
        if way is not None and seen.record.ticket.state is TicketState.IN_LINE:
            if self._keep(seen, replace(seen.record, wish=way.name)):
                return WaitAnswer(ticket, number, leaves=True)
            return self._music(seen, number)
        heard = waiting.news(standing) if waiting.has_news(number) else NOTHING_NEW
        said = waiting.words(number, standing, heard, seen.voice)
        told = _told(seen.record, standing, heard)
        if told != seen.record and not self._keep(seen, told, *_as_told(said)):
            said = waiting.words(number, standing, NOTHING_NEW, seen.voice)
        return self._music(seen, number, said)

    def key(self, ticket: TicketId, key: str, number: int, spoken: Language | None) -> WaitAnswer:
        """The answer to a key; ``spoken`` is the language of the document in which it was pressed.

        A wish is committed once, before the caller leaves the queue for it; whoever repeats it leaves again.
        """
        for _ in range(TRIES):
            now = self.clock.now()
            with self.records.read() as tx:
                seen = self._look(tx, ticket, now)
            if seen.is_over:
                return WaitAnswer(ticket, number, leaves=True)
            standing = seen.in_line
            if standing is None:
                return self._music(seen, number)
            answer = self._answered(seen, standing, key, number, spoken)
            if answer is not None:
                return answer
        return self._music(seen, number)

    def _answered(
        self, seen: _Seen, standing: Standing, key: str, number: int, spoken: Language | None
    ) -> WaitAnswer | None:
        """None: somebody changed the ticket meanwhile; to be looked at anew."""
        does = waiting.pressed(key, standing)
        pressed = CallerAnswered("keys", key)
        if does in LEAVING:
            kept = self._keep(seen, replace(seen.record, wish=str(does)), pressed)
            return WaitAnswer(standing.ticket.id, number, leaves=True) if kept else None
        record, events = seen.record, list[CallEvent]([pressed])
        if does is Key.LANGUAGE:
            language = waiting.next_language(spoken or seen.voice.language, standing.languages)
            seen = replace(seen, voice=replace(seen.voice, language=language))
            if language != record.ticket.language:
                record = replace(record, ticket=replace(record.ticket, language=language))
                events.append(LanguageChosen(language))
        heard = waiting.news(standing) if does in (Key.PERSON, Key.REPEAT, Key.LANGUAGE) else NOTHING_NEW
        said = waiting.reply(does, standing, heard, seen.voice)
        told = _told(record, standing, heard)
        if not self._keep(seen, told, *events, *_as_told(said)):
            return None
        return self._music(seen, number, said)

    def _music(self, seen: _Seen, number: int, said: tuple[Utterance, ...] = ()) -> WaitAnswer:
        piece, patience = waiting.music(seen.queue, self.sounds, seen.voice.slow)
        return WaitAnswer(seen.record.ticket.id, number, (*said, *piece), patience, seen.voice.language)

    def _keep(self, seen: _Seen, record: TicketOnRecord, *events: CallEvent) -> bool:
        """False when the ticket has been changed since it was read: then nothing is written."""
        with self.records.write() as tx:
            kept = record == seen.record or tx.tickets.change(record)
            if kept and events:
                tx.log.add(seen.call, events, seen.voice.now)
        return kept

    # What is so

    def _look(self, tx: Transaction, ticket: TicketId, now: datetime) -> _Seen:
        record = tx.tickets.get(ticket)
        if record.ticket.call is None:
            raise NoSuchCall()
        call = tx.calls.at(record.ticket.call)
        version = self.flows.version(call.version, tx)
        cursor = cursors.from_json(call.cursor)
        language = record.ticket.language
        if language is None or language not in version.flow.languages:
            language = cursor.language
        voice = Voice(version.company, self.wording, language, cursor.slow, now)
        queue = version.company.queues.get(record.ticket.queue) or Queue(record.ticket.queue)
        node = _node(version, cursor)
        standing = None if node is None else self._standing(tx, record, node, queue, version, call, now)
        return _Seen(record, call.id, queue, voice, standing)

    def _standing(
        self,
        tx: Transaction,
        record: TicketOnRecord,
        node: QueueNode,
        queue: Queue,
        version: FlowVersion,
        call: CallRecord,
        now: datetime,
    ) -> Standing:
        ticket, lengths, staff = record.ticket, tx.tickets.lengths(), self.lately.staff(tx)
        ahead = tx.tickets.ahead(ticket, now)
        at_work = [AtWork(offer, status.is_free(now)) for status, offer in staff if waiting.is_at_work(status)]
        busy = lengths.keys()
        estimated = None
        if _wants_estimate(record, node, now):
            answered = self.lately.answered(tx, now)
            handled, waits = _handled(answered, version.company), _real_waits(answered, ticket)
            estimated = estimate(ahead, need_at(ticket, now), at_work, busy, handled, waits, now)
        shared = effective_agents(need_at(ticket, now), at_work, busy)
        least = waiting.least_need(ticket)
        able = sum(waiting.is_signed_in(status) and serves(offer, least) for status, offer in staff)
        meanwhile = QueueNow(
            waiting=lengths.get(ticket.queue, 0),
            agents=able,
            estimate=None if estimated is None else estimated.centre,
            closes_at=self._closes_at(tx, queue, version.company, now),
            always_open=queue.hours not in version.company.hours,
            callbacks=tx.callbacks.live_count(ticket.queue),
        )
        return Standing(
            node=node,
            queue=queue,
            ticket=ticket,
            ahead=ahead,
            able=able,
            load=ahead / shared if shared else None,
            estimate=estimated,
            meanwhile=meanwhile,
            told=Told(record.told_position, record.told_low, record.told_high, record.told_at),
            languages=version.flow.languages,
            now=now,
            began=_began(tx, record, call),
        )

    def _closes_at(self, tx: Transaction, queue: Queue, company: Company, now: datetime) -> datetime | None:
        hours = company.hours.get(queue.hours or "")
        if hours is None or not opening.state(hours, now, self.holidays, tx.switches.emergency(hours.name, now)).open:
            return None
        return opening.closes_at(hours, now, self.holidays)


@dataclass(frozen=True)
class _Seen:
    """A ticket as it was read; ``standing`` None: the call is not at a queue of its flow any more."""

    record: TicketOnRecord
    call: CallId
    queue: Queue
    voice: Voice
    standing: Standing | None

    @property
    def is_over(self) -> bool:
        state, wish = self.record.ticket.state, self.record.wish
        chosen = bool(wish) and (self.standing is None or waiting.leads_out(wish, self.standing.node))
        return state in ENDS or (chosen and state is not TicketState.TALKING)

    @property
    def in_line(self) -> Standing | None:
        """None when there is nothing to tell or to choose: an agent talks to them, or the line seemed to be gone."""
        return self.standing if self.record.ticket.state in IN_THE_LINE else None


def _began(tx: Transaction, record: TicketOnRecord, call: CallRecord) -> datetime | None:
    """When this call came to a place that was there before it rang; None: the place is its own."""
    if record.ticket.arrived_at >= call.started_at:
        return None
    joined = (event for event in tx.log.of_call(call.id) if event.kind == QueueJoined.kind)
    return max((event.happened_at for event in joined), default=call.started_at)


def _node(version: FlowVersion, cursor: Cursor) -> QueueNode | None:
    frame = cursor.frames[-1]
    flow = version.flow if frame.flow == version.flow.name else version.subflows.get(frame.flow)
    node = None if flow is None else flow.nodes.get(frame.node)
    return node if isinstance(node, QueueNode) else None


def _wants_estimate(record: TicketOnRecord, node: QueueNode, now: datetime) -> bool:
    """Until a range is told; and as long as it may decide about the callback."""
    asks = "callback" in node.keys.values()
    return record.told_at is None or (asks and record.ticket.waited(now) < waiting.offer_policy(node).waited)


def _handled(answered: Sequence[AnsweredTicket], company: Company) -> list[Handled]:
    """Talk and wrap-up of those who have talked."""
    found = []
    for one in answered:
        if one.ended_at is not None:
            queue = company.queues.get(one.queue)
            found.append(Handled(one.ended_at, one.ended_at - one.taken_at + (queue.wrap_up if queue else timedelta())))
    return found


def _real_waits(answered: Sequence[AnsweredTicket], like: Ticket) -> list[RealWait]:
    """Of callers who asked for the same, and whose load on arrival is on record."""
    return [
        RealWait(one.taken_at, one.taken_at - one.arrived_at, one.load)
        for one in answered
        if one.load is not None
        and one.kind is TicketKind.WAITING
        and (one.queue, one.needs) == (like.queue, like.needs)
    ]


def _told(record: TicketOnRecord, standing: Standing, heard: News) -> TicketOnRecord:
    """The ticket once these news are said; the load it met is that of its first round."""
    told = waiting.told_after(standing.told, heard, standing.now)
    return replace(
        record,
        told_position=told.position,
        told_low=told.low,
        told_high=told.high,
        told_at=told.at,
        load=standing.load if record.load is None and standing.told.position is None else record.load,
    )


def _as_told(said: tuple[Utterance, ...]) -> list[CallEvent]:
    """As the dialogue shows it; a sentence in another language is an event of its own."""
    utters = [one for one in said if isinstance(one, Utter)]
    return [
        SaidToCaller(" ".join(one.text for one in group), language) for language, group in groupby(utters, _language)
    ]


def _language(utter: Utter) -> Language:
    return utter.language
