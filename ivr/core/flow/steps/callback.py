"""Promise to call back: which number, when, and a confirmation; only then it is owed, and only then said to be.

The number, and whether it may be called, is asked of the records anew at each answer: what was free a minute ago may be
taken now.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ivr.core import callbacks
from ivr.core import hours as opening
from ivr.core.callbacks import SLOT_DAYS, STEP, CallingTimes, Refusal
from ivr.core.company import Hours, Line, Queue
from ivr.core.events import CallbackChosen, CallbackPromised, CallbackRefused
from ivr.core.flow.model import NEXT_SLOT, AnyNode, Callback, Collect, Reprompt
from ivr.core.flow.speaking import Spoken, in_groups, in_words
from ivr.core.flow.steps.asking import mistake, note_answer, patience, person_asked, say_hints, silence
from ivr.core.flow.steps.lookup import reason
from ivr.core.flow.turn import (
    Ask,
    AskCallback,
    CancelCallback,
    GoOn,
    Got,
    GotEmergency,
    GotNumber,
    GotSlots,
    Heard,
    Keys,
    LiveCallback,
    Silence,
    WaitAtCallback,
    Want,
    WantEmergency,
    WantNumber,
    WantSlots,
)
from ivr.core.flow.walk import Fail, Leave, ToPerson, Wait, Walk
from ivr.core.words import PhoneNumber

TRIES = Reprompt(then="refused")
SLOTS = 3  # times that are offered at once
SOON = "soon"

Step = Leave | ToPerson | Fail | Wait
Asking = Generator[Want, Got, Step]


@dataclass(frozen=True)
class Terms:
    """What the company's files say about one callback node."""

    line: Line
    queue: Queue
    opens: Hours | None  # the queue's hours
    bookable: Hours | None  # those of its slots; None: as soon as possible only
    zone: str
    shut: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)  # hours -> by the emergency switch


def callback(walk: Walk, node: Callback, heard: Heard | None) -> Asking:
    """Whoever is silent, or errs too often, leaves by `refused`."""
    terms = terms_of(walk, node)
    if terms is None:
        return Fail("no line of the company has this flow, or no queue this name")
    terms = yield from with_closings(walk, terms)
    if walk.stage == "waits":
        return ToPerson("waits on the line at the place of the call back")
    if walk.stage == "type":
        return (yield from typed(walk, terms, heard))
    text, _, rest = walk.held.partition("|")
    got = yield from number_asked(walk, terms, text)
    if not isinstance(got, GotNumber):
        return Fail(reason(got))
    if heard is not None:
        note_answer(walk, heard)
    match walk.stage:
        case "there" if got.live is not None:
            return rang_again(walk, terms, got.live, heard)
        case "number" | "typed" if callable_now(got):
            return (yield from number_confirmed(walk, terms, got, heard))
        case "when" if callable_now(got):
            return when_chosen(walk, terms, got, rest.split("|"), heard)
        case "sure" if callable_now(got):
            return (yield from confirmed(walk, terms, got, rest, heard))
        case _:
            return begun(walk, terms, got)


def begun(walk: Walk, terms: Terms, got: GotNumber) -> Step:
    """At the beginning, and again where a number that was good is not any more."""
    if got.live is not None:
        return there(walk, terms, got.live) if got.own else known(walk)
    if got.number is None:
        return typing(walk)
    return refused(walk, got) if got.refusal else read_back(walk, got.number, "number")


def callable_now(got: GotNumber) -> bool:
    return got.number is not None and not got.refusal and got.live is None


def number_asked(walk: Walk, terms: Terms, text: str) -> Generator[Want, Got, Got]:
    lines = walk.company.lines.values()
    ours = frozenset({line.number for line in lines} | {line.shows for line in lines if line.shows})
    return (yield WantNumber(text, terms.line, walk.company.country, ours))


# --- Which number -----------------------------------------------------------------------------------------------------


def read_back(walk: Walk, number: PhoneNumber, stage: str) -> Wait:
    walk.held = number
    if stage == "number":
        walk.say_sentence("callback_number", number=said(walk, number))
        walk.say_sentence("callback_number_keys")
    else:
        walk.say_sentence("read_back", entry=said(walk, number))
        walk.say_sentence("confirm")
    say_hints(walk)
    return one_key(walk, stage)


def number_confirmed(walk: Walk, terms: Terms, got: GotNumber, heard: Heard | None) -> Asking:
    assert got.number is not None
    number, stage = got.number, walk.stage
    match heard:
        case Keys("1"):
            walk.no_input = walk.no_match = 0
            return (yield from when(walk, terms, got))
        case Keys("2"):
            return typing(walk)
        case _:
            return otherwise(walk, heard, lambda: read_back(walk, number, stage))


