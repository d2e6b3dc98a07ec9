"""`speech`: our whole path (prepare, presence, speech process) beside the `vosk-transcriber` command, same models.

Word error rates by jiwer on the held-out telephone recordings, per language, and on real people's voices, which the
demonstration models do not know. Speed as commands from a cold start, pinned to one core, alternating; two streams
beside one stream of ours. Audio is in the folder that IVR_TEST_SHARED names, by default `shared` beside the repository.
"""

from __future__ import annotations

import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import jiwer

from bench import Emit, Entry
from ivr.config import BUNDLED_MODELS
from ivr.core.words import Language
from ivr.speech.process import SpeechProcess

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("IVR_TEST_SHARED", REPOSITORY.parent / "shared"))
PEER = "vosk-transcriber command"
OURS = "import typer; from ivr.cli.transcribe import transcribe; typer.run(transcribe)"
ROUNDS = 5
MINUTES = 4  # of speech in the file whose speed is measured


@dataclass(frozen=True)
class Clip:
    """A recording and what is said in it."""

    file: Path
    language: Language
    said: str


@dataclass(frozen=True)
class Spent:
    """Seconds."""

    cpu: float
    wall: float


def run(emit: Emit) -> None:
    """Raises FileNotFoundError without the audio or without ffmpeg, which the peer needs."""
    peer = shutil.which("vosk-transcriber", path=os.pathsep.join([str(Path(sys.executable).parent), os.defpath]))
    if peer is None or shutil.which("ffmpeg") is None:
        raise FileNotFoundError("the peer needs vosk-transcriber (from the vosk wheel) and ffmpeg")
    synthetic, real = _clips(SHARED / "audio" / "synthetic"), _clips(SHARED / "audio")
    with tempfile.TemporaryDirectory() as room:
        for name, clips in (("synthetic", synthetic), ("real_voices", real)):
            _errors(emit, name, clips, peer, Path(room))
        for name, clips in (("synthetic", synthetic), ("real_voices", real)):
            _language_told(emit, name, clips)
        long = _long(Path(room) / "long.wav", [clip for clip in synthetic if clip.language == "it"])
        _one_stream(emit, long, peer)
        _two_streams(emit, long, peer, Path(room) / "two")
        _memory(emit, long)


def _errors(emit: Emit, name: str, clips: Sequence[Clip], peer: str, room: Path) -> None:
    note = "" if name == "synthetic" else "not the models' domain: they do not know real people's voices"
    for language in ("it", "en"):
        chosen = [clip for clip in clips if clip.language == language]
        said = [clip.said for clip in chosen]
        ours = jiwer.wer(said, _read_by_us(chosen))
        theirs = jiwer.wer(said, _read_by_peer(chosen, peer, room / f"{name}-{language}"))
        words = sum(len(text.split()) for text in said)
        told = f"{len(chosen)} clips, {words} words; the ratio is of words right. {note}".strip()
        ratio = (1 - ours) / (1 - theirs) if ours < 1 > theirs else float(ours <= theirs)
        entry = f"speech.word_error_rate.{name}.{language}"
        aim = 1.0 if name == "synthetic" else None
        emit(Entry(entry, round(ours, 4), "share", PEER, round(theirs, 4), round(ratio, 3), aim=aim, note=told))


def _language_told(emit: Emit, name: str, clips: Sequence[Clip]) -> None:
    with _speech(2) as speech, ThreadPoolExecutor(2) as threads:
        told = threads.map(lambda clip: speech.transcribe(clip.file, None).language == clip.language, clips)
        right = sum(told) / len(clips)
    always = max(sum(clip.language == language for clip in clips) for language in ("it", "en")) / len(clips)
    figures = round(right, 3), "share right", "always the more frequent", round(always, 3), round(right / always, 3)
    emit(Entry(f"speech.language.{name}", *figures, note=f"{len(clips)} clips, by the surer of both models"))


