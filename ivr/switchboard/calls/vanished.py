"""Calls that the carrier no longer knows, and whose end nobody told us of."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

from ivr.core.words import CallId
from ivr.switchboard.calls.call_status import end
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock, Flows, Later
from ivr.switchboard.record import places

YOUNG = timedelta(minutes=1)
"""A call this young may not be in the carrier's list yet."""


@dataclass(frozen=True)
class EndVanished:
    """The use case by which a lost status callback does no lasting harm."""

    records: Records
    telephone: Telephone
    flows: Flows
    later: Later
    clock: Clock

    def __call__(self, missing_before: Set[CallId]) -> frozenset[CallId]:
        """End the calls that the carrier's list lacks now and lacked before; those it lacks for the first time.

        Two looks, since a call's end may be on its way to us, with more to say, while we ask; and then the carrier is
        asked for that call alone, since its list may be wrong.
        """
        now = self.clock.now()
        with self.records.read() as tx:  # before the list is asked for: a call that rings meanwhile is not in question
            calls = [call for call in tx.calls.unfinished() if abs(now - call.started_at) > YOUNG]
        if not calls:
            return frozenset()
        live = frozenset(self.telephone.live_calls())
        missing = [call for call in calls if call.key.sid not in live]
        for call in missing:
            if call.id not in missing_before:
                continue
            if self.telephone.how_ended(call.key.sid) is None:
                self._count_unlisted()
            else:
                places.retried(lambda call=call: self._end(call.id))  # type: ignore[misc]
        return frozenset(call.id for call in missing if call.id not in missing_before)

    def _count_unlisted(self) -> None:
        """The carrier's list lacks a call that it has: nobody's place is given up for that."""
        with self.records.write() as tx:
            tx.facts.count_odd("list.lacks_live_call", self.clock.now())

    def _end(self, call: CallId) -> None:
        with self.records.write() as tx:
            ticket = end(tx, tx.calls.at(call), "completed", None, self.flows, self.clock)
        if ticket is not None:
            self.later.line_up(ticket)
            self.later.steer(ticket)
