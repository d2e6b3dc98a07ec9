"""What goes wrong on a simulated day: each fault a class with a name and a rate, standing at a seam of the line.

The seams are the exchange's way out, the carrier's REST API, the statements of the records, the floor in Redis, and the
process itself: a file each. ``FAULTS`` is all of them; what may go wrong with something new is one more class there.
"""

from __future__ import annotations

from collections.abc import Mapping

from ivr.testing.simulation.faults.carrier import CarrierRefuses
from ivr.testing.simulation.faults.fault import Fault
from ivr.testing.simulation.faults.floor import HintLost, RedisGone, RedisWiped
from ivr.testing.simulation.faults.process import PowerCut, ProcessKilled
from ivr.testing.simulation.faults.records import RecordsRefuse
from ivr.testing.simulation.faults.webhooks import (
    AnswerLost,
    CallbacksOvertake,
    WebhookLate,
    WebhookLost,
    WebhookRepeated,
)

FAULTS: Mapping[str, type[Fault]] = {
    fault.name: fault
    for fault in (
        WebhookLost,
        AnswerLost,
        WebhookRepeated,
        WebhookLate,
        CallbacksOvertake,
        RecordsRefuse,
        RedisWiped,
        RedisGone,
        HintLost,
        CarrierRefuses,
        ProcessKilled,
        PowerCut,
    )
}
