"""Every event of a call, frozen, with its public name. A vocabulary: plain words in, nothing of Flow or Agent.

An event is stored as ``(call, seq, kind, schema, happened_at, recorded_at, data)``; ``data`` is its fields. A field is
never renamed: a new meaning is a new schema with an upcaster (``core.upcast``) and a golden file in the tests.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class CallEvent:
    """Something that happened on a call."""

    kind: ClassVar[str]
    schema: ClassVar[int] = 1

    def data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class CallRang(CallEvent):
    """The phone rang: which line, who by, and how sure (``known``, ``maybe``, ``new``, ``withheld``)."""

    kind: ClassVar[str] = "call.rang"
    line: str
    flow: str
    version: str
    sure: str


@dataclass(frozen=True)
class NodeEntered(CallEvent):
    kind: ClassVar[str] = "node.entered"
    node: str
    node_kind: str
    flow: str


@dataclass(frozen=True)
class NodeLeft(CallEvent):
    """``exit`` is a name out of the node's ``ways()``; ``because`` is for the supervisor."""

    kind: ClassVar[str] = "node.left"
    node: str
    exit: str
    because: str
    flow: str


@dataclass(frozen=True)
class SaidToCaller(CallEvent):
    """What the caller heard at this turn, as a dialogue shows it (personal values by slot name, not by value)."""

    kind: ClassVar[str] = "caller.told"
    text: str
    language: str


@dataclass(frozen=True)
class CallerAnswered(CallEvent):
    """Keys or words; ``masked`` when they are private (then ``what`` is only their number)."""

    kind: ClassVar[str] = "caller.answered"
    how: str  # keys, words
    what: str
    masked: bool = False


@dataclass(frozen=True)
class CallerSilent(CallEvent):
    kind: ClassVar[str] = "caller.silent"
    node: str
    tries: int


@dataclass(frozen=True)
class CallerMistook(CallEvent):
    """A wrong key or an entry that fails its check."""

    kind: ClassVar[str] = "caller.mistook"
    node: str
    tries: int
    because: str


@dataclass(frozen=True)
class LanguageChosen(CallEvent):
    kind: ClassVar[str] = "language.chosen"
    language: str


@dataclass(frozen=True)
class PaceChosen(CallEvent):
    kind: ClassVar[str] = "pace.chosen"
    slow: bool


@dataclass(frozen=True)
class CallerVerified(CallEvent):
    kind: ClassVar[str] = "caller.verified"
    by: str
    customer: str


@dataclass(frozen=True)
class VerificationFailed(CallEvent):
    kind: ClassVar[str] = "caller.unverified"
    by: str


@dataclass(frozen=True)
class RecordLooked(CallEvent):
    kind: ClassVar[str] = "record.looked_up"
    record: str
    found: bool


@dataclass(frozen=True)
class CaseOpened(CallEvent):
    kind: ClassVar[str] = "case.opened"
    case: str
    code: str


@dataclass(frozen=True)
class VoicemailTaken(CallEvent):
    kind: ClassVar[str] = "voicemail.taken"
    recording: str
    queue: str
    seconds: int | None
    due: str | None  # ISO 8601


@dataclass(frozen=True)
class VoicemailEmpty(CallEvent):
    kind: ClassVar[str] = "voicemail.empty"
    queue: str


@dataclass(frozen=True)
class VoicemailKept(CallEvent):
    """The audio lies with us, synced and checked."""

    kind: ClassVar[str] = "voicemail.kept"
    voicemail: str
    seconds: float


@dataclass(frozen=True)
class VoicemailRead(CallEvent):
    """Transcribed, or not: ``state`` is a TextState; the text itself stands on the voicemail."""

    kind: ClassVar[str] = "voicemail.read"
    voicemail: str
    state: str
    language: str | None


@dataclass(frozen=True)
class PromiseMade(CallEvent):
    kind: ClassVar[str] = "promise.made"
    promise: str
    what: str
    due: str


@dataclass(frozen=True)
class PromiseWarned(CallEvent):
    """80 % of its time have passed; ``owner`` is who was warned."""

    kind: ClassVar[str] = "promise.warned"
    promise: str
    what: str
    due: str
    owner: str


@dataclass(frozen=True)
class PromiseLate(CallEvent):
    """Its time has passed unfulfilled; it is still owed, and was escalated."""

    kind: ClassVar[str] = "promise.late"
    promise: str
    what: str
    due: str
    owner: str


@dataclass(frozen=True)
class PromiseMoved(CallEvent):
    """It cannot be kept by ``due``; the customer must be told ``new_due``, and until then ``due`` stands."""

    kind: ClassVar[str] = "promise.moved"
    promise: str
    what: str
    due: str
    new_due: str
    because: str


@dataclass(frozen=True)
class PromiseMoveTold(CallEvent):
    """The customer knows the new time, which holds from now on."""

    kind: ClassVar[str] = "promise.move_told"
    promise: str
    what: str
    due: str