def _one_stream(emit: Emit, long: Path, peer: str) -> None:
    ours = [sys.executable, "-W", "ignore", "-c", OURS, str(long), "--language", "it"]
    theirs = _peer_command(peer, "it", long)
    spent: dict[str, list[Spent]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        spent["ours"].append(_spent(ours, {0}))
        spent["theirs"].append(_spent(theirs, {0}))
    length, told = _seconds(long), f"{ROUNDS} rounds, alternating, one core, from a cold start"
    for kind, of in (("cpu", lambda each: each.cpu), ("wall", lambda each: each.wall)):
        our, their = (length / median(map(of, spent[who])) for who in ("ours", "theirs"))
        unit = f"s of audio / s {kind}"
        emit(
            Entry(
                f"speech.one_stream.{kind}",
                round(our, 1),
                unit,
                PEER,
                round(their, 1),
                round(our / their, 3),
                1.0,
                told,
            )
        )


def _two_streams(emit: Emit, long: Path, peer: str, folder: Path) -> None:
    """Two files of one length, at once and one after the other, in one warm process."""
    folder.mkdir()
    twins = [shutil.copy(long, folder / f"{n}.wav") for n in (1, 2)]
    walls: dict[int, list[float]] = {1: [], 2: []}
    with _speech(2) as speech, ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:

        def read(streams: ThreadPoolExecutor) -> None:
            list(streams.map(lambda file: speech.transcribe(file, Language("it")), twins))

        read(two)  # loads the model
        for _ in range(ROUNDS):
            for streams, threads in ((1, one), (2, two)):
                walls[streams].append(_wall(lambda threads=threads: read(threads)))
    length = 2 * _seconds(long)
    single, double = (length / min(walls[streams]) for streams in (1, 2))
    told = f"two files, best of {ROUNDS} rounds, alternating; wall time, so other work on the machine weighs"
    unit = "s of audio / s wall"
    figures = round(double, 1), unit, "ours, one stream", round(single, 1), round(double / single, 3)
    emit(Entry("speech.two_streams", *figures, aim=1.8, note=told))
    peers = [_spent(_peer_command(peer, "it", folder, folder.with_name("two-read")), None).wall for _ in range(2)]
    theirs = length / min(peers)
    figures = round(double, 1), unit, f"{PEER}, two files", round(theirs, 1), round(double / theirs, 3)
    emit(Entry("speech.two_streams.peer", *figures, note="the peer with as many threads as cores, from a cold start"))


def _memory(emit: Emit, long: Path) -> None:
    """The peak of the speech process with four streams, beside four processes with one each."""
    peaks = {streams: _peak(long, streams) for streams in (1, 4)}
    peer, each = 4 * peaks[1], (peaks[4] - peaks[1]) / 3
    size = sum(file.stat().st_size for file in (BUNDLED_MODELS / "vosk-it").rglob("*") if file.is_file()) / 1e6
    told = f"one model ({size:.1f} MB on disk) loaded once; a further stream costs {each:.0f} MB of its own"
    figures = round(peaks[4], 1), "MB", "four processes of one stream", round(peer, 1), round(peer / peaks[4], 3)
    emit(Entry("speech.memory.four_streams", *figures, note=told))


def _peak(long: Path, streams: int) -> float:
    with _speech(streams) as speech, ThreadPoolExecutor(streams) as threads:
        list(threads.map(lambda _: speech.transcribe(long, Language("it")), range(streams)))
        lines = Path(f"/proc/{speech.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _clips(folder: Path) -> list[Clip]:
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [Clip(folder / row["file"], Language(row["language"]), row["reference"]) for row in rows]


def _read_by_us(clips: Sequence[Clip]) -> list[str]:
    with _speech(2) as speech, ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda clip: speech.transcribe(clip.file, clip.language).text, clips))


def _read_by_peer(clips: Sequence[Clip], peer: str, room: Path) -> list[str]:
    """The command reads a folder and writes a text a file, a line an utterance."""
    into, out = room / "in", room / "out"
    into.mkdir(parents=True)
    for clip in clips:
        (into / clip.file.name).symlink_to(clip.file)
    _spent(_peer_command(peer, clips[0].language, into, out), None)
    return [" ".join((out / f"{clip.file.stem}.txt").read_text(encoding="utf-8").split()) for clip in clips]


def _peer_command(peer: str, language: str, source: Path, out: Path | None = None) -> list[str]:
    into = ["-o", str(out)] if out else []
    if out:
        out.mkdir(exist_ok=True)
    return [peer, "-m", str(BUNDLED_MODELS / f"vosk-{language}"), "-i", str(source), "--log-level", "WARNING", *into]


def _long(file: Path, clips: Sequence[Clip]) -> Path:
    """Voicemails one after the other, until they last long enough."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        while out.getnframes() < MINUTES * 60 * 8000:
            for clip in clips:
                with wave.open(str(clip.file)) as one:
                    out.writeframes(one.readframes(one.getnframes()))
    return file


def _seconds(file: Path) -> float:
    with wave.open(str(file)) as opened:
        return opened.getnframes() / opened.getframerate()


def _spent(command: Sequence[str], cores: set[int] | None) -> Spent:
    """Run a command, on some cores only; CPU time counts the processes it started and waited for."""
    environ = {**os.environ, "IVR_MODELS_DIR": str(BUNDLED_MODELS)}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with _pinned(cores):
        subprocess.run(
            command, check=True, env=environ, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return Spent(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended - begun)


@contextmanager
def _pinned(cores: set[int] | None) -> Iterator[None]:
    """What is started inside inherits these cores."""
    allowed = os.sched_getaffinity(0)
    if cores is not None:
        os.sched_setaffinity(0, set(sorted(allowed)[: len(cores)]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _wall(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _speech(streams: int) -> SpeechProcess:
    return SpeechProcess(BUNDLED_MODELS, streams=streams)
