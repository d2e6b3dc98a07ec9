"""Job name -> use case: one table, whoever runs it (Dramatiq's threads, the sweep's, or virtual time)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from traceback import extract_tb

import structlog

from ivr.core.words import AgentId, RecordingId, TextId, TicketId, VoicemailId
from ivr.worker.office import Work

log = structlog.get_logger(__name__)


def _fetch(work: Work, key: str) -> None:
    work.fetch(key)


def _line_up(work: Work, ticket: str) -> None:
    work.line_up(TicketId(ticket))
    work.match()


def _match(work: Work, _: str) -> None:
    work.match()


def _at_work(work: Work, agent: str) -> None:
    work.at_work((AgentId(agent),))
    work.match()


def _steer(work: Work, ticket: str) -> None:
    work.steer(TicketId(ticket))


JOBS: Mapping[str, Callable[[Work, str], datetime | None]] = {
    "fetch_voicemail": lambda work, about: work.fetch_voicemail(VoicemailId(about)),
    "read_voicemail": lambda work, about: work.read_voicemail(VoicemailId(about)),
    "fetch": _fetch,
    "line_up": _line_up,
    "match": _match,
    "at_work": _at_work,
    "steer": _steer,
    "send_text": lambda work, about: work.send_text(TextId(about)),
    "record": lambda work, about: work.record(RecordingId(about)),
    "fetch_recording": lambda work, about: work.fetch_recording(RecordingId(about)),
}

QUEUES: Mapping[str, str] = {
    "fetch_voicemail": "quick",
    "read_voicemail": "speech",
    "fetch": "quick",
    "line_up": "floor",
    "match": "floor",
    "at_work": "floor",
    "steer": "floor",
    "send_text": "quick",
    "record": "floor",
    "fetch_recording": "quick",
}
"""Which queue a job waits in: a caller who hears a waiting sentence never waits behind somebody's long message."""


@dataclass(frozen=True)
class Done:
    """How a job ended: ``failed`` when it raised; ``again`` when there is more to do at a known time."""

    failed: bool
    again: datetime | None = None


def run(work: Work, job: str, about: str) -> Done:
    """Run a job; whatever it raises is logged and ends here, since the sweep will find the work again."""
    try:
        return Done(False, JOBS[job](work, about))
    except Exception as trouble:  # noqa: BLE001 (the rim of the worker)
        log.error("job.failed", job=job, about=about, error=type(trouble).__name__, at=place(trouble))
        return Done(True)


def place(trouble: BaseException) -> str:
    """Where it was raised. Logs get this and the type, not the message, which may hold what somebody said or typed."""
    frame = extract_tb(trouble.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"
