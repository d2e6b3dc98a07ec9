"""The speech process may die at any moment: it costs a part a second try, and nobody else anything."""

from __future__ import annotations

import audioop
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ivr.config import BUNDLED_MODELS
from ivr.core.voicemail import TextState
from ivr.core.words import Language
from ivr.speech.audio import PartUnreadable, prepare
from ivr.speech.engine import Engine
from ivr.speech.models import ModelShelf
from ivr.speech.process import SpeechProcess, SpeechUnavailable, receive
from ivr.speech.transcriber import VoskTranscriber

from .conftest import SAID_200, samples, wav

IT = Language("it")
POISONED = (sys.executable, "-W", "ignore", "-m", "tests.speech.poisoned_worker")


@pytest.fixture(scope="module")
def speech() -> Iterator[SpeechProcess]:
    with SpeechProcess(BUNDLED_MODELS, streams=2) as running:
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder in which the poisoned worker can keep its log."""
    folder = tmp_path / "models"
    folder.mkdir()
    for language in ("it", "en"):
        (folder / f"vosk-{language}").symlink_to(BUNDLED_MODELS / f"vosk-{language}")
    return folder


@pytest.fixture(scope="session")
def long_voice(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of voicemails."""
    folder = shared / "audio" / "synthetic"
    data = b"".join(samples(folder / f"it_{n}.wav") for n in range(200, 220))
    return wav(tmp_path_factory.mktemp("long") / "voice.wav", data)


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def test_the_process_says_what_the_engine_says(
    speech: SpeechProcess, transcriber: VoskTranscriber, shared: Path
) -> None:
    for name, language in (("it_203.wav", IT), ("en_203.wav", None), ("it_203.wav", Language("de"))):
        file = shared / "audio" / "synthetic" / name
        told: list[float] = []
        assert speech.transcribe(file, language, told.append) == transcriber.transcribe(file, language)
        assert told[-1] == 1.0 and told == sorted(told)
    assert len(told) >= 1


def test_progress_comes_while_a_part_is_heard(speech: SpeechProcess, long_voice: Path) -> None:
    told: list[float] = []
    speech.transcribe(long_voice, IT, told.append)
    assert len(told) > 30 and told == sorted(told)


def test_two_streams_finish_though_the_process_is_killed(
    speech: SpeechProcess, transcriber: VoskTranscriber, long_voice: Path
) -> None:
    expected = transcriber.transcribe(long_voice, IT)
    first = speech.pid
    started = [threading.Event(), threading.Event()]
    with ThreadPoolExecutor(2) as threads:
        running = [
            threads.submit(speech.transcribe, long_voice, IT, lambda share, mark=mark: share > 0.1 and mark.set())
            for mark in started
        ]
        for mark in started:
            assert mark.wait(60)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        transcripts = [each.result(60) for each in running]
    assert transcripts == [expected, expected]
    assert speech.pid not in (first, None)


def test_it_starts_again_after_a_death_between_messages(speech: SpeechProcess, voice: Path) -> None:
    before = speech.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: speech.pid is None)
    assert speech.transcribe(voice, IT).text == SAID_200
    assert speech.pid != before


def test_a_poisoned_part_is_unreadable_and_tried_a_second_time_alone(
    models: Path, shared: Path, tmp_path: Path, spoken: bytes
) -> None:
    folder = shared / "audio" / "synthetic"
    poison = audioop.mul(spoken, 2, 30)
    healthy = wav(tmp_path / "healthy.wav", b"".join(samples(folder / f"it_{n}.wav") for n in range(200, 208)))
    poisoned = wav(tmp_path / "poisoned.wav", samples(folder / "it_203.wav") + poison + samples(folder / "it_204.wav"))
    with (
        SpeechProcess(models, streams=2, part_seconds=6, worker=POISONED) as speech,
        ThreadPoolExecutor(2) as threads,
    ):
        good = threads.submit(speech.transcribe, healthy, IT)
        bad = threads.submit(speech.transcribe, poisoned, IT)
        whole, damaged = good.result(60), bad.result(60)
    expected = VoskTranscriber(Engine(ModelShelf(BUNDLED_MODELS)), part_seconds=6).transcribe(healthy, IT)
    assert whole == expected
    assert damaged.state is TextState.PARTLY_READ
    assert damaged.problem is not None and "could not be read" in damaged.problem
    assert damaged.words

    tries: dict[str, int] = {}
    for line in (models / "heard.log").read_text().splitlines():
        tries[line] = tries.get(line, 0) + 1
    assert max(tries.values()) == 2, "no part is tried a third time"


