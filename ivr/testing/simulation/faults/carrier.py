"""On our way to the carrier's REST API (``CarrierHttp``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twilio.http.response import Response

from ivr.testing.simulation.faults.fault import Dice, Fault
from ivr.twilio.rest import Auth, CarrierHttp


class CarrierRefuses(Fault):
    """The carrier's REST API answers 503 or 429, once or for a while."""

    name = "carrier_refuses"
    rate = 0.05

    def __init__(self, dice: Dice) -> None:
        super().__init__(dice)
        self._until = 0.0

    def refuses(self) -> int | None:
        dice = self.dice
        if dice.clock() >= self._until:
            if not dice.fall():
                return None
            self._until = dice.clock() + dice.chance.choice((0.0, 5.0, 60.0, 300.0))
        status = dice.chance.choice((429, 503))
        self.strikes(str(status))
        return status


class CarrierWire:
    """Our way to the carrier's REST API (``CarrierHttp``), with faults on it; ``deleting`` hears of what is deleted."""

    def __init__(self, way: CarrierHttp, faults: Sequence[Fault], deleting: Callable[[str], None]) -> None:
        self._way, self._faults, self._deleting = way, tuple(faults), deleting

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        self._strike("asked")
        status = self._refused()
        if status is not None:
            code = 20429 if status == 429 else 20503
            return Response(status, f'{{"code": {code}, "message": "simulated", "status": {status}}}', {})
        if method.upper() == "DELETE":
            self._deleting(url)
        answer = self._way.request(method, url, *args, **kwargs)
        self._strike("answered")
        return answer

    def audio(self, url: str, auth: Auth, largest: int) -> tuple[int, bytes]:
        self._strike("asked")
        status = self._refused()
        if status is not None:
            return status, b""
        answer = self._way.audio(url, auth, largest)
        self._strike("answered")
        return answer

    def _strike(self, what: str) -> None:
        for fault in self._faults:
            fault.at_rest(what)

    def _refused(self) -> int | None:
        return next((status for fault in self._faults if (status := fault.refuses()) is not None), None)
