"""Messages of calls we never heard of: left with the static fallback while nothing of ours answered.

The carrier tells of the recording later; then the call is put on record from what the carrier knows of it, and the
message with it. Nothing was promised to these callers, but what they said is not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ivr.core.call import CallRecord, CallState, CarrierKey
from ivr.core.events import CallRang, FallbackSpoken
from ivr.core.flow import cursor as cursors
from ivr.core.flow import says as sayings
from ivr.core.flow.interpreter import begin
from ivr.core.flow.turn import HangUp
from ivr.core.words import CallId, PhoneNumber
from ivr.switchboard.customers.identify import identify
from ivr.switchboard.messages.voicemail import Ready
from ivr.switchboard.ports.calls import UnclaimedRecording
from ivr.switchboard.ports.carrier import Telephone
from ivr.switchboard.ports.records import Records
from ivr.switchboard.ports.world import Clock, Flows, Ids, Numbering

AT_ONCE = 20


@dataclass(frozen=True)
class AdoptRecordings:
    """The use case of the sweep for recordings whose call is not on record."""

    records: Records
    telephone: Telephone
    numbering: Numbering
    flows: Flows
    ids: Ids
    clock: Clock
    ready: Ready

    def __call__(self, since: datetime | None = None) -> None:
        """Adopt what waits; a call that the carrier does not know either is left where it is, counted.

        ``since``: first ask the carrier for all messages taken since then. One that was left with the fallback, and of
        which no callback reached us, is found in no other way.
        """
        if since is not None:
            self._find(since)
        with self.records.read() as tx:
            waiting = tx.facts.unclaimed(AT_ONCE)
        for recording in waiting:
            self._adopt(recording)

    def _find(self, since: datetime) -> None:
        for found in self.telephone.messages_since(since):
            with self.records.read() as tx:
                known = tx.voicemails.by_recording(found.recording) is not None
            if not known and found.sid:
                key = CarrierKey(found.carrier, found.account, found.sid)
                length = None if found.seconds is None else timedelta(seconds=found.seconds)
                self.ready(key, found.recording, found.url, "completed", length, found.fact, _as_told(found))

    def _adopt(self, recording: UnclaimedRecording) -> None:
        parties = self.telephone.parties(recording.sid)
        called = self.numbering.caller(parties[1]) if parties else None
        if parties is None or not isinstance(called, PhoneNumber):
            with self.records.write() as tx:
                tx.facts.claim(recording.fact, None)
                tx.facts.count_odd("recording.of_nobody", self.clock.now())
            return
        key = CarrierKey(recording.carrier, recording.account, recording.sid)
        call = self._put_on_record(key, parties[0], called)
        length = None if recording.seconds is None else timedelta(seconds=recording.seconds)
        again = f"adopted:{recording.recording}:{self.clock.now().isoformat()}"  # killed half-way, it is done anew
        self.ready(key, recording.recording, recording.url, "completed", length, again, {})
        with self.records.write() as tx:
            tx.facts.claim(recording.fact, call)

    def _put_on_record(self, key: CarrierKey, caller: str, called: PhoneNumber) -> CallId:
        """The call as far as it is known: it rang, and the fallback answered."""
        version = self.flows.for_number(called)
        line = next(line for line in version.company.lines.values() if line.number == called)
        now = self.clock.now()
        with self.records.write() as tx:
            known = tx.calls.find(key)
            if known is not None:
                return known.id
            number = self.numbering.caller(caller)
            customer, sure = identify(number, tx, self.ids, now)
            events = (
                CallRang(line.name, version.flow.name, version.id, sure.value),
                FallbackSpoken("nothing of ours answered when it rang"),
            )
            call = CallRecord(
                id=CallId(self.ids.new()),
                key=key,
                line=line.name,
                caller=number,
                called=called,
                customer=customer.id,
                sure=sure,
                version=version.id,
                state=CallState.ENDED,
                turn=0,
                door="fallback",
                token="",
                cursor=cursors.as_json(begin(version, customer.language, customer.slow)),
                says=sayings.as_json((HangUp(),)),  # for a ring of it that was held up on its way
                next_seq=1 + len(events),
                started_at=now,
                ended_at=now,
                outcome="voicemail",
            )
            tx.calls.start(call)
            tx.log.append(call.id, 1, events, now, customer.id)
        return call.id


def _as_told(found: UnclaimedRecording) -> dict[str, str]:
    """The words in which the carrier's callback would have told it."""
    told = {
        "AccountSid": found.account,
        "CallSid": found.sid,
        "RecordingSid": found.recording,
        "RecordingUrl": found.url,
        "RecordingStatus": "completed",
    }
    return told if found.seconds is None else {**told, "RecordingDuration": str(found.seconds)}
