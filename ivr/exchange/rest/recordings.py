"""Recordings: of a call, of a conference, of the account, and their sound (Twilio docs: Recordings resource)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import CarrierRefused, RecordingResource
from ivr.exchange.rest.asked import Answer, Asked, choice, events, method, needed, read, refused_value, text, url
from ivr.exchange.rest.calls import RECORDING_EVENTS
from ivr.exchange.rest.shown import API_VERSION, account_uri, date, dated, keep, page, paging, seconds

Show = Callable[[Network, RecordingResource], dict[str, Any]]

CURRENT = "Twilio.CURRENT"

_START = [
    choice("RecordingChannels", "mono", "dual"),
    choice("RecordingTrack", "inbound", "outbound", "both"),
    choice("Trim", "trim-silence", "do-not-trim"),
    url("RecordingStatusCallback"),
    method("RecordingStatusCallbackMethod"),
    events("RecordingStatusCallbackEvent", *RECORDING_EVENTS),
]
_UPDATE = [choice("Status", "in-progress", "paused", "stopped"), choice("PauseBehavior", "skip", "silence")]
_OF_ONE = [*dated("DateCreated"), *paging()]
_OF_ALL = [*dated("DateCreated"), text("CallSid"), text("ConferenceSid"), *paging()]


def start(network: Network, asked: Asked, call_sid: str) -> Answer:
    network.call(call_sid)
    return Answer(201, of_call(network, network.start_recording(call_sid, **read(asked.form, _START))))


def listed_of_call(network: Network, asked: Asked, call_sid: str) -> Answer:
    network.call(call_sid)
    values = read(asked.query, _OF_ONE)
    return _page(network, asked, values, network.recordings(call_sid=call_sid), of_call)


def listed_of_conference(network: Network, asked: Asked, conference_sid: str) -> Answer:
    network.conference(conference_sid)
    values = read(asked.query, _OF_ONE)
    return _page(network, asked, values, network.recordings(conference_sid=conference_sid), of_conference)


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, _OF_ALL)
    asking = {name: values.pop(name, None) for name in ("call_sid", "conference_sid")}
    return _page(network, asked, values, network.recordings(**asking), lambda n, r: shown(n, asked, r))


def _page(
    network: Network, asked: Asked, values: dict[str, Any], found: Sequence[RecordingResource], show: Any
) -> Answer:
    kept = keep(found, lambda recording: recording.date_created, "DateCreated", values)
    return page(asked, values, "recordings", kept, lambda recording: recording.sid, lambda r: show(network, r))


def fetch(network: Network, asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, asked, network.recording(sid)))


def fetch_of_call(network: Network, _asked: Asked, call_sid: str, sid: str) -> Answer:
    return Answer(200, of_call(network, _of(network, sid, call_sid=call_sid)))


def fetch_of_conference(network: Network, _asked: Asked, conference_sid: str, sid: str) -> Answer:
    return Answer(200, of_conference(network, _of(network, sid, conference_sid=conference_sid)))


def update_of_call(network: Network, asked: Asked, call_sid: str, sid: str) -> Answer:
    values = _status(asked)
    network.call(call_sid)
    return Answer(200, of_call(network, network.update_recording(call_sid, sid, **values)))


def update_of_conference(network: Network, asked: Asked, conference_sid: str, sid: str) -> Answer:
    values = _status(asked)
    network.conference(conference_sid)
    changed = network.update_recording(None, sid, conference_sid=conference_sid, **values)
    return Answer(200, of_conference(network, changed))


def _status(asked: Asked) -> dict[str, Any]:
    values = read(asked.form, _UPDATE)
    needed(values, "status", 20001, "Status is required: in-progress, paused or stopped")
    return values


def delete(network: Network, _asked: Asked, sid: str) -> Answer:
    network.delete_recording(sid)
    return Answer(204)


def delete_of_call(network: Network, _asked: Asked, call_sid: str, sid: str) -> Answer:
    network.delete_recording(_of(network, sid, call_sid=call_sid).sid)
    return Answer(204)


def delete_of_conference(network: Network, _asked: Asked, conference_sid: str, sid: str) -> Answer:
    network.delete_recording(_of(network, sid, conference_sid=conference_sid).sid)
    return Answer(204)


def media(network: Network, _asked: Asked, sid: str) -> Answer:
    """The sound as WAV, at the address with ``.wav`` or none (Twilio docs: fetch a Recording's media file)."""
    recording = network.recording(sid)
    if recording.status != "completed":
        raise CarrierRefused(404, 20404, f"The media of {sid} is not available")
    return Answer(200, media=recording.wav, media_type="audio/x-wav")


def mp3(network: Network, _asked: Asked, sid: str) -> Answer:
    network.recording(sid)
    raise refused_value("This carrier keeps recordings as WAV only: ask for .wav")


def _of(network: Network, sid: str, **owner: str) -> RecordingResource:
    for recording in network.recordings(**owner):
        if recording.sid == sid or (sid == CURRENT and recording.status in ("in-progress", "paused")):
            return recording
    raise CarrierRefused(404, 20404, f"no recording {sid}")


def shown(network: Network, asked: Asked, recording: RecordingResource) -> dict[str, Any]:
    uri = f"{account_uri(network.account.sid)}/Recordings/{recording.sid}"
    return {
        **_common(network, recording),
        "uri": f"{uri}.json",
        "subresource_uris": {
            "add_on_results": f"{uri}/AddOnResults.json",
            "transcriptions": f"{uri}/Transcriptions.json",
        },
        "media_url": f"{asked.host_url}{uri}",
    }


def of_call(network: Network, recording: RecordingResource) -> dict[str, Any]:
    owner = f"{account_uri(network.account.sid)}/Calls/{recording.call_sid}"
    return {
        **_common(network, recording),
        "track": recording.track,
        "uri": f"{owner}/Recordings/{recording.sid}.json",
    }


def of_conference(network: Network, recording: RecordingResource) -> dict[str, Any]:
    owner = f"{account_uri(network.account.sid)}/Conferences/{recording.conference_sid}"
    return {**_common(network, recording), "uri": f"{owner}/Recordings/{recording.sid}.json"}


def _common(network: Network, recording: RecordingResource) -> dict[str, Any]:
    return {
        "sid": recording.sid,
        "account_sid": network.account.sid,
        "call_sid": recording.call_sid,
        "conference_sid": recording.conference_sid,
        "api_version": API_VERSION,
        "status": recording.status,
        "source": recording.source,
        "channels": recording.channels,
        "duration": seconds(recording.duration),
        "date_created": date(recording.date_created),
        "date_updated": date(recording.date_updated),
        "start_time": date(recording.start_time),
        "price": None,
        "price_unit": "USD",
        "error_code": None,
        "encryption_details": None,
    }


ROUTES = [
    ("POST", "/Calls/<call_sid>/Recordings.json", start),
    ("GET", "/Calls/<call_sid>/Recordings.json", listed_of_call),
    ("GET", "/Calls/<call_sid>/Recordings/<sid>.json", fetch_of_call),
    ("POST", "/Calls/<call_sid>/Recordings/<sid>.json", update_of_call),
    ("DELETE", "/Calls/<call_sid>/Recordings/<sid>.json", delete_of_call),
    ("GET", "/Conferences/<conference_sid>/Recordings.json", listed_of_conference),
    ("GET", "/Conferences/<conference_sid>/Recordings/<sid>.json", fetch_of_conference),
    ("POST", "/Conferences/<conference_sid>/Recordings/<sid>.json", update_of_conference),
    ("DELETE", "/Conferences/<conference_sid>/Recordings/<sid>.json", delete_of_conference),
    ("GET", "/Recordings.json", listed),
    ("GET", "/Recordings/<sid>.json", fetch),
    ("DELETE", "/Recordings/<sid>.json", delete),
    ("GET", "/Recordings/<sid>.wav", media),
    ("GET", "/Recordings/<sid>.mp3", mp3),
    ("GET", "/Recordings/<sid>", media),
    ("DELETE", "/Recordings/<sid>", delete),
]
