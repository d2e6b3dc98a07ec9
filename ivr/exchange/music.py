"""What somebody hears who waits: a document, or the network's own music.

https://www.twilio.com/docs/voice/twiml/enqueue#attributes-waiturl (asked for again whenever it runs out),
https://www.twilio.com/docs/voice/twiml/conference#attributes-waiturl (silence when it runs out).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ivr.exchange.phones import Playing
from ivr.exchange.steps import Document, DocumentFailed, Goto, Outcome, Stop
from ivr.exchange.twiml import Verb

if TYPE_CHECKING:
    from ivr.exchange.legs import Leg

HOLD_MUSIC = "hold music"
PIECE = 600.0  # seconds
SHORTEST = 1.0  # between two requests of a wait document that takes no time


def wait_document(verb: Verb, document: Document, url: str, method: str) -> Goto | None:
    """None: the network's own music; a Goto without address: silence."""
    text = verb.attributes.get(url)
    if text is None:
        return None
    return Goto(document.address(text) if text else "", verb.get(method, "POST").upper())


async def play_music(
    leg: Leg,
    goto: Goto | None,
    context: str,
    params: Callable[[], Mapping[str, str]],
    again: bool,
    out: Callable[[str], object],
) -> None:
    """Until interrupted; ``out`` is told ``leave`` or ``error``."""
    if goto is None:
        while True:
            now = leg.network.scheduler.now()
            await leg.hear(Playing("played", HOLD_MUSIC, "", "", 1.0, now, PIECE))
    while goto.url:
        began = leg.clock()
        step: Outcome = Goto(goto.url, goto.method, params())
        try:
            while isinstance(step, Goto):
                step = await leg.follow(step, context)
        except DocumentFailed:
            out("error")
            return
        if step is Stop.HANG_UP:
            leg.end("completed", "the other side hung up")
            return
        if step is Stop.LEAVE:
            out("leave")
            return
        if not again:
            return
        if leg.clock() == began:
            await leg.pause(SHORTEST)
