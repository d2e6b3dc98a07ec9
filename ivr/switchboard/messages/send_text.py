"""A message's way to the carrier, or to the mail server: marked before it is handed over, and so handed over once.

Each step is a change of the row as it was seen; of two workers at one message, the second changes nothing. A worker
that is killed while the carrier is asked leaves a row in ``sending``, which the sweep finds: the answer is lost then.
What was not received goes by the next way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ivr.core import text_message as texts
from ivr.core.errors import AnswerLost, CarrierUnavailable, RefusedByCarrier
from ivr.core.events import TextEnded, TextReceived
from ivr.core.text_message import RECEIVED, Channel, SendState, TextMessage
from ivr.core.words import PhoneNumber, TextId
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, Ids, Later, Mail
from ivr.switchboard.record.notice import NOT_RECEIVED, not_received
from ivr.switchboard.record.places import retried

NO_ANSWER = "the carrier's answer was lost"


@dataclass(frozen=True)
class SendText:
    """The use case that sends a message which a caller was promised. ``mail`` None: the company has no mail server."""

    records: Records
    telephone: Telephone
    mail: Mail | None
    public_url: str
    ids: Ids
    later: Later
    clock: Clock

    def __call__(self, text: TextId) -> datetime | None:
        """Hand it over, if it is due; the time to try again, or None when there is nothing to be waited for.

        Raises NoSuchText; whatever the carrier says, or does not, ends up in the row.
        """
        mine = self._claimed(text)
        if mine is None:
            return None
        try:
            carrier_id = self._handed_over(mine)
        except AnswerLost:
            return self._done(mine, texts.answer_lost(mine, NO_ANSWER, self.clock.now()))
        except RefusedByCarrier as refusal:
            return self._done(mine, texts.refused(mine, str(refusal), self.clock.now()))
        except CarrierUnavailable as trouble:
            return self._done(mine, texts.not_taken(mine, str(trouble), self.clock.now()))
        return self._done(mine, texts.sent(mine, carrier_id, self.clock.now()))

    def _handed_over(self, text: TextMessage) -> str:
        if text.channel is Channel.SMS:
            told_at = f"{self.public_url}/voice/texts/{text.id}/status"
            return self.telephone.text(PhoneNumber(text.to), text.sender, text.body, told_at)
        if self.mail is None:
            raise RefusedByCarrier("there is no mail server any more")
        self.mail.send(text.to, text.sender, text.body, text.id)
        return text.id

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
        instead = retried(lambda: self._ended(mine, after))
        if instead is not None:
            self.later.send_text(instead.id)
        return after.next_at

    def _ended(self, mine: TextMessage, after: TextMessage) -> TextMessage | None:
        now = self.clock.now()
        with self.records.write() as tx:
            if _change(tx, after, mine, now) and after.state in NOT_RECEIVED:
                return not_received(tx, after, self.mail is not None, self.ids, now)
        return None


def _change(tx: Transaction, after: TextMessage, seen: TextMessage, now: datetime) -> bool:
    """Write it, and its end into the log; when somebody else has ended it meanwhile, theirs stands: False."""
    if not tx.texts.change(after, seen):
        return False
    if after.ended_at is not None and after.call is not None:
        tx.log.add(after.call, [TextEnded(after.id, after.state.value, after.because)], now)
    return True


@dataclass(frozen=True)
class TextNews:
    """The use case behind the status callbacks of texts."""

    records: Records
    ids: Ids
    later: Later
    clock: Clock
    mails: bool = False

    def __call__(self, text: TextId, sid: str, status: str, error: str, fact: str, body: Mapping[str, str]) -> None:
        """Keep the news once; a text that was not received goes by the next way. Raises NoSuchText."""
        instead = retried(lambda: self._kept(text, sid, status, error, fact, body))
        if instead is not None:
            self.later.send_text(instead.id)

    def _kept(
        self, name: TextId, sid: str, status: str, error: str, fact: str, body: Mapping[str, str]
    ) -> TextMessage | None:
        now = self.clock.now()
        with self.records.write() as tx:
            text = tx.texts.get(name)
            if not tx.facts.keep(fact, "text.status", body, now, text.call) or status not in RECEIVED:
                return None
            because = None if RECEIVED[status] else f"the carrier says {status}" + (f", code {error}" if error else "")
            after = texts.received(text, RECEIVED[status], sid, because, now)
            if after == text or not tx.texts.change(after, text):
                return None
            if text.call is not None:
                tx.log.add(text.call, [TextReceived(text.id, RECEIVED[status], because)], now)
            return not_received(tx, after, self.mails, self.ids, now) if after.state in NOT_RECEIVED else None
