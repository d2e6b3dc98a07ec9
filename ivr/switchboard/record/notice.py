"""What a customer is written about a call back: by text where line and number can, else by e-mail, else not at all.

A message that was not received goes by the next way; where there is none, the next attempt says it aloud, and a new
time that the customer does not know does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ivr.core import callbacks as decided
from ivr.core.callbacks import Callback, CallbackState
from ivr.core.company import Company
from ivr.core.events import TextPromised
from ivr.core.flow.model import FlowVersion, Lookup
from ivr.core.flow.turn import Wording
from ivr.core.text_message import Channel, SendState, TextMessage, gets_no_text
from ivr.core.whisper import spoken
from ivr.core.words import PhoneNumber, TextId
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Ids, Numbering
from ivr.switchboard.record import callbacks, promises

NOT_RECEIVED = frozenset({SendState.FAILED, SendState.UNDELIVERED})


@dataclass(frozen=True)
class Notices:
    """``mails``: the company has a mail server."""

    wording: Wording
    numbering: Numbering
    ids: Ids
    mails: bool = False

    def put(
        self, tx: Transaction, callback: Callback, version: FlowVersion, missed: bool, now: datetime
    ) -> Channel | None:
        """A message about the last miss, or else the new time, on record: with it they count as told. None: no way."""
        company = version.company
        line = company.lines.get(callback.line)
        address = self._email(tx, callback)
        texts_from = line.texts_from if line is not None and self._texts(callback.number, line.callable_from) else None
        if texts_from is None and address is None:
            return None
        promise = None if callback.promise is None else tx.promises.get(callback.promise)
        moved = promise is not None and promise.to_be_told
        words = self._about(version, callback, missed, promise.moved_to if promise else None, now)
        text = TextMessage(
            id=TextId(self.ids.new()),
            call=callback.call,
            customer=callback.customer,
            to=callback.number,
            sender=texts_from or "",
            body=words,
            made_at=now,
            next_at=now,
            callback=callback.id,
            was_due=promise.due_at if promise is not None and moved else None,
        )
        if texts_from is None and address is not None:
            subject = self._words(company, callback, now, "mail_subject")
            text = replace(text, channel=Channel.EMAIL, to=address, sender=subject)
        _promised(tx, text, now)
        callbacks.change(tx, decided.missed_is_told(callback))
        if promise is not None and moved:
            promises.tell(tx, promise.id, now)
        return text.channel

    def _texts(self, number: PhoneNumber, countries: tuple[str, ...]) -> bool:
        return gets_no_text(self.numbering.kind(number), self.numbering.country(number), countries) is None

    def _email(self, tx: Transaction, callback: Callback) -> str | None:
        return tx.customers.get(callback.customer).email if self.mails else None

    def _about(
        self, version: FlowVersion, callback: Callback, missed: bool, due: datetime | None, now: datetime
    ) -> str:
        company = version.company
        if callback.next_at is None:
            gave_up = "callback_text_last" if callback.misses and missed else "callback_text_given_up"
            words = self._words(company, callback, now, gave_up)
            if callback.code is None or not takes_codes(version):
                return words
            return f"{words} {self._words(company, callback, now, 'callback_text_code', code=callback.code)}"
        queue = company.queues.get(callback.queue)
        hours = company.hours.get(queue.hours or "") if queue else None
        kind = f"moment:{company.zone if hours is None else hours.zone}"

        def said(moment: datetime) -> str:
            return self.wording.spoken(moment.isoformat(), kind, callback.language, now)

        if missed:
            return self._words(company, callback, now, "callback_text_again", when=said(callback.next_at))
        return self._words(company, callback, now, "callback_text_moved", due=said(due or callback.next_at))

    def _words(self, company: Company, callback: Callback, now: datetime, name: str, **slots: str) -> str:
        return spoken(company, self.wording, callback.language, now, name, us=company.name, **slots).text


def takes_codes(version: FlowVersion) -> bool:
    """Whether the flow asks anybody for the code out of the last message."""
    flows = (version.flow, *version.subflows.values())
    nodes = (node for flow in flows for node in flow.nodes.values())
    return any(isinstance(node, Lookup) and node.record == "callback" for node in nodes)


def not_received(tx: Transaction, text: TextMessage, mails: bool, ids: Ids, now: datetime) -> TextMessage | None:
    """What goes in its place, on record; None: there is no other way, and a call back has still to be spoken of.

    Raises ChangedMeanwhile.
    """
    address = tx.customers.get(text.customer).email if mails and text.channel is Channel.SMS else None
    if address is not None:
        instead = TextMessage(
            id=TextId(ids.new()),
            call=text.call,
            customer=text.customer,
            to=address,
            sender=text.sender,
            body=text.body,
            made_at=now,
            next_at=now,
            channel=Channel.EMAIL,
            callback=text.callback,
            was_due=text.was_due,
        )
        _promised(tx, instead, now)
        return instead
    callback = None if text.callback is None else tx.callbacks.get(text.callback)
    if callback is not None and callback.state is CallbackState.WAITING and callback.misses:
        callbacks.change(tx, decided.missed_is_told(callback, told=False))
    if callback is not None and callback.promise is not None and text.was_due is not None:
        promises.untell(tx, callback.promise, text.was_due, "the message about it did not arrive", now)
    return None


def _promised(tx: Transaction, text: TextMessage, now: datetime) -> None:
    tx.texts.promise(text)
    if text.call is not None:
        tx.log.add(text.call, [TextPromised(text.id)], now)
