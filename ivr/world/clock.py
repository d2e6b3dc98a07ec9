"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The `Clock` port over the machine's clock; ``shift`` goes before it, for demonstrations outside of hours."""

    def __init__(self, shift: timedelta = timedelta()) -> None:
        self._shift = shift

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift
