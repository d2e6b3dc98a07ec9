"""Calls: one row each; the turn number is the lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal_column, select, update

from ivr.core.call import CallRecord, CallState, CarrierKey, Sure
from ivr.core.errors import NoSuchCall
from ivr.core.words import CallerNumber, CallId, CustomerId, PhoneNumber, Withheld
from ivr.store.link import Link, inserts_once
from ivr.store.tables import SITE, calls

_COLUMNS = (
    calls.c.id,
    calls.c.carrier,
    calls.c.account,
    calls.c.sid,
    calls.c.line,
    calls.c.caller_number,
    calls.c.caller_said,
    calls.c.called_number,
    calls.c.customer_id,
    calls.c.sure,
    calls.c.flow_version,
    calls.c.state,
    calls.c.turn,
    calls.c.door,
    calls.c.token,
    calls.c.cursor,
    calls.c.says,
    calls.c.next_seq,
    calls.c.started_at,
    calls.c.ended_at,
    calls.c.outcome,
)


def _this() -> ColumnElement[bool]:
    return and_(
        calls.c.site_id == literal_column(f"'{SITE}'"),
        calls.c.carrier == bindparam("carrier"),
        calls.c.account == bindparam("account"),
        calls.c.sid == bindparam("sid"),
    )


AT = select(*_COLUMNS).where(calls.c.id == bindparam("call"))
# Held until the commit, so that nobody numbers events or moves this call in between. SQLite's BEGIN IMMEDIATE holds
# everything already, and its compiler leaves the clause out.
AT_AND_HOLD = AT.with_for_update(key_share=True)
FIND = select(*_COLUMNS).where(_this())
FIND_AND_HOLD = FIND.with_for_update(key_share=True)
MOVE = (
    update(calls)
    .where(calls.c.id == bindparam("call"), calls.c.turn == bindparam("from_turn"))
    .values(
        turn=bindparam("to_turn"),
        door=bindparam("to_door"),
        token=bindparam("to_token"),
        cursor=bindparam("to_cursor"),
        says=bindparam("to_says"),
        state=bindparam("to_state"),
        next_seq=bindparam("to_next_seq"),
    )
)


START = inserts_once(calls, "site_id", "carrier", "account", "sid")
END = (
    update(calls)
    .where(calls.c.id == bindparam("call"), calls.c.ended_at.is_(None))
    .values(state=bindparam("to_state"), outcome=bindparam("to_outcome"), ended_at=bindparam("at"))
)
UNFINISHED = select(*_COLUMNS).where(calls.c.ended_at.is_(None)).order_by(calls.c.started_at, calls.c.id)
ENDED_BETWEEN = (
    select(*_COLUMNS)
    .where(calls.c.ended_at > bindparam("after"), calls.c.ended_at <= bindparam("until"))
    .order_by(calls.c.ended_at, calls.c.id)
)


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _record(row: Sequence[Any], moment: Any) -> CallRecord:
    # Positional and by hand: this runs at every turn.
    (id_, carrier, account, sid, line, number, said, called, customer, sure, version, state, turn, door, token) = row[
        :15
    ]
    cursor, says, next_seq, started, ended, outcome = row[15:]
    caller: CallerNumber = PhoneNumber(number) if number is not None else Withheld(said)
    return CallRecord(
        id_,
        CarrierKey(carrier, account, sid),
        line,
        caller,
        PhoneNumber(called),
        customer,
        Sure(sure),
        version,
        CallState(state),
        turn,
        door,
        token,
        cursor,
        says,
        next_seq,
        moment(started),
        None if ended is None else moment(ended),
        outcome,
    )


def _row(call: CallRecord) -> dict[str, Any]:
    withheld = isinstance(call.caller, Withheld)
    return {
        "site_id": SITE,
        "id": call.id,
        "carrier": call.key.carrier,
        "account": call.key.account,
        "sid": call.key.sid,
        "line": call.line,
        "caller_number": None if withheld else str(call.caller),
        "caller_said": call.caller.said if isinstance(call.caller, Withheld) else None,
        "called_number": str(call.called),
        "customer_id": call.customer,
        "sure": call.sure.value,
        "flow_version": call.version,
        "state": call.state.value,
        "turn": call.turn,
        "door": call.door,
        "token": call.token,
        "cursor": call.cursor,
        "says": call.says,
        "next_seq": call.next_seq,
        "started_at": call.started_at,
        "ended_at": call.ended_at,
        "outcome": call.outcome,
    }


class SqlCalls:
    """The port ``Calls``."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    def find(self, key: CarrierKey) -> CallRecord | None:
        row = self._link.hot_one(
            FIND_AND_HOLD if self._link.writes else FIND,
            {"carrier": key.carrier, "account": key.account, "sid": key.sid},
        )
        return None if row is None else _record(row, self._link.moment)

    def at(self, call: CallId) -> CallRecord:
        """The call; inside ``write()`` its row is held until the commit. Raises NoSuchCall."""
        row = self._link.hot_one(AT_AND_HOLD if self._link.writes else AT, {"call": call})
        if row is None:
            raise NoSuchCall
        return _record(row, self._link.moment)

    def start(self, call: CallRecord) -> bool:
        return self._link.hot_change(START[self._link.dialect.name], _row(call)) == 1

    def move(self, call: CallRecord, from_turn: int) -> bool:
        moved = self._link.hot_change(
            MOVE,
            {
                "call": call.id,
                "from_turn": from_turn,
                "to_turn": call.turn,
                "to_door": call.door,
                "to_token": call.token,
                "to_cursor": call.cursor,
                "to_says": call.says,
                "to_state": call.state.value,
                "to_next_seq": call.next_seq,
            },
        )
        return moved == 1

    def recognise(self, call: CallId, customer: CustomerId, sure: Sure) -> None:
        self._link.run(update(calls).where(calls.c.id == call).values(customer_id=customer, sure=sure.value))

    def end(self, call: CallId, state: CallState, outcome: str, at: datetime) -> bool:
        ended = {"call": call, "to_state": state.value, "to_outcome": outcome, "at": at}
        return self._link.hot_change(END, ended) == 1

    def set_outcome(self, call: CallId, outcome: str) -> None:
        self._link.run(update(calls).where(calls.c.id == call).values(outcome=outcome))

    def recent(self, limit: int, before: datetime | None = None) -> Sequence[CallRecord]:
        """The newest first."""
        query = select(*_COLUMNS).order_by(calls.c.started_at.desc(), calls.c.id.desc()).limit(limit)
        return self._records(query if before is None else query.where(calls.c.started_at < before))

    def of(self, customer: CustomerId) -> Sequence[CallRecord]:
        """Oldest first."""
        return self._records(
            select(*_COLUMNS).where(calls.c.customer_id == customer).order_by(calls.c.started_at, calls.c.id)
        )

    def unfinished(self) -> Sequence[CallRecord]:
        return [_record(row, _as_it_is) for row in self._link.hot_all(UNFINISHED, {})]

    def ended_between(self, after: datetime, until: datetime) -> Sequence[CallRecord]:
        rows = self._link.hot_all(ENDED_BETWEEN, {"after": after, "until": until})
        return [_record(row, _as_it_is) for row in rows]

    def _records(self, query: Select[Any]) -> list[CallRecord]:
        return [_record(tuple(row), _as_it_is) for row in self._link.all(query)]
