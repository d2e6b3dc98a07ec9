"""The caller hears words even when nothing of ours works."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.core.words import PhoneNumber
from ivr.twilio.fallback import document, people, thanks_document

Check = Callable[[str], list[tuple[int, str, str]]]
PERSON = PhoneNumber("+390612345678")


@pytest.mark.parametrize("reaches", [PERSON, None])
@pytest.mark.parametrize("callback", ["https://ivr.example/voice/recordings", None])
def test_it_is_legal(reaches: PhoneNumber | None, callback: str | None, twiml_check: Check) -> None:
    written = document(reaches, "thanks.xml", callback)
    # What follows the Record is for an empty recording, see the note at the fixture.
    assert [p for p in twiml_check(written) if "<Record>" not in p[2]] == []
    assert twiml_check(thanks_document()) == []


def test_a_person_is_rung_first_and_then_a_message_is_taken() -> None:
    verbs = [verb.tag for verb in ET.fromstring(document(PERSON, "thanks.xml"))]
    assert verbs == ["Say", "Say", "Say", "Say", "Dial", "Say", "Say", "Record", "Say", "Say", "Hangup"]


def test_where_no_number_reaches_a_person_a_message_is_taken() -> None:
    verbs = [verb.tag for verb in ET.fromstring(document(None, "thanks.xml"))]
    assert verbs == ["Say", "Say", "Say", "Say", "Record", "Say", "Say", "Hangup"]


def test_it_speaks_both_languages_and_promises_nothing() -> None:
    said = document(PERSON, "thanks.xml") + thanks_document()
    assert 'language="it-IT"' in said
    assert 'language="en-GB"' in said
    assert "Se nessuno la richiama, ci chiami di nuovo" in said
    assert "If nobody calls back, please ring again" in said
    assert "we will call" not in said.lower()
    assert "la richiameremo" not in said.lower()


def test_the_caller_does_not_go_round_in_circles() -> None:
    """Without an action, Record asks for the present document again ("TwiML Voice: <Record>")."""
    record = ET.fromstring(document(PERSON, "thanks.xml")).find("Record")
    assert record is not None
    assert (record.get("action"), record.get("method")) == ("thanks.xml", "GET")


def test_it_needs_no_database_no_redis_and_no_flow() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, ivr.twilio.fallback; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"sqlalchemy", "redis", "flask", "requests"} & set(loaded)
    assert not [name for name in loaded if name.startswith(("ivr.store", "ivr.live", "ivr.flowfiles"))]


def test_the_number_that_reaches_a_person_is_read_from_the_company_file(tmp_path: Path) -> None:
    (tmp_path / "company.yaml").write_text(
        "lines:\n  a: {number: +39800123456, reaches: +39 02 12345600}\n  b: {number: +39800123457}\n  c: x\n",
        encoding="utf-8",
    )
    assert people(tmp_path) == {"+39800123456": "+390212345600"}


def test_without_a_company_file_nobody_is_rung(tmp_path: Path) -> None:
    assert people(tmp_path) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    st.binary(max_size=60)
    | st.sampled_from([b"&a [*a]", b"lines: [1]", b"lines: &l {x: *l}", b"? {a: b}\n: c", b"[" * 1500])
)
def test_a_broken_company_file_rings_nobody_and_breaks_nothing(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "company.yaml").write_bytes(garbage)
    assert people(tmp_path) == {}
