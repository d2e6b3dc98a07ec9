"""The document for the hour when nothing of ours works: it needs no database, no flow, not even us.

The same text is answered at ``/voice/fallback`` and lies at the carrier's fallback address, on a server that is not
ours. It promises nothing, since nobody may ever know of the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from ivr.core.flow.turn import Utter
from ivr.core.words import Language, PhoneNumber
from ivr.twilio.twiml import HEAD, TAIL, escaped, quoted, say

_IT, _EN = Language("it"), Language("en")

TROUBLE = (
    Utter("Ci scusiamo: al momento abbiamo un problema tecnico.", _IT),
    Utter("We are sorry: we have a technical problem at the moment.", _EN),
)
CONNECTING = (
    Utter("La mettiamo in linea con una persona.", _IT),
    Utter("We are putting you through to a person.", _EN),
)
LEAVE_A_MESSAGE = (
    Utter("Lasci un messaggio dopo il segnale. Se nessuno la richiama, ci chiami di nuovo.", _IT),
    Utter("Please leave a message after the tone. If nobody calls back, please ring again.", _EN),
)
NOTHING_HEARD = (
    Utter("Non abbiamo sentito nulla. La preghiamo di chiamarci di nuovo più tardi.", _IT),
    Utter("We heard nothing. Please ring again later.", _EN),
)
THANKS = (
    Utter("Grazie. Se nessuno la richiama, ci chiami di nuovo. Arrivederci.", _IT),
    Utter("Thank you. If nobody calls back, please ring again. Goodbye.", _EN),
)


def document(
    reaches: PhoneNumber | None, thanks: str = "/voice/fallback/thanks", recording_callback: str | None = None
) -> str:
    """Words, then a person where the line has a number that reaches one, then a voicemail.

    ``thanks``: the address of ``thanks_document()``, asked by GET so that a server of plain files can answer; without
    an action of its own a Record asks for the present document again ("TwiML Voice: <Record>"), and the caller would
    go round in circles. After a talk the Dial goes on to the voicemail too: only an action, so a program, could tell.
    """
    person = ""
    if reaches:
        person = f'{_say(CONNECTING)}<Dial timeout="25"><Number>{escaped(reaches)}</Number></Dial>'
    callback = ""
    if recording_callback:
        callback = (
            f' recordingStatusCallback="{quoted(recording_callback)}" recordingStatusCallbackMethod="POST"'
            ' recordingStatusCallbackEvent="completed absent"'
        )
    return (
        f"{HEAD}{_say(TROUBLE)}{person}{_say(LEAVE_A_MESSAGE)}"
        f'<Record action="{quoted(thanks)}" method="GET" finishOnKey="#" timeout="5" maxLength="120" '
        f'trim="do-not-trim" playBeep="true"{callback}/>'
        f"{_say(NOTHING_HEARD)}<Hangup/>{TAIL}"
    )


def thanks_document() -> str:
    """What is said after the fallback's voicemail."""
    return f"{HEAD}{_say(THANKS)}<Hangup/>{TAIL}"


def people(flows_dir: Path) -> Mapping[str, PhoneNumber]:
    """Dialled number -> the number that always reaches a person (``lines: … reaches``), out of the company file.

    Reads what can be read and never raises: this is for the day when the file is broken too.
    """
    try:
        company = yaml.load((flows_dir / "company.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    lines = company.get("lines") if isinstance(company, dict) else None
    found: dict[str, PhoneNumber] = {}
    for line in lines.values() if isinstance(lines, dict) else ():
        if isinstance(line, dict):
            number, reaches = _number(line.get("number")), _number(line.get("reaches"))
            if number and reaches:
                found[number] = reaches
    return found


def _number(written: object) -> PhoneNumber | None:
    try:
        return PhoneNumber("".join(str(written).split()))
    except ValueError:
        return None


def _say(utters: tuple[Utter, ...]) -> str:
    return "".join(say(utter) for utter in utters)
