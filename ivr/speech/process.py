"""The speech process: one for all, so that a crash inside libvosk costs a part of a message and no web request.

The client (``SpeechProcess``) and the process speak over a socket pair: frames of four bytes of length, big-endian, and
JSON. A part travels as file, first sample and number of samples; its sound stays on disk.

    -> {"id": 1, "pcm": "/tmp/…/sound.pcm", "first": 0, "samples": 64000, "language": "it"}
    <- {"id": 0, "ready": 4711}                              once, when it can listen
    <- {"id": 1, "share": 0.5}
    <- {"id": 1, "words": [["pronto", 0.33, 0.72, 1.0]]}     or "no_model", "unreadable", "failed": why
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from ivr.core.errors import IvrError
from ivr.core.voicemail import HeardWord, Transcript
from ivr.core.words import Language
from ivr.speech.audio import PART_SECONDS, Part, PartUnreadable
from ivr.speech.models import ModelShelf, NoModel, ShelvedModel
from ivr.speech.transcriber import Ear, VoskTranscriber

Message = dict[str, Any]

WORKER = (sys.executable, "-m", "ivr.speech.process")
START_SECONDS = 60.0
STEP = 0.01  # the share of a part after which progress is told


class SpeechUnavailable(IvrError):
    """Speech to text is not available right now."""


class _Died(Exception):
    """The speech process died while it held our part."""


class SpeechProcess:
    """The port ``Transcriber`` over one process with ``streams`` threads, started when needed and after each death.

    When it dies, each part it held is tried once more, alone; a part that kills it again is unreadable, and is not
    tried a third time. ``worker`` is the command that is started, with models folder, number of streams and socket
    appended.
    """

    def __init__(
        self,
        models: Path,
        streams: int = 2,
        part_seconds: float = PART_SECONDS,
        worker: Sequence[str] = WORKER,
    ) -> None:
        self._shelf = ModelShelf(models)
        self._command = [*worker, str(models), str(streams)]
        self._transcriber = VoskTranscriber(self, part_seconds)
        self._door = _Door(streams)
        self._starting = threading.Lock()
        self._worker: _Worker | None = None
        self._stopped = False
        self._killers: set[str] = set()

    def __enter__(self) -> SpeechProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises SpeechUnavailable."""
        self._stopped = False
        self._running()

    def stop(self) -> None:
        """End the process; whoever is being transcribed gets SpeechUnavailable."""
        with self._starting:
            self._stopped = True
            if self._worker is not None:
                self._worker.stop()
                self._worker = None

    @property
    def pid(self) -> int | None:
        worker = self._worker
        return worker.pid if worker is not None and worker.alive else None

    def transcribe(
        self, path: Path, language: Language | None, progress: Callable[[float], None] | None = None
    ) -> Transcript:
        """As the port says; raises SpeechUnavailable and OSError for what is not the file's fault."""
        return self._transcriber.transcribe(path, language, progress)

    def models(self) -> Sequence[ShelvedModel]:
        return [self._shelf.look(language) for language in self._shelf.languages()]

    def hear(
        self, part: Part, language: Language, progress: Callable[[float], None] | None = None
    ) -> tuple[HeardWord, ...]:
        """Raises NoModel, PartUnreadable, SpeechUnavailable."""
        if self._killers and _fingerprint(part, language) in self._killers:
            raise PartUnreadable
        try:
            with self._door.beside_others():
                return self._ask(part, language, progress)
        except _Died:
            with self._door.alone():
                return self._ask_again(part, language, progress)

    def _ask_again(
        self, part: Part, language: Language, progress: Callable[[float], None] | None
    ) -> tuple[HeardWord, ...]:
        try:
            return self._ask(part, language, progress)
        except _Died as why:
            self._killers.add(_fingerprint(part, language))
            raise PartUnreadable("the recogniser died of this part twice") from why

    def _ask(self, part: Part, language: Language, progress: Callable[[float], None] | None) -> tuple[HeardWord, ...]:
        asked = {"pcm": str(part.pcm), "first": part.first, "samples": part.samples, "language": language}
        for answer in self._running().ask(asked):
            match answer:
                case {"share": share}:
                    if progress is not None:
                        progress(share)
                case {"words": words}:
                    return tuple(HeardWord(*word) for word in words)
                case {"no_model": why}:
                    raise NoModel(why)
                case {"unreadable": why}:
                    raise PartUnreadable(why)
                case {"failed": why}:
                    raise SpeechUnavailable(why)
        raise _Died

    def _running(self) -> _Worker:
        with self._starting:
            if self._stopped:
                raise SpeechUnavailable("speech is shut down")
            if self._worker is None or not self._worker.alive:
                if self._worker is not None:
                    self._worker.stop()
                self._worker = _Worker(self._command)
            return self._worker


class _Door:
    """Lets up to ``places`` parts in beside one another, or one alone; who wants to be alone goes first."""

    def __init__(self, places: int) -> None:
        self._changed = threading.Condition()
        self._free = self._places = places
        self._want_alone = 0

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._free and not self._want_alone)
            self._free -= 1
        try:
            yield
        finally:
            self._leave(1)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._want_alone += 1
            self._changed.wait_for(lambda: self._free == self._places)
            self._free = 0
            self._want_alone -= 1
        try:
            yield
        finally:
            self._leave(self._places)

    def _leave(self, places: int) -> None:
        with self._changed:
            self._free += places
            self._changed.notify_all()


