"""What callers in line hear round by round, what their keys do, and when the line gives up on the wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core import waiting
from ivr.core.agent import AgentEvent, Wish, happened, signed_in, wishes
from ivr.core.callbacks import QueueNow
from ivr.core.company import Item, Queue
from ivr.core.flow.model import OfferCallback, Overflow, QueueNode
from ivr.core.flow.sentences import ENGLISH, ITALIAN
from ivr.core.flow.speaking import Voice
from ivr.core.flow.turn import Rest, Sound, Utter, Utterance
from ivr.core.routing.skills import Need
from ivr.core.routing.wait_estimate import Estimate
from ivr.core.ticket import Relaxation, Ticket, TicketKind
from ivr.core.waiting import Key, News, Standing, Told
from ivr.core.words import AgentId, CallId, CustomerId, Language, QueueName, TicketId
from ivr.world.wording import BabelWording
from tests.core.flow.builders import both, company

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SALES = QueueName("sales")
OPEN = QueueNow(waiting=4, agents=2, estimate=None, closes_at=NOW + 60 * MINUTE, always_open=False, callbacks=0)
KEYS = {"1": "callback", "2": "voicemail", "3": "information", "4": "language"}
COMPANY = company(
    items={
        "fair": Item("fair", both("Venite in fiera.", "Come to the fair."), until=date(2026, 11, 24)),
        "winter": Item("winter", both("Sconti d'inverno.", "Winter sale."), since=date(2026, 11, 25)),
    }
)


def node(**fields: object) -> QueueNode:
    known: dict[str, object] = {"name": "desk", "queue": SALES, "when_done": "done", "failed": "sorry"}
    known |= {"callback_to": "book", "voicemail_to": "message", **fields}
    return QueueNode(**known)  # type: ignore[arg-type]


def ticket(waited: timedelta = timedelta(), **fields: object) -> Ticket:
    known: dict[str, object] = {"needs": {}, **fields}
    return Ticket(
        TicketId("t1"),
        TicketKind.WAITING,
        SALES,
        NOW - waited,
        1,
        CustomerId("c"),
        CallId("call"),
        **known,  # type: ignore[arg-type]
    )


def standing(waited: timedelta = timedelta(), **fields: object) -> Standing:
    known: dict[str, object] = {
        "node": node(keys=KEYS, information=("fair", "winter")),
        "queue": Queue(SALES, title=both("ufficio ordini", "order desk"), music="waltz"),
        "ticket": ticket(waited),
        "ahead": 3,
        "able": 2,
        "load": 1.5,
        "estimate": None,
        "meanwhile": OPEN,
        "told": Told(),
        "languages": (ITALIAN, ENGLISH),
        "now": NOW,
        **fields,
    }
    return Standing(**known)  # type: ignore[arg-type]


def voice(language: Language = ITALIAN, slow: bool = False) -> Voice:
    return Voice(COMPANY, BabelWording(), language, slow, NOW)


def estimated(low: int, high: int | None) -> Estimate:
    return Estimate(2 * MINUTE, low * MINUTE, None if high is None else high * MINUTE, 1.5, 2.0)


def text(said: tuple[Utterance, ...]) -> str:
    return " ".join(one.text for one in said if isinstance(one, Utter))


def told(number: int, now: Standing, language: Language = ITALIAN, slow: bool = False) -> str:
    return text(waiting.words(number, now, waiting.news(now), voice(language, slow)))


# --- The rounds


def test_the_first_round_says_who_will_answer_the_place_the_range_and_the_keys() -> None:
    assert told(0, standing(estimate=estimated(2, 5))) == (
        "ufficio ordini: vi risponderà una persona, restate in linea. Prima di voi ci sono 3 persone. "
        "Di solito si aspetta da 2 a 5 minuti. Per essere richiamati senza perdere il posto, premi 1. "
        "Per lasciare un messaggio, premi 2. Per ascoltare le novità mentre aspettate, premi 3. For English, press 4."
    )


def test_it_is_said_in_english_too_and_a_queue_without_a_title_leaves_no_gap() -> None:
    heard = told(0, standing(node=node(), queue=Queue(SALES), estimate=estimated(2, 5)), ENGLISH)
    assert heard == (
        "a person will answer you, please hold the line. There are 3 people ahead of you. "
        "The wait is usually 2 to 5 minutes."
    )


@pytest.mark.parametrize(
    ("low", "high", "heard"),
    [
        (0, 2, "Di solito si aspetta meno di 2 minuti."),
        (1, 3, "Di solito si aspetta da 1 a 3 minuti."),
        (5, 5, "Di solito si aspetta circa 5 minuti."),
        (20, None, "Di solito si aspetta più di 20 minuti."),
    ],
)
def test_a_range_is_said_as_people_say_it(low: int, high: int | None, heard: str) -> None:
    assert told(1, standing(node=node(), ahead=9, told=Told(position=1), estimate=estimated(low, high))) == heard


def test_a_range_that_says_nothing_and_thin_data_are_not_said() -> None:
    assert waiting.news(standing(estimate=estimated(0, None))).range is None
    assert waiting.news(standing(estimate=None)).range is None


def test_the_range_is_told_once() -> None:
    now = standing(estimate=estimated(2, 5))
    first = waiting.told_after(now.told, waiting.news(now), NOW)
    assert (first.low, first.high, first.at) == (2 * MINUTE, 5 * MINUTE, NOW)
    later = replace(now, told=first, estimate=estimated(10, 20), now=NOW + MINUTE)
    assert waiting.news(later).range is None
    assert waiting.told_after(first, waiting.news(later), later.now) == first


@pytest.mark.parametrize(
    ("ahead", "heard"),
    [(0, "Siete i prossimi."), (1, "Prima di voi c'è una persona."), (7, "Prima di voi ci sono 7 persone.")],
)
def test_the_place_is_told_in_every_other_round(ahead: int, heard: str) -> None:
    assert told(1, standing(node=node(), ahead=ahead)) == heard
    assert [number for number in range(6) if waiting.has_news(number)] == [0, 1, 3, 5]


def test_who_fell_behind_hears_of_the_place_kept_not_of_a_worse_one() -> None:
    assert told(1, standing(node=node(), ahead=5, told=Told(position=3))).startswith("Vi teniamo il posto")
    assert told(1, standing(node=node(), ahead=2, told=Told(position=3))) == "Prima di voi ci sono 2 persone."


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30))
def test_the_place_never_gets_worse_aloud(rounds: list[tuple[int, bool]]) -> None:
    """Whatever happens ahead, and whichever rounds are lost to a race."""
    heard, aloud = Told(), list[int]()
    for ahead, lost in rounds:
        news = waiting.news(standing(ahead=ahead, told=heard))
        if lost:
            continue
        heard = waiting.told_after(heard, news, NOW)
        if news.ahead is not None:
            assert news.ahead == ahead  # never anything but the truth
            aloud.append(news.ahead)
    assert aloud == sorted(aloud, reverse=True)


def test_slow_mode_tells_three_keys_at_a_time_slowly_and_the_others_next() -> None:
    first, second = (waiting.keys(number, standing(), voice(slow=True)) for number in (0, 2))
    assert all(isinstance(one, Utter) and one.slow for one in (*first, *second))
    assert [mark in text(first) for mark in ("premi 1", "premi 2", "premi 3", "press 4", "asterisco")] == [
        True, True, True, False, True
    ]  # fmt: skip
    assert "press 4" in text(second)
    assert len(first) == len(second) == 4


def test_music_follows_and_silence_where_there_is_no_such_sound() -> None:
    queue = Queue(SALES, music="waltz")
    assert waiting.music(queue, {"waltz"}, slow=False) == ((Sound("waltz"),), 2)
    assert waiting.music(queue, set(), slow=True) == ((Rest(30),), 4)
    assert waiting.music(Queue(SALES), {"waltz"}, slow=False) == ((Rest(30),), 2)


# --- Keys


def test_keys_are_what_the_flow_says() -> None:
    now = standing()
    found = [waiting.pressed(key, now) for key in "1234059*#"]
    assert found == [
        Key.CALLBACK, Key.VOICEMAIL, Key.INFORMATION, Key.LANGUAGE,
        Key.PERSON, Key.WRONG, Key.WRONG, Key.REPEAT, Key.WRONG,
    ]  # fmt: skip
    assert waiting.pressed("4", standing(languages=(ITALIAN,))) is Key.WRONG


def test_a_flow_of_one_language_offers_no_other() -> None:
    assert "English" not in told(0, standing(languages=(ITALIAN,)))


def test_the_next_language_goes_round() -> None:
    assert waiting.next_language(ITALIAN, (ITALIAN, ENGLISH)) == ENGLISH
    assert waiting.next_language(ENGLISH, (ITALIAN, ENGLISH)) == ITALIAN
    assert waiting.next_language(Language("de"), (ITALIAN, ENGLISH)) == ITALIAN


def test_information_is_what_is_in_date_today() -> None:
    assert text(waiting.reply(Key.INFORMATION, standing(), News(), voice())) == "Venite in fiera."
    assert text(waiting.information(node(information=("winter",)), voice())) == "In questo momento non ci sono novità."


def test_zero_says_that_they_wait_for_a_person_already() -> None:
    now = standing(node=node())
    assert text(waiting.reply(Key.PERSON, now, News(ahead=0), voice())) == (
        "Siete già in linea per parlare con una persona. Siete i prossimi."
    )


def test_a_wrong_key_is_told_what_there_is() -> None:
    heard = text(waiting.reply(Key.WRONG, standing(), News(), voice()))
    assert heard.startswith("Questo tasto non è tra le scelte. Per essere richiamati")


def test_a_key_whose_way_leads_nowhere_is_neither_told_nor_taken() -> None:
    nowhere = standing(node=node(keys=KEYS, callback_to=None, voicemail_to=None))
    assert "premi 1" not in told(0, nowhere) and "premi 2" not in told(0, nowhere)
    assert (waiting.pressed("1", nowhere), waiting.pressed("2", nowhere)) == (Key.NO_CALLBACK, Key.WRONG)


# --- The callback


def offer_said(now: Standing) -> bool:
    return "premi 1" in told(1, now)


def test_the_callback_is_offered_aloud_when_the_flow_says_so_and_given_to_who_asks() -> None:
    asks = node(keys=KEYS, offer_callback=OfferCallback(after=MINUTE))
    early, late = standing(node=asks), standing(MINUTE, node=asks)
    assert (offer_said(early), offer_said(late)) == (False, True)
    assert waiting.pressed("1", early) is Key.CALLBACK


def test_what_the_flow_leaves_out_is_no_reason_to_offer() -> None:
    by_wait = node(keys=KEYS, offer_callback=OfferCallback(after=10 * MINUTE))
    by_ratio = node(keys=KEYS, offer_callback=OfferCallback(or_ratio=2.0))
    crowd = replace(OPEN, waiting=50)
    assert not offer_said(standing(5 * MINUTE, node=by_wait, meanwhile=crowd))
    assert offer_said(standing(node=by_ratio, meanwhile=crowd))
    assert not offer_said(standing(60 * MINUTE, node=by_ratio, meanwhile=replace(OPEN, waiting=3)))


def test_a_long_estimate_is_a_reason() -> None:
    asks = node(keys=KEYS, offer_callback=OfferCallback(after=10 * MINUTE, or_estimate=3 * MINUTE))
    assert offer_said(standing(node=asks, meanwhile=replace(OPEN, estimate=3 * MINUTE)))
    assert not offer_said(standing(node=asks, meanwhile=replace(OPEN, estimate=2 * MINUTE)))


def test_before_closing_only_a_later_call_is_promised_and_beyond_the_most_none() -> None:
    assert "essere richiamati più tardi" in told(1, standing(meanwhile=replace(OPEN, closes_at=NOW + MINUTE)))
    full = standing(meanwhile=replace(OPEN, callbacks=30))
    assert not offer_said(full)
    assert waiting.pressed("1", full) is Key.NO_CALLBACK
    assert "richiamata" in text(waiting.reply(Key.NO_CALLBACK, full, News(), voice()))


# --- Overflow


def way(**fields: object) -> Overflow:
    return Overflow(to="elsewhere", name="overflow_1", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("overflow", "now", "taken"),
    [
        (way(after=8 * MINUTE), standing(8 * MINUTE), True),
        (way(after=8 * MINUTE), standing(8 * MINUTE - timedelta(seconds=1)), False),
        (way(when="nobody_signed_in"), standing(able=0), True),
        (way(when="nobody_signed_in"), standing(able=1), False),
        (way(when="nobody_signed_in", after=MINUTE), standing(able=0), False),
        (way(when="nobody_signed_in", after=MINUTE), standing(MINUTE, able=0), True),
        (way(when="closing"), standing(meanwhile=replace(OPEN, closes_at=NOW + 5 * MINUTE)), True),
        (way(when="closing"), standing(meanwhile=replace(OPEN, closes_at=NOW + 6 * MINUTE)), False),
        (way(when="closing"), standing(meanwhile=replace(OPEN, closes_at=None)), True),
        (way(when="closing"), standing(meanwhile=replace(OPEN, closes_at=None, always_open=True)), False),
        (way(when="too_long"), standing(queue=Queue(SALES, longest=3)), True),
        (way(when="too_long"), standing(queue=Queue(SALES, longest=4)), False),
        (way(when="no_such_thing"), standing(60 * MINUTE), False),
    ],
)
def test_the_wait_overflows_when(overflow: Overflow, now: Standing, taken: bool) -> None:
    assert (waiting.overflow(replace(now, node=node(overflow=(overflow,)))) is not None) is taken


def test_the_first_way_out_that_holds_is_taken() -> None:
    ways = (way(when="closing"), replace(way(after=MINUTE), name="overflow_2"), replace(way(), name="overflow_3"))
    found = waiting.overflow(standing(MINUTE, node=node(overflow=ways)))
    assert found is not None and found.name == "overflow_2"


def test_signed_in_is_also_who_is_on_a_break_but_not_who_cannot_be_reached() -> None:
    anna = signed_in(AgentId("anna"), NOW)
    away = wishes(anna, Wish.BREAK, "lunch", NOW)
    gone = wishes(anna, Wish.OFF, "home", NOW)
    lost = happened(anna, AgentEvent.LOST, "no phone", NOW)
    assert [waiting.is_signed_in(one) for one in (anna, away, gone, lost)] == [True, True, False, False]
    assert [waiting.is_at_work(one) for one in (anna, away, gone, lost)] == [True, False, False, False]


def test_nobody_is_given_up_on_while_a_relaxation_will_let_somebody_serve_them() -> None:
    relaxed = ticket(needs={"it": 3, "orders": 1}, relaxations=(Relaxation(3 * MINUTE, ("it",)),))
    assert waiting.least_need(relaxed) == Need(SALES, (("orders", 1),))
    assert waiting.least_need(ticket(needs={"it": 3})) == Need(SALES, (("it", 3),))