@dataclass(frozen=True)
class PromiseClosed(CallEvent):
    """``result``: kept, late, broken, withdrawn."""

    kind: ClassVar[str] = "promise.closed"
    promise: str
    what: str
    result: str
    because: str | None


@dataclass(frozen=True)
class VoicemailAnswered(CallEvent):
    """Somebody answered the customer's message."""

    kind: ClassVar[str] = "voicemail.answered"
    voicemail: str
    by: str


@dataclass(frozen=True)
class CallbackPromised(CallEvent):
    """A call back was promised aloud; ``slot`` (ISO 8601) None: as soon as possible."""

    kind: ClassVar[str] = "callback.promised"
    queue: str
    due: str
    slot: str | None
    other_number: bool  # than the one they rang from


@dataclass(frozen=True)
class CallbackChosen(CallEvent):
    """Who has a callback rang again: ``keep``, ``wait`` (on the line, at that place) or ``cancel``."""

    kind: ClassVar[str] = "callback.chosen"
    callback: str
    choice: str


@dataclass(frozen=True)
class CallbackRefused(CallEvent):
    """This number is not called back; ``refusal`` is one of ``core.callbacks``."""

    kind: ClassVar[str] = "callback.refused"
    refusal: str
    because: str


@dataclass(frozen=True)
class CallbackTried(CallEvent):
    """An attempt ended; ``told_by``: how the customer is to hear of a miss (sms, email; None: the next attempt)."""

    kind: ClassVar[str] = "callback.tried"
    callback: str
    attempt: int
    outcome: str
    told_by: str | None


@dataclass(frozen=True)
class QueueJoined(CallEvent):
    """A place in line from now on; ``again``: the place they had before."""

    kind: ClassVar[str] = "queue.joined"
    ticket: str
    queue: str
    again: bool


@dataclass(frozen=True)
class QueueLeft(CallEvent):
    """The place ended before a talk. ``how``: hung_up, or the way out of the node; ``waited`` in seconds, in all."""

    kind: ClassVar[str] = "queue.left"
    ticket: str
    queue: str
    how: str
    waited: int


@dataclass(frozen=True)
class AgentOffered(CallEvent):
    """An agent is reserved and rung; ``because`` says why this call, and why this agent."""

    kind: ClassVar[str] = "agent.offered"
    ticket: str
    agent: str
    because: str


@dataclass(frozen=True)
class OfferEnded(CallEvent):
    """It came to nothing: declined, missed, lapsed, let_go, lost; the caller keeps the place."""

    kind: ClassVar[str] = "offer.ended"
    ticket: str
    agent: str
    how: str


@dataclass(frozen=True)
class AgentJoined(CallEvent):
    """The agent took it; ``waited`` in seconds since the arrival."""

    kind: ClassVar[str] = "agent.joined"
    ticket: str
    agent: str
    waited: int


@dataclass(frozen=True)
class TalkEnded(CallEvent):
    """``how``: agent, customer (who hung up); or back in line: lost (the agent's line dropped), handed."""

    kind: ClassVar[str] = "talk.ended"
    ticket: str
    agent: str
    seconds: int
    how: str


@dataclass(frozen=True)
class Transferred(CallEvent):
    """By an agent, back into line: to another agent (``to_agent``), or to whoever answers for a queue.

    ``because``: handed; or, when it comes back to who handed it over, refused or unanswered.
    """

    kind: ClassVar[str] = "talk.transferred"
    ticket: str
    agent: str
    queue: str
    to_agent: str | None
    because: str


@dataclass(frozen=True)
class TalkHeld(CallEvent):
    """The caller is on hold from now on, or no longer."""

    kind: ClassVar[str] = "talk.held"
    ticket: str
    agent: str
    on: bool


@dataclass(frozen=True)
class RecordingConsent(CallEvent):
    """Whether the talk may be recorded. ``rule``: announce, ask; ``how``: stayed, key, other_key, silence."""

    kind: ClassVar[str] = "recording.consent"
    rule: str
    given: bool
    how: str


@dataclass(frozen=True)
class RecordingBegan(CallEvent):
    """The carrier records the customer's leg from now on."""

    kind: ClassVar[str] = "recording.began"
    recording: str  # id of ours


@dataclass(frozen=True)
class RecordingPaused(CallEvent):
    """Silence is recorded from now on (``on``), or the talk again.

    ``because``: private, hold, outside, line (the caller is back in line); of the end: agent, limit, talk.
    """

    kind: ClassVar[str] = "recording.paused"
    recording: str
    on: bool
    because: str


@dataclass(frozen=True)
class RecordingWithdrawn(CallEvent):
    """The customer does not want it any more; ``agent`` put that on record."""

    kind: ClassVar[str] = "recording.withdrawn"
    recording: str
    agent: str


