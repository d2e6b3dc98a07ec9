"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The `Clock` port over the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
