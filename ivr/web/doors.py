"""All that the carrier's doors need, handed over by wiring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter

from ivr.core.flow.turn import Utterance
from ivr.core.words import TicketId
from ivr.switchboard.calls.call_status import CallStatus
from ivr.switchboard.calls.ring import Ring
from ivr.switchboard.calls.take_turn import Answer, TakeTurn
from ivr.switchboard.legs.agent_menu import AgentCallAnswer, AgentMenu
from ivr.switchboard.legs.leg_news import LegNews
from ivr.switchboard.legs.leg_turn import LegAnswer, LegTurn
from ivr.switchboard.messages.recording_ready import RecordingReady
from ivr.switchboard.messages.send_text import TextNews
from ivr.switchboard.ports.world import Numbering
from ivr.switchboard.queue.waiting import WaitAnswer, Waiting
from ivr.switchboard.record.talk import HoldMusic
from ivr.switchboard.recording.recording_news import RecordingNews
from ivr.twilio.signature import SignatureCheck


@dataclass(frozen=True)
class Counters:
    """What is counted at the doors; no personal data in labels."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    refused: Counter = field(init=False)
    fallbacks: Counter = field(init=False)

    def __post_init__(self) -> None:
        refused = Counter("ivr_signatures_refused", "Requests whose signature did not match", registry=self.registry)
        fallbacks = Counter(
            "ivr_fallbacks_spoken", "Answers given by the static fallback", ["because"], registry=self.registry
        )
        object.__setattr__(self, "refused", refused)
        object.__setattr__(self, "fallbacks", fallbacks)


@dataclass(frozen=True)
class Doors:
    """The use cases behind the doors, and the two tools that speak the carrier's words."""

    public_url: str
    ring: Ring
    take_turn: TakeTurn
    call_status: CallStatus
    recording_ready: RecordingReady
    recording_news: RecordingNews
    agent_menu: AgentMenu
    leg_turn: LegTurn
    leg_news: LegNews
    text_news: TextNews
    signature: SignatureCheck
    numbering: Numbering
    render: Callable[[Answer], str]
    render_agent_call: Callable[[AgentCallAnswer], str]
    render_leg: Callable[[LegAnswer], str]
    waiting: Waiting
    render_wait: Callable[[WaitAnswer], str]
    hold_music: HoldMusic
    render_hold: Callable[[TicketId, Sequence[Utterance]], str]
    fallback: Callable[[str], str]  # dialled number -> the static document
    thanks: Callable[[], str]
    counters: Counters = field(default_factory=Counters)
