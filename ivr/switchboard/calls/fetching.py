"""What an http node asked of another system: asked once, by a worker, within the node's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.events import FetchEnded
from ivr.switchboard.ports.calls import Fetching
from ivr.switchboard.ports.records import Records, Transaction
from ivr.switchboard.ports.world import Clock, HttpFetcher

GRACE = timedelta(seconds=2)
"""So long after its limit nobody can still be asking; then it has timed out, whatever became of its worker."""


def left_to_ask(fetching: Fetching, now: datetime) -> float:
    """Seconds of the node's time that are left; 0 or less: too late to begin."""
    return fetching.limit_seconds - (now - fetching.asked_at).total_seconds()


@dataclass(frozen=True)
class Fetch:
    """The use case behind an http node: run by a worker, by hint or by sweep, never inside a webhook."""

    records: Records
    fetcher: HttpFetcher
    clock: Clock

    def __call__(self, key: str) -> None:
        """Ask, and store success, failure or timeout; a request that has begun is never sent a second time.

        A worker that dies while it asks leaves the rest to the node's time limit: who knows what the other system did.
        """
        now = self.clock.now()
        with self.records.write() as tx:
            asked = tx.fetches.get(key)
            if asked is None or asked.state != "waiting":
                return
            left = left_to_ask(asked, now)
            if left <= 0:
                if left <= -GRACE.total_seconds():
                    self._end(tx, asked, "timeout", None, now)
                return
            if not tx.facts.keep(f"fetch:{key}", "fetch.begun", {}, now, asked.call):
                return
        state, answer = self.fetcher.fetch(asked.url, asked.method, asked.body, left)
        with self.records.write() as tx:
            self._end(tx, asked, state, answer, self.clock.now())

    def _end(self, tx: Transaction, asked: Fetching, state: str, answer: str | None, now: datetime) -> None:
        if tx.fetches.end(asked.key, state, answer):
            tx.log.add(asked.call, [FetchEnded(asked.node, state)], now)
