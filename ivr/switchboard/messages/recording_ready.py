"""The carrier says a message is ready: on record by whichever comes first, this or the turn's own door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ivr.core.call import CallRecord, CarrierKey
from ivr.core.events import VoicemailTaken
from ivr.core.flow import cursor as cursors
from ivr.core.flow.model import Voicemail as VoicemailNode
from ivr.core.flow.turn import KeepVoicemail, Recorded
from ivr.core.words import QueueName
from ivr.switchboard.calls.deeds import plan
from ivr.switchboard.calls.take_turn import TakeTurn
from ivr.switchboard.ports.records import Records


@dataclass(frozen=True)
class RecordingReady:
    """The use case behind the recording callback."""

    records: Records
    take_turn: TakeTurn

    def __call__(
        self,
        key: CarrierKey,
        recording: str,
        url: str,
        status: str,
        length: timedelta | None,
        fact: str,
        body: Mapping[str, str],
    ) -> None:
        """Keep the fact, and the message if it is not on record yet.

        A call that still stands in the voicemail takes its turn here, with the promise that the node makes; the
        carrier's own request for that turn then finds it taken and is given the stored answer.
        """
        now = self.take_turn.clock.now()
        with self.records.write() as tx:
            call = tx.calls.find(key)
            if call is None:
                tx.facts.count_odd("recording.unknown_call", now)
                if status == "completed" and key.sid:
                    tx.facts.keep(fact, "recording.unclaimed", body, now, None)  # the sweep adopts it
                return
            tx.facts.keep(fact, "recording.status", body, now, call.id)
            known = tx.voicemails.by_recording(recording) is not None
        # A repeat goes on, too: we may have been stopped between keeping the fact and keeping the message.
        if known or status != "completed":
            return
        cursor = cursors.from_json(call.cursor)
        if cursor.stage == "record":
            self.take_turn(call.id, call.turn, "recorded", Recorded(recording, url, length), f"recording:{recording}")
        if not self._on_record(recording):
            self._keep_without_promise(call, recording, url, length)

    def _on_record(self, recording: str) -> bool:
        with self.records.read() as tx:
            return tx.voicemails.by_recording(recording) is not None

    def _keep_without_promise(self, call: CallRecord, recording: str, url: str, length: timedelta | None) -> None:
        """A message whose place in the flow is gone: kept for the first queue of the flow, nothing promised."""
        turns = self.take_turn
        now = turns.clock.now()
        version = turns.flows.version(call.version)
        nodes = version.flow.nodes.values()
        queue = next((node.queue for node in nodes if isinstance(node, VoicemailNode)), QueueName("unsorted"))
        deed = KeepVoicemail(recording, url, length, queue, None, cursors.from_json(call.cursor).language)
        planned = plan([deed], call, version.company.zone, turns.ids, turns.later, now)
        seconds = int(length.total_seconds()) if length is not None else None
        with self.records.write() as tx:
            for write in planned.writes:
                write(tx)
            tx.log.add(call.id, [VoicemailTaken(recording, queue, seconds, None)], now)
        for hint in planned.hints:
            hint()
