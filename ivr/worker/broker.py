"""Dramatiq on Redis, as a carrier of hints: no retries, no delays, no results; those stand in SQL."""

from __future__ import annotations

from collections.abc import Callable

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from ivr.worker.actors import QUEUES, run
from ivr.worker.office import Work

QUICKLY = 0.5
"""Seconds a hint may take: it is given while a caller waits for an answer."""


def hint_broker(redis_url: str) -> RedisBroker:
    """A broker for giving hints: refuses at once when Redis is away."""
    client = redis.Redis.from_url(
        redis_url, socket_timeout=QUICKLY, socket_connect_timeout=QUICKLY, retry=Retry(NoBackoff(), 0)
    )
    return _broker(client)


def work_broker(redis_url: str, work: Work, queue: str) -> RedisBroker:
    """A broker whose actors do the jobs of one queue."""
    client = redis.Redis.from_url(redis_url, socket_timeout=10, socket_connect_timeout=2)
    broker = _broker(client)
    for job in (job for job, its_queue in QUEUES.items() if its_queue == queue):
        dramatiq.actor(actor_name=job, queue_name=queue, broker=broker)(_doing(work, job))
    return broker


def _doing(work: Work, job: str) -> Callable[[str], None]:
    def do(about: str) -> None:
        run(work, job, about)

    return do


def _broker(client: redis.Redis) -> RedisBroker:
    return RedisBroker(client=client, middleware=[], namespace="ivr:jobs")  # type: ignore[no-untyped-call]
