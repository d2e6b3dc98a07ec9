"""On the way of the carrier's requests to us (``Outside``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit

from ivr.exchange.webhooks import Answer, Done, Outside, Patience, Unreached
from ivr.testing.simulation.faults.fault import Ask, Dice, Fault, Webhook

LEG = re.compile(r"(?:^|&)CallSid=(\w+)")


def _nobody(_: Answer | Unreached) -> None:
    """An answer that reaches nobody."""


class WebhookLost(Fault):
    """A request does not reach us: refused at once; half of the time its repetitions are refused too."""

    name = "webhook_lost"
    rate = 0.02

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                ask(done)
                return
            if dice.chance.random() < 0.5:
                self._until = dice.clock() + dice.chance.uniform(0.1, 3.0)
        self.strikes("nobody there", webhook.sid, webhook.path)
        done(Unreached.CONNECT)


class AnswerLost(Fault):
    """We are asked and act, and our answer does not arrive."""

    name = "answer_lost"
    rate = 0.01

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if not self.dice.fall():
            ask(done)
            return
        self.strikes("the connection breaks before the answer", webhook.sid, webhook.path)
        ask(_nobody)
        done(Unreached.READ)


class WebhookRepeated(Fault):
    """The same request comes again, up to a minute later; its answer reaches nobody."""

    name = "webhook_repeated"
    rate = 0.03

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if self.dice.fall():
            later = self.dice.chance.choice((0.0, 0.5, 3.0, 60.0))
            self.strikes(f"again in {later:g} s", webhook.sid, webhook.path)
            self.dice.scheduler.after(later, lambda: ask(_nobody))
        ask(done)


class WebhookLate(Fault):
    """A request or its answer takes seconds; beyond its patience the carrier gives up, and we act all the same."""

    name = "webhook_late"
    rate = 0.02

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        dice = self.dice
        if not dice.fall():
            ask(done)
            return
        seconds = dice.chance.choice((0.3, 1.0, 4.0, 12.0, webhook.patience + 2.0))
        answered = done
        if seconds > webhook.patience:
            answered = _nobody
            dice.scheduler.after(webhook.patience, lambda: done(Unreached.READ))
        if dice.chance.random() < 0.5:
            self.strikes(f"asked {seconds:g} s late", webhook.sid, webhook.path)
            dice.scheduler.after(seconds, lambda: ask(answered))
        else:
            self.strikes(f"answered {seconds:g} s late", webhook.sid, webhook.path)
            ask(lambda outcome: _ignored(dice.scheduler.after(seconds, lambda: answered(outcome))))


def _ignored(_: object) -> None: ...


class CallbacksOvertake(Fault):
    """Status and recording callbacks take their time, so that they come in any order."""

    name = "callbacks_overtake"
    rate = 0.15

    def carry(self, webhook: Webhook, ask: Ask, done: Done) -> None:
        if not _is_news(webhook.path) or not self.dice.fall():
            ask(done)
            return
        seconds = self.dice.chance.choice((0.5, 5.0, 40.0, 200.0))
        self.strikes(f"{seconds:g} s on the way", webhook.sid, webhook.path)
        self.dice.scheduler.after(seconds, lambda: ask(done))


def _is_news(path: str) -> bool:
    return path.startswith(("/voice/status", "/voice/recordings")) or path.endswith("/status")


class Road:
    """The way of the carrier's requests to us (``Outside``), with faults on it."""

    def __init__(self, way: Outside, faults: Sequence[Fault]) -> None:
        self._way, self._faults = way, tuple(faults)

    def request(
        self, method: str, url: str, form: str, headers: Mapping[str, str], timeout: Patience, done: Done
    ) -> None:
        sid, path = leg_of(url, form)
        webhook = Webhook(sid, path, timeout.read)
        ask: Ask = partial(self._way.request, method, url, form, headers, timeout)
        for fault in self._faults:
            ask = partial(fault.carry, webhook, ask)
        ask(done)


def leg_of(url: str, form: str) -> tuple[str, str]:
    """The leg a webhook is about, and its path."""
    parts = urlsplit(url)
    named = LEG.search(form or parts.query)
    return named[1] if named else "", parts.path
