"""A line in one process for tests of the doors: the shipped flow, signed requests, a clock that is set."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from ivr import config, wiring
from ivr.flowfiles.shelf import publish_folder
from ivr.store.schema import upgrade
from ivr.world.ids import Chance

ROOT = Path(__file__).resolve().parent.parent
FLOWS = ROOT / "call_flows"
TOKEN = "test-token"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALLED = "+39800123456"
CALLER = "+390612345678"
WORKING_MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)


@dataclass
class SetClock:
    """A clock that stands where it is put."""

    at: datetime = WORKING_MORNING

    def now(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Hints:
    """The hints given to the worker, in order."""

    given: list[tuple[str, str]] = field(default_factory=list)

    def fetch_voicemail(self, voicemail: str) -> None:
        self.given.append(("fetch_voicemail", voicemail))

    def read_voicemail(self, voicemail: str) -> None:
        self.given.append(("read_voicemail", voicemail))

    def fetch(self, key: str) -> None:
        self.given.append(("fetch", key))

    def send_text(self, text: str) -> None:
        self.given.append(("send_text", text))

    def line_up(self, ticket: str) -> None:
        self.given.append(("line_up", ticket))

    def match(self) -> None:
        self.given.append(("match", ""))

    def at_work(self, agent: str) -> None:
        self.given.append(("at_work", agent))

    def record(self, recording: str) -> None:
        self.given.append(("record", recording))

    def fetch_recording(self, recording: str) -> None:
        self.given.append(("fetch_recording", recording))

    def steer(self, ticket: str) -> None:
        self.given.append(("steer", ticket))


@dataclass
class TestLine:
    """The app with its doors, as the carrier sees it."""

    __test__ = False

    office: wiring.Office
    client: FlaskClient
    clock: SetClock
    hints: Hints
    answers: list[str] = field(default_factory=list)

    def post(
        self,
        path: str,
        form: Mapping[str, str],
        *,
        sign: bool = True,
        headers: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> TestResponse:
        """A webhook of the carrier's; ``url``: the full address, when it was taken out of an answer."""
        full = url or f"{self.office.settings.public_url}{path}"
        signature = RequestValidator(TOKEN).compute_signature(full, dict(form)) if sign else "nonsense"
        sent = {"X-Twilio-Signature": signature, **(headers or {})}
        answer = self.client.post(full.removeprefix(self.office.settings.public_url), data=dict(form), headers=sent)
        if answer.mimetype == "text/xml":
            self.answers.append(answer.text)
        return answer

    def ring(self, sid: str = "CA" + "1" * 32, caller: str = CALLER, called: str = CALLED) -> Element:
        return fromstring(self.post("/voice/incoming", self.form(sid, caller, called, CallStatus="ringing")).text)

    def answer(self, question: Element, sid: str = "CA" + "1" * 32, **fields: str) -> Element:
        """Answer the question (Gather or Record) of a document."""
        verb = next(v for v in question.iter() if v.tag in ("Gather", "Record", "Dial", "Enqueue") and v.get("action"))
        return fromstring(self.post("", self.form(sid, **fields), url=verb.attrib["action"]).text)

    def form(self, sid: str, caller: str = CALLER, called: str = CALLED, **fields: str) -> dict[str, str]:
        return {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "CallSid": sid,
            "CallStatus": "in-progress",
            "Direction": "inbound",
            "From": caller,
            "To": called,
            **fields,
        }


def open_line(folder: Path, database: str | None = None, at: datetime = WORKING_MORNING) -> TestLine:
    """A fresh line; ``database`` None: SQLite in a file of the folder."""
    url = database or f"sqlite:///{folder / 'line.db'}"
    if database is None:
        (folder / "line.db").write_bytes(_migrated())
    else:
        upgrade(url)
    settings = config.load(
        {
            "IVR_PUBLIC_URL": "https://line.example",
            "IVR_DATABASE_URL": url,
            "IVR_FLOWS_DIR": str(FLOWS),
            "IVR_RECORDINGS_DIR": str(folder / "recordings"),
            "IVR_VAR_DIR": str(folder),
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
        },
        dotenv=None,
    )
    clock, hints = SetClock(at), Hints()
    office = wiring.open_office(settings, hints, clock=clock, ids=Chance(clock, seed=1))
    publish_folder(FLOWS, office.records, "test", "fixture", at)
    return TestLine(office, wiring.web_app(office).test_client(), clock, hints)


@cache
def _migrated() -> bytes:
    """A database file that has gone through all migrations, which takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


def said(document: Element) -> str:
    """All that a document says, in one text."""
    return " ".join("".join(verb.itertext()) for verb in document.iter("Say"))