def test_a_part_that_killed_twice_is_not_tried_again(models: Path, tmp_path: Path, spoken: bytes) -> None:
    file = wav(tmp_path / "poison.wav", audioop.mul(spoken, 2, 30))
    with SpeechProcess(models, worker=POISONED) as speech:
        for _ in range(2):
            transcript = speech.transcribe(file, IT)
            assert transcript.state is TextState.UNREADABLE
            assert transcript.problem is not None and "0:00 to 0:04" in transcript.problem
        assert len((models / "heard.log").read_text().splitlines()) == 2
        part = prepare(file, tmp_path / "sound.pcm").parts()[0]
        with pytest.raises(PartUnreadable):
            speech.hear(part, IT)


def test_no_more_parts_than_streams_are_at_risk_at_once(models: Path, tmp_path: Path, spoken: bytes) -> None:
    """Six messages, one stream: a poison among them costs the others nothing, not even a second try."""
    good = wav(tmp_path / "good.wav", spoken)
    bad = wav(tmp_path / "bad.wav", audioop.mul(spoken, 2, 30))
    with SpeechProcess(models, streams=1, worker=POISONED) as speech, ThreadPoolExecutor(6) as threads:
        files = [good, good, bad, good, good, good]
        transcripts = list(threads.map(lambda file: speech.transcribe(file, IT), files))
    assert [t.state for t in transcripts].count(TextState.READ) == 5
    assert len((models / "heard.log").read_text().splitlines()) == 5 + 2


def test_a_lost_file_of_ours_is_no_verdict_on_the_message(speech: SpeechProcess, voice: Path, tmp_path: Path) -> None:
    part = prepare(voice, tmp_path / "sound.pcm").parts()[0]
    part.pcm.unlink()
    with pytest.raises(SpeechUnavailable, match="FileNotFoundError"):
        speech.hear(part, IT)


def test_a_broken_model_does_not_take_the_process_down(models: Path, voice: Path) -> None:
    (models / "vosk-it").unlink()
    shutil.copytree(BUNDLED_MODELS / "vosk-it", models / "vosk-it")
    conf = models / "vosk-it" / "conf" / "mfcc.conf"
    conf.write_text(conf.read_text()[:20])  # libvosk aborts on this one
    with SpeechProcess(models) as speech:
        pid = speech.pid
        transcript = speech.transcribe(voice, IT)
        assert transcript.state is TextState.NO_MODEL
        assert transcript.problem is not None and "IVR_MODELS_DIR" in transcript.problem
        assert speech.pid == pid
        assert speech.transcribe(voice, Language("en")).state is TextState.READ


def test_a_process_that_cannot_start_is_said_plainly(voice: Path) -> None:
    speech = SpeechProcess(BUNDLED_MODELS, worker=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(SpeechUnavailable, match="exit status 3"):
        speech.transcribe(voice, IT)


def test_a_stopped_process_stays_stopped(voice: Path, long_voice: Path) -> None:
    speech = SpeechProcess(BUNDLED_MODELS)
    speech.start()
    at_work = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(speech.transcribe, long_voice, IT, lambda share: at_work.set())
        assert at_work.wait(60)
        speech.stop()
        with pytest.raises(SpeechUnavailable):
            running.result(60)
    with pytest.raises(SpeechUnavailable):
        speech.transcribe(voice, IT)
    speech.start()
    assert speech.transcribe(voice, IT).text == SAID_200
    speech.stop()


def test_the_process_ends_when_its_client_is_killed() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        arguments = ["-m", "ivr.speech.process", str(BUNDLED_MODELS), "2", str(theirs.fileno())]
        process = subprocess.Popen([sys.executable, *arguments], pass_fds=[theirs.fileno()])
    assert receive(ours) == {"id": 0, "ready": process.pid}
    ours.close()
    assert process.wait(60) == 0


def test_models_are_tried_also_after_the_process_that_tries_them_is_gone(models: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from ivr.speech.probe import Taster\n"
        "taster, model = Taster(), Path(sys.argv[1])\n"
        "assert taster.survives(model)\n"
        "os.kill(taster.pid, signal.SIGKILL)\n"
        "os.waitpid(taster.pid, 0)\n"
        "assert taster.survives(model) and not taster.survives(model / 'none')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(models / "vosk-it")], check=True)
