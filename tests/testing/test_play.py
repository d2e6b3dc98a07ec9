"""The player: a caller who can do only what a telephone can, and says what was heard instead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ivr.core.promises import Promise
from ivr.core.voicemail import TextState, Transcript
from ivr.core.words import CallId, CustomerId, Language, PromiseId
from ivr.testing import scripts
from ivr.testing.evidence import Findings, said_in
from ivr.testing.play import PacedTelephones, Played, Player, as_dialogue, together

AT = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
Line = Callable[[], Generator[tuple[str, Any], Any, None]]


def menu() -> Generator[tuple[str, Any], Any, None]:
    yield "say", "Officine Verdi, buongiorno."
    while True:
        keys = yield from listen("Per un ordine, premi 1. Per lasciare un messaggio, premi 2. È facile …")
        if keys == "2":
            yield "say", "Parlate dopo il segnale."
            seconds = yield "tone", 20
            yield "say", f"Grazie, {seconds} secondi." if seconds else "Non ho sentito nulla."
            return
        if keys == "ordine 0.8":
            yield "say", "Un ordine."
            return
        yield "say", "Con calma." if keys is None else "Tasto sbagliato."


def listen(text: str) -> Generator[tuple[str, Any], Any, Any]:
    yield "say", text
    return (yield "ask", 5)


class Told:
    """Evidence that is what the test says, some time after it is first asked."""

    def __init__(self, findings: Findings, after: int = 0) -> None:
        self.findings, self.after, self.asked = findings, after, 0

    def of(self, sid: str) -> Findings:
        self.asked += 1
        return self.findings if self.asked > self.after else Findings()


ENDED = Findings(ended=True)


def script(steps: str, expect: str = "", at: datetime = AT, file: str = "x.calls.yaml") -> scripts.Script:
    text = (
        f"call: c\nat: {at.isoformat()}\nfrom: +390612345678\nto: +39800123456\nsteps: {steps}\nexpect: {{{expect}}}\n"
    )
    read, problems = scripts.read(file, text)
    assert problems == ()
    return read[0]


@pytest.fixture
def play(string_network: Any) -> Callable[..., Played]:
    def played(steps: str, expect: str = "", findings: Findings = ENDED, line: Line = menu, **more: Any) -> Played:
        network = string_network({"+39800123456": line})
        return Player(network, Told(findings), **more).play([script(steps, expect)])[0]

    return played


def test_a_call_as_written_holds_and_reads_as_a_dialogue(play: Callable[..., Played]) -> None:
    played = play("[hear: BUONGIORNO, hear: premi 2, press: 2, hear: segnale, wait: 21 s, hear: non ho sentito]")
    assert played.problems == ()
    assert as_dialogue(played) == [
        "  0:00  caller  dials +39800123456",
        "  0:01          (answers)",
        "  0:02  line    Officine Verdi, buongiorno.",
        "  0:06  line    Per un ordine, premi 1. Per lasciare un messaggio, premi 2. È facile …",
        "  0:06  caller  presses 2",
        "  0:08  line    Parlate dopo il segnale.",
        "  0:08          (tone)",
        "  0:29  line    Non ho sentito nulla.",
        "  0:29          (the call ends: completed)",
    ]


@pytest.mark.parametrize(("said", "words"), [("È già lì, città!", "e gia li citta"), ("Premi  2.", "premi 2")])
def test_case_accents_and_punctuation_do_not_matter(said: str, words: str) -> None:
    assert said_in(words, said)


def test_only_whole_words_count() -> None:
    assert not said_in("premi 1", "premi 12")


def test_what_was_heard_instead_is_told_with_the_place(play: Callable[..., Played]) -> None:
    played = play("[hear: buonasera]")
    (problem,) = played.problems
    assert problem.startswith("x.calls.yaml:5: expected to hear 'buonasera', but heard «Officine Verdi, buongiorno.")
    assert not played.held


def test_after_a_key_only_what_comes_then_is_heard(play: Callable[..., Played]) -> None:
    assert not play("[press: 9, hear: buongiorno]").held
    assert play("[press: 9, hear: tasto sbagliato, hear: premi 1]").held


def test_silence_is_waited_for(play: Callable[..., Played]) -> None:
    assert play("[hear: premi 1, wait: 6 s, hear: con calma]").held


def test_nobody_presses_when_nothing_was_asked(play: Callable[..., Played]) -> None:
    def speech_only() -> Generator[tuple[str, Any], Any, None]:
        yield "say", "Siamo chiusi."

    (problem,) = play("[press: 1]", line=speech_only).problems
    assert "cannot press 1: the call is over; heard «Siamo chiusi.»" in problem


def test_a_sentence_may_be_interrupted_where_keys_are_listened_for(play: Callable[..., Played]) -> None:
    played = play("[hear: buongiorno, interrupt: 2, hear: segnale]")
    assert played.problems == ()
    assert "È facile … — cut short" in "".join(m.text for m in played.dialogue)


def test_a_sentence_that_no_key_ends_cannot_be_interrupted(play: Callable[..., Played]) -> None:
    def deaf() -> Generator[tuple[str, Any], Any, None]:
        yield "rest", 3
        yield "say", "uno due tre quattro cinque sei sette otto nove dieci undici dodici"

    (problem,) = play("[interrupt: 2]", line=deaf).problems
    assert "into a sentence that no key ends" in problem


def test_words_go_into_a_question(play: Callable[..., Played]) -> None:
    assert play("[speak: {words: ordine, confidence: 0.8}, hear: un ordine]").held


def test_audio_is_spoken_after_the_tone(play: Callable[..., Played], tmp_path: Path) -> None:
    (tmp_path / "five.wav").write_bytes(b"12345")
    steps = "[press: 2, speak: five.wav, hear: 5 secondi]"
    assert play(steps, voices=[tmp_path]).held
    assert "there is no audio file five.wav" in play(steps).problems[0]
    refused = play("[speak: five.wav]", voices=[tmp_path]).problems[0]
    assert "cannot speak five.wav: the line records, or asks for something else" in refused


def test_nothing_can_be_done_after_hanging_up(play: Callable[..., Played]) -> None:
    (problem,) = play("[hear: buongiorno, hangup, press: 1]").problems
    assert "the call is over" in problem
    assert play("[hear: buongiorno, hangup]").dialogue[-1].text == "(the call ends: caller hung up)"


def test_a_line_that_falls_silent_is_left(play: Callable[..., Played]) -> None:
    def silent() -> Generator[tuple[str, Any], Any, None]:
        yield "rest", 10_000

    played = play("[hear: ciao]", line=silent)
    assert "expected to hear 'ciao', but heard nothing and then nothing" in played.problems[0]
    assert played.dialogue[-1].text == "hangs up"


def test_a_number_that_does_not_exist_is_told(string_network: Any) -> None:
    (played,) = Player(string_network({}), Told(ENDED)).play([script("[hangup]")])
    assert played.sid is None
    assert "no way to +39800123456" in played.problems[0]


MADE = datetime(2026, 11, 24, 19, 31, tzinfo=UTC)
KNOWN = Findings(
    ended=True,
    outcome="voicemail",
    customer=frozenset({"+390612345678", "Maria Rossi"}),
    path=("welcome", "menu", "goodbye"),
    transcript=Transcript(TextState.READ, Language("it"), "pronto è per il mio ordine"),
    promise=Promise(
        PromiseId("p"),
        "answer_voicemail",
        CustomerId("c"),
        CallId("x"),
        MADE,
        MADE + timedelta(hours=20),
        "UTC",
        "sales",
    ),
)


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ("outcome: voicemail", None),
        ("outcome: answered", "the outcome is voicemail, not answered"),
        ("customer: Maria Rossi", None),
        ("customer: +390698765432", "the customer is +390612345678, Maria Rossi, not +390698765432"),
        ("path: [welcome, menu, goodbye]", None),
        ("path: [welcome, menu]", "the path is [welcome, menu, goodbye], not [welcome, menu]"),
        ("path: […, menu, goodbye]", None),
        ("path: [..., menu]", "the path is [welcome, menu, goodbye], not […, menu]"),
        ("transcript: {language: it, contains: [ORDINE, e per il]}", None),
        ("transcript: {language: en}", "the transcript's language is it, not en"),
        ("transcript: {contains: [reclamo]}", "the transcript lacks 'reclamo'"),
        ("promise: {due_within: 24 h}", None),
        ("promise: {due_within: 2 h}", "not within 2:00:00"),
        ("answered_by: anna", "on record nobody answered, not anna"),
        ("agent_heard: ordini", "no agent heard 'ordini', but nothing"),
    ],
)
def test_what_is_on_record_is_compared(play: Callable[..., Played], expect: str, problem: str | None) -> None:
    problems = play("[hear: buongiorno, hangup]", expect, KNOWN).problems
    assert [problem in told for told in problems] == ([True] if problem else [])


def test_what_is_not_on_record_is_told(play: Callable[..., Played]) -> None:
    wanted = "outcome: voicemail, customer: x, path: [a], transcript: {language: it}, promise: {due_within: 1 h}"
    problems = play("[hangup]", wanted, replace(ENDED, reading=True)).problems
    assert [told.partition(": ")[2] for told in problems] == [
        "the outcome is not known, not voicemail",
        "the customer is not on record, not x",
        "the path is [], not [a]",
        "there is no transcript yet",
        "nothing was promised",
    ]


def test_what_is_written_after_the_call_is_waited_for(string_network: Any) -> None:
    evidence = Told(KNOWN, after=7)
    (played,) = Player(string_network({"+39800123456": menu}), evidence).play(
        [script("[hangup]", "outcome: voicemail")]
    )
    assert played.held
    assert evidence.asked == 8


def test_calls_overlap(string_network: Any) -> None:
    network = string_network({"+39800123456": menu})
    calls = [
        script("[hear: premi 2, wait: 6 s, hear: con calma, hangup]"),
        script("[hear: premi 2, press: 9, hear: sbagliato, hangup]", at=AT + timedelta(seconds=3)),
    ]
    first, second = Player(network, Told(ENDED)).play(calls)
    assert (first.problems, second.problems) == ((), ())
    assert [at - AT for _, _, at in network.dialled] == [timedelta(0), timedelta(seconds=3)]
    assert first.dialogue[-1].at > second.dialogue[0].at


def test_a_failed_call_does_not_stop_the_other(string_network: Any) -> None:
    network = string_network({"+39800123456": menu})
    first, second = Player(network, Told(ENDED)).play([script("[hear: no]"), script("[hear: premi 1, hangup]")])
    assert (first.held, second.held) == (False, True)


def test_calls_near_one_another_share_a_line() -> None:
    times = [0, 5, 14, 30, 1]
    groups = together([script("[hangup]", at=AT + timedelta(minutes=m)) for m in times])
    assert [[(s.at - AT) // timedelta(minutes=1) for s in group] for group in groups] == [[0, 1, 5, 14], [30]]


def test_a_person_can_follow_in_real_time(string_network: Any) -> None:
    slept: list[float] = []
    network = string_network({"+39800123456": menu})
    (played,) = Player(PacedTelephones(network, slept.append), Told(ENDED)).play([script("[hear: premi 1, hangup]")])
    assert played.held
    assert sum(slept) == pytest.approx((network.now() - AT).total_seconds(), abs=0.5)


def test_the_dialogue_is_told_as_it_happens(play: Callable[..., Played]) -> None:
    told: list[str] = []
    played = play("[hear: premi 1, hangup]", told=lambda script, moment: told.append(moment.text))
    assert told == [moment.text for moment in played.dialogue]


def test_a_played_call_is_data(play: Callable[..., Played]) -> None:
    data = play("[hear: no]", findings=KNOWN).as_dict()
    names: Sequence[str] = sorted(data)
    assert names == sorted(
        ["call", "file", "line", "held", "problems", "sid", "dialogue", "outcome", "path", "records"]
    )
    assert (data["held"], data["outcome"]) == (False, "voicemail")
