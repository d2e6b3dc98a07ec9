"""A callback is kept: an agent has taken it, the customer's phone is rung, and who answers presses 1.

What follows each end of an attempt stands in ``core.callbacks``; the ticket goes back to its place, or ends, in the
same transaction, and the agent is free again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ivr.core import callbacks as decided
from ivr.core.call import CallState
from ivr.core.callbacks import (
    HANGS_UP,
    MISSES,
    After,
    AttemptPolicy,
    Callback,
    CallbackState,
    CallingTimes,
    Outcome,
    Owed,
)
from ivr.core.company import Company
from ivr.core.errors import ChangedMeanwhile
from ivr.core.events import CallbackTried, RecordingFailed
from ivr.core.flow.model import FlowVersion
from ivr.core.flow.steps import consent
from ivr.core.flow.steps.queue import PARKED, TALKING
from ivr.core.flow.turn import (
    Ask,
    CameBack,
    HangUp,
    Heard,
    Holidays,
    Join,
    Keys,
    LeftQueue,
    LeftRoom,
    Park,
    Speak,
    Utter,
    Wording,
)
from ivr.core.leg import Leg, LegEnd, LegKind, room
from ivr.core.promises import Promise
from ivr.core.recording import Rule
from ivr.core.ticket import TicketEvent, TicketKind, TicketState
from ivr.core.whisper import spoken
from ivr.core.words import CallbackId, LegId, PromiseId, RecordingId, TicketId
from ivr.switchboard.legs.after_talk import IN_THE_FLOW, AfterTalk
from ivr.switchboard.legs.leg_news import wrap_up_of
from ivr.switchboard.legs.leg_turn import Hint, LegStep
from ivr.switchboard.ports.customers import Attempt
from ivr.switchboard.ports.queue import ClaimOnRecord, TicketOnRecord
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Flows, Ids, Later
from ivr.switchboard.record import callbacks, places, tapes
from ivr.switchboard.record.notice import Notices

RINGS = timedelta(seconds=25)
"""So long a customer's phone rings."""

PATIENCE = 6  # seconds for a key
ASKED, ASKED_AGAIN, OVER = "greeting", "greeting_again", "over"
WANTED, NOT_WANTED = "1", ("2", "9")
CODE = 6  # digits
AT_ONCE = 100  # callbacks that are looked at in one round
POLICY = AttemptPolicy()

ENDED: dict[LegEnd, Outcome] = {
    LegEnd.BUSY: Outcome.BUSY,
    LegEnd.NO_ANSWER: Outcome.NO_ANSWER,
    LegEnd.FAILED: Outcome.FAILED,
    LegEnd.CANCELLED: Outcome.LOST,  # by ourselves
}


