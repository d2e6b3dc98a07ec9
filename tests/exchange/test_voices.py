"""The voices: real speech out of espeak-ng, the same each time."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import wave

import espeakng_loader
import pytest

from ivr.exchange import voices
from ivr.exchange.voices import NoVoice, Piece, Voices, pieces, wav_seconds

GREETING = "Buongiorno, per un ordine premi uno."


def test_a_sentence_is_a_telephone_wav_with_sound_in_it():
    with wave.open(io.BytesIO(Voices().speak(GREETING, language="it-IT"))) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 8000)
        samples = memoryview(wav.readframes(wav.getnframes())).cast("h")
    assert 1.5 < len(samples) / 8000 < 4
    assert max(samples) > 3000


def test_the_same_sentence_has_the_same_bytes_whatever_was_said_before():
    first = Voices().speak(GREETING, language="it-IT")
    for said in ("Ciao", "Hello there, press one", "Boh? 12"):
        Voices().speak(said, language="en-US", rate=0.7)
        assert Voices().speak(GREETING, language="it-IT") == first


def test_the_same_sentence_has_the_same_bytes_in_another_process():
    script = (
        "import hashlib; from ivr.exchange.voices import Voices;"
        f"print(hashlib.sha256(Voices().speak({GREETING!r}, language='it')).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1] and len(runs[0]) > 60


def test_the_length_is_that_of_the_file_also_after_the_file_was_forgotten(monkeypatch):
    monkeypatch.setattr(voices, "_WAVS_KEPT", 1)
    speaker = Voices()
    length = speaker.seconds(GREETING, language="it")
    speaker.speak("Altro.", language="it")
    assert speaker.seconds(GREETING, language="it") == length
    assert wav_seconds(speaker.speak(GREETING, language="it")) == length


def test_slow_mode_speaks_slower():
    speaker = Voices()
    assert speaker.seconds(GREETING, language="it", rate=0.7) > 1.2 * speaker.seconds(GREETING, language="it")


@pytest.mark.parametrize("language", ["it", "it-IT", "en", "en-GB", "en-US", "de-DE", "fr-FR", "es-ES"])
def test_languages_of_the_house_have_a_voice(language):
    assert Voices().seconds("uno due tre", language=language) > 0.4


def test_italian_and_english_read_the_same_letters_differently():
    assert Voices().speak("Gentile cliente", language="it") != Voices().speak("Gentile cliente", language="en")


def test_a_language_without_a_voice_is_named():
    with pytest.raises(NoVoice, match="'tlh-QO'"):
        Voices().speak("nuqneH", language="tlh-QO")


def test_a_library_that_does_not_load_says_what_to_do(monkeypatch, tmp_path):
    broken = tmp_path / "libespeak-ng.so"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(voices, "_LOADED", [])
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(broken))
    with pytest.raises(NoVoice, match="pip install --force-reinstall espeakng-loader"):
        Voices().speak("ciao", language="it")


def test_a_break_is_heard_as_silence():
    speaker = Voices()
    without = speaker.seconds("Uno ", language="it") + speaker.seconds(" due", language="it")
    assert speaker.seconds('Uno <break time="1500ms"/> due', language="it") == pytest.approx(without + 1.5, abs=0.01)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c", [Piece("a < b & c", "it", 1.0)]),
        ("prezzo <100", [Piece("prezzo <100", "it", 1.0)]),
        ('<prosody rate="50%">piano</prosody>', [Piece("piano", "it", 0.5)]),
        ('<prosody rate="slow">piano</prosody>', [Piece("piano", "it", 0.75)]),
        ('<lang xml:lang="en-GB">press one</lang>', [Piece("press one", "en-GB", 1.0)]),
        ('<say-as interpret-as="digits">A-4 7</say-as>', [Piece("A 4 7", "it", 1.0)]),
        ('<sub alias="numero verde">NV</sub>', [Piece("numero verde", "it", 1.0)]),
        ('<break strength="none"/>', []),
        ('<break strength="strong"/>', [Piece("", "it", 1.0, 0.75)]),
        ("<emphasis>molto</emphasis>", [Piece("molto", "it", 1.0)]),
        ("<p>uno</p>", [Piece("uno", "it", 1.0), Piece("", "it", 1.0, 0.4)]),
    ],
)
def test_mark_up_is_honoured_and_a_stray_bracket_is_not_mark_up(text, expected):
    assert pieces(text, "it", 1.0) == expected


def test_many_threads_may_speak_at_once():
    expected = {text: Voices().speak(text, language="it") for text in ("uno", "due", "tre", "quattro")}
    speaker, wrong = Voices(), []

    def speak(text: str) -> None:
        if speaker.speak(text, language="it") != expected[text]:
            wrong.append(text)

    threads = [threading.Thread(target=speak, args=(text,)) for text in list(expected) * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_to_say_is_an_empty_recording_and_controls_are_no_trouble():
    assert Voices().seconds("", language="it") == 0
    assert Voices().seconds("a\0b\x07", language="it") > 0
