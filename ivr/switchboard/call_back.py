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
from ivr.core.events import CallbackTried, RecordingFailed, TextPromised
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
from ivr.core.recording import Rule
from ivr.core.text_message import TextMessage
from ivr.core.ticket import TicketEvent, TicketKind, TicketState
from ivr.core.whisper import spoken
from ivr.core.words import LegId, RecordingId, TextId
from ivr.switchboard import callbacks, places, promises, tapes
from ivr.switchboard.leg_news import wrap_up_of
from ivr.switchboard.leg_turn import Hint, LegStep
from ivr.switchboard.ports import Attempt, ClaimOnRecord, Flows, Ids, Later, Numbering, TicketOnRecord, Transaction

RINGS = timedelta(seconds=25)
"""So long a customer's phone rings."""

PATIENCE = 6  # seconds for a key
ASKED, ASKED_AGAIN, OVER = "greeting", "greeting_again", "over"
WANTED, NOT_WANTED = "1", ("2", "9")
CODE = 6  # digits
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
    numbering: Numbering
    ids: Ids
    later: Later
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
            self._placed(tx, place, wait, now)
            return None
        dialled = decided.dials(callback, now)
        if dialled is None:
            self._placed(tx, place, After(callback, Owed.NOTHING_NEW, "its time has not come"), now)
            return None
        attempt = Attempt(callback.id, dialled.attempts, claim.agent, now)
        if not tx.callbacks.begin(attempt) or not tx.callbacks.change(dialled):
            raise ChangedMeanwhile
        leg = self._leg(callback, place, claim, self._version(tx, callback).company, now)
        tx.legs.commit(leg)
        return leg

    def heard(self, tx: Transaction, leg: Leg, heard: Heard, now: datetime) -> LegStep:
        """The customer answered, pressed a key, was silent, or came out of the talk."""
        callback, place = _of(tx, leg), tx.tickets.get(leg.ticket)
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
        times = self._times(callback, self._version(tx, callback).company)
        if decided.next_callable(times, now) == now:
            return None
        return decided.postponed(callback, times, self.ids.code(CODE), now)

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
        version = self._version(tx, callback)
        times = self._times(callback, version.company)
        then = decided.after_attempt(callback, outcome, self.policy, times, self.ids.code(CODE), now)
        if outcome is Outcome.REACHED:
            callbacks.settle(tx, then, now)
        else:
            self._placed(tx, place, then, now)
            places.agent_waits_no_longer(tx, place.ticket.id, now)
        told_by = self.tell_of_miss(tx, callback, version, now) if outcome in MISSES else None
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

    def tell_of_miss(self, tx: Transaction, callback: Callback, version: FlowVersion, now: datetime) -> str | None:
        """A text message about the miss, where line and number can have one; else the next attempt says so.

        With the message on record the customer counts as told of a promise that moves.
        """
        line = version.company.lines.get(callback.line)
        sender = line.texts_from if line else None
        told_by = decided.told_by(sender, self.numbering.kind(callback.number), None)
        if told_by is None or sender is None:
            return None
        missed = tx.callbacks.get(callback.id)
        text = TextMessage(
            id=TextId(self.ids.new()),
            call=callback.call,
            customer=callback.customer,
            to=callback.number,
            sender=sender,
            body=self._about_miss(version.company, missed, now),
            made_at=now,
            next_at=now,
        )
        tx.texts.promise(text)
        if callback.call is not None:
            tx.log.add(callback.call, [TextPromised(text.id)], now)
        callbacks.change(tx, decided.missed_is_told(missed))
        if missed.promise is not None and tx.promises.get(missed.promise).to_be_told:
            promises.tell(tx, missed.promise, now)
        return told_by

    def _about_miss(self, company: Company, missed: Callback, now: datetime) -> str:
        def words(name: str, **slots: str) -> str:
            return spoken(company, self.wording, missed.language, now, name, us=company.name, **slots).text

        if missed.next_at is None:
            return words("callback_text_last", code=missed.code or "")
        queue = company.queues.get(missed.queue)
        hours = company.hours.get(queue.hours or "") if queue else None
        kind = f"moment:{company.zone if hours is None else hours.zone}"
        when = self.wording.spoken(missed.next_at.isoformat(), kind, missed.language, now)
        return words("callback_text_again", when=when)

    # --- What they hear ---

    def _greeting(self, tx: Transaction, leg: Leg, callback: Callback, now: datetime) -> LegStep:
        again = leg.stage == ASKED
        company = self._version(tx, callback).company
        said = [] if again else [self._words(tx, leg, callback, "callback_greeting", now, us=company.name)]
        if callback.tell and not again:
            said.append(self._words(tx, leg, callback, "callback_missed", now))
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
        elif place.ticket.state in places.WAITING and tx.callbacks.live_of(callback.number) is None:
            again = decided.reopened(callback, now + HANGS_UP)
            if again != callback:
                places.let_agents_go(tx, place, now)
                self._placed(
                    tx, tx.tickets.get(leg.ticket), After(again, Owed.NOTHING_NEW, "the agent's line dropped"), now
                )
                return self._over(tx, leg, callback, "callback_dropped", now)
        return self._over(tx, leg, callback, "goodbye", now)

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

    def _times(self, callback: Callback, company: Company) -> CallingTimes:
        queue = company.queues.get(callback.queue)
        hours = company.hours.get(queue.hours or "") if queue else None
        return CallingTimes(self.holidays, hours, callback.zones)


def _of(tx: Transaction, leg: Leg) -> Callback:
    assert leg.callback is not None, "a customer is called for a callback"
    return tx.callbacks.get(leg.callback)


def _waits(leg: Leg, callback: Callback, place: TicketOnRecord, heard: Heard) -> bool:
    """Transferred, and nobody has taken them; not where the carrier's queue let them go."""
    return (
        not callback.live and not isinstance(heard, LeftQueue) and (leg.stage == PARKED or place.handed_by is not None)
    )


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
