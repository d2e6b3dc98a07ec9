"""What a worker holds: the use cases behind its jobs and its sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from datetime import datetime

from ivr.core.call import CallRecord
from ivr.core.words import AgentId, CallId, RecordingId, TextId, TicketId, VoicemailId
from ivr.switchboard.calls.fetching import Fetch
from ivr.switchboard.calls.vanished import EndVanished
from ivr.switchboard.legs.call_back import CallBack, MoveCallbacks
from ivr.switchboard.messages.send_text import SendText
from ivr.switchboard.messages.voicemail import FetchVoicemail, FindRecordings, ReadVoicemail, Ready
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import AudioShelf, Clock, Flows, HttpFetcher, Ids, Later, Mail, Transcriber
from ivr.switchboard.queue.queueing import Queueing
from ivr.switchboard.record.promises import WarnDue
from ivr.switchboard.recording.recording_audio import FetchTape
from ivr.switchboard.recording.recording_tape import TapeTalk


@dataclass(frozen=True)
class Work:
    """The use cases as plain callables, and the records in which the sweep looks for what is due."""

    records: Records
    clock: Clock
    fetch_voicemail: Callable[[VoicemailId], datetime | None]
    read_voicemail: Callable[[VoicemailId], datetime | None]
    fetch: Callable[[str], None]
    send_text: Callable[[TextId], datetime | None]
    find_recordings: Callable[[CallRecord], None]
    end_vanished: Callable[[Set[CallId]], frozenset[CallId]]
    adopt: Callable[[datetime | None], None]
    warn_due: Callable[[], object]
    move_callbacks: Callable[[], None]
    line_up: Callable[[TicketId], None]
    match: Callable[[], None]
    at_work: Callable[[Iterable[AgentId]], None]
    steer: Callable[[TicketId], None]
    tend_floor: Callable[[], None]
    compare_floor: Callable[[], bool]
    compare_legs: Callable[[], None]
    rest: Callable[[], datetime | None]
    record: Callable[[RecordingId], datetime | None]
    fetch_recording: Callable[[RecordingId], datetime | None]


@dataclass(frozen=True)
class Tools:
    """What the use cases are made of; wiring chooses them."""

    records: Records
    telephone: Telephone
    shelf: AudioShelf
    transcriber: Transcriber
    fetcher: HttpFetcher
    ready: Ready  # the use case behind the recording callback
    later: Later
    clock: Clock
    adopt: Callable[[datetime | None], None]
    flows: Flows
    queueing: Queueing
    tapes: TapeTalk
    call_back: CallBack
    mail: Mail | None
    public_url: str
    ids: Ids


def work_with(tools: Tools) -> Work:
    """The work that these tools can do."""
    records, telephone, clock = tools.records, tools.telephone, tools.clock
    return Work(
        records=records,
        clock=clock,
        fetch_voicemail=FetchVoicemail(records, telephone, tools.shelf, tools.later, clock),
        read_voicemail=ReadVoicemail(records, telephone, tools.shelf, tools.transcriber, tools.later, clock),
        fetch=Fetch(records, tools.fetcher, clock),
        send_text=SendText(records, telephone, tools.mail, tools.public_url, tools.ids, tools.later, clock),
        find_recordings=FindRecordings(telephone, tools.ready),
        end_vanished=EndVanished(records, telephone, tools.flows, tools.later, clock),
        adopt=tools.adopt,
        warn_due=WarnDue(records, clock),
        move_callbacks=MoveCallbacks(records, tools.call_back, tools.later, clock),
        line_up=tools.queueing.line_up,
        match=tools.queueing.match,
        at_work=tools.queueing.line_up.agents,
        steer=tools.queueing.steer,
        tend_floor=tools.queueing.tend,
        compare_floor=tools.queueing.compare,
        compare_legs=tools.queueing.compare_legs,
        rest=tools.queueing.rest,
        record=tools.tapes,
        fetch_recording=FetchTape(records, telephone, tools.shelf, clock),
    )
