"""Conferences and who is in them (Twilio docs: Conference resource, Participant resource)."""

from __future__ import annotations

from typing import Any

from ivr.exchange.network import Network
from ivr.exchange.records import ConferenceResource, ParticipantResource
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
from ivr.exchange.rest.calls import RECORDING_EVENTS, is_endpoint
from ivr.exchange.rest.shown import API_VERSION, account_uri, date, dated, keep, page, paging

_LIST = [
    text("FriendlyName"),
    choice("Status", "init", "in-progress", "completed"),
    *dated("DateCreated"),
    *dated("DateUpdated"),
    *paging(),
]
_UPDATE = [choice("Status", "completed"), url("AnnounceUrl"), method("AnnounceMethod")]
_PARTICIPANTS = [flag("Muted"), flag("Hold"), flag("Coaching"), *paging()]
_ADD = [
    text("From"),
    text("To"),
    text("Label", 128),
    flag("Muted"),
    flag("StartConferenceOnEnter"),
    flag("EndConferenceOnExit"),
    choice("Beep", "true", "false", "onEnter", "onExit"),
    url("WaitUrl"),
    method("WaitMethod"),
    number("MaxParticipants", 2, 250),
    flag("Coaching"),
    text("CallSidToCoach"),
    number("Timeout", 1, 600),
    number("TimeLimit", 1, 86_400),
    url("StatusCallback"),
    method("StatusCallbackMethod"),
    events("StatusCallbackEvent", "initiated", "ringing", "answered", "completed"),
    url("ConferenceStatusCallback"),
    method("ConferenceStatusCallbackMethod"),
    events(
        "ConferenceStatusCallbackEvent",
        *("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"),
    ),
    choice("ConferenceRecord", "true", "false", "record-from-start", "do-not-record"),
    url("ConferenceRecordingStatusCallback"),
    method("ConferenceRecordingStatusCallbackMethod"),
    events("ConferenceRecordingStatusCallbackEvent", *RECORDING_EVENTS),
    flag("Record"),
    choice("RecordingChannels", "mono", "dual"),
    url("RecordingStatusCallback"),
    method("RecordingStatusCallbackMethod"),
    events("RecordingStatusCallbackEvent", *RECORDING_EVENTS),
    choice("MachineDetection", "Enable", "DetectMessageEnd"),
    text("CallerId"),
]
_CHANGE = [
    flag("Muted"),
    flag("Hold"),
    url("HoldUrl"),
    method("HoldMethod"),
    url("AnnounceUrl"),
    method("AnnounceMethod"),
    url("WaitUrl"),
    method("WaitMethod"),
    flag("BeepOnExit"),
    flag("EndConferenceOnExit"),
    flag("Coaching"),
    text("CallSidToCoach"),
]


def listed(network: Network, asked: Asked) -> Answer:
    values = read(asked.query, _LIST)
    asking = {name: values.pop(name, None) for name in ("friendly_name", "status")}
    found = keep(network.conferences(**asking), lambda room: room.date_created, "DateCreated", values)
    found = keep(found, lambda room: room.date_updated, "DateUpdated", values)
    return page(asked, values, "conferences", found, lambda room: room.sid, lambda room: shown(network, room))


def fetch(network: Network, _asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.conference(sid)))


def update(network: Network, asked: Asked, sid: str) -> Answer:
    return Answer(200, shown(network, network.update_conference(sid, **read(asked.form, _UPDATE))))


def participants(network: Network, asked: Asked, conference: str) -> Answer:
    values = read(asked.query, _PARTICIPANTS)
    asking = {name: values.pop(name, None) for name in ("muted", "hold", "coaching")}
    inside = network.participants(conference, **asking)
    return page(asked, values, "participants", inside, lambda p: p.call_sid, lambda p: participant_shown(network, p))


def participant(network: Network, _asked: Asked, conference: str, call: str) -> Answer:
    return Answer(200, participant_shown(network, network.participant(conference, call)))


def add(network: Network, asked: Asked, conference: str) -> Answer:
    values = read(asked.form, _ADD)
    needed(values, "to", 21201, "No 'To' number is specified")
    needed(values, "from_", 21213, "No 'From' number is specified")
    if not is_endpoint(values["to"]):
        raise refused_value(f"The phone number you are attempting to call, {values['to']}, is not valid.", 21211)
    if not is_endpoint(values.get("caller_id", values["from_"])):
        raise refused_value(f"Invalid From Number (caller ID): {values['from_']}", 21212)
    if values.get("coaching") and not values.get("call_sid_to_coach"):
        raise refused_value("CallSidToCoach is required when Coaching is true")
    return Answer(201, participant_shown(network, network.create_participant(conference, **values)))


def change(network: Network, asked: Asked, conference: str, call: str) -> Answer:
    values = read(asked.form, _CHANGE)
    return Answer(200, participant_shown(network, network.update_participant(conference, call, **values)))


def remove(network: Network, _asked: Asked, conference: str, call: str) -> Answer:
    network.remove_participant(conference, call)
    return Answer(204)


def shown(network: Network, room: ConferenceResource) -> dict[str, Any]:
    uri = f"{account_uri(network.account.sid)}/Conferences/{room.sid}"
    return {
        "sid": room.sid,
        "account_sid": network.account.sid,
        "friendly_name": room.friendly_name,
        "status": room.status,
        "date_created": date(room.date_created),
        "date_updated": date(room.date_updated),
        "api_version": API_VERSION,
        "region": "us1",
        "reason_conference_ended": room.reason_conference_ended,
        "call_sid_ending_conference": room.call_sid_ending_conference,
        "uri": f"{uri}.json",
        "subresource_uris": {"participants": f"{uri}/Participants.json", "recordings": f"{uri}/Recordings.json"},
    }


def participant_shown(network: Network, inside: ParticipantResource) -> dict[str, Any]:
    room = f"{account_uri(network.account.sid)}/Conferences/{inside.conference_sid}"
    return {
        "account_sid": network.account.sid,
        "call_sid": inside.call_sid,
        "conference_sid": inside.conference_sid,
        "label": inside.label,
        "muted": inside.muted,
        "hold": inside.hold,
        "coaching": inside.coaching,
        "call_sid_to_coach": inside.call_sid_to_coach,
        "start_conference_on_enter": inside.start_conference_on_enter,
        "end_conference_on_exit": inside.end_conference_on_exit,
        "status": inside.status,
        "queue_time": None,
        "date_created": date(inside.date_created),
        "date_updated": date(inside.date_updated),
        "uri": f"{room}/Participants/{inside.call_sid}.json",
    }


ROUTES = [
    ("GET", "/Conferences.json", listed),
    ("GET", "/Conferences/<sid>.json", fetch),
    ("POST", "/Conferences/<sid>.json", update),
    ("GET", "/Conferences/<conference>/Participants.json", participants),
    ("POST", "/Conferences/<conference>/Participants.json", add),
    ("GET", "/Conferences/<conference>/Participants/<call>.json", participant),
    ("POST", "/Conferences/<conference>/Participants/<call>.json", change),
    ("DELETE", "/Conferences/<conference>/Participants/<call>.json", remove),
]