def typing(walk: Walk) -> Wait:
    walk.held = ""
    walk.say_sentence("callback_type")
    say_hints(walk)
    return Wait("type", Ask((), None, "#", patience(walk), walk.language))


def typed(walk: Walk, terms: Terms, heard: Heard | None) -> Asking:
    """A number that may not be called is refused with its reason, before anything is confirmed."""
    match heard:
        case Keys(keys) if keys not in ("0", "*"):
            note_answer(walk, heard, private=True)
            got = yield from number_asked(walk, terms, keys)
            if not isinstance(got, GotNumber):
                return Fail(reason(got))
            if got.number is None:
                return astray(walk, mistake(walk, TRIES, "not_a_phone_number"), lambda: typing(walk))
            return read_back(walk, got.number, "typed") if callable_now(got) else begun(walk, terms, got)
        case _:
            return otherwise(walk, heard, lambda: typing(walk))


def refused(walk: Walk, got: GotNumber) -> Step:
    walk.note(CallbackRefused(got.refusal, got.because))
    why = f"callback_{got.refusal}"
    if got.refusal == Refusal.TOO_MANY:
        walk.say_sentence(why)
        return Leave("refused", got.because)
    lost = mistake(walk, TRIES, why)
    if lost is not None:
        walk.say_sentence(why)
    return astray(walk, lost, lambda: typing(walk))


# --- When -------------------------------------------------------------------------------------------------------------


def when(walk: Walk, terms: Terms, got: GotNumber) -> Asking:
    if terms.bookable is None:
        return sure(walk, terms, got, SOON)
    free = yield from free_slots(walk, terms, got.zones, walk.scene.now, SLOTS)
    if not isinstance(free, tuple):
        return Fail(reason(free))
    soon = [SOON] if callbacks.soon_enough(times(walk, terms, terms.opens, got.zones), walk.scene.now) else []
    choices = [*soon, *(slot.isoformat() for slot in free)]
    if not choices:
        walk.say_sentence("callback_no_slot")
        return Leave("refused", "no time is free")
    return offered(walk, terms, got, choices)


def offered(walk: Walk, terms: Terms, got: GotNumber, choices: list[str]) -> Wait:
    walk.held = "|".join([got.number or "", *choices])
    walk.say_sentence("callback_when")
    for key, choice in enumerate(choices, 1):
        pressed = Spoken(str(key), str(key))
        if choice == SOON:
            walk.say_sentence("callback_soon_key", key=pressed)
        else:
            walk.say_sentence("callback_slot_key", when=moment(walk, terms, choice), key=pressed)
    say_hints(walk)
    return one_key(walk, "when")


def when_chosen(walk: Walk, terms: Terms, got: GotNumber, choices: list[str], heard: Heard | None) -> Step:
    match heard:
        case Keys(key) if key in [str(at) for at in range(1, len(choices) + 1)]:
            walk.no_input = walk.no_match = 0
            return sure(walk, terms, got, choices[int(key) - 1])
        case _:
            return otherwise(walk, heard, lambda: offered(walk, terms, got, choices))


def sure(walk: Walk, terms: Terms, got: GotNumber, choice: str) -> Step:
    """The number that will show, then the question; nothing is promised yet."""
    due = due_at(walk, terms, got, choice)
    if due is None:
        walk.say_sentence("callback_no_slot")
        return Leave("refused", "there is no hour at which we may call")
    walk.held = f"{got.number}|{choice}"
    shows = terms.line.shows
    if shows is None:
        walk.say_sentence("callback_shows_other")
    else:
        walk.say_sentence("callback_shows", number=Spoken(said(walk, shows).text, shows))
    if choice == SOON:
        walk.say_sentence("callback_sure_soon", due=moment(walk, terms, due.isoformat()))
    else:
        walk.say_sentence("callback_sure_slot", when=moment(walk, terms, choice))
    walk.say_sentence("callback_sure_keys")
    say_hints(walk)
    return one_key(walk, "sure")


def confirmed(walk: Walk, terms: Terms, got: GotNumber, choice: str, heard: Heard | None) -> Asking:
    match heard:
        case Keys("1"):
            if choice != SOON:
                free = yield from free_slots(walk, terms, got.zones, datetime.fromisoformat(choice), 1)
                if not isinstance(free, tuple):
                    return Fail(reason(free))
                if free != (datetime.fromisoformat(choice),) or free[0] <= walk.scene.now:
                    walk.say_sentence("callback_slot_gone")
                    return (yield from when(walk, terms, got))
            return promised(walk, terms, got, choice)
        case Keys("2"):
            return Leave("refused", "does not want it")
        case _:
            return otherwise(walk, heard, lambda: sure(walk, terms, got, choice))


