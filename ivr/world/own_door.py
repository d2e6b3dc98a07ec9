"""Whether our own doors answer, seen from outside: a phone that is led to closed ones is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import structlog

EVERY = 1.0
"""Seconds between two looks."""

PATIENCE = 2.0
"""Seconds to wait for an answer; one that takes longer is slow, which is not closed."""

BELIEVED = 300.0
"""Seconds after which closed doors are no reason any more: the way there from here may be what is broken."""

log = structlog.get_logger(__name__)


class OwnDoor:
    """What the last look at /healthz under the public address saw.

    Open until it was seen open once: an address that cannot be reached from here at all tells nothing about callers.
    ``now`` is in seconds, of a clock that nobody puts back.
    """

    def __init__(self, public_url: str, now: Callable[[], float] = time.monotonic) -> None:
        self._url, self._now = urlsplit(public_url), now
        self._seen_open, self._open, self._since = False, True, 0.0

    def answers(self) -> bool:
        return self._open or self._now() - self._since > BELIEVED

    def watch(self, stop: threading.Event) -> None:
        """Look every second until ``stop`` is set."""
        while not stop.is_set():
            self.look()
            stop.wait(EVERY)

    def look(self) -> None:
        is_open = self._asked()
        self._seen_open = self._seen_open or is_open
        if self._seen_open and is_open is not self._open:
            self._open, self._since = is_open, self._now()
            log.warning("door.opened" if is_open else "door.closed")

    def _asked(self) -> bool:
        assert self._url.hostname is not None, "settings refuse an address without a host"
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        line = kind(self._url.hostname, self._url.port, timeout=PATIENCE)
        try:
            line.request("GET", f"{self._url.path}/healthz")
            return line.getresponse().status < 500
        except TimeoutError:
            return self._seen_open
        except (OSError, HTTPException):
            return False
        finally:
            line.close()
