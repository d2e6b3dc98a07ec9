"""Logs for machines and people: one line an event, ids instead of persons, tracebacks without values."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def configure(to: TextIO | None = None) -> None:
    """Send structlog's events to standard error, or ``to``, plain; a traceback shows places, never what variables held.

    Before anything is logged: loggers keep what they were first used with.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=to or sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
