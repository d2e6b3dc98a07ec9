"""Waiting: what a caller in line hears round by round, what a key does there, and when the line gives up on the wait.

All decisions, none of the doing. A round is some words, then music; during all of it every key counts. What was said
of the place never gets worse: where the caller fell behind (somebody with a priority came), the place is not mentioned.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ivr.core.agent import AgentStatus, SystemState, Wish
from ivr.core.callbacks import Offer, OfferPolicy, QueueNow, offer
from ivr.core.company import Queue
from ivr.core.flow.model import Overflow, QueueNode
from ivr.core.flow.sentences import key_words, sentence
from ivr.core.flow.speaking import Spoken, Voice, fill, in_language, in_words, pronounced
from ivr.core.flow.steps.say import in_date
from ivr.core.flow.text import Prompt, Slot
from ivr.core.flow.turn import Rest, Sound, Utter, Utterance
from ivr.core.routing.skills import Need, need_at
from ivr.core.routing.wait_estimate import Estimate
from ivr.core.ticket import Ticket
from ivr.core.words import Language

PATIENCE, SLOW_PATIENCE = 2, 4  # seconds after the music in which a key still counts
SILENCE = 30
"""Seconds, where a queue has no music."""

CLOSING_SOON = timedelta(minutes=5)
SLOW_KEYS = 3
"""So many keys are told at a time in slow mode."""


# --- What is so -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What this caller has heard of the wait: the best place, and the first range, from when."""

    position: int | None = None
    low: timedelta | None = None
    high: timedelta | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How a caller stands in line at a moment.

    ``began``: this wait, where they had the place before; None: with their arrival.
    ``able``: agents signed in who could serve them sooner or later. ``load``: callers ahead for each agent at work who
    can serve them; None for no agent.
    """

    node: QueueNode
    queue: Queue
    ticket: Ticket
    ahead: int
    able: int
    load: float | None
    estimate: Estimate | None
    meanwhile: QueueNow
    told: Told
    languages: tuple[Language, ...]
    now: datetime
    began: datetime | None = None

    @property
    def waited(self) -> timedelta:
        return self.ticket.waited(self.now)

    @property
    def on_the_line(self) -> timedelta:
        """As they feel it: since this wait began."""
        return self.waited if self.began is None else self.now - self.began


def is_signed_in(status: AgentStatus) -> bool:
    """At work, be it on a break; who cannot be reached is not."""
    return status.wish is not Wish.OFF and status.state is not SystemState.UNREACHABLE


def is_at_work(status: AgentStatus) -> bool:
    """Signed in, and not on a break."""
    return status.wish is Wish.AVAILABLE and status.state is not SystemState.UNREACHABLE


def least_need(ticket: Ticket) -> Need:
    """What the ticket still asks once it has waited through all its relaxations."""
    longest = max((step.after for step in ticket.relaxations), default=timedelta())
    return need_at(ticket, ticket.arrived_at + longest)


# --- Out of the wait --------------------------------------------------------------------------------------------------


def overflow(standing: Standing) -> Overflow | None:
    """The first way out of the wait that holds, in the order of the flow; None: the caller waits on."""
    return next((way for way in standing.node.overflow if _holds(way, standing)), None)


def _holds(way: Overflow, standing: Standing) -> bool:
    if way.after is not None and standing.on_the_line < way.after:
        return False
    match way.when:
        case None:
            return way.after is not None
        case "nobody_signed_in":
            return standing.able == 0
        case "closing":
            return _closing(standing.meanwhile, standing.now)
        case "too_long":
            return standing.ahead >= standing.queue.longest  # whoever stands past the end, not everybody
        case _:
            return False


def _closing(queue: QueueNow, now: datetime) -> bool:
    """Closed, or closed within five minutes."""
    return not queue.always_open and (queue.closes_at is None or queue.closes_at - now <= CLOSING_SOON)


# --- The callback -----------------------------------------------------------------------------------------------------


def offer_policy(node: QueueNode) -> OfferPolicy:
    """When this node offers to call back; a bare key is offered at once.

    What its flow leaves out is no reason, but for the estimate: that stays the usual one, since it also decides whether
    the turn comes before closing.
    """
    given = node.offer_callback
    if given is None:
        return OfferPolicy(waited=timedelta())
    return OfferPolicy(
        waited=timedelta.max if given.after is None else given.after,
        estimate=OfferPolicy.estimate if given.or_estimate is None else given.or_estimate,
        ratio=math.inf if given.or_ratio is None else given.or_ratio,
    )


def offered(standing: Standing) -> Offer:
    """Whether the callback is offered aloud now."""
    return offer(offer_policy(standing.node), standing.waited, standing.meanwhile, standing.now)


def on_demand(standing: Standing) -> Offer:
    """Whether somebody who asks for a callback gets one, offered aloud or not."""
    at_once = replace(offer_policy(standing.node), waited=timedelta())
    return offer(at_once, standing.waited, standing.meanwhile, standing.now)


# --- What can be told -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class News:
    """What a round may tell of the wait: the people ahead, and the range. None: nothing of it."""

    ahead: int | None = None
    range: Estimate | None = None


NOTHING_NEW = News()


def news(standing: Standing) -> News:
    """The place unless it is worse than one told before; the range once, and only where it says something."""
    best = standing.told.position
    ahead = standing.ahead if best is None or standing.ahead + 1 <= best else None
    told = standing.told.at is not None
    return News(ahead, None if told or not _says_something(standing.estimate) else standing.estimate)


def _says_something(estimate: Estimate | None) -> bool:
    return estimate is not None and (estimate.high is not None or estimate.low > timedelta())


def told_after(told: Told, heard: News, now: datetime) -> Told:
    """What this caller has heard once the news are said."""
    if heard.ahead is not None:
        told = replace(told, position=heard.ahead + 1)
    if heard.range is not None:
        told = replace(told, low=heard.range.low, high=heard.range.high, at=now)
    return told


# --- The rounds -------------------------------------------------------------------------------------------------------


def has_news(number: int) -> bool:
    """Whether the place is told in this round: the first, and every other one after it."""
    return number == 0 or number % 2 == 1


def words(number: int, standing: Standing, heard: News, voice: Voice) -> tuple[Utterance, ...]:
    """What is said in a round, before the music.

    First who will answer, the place, the range, the keys; then in turn the place, and the thanks with the keys.
    """
    if number == 0:
        title = "" if standing.queue.title is None else in_language(standing.queue.title, voice.language).plain()
        greeting = _say(voice, "wait_greeting", title=title)
        return (*greeting, *_of_the_wait(heard, voice), *keys(number, standing, voice))
    if has_news(number):
        told = _of_the_wait(heard, voice) or _say(voice, "wait_kept")
        return (*told, *_callback_key(standing, voice))
    return (*_say(voice, "wait_thanks"), *keys(number, standing, voice))


def music(queue: Queue, sounds: Container[str], slow: bool) -> tuple[tuple[Utterance, ...], int]:
    """What comes after the words, and the seconds after it in which a key still counts; silence without a sound."""
    piece: Utterance = Sound(queue.music) if queue.music and queue.music in sounds else Rest(SILENCE)
    return (piece,), SLOW_PATIENCE if slow else PATIENCE


def _of_the_wait(heard: News, voice: Voice) -> tuple[Utterance, ...]:
    place: tuple[Utterance, ...] = ()
    match heard.ahead:
        case None:
            pass
        case 0:
            place = _say(voice, "wait_next")
        case 1:
            place = _say(voice, "wait_one_ahead")
        case ahead:
            place = _say(voice, "wait_ahead", ahead=in_words(ahead, "number", voice))
    return (*place, *(() if heard.range is None else _range(heard.range, voice)))


def _range(told: Estimate, voice: Voice) -> tuple[Utterance, ...]:
    low, high = told.low, told.high
    if high is None:
        return _say(voice, "wait_more", low=_length(low, voice))
    if low == timedelta():
        return _say(voice, "wait_less", high=_length(high, voice))
    if low == high:
        return _say(voice, "wait_about", high=_length(high, voice))
    minutes = in_words(low // timedelta(minutes=1), "number", voice)
    return _say(voice, "wait_between", low=minutes, high=_length(high, voice))


def _length(length: timedelta, voice: Voice) -> str:
    return in_words(int(length.total_seconds()), "duration", voice)


# --- The keys ---------------------------------------------------------------------------------------------------------


class Key(StrEnum):
    """What a key in the wait comes to."""

    CALLBACK = "callback"
    VOICEMAIL = "voicemail"
    INFORMATION = "information"
    LANGUAGE = "language"
    NO_CALLBACK = "no_callback"  # none can be taken on now
    PERSON = "person"  # 0: they wait for one already
    REPEAT = "repeat"  # *
    WRONG = "wrong"


LEAVING = frozenset({Key.CALLBACK, Key.VOICEMAIL})
"""Keys that end the wait; the flow goes on by the exit of that name."""


def leads_out(wish: str, node: QueueNode) -> bool:
    """Whether the node has such a way out; without one, a caller who leaves the queue would be back in it at once."""
    return wish in dict(node.ways())


def pressed(key: str, standing: Standing) -> Key:
    """What a key is for here; the language only where there is another."""
    if key in ("0", "*") and key not in standing.node.keys:
        return Key.PERSON if key == "0" else Key.REPEAT
    match standing.node.keys.get(key):
        case "callback":
            may = on_demand(standing)
            taken = leads_out("callback", standing.node) and (may.soon or may.slot)
            return Key.CALLBACK if taken else Key.NO_CALLBACK
        case "voicemail" if leads_out("voicemail", standing.node):
            return Key.VOICEMAIL
        case "information":
            return Key.INFORMATION
        case "language" if len(standing.languages) > 1:
            return Key.LANGUAGE
        case _:
            return Key.WRONG


def next_language(spoken: Language, languages: tuple[Language, ...]) -> Language:
    """The flow's language after the one spoken, the first after the last."""
    at = languages.index(spoken) if spoken in languages else -1
    return languages[(at + 1) % len(languages)]


