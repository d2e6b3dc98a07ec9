"""Words with their times as text, SRT or WebVTT."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ivr.core.voicemail import HeardWord, Transcript

LINE_LENGTH = 42  # characters: what can be read in one glance
LINE_SECONDS = 6.0
PAUSE = 0.8  # seconds of silence that begin a new line


@dataclass(frozen=True)
class Caption:
    """A line that is shown from one second to another."""

    start: float
    end: float
    text: str


def captions(words: Sequence[HeardWord]) -> list[Caption]:
    """Words in lines: a new one after a pause, and before a line gets too long to read or to show."""
    lines: list[list[HeardWord]] = []
    for word in words:
        if lines and _fits(lines[-1], word):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [Caption(line[0].start, line[-1].end, " ".join(word.text for word in line)) for line in lines]


def text(transcript: Transcript) -> str:
    """What was said, a line a pause apart; empty when nothing was."""
    paragraphs: list[list[HeardWord]] = []
    for word in transcript.words:
        if paragraphs and word.start - paragraphs[-1][-1].end < PAUSE:
            paragraphs[-1].append(word)
        else:
            paragraphs.append([word])
    return "".join(" ".join(word.text for word in paragraph) + "\n" for paragraph in paragraphs)


def srt(transcript: Transcript) -> str:
    """SubRip: numbered, comma before the milliseconds."""
    return "\n".join(
        f"{number}\n{_clock(line.start, ',')} --> {_clock(line.end, ',')}\n{line.text}\n"
        for number, line in enumerate(captions(transcript.words), 1)
    )


def vtt(transcript: Transcript) -> str:
    """WebVTT, as W3C's specification has it: ``&``, ``<`` and ``>`` are written as entities."""
    cues = (
        f"{_clock(line.start, '.')} --> {_clock(line.end, '.')}\n{html.escape(line.text, quote=False)}\n"
        for line in captions(transcript.words)
    )
    return "\n".join(["WEBVTT\n", *cues])


def _fits(line: Sequence[HeardWord], word: HeardWord) -> bool:
    length = sum(len(each.text) + 1 for each in line) + len(word.text)
    return word.start - line[-1].end < PAUSE and word.end - line[0].start <= LINE_SECONDS and length <= LINE_LENGTH


def _clock(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"
