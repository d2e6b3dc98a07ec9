"""The account's own numbers and where their calls go (Twilio docs: IncomingPhoneNumber resource)."""

from __future__ import annotations

import re
from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import IncomingNumber
from ivr.exchange.rest.asked import Answer, Asked, choice, emptiable, method, needed, read, refused_value, text, url
from ivr.exchange.rest.shown import API_VERSION, account_uri, date, page, paging

INVALID_URL, INVALID_METHOD, INVALID_NUMBER = 21402, 21403, 21421

_FIELDS = [
    emptiable("FriendlyName", 64),
    url("VoiceUrl", INVALID_URL, clears=True),
    method("VoiceMethod", INVALID_METHOD),
    url("VoiceFallbackUrl", INVALID_URL, clears=True),
    method("VoiceFallbackMethod", INVALID_METHOD),
    url("StatusCallback", INVALID_URL, clears=True),
    method("StatusCallbackMethod", INVALID_METHOD),
    url("SmsUrl", INVALID_URL, clears=True),
    method("SmsMethod", INVALID_METHOD),
    choice("VoiceReceiveMode", "voice"),
    choice("ApiVersion", API_VERSION),
]
_LIST = [text("PhoneNumber", keyword="number"), text("FriendlyName"), *paging()]


def create(network: Network, asked: Asked) -> Answer:
    values = _fields(read(asked.form, [text("PhoneNumber"), *_FIELDS]))
    needed(values, "phone_number", INVALID_NUMBER, "PhoneNumber is required")
    number = values.pop("phone_number")
    if not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise refused_value(f"{number} is not a valid number", INVALID_NUMBER)
    return Answer(201, shown(network, network.add_number(number, **values)))


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, _LIST)
    asking = {name: values.pop(name, None) for name in ("number", "friendly_name")}
    found = network.numbers(**asking)
    return page(asked, values, "incoming_phone_numbers", found, lambda n: n.sid, lambda n: shown(network, n))


def fetch(network: Network, _asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.number(sid)))


def update(network: Network, asked: Asked, sid: str) -> Answer:
    values = _fields(read(asked.form, _FIELDS))
    return Answer(200, shown(network, network.update_number(sid, **values)))


def delete(network: Network, _asked: Asked, sid: str) -> Answer:
    network.remove_number(sid)
    return Answer(204)


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    """Numbers here are always for voice, in the one version there is: both may be said, neither changes anything."""
    return {name: value for name, value in values.items() if name not in ("voice_receive_mode", "api_version")}


def shown(network: Network, number: IncomingNumber) -> dict[str, Any]:
    return {
        "sid": number.sid,
        "account_sid": network.account.sid,
        "api_version": API_VERSION,
        "phone_number": number.number,
        "friendly_name": number.friendly_name,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "voice_url": number.voice_url or None,
        "voice_method": number.voice_method,
        "voice_fallback_url": number.voice_fallback_url or None,
        "voice_fallback_method": number.voice_fallback_method,
        "status_callback": number.status_callback or None,
        "status_callback_method": number.status_callback_method,
        "sms_url": number.sms_url or None,
        "sms_method": number.sms_method,
        "sms_fallback_url": None,
        "sms_fallback_method": "POST",
        "voice_application_sid": None,
        "sms_application_sid": None,
        "voice_caller_id_lookup": False,
        "voice_receive_mode": "voice",
        "address_requirements": "none",
        "address_sid": None,
        "identity_sid": None,
        "bundle_sid": None,
        "trunk_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "beta": False,
        "origin": "hosted",
        "status": "in-use",
        "type": None,
        "date_created": date(number.date_created),
        "date_updated": date(number.date_updated),
        "uri": f"{account_uri(network.account.sid)}/IncomingPhoneNumbers/{number.sid}.json",
    }


ROUTES = [
    ("POST", "/IncomingPhoneNumbers.json", create),
    ("GET", "/IncomingPhoneNumbers.json", listed),
    ("GET", "/IncomingPhoneNumbers/<sid>.json", fetch),
    ("POST", "/IncomingPhoneNumbers/<sid>.json", update),
    ("DELETE", "/IncomingPhoneNumbers/<sid>.json", delete),
]
