"""The line under gunicorn for the `turns` benchmark: the real flow, its clock set to a working morning."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from ivr import config, wiring

WORKING_MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Shifted:
    """The real clock, moved to a working morning, so that the open menu answers."""

    def __init__(self) -> None:
        self._shift: timedelta = WORKING_MORNING - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


class NoHints:
    """No worker runs here: hints are dropped, the sweep's work is not part of a turn."""

    def fetch_voicemail(self, voicemail: str) -> None: ...

    def read_voicemail(self, voicemail: str) -> None: ...

    def fetch(self, key: str) -> None: ...

    def send_text(self, text: str) -> None: ...

    def line_up(self, ticket: str) -> None: ...

    def match(self) -> None: ...

    def at_work(self, agent: str) -> None: ...

    def steer(self, ticket: str) -> None: ...

    def record(self, recording: str) -> None: ...

    def fetch_recording(self, recording: str) -> None: ...


app = wiring.web_app(wiring.open_office(config.load(os.environ), NoHints(), clock=Shifted()))