@dataclass(frozen=True)
class RecordingFailed(CallEvent):
    """Nothing is recorded of this talk, or nothing can be had of it; the talk goes on."""

    kind: ClassVar[str] = "recording.failed"
    recording: str
    because: str


@dataclass(frozen=True)
class RecordingKept(CallEvent):
    """The audio lies with us, synced and checked."""

    kind: ClassVar[str] = "recording.kept"
    recording: str
    seconds: float


@dataclass(frozen=True)
class TalkOutcome(CallEvent):
    """What the agent says came of it: answered, solved, follow_up."""

    kind: ClassVar[str] = "talk.outcome"
    ticket: str
    agent: str
    outcome: str


@dataclass(frozen=True)
class SurveyAnswered(CallEvent):
    """``measures``: helped, solved, satisfaction, effort; ``unhappy``: the answer of somebody we owe more."""

    kind: ClassVar[str] = "survey.answered"
    survey: str
    question: str
    measures: str
    value: str
    unhappy: bool


@dataclass(frozen=True)
class TextPromised(CallEvent):
    """A text message (or, where they can have none, an e-mail) to the caller is on record; its words stand there."""

    kind: ClassVar[str] = "text.promised"
    text: str  # id


@dataclass(frozen=True)
class TextEnded(CallEvent):
    """``state``: sent (the carrier took it), failed, or unknown (it was handed over and no answer came)."""

    kind: ClassVar[str] = "text.ended"
    text: str
    state: str
    because: str | None


@dataclass(frozen=True)
class TextReceived(CallEvent):
    """The carrier knows whether a text that it took was received; ``because``: its code for why not."""

    kind: ClassVar[str] = "text.received"
    text: str
    received: bool
    because: str | None


@dataclass(frozen=True)
class TransferBegan(CallEvent):
    kind: ClassVar[str] = "transfer.began"
    node: str
    number: str


@dataclass(frozen=True)
class TransferConnected(CallEvent):
    """The two have talked; told when the talk is over, since the carrier says it then."""

    kind: ClassVar[str] = "transfer.connected"
    node: str


@dataclass(frozen=True)
class TransferEnded(CallEvent):
    """``how``: completed, busy, no_answer, failed."""

    kind: ClassVar[str] = "transfer.ended"
    node: str
    how: str


@dataclass(frozen=True)
class FetchAsked(CallEvent):
    kind: ClassVar[str] = "fetch.asked"
    node: str
    host: str


@dataclass(frozen=True)
class FetchEnded(CallEvent):
    kind: ClassVar[str] = "fetch.ended"
    node: str
    state: str


@dataclass(frozen=True)
class NodeFailed(CallEvent):
    """A node left by its `failed` exit; the caller heard a sentence about it."""

    kind: ClassVar[str] = "node.failed"
    node: str
    because: str
    flow: str


@dataclass(frozen=True)
class FallbackSpoken(CallEvent):
    """The static fallback was answered instead of the flow."""

    kind: ClassVar[str] = "fallback.spoken"
    because: str


@dataclass(frozen=True)
class OddFact(CallEvent):
    """The carrier said something that moves nothing: late, repeated, out of order, or unknown."""

    kind: ClassVar[str] = "odd.fact"
    what: str
    because: str


@dataclass(frozen=True)
class CallEnded(CallEvent):
    """``outcome``: answered, voicemail, callback, abandoned, self_service, transferred, failed."""

    kind: ClassVar[str] = "call.ended"
    outcome: str
    status: str  # the carrier's word
    seconds: int | None


KINDS: dict[str, type[CallEvent]] = {
    event.kind: event
    for event in (
        CallRang,
        NodeEntered,
        NodeLeft,
        SaidToCaller,
        CallerAnswered,
        CallerSilent,
        CallerMistook,
        LanguageChosen,
        PaceChosen,
        CallerVerified,
        VerificationFailed,
        RecordLooked,
        CaseOpened,
        VoicemailTaken,
        VoicemailEmpty,
        VoicemailKept,
        VoicemailRead,
        PromiseMade,
        PromiseWarned,
        PromiseLate,
        PromiseMoved,
        PromiseMoveTold,
        PromiseClosed,
        VoicemailAnswered,
        CallbackPromised,
        CallbackChosen,
        CallbackRefused,
        CallbackTried,
        QueueJoined,
        QueueLeft,
        AgentOffered,
        OfferEnded,
        AgentJoined,
        TalkEnded,
        Transferred,
        TalkHeld,
        RecordingConsent,
        RecordingBegan,
        RecordingPaused,
        RecordingWithdrawn,
        RecordingFailed,
        RecordingKept,
        TalkOutcome,
        SurveyAnswered,
        TextPromised,
        TextEnded,
        TextReceived,
        TransferBegan,
        TransferConnected,
        TransferEnded,
        FetchAsked,
        FetchEnded,
        NodeFailed,
        FallbackSpoken,
        OddFact,
        CallEnded,
    )
}
