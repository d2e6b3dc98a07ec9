"""Does libvosk load this model, or does it die of it?

Some broken files make it abort (a cut off mfcc.conf, measured with 0.3.45), so a model is tried in a process of its own
before it is loaded where others work. ``survives`` starts a Python for it, anywhere; ``Taster`` is quicker, for a
process that can still fork because it has no threads yet.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

PATIENCE = 300  # seconds; the big published models need many


def survives(folder: Path) -> bool:
    """Whether a process that loads this model and hears a second of silence with it ends well."""
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(folder)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


class Taster:
    """A forked child that stays without threads and forks a child of its own for each model to try.

    Make it before the first thread: a fork copies locks that other threads hold. ``not_theirs`` are descriptors that
    it must not keep open. It ends when the process that made it does.
    """

    def __init__(self, not_theirs: tuple[int, ...] = ()) -> None:
        self._asking, answering = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            self._asking.close()
            for descriptor in not_theirs:
                os.close(descriptor)
            _taste_for(answering)
        answering.close()

    def survives(self, folder: Path) -> bool:
        """As the function does, which is asked instead when the child is gone; one question at a time."""
        try:
            self._asking.send(os.fsencode(folder))
            answer = self._asking.recv(1)
        except OSError:
            answer = b""
        return answer == b"1" if answer else survives(folder)


def _taste_for(asking: socket.socket) -> None:
    """Never returns: this is the life of the forked child."""
    try:
        while folder := asking.recv(1 << 16):
            asking.send(b"1" if _child_survives(os.fsdecode(folder)) else b"0")
    finally:
        os._exit(0)


def _child_survives(folder: str) -> bool:
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(PATIENCE)  # its default action ends the process
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            main(folder)
            os._exit(0)
        finally:
            os._exit(1)
    _, ended = os.waitpid(child, 0)
    return ended == 0


def main(folder: str) -> None:
    from vosk import KaldiRecognizer, Model, SetLogLevel

    SetLogLevel(-1)
    recogniser = KaldiRecognizer(Model(folder), 16_000)  # a truncated HCLr.fst loads, and fails only here
    recogniser.AcceptWaveform(bytes(32_000))
    recogniser.FinalResult()


if __name__ == "__main__":
    main(sys.argv[1])
