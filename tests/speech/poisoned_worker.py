"""A speech process that dies of sound at full scale, as libvosk would of a bug; run by test_process.py."""

from __future__ import annotations

import audioop
import os
import sys
import time
from collections.abc import Callable

from ivr.core.voicemail import HeardWord
from ivr.core.words import Language
from ivr.speech.audio import Part
from ivr.speech.engine import Engine
from ivr.speech.models import ModelShelf
from ivr.speech.process import main


class PoisonedEar(Engine):
    def hear(
        self, part: Part, language: Language, progress: Callable[[float], None] | None = None
    ) -> tuple[HeardWord, ...]:
        with (self._shelf.folder / "heard.log").open("a") as log:
            log.write(f"{part.pcm.parent.name} {part.first}\n")
        if max(audioop.max(piece, 2) for piece in part.pieces()) >= 32000:
            time.sleep(0.2)  # so that others are at work beside it
            os.abort()
        time.sleep(0.4)
        return super().hear(part, language, progress)


if __name__ == "__main__":
    main(sys.argv[1:], lambda models, link: PoisonedEar(ModelShelf(models)))
