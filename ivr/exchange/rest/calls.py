"""Calls: make, find, redirect, end (Twilio docs: Call resource)."""

from __future__ import annotations

import re
from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import CallResource
from ivr.exchange.rest.asked import (
    Answer,
    Asked,
    choice,
    events,
    flag,
    method,
    needed,
    number,
    read,
    refused_value,
    text,
    url,
)
from ivr.exchange.rest.shown import API_VERSION, account_uri, date, dated, formatted, keep, page, paging, seconds

LONGEST_TWIML = 4000
STATUSES = ("queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
RECORDING_EVENTS = ("in-progress", "completed", "absent")

_CREATE = [
    text("To"),
    text("From"),
    url("Url"),
    method("Method"),
    text("Twiml", LONGEST_TWIML),
    url("FallbackUrl"),
    method("FallbackMethod"),
    url("StatusCallback"),
    events("StatusCallbackEvent", "initiated", "ringing", "answered", "completed"),
    method("StatusCallbackMethod"),
    number("Timeout", 1, 600, code=21208),
    text("SendDigits", 32, code=21206),
    flag("Record"),
    choice("RecordingChannels", "mono", "dual"),
    url("RecordingStatusCallback"),
    method("RecordingStatusCallbackMethod"),
    events("RecordingStatusCallbackEvent", *RECORDING_EVENTS),
    choice("Trim", "trim-silence", "do-not-trim"),
    choice("MachineDetection", "Enable", "DetectMessageEnd"),
    number("MachineDetectionTimeout", 3, 59),
    flag("AsyncAmd"),
    url("AsyncAmdStatusCallback"),
    method("AsyncAmdStatusCallbackMethod"),
    number("TimeLimit", 1, 86_400),
    text("CallerId"),
]
_UPDATE = [
    url("Url"),
    method("Method"),
    text("Twiml", LONGEST_TWIML),
    choice("Status", "canceled", "completed"),
    url("FallbackUrl"),
    method("FallbackMethod"),
    url("StatusCallback"),
    method("StatusCallbackMethod"),
    number("TimeLimit", 1, 86_400),
]
_LIST = [
    text("To"),
    text("From"),
    text("ParentCallSid", keyword="parent_sid"),
    choice("Status", *STATUSES),
    *dated("StartTime"),
    *dated("EndTime"),
    *paging(),
]


def create(network: Network, asked: Asked) -> Answer:
    values = read(asked.form, _CREATE)
    needed(values, "to", 21201, "No 'To' number is specified")
    needed(values, "from_", 21213, "No 'From' number is specified")
    if not values.get("url") and not values.get("twiml"):
        raise refused_value("Url parameter is required.", 21205)
    if values.get("url") and values.get("twiml"):
        del values["twiml"]  # the description: with both, `twiml` is ignored
    if not is_endpoint(values["to"]):
        raise refused_value(f"The phone number you are attempting to call, {values['to']}, is not valid.", 21211)
    if not is_endpoint(values.get("caller_id", values["from_"])):
        raise refused_value(f"Invalid From Number (caller ID): {values['from_']}", 21212)
    if not re.fullmatch(r"[0-9*#wW]*", values.get("send_digits", "")):
        raise refused_value("Invalid SendDigits parameter", 21206)
    return Answer(201, shown(network, network.create_call(values.pop("to"), values.pop("from_"), **values)))


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, _LIST)
    asking = {name: values.pop(name, None) for name in ("to", "from_", "parent_sid", "status")}
    found = keep(network.calls(**asking), lambda call: call.start_time, "StartTime", values)
    found = keep(found, lambda call: call.end_time, "EndTime", values)
    return page(asked, values, "calls", found, lambda call: call.sid, lambda call: shown(network, call))


def fetch(network: Network, asked: Asked, sid: str) -> Answer:
    read(asked.query, [])
    return Answer(200, shown(network, network.call(sid)))


def update(network: Network, asked: Asked, sid: str) -> Answer:
    values = read(asked.form, _UPDATE)
    network.call(sid)
    if values.get("url") and values.get("twiml"):
        raise refused_value("Url and Twiml parameters are mutually exclusive")
    return Answer(200, shown(network, network.update_call(sid, **values)))


def delete(network: Network, _asked: Asked, sid: str) -> Answer:
    network.delete_call(sid)
    return Answer(204)


def is_endpoint(address: str) -> bool:
    """A number in E.164, or ``client:name``, or ``sip:user@host``."""
    return bool(
        re.fullmatch(r"\+[1-9]\d{6,14}|client:[^\s\x00-\x1f]{1,256}|sips?:[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+", address)
    )


def shown(network: Network, call: CallResource) -> dict[str, Any]:
    uri = f"{account_uri(network.account.sid)}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "account_sid": network.account.sid,
        "parent_call_sid": call.parent_sid,
        "date_created": date(call.date_created),
        "date_updated": date(call.date_updated),
        "to": call.to,
        "to_formatted": formatted(call.to),
        "from": call.from_,
        "from_formatted": formatted(call.from_),
        "phone_number_sid": call.number_sid,
        "status": call.status,
        "start_time": date(call.start_time),
        "end_time": date(call.end_time),
        "duration": seconds(call.duration),
        "price": None,
        "price_unit": "USD",
        "direction": call.direction,
        "answered_by": call.answered_by,
        "api_version": API_VERSION,
        "forwarded_from": call.forwarded_from,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": f"{uri}.json",
        "subresource_uris": {name: f"{uri}/{path}.json" for name, path in _PARTS.items()},
    }


_PARTS = {
    "notifications": "Notifications",
    "recordings": "Recordings",
    "payments": "Payments",
    "events": "Events",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}

ROUTES = [
    ("POST", "/Calls.json", create),
    ("GET", "/Calls.json", listed),
    ("GET", "/Calls/<sid>.json", fetch),
    ("POST", "/Calls/<sid>.json", update),
    ("DELETE", "/Calls/<sid>.json", delete),
]