def reply(key: Key, standing: Standing, heard: News, voice: Voice) -> tuple[Utterance, ...]:
    """What somebody hears who pressed a key that does not end the wait; then the music goes on."""
    match key:
        case Key.INFORMATION:
            return information(standing.node, voice)
        case Key.PERSON:
            return (*_say(voice, "wait_person"), *_of_the_wait(heard, voice))
        case Key.NO_CALLBACK:
            return _say(voice, "wait_no_callback")
        case Key.WRONG:
            return (*_say(voice, "wrong_key"), *keys(0, standing, voice))
        case _:
            return words(0, standing, heard, voice)


def information(node: QueueNode, voice: Voice) -> tuple[Utterance, ...]:
    """The company's items that are in date by its own calendar."""
    company = voice.company
    today = voice.now.astimezone(ZoneInfo(company.zone)).date()
    named = [company.items[name] for name in node.information if name in company.items]
    said = tuple(one for item in named if in_date(item, today) for one in _spoken(item.says, {}, voice))
    return said or _say(voice, "wait_no_news")


def keys(number: int, standing: Standing, voice: Voice) -> tuple[Utterance, ...]:
    """What there is to press, in the order of the keys; in slow mode three at a time, others in another round."""
    told = [one for key, does in sorted(standing.node.keys.items()) if (one := _key(key, does, standing, voice))]
    if voice.slow:
        if len(told) > SLOW_KEYS:
            first = (number // 2 * SLOW_KEYS) % len(told)
            told = (told + told)[first : first + SLOW_KEYS]
        told.append(_say(voice, "repeat_hint"))
    return tuple(utter for one in told for utter in one)


def _key(key: str, does: str, standing: Standing, voice: Voice) -> tuple[Utterance, ...]:
    match does:
        case "callback" | "voicemail" if not leads_out(does, standing.node):
            return ()
        case "callback":
            return _callback(key, standing, voice)
        case "language" if len(standing.languages) > 1:
            other = next_language(voice.language, standing.languages)
            theirs = replace(voice, language=other)
            return _say(theirs, "wait_for_language", keys=key_words(key, other))
        case "voicemail" | "information":
            return _option(key, f"wait_for_{does}", voice)
        case _:
            return ()


def _callback_key(standing: Standing, voice: Voice) -> tuple[Utterance, ...]:
    key = next((key for key, does in sorted(standing.node.keys.items()) if does == "callback"), None)
    return () if key is None else _key(key, "callback", standing, voice)


def _callback(key: str, standing: Standing, voice: Voice) -> tuple[Utterance, ...]:
    may = offered(standing)
    if may.soon:
        return _option(key, "wait_for_callback", voice)
    return _option(key, "wait_for_slot", voice) if may.slot else ()


def _option(key: str, purpose: str, voice: Voice) -> tuple[Utterance, ...]:
    what = in_language(sentence(voice.company, purpose), voice.language).plain()
    return _say(voice, "option", purpose=what, keys=key_words(key, voice.language))


def _say(voice: Voice, name: str, **slots: str) -> tuple[Utterance, ...]:
    return _spoken(sentence(voice.company, name), slots, voice)


def _spoken(prompt: Prompt, slots: Mapping[str, str], voice: Voice) -> tuple[Utterance, ...]:
    def filled(slot: Slot) -> Spoken:
        text = slots.get(slot.name, "")
        return Spoken(text, text)

    text = pronounced(fill(in_language(prompt, voice.language), filled).text, voice).strip()
    return (Utter(text, voice.language, voice.slow),) if text else ()