def promised(walk: Walk, terms: Terms, got: GotNumber, choice: str) -> Step:
    """It is a deed of this turn: what is said of it here is said once it is on record."""
    slot = None if choice == SOON else datetime.fromisoformat(choice)
    due = due_at(walk, terms, got, choice)
    first = slot or callbacks.soon_from(times(walk, terms, terms.opens, got.zones), walk.scene.now)
    if got.number is None or due is None or first is None:
        return Fail("there is no hour at which we may call")
    case = walk.value("case.code")
    walk.deeds.append(
        AskCallback(
            queue=terms.queue.name,
            number=got.number,
            country=got.country,
            zones=callbacks.callee_zones(None, got.zones, walk.company.zone),
            language=walk.language,
            next_at=first,
            due=due,
            zone=terms.zone,
            capacity=terms.queue.callback_capacity,
            slot=slot,
            shows=terms.line.shows,
            needs=terms.queue.skills,
            path=walk.path,
            typed=typed_so_far(walk),
            case=None if case is None else str(case),
        )
    )
    iso = None if slot is None else slot.isoformat()
    walk.note(CallbackPromised(terms.queue.name, due.isoformat(), iso, not got.own))
    if slot is None:
        walk.say_sentence("callback_promised_soon", due=moment(walk, terms, due.isoformat()))
    else:
        walk.say_sentence("callback_promised_slot", when=moment(walk, terms, choice))
    return Leave("when_done", "was promised a call back")


def due_at(walk: Walk, terms: Terms, got: GotNumber, choice: str) -> datetime | None:
    """By when the call is promised (UTC); None: it cannot be."""
    if choice == SOON:
        return callbacks.soon_due(times(walk, terms, terms.opens, got.zones), walk.scene.now)
    return datetime.fromisoformat(choice) + STEP


def free_slots(
    walk: Walk, terms: Terms, zones: tuple[str, ...], after: datetime, how_many: int
) -> Generator[Want, Got, tuple[datetime, ...] | Got]:
    """The next times that are free; what came instead of the bookings, where they cannot be had."""
    now = walk.scene.now.astimezone(UTC)
    got = yield WantSlots(terms.queue.name, now - timedelta(hours=1), now + timedelta(days=SLOT_DAYS + 1))
    if not isinstance(got, GotSlots):
        return got
    open_then = times(walk, terms, terms.bookable, zones)
    return callbacks.free_slots(open_then, terms.queue.callback_capacity, got.booked, after, how_many)


def times(walk: Walk, terms: Terms, hours: Hours | None, zones: tuple[str, ...]) -> CallingTimes:
    shut = None if hours is None else terms.shut.get(hours.name)
    return CallingTimes(walk.scene.holidays, hours, callbacks.callee_zones(None, zones, walk.company.zone), shut=shut)


# --- Who has one already ----------------------------------------------------------------------------------------------


def there(walk: Walk, terms: Terms, live: LiveCallback) -> Wait:
    if live.slot is not None:
        walk.say_sentence("callback_there_slot", when=moment(walk, terms, live.slot.isoformat()))
    elif live.place is not None:
        walk.say_sentence("callback_there_place", place=Spoken(str(live.place), str(live.place)))
    else:
        walk.say_sentence("callback_there")
    walk.say_sentence("callback_keep_key")
    if may_wait(walk, terms, live):
        walk.say_sentence("callback_wait_key")
    walk.say_sentence("callback_cancel_key")
    say_hints(walk)
    return one_key(walk, "there")


def rang_again(walk: Walk, terms: Terms, live: LiveCallback, heard: Heard | None) -> Step:
    match heard:
        case Keys("1"):
            walk.note(CallbackChosen(live.callback, "keep"))
            walk.say_sentence("callback_kept")
            return Leave("when_done", "keeps the call back")
        case Keys("2" | "0") if may_wait(walk, terms, live):  # who wants a person waits at the place there is
            walk.note(CallbackChosen(live.callback, "wait"))
            walk.deeds.append(WaitAtCallback(live.callback))
            walk.say_sentence("callback_waits")
            return Wait("waits", GoOn())  # the queue looks for the place on record: there it is from the next turn on
        case Keys("3"):
            walk.note(CallbackChosen(live.callback, "cancel"))
            walk.deeds.append(CancelCallback(live.callback, live.ticket))
            walk.say_sentence("callback_cancelled")
            return Leave("when_done", "cancelled the call back")
        case _:
            return otherwise(walk, heard, lambda: there(walk, terms, live))


