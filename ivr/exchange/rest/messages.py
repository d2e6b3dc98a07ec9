"""Text messages (Twilio docs: Messages resource)."""

from __future__ import annotations

import re
from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import MessageResource
from ivr.exchange.rest.asked import Answer, Asked, choice, emptiable, needed, read, refused_value, text, url
from ivr.exchange.rest.shown import API_VERSION, account_uri, date, dated, keep, page, paging

LONGEST_BODY = 1600

_SEND = [text("To"), text("From"), text("Body", LONGEST_BODY, code=21617), url("StatusCallback", code=21609)]
_UPDATE = [emptiable("Body"), choice("Status", "canceled")]
_LIST = [text("To"), text("From"), *dated("DateSent"), *paging()]
_NUMBER = r"\+[1-9]\d{6,14}"
_SENDER = rf"{_NUMBER}|(?=.*[A-Za-z])[A-Za-z0-9 ]{{1,11}}"  # a one-way name has at least one letter


def send(network: Network, asked: Asked) -> Answer:
    values = read(asked.form, _SEND)
    needed(values, "to", 21604, "A 'To' phone number is required.")
    needed(values, "from_", 21603, "A 'From' phone number is required.")
    needed(values, "body", 21602, "Message body is required.")
    if not re.fullmatch(_NUMBER, values["to"]):
        raise refused_value(f"Invalid 'To' Phone Number: {values['to']}", 21211)
    if not re.fullmatch(_SENDER, values["from_"]):
        raise refused_value(f"Invalid 'From' Phone Number: {values['from_']}", 21212)
    return Answer(201, shown(network, network.send_message(**values)))


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, _LIST)
    asking = {name: values.pop(name, None) for name in ("to", "from_")}
    found = keep(network.messages(**asking), lambda message: message.date_sent, "DateSent", values)
    return page(asked, values, "messages", found, lambda m: m.sid, lambda message: shown(network, message))


def fetch(network: Network, _asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.message(sid)))


def update(network: Network, asked: Asked, sid: str) -> Answer:
    """Redact: an empty ``Body`` forgets the text (Twilio docs: Messages resource, redact a Message)."""
    values = read(asked.form, _UPDATE)
    message = network.message(sid)
    if values.get("body"):
        raise refused_value("Body can only be emptied")
    if "status" in values:
        raise refused_value("Only a scheduled message can be canceled; this carrier sends at once")
    if "body" in values:
        message.body, message.date_updated = "", network.scheduler.now()
    return Answer(200, shown(network, message))


def delete(network: Network, _asked: Asked, sid: str) -> Answer:
    network.delete_message(sid)
    return Answer(204)


def segments(body: str) -> int:
    """One of 160 characters, or parts of 153; 70 and 67 outside the GSM alphabet (Twilio docs: what is a segment)."""
    plain = all(c in _GSM for c in body)
    if plain:
        length = sum(2 if c in _GSM_TWICE else 1 for c in body)
        return 1 if length <= 160 else -(-length // 153)
    units = len(body.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= 70 else -(-units // 67)


_GSM_TWICE = "^{}\\[~]|€\f"
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà" + _GSM_TWICE
)


def shown(network: Network, message: MessageResource) -> dict[str, Any]:
    uri = f"{account_uri(network.account.sid)}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": network.account.sid,
        "api_version": API_VERSION,
        "body": message.body,
        "from": message.from_,
        "to": message.to,
        "status": message.status,
        "direction": message.direction,
        "num_segments": str(segments(message.body)),
        "num_media": "0",
        "error_code": message.error_code,
        "error_message": None,
        "messaging_service_sid": None,
        "price": None,
        "price_unit": "USD",
        "date_created": date(message.date_created),
        "date_updated": date(message.date_updated),
        "date_sent": date(message.date_sent),
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


ROUTES = [
    ("POST", "/Messages.json", send),
    ("GET", "/Messages.json", listed),
    ("GET", "/Messages/<sid>.json", fetch),
    ("POST", "/Messages/<sid>.json", update),
    ("DELETE", "/Messages/<sid>.json", delete),
]