class _Worker:
    """One life of the speech process, seen from outside."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            arguments = [*command, str(descriptor)]
            self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, pass_fds=[descriptor])
        self._link = ours
        self._writing = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[Message | None]] = {0: queue.SimpleQueue()}
        self._last = 0
        self.alive = True
        self._reader = threading.Thread(target=self._read, name="speech-answers", daemon=True)
        self._reader.start()
        self._await_ready()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, message: Message) -> Iterator[Message]:
        """The answers to a message; they end early when the process dies."""
        box: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        with self._writing:
            self._last += 1
            number = self._last
            self._answers[number] = box
            if not self.alive:
                box.put(None)
            else:
                try:
                    send(self._link, {"id": number, **message})
                except OSError:  # it died just now; the reader sees it too
                    box.put(None)
        try:
            while (answer := box.get()) is not None:
                yield answer
        finally:
            self._answers.pop(number, None)

    def stop(self) -> None:
        """End it; whoever waits for an answer is told that it died."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._link.close()

    def _read(self) -> None:
        try:
            while (answer := receive(self._link)) is not None:
                if box := self._answers.get(answer["id"]):
                    box.put(answer)
        except OSError:  # a death in the middle of an answer
            pass
        with self._writing:
            self.alive = False
            waiting = list(self._answers.values())
        for box in waiting:
            box.put(None)

    def _await_ready(self) -> None:
        try:
            ready = self._answers[0].get(timeout=START_SECONDS)
        except queue.Empty:
            ready = None
        del self._answers[0]
        if ready is None:
            self.stop()
            raise SpeechUnavailable(f"the speech process did not start (exit status {self._process.returncode})")


def send(link: socket.socket, message: Mapping[str, Any]) -> None:
    """One frame."""
    body = json.dumps(message).encode()
    link.sendall(struct.pack(">I", len(body)) + body)


def receive(link: socket.socket) -> Message | None:
    """The next frame, or None at the end. Raises OSError when the other side broke off inside one."""
    head = _exactly(link, 4)
    if not head:
        return None
    body = _exactly(link, struct.unpack(">I", head)[0])
    if not body:
        raise ConnectionResetError("the other side is gone")
    message: Message = json.loads(body)
    return message


def _exactly(link: socket.socket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count:
        piece = link.recv(count - len(got))
        if not piece and got:
            raise ConnectionResetError("the other side is gone")
        if not piece:
            return b""
        got += piece
    return bytes(got)


def _fingerprint(part: Part, language: Language) -> str:
    digest = hashlib.sha256(language.encode())
    for piece in part.pieces(seconds=60):
        digest.update(piece)
    return digest.hexdigest()


# --- Inside the process -----------------------------------------------------------------------------------------------


def serve(link: socket.socket, ear: Ear, streams: int) -> None:
    """Answer until the other side is gone; each part is heard from start to end in one thread."""
    writing = threading.Lock()

    def answer(message: Message) -> None:
        with writing:
            send(link, message)

    answer({"id": 0, "ready": os.getpid()})
    with ThreadPoolExecutor(streams, thread_name_prefix="speech") as threads:
        while (asked := receive(link)) is not None:
            threads.submit(_hear, ear, asked, answer)
        # Nobody is left to hear the answers; libvosk cannot be interrupted in the middle of a piece.
        os._exit(0)


def _hear(ear: Ear, asked: Message, answer: Callable[[Message], None]) -> None:
    number = asked["id"]
    told = 0.0

    def progress(share: float) -> None:
        nonlocal told
        if share - told >= STEP:
            told = share
            answer({"id": number, "share": share})

    try:
        part = Part(Path(asked["pcm"]), asked["first"], asked["samples"])
        words = ear.hear(part, Language(asked["language"]), progress)
        answer({"id": number, "words": [[word.text, word.start, word.end, word.confidence] for word in words]})
    except NoModel as why:
        answer({"id": number, "no_model": str(why)})
    except PartUnreadable as why:
        answer({"id": number, "unreadable": str(why)})
    except Exception as why:  # noqa: BLE001 - the rim of this process: whoever asked decides
        answer({"id": number, "failed": f"{type(why).__name__}: {why}"})


def main(arguments: Sequence[str], ear: Callable[[Path, int], Ear]) -> None:
    """Serve with the ear that is built from models folder and link; arguments: folder, streams, descriptor."""
    models, streams, descriptor = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole terminal; our client decides
    with socket.socket(fileno=int(descriptor)) as link:
        try:
            serve(link, ear(Path(models), link.fileno()), int(streams))
        except OSError:  # the client is gone, in the middle of a question
            os._exit(1)


if __name__ == "__main__":
    from ivr.speech.engine import Engine
    from ivr.speech.probe import Taster

    # The taster must not hold the link: our end would look alive to the client after we died.
    main(sys.argv[1:], lambda models, link: Engine(ModelShelf(models), Taster((link,)).survives))
