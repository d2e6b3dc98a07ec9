"""A text message's way to the carrier: marked before it is handed over, so that it is never handed over twice.

Each step is a change of the row as it was seen; of two workers at one message, the second changes nothing. A worker
that is killed while the carrier is asked leaves a row in ``sending``, which the sweep finds: the answer is lost then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ivr.core import text_message as texts
from ivr.core.errors import AnswerLost, CarrierUnavailable, RefusedByCarrier
from ivr.core.events import TextEnded
from ivr.core.text_message import SendState, TextMessage
from ivr.core.words import TextId
from ivr.switchboard.ports import Clock, Records, Telephone, Transaction

NO_ANSWER = "the carrier's answer was lost"


@dataclass(frozen=True)
class SendText:
    """The use case that sends a text message which a caller was promised."""

    records: Records
    telephone: Telephone
    clock: Clock

    def __call__(self, text: TextId) -> datetime | None:
        """Hand it over, if it is due; the time to try again, or None when there is nothing to be waited for.

        Raises NoSuchText; whatever the carrier says, or does not, ends up in the row.
        """
        mine = self._claimed(text)
        if mine is None:
            return None
        try:
            carrier_id = self.telephone.text(mine.to, mine.sender, mine.body)
        except AnswerLost:
            return self._done(mine, texts.answer_lost(mine, NO_ANSWER, self.clock.now()))
        except RefusedByCarrier as refusal:
            return self._done(mine, texts.refused(mine, str(refusal), self.clock.now()))
        except CarrierUnavailable as trouble:
            return self._done(mine, texts.not_taken(mine, str(trouble), self.clock.now()))
        return self._done(mine, texts.sent(mine, carrier_id, self.clock.now()))

    def _claimed(self, text: TextId) -> TextMessage | None:
        """The message marked as handed over; None when that is not for us to do."""
        now = self.clock.now()
        with self.records.write() as tx:
            found = tx.texts.get(text)
            if found.next_at is None or found.next_at > now:
                return None
            if found.state is SendState.SENDING:  # by somebody who did not live to tell
                _change(tx, texts.answer_lost(found, NO_ANSWER, now), found, now)
                return None
            mine = texts.handed_over(found, now)
            return mine if tx.texts.change(mine, found) else None

    def _done(self, mine: TextMessage, after: TextMessage) -> datetime | None:
        with self.records.write() as tx:
            _change(tx, after, mine, self.clock.now())
        return after.next_at


def _change(tx: Transaction, after: TextMessage, seen: TextMessage, now: datetime) -> None:
    """Write it, and its end into the log; when somebody else has ended it meanwhile, theirs stands."""
    if tx.texts.change(after, seen) and after.ended_at is not None and after.call is not None:
        tx.log.add(after.call, [TextEnded(after.id, after.state.value, after.because)], now)
