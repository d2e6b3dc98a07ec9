"""The board as gauges for Prometheus, read when they are asked for; no personal data in labels."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ivr.core.agent import SystemState
from ivr.core.errors import RecordsUnavailable
from ivr.switchboard.queue.board import AskBoard

SHOWN = ("free", "break", "off", *(state.value for state in SystemState if state is not SystemState.IDLE))
"""Every word that agents are counted under, so that a line does not vanish when nobody is."""


class BoardFigures(Collector):
    """A collector over the board."""

    def __init__(self, ask: AskBoard) -> None:
        self._ask = ask

    def collect(self) -> Iterator[Metric]:
        try:
            board, promised = self._ask.now(), self._ask.promised()
        except RecordsUnavailable:
            yield GaugeMetricFamily("ivr_board_readable", "1 when the records could be read", value=0)
            return
        yield GaugeMetricFamily("ivr_board_readable", "1 when the records could be read", value=1)
        waiting = GaugeMetricFamily("ivr_queue_waiting", "Callers waiting on the line", labels=["queue"])
        callbacks = GaugeMetricFamily("ivr_queue_callbacks", "Callbacks that are due", labels=["queue"])
        longest = GaugeMetricFamily("ivr_queue_longest_wait_seconds", "Of those on the line; 0: none", labels=["queue"])
        for queue in board.queues:
            waiting.add_metric([queue.queue], queue.waiting)
            callbacks.add_metric([queue.queue], queue.callbacks)
            longest.add_metric([queue.queue], queue.longest_wait.total_seconds() if queue.longest_wait else 0)
        agents = GaugeMetricFamily("ivr_agents", "Agents by state", labels=["state"])
        counts = board.agents_by_state()
        for state in SHOWN:
            agents.add_metric([state], counts.get(state, 0))
        owed = GaugeMetricFamily("ivr_promises_owed", "Promises still owed, by how they stand", labels=["stands"])
        for stands in ("due", "warned", "late", "to_be_told"):
            owed.add_metric([stands], getattr(promised, stands))
        yield from (waiting, callbacks, longest, agents, owed)
        if promised.kept.rate is not None:
            yield GaugeMetricFamily(
                "ivr_promises_kept_ratio", "Of those that fell due in 30 days, kept in time", value=promised.kept.rate
            )
