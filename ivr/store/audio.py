"""``recordings/``: audio kept on disk under ids of ours, there whole or not at all."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

from ivr.core.words import RecordingId, VoicemailId

_ID = re.compile(r"[0-9a-f-]{8,64}")

# Each format by how its files begin: RIFF….WAVE, an ID3 tag, or an MPEG audio frame's eleven set bits.
_WAV, _MP3 = "wav", "mp3"
_KINDS = (_WAV, _MP3)


class NotAudio(OSError):
    """What came is neither WAV nor MP3, or is too short to be either."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class AudioOnDisk:
    """The port ``AudioShelf``: one file a voicemail or recorded talk, in a folder named by the end of its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, voicemail: VoicemailId | RecordingId, audio: bytes) -> Path:
        """Write, sync, check, rename, sync the folder; raises OSError, and NotAudio for what is no audio.

        After it returns, a power cut does not lose the file. Keeping again replaces it.
        """
        kind = kind_of(audio)
        path = self._place(voicemail, kind)
        _make(path.parent)
        draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            _write(draft, audio)
            _check(draft, audio, kind)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        for other in _KINDS:
            if other != kind:
                self._place(voicemail, other).unlink(missing_ok=True)
        return path

    def path(self, voicemail: VoicemailId | RecordingId) -> Path | None:
        """Where its audio lies; None when we have none."""
        return next((path for kind in _KINDS if (path := self._place(voicemail, kind)).is_file()), None)

    def _place(self, voicemail: VoicemailId | RecordingId, kind: str) -> Path:
        if not _ID.fullmatch(voicemail):
            raise ValueError("an id of ours is 8 to 64 of 0-9, a-f and dashes")
        # The last letters of a UUIDv7 are chance: they spread files evenly over 256 folders.
        return self._folder / voicemail[-2:] / f"{voicemail}.{kind}"


def kind_of(audio: bytes) -> str:
    """``wav`` or ``mp3`` by how the bytes begin; raises NotAudio."""
    if audio[:4] == b"RIFF" and audio[8:12] == b"WAVE":
        return _WAV
    if audio[:3] == b"ID3" or (len(audio) > 3 and audio[0] == 0xFF and audio[1] & 0xE0 == 0xE0):
        return _MP3
    raise NotAudio


def _write(path: Path, audio: bytes) -> None:
    with path.open("wb") as file:
        file.write(audio)
        file.flush()
        os.fsync(file.fileno())


def _check(path: Path, audio: bytes, kind: str) -> None:
    with path.open("rb") as file:
        beginning = file.read(12)
    if path.stat().st_size != len(audio) or kind_of(beginning) != kind:
        raise OSError("the audio on disk is not what was written")


def _make(folder: Path) -> None:
    """Make a folder and sync each one it was made in, or the new entry may be lost with the power."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
