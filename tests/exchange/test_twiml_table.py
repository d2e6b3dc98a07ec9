"""The table of what is executed, beside Twilio's own (shared/twilio/twiml_voice.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivr.exchange.twiml import RULES, TwimlRefused, parse
from tests.exchange.engine_bench import xml

# Documented, missing from the helper library's builders (see shared/tools/twiml_check.py).
BEYOND_THE_LIBRARY = {("Dial", "callReason")}
# Twilio's, refused here: what this network cannot do.
NOT_DONE = {
    "Conference": {"eventCallbackUrl", "recordingConfigurationId"},
    "Dial": {"events", "passports", "recordingConfigurationId", "referMethod", "referUrl"},
    "Enqueue": {"workflowSid"},
    "Gather": {"partialResultCallback", "partialResultCallbackMethod"},
    "Number": {
        "amdStatusCallback", "amdStatusCallbackMethod", "byoc", "machineDetection", "machineDetectionSilenceTimeout",
        "machineDetectionSpeechEndThreshold", "machineDetectionSpeechThreshold", "machineDetectionTimeout",
    },
    "Queue": {"postWorkActivitySid", "reservationSid"},
    "Record": {"recordingConfigurationId", "transcribeCallback"},
}  # fmt: skip


def test_the_table_is_twilios_less_what_is_refused_knowingly(shared: Path) -> None:
    elements = json.loads((shared / "twilio" / "twiml_voice.json").read_text("utf-8"))["elements"]
    by_tag = {element["tag"]: element for element in elements.values() if element["tag"] in RULES}
    for tag, rule in RULES.items():
        theirs, ours = set(by_tag[tag]["attributes"]), set(rule.attributes)
        assert {(tag, one) for one in ours - theirs} <= BEYOND_THE_LIBRARY
        assert theirs - ours == NOT_DONE.get(tag, set())
        assert rule.children <= set(by_tag[tag]["children"])
        assert rule.text == by_tag[tag]["text"]


@pytest.mark.parametrize(
    "inside",
    [
        "<Say>" + "x" * 4097 + "</Say>",
        "<Dial/>",
        "<Dial>+39061<Number>+39062</Number></Dial>",
        "<Dial><Conference>a</Conference><Number>+39061</Number></Dial>",
        "<Dial>" + "<Number>+39061</Number>" * 11 + "</Dial>",
        "<Enqueue/>",
        "<Enqueue>" + "x" * 65 + "</Enqueue>",
        "<Play/>",
        "<Redirect>a b</Redirect>",
        "<Record finishOnKey=''/>",
        "<Gather finishOnKey='12'/>",
        "text",
    ],
)
def test_what_breaks_a_documented_limit_is_refused(inside: str) -> None:
    """Each verb's page; https://www.twilio.com/docs/api/errors"""
    with pytest.raises(TwimlRefused):
        parse(xml(inside).encode())


def test_comments_and_white_space_are_no_text() -> None:
    assert [verb.tag for verb in parse(xml(" <!-- a --> <Pause/>\n<Hangup/> ").encode())] == ["Pause", "Hangup"]
