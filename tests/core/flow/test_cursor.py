"""Cursor and says as text between two webhooks: small, the same again, and refused when they are something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.flow import cursor as cursors
from ivr.core.flow import says
from ivr.core.flow.sentences import ENGLISH, ITALIAN
from ivr.core.flow.turn import (
    Ask,
    Cursor,
    Dial,
    Frame,
    GoOn,
    HangUp,
    Join,
    Park,
    Record,
    Rest,
    Sound,
    Speak,
    Utter,
)
from ivr.core.words import PhoneNumber, QueueName

NAMES = st.text(max_size=12)
VALUES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20)
LANGUAGES = st.sampled_from([ITALIAN, ENGLISH])
CURSORS = st.builds(
    Cursor,
    frames=st.lists(st.builds(Frame, NAMES, NAMES, st.dictionaries(NAMES, VALUES)), min_size=1, max_size=3).map(tuple),
    language=LANGUAGES,
    slow=st.booleans(),
    stage=NAMES,
    held=NAMES,
    page=st.integers(0, 9),
    no_input=st.integers(0, 9),
    no_match=st.integers(0, 9),
    known=st.none() | NAMES,
    types=st.dictionaries(NAMES, NAMES),
    path=st.lists(NAMES).map(tuple),
    speech=st.booleans(),
    ended=st.booleans(),
)
UTTERANCES = st.lists(
    st.builds(Utter, NAMES, LANGUAGES, st.booleans()) | st.builds(Sound, NAMES) | st.builds(Rest, st.integers(0, 9))
).map(tuple)
NUMBERS = st.just(PhoneNumber("+390612345678"))
SAID = st.one_of(
    st.builds(Speak, UTTERANCES),
    st.builds(
        Ask, UTTERANCES, st.none() | st.integers(1, 9), NAMES, st.integers(1, 9), LANGUAGES, st.lists(NAMES).map(tuple)
    ),
    st.builds(Record, UTTERANCES, st.integers(1, 120), st.integers(1, 10), LANGUAGES),
    st.builds(Park, NAMES.map(QueueName), LANGUAGES, NAMES),
    st.builds(Join, NAMES),
    st.builds(Dial, NUMBERS, st.integers(1, 60), st.none() | NUMBERS),
    st.builds(GoOn, st.integers(0, 9)),
    st.just(HangUp()),
)


@given(CURSORS)
def test_a_cursor_comes_back_from_its_text(cursor: Cursor) -> None:
    assert cursors.from_json(cursors.as_json(cursor)) == cursor


@given(st.lists(SAID, max_size=4).map(tuple))
def test_what_was_said_comes_back_from_its_text(said: tuple[object, ...]) -> None:
    assert says.from_json(says.as_json(said)) == said  # type: ignore[arg-type]


def test_a_plain_cursor_is_a_short_line() -> None:
    plain = Cursor((Frame("numero_verde", "main"),), ITALIAN, stage="ask", path=("welcome", "opening", "main"))
    assert (
        cursors.as_json(plain)
        == '{"f":[["numero_verde","main",{}]],"l":"it","s":"ask","w":["welcome","opening","main"]}'
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"f":[],"l":"it"}', '{"f":[1],"l":"it"}', '{"f":[["a"]],"l":"it"}']
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        cursors.from_json(text)


@pytest.mark.parametrize(
    "text",
    ["", "{", "5", "[5]", '[["sing"]]', '[["ask",1]]', '[["speak",[["a","b","c","d"]]]]', '[["dial","1",2,null]]'],
)
def test_what_was_never_said_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        says.from_json(text)
