"""Call scripts as their authors write them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.flow.model import NOWHERE
from ivr.testing import scripts
from ivr.testing.on_duty import ALWAYS, OnDuty, numbered
from ivr.testing.scripts import (
    Answer,
    Expected,
    ExpectedTranscript,
    HangUp,
    Hear,
    Miss,
    Press,
    Reject,
    SayWords,
    Speak,
    Talk,
    Wait,
)

HOUR = timedelta(hours=1)

WHOLE = """\
call: a message after hours
at: 2026-11-24T20:30:00+01:00
from: +390612345678
to: +39800123456
given: {customers: [maria_rossi]}
agents:
  - {name: anna, skills: {orders: 2}, answers_after: 8 s, talks: 2 min}
steps:
  - hear: premi 2
  - press: 2
  - hear: segnale
  - speak: it_200.wav
  - speak: {words: ordine, confidence: 0.8}
  - interrupt: 010
  - wait: 90 s
  - hangup
expect:
  outcome: voicemail
  customer: +390612345678
  path: [welcome, opening, after_hours]
  transcript: {language: it, contains: [ordine]}
  promise: {due_within: 24 h}
---
call: another
at: 2026-11-24T20:31:00+01:00
from: anonymous
to: +39800123456
steps: [hear: buongiorno, hangup: ]
expect: {path: […, goodbye]}
"""


def test_a_whole_file() -> None:
    (first, second), problems = scripts.read("x.calls.yaml", WHOLE)
    assert problems == ()
    assert (first.name, first.from_, first.to) == ("a message after hours", "+390612345678", "+39800123456")
    assert first.at == datetime(2026, 11, 24, 19, 30, tzinfo=UTC)
    assert first.given == {"customers": ("maria_rossi",)}
    assert first.agents == (
        OnDuty("anna", skills={"orders": 2}, answers_after=timedelta(seconds=8), talks=timedelta(minutes=2)),
    )
    mark = first.steps[0].mark
    assert (mark.file, mark.line) == ("x.calls.yaml", 9)
    bare = [type(step)(**{**vars(step), "mark": mark}) for step in first.steps]
    assert bare == [
        Hear("premi 2", mark),
        Press("2", mark),
        Hear("segnale", mark),
        Speak("it_200.wav", mark),
        SayWords("ordine", 0.8, mark),
        scripts.Interrupt("010", mark),
        Wait(timedelta(seconds=90), mark),
        HangUp(mark),
    ]
    assert first.expect == Expected(
        outcome="voicemail",
        customer="+390612345678",
        path=("welcome", "opening", "after_hours"),
        transcript=ExpectedTranscript("it", ("ordine",)),
        promise_due_within=timedelta(hours=24),
    )
    assert (second.expect.path, second.expect.path_open) == (("goodbye",), True)
    assert isinstance(second.steps[1], HangUp)


START = "call: c\nat: 2026-11-24T20:30:00+01:00\nfrom: a\nto: b\n"


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("", "1:1", "holds no call"),
        ("just words", "1:1", "key: value"),
        (START, "1:1", "nobody does anything"),
        (START + "steps:\n  - shout: ciao\n", "6:5", "nobody can 'shout' with a telephone"),
        (START + "steps:\n  - pres: 1\n", "6:5", "did you mean 'press'"),
        (START + "steps:\n  - press: one\n", "6:12", "cannot be pressed"),
        (START + "steps:\n  - {hear: a, press: 1}\n", "6:5", "a step is one thing"),
        (START + "steps:\n  - wait: long\n", "6:11", "no length of time"),
        (START + "steps:\n  - speak: {words: a, confidence: 2}\n", "6:35", "no confidence"),
        (START + "steps: [hangup]\nexpect: {outcome: happy}\n", "6:19", "cannot be 'happy'"),
        (START + "steps: [hangup]\nexpects: {}\n", "6:1", "did you mean 'expect'"),
        (START + "steps: [hangup]\nto: c\n", "6:1", "second time"),
        (START.replace("+01:00", "") + "steps: [hangup]\n", "2:5", "no moment"),
        ("call: c\nsteps: [hangup]\n", "1:1", "'at' is missing"),
        (START + "agents: [{name: a, skills: {x: y}}]\nsteps: [hangup]\n", "5:32", "takes a level"),
        (START + "agents: [{name: a, skills: {x: 6}}]\nsteps: [hangup]\n", "5:32", "from 1 to 5"),
        (START + "agents: [{name: a, answers_in: 2 s}]\nsteps: [hangup]\n", "5:20", "did you mean 'answers_after'"),
        (START + "agents: [{name: a, address: home}]\nsteps: [hangup]\n", "5:29", "no phone number"),
        (START + "agents: [{name: a, presses: one}]\nsteps: [hangup]\n", "5:29", "cannot be pressed"),
        (START + "agents: [{name: a, misses: often}]\nsteps: [hangup]\n", "5:28", "neither true nor false"),
        (START + "agents: [{name: a}, {name: a}]\nsteps: [hangup]\n", "5:21", "a second time"),
        (START + "phones: [{number: home}]\nsteps: [hangup]\n", "5:19", "no phone number"),
        (START + "phones: [{number: '+390212345699', presses: 1}]\nsteps: [hangup]\n", "5:36", "means nothing here"),
        (START + "steps:\n  - answer: {befor: 2 s}\n", "6:14", "it may have 'after'"),
        (START + "steps:\n  - answer: 4 s\n", "6:13", "takes a table"),
        (START + "steps:\n  - miss: {after: 2 s}\n", "6:12", "means nothing here"),
        (START + "steps: [hangup]\nexpect: {answered: anna}\n", "6:10", "did you mean 'answered_by'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, place: str, told: str) -> None:
    found, problems = scripts.read("x.yaml", text)
    assert found == ()
    assert [str(p) for p in problems if str(p).startswith(f"x.yaml:{place}: ") and told in str(p)], problems


def test_people_and_what_they_do_with_their_telephones() -> None:
    text = START.replace("from: a", "from: +390612345678") + (
        "agents:\n"
        "  - {name: anna, queues: [sales], address: +390212345601, presses: [1, 3], misses: 2, signs_off_at: 1 h}\n"
        '  - {name: bruno, address: sip:bruno@pbx.example, presses: "", misses: yes, signs_in_at: 30 s}\n'
        "  - {name: carla, address: client:carla, busy: yes, misses: no}\n"
        "steps: [answer, {answer: {after: 4 s, within: 1 h, machine: yes}}, {reject: {within: 2 h}}, {miss: }, talk,\n"
        "  {talk: 30 s}, {talk: {for: 1 min, within: 5 min}}]\n"
        "expect: {answered_by: anna, agent_heard: [ordini, premi 1]}\n"
    )
    (read,), problems = scripts.read("x.yaml", text)
    assert problems == ()
    assert read.agents == (
        OnDuty("anna", ("sales",), address="+390212345601", presses=("1", "3"), misses=2, signs_off_at=HOUR),
        OnDuty("bruno", address="sip:bruno@pbx.example", presses=(), misses=ALWAYS, signs_in_at=HOUR / 120),
        OnDuty("carla", address="client:carla", busy=True),
    )
    assert [replace(step, mark=NOWHERE) for step in read.steps] == [
        Answer(), Answer(HOUR / 900, HOUR, machine=True), Reject(2 * HOUR), Miss(), Talk(),
        Talk(HOUR / 120), Talk(HOUR / 60, HOUR / 12),
    ]  # fmt: skip
    assert (read.expect.answered_by, read.expect.agent_heard) == ("anna", ("ordini", "premi 1"))


def test_agents_without_an_address_get_numbers_that_are_nobodys() -> None:
    agents = (OnDuty("anna"), OnDuty("bruno", address="+390298765002"), OnDuty("carla"), OnDuty("dario"))
    numbers = [agent.address for agent in numbered(agents, ["+390298765003"])]
    assert numbers == ["+390298765001", "+390298765002", "+390298765004", "+390298765005"]
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers if number)


@given(st.text() | st.binary(max_size=80))
def test_no_file_makes_it_raise(source: str | bytes) -> None:
    found, problems = scripts.read("x.yaml", source)
    assert found or problems
