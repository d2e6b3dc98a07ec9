"""Recordings on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ivr.core.words import VoicemailId
from ivr.store.audio import AudioOnDisk, NotAudio

ID = VoicemailId("01930000-0000-7000-8000-0000000000ab")
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28)
MP3 = b"ID3\x04" + bytes(60)


@pytest.mark.parametrize(("audio", "ending"), [(WAV, ".wav"), (MP3, ".mp3"), (b"\xff\xfb\x90\x00" + bytes(9), ".mp3")])
def test_audio_is_kept_under_its_id_and_found_again(tmp_path: Path, audio: bytes, ending: str) -> None:
    shelf = AudioOnDisk(tmp_path / "recordings")
    assert shelf.path(ID) is None
    kept = shelf.keep(ID, audio)
    assert kept.read_bytes() == audio
    assert (kept.stem, kept.suffix) == (ID, ending)
    assert shelf.path(ID) == kept
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize("wrong", ["../../etc/passwd", "", "0193/0000", "ABCDEFGH", "0193000\n", "x" * 9])
def test_a_path_is_made_from_our_ids_only(tmp_path: Path, wrong: str) -> None:
    shelf = AudioOnDisk(tmp_path)
    with pytest.raises(ValueError, match="id of ours"):
        shelf.keep(VoicemailId(wrong), WAV)
    with pytest.raises(ValueError, match="id of ours"):
        shelf.path(VoicemailId(wrong))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [b"", b"RI", b"<html>", b"RIFF\x24\x00\x00\x00AVI ", b"\xff\xd8"])
def test_what_is_no_audio_is_not_kept(tmp_path: Path, wrong: bytes) -> None:
    shelf = AudioOnDisk(tmp_path)
    with pytest.raises(NotAudio):
        shelf.keep(ID, wrong)
    assert shelf.path(ID) is None


def test_a_full_disk_leaves_nothing_behind_and_the_old_audio_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = AudioOnDisk(tmp_path)
    kept = shelf.keep(ID, WAV)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            shelf.keep(ID, WAV + bytes(100))
    assert kept.read_bytes() == WAV
    assert list(kept.parent.iterdir()) == [kept]


def test_keeping_again_in_another_format_leaves_one_file(tmp_path: Path) -> None:
    shelf = AudioOnDisk(tmp_path)
    shelf.keep(ID, WAV)
    kept = shelf.keep(ID, MP3)
    assert shelf.path(ID) == kept
    assert list(kept.parent.iterdir()) == [kept]
