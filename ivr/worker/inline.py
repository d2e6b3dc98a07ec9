"""Jobs in virtual time: one process, one thread, the network's scheduler for a clock, the same table of jobs."""

from __future__ import annotations

from collections.abc import Callable

from ivr.core.words import AgentId, RecordingId, TextId, TicketId, VoicemailId
from ivr.switchboard.messages.voicemail import LEASE
from ivr.worker.actors import run
from ivr.worker.office import Work
from ivr.worker.sweep import Sweep

After = Callable[[float, Callable[[], object]], object]
"""Call back in so many seconds (``Scheduler.after``)."""


QUIET_SWEEP = 60.0
"""Seconds between two sweeps while nobody is on the line."""


class InlineLater:
    """The port ``Later``: a hint is a callback on the scheduler, after the request that gave it."""

    def __init__(self, after: After) -> None:
        self._after = after
        self._work: Work | None = None

    def serve(self, work: Work) -> None:
        """From now on jobs are done with this work (which was itself built with this ``Later``)."""
        self._work = work

    def fetch_voicemail(self, voicemail: VoicemailId) -> None:
        self._after(0, lambda: self._run("fetch_voicemail", voicemail))

    def read_voicemail(self, voicemail: VoicemailId) -> None:
        self._after(0, lambda: self._run("read_voicemail", voicemail))

    def fetch(self, key: str) -> None:
        self._after(0, lambda: self._run("fetch", key))

    def send_text(self, text: TextId) -> None:
        self._after(0, lambda: self._run("send_text", text))

    def line_up(self, ticket: TicketId) -> None:
        self._after(0, lambda: self._run("line_up", ticket))

    def match(self) -> None:
        self._after(0, lambda: self._run("match", ""))

    def at_work(self, agent: AgentId) -> None:
        self._after(0, lambda: self._run("at_work", agent))

    def steer(self, ticket: TicketId) -> None:
        self._after(0, lambda: self._run("steer", ticket))

    def record(self, recording: RecordingId) -> None:
        self._after(0, lambda: self._run("record", recording))

    def fetch_recording(self, recording: RecordingId) -> None:
        self._after(0, lambda: self._run("fetch_recording", recording))

    def sweep_every(self, seconds: float, quiet: Callable[[], bool] = lambda: False) -> None:
        """Sweep on the scheduler from now on, for runs in which hints get lost or jobs are killed.

        While it is ``quiet`` only once a minute: a night of virtual time shall not take long.
        """
        sweep = Sweep(self._working(), self._run)
        left_out = 0.0

        def once() -> None:
            nonlocal left_out
            left_out += seconds
            if left_out >= QUIET_SWEEP or not quiet():
                sweep.round()
                left_out = 0.0
            self._after(seconds, once)

        self._after(seconds, once)

    def _run(self, job: str, about: str) -> None:
        work = self._working()
        done = run(work, job, about)
        if done.again is not None:
            self._after((done.again - work.clock.now()).total_seconds(), lambda: self._run(job, about))
        elif done.failed:
            self._after(LEASE.total_seconds(), lambda: self._run(job, about))

    def _working(self) -> Work:
        if self._work is None:
            raise RuntimeError("a job was asked for before serve() said what can be done")
        return self._work
