"""An audio file to a transcript, whatever is in the file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ivr.core.voicemail import HeardWord, TextState, Transcript
from ivr.core.words import Language
from ivr.speech.audio import PART_SECONDS, NeedsFfmpeg, Part, PartUnreadable, Prepared, Unreadable, prepare
from ivr.speech.models import SETTING, ModelState, NoModel, ShelvedModel

SAMPLE_SECONDS = 30.0  # of speech, by which the language is told


class Ear(Protocol):
    """What turns sound into words: libvosk here, or in the speech process."""

    def models(self) -> Sequence[ShelvedModel]: ...

    def hear(
        self, part: Part, language: Language, progress: Callable[[float], None] | None = None
    ) -> tuple[HeardWord, ...]:
        """Raises NoModel, PartUnreadable."""
        ...


class VoskTranscriber:
    """The port ``Transcriber``: prepares, tells the language, reads part by part, and says how it went.

    Raises OSError only when there is no room for the prepared audio, so that a job can try again.
    """

    def __init__(self, ear: Ear, part_seconds: float = PART_SECONDS) -> None:
        self._ear = ear
        self._part_seconds = part_seconds

    def transcribe(
        self, path: Path, language: Language | None, progress: Callable[[float], None] | None = None
    ) -> Transcript:
        told = _forward(progress)
        with tempfile.TemporaryDirectory(prefix="ivr-speech-") as room:
            try:
                prepared = prepare(path, Path(room) / "sound.pcm")
            except Unreadable as why:
                transcript = Transcript(TextState.UNREADABLE, language, "", problem=str(why))
            except NeedsFfmpeg as why:
                transcript = Transcript(TextState.NEEDS_FFMPEG, language, "", problem=str(why))
            else:
                transcript = self._read(prepared, language, told)
        told(1.0)
        return transcript

    def _read(self, prepared: Prepared, language: Language | None, told: Callable[[float], None]) -> Transcript:
        spoken = [part for part in prepared.parts(self._part_seconds) if prepared.somebody_speaks(part)]
        if not spoken:
            return _transcript(prepared, language, _Heard())
        try:
            chosen, heard = self._hear_all(prepared, spoken, language, told)
        except NoModel as why:
            return Transcript(TextState.NO_MODEL, language, "", seconds=prepared.seconds, problem=str(why))
        return _transcript(prepared, chosen, heard)

    def _hear_all(
        self, prepared: Prepared, spoken: Sequence[Part], language: Language | None, told: Callable[[float], None]
    ) -> tuple[Language, _Heard]:
        names = self._ready()
        heard = _Heard()
        known: dict[tuple[Part, Language], tuple[HeardWord, ...] | None] = {}
        if language is None:
            opening = spoken[0] if prepared.seconds <= SAMPLE_SECONDS else prepared.opening(SAMPLE_SECONDS)
            known = {(opening, each): self._hear(opening, each) for each in names}
            language = surer({each: words or () for (_, each), words in known.items()})
        total, before = sum(part.samples for part in spoken), 0
        for part in spoken:
            if (part, language) in known:
                words = known[part, language]
            else:
                words = self._hear(part, language, _within(told, before / total, part.samples / total))
            before += part.samples
            told(before / total)
            heard.add(part, words)
        heard.model = names.get(language)
        return language, heard

    def _hear(
        self, part: Part, language: Language, progress: Callable[[float], None] | None = None
    ) -> tuple[HeardWord, ...] | None:
        try:
            return self._ear.hear(part, language, progress)
        except PartUnreadable:
            return None

    def _ready(self) -> Mapping[Language, str]:
        models = self._ear.models()
        ready = {model.language: model.name for model in models if model.state is ModelState.READY}
        if not ready:
            broken = "; ".join(model.problem for model in models if model.problem)
            raise NoModel(broken or f"there is no speech model in the folder that {SETTING} names")
        return ready


def surer(heard: Mapping[Language, Sequence[HeardWord]]) -> Language:
    """The language whose model is surer of its words: their mean confidence, one word's doubt added to each.

    The doubt lowers a model that is sure of very few words. On 40 held-out voicemails it was right each time; on 26
    clips of real people, which the demonstration models do not know, in 16 (bench/speech.py measures both again).
    """

    def sure(language: Language) -> float:
        words = heard[language]
        return sum(word.confidence for word in words) / (len(words) + 1)

    return max(sorted(heard, reverse=True), key=sure)  # a tie goes to Italian before English


@dataclass
class _Heard:
    words: list[HeardWord] = field(default_factory=list)
    lost: list[Part] = field(default_factory=list)
    model: str | None = None

    def add(self, part: Part, words: tuple[HeardWord, ...] | None) -> None:
        if words is None:
            self.lost.append(part)
        else:
            self.words += words


def _transcript(prepared: Prepared, language: Language | None, heard: _Heard) -> Transcript:
    problems = [f"{_clock(part.start)} to {_clock(part.end)} could not be read" for part in heard.lost]
    problems += [prepared.missing] if prepared.missing else []
    return Transcript(
        _state(heard, whole=not problems),
        language,
        " ".join(word.text for word in heard.words),
        tuple(heard.words),
        prepared.seconds,
        heard.model,
        "; ".join(problems) or None,
    )


def _state(heard: _Heard, whole: bool) -> TextState:
    if heard.words:
        return TextState.READ if whole else TextState.PARTLY_READ
    if heard.lost:
        return TextState.UNREADABLE
    return TextState.SILENT if whole else TextState.PARTLY_READ


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _within(told: Callable[[float], None], begin: float, width: float) -> Callable[[float], None]:
    return lambda share: told(begin + share * width)


def _forward(progress: Callable[[float], None] | None) -> Callable[[float], None]:
    """Shares never go back, also when a part is heard a second time."""
    highest = -1.0

    def told(share: float) -> None:
        nonlocal highest
        share = min(1.0, round(share, 4))
        if progress is not None and share > highest:
            highest = share
            progress(share)

    return told