def may_wait(walk: Walk, terms: Terms, live: LiveCallback) -> bool:
    """Only while somebody may answer, and where the flow has a way to a person."""
    hours = terms.opens
    open_now = hours is None or opening.state(hours, walk.scene.now, walk.scene.holidays).open
    shut = hours is not None and hours.name in terms.shut
    return live.waits and open_now and not shut and walk.person() is not None


def known(walk: Walk) -> Leave:
    """Of a number that is not the caller's own nobody but its owner may cancel the call, or take its place."""
    walk.say_sentence("callback_known")
    return Leave("when_done", "a call back to that number is planned already")


# --- What all of these questions share --------------------------------------------------------------------------------


def otherwise(walk: Walk, heard: Heard | None, again: Callable[[], Step]) -> Step:
    """`0` is a person, `*` repeats; silence and other keys count, and the last try leaves by `refused`."""
    match heard:
        case Keys("0") if person := person_asked(walk):
            return person
        case Keys("*"):
            return again()
        case Keys():
            return astray(walk, mistake(walk, TRIES, "wrong_key"), again)
        case Silence():
            return astray(walk, silence(walk, TRIES), again)
        case _:
            return again()


def astray(walk: Walk, lost: Leave | None, again: Callable[[], Step]) -> Step:
    if lost is None:
        return again()
    walk.held = ""
    return Leave("refused", lost.because)


def one_key(walk: Walk, stage: str) -> Wait:
    return Wait(stage, Ask((), 1, "", patience(walk), walk.language))


def said(walk: Walk, number: PhoneNumber) -> Spoken:
    """In groups, in slow mode in pairs; the dialogue shows that it is one, not which."""
    text = in_groups(number[1:], 2) if walk.slow else in_words(str(number), "phone_number", walk.voice())
    return Spoken(text, "{callback.number}")


def moment(walk: Walk, terms: Terms, iso: str) -> Spoken:
    text = in_words(iso, f"moment:{terms.zone}", walk.voice())
    return Spoken(text, text)


def typed_so_far(walk: Walk) -> dict[str, str]:
    """What the caller keyed in on this call and may be kept: the agent does not ask for it again."""
    kept: dict[str, str] = {}
    for frame in walk.frames:
        flow = walk.flow_named(frame.flow)
        nodes = () if flow is None else flow.nodes.values()
        names = {node.variable for node in nodes if isinstance(node, Collect) and not node.private}
        names -= {node.variable for node in nodes if isinstance(node, Collect) and node.private}
        values = {**walk.frames[0].variables, **frame.variables}
        kept |= {name: str(values[name]) for name in sorted(names) if values.get(name) is not None}
    return kept


# --- The words of the files -------------------------------------------------------------------------------------------


def terms_of(walk: Walk, node: Callback) -> Terms | None:
    company = walk.company
    line = company.lines.get(walk.version.flow.line or "")
    queue = company.queues.get(node.queue)
    if line is None or queue is None:
        return None
    opens = company.hours.get(queue.hours or "")
    bookable = company.hours.get(node.slots or "")
    clock = bookable or opens
    return Terms(line, queue, opens, bookable, company.zone if clock is None else clock.zone)


def with_closings(walk: Walk, terms: Terms) -> Generator[Want, Got, Terms]:
    """With what the emergency switch says of these hours; where it cannot be read, the schedule decides."""
    shut = {}
    for hours in {each.name: each for each in (terms.opens, terms.bookable) if each is not None}.values():
        got = yield WantEmergency(hours.name)
        span = callbacks.shut_by(got.closing, hours, walk.scene.now) if isinstance(got, GotEmergency) else None
        if span is not None:
            shut[hours.name] = span
    return replace(terms, shut=shut)


def tell_next_slot(walk: Walk, node: AnyNode) -> Generator[Want, Got, None]:
    """Give ``callback.next_slot`` its value: the next free time of the callback that this node leads to, else of the
    flow's first that has slots. Nothing where there is none, or nobody can tell.
    """
    flow = walk.flow()
    booking = (
        [] if flow is None else [each for each in flow.nodes.values() if isinstance(each, Callback) and each.slots]
    )
    ways = {target for _, target in node.ways()}
    chosen = next((each for each in booking if each.name in ways), booking[0] if booking else None)
    terms = None if chosen is None else terms_of(walk, chosen)
    if terms is None:
        return
    terms = yield from with_closings(walk, terms)
    free = yield from free_slots(walk, terms, (), walk.scene.now, 1)
    slot = free[0].isoformat() if isinstance(free, tuple) and free else None
    walk.give(NEXT_SLOT, slot, f"moment:{terms.zone}")
