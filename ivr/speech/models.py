"""The shelf of speech models: ``vosk-<language>`` folders, looked at without loading any."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ivr.core.errors import IvrError
from ivr.core.words import Language

SETTING = "IVR_MODELS_DIR"
NAME_FILE = "published-name.txt"
"""Written by ``ivr models get`` into a fetched model's folder: the name its makers gave it."""

DEMONSTRATION = frozenset(
    {
        "4ec467754eeb81575ef03ab52cfe383c44ebcd85",  # vosk-it
        "b8e48cc1d5ec05fbe6ab94c18cd300498d14601c",  # vosk-en
    }
)
"""Git blob ids of the acoustic models of our own two, which know synthetic voices only."""

FOLDER = re.compile(r"vosk-([a-z]{2})")
POINTER = b"version https://git-lfs"
NO_WORDS = ("<", "#", "[", "!")


class NoModel(IvrError):
    """No speech model for this language is ready."""


class ModelState(StrEnum):
    READY = "ready"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True)
class ShelvedModel:
    """What lies on the shelf for a language; ``problem`` says in words what is wrong and which setting leads there."""

    language: Language
    folder: Path
    state: ModelState
    problem: str | None = None
    name: str = ""
    demonstration: bool = False
    size: int = 0  # bytes
    words: int | None = None  # None: the list lies inside the graph


class ModelShelf:
    """Models under one folder, in the layout of the published Vosk models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def languages(self) -> Sequence[Language]:
        """Languages with a folder of their own, in order; whether it is any good, ``look`` tells."""
        if not self.folder.is_dir():
            return []
        found = (FOLDER.fullmatch(entry.name) for entry in self.folder.iterdir() if entry.is_dir())
        return sorted(Language(match[1]) for match in found if match)

    def look(self, language: Language) -> ShelvedModel:
        """The model of a language, judged by its files only: libvosk may still refuse it."""
        if not re.fullmatch(r"[a-z]{2}", language):
            return ShelvedModel(language, self.folder, ModelState.MISSING, f"{language!r} is not a language code")
        folder = self.folder / f"vosk-{language}"
        if not folder.is_dir():
            problem = f"there is no folder vosk-{language} in {self.folder} ({SETTING}); ivr models get {language}"
            return ShelvedModel(language, folder, ModelState.MISSING, problem)
        if wrong := wrong_with(folder):
            return ShelvedModel(language, folder, ModelState.BROKEN, f"{folder} ({SETTING}): {wrong}")
        ours = blob_id(folder / "am" / "final.mdl") in DEMONSTRATION
        return ShelvedModel(
            language,
            folder,
            ModelState.READY,
            name=_name(folder, ours),
            demonstration=ours,
            size=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
            words=_words(folder / "graph" / "words.txt"),
        )


def blob_id(file: Path) -> str:
    """The id git gives to this content, as ``git hash-object`` prints it."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def wrong_with(folder: Path) -> str | None:
    """Missing, empty and pointer files; a graph is HCLG.fst, or HCLr.fst with Gr.fst and disambig_tid.int."""
    needed = ["am/final.mdl", "conf/mfcc.conf", "conf/model.conf"]
    if not (folder / "graph" / "HCLG.fst").exists():
        needed += ["graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int"]
    for name in needed:
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        with file.open("rb") as content:
            begin = content.read(len(POINTER))
        if not begin:
            return f"{name} is empty"
        if begin == POINTER:
            return f"{name} is a git-lfs pointer, not the file itself"
    return None


def _name(folder: Path, ours: bool) -> str:
    published = folder / NAME_FILE
    if published.is_file():
        return published.read_text(encoding="utf-8").strip()
    return f"{folder.name}-demonstration" if ours else folder.name


def _words(list_of_words: Path) -> int | None:
    """The published small models have no words.txt: their list lies inside Gr.fst."""
    if not list_of_words.is_file():
        return None
    with list_of_words.open(encoding="utf-8") as lines:
        return sum(1 for line in lines if line.strip() and not line.startswith(NO_WORDS))
