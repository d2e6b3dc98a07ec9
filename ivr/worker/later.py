"""The port ``Later``: hints for the workers, by Redis; one that cannot be given is counted, and swept up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis
import structlog
from dramatiq import Broker, Message
from dramatiq.errors import BrokerConnectionError

from ivr.core.words import AgentId, RecordingId, TextId, TicketId, VoicemailId
from ivr.worker.actors import QUEUES
from ivr.worker.broker import hint_broker

REST = 5.0
"""Seconds without a further attempt after Redis was away: callers shall not wait for it one by one."""

log = structlog.get_logger(__name__)


class DramatiqLater:
    """Hints through Dramatiq. Never raises for Redis: what was promised is in SQL before a hint is given."""

    def __init__(self, broker: Broker, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._broker, self._elapsed = broker, elapsed
        self._lock = threading.Lock()
        self._resting_until = float("-inf")
        self.lost = 0

    def fetch_voicemail(self, voicemail: VoicemailId) -> None:
        self._hint("fetch_voicemail", voicemail)

    def read_voicemail(self, voicemail: VoicemailId) -> None:
        self._hint("read_voicemail", voicemail)

    def fetch(self, key: str) -> None:
        self._hint("fetch", key)

    def send_text(self, text: TextId) -> None:
        self._hint("send_text", text)

    def line_up(self, ticket: TicketId) -> None:
        self._hint("line_up", ticket)

    def match(self) -> None:
        self._hint("match", "")

    def at_work(self, agent: AgentId) -> None:
        self._hint("at_work", agent)

    def steer(self, ticket: TicketId) -> None:
        self._hint("steer", ticket)

    def record(self, recording: RecordingId) -> None:
        self._hint("record", recording)

    def fetch_recording(self, recording: RecordingId) -> None:
        self._hint("fetch_recording", recording)

    def _hint(self, job: str, about: str) -> None:
        if self._elapsed() < self._resting_until:
            self._lose(job, about, "resting")
            return
        message: Message[None] = Message(queue_name=QUEUES[job], actor_name=job, args=(about,), kwargs={}, options={})
        try:
            self._broker.enqueue(message)
        except (redis.RedisError, BrokerConnectionError) as trouble:
            self._resting_until = self._elapsed() + REST
            self._lose(job, about, type(trouble).__name__)

    def _lose(self, job: str, about: str, because: str) -> None:
        with self._lock:
            self.lost += 1
        log.warning("hint.lost", job=job, about=about, because=because, lost=self.lost)


class SweepOnly:
    """No Redis at all: every job is found by the sweep."""

    def fetch_voicemail(self, voicemail: VoicemailId) -> None:
        """The sweep finds it."""

    def read_voicemail(self, voicemail: VoicemailId) -> None:
        """The sweep finds it."""

    def fetch(self, key: str) -> None:
        """The sweep finds it."""

    def send_text(self, text: TextId) -> None:
        """The sweep finds it."""

    def line_up(self, ticket: TicketId) -> None:
        """The sweep finds it."""

    def match(self) -> None:
        """The sweep finds it."""

    def at_work(self, agent: AgentId) -> None:
        """The sweep finds it."""

    def steer(self, ticket: TicketId) -> None:
        """The sweep finds it."""

    def record(self, recording: RecordingId) -> None:
        """The sweep finds it."""

    def fetch_recording(self, recording: RecordingId) -> None:
        """The sweep finds it."""


def dramatiq_later(redis_url: str | None) -> DramatiqLater | SweepOnly:
    """Hints by the Redis at this address; None: by none."""
    return DramatiqLater(hint_broker(redis_url)) if redis_url else SweepOnly()
