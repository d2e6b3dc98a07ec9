"""Words become lines that can be read, in formats that players accept."""

from __future__ import annotations

from itertools import pairwise

import srt as subrip
from hypothesis import given
from hypothesis import strategies as st

from ivr.core.captions import LINE_LENGTH, LINE_SECONDS, captions, srt, text, vtt
from ivr.core.voicemail import HeardWord, TextState, Transcript
from ivr.core.words import Language


def said(*words: tuple[str, float, float]) -> Transcript:
    heard = tuple(HeardWord(word, start, end, 1.0) for word, start, end in words)
    return Transcript(TextState.READ, Language("it"), " ".join(w.text for w in heard), heard, 9.0, "vosk-it")


MESSAGE = said(("buongiorno", 0.3, 1.0), ("sono", 1.0, 1.25), ("rossi", 1.3, 1.9), ("ordine", 3661.5, 3662.0009))


def test_a_pause_begins_a_new_line() -> None:
    assert text(MESSAGE) == "buongiorno sono rossi\nordine\n"
    assert srt(MESSAGE) == (
        "1\n00:00:00,300 --> 00:00:01,900\nbuongiorno sono rossi\n\n2\n01:01:01,500 --> 01:01:02,001\nordine\n"
    )
    assert vtt(MESSAGE) == (
        "WEBVTT\n\n00:00:00.300 --> 00:00:01.900\nbuongiorno sono rossi\n\n01:01:01.500 --> 01:01:02.001\nordine\n"
    )


def test_nothing_said_is_an_empty_file_of_its_kind() -> None:
    silent = Transcript(TextState.SILENT, None, "")
    assert (text(silent), srt(silent), vtt(silent)) == ("", "", "WEBVTT\n")


def test_a_word_with_angle_brackets_stays_legal_webvtt() -> None:
    assert "&lt;rumore&gt;" in vtt(said(("<rumore>", 0, 1)))


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-zà-ù']{1,12}", fullmatch=True), st.floats(0, 2), st.floats(0.05, 1.5)), max_size=60
    )
)
def test_no_line_is_too_long_and_no_word_is_lost(spoken: list[tuple[str, float, float]]) -> None:
    at, words = 0.0, []
    for word, gap, length in spoken:
        words.append((word, at + gap, at + gap + length))
        at += gap + length
    transcript = said(*words)
    lines = captions(transcript.words)
    assert " ".join(line.text for line in lines) == transcript.text
    assert all(len(line.text) <= LINE_LENGTH and line.end - line.start <= LINE_SECONDS + 1e-9 for line in lines)
    assert all(one.end <= two.start + 1e-9 for one, two in pairwise(lines))
    assert [cue.content for cue in subrip.parse(srt(transcript))] == [line.text for line in lines]
