"""Whatever arrives as a voicemail ends in a clear state, and its words are not lost."""

from __future__ import annotations

import audioop
import shutil
import subprocess
import wave
from pathlib import Path

import pytest

from ivr.core.voicemail import HeardWord, TextState
from ivr.core.words import Language
from ivr.speech.audio import Part, PartUnreadable, prepare
from ivr.speech.engine import Engine
from ivr.speech.models import ModelShelf
from ivr.speech.transcriber import VoskTranscriber, surer

from .conftest import SAID_200, noise, samples, two_channels, wav

IT, EN = Language("it"), Language("en")
SILENCE = bytes(2 * 8000)


def test_a_voicemail_is_read_word_for_word_with_times(transcriber: VoskTranscriber, voice: Path) -> None:
    transcript = transcriber.transcribe(voice, IT)
    assert (transcript.state, transcript.text, transcript.problem) == (TextState.READ, SAID_200, None)
    assert [word.text for word in transcript.words] == SAID_200.split()
    assert transcript.seconds == pytest.approx(4.1, abs=0.1)
    assert transcript.model == "vosk-it-demonstration"
    begins = [word.start for word in transcript.words]
    assert begins == sorted(begins)
    assert all(0 <= w.start < w.end <= transcript.seconds and 0 <= w.confidence <= 1 for w in transcript.words)


def test_the_same_file_gives_the_same_words_again(transcriber: VoskTranscriber, voice: Path) -> None:
    assert transcriber.transcribe(voice, IT) == transcriber.transcribe(voice, IT)


@pytest.mark.parametrize("name", ["it_205.wav", "en_205.wav"])
def test_the_surer_model_tells_the_language(transcriber: VoskTranscriber, shared: Path, name: str) -> None:
    told: list[float] = []
    transcript = transcriber.transcribe(shared / "audio" / "synthetic" / name, None, told.append)
    assert transcript.language == name[:2]
    assert transcript == transcriber.transcribe(shared / "audio" / "synthetic" / name, transcript.language)
    assert told == sorted(told) and told[-1] == 1.0


def test_very_few_sure_words_do_not_outweigh_many() -> None:
    one = [HeardWord("no", 0, 1, 1.0)]
    many = [HeardWord("word", 0, 1, 0.9)] * 9
    assert surer({IT: one, EN: many}) == EN
    assert surer({IT: [], EN: []}) == IT


def test_words_before_a_pause_are_kept(transcriber: VoskTranscriber, spoken: bytes, tmp_path: Path) -> None:
    file = wav(tmp_path / "pause.wav", spoken + 3 * SILENCE + spoken)
    transcript = transcriber.transcribe(file, IT)
    assert transcript.text == f"{SAID_200} {SAID_200}"
    half = len(transcript.words) // 2
    later = len(spoken) / 16000 + 3
    for first, second in zip(transcript.words[:half], transcript.words[half:], strict=True):
        assert second.start - first.start == pytest.approx(later, abs=0.1)


def _formats(spoken: bytes) -> dict[str, tuple[bytes, dict[str, int]]]:
    twice = audioop.ratecv(spoken, 2, 1, 8000, 44100, None)[0]
    return {
        "8 bit": (audioop.bias(audioop.lin2lin(spoken, 2, 1), 1, -128), {"bits": 8}),
        "16 bit": (spoken, {}),
        "24 bit": (audioop.lin2lin(spoken, 2, 3), {"bits": 24}),
        "32 bit": (audioop.lin2lin(spoken, 2, 4), {"bits": 32}),
        "mu-law": (audioop.lin2ulaw(spoken, 2), {"kind": 7, "bits": 8}),
        "A-law": (audioop.lin2alaw(spoken, 2), {"kind": 6, "bits": 8}),
        "44.1 kHz": (twice, {"rate": 44100}),
        "left only": (two_channels(spoken, bytes(len(spoken))), {"channels": 2}),
        "right only": (two_channels(bytes(len(spoken)), spoken), {"channels": 2}),
        "opposite phases": (two_channels(spoken, audioop.mul(spoken, 2, -1)), {"channels": 2}),
        "both alike": (two_channels(spoken, spoken), {"channels": 2}),
        "three channels": (b"".join(spoken[i : i + 2] * 3 for i in range(0, len(spoken), 2)), {"channels": 3}),
    }


