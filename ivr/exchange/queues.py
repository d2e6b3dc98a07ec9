"""Queues: Enqueue, Dial's Queue, and who stands where.

Sources: https://www.twilio.com/docs/voice/twiml/enqueue, https://www.twilio.com/docs/voice/twiml/queue,
https://www.twilio.com/docs/voice/api/queue-resource, https://www.twilio.com/docs/voice/api/member-resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ivr.exchange.doing import Coming, Doing, Interrupted
from ivr.exchange.music import play_music, wait_document
from ivr.exchange.records import MemberResource, QueueResource
from ivr.exchange.steps import Document, DocumentFailed, Goto, Outcome, go_on, hung_up
from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Bridge, Leg

DEFAULT_SIZE = 1000
DIAL_TIMEOUT = 30  # seconds
DIAL_TIME_LIMIT = 14400  # seconds


class Place:
    """A caller's place in a queue; ``out`` comes with leave, error or dequeued."""

    def __init__(self, leg: Leg, queue: CallQueue, at: datetime) -> None:
        self.leg, self.queue, self.at = leg, queue, at
        self._since = leg.clock()
        self._left: float | None = None
        self.out: Coming[str] = Coming()
        self.taker: Taker | None = None

    @property
    def seconds(self) -> int:
        """Waited so far, or until it left."""
        return int((self.leg.clock() if self._left is None else self._left) - self._since)

    def leave(self) -> None:
        if self._left is None:
            self._left = self.leg.clock()
            self.queue.places.remove(self)

    def params(self) -> dict[str, str]:
        return {"QueueSid": self.queue.resource.sid, "QueueTime": str(self.seconds)}


class Taker:
    """Somebody who dialled the queue, and the place they got."""

    def __init__(self, leg: Leg, whisper: Goto | None) -> None:
        self.leg, self.whisper = leg, whisper
        self.got: Coming[Place | None] = Coming()
        self.ready: Coming[Bridge | None] = Coming()  # the waiting caller is connected; None: gone before that
        self.gone = False


class CallQueue:
    def __init__(self, resource: QueueResource) -> None:
        self.resource = resource
        self.places: list[Place] = []
        self.takers: list[Taker] = []

    def shown(self) -> QueueResource:
        """The resource as it is now."""
        self.resource.current_size = len(self.places)
        self.resource.average_wait_time = self.average()
        return self.resource

    def average(self) -> int:
        return sum(place.seconds for place in self.places) // len(self.places) if self.places else 0

    def member(self, place: Place) -> MemberResource:
        position = self.places.index(place) + 1
        return MemberResource(place.leg.sid, self.resource.sid, place.at, position, place.seconds)

    def match(self) -> None:
        """Whoever dials gets whoever waits longest."""
        while self.takers and self.places:
            taker, place = self.takers.pop(0), self.places[0]
            place.leave()
            place.taker = taker
            taker.got.come(place)
            place.out.come("dequeued")


async def enqueue(leg: Leg, verb: Verb, document: Document) -> Outcome:
    network = leg.network
    queue = network.queue_named(verb.text)
    if len(queue.places) >= min(verb.number("maxQueueSize", queue.resource.max_size), queue.resource.max_size):
        return go_on(verb, document, {"QueueResult": "queue-full"})
    place = Place(leg, queue, network.scheduler.now())
    queue.places.append(place)

    def standing() -> Mapping[str, str]:
        return {
            "QueueSid": queue.resource.sid,
            "QueuePosition": str(queue.places.index(place) + 1),
            "QueueTime": str(place.seconds),
            "AvgQueueTime": str(queue.average()),
            "CurrentQueueSize": str(len(queue.places)),
            "MaxQueueSize": str(queue.resource.max_size),
        }

    goto = wait_document(verb, document, "waitUrl", "waitUrlMethod")
    music = Doing(play_music(leg, goto, "queue-wait", standing, again=True, out=place.out.come))
    network.scheduler.after(0, queue.match)
    result = "hangup"
    try:
        music.start()
        result = await place.out
        music.interrupt("redirected")
        place.leave()
        if place.taker is not None:
            result = "bridging-in-process"
            bridge = await _connected(place, place.taker)
            if bridge is not None:
                result = "bridged"
                await bridge.over
    except Interrupted as stop:
        music.interrupt(stop.why)
        place.leave()
        if place.taker is not None and not place.taker.ready.here:
            place.taker.ready.come(None)
        if stop.why == "redirected":
            result = "redirected-from-bridged" if result == "bridged" else "redirected"
        elif result != "bridged":
            result = "hangup"
        if verb.get("action"):
            leg.request(document.action(verb, {"QueueResult": result, **place.params()}))
        raise
    return go_on(verb, document, {"QueueResult": result, **place.params()})


async def _connected(place: Place, taker: Taker) -> Bridge | None:
    """What the waiting caller hears before, then the bridge; None when the other side has left meanwhile."""
    leg = place.leg
    if taker.whisper is not None:
        extra = {**place.params(), "DequeingCallSid": taker.leg.sid}
        step: Outcome = Goto(taker.whisper.url, taker.whisper.method, extra)
        try:
            while isinstance(step, Goto):
                step = await leg.follow(step, "queue-url")
        except DocumentFailed:
            taker.ready.come(None)
            return None
    if taker.gone:
        return None
    bridge = leg.join(taker.leg)
    taker.ready.come(bridge)
    return bridge


async def dial_queue(leg: Leg, verb: Verb, noun: Verb, document: Document) -> dict[str, str]:
    """Take the caller who waits longest, or wait for one; the parameters of Dial's action."""
    queue = leg.network.find_queue(noun.text)
    if queue is None:
        return {"DialCallStatus": "failed", "DialBridged": "false", "DequeueResult": "queue-not-found"}
    url = noun.get("url")
    whisper = Goto(document.address(url), noun.get("method", "POST").upper()) if url else None
    taker = Taker(leg, whisper)
    queue.takers.append(taker)
    scheduler = leg.network.scheduler
    timer = scheduler.after(verb.number("timeout", DIAL_TIMEOUT), lambda: taker.got.come(None))
    leg.phone.notice("ringback")
    scheduler.after(0, queue.match)
    params = {"DialCallStatus": "no-answer", "DialBridged": "false", "QueueSid": queue.resource.sid}
    since = leg.clock()
    try:
        place = await taker.got
        timer.cancel()
        if place is None:
            return params
        params = {**params, **place.params(), "DialCallSid": place.leg.sid}
        bridge = await taker.ready
        if bridge is None:
            return params
        since = leg.clock()
        params = {**params, "DialCallStatus": "completed", "DialBridged": "true", "DequeueResult": "bridged"}
        timer = scheduler.after(verb.number("timeLimit", DIAL_TIME_LIMIT), lambda: bridge.end(None, "time limit"))
        if verb.yes("hangupOnStar", default=False):
            leg.on_key = lambda key: bridge.end(None, "star") if key == "*" else None
        await bridge.over
        return {**params, "DialCallDuration": str(round(leg.clock() - since))}
    except Interrupted as stop:
        taker.gone = True
        if stop.why == "hangup":
            if "DequeueResult" in params:
                params = {**params, "DialCallDuration": str(round(leg.clock() - since))}
            hung_up(leg, verb, document, params)
        raise
    finally:
        timer.cancel()
        leg.on_key = None
        if taker in queue.takers:
            queue.takers.remove(taker)