@dataclass(frozen=True)
class CallBack:
    """The turns of a leg to a customer, and its ends."""

    flows: Flows
    wording: Wording
    holidays: Holidays
    ids: Ids
    later: Later
    notices: Notices
    after_talk: AfterTalk
    policy: AttemptPolicy = POLICY

    def begin(self, tx: Transaction, place: TicketOnRecord, claim: ClaimOnRecord, now: datetime) -> Leg | None:
        """The leg to the customer, on record before anybody dials; None: not to be dialled now.

        Then the ticket is back in line for a later time, or has ended, and must be read again. Raises ChangedMeanwhile.
        """
        callback = tx.callbacks.of_ticket(place.ticket.id)
        if callback is None or not callback.live:
            callbacks.put(
                tx, callbacks.moved(callbacks.away(place), TicketEvent.CANCELLED, "nobody is owed a call", now)
            )
            return None
        wait = self._wait(tx, callback, place, now)
        if wait is not None:
            self._postponed(tx, place, wait, now)
            return None
        dialled = decided.dials(callback, now)
        if dialled is None:
            self._placed(tx, place, After(callback, Owed.NOTHING_NEW, "its time has not come"), now)
            return None
        attempt = Attempt(callback.id, dialled.attempts, claim.agent, now)
        if not tx.callbacks.begin(attempt) or not tx.callbacks.change(dialled):
            raise ChangedMeanwhile
        leg = self._leg(callback, place, claim, self._published(tx, callback).company, now)
        tx.legs.commit(leg)
        return leg

    def heard(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep:
        """The customer answered, pressed a key, was silent, or came out of the talk."""
        callback, place = _of(tx, leg), tx.tickets.get(leg.ticket)
        if leg.stage.startswith(IN_THE_FLOW):
            return self.after_talk.heard(tx, leg, callback, heard, OVER, now)
        if leg.stage in (TALKING, PARKED):
            return self._talked(tx, leg, callback, place, heard, now)
        if not _under_way(callback, place, leg):
            return self._over(tx, leg, callback, "callback_dropped" if callback.live else "goodbye", now)
        match heard:
            case _ if leg.stage == consent.ASKED:
                return self._reached(tx, leg, callback, place, now, heard)
            case Keys(digits) if digits.startswith(WANTED) and leg.stage:
                if self._rule(tx, callback, place) is Rule.ASK:
                    asks = Speak((self._words(tx, leg, callback, "recording_ask", now),))
                    key = self._words(tx, leg, callback, "recording_ask_key", now)
                    return LegStep((asks, Ask((key,), 1, "", PATIENCE, leg.language)), consent.ASKED)
                return self._reached(tx, leg, callback, place, now)
            case Keys(digits) if digits.startswith(NOT_WANTED) and leg.stage:
                self._attempt_ended(tx, callback, place, Outcome.REFUSED, now)
                return self._over(tx, leg, callback, "callback_not_wanted", now)
            case _ if leg.stage == ASKED_AGAIN:
                self._attempt_ended(tx, callback, place, Outcome.MACHINE, now)
                return LegStep((HangUp(),), OVER, self._hints(leg))
            case _:
                return self._greeting(tx, leg, callback, now)

    def ended(self, tx: Transaction, leg: Leg, how: LegEnd, now: datetime) -> Outcome | None:
        """A customer's leg ended before they pressed 1; None where that is no news."""
        callback, place = _of(tx, leg), tx.tickets.get(leg.ticket)
        if not _under_way(callback, place, leg):
            return None
        # Answered, and hung up without pressing 1, is a miss; answered without asking us for words failed on our side.
        answered = Outcome.MACHINE if leg.turn else Outcome.LOST
        return self._attempt_ended(tx, callback, place, ENDED.get(how, answered), now)

    def agent_gone(self, tx: Transaction, leg: Leg, now: datetime) -> bool:
        """The agent hung up while the customer's phone rang: nobody's miss, and their phone is let be.

        False: ``leg`` (the agent's) was no such agent's.
        """
        place = tx.tickets.get(leg.ticket)
        callback = tx.callbacks.of_ticket(leg.ticket) if place.ticket.kind is TicketKind.CALLBACK else None
        if callback is None or not _under_way(callback, place, leg):
            return False
        callbacks.let_phone_be(tx, leg.ticket)
        self._attempt_ended(tx, callback, place, Outcome.LOST, now)
        return True

    # --- Whether they are dialled now ---

    def _wait(self, tx: Transaction, callback: Callback, place: TicketOnRecord, now: datetime) -> After | None:
        """What is to be waited for before anybody dials; None: nothing."""
        if _on_the_line(tx, callback, place):
            on = replace(callback, next_at=now + HANGS_UP)
            return After(on, Owed.NOTHING_NEW, "still on the line")
        times = self._times(tx, callback, now)
        if decided.next_callable(times, now) == now:
            return None
        return decided.postponed(callback, times, self.ids.code(CODE), now)

    def closed(self, tx: Transaction, callback: Callback, now: datetime) -> bool:
        """It is due, and nobody may call now: not in our hours (the emergency switch counts), or not in theirs."""
        return decided.next_callable(self._times(tx, callback, now), now) != now

    def move_closed(self, tx: Transaction, callback: Callback, now: datetime) -> bool:
        """On to when we may call, and the customer told where that breaks a promise; False: it is not so any more."""
        place = None if callback.ticket is None else tx.tickets.get(callback.ticket)
        due = callback.state is CallbackState.WAITING and callback.next_at is not None and callback.next_at <= now
        if place is None or not due or not places.stands_in_line(place) or not self.closed(tx, callback, now):
            return False
        times = self._times(tx, callback, now)
        self._postponed(tx, place, decided.postponed(callback, times, self.ids.code(CODE), now), now)
        return True

    def _leg(
        self, callback: Callback, place: TicketOnRecord, claim: ClaimOnRecord, company: Company, now: datetime
    ) -> Leg:
        line = company.lines.get(callback.line)
        return Leg(
            id=LegId(self.ids.new()),
            kind=LegKind.CUSTOMER,
            ticket=place.ticket.id,
            to=callback.number,
            line=callback.line,
            language=callback.language,
            made_at=now,
            rings=RINGS,
            call=callback.call,
            token=claim.token,
            agent=claim.agent,
            callback=callback.id,
            attempt=place.attempt,
            shows=callback.shows or (line.shows or line.number if line else None),
        )

    # --- What an attempt comes to ---

    def _attempt_ended(
        self, tx: Transaction, callback: Callback, place: TicketOnRecord, outcome: Outcome, now: datetime
    ) -> Outcome | None:
        if not tx.callbacks.end(callback.id, callback.attempts, outcome, now):
            return None
        times = self._times(tx, callback, now)
        then = decided.after_attempt(callback, outcome, self.policy, times, self.ids.code(CODE), now)
        if outcome is Outcome.REACHED:
            callbacks.settle(tx, then, now)
        else:
            self._placed(tx, place, then, now)
            places.agent_waits_no_longer(tx, place.ticket.id, now)
        told_by = None
        if outcome in MISSES or then.callback.state is CallbackState.NOT_REACHED:
            told_by = self._tell(tx, callback.id, outcome in MISSES, now)
        if callback.call is not None:
            tx.log.add(callback.call, [CallbackTried(callback.id, callback.attempts, outcome.value, told_by)], now)
        return outcome

    def _placed(self, tx: Transaction, place: TicketOnRecord, then: After, now: datetime) -> None:
        """Callback, promise and ticket as they are after it: at the same place again, or at an end."""
        callback = callbacks.settle(tx, then, now)
        gone = callbacks.away(place)
        match callback.state:
            case CallbackState.NOT_REACHED:
                callbacks.put(tx, callbacks.moved(gone, TicketEvent.NOT_REACHED, then.because, now))
            case CallbackState.CANCELLED:
                callbacks.put(tx, callbacks.moved(gone, TicketEvent.CANCELLED, then.because, now))
            case _:
                event = TicketEvent.CAME_BACK if gone.ticket.state is TicketState.AWAY else TicketEvent.PUT_BACK
                later = replace(gone, ticket=replace(gone.ticket, not_before=callback.next_at))
                callbacks.put(tx, callbacks.moved(later, event, then.because, now))

    def _postponed(self, tx: Transaction, place: TicketOnRecord, then: After, now: datetime) -> None:
        """As it is after it; the customer hears of a new time that is later than the promised one, and of an end."""
        self._placed(tx, place, then, now)
        callback = tx.callbacks.get(then.callback.id)
        moved = callback.promise is not None and tx.promises.get(callback.promise).to_be_told
        if then.promise is not Owed.NOTHING_NEW and (moved or not callback.live):
            self._tell(tx, callback.id, False, now)

    def _tell(self, tx: Transaction, callback: CallbackId, missed: bool, now: datetime) -> str | None:
        """By a message, where there is a way; else the next attempt says so."""
        standing = tx.callbacks.get(callback)
        return self.notices.put(tx, standing, self._published(tx, standing), missed, now)

    # --- What they hear ---

    def _greeting(self, tx: Transaction, leg: Leg, callback: Callback, now: datetime) -> LegStep:
        again = leg.stage == ASKED
        company = self._published(tx, callback).company
        said = [] if again else [self._words(tx, leg, callback, "callback_greeting", now, us=company.name)]
        if callback.tell and not again:
            said.append(self._words(tx, leg, callback, "callback_missed", now))
        elif not again and _later_than_promised(tx, callback, now):
            said.append(self._words(tx, leg, callback, "callback_late", now))
        talk = self._words(tx, leg, callback, "callback_talk", now)
        stage = ASKED_AGAIN if again else ASKED
        if self._rule(tx, callback, tx.tickets.get(leg.ticket)) is Rule.ANNOUNCE:
            # Before the question, where no key cuts it short: the 1 that follows comes from somebody who heard it.
            notice = self._words(tx, leg, callback, "recording_notice", now)
            return LegStep((Speak((*said, notice)), Ask((talk,), 1, "", PATIENCE, leg.language)), stage)
        return LegStep((Ask((*said, talk), 1, "", PATIENCE, leg.language),), stage)

    def _reached(
        self,
        tx: Transaction,
        leg: Leg,
        callback: Callback,
        place: TicketOnRecord,
        now: datetime,
        answer: Heard | None = None,
    ) -> LegStep:
        """``answer``: to the question whether the talk may be recorded, where they were asked."""
        self._attempt_ended(tx, callback, place, Outcome.REACHED, now)
        rule = self._rule(tx, callback, place)
        if rule is not None and callback.call is not None:
            agreed = consent.answer(rule, CameBack() if rule is Rule.ANNOUNCE else answer)
            tx.log.add(callback.call, [agreed], now)
            name = RecordingId(self.ids.new())
            if agreed.given and leg.sid is None:
                failed = RecordingFailed(name, "the carrier has not told the name of the leg")
                tx.log.add(callback.call, [failed], now)
            elif agreed.given and leg.sid is not None:
                tapes.want(tx, name, callback.call, place.ticket.customer, leg.ticket, leg.sid, rule, now)
        joining = Speak((self._words(tx, leg, callback, "callback_joining", now),))
        return LegStep((joining, Join(room(leg.ticket, leg.attempt))), TALKING, self._hints(leg))

    def _talked(
        self, tx: Transaction, leg: Leg, callback: Callback, place: TicketOnRecord, heard: Heard, now: datetime
    ) -> LegStep:
        """Out of the room: the talk is over, or they wait to be transferred, or the agent's line dropped.

        Then they are called again; who waits is parked, and led into the room of whoever takes them.
        """
        talks = place.ticket.state is TicketState.TALKING and not callback.live
        if talks and (leg.stage == PARKED or place.attempt != leg.attempt or not isinstance(heard, LeftRoom)):
            places.written(tx.legs.change(replace(leg, attempt=place.attempt)))
            return LegStep((Join(room(leg.ticket, place.attempt)),), TALKING)
        if talks:
            places.end_talk(tx, place, "agent", wrap_up_of(tx, self.flows, leg), now)
        elif place.ticket.state in places.WAITING and _waits(leg, callback, place, heard):
            return self._parked(tx, leg, callback, place, now)
        elif place.ticket.state in places.WAITING and _may_be_reopened(tx, callback):
            self._called_again(tx, callback, place, now)
            return self._over(tx, leg, callback, "callback_dropped", now)
        return self._served(tx, leg, callback, now)

    def _called_again(self, tx: Transaction, callback: Callback, place: TicketOnRecord, now: datetime) -> None:
        """The agent's line dropped: the customer is told that we call them, and that is a promise of its own."""
        times = self._times(tx, callback, now)
        promise = Promise(
            id=PromiseId(self.ids.new()),
            what="callback",
            customer=callback.customer,
            call=callback.call,
            made_at=now,
            due_at=decided.soon_due(times, now) or now + decided.SOON,
            zone=times.hours.zone if times.hours else "UTC",
            owner=callback.queue,
        )
        again = callbacks.owe_again(tx, callback, promise, now)
        places.let_agents_go(tx, place, now)
        there = tx.tickets.get(place.ticket.id)
        self._placed(tx, there, After(again, Owed.NOTHING_NEW, "the agent's line dropped"), now)

    def _served(self, tx: Transaction, leg: Leg, callback: Callback, now: datetime) -> LegStep:
        """The survey that follows a talk in this queue, where there is one."""
        place = tx.tickets.get(leg.ticket)
        served = place.ticket.state is TicketState.SERVED and place.attempt == leg.attempt
        asked = self.after_talk.begin(tx, leg, callback, place.ticket.queue, OVER, now) if served else None
        if asked is None:
            return self._over(tx, leg, callback, "goodbye", now)
        return replace(asked, hints=(*asked.hints, *self._hints(leg)))

    def _parked(self, tx: Transaction, leg: Leg, callback: Callback, place: TicketOnRecord, now: datetime) -> LegStep:
        how = places.returned(tx, place)
        names = (f"transfer_{how}", "transfer_back") if how else ("handed_over",)
        words = tuple(self._words(tx, leg, callback, name, now) for name in names)
        park = Park(place.ticket.queue, leg.language, leg.ticket)
        return LegStep((Speak(words), park) if leg.stage == TALKING else (park,), PARKED)

    def _over(self, tx: Transaction, leg: Leg, callback: Callback, sentence: str, now: datetime) -> LegStep:
        return LegStep((Speak((self._words(tx, leg, callback, sentence, now),)), HangUp()), OVER, self._hints(leg))

    def _hints(self, leg: Leg) -> tuple[Hint, ...]:
        return (lambda: self.later.steer(leg.ticket), lambda: self.later.line_up(leg.ticket))

    def _words(
        self, tx: Transaction, leg: Leg, callback: Callback, sentence: str, now: datetime, **slots: str
    ) -> Utter:
        return spoken(self._version(tx, callback).company, self.wording, leg.language, now, sentence, **slots)

    # --- What the company's files say ---

    def _version(self, tx: Transaction, callback: Callback) -> FlowVersion:
        """The flow version of the call on which it was asked for."""
        assert callback.call is not None, "a callback is asked for on a call"
        return self.flows.version(tx.calls.at(callback.call).version, tx)

    def _rule(self, tx: Transaction, callback: Callback, place: TicketOnRecord) -> Rule | None:
        """How who is called back agrees to be recorded; None: this queue records nothing."""
        return consent.rule_of(self._version(tx, callback).company, place.ticket.queue)

    def _published(self, tx: Transaction, callback: Callback) -> FlowVersion:
        """Flow and company as they are now, not as they were on that call: a closing that was added since counts."""
        then = self._version(tx, callback)
        published = tx.flows.published(then.flow.name)
        now = then if published is None else self.flows.version(published, tx)
        return now if callback.queue in now.company.queues else then

    def _times(self, tx: Transaction, callback: Callback, now: datetime) -> CallingTimes:
        company = self._published(tx, callback).company
        queue = company.queues.get(callback.queue)
        hours = company.hours.get(queue.hours or "") if queue else None
        shut = None if hours is None else decided.shut_by(tx.switches.emergency(hours.name, now), hours, now)
        return CallingTimes(self.holidays, hours, callback.zones, shut=shut)


@dataclass(frozen=True)
class MoveCallbacks:
    """The use case of the sweep for callbacks that are due while nobody may call: nobody is there to take them."""

    records: Records
    call_back: CallBack
    later: Later
    clock: Clock

    def __call__(self) -> None:
        """Move them, and tell the customers."""
        now = self.clock.now()
        with self.records.read() as tx:
            shut = [each.id for each in tx.callbacks.due(now, AT_ONCE) if self.call_back.closed(tx, each, now)]
        for callback in shut:
            ticket = places.retried(lambda callback=callback: self._moved(callback))  # type: ignore[misc]
            if ticket is not None:
                self.later.line_up(ticket)

    def _moved(self, name: CallbackId) -> TicketId | None:
        now = self.clock.now()
        with self.records.write() as tx:
            callback = tx.callbacks.get(name)
            return callback.ticket if self.call_back.move_closed(tx, callback, now) else None


def _of(tx: Transaction, leg: Leg) -> Callback:
    assert leg.callback is not None, "a customer is called for a callback"
    return tx.callbacks.get(leg.callback)


def _waits(leg: Leg, callback: Callback, place: TicketOnRecord, heard: Heard) -> bool:
    """Transferred, and nobody has taken them; not where the carrier's queue let them go."""
    return (
        not callback.live and not isinstance(heard, LeftQueue) and (leg.stage == PARKED or place.handed_by is not None)
    )


def _later_than_promised(tx: Transaction, callback: Callback, now: datetime) -> bool:
    if callback.promise is None:
        return False
    promise = tx.promises.get(callback.promise)
    return promise.open and (promise.to_be_told or now > promise.deadline)


def _may_be_reopened(tx: Transaction, callback: Callback) -> bool:
    return callback.state is CallbackState.REACHED and tx.callbacks.live_of(callback.number) is None


def _under_way(callback: Callback, place: TicketOnRecord, leg: Leg) -> bool:
    """This leg belongs to the attempt that is under way; news of an earlier one moves nothing."""
    return (
        callback.state is CallbackState.DIALLING
        and place.attempt == leg.attempt
        and place.ticket.state is TicketState.TALKING
    )


def _on_the_line(tx: Transaction, callback: Callback, place: TicketOnRecord) -> bool:
    """They talk to us at this moment: on the call on which they asked, or on a later one."""
    if place.ticket.call is not None and tx.calls.at(place.ticket.call).state is not CallState.ENDED:
        return True
    calls = tx.calls.of(callback.customer)
    return any(call.state is not CallState.ENDED and call.caller == callback.number for call in calls)