@pytest.mark.parametrize(
    "form",
    [
        "8 bit",
        "16 bit",
        "24 bit",
        "32 bit",
        "mu-law",
        "A-law",
        "44.1 kHz",
        "left only",
        "right only",
        "opposite phases",
        "both alike",
        "three channels",
    ],
)
@pytest.mark.parametrize("ffmpeg", ["with ffmpeg", "without"])
def test_every_wav_form_is_read_also_without_ffmpeg(
    transcriber: VoskTranscriber,
    spoken: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    ffmpeg: str,
) -> None:
    data, how = _formats(spoken)[form]
    file = wav(tmp_path / "voice.wav", data, **how)
    if ffmpeg == "without":
        monkeypatch.setenv("PATH", str(tmp_path))
    transcript = transcriber.transcribe(file, IT)
    if form == "8 bit":  # 48 dB of quantisation: a word may go
        assert transcript.state is TextState.READ and len(set(SAID_200.split()) - set(transcript.text.split())) <= 2
    else:
        assert (transcript.state, transcript.text) == (TextState.READ, SAID_200)


@pytest.mark.parametrize("kind", ["mp3", "ogg", "webm", "m4a", "flac"])
def test_compressed_files_go_through_ffmpeg_or_wait_for_it(
    transcriber: VoskTranscriber, voice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg on this machine")
    codec = {"webm": ["-c:a", "libopus"], "ogg": ["-c:a", "libvorbis"]}.get(kind, [])
    file = tmp_path / f"voice message: 1.{kind}"  # a colon must not make it an address
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-i", str(voice), "-ar", "48000", *codec, f"file:{file}"]
    subprocess.run(command, check=True)
    transcript = transcriber.transcribe(file, IT)
    assert (transcript.state, transcript.text) == (TextState.READ, SAID_200)
    assert transcript.seconds == pytest.approx(4.1, abs=0.15)

    monkeypatch.setenv("PATH", str(tmp_path))
    waiting = transcriber.transcribe(file, IT)
    assert waiting.state is TextState.NEEDS_FFMPEG
    assert waiting.problem is not None and "ffmpeg" in waiting.problem


def test_a_playlist_does_not_make_ffmpeg_open_other_files(
    transcriber: VoskTranscriber, voice: Path, tmp_path: Path
) -> None:
    playlist = tmp_path / "message.mp3"
    playlist.write_text(f"ffconcat version 1.0\nfile '{voice}'\n")
    assert transcriber.transcribe(playlist, IT).state is TextState.UNREADABLE
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{voice}\n#EXT-X-ENDLIST\n")
    assert transcriber.transcribe(playlist, IT).state is TextState.UNREADABLE


@pytest.mark.parametrize("ffmpeg", ["with ffmpeg", "without"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"RIFF\xff\xff\xff\xffWAVEfmt \x04\x00\x00\x00abcd",
        b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff" + bytes(99),
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + bytes(16) + b"data\x04\x00\x00\x00\x00\x00\x00\x00",
        b"<html>404</html>" * 99,
        bytes(range(256)) * 300,
    ],
    ids=["empty", "four bytes", "no chunks", "short fmt", "no fmt", "all zero fmt", "a web page", "garbage"],
)
def test_a_broken_file_is_unreadable_and_says_why(
    transcriber: VoskTranscriber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, ffmpeg: str
) -> None:
    if ffmpeg == "without":
        monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "message.wav"
    file.write_bytes(content)
    transcript = transcriber.transcribe(file, IT)
    assert transcript.state is TextState.UNREADABLE
    assert transcript.problem


def test_a_file_that_is_not_there_is_unreadable(transcriber: VoskTranscriber, tmp_path: Path) -> None:
    assert transcriber.transcribe(tmp_path / "gone.wav", None).state is TextState.UNREADABLE
    assert transcriber.transcribe(tmp_path, None).state is TextState.UNREADABLE


@pytest.mark.parametrize("says", [0, 0xFFFFFFFF, 0x7FFFFFFF], ids=["0", "4 GB", "2 GB"])
def test_a_length_that_a_streaming_recorder_left_blank_is_no_problem(
    transcriber: VoskTranscriber, spoken: bytes, tmp_path: Path, says: int
) -> None:
    transcript = transcriber.transcribe(wav(tmp_path / "voice.wav", spoken, says=says), IT)
    assert (transcript.state, transcript.text) == (TextState.READ, SAID_200)


def test_a_file_cut_off_in_the_middle_is_partly_read(
    transcriber: VoskTranscriber, spoken: bytes, tmp_path: Path
) -> None:
    file = wav(tmp_path / "voice.wav", spoken[: len(spoken) // 2 + 1], says=len(spoken))
    transcript = transcriber.transcribe(file, IT)
    assert transcript.state is TextState.PARTLY_READ
    assert transcript.text.startswith("pronto buongiorno")
    assert transcript.problem == "the file ends after 2.1 s, but says that it holds 4.1 s"


def _quiet(name: str) -> bytes:
    if name == "nothing":
        return b""
    if name == "one sample":
        return b"\1\0"
    if name == "a minute of noise":
        return noise(60, 2000)
    if name == "a minute of faint noise":
        return noise(60, 30)
    if name == "noise that begins":
        return 20 * SILENCE + noise(20, 3000)
    if name == "hum":
        return b"".join((9000 * (1 if i % 160 < 80 else -1)).to_bytes(2, "little", signed=True) for i in range(80000))
    return 60 * SILENCE


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "one sample",
        "a minute of silence",
        "a minute of noise",
        "a minute of faint noise",
        "noise that begins",
        "hum",
    ],
)
def test_when_nobody_speaks_the_message_is_silent(transcriber: VoskTranscriber, tmp_path: Path, name: str) -> None:
    for language in (IT, None):
        transcript = transcriber.transcribe(wav(tmp_path / "quiet.wav", _quiet(name)), language)
        assert (transcript.state, transcript.text, transcript.words) == (TextState.SILENT, "", ())


def test_a_short_word_in_a_minute_of_noise_is_not_taken_for_silence(
    transcriber: VoskTranscriber, spoken: bytes, tmp_path: Path
) -> None:
    hiss = noise(60, 150)
    begin = 16000 * 30
    mixed = hiss[:begin] + audioop.add(hiss[begin : begin + len(spoken)], spoken, 2) + hiss[begin + len(spoken) :]
    transcript = transcriber.transcribe(wav(tmp_path / "noisy.wav", mixed), IT)
    assert transcript.state is TextState.READ
    assert "buongiorno" in transcript.text
    assert 29.5 < transcript.words[0].start < 31


def test_no_voice_of_ours_or_of_real_people_is_taken_for_silence(transcriber: VoskTranscriber, shared: Path) -> None:
    files = sorted((shared / "audio").rglob("*.wav"))
    assert len(files) == 66
    for file in files:
        language = Language(file.name[:2])
        assert transcriber.transcribe(file, language).state is TextState.READ, file.name


@pytest.mark.parametrize("decibel", [10, 5, 0])
def test_a_voice_under_loud_noise_is_not_taken_for_silence(shared: Path, tmp_path: Path, decibel: int) -> None:
    for file in sorted((shared / "audio").rglob("*.wav"))[:: 3 if decibel else 1]:
        with wave.open(str(file)) as opened:
            rate, voice = opened.getframerate(), opened.readframes(opened.getnframes())
        loud = audioop.rms(voice, 2) / 10 ** (decibel / 20)
        hiss = noise(len(voice) / 2 / rate, int(loud), rate)[: len(voice)].ljust(len(voice), b"\0")
        prepared = prepare(wav(tmp_path / "noisy.wav", audioop.add(voice, hiss, 2), rate=rate), tmp_path / "sound.pcm")
        assert prepared.somebody_speaks(prepared.parts()[0]), file.name


def test_a_faint_voice_is_still_a_voice(transcriber: VoskTranscriber, spoken: bytes, tmp_path: Path) -> None:
    transcript = transcriber.transcribe(wav(tmp_path / "faint.wav", audioop.mul(spoken, 2, 0.03)), IT)
    assert (transcript.state, transcript.text) == (TextState.READ, SAID_200)


@pytest.fixture(scope="session")
def long_message(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A minute of five voicemails, one after the other."""
    folder = shared / "audio" / "synthetic"
    told = "".join(
        line.split("\t")[2] + " "
        for line in (folder / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
        if line[:6] in {"it_200", "it_201", "it_202", "it_204", "it_208"}
    )
    data = b"".join(samples(folder / f"it_{n}.wav") for n in (200, 201, 202, 204, 208))
    return wav(tmp_path_factory.mktemp("long") / "long.wav", data), told.strip()


@pytest.mark.parametrize("seconds", [4.0, 8.0])
def test_no_word_suffers_at_a_border_and_times_run_through(
    engine: Engine, long_message: tuple[Path, str], seconds: float
) -> None:
    file, said = long_message
    whole = VoskTranscriber(engine).transcribe(file, IT)
    told: list[float] = []
    parts = VoskTranscriber(engine, part_seconds=seconds).transcribe(file, IT, told.append)
    assert whole.text == said
    assert parts.text == said
    for one, other in zip(whole.words, parts.words, strict=True):
        assert other.start == pytest.approx(one.start, abs=0.15)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 20


class _ForgetfulEar:
    """Gives up on the parts that begin in a span of time."""

    def __init__(self, engine: Engine, begin: float, end: float) -> None:
        self._engine, self._span = engine, (begin, end)
        self.models = engine.models

    def hear(self, part: Part, language: Language, progress: object = None) -> tuple[HeardWord, ...]:
        if self._span[0] <= part.start < self._span[1]:
            raise PartUnreadable
        return self._engine.hear(part, language)


def test_a_part_that_cannot_be_read_costs_only_itself(engine: Engine, long_message: tuple[Path, str]) -> None:
    file, said = long_message
    ear = _ForgetfulEar(engine, 3, 9)
    transcript = VoskTranscriber(ear, part_seconds=4).transcribe(file, IT)
    assert transcript.state is TextState.PARTLY_READ
    assert transcript.problem is not None and transcript.problem.count("could not be read") >= 1
    assert transcript.words and len(transcript.words) < len(said.split())

    nothing = VoskTranscriber(_ForgetfulEar(engine, 0, 99), part_seconds=4).transcribe(file, None)
    assert nothing.state is TextState.UNREADABLE


def test_without_a_model_the_message_waits(voice: Path, tmp_path: Path) -> None:
    empty = VoskTranscriber(Engine(ModelShelf(tmp_path)))
    for language in (IT, None):
        transcript = empty.transcribe(voice, language)
        assert transcript.state is TextState.NO_MODEL
        assert transcript.problem is not None and "IVR_MODELS_DIR" in transcript.problem
        assert transcript.seconds > 4


def test_a_language_without_a_model_of_its_own_waits_too(transcriber: VoskTranscriber, voice: Path) -> None:
    for odd in ("de", "../it", "IT", ""):
        assert transcriber.transcribe(voice, Language(odd)).state is TextState.NO_MODEL
