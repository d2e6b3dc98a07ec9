"""Take a message: what is said about it afterwards is written in the same transaction, so that it is true."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime

from ivr.core.company import Hours
from ivr.core.events import VoicemailEmpty, VoicemailTaken
from ivr.core.flow.model import Voicemail
from ivr.core.flow.speaking import Spoken, in_words
from ivr.core.flow.steps.lookup import reason
from ivr.core.flow.turn import Got, GotKept, Heard, KeepVoicemail, NothingRecorded, Record, Recorded, Want, WantKept
from ivr.core.flow.walk import End, Fail, Leave, Wait, Walk
from ivr.core.hours import due_in_opening_time

SILENCE, SLOW_SILENCE = 5, 10  # seconds that end a message


def voicemail(walk: Walk, node: Voicemail, heard: Heard | None) -> Generator[Want, Got, Leave | Wait | End | Fail]:
    match heard:
        case None:
            walk.say(node.ask)
            longest = max(1, int(node.longest.total_seconds()))
            return Wait("record", Record((), longest, SLOW_SILENCE if walk.slow else SILENCE, walk.language))
        case Recorded():
            return (yield from taken(walk, node, heard))
        case _:
            walk.note(VoicemailEmpty(node.queue))
            walk.say_sentence("message_empty")
            return Leave("empty", "nobody spoke" if isinstance(heard, NothingRecorded) else "no message came")


def taken(walk: Walk, node: Voicemail, message: Recorded) -> Generator[Want, Got, Leave | End | Fail]:
    """Keep it; whoever hangs up after speaking, as most do, is owed the same answer as who waits for our sentence.

    A recording that is on record already is thanked for, and promised nothing a second time.
    """
    kept = yield WantKept(message.recording)
    if not isinstance(kept, GotKept):
        return Fail(reason(kept))
    due = None if kept.kept else due_at(walk, node)
    if not kept.kept:
        walk.deeds.append(KeepVoicemail(message.recording, message.url, message.length, node.queue, due, walk.language))
        seconds = None if message.length is None else int(message.length.total_seconds())
        walk.note(VoicemailTaken(message.recording, node.queue, seconds, None if due is None else due.isoformat()))
    if message.hung_up:
        walk.left("recorded", "hung up after the message")
        return End()
    walk.say_sentence("message_kept")
    if due is not None:
        text = in_words(due.isoformat(), f"moment:{zone_of(walk, node)}", walk.voice())
        walk.say_sentence("message_promise", due=Spoken(text, text))
    return Leave("recorded", "left a message")


def due_at(walk: Walk, node: Voicemail) -> datetime | None:
    """By when an answer is promised (UTC); None: nothing is."""
    within = node.answer_within
    if within is None:
        return None
    hours = hours_of(walk, node)
    if within.counts == "open" and hours is not None:
        return due_in_opening_time(hours, walk.scene.now, within.amount, walk.scene.holidays)
    return walk.scene.now.astimezone(UTC) + within.amount


def hours_of(walk: Walk, node: Voicemail) -> Hours | None:
    queue = walk.company.queues.get(node.queue)
    return None if queue is None or queue.hours is None else walk.company.hours.get(queue.hours)


def zone_of(walk: Walk, node: Voicemail) -> str:
    hours = hours_of(walk, node)
    return walk.company.zone if hours is None else hours.zone
