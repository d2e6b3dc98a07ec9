"""libvosk, with a rail around each hole that it has (0.3.45, measured): what goes wrong raises, nothing aborts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vosk import KaldiRecognizer, Model, SetLogLevel

from ivr.core.voicemail import HeardWord
from ivr.core.words import Language
from ivr.speech.audio import RATE, WIDTH, Part, PartUnreadable
from ivr.speech.models import SETTING, ModelShelf, ModelState, NoModel, ShelvedModel
from ivr.speech.probe import survives

UNKNOWN = frozenset({"[unk]", "<unk>"})


class Recogniser:
    """One stream of 16 kHz sound through a loaded model; belongs to the thread that made it.

    Two threads on one recogniser abort the process, a grammar that is no list of phrases crashes it, and
    bytearrays are refused: all three are caught here.
    """

    def __init__(self, model: Model, phrases: Sequence[str] | None = None) -> None:
        """Raises ValueError for ``phrases`` that would crash libvosk."""
        self._thread = threading.get_ident()
        given = () if phrases is None else (json.dumps(_checked(phrases)),)
        # Always 16 kHz: opening at 8000 fails with models whose mfcc.conf forbids upsampling.
        self._engine = KaldiRecognizer(model, RATE, *given)
        self._engine.SetWords(True)
        self._heard: list[HeardWord] = []

    def hear(self, piece: bytes | bytearray | memoryview) -> None:
        """Take in 16 bit mono samples, a quarter to half a second at best."""
        self._only_here()
        try:
            paused = self._engine.AcceptWaveform(bytes(piece))
        except Exception as why:  # vosk raises nothing narrower
            raise PartUnreadable("libvosk refuses the sound") from why
        if paused:
            self._keep(self._engine.Result())

    def finish(self) -> tuple[HeardWord, ...]:
        """All words since the beginning, those before pauses too."""
        self._only_here()
        self._keep(self._engine.FinalResult())
        return tuple(self._heard)

    def _keep(self, result: str) -> None:
        answer: Mapping[str, Any] = json.loads(result)
        self._heard += [
            HeardWord(word["word"], float(word["start"]), float(word["end"]), float(word["conf"]))
            for word in answer.get("result", ())
            if word["word"] not in UNKNOWN
        ]

    def _only_here(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("a recogniser is used by the thread that made it, and by no other")


class Engine:
    """The loaded models of one process: one a language, however many streams and threads use it.

    ``survives`` tries a model before it is loaded here: see ``ivr.speech.probe``.
    """

    def __init__(self, shelf: ModelShelf, survives: Callable[[Path], bool] = survives) -> None:
        self._shelf = shelf
        self._survives = survives
        self._loaded: dict[Language, Model] = {}
        self._loading = threading.Lock()
        SetLogLevel(-1)

    def models(self) -> Sequence[ShelvedModel]:
        return [self._shelf.look(language) for language in self._shelf.languages()]

    def recogniser(self, language: Language, phrases: Sequence[str] | None = None) -> Recogniser:
        """Raises NoModel with the reason and the setting's name, ValueError for unusable ``phrases``."""
        model = self._model(language)
        if phrases is not None and (self._shelf.look(language).folder / "graph" / "HCLG.fst").exists():
            raise ValueError("this model's graph is fixed (HCLG.fst): it would ignore the phrases")
        return Recogniser(model, phrases)

    def hear(
        self, part: Part, language: Language, progress: Callable[[float], None] | None = None
    ) -> tuple[HeardWord, ...]:
        """The words of a part, timed from the start of the file. Raises NoModel, PartUnreadable, OSError."""
        recogniser = self.recogniser(language)
        heard = 0
        for piece in part.pieces():
            recogniser.hear(piece)
            heard += len(piece) // WIDTH
            if progress is not None:
                progress(min(1.0, heard / part.samples))
        words = (_later(word, part.heard_from / RATE) for word in recogniser.finish())
        return tuple(word for word in words if part.owns(word.start, word.end))

    def _model(self, language: Language) -> Model:
        with self._loading:
            if language not in self._loaded:
                self._loaded[language] = self._load(language)
            return self._loaded[language]

    def _load(self, language: Language) -> Model:
        found = self._shelf.look(language)
        if found.state is not ModelState.READY:
            raise NoModel(found.problem)
        if not self._survives(found.folder):
            raise NoModel(f"libvosk refuses the model in {found.folder} ({SETTING}): a file is broken or cut off")
        return Model(str(found.folder))  # by path only: the other ways go to the network and may exit


def _checked(phrases: Sequence[str]) -> list[str]:
    """Anything but a non-empty list of texts ends the process inside libvosk."""
    if isinstance(phrases, str) or not isinstance(phrases, Sequence) or not phrases:
        raise ValueError("phrases are a list with at least one text")
    if not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases):
        raise ValueError("each phrase is a text that is not empty")
    return list(phrases)


def _later(word: HeardWord, seconds: float) -> HeardWord:
    return replace(word, start=round(word.start + seconds, 3), end=round(word.end + seconds, 3))
