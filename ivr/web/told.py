"""The board and its answers as JSON has them, for the API and the command line alike: times in the company's zone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ivr.core.board import Board
from ivr.core.metrics import QueueFigures, WorkingTime
from ivr.core.order_proof import Overtaking, Row
from ivr.switchboard.queue.board import Day, Waits


def board(seen: Board, zone: ZoneInfo) -> dict[str, Any]:
    """Every queue, agent and claim."""
    told = {
        "at": seen.at,
        "queues": [asdict(queue) for queue in seen.queues],
        "agents": [
            {
                "agent": one.agent,
                "shown": one.shown,
                "queues": one.queues,
                "wish": one.status.wish.value,
                "wish_because": one.status.wish_because,
                "wish_since": one.status.wish_since,
                "state": one.status.state.value,
                "state_because": one.status.state_because,
                "state_since": one.status.state_since,
                "wrap_up_until": one.status.wrap_up_until,
                "ticket": one.ticket,
            }
            for one in seen.agents
        ],
        "agents_by_state": dict(seen.agents_by_state()),
        "claims": [asdict(claim) for claim in seen.claims],
    }
    return _object(told, zone)


def waits(found: Waits, zone: ZoneInfo) -> dict[str, Any]:
    """Why a ticket waits, and for each agent what stands in the way and when they could take it."""
    why = found.explanation
    told = {
        "ticket": why.ticket,
        "queue": found.queue,
        "kind": found.kind.value,
        "state": found.state.value,
        "arrived_at": found.arrived_at,
        "leaves_by": found.leaves_by or None,
        "waited": why.waited,
        "because": why.because,
        "ahead": why.ahead,
        "rung": [{"agent": claim.agent, "since": claim.made_at, "because": claim.because} for claim in found.claims],
        "agents": [
            {
                "agent": one.agent,
                "because": one.because,
                "free_at": one.free_at,
                "could_take_it_from": why.could_from(one.agent),
            }
            for one in why.hindrances
        ],
        "chances": [asdict(chance) for chance in why.chances],
    }
    return _object(told, zone)


def order(rows: tuple[Row, ...], zone: ZoneInfo) -> list[dict[str, Any]]:
    """A row a ticket."""
    return [
        _object(
            {
                "ticket": row.ticket,
                "kind": row.kind.value,
                "queue": row.queue,
                "arrived_at": row.arrived_at,
                "served_at": row.served_at,
                "waited": row.waited,
                "agent": row.agent,
                "by_arrival": row.by_arrival,
                "by_service": row.by_service,
                "chosen_because": row.chosen_because,
                "went_before": [_overtaking(one) for one in row.went_before],
                "was_passed": [_overtaking(one) for one in row.was_passed],
                "unexplained": row.unexplained,
            },
            zone,
        )
        for row in rows
    ]


def day(seen: Day, zone: ZoneInfo) -> dict[str, Any]:
    """The figures of a day."""
    told = {
        "since": seen.since,
        "until": seen.until,
        "queues": {queue: _queue(figures) for queue, figures in seen.queues.items()},
        "ranges": {**asdict(seen.ranges), "rate": seen.ranges.rate},
        "agents": {agent: _working(spent) for agent, spent in seen.agents.items()},
    }
    return _object(told, zone)


def _overtaking(one: Overtaking) -> dict[str, Any]:
    return {**asdict(one), "why": one.why.value}


def _queue(figures: QueueFigures) -> dict[str, Any]:
    return {
        **asdict(figures),
        "service_level": figures.service_level,
        "abandonment": figures.abandonment,
        "raw_abandonment": figures.raw_abandonment,
    }


def _working(spent: WorkingTime) -> dict[str, Any]:
    return {**asdict(spent), "occupancy": spent.occupancy, "utilisation": spent.utilisation}


def _object(told: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    return {name: _plain(each, zone) for name, each in told.items()}


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """Lengths in seconds, times in the zone, tuples as lists."""
    match value:
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.astimezone(zone).isoformat()
        case dict():
            return _object(value, zone)
        case list() | tuple():
            return [_plain(each, zone) for each in value]
        case _:
            return value
