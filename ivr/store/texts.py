"""Text messages: promised on a call, sent after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from ivr.core.errors import NoSuchText
from ivr.core.text_message import Channel, SendState, TextMessage
from ivr.core.words import CustomerId, TextId
from ivr.store.link import Link
from ivr.store.tables import texts

DUE = (
    select(texts)
    .where(texts.c.next_at <= bindparam("now"))
    .order_by(texts.c.next_at, texts.c.id)
    .limit(bindparam("most"))
)


def _text(row: Row[Any]) -> TextMessage:
    return TextMessage(
        id=row.id,
        call=row.call_id,
        customer=row.customer_id,
        to=row.number,
        sender=row.sender,
        body=row.body,
        made_at=row.made_at,
        state=SendState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        ended_at=row.ended_at,
        because=row.because,
        carrier_id=row.carrier_id,
        channel=Channel(row.channel),
        callback=row.callback_id,
        was_due=row.was_due,
    )


def _changing(text: TextMessage) -> dict[str, Any]:
    return {
        "state": text.state.value,
        "attempts": text.attempts,
        "next_at": text.next_at,
        "ended_at": text.ended_at,
        "because": text.because,
        "carrier_id": text.carrier_id,
    }


class SqlTexts:
    """The port ``Texts``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def promise(self, text: TextMessage) -> None:
        self._link.run(
            insert(texts).values(
                id=text.id,
                call_id=text.call,
                customer_id=text.customer,
                number=str(text.to),
                sender=text.sender,
                body=text.body,
                made_at=text.made_at,
                channel=text.channel.value,
                callback_id=text.callback,
                was_due=text.was_due,
                **_changing(text),
            )
        )

    def get(self, text: TextId) -> TextMessage:
        """Raises NoSuchText."""
        row = self._link.one(select(texts).where(texts.c.id == text))
        if row is None:
            raise NoSuchText
        return _text(row)

    def change(self, text: TextMessage, seen: TextMessage) -> bool:
        """Write what became of it; False when it is not as it was seen any more."""
        as_seen = (texts.c.id == seen.id) & (texts.c.state == seen.state.value) & (texts.c.attempts == seen.attempts)
        return self._link.run(update(texts).where(as_seen).values(_changing(text))) == 1

    def due(self, now: datetime, limit: int) -> Sequence[TextMessage]:
        return [_text(row) for row in self._link.hot_all(DUE, {"now": now, "most": limit})]

    def of(self, customer: CustomerId) -> Sequence[TextMessage]:
        """Oldest first."""
        query = select(texts).where(texts.c.customer_id == customer).order_by(texts.c.made_at, texts.c.id)
        return [_text(row) for row in self._link.all(query)]
