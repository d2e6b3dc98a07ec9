"""``python -m ivr.speech.probe FOLDER``: does libvosk load this model, or does it die of it?

Some broken files make it abort (a cut off mfcc.conf, measured with 0.3.45), so a model is tried in a process of its own
before it is loaded where others work.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PATIENCE = 300.0  # seconds; the big published models need many


def survives(folder: Path) -> bool:
    """Whether a process that loads this model and hears a second of silence with it ends well."""
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(folder)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0


def main(folder: str) -> None:
    from vosk import KaldiRecognizer, Model, SetLogLevel

    SetLogLevel(-1)
    recogniser = KaldiRecognizer(Model(folder), 16_000)  # a truncated HCLr.fst loads, and fails only here
    recogniser.AcceptWaveform(bytes(32_000))
    recogniser.FinalResult()


if __name__ == "__main__":
    main(sys.argv[1])
