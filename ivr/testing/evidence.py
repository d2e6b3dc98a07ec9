"""What the records say of a call, for whoever played it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from ivr.core.call import CallState, CarrierKey
from ivr.core.events import AgentJoined
from ivr.core.promises import Promise
from ivr.core.voicemail import TextState, Transcript
from ivr.switchboard.ports.calls import StoredEvent
from ivr.switchboard.ports.records import Records
from ivr.testing.scripts import Expected

Exit = tuple[str, str, str]
"""Flow, node, exit."""


@dataclass(frozen=True)
class Findings:
    """One call as the records have it; ``customer``: every word that names its customer (id, number, numbers, name)."""

    ended: bool = False
    outcome: str | None = None
    customer: frozenset[str] = frozenset()
    path: tuple[str, ...] = ()
    exits: tuple[Exit, ...] = ()
    transcript: Transcript | None = None
    reading: bool = False  # a message still waits to be read
    promise: Promise | None = None
    started_at: datetime | None = None
    records: Mapping[str, Any] = field(default_factory=dict)  # for --json
    answered_by: tuple[str, ...] = ()  # agents who took the call
    put_through: tuple[str, ...] | None = None  # agents whose phones and the caller's met; None: not watched
    agents_heard: tuple[str, ...] = ()  # all that was said to an agent, for each call that rang one


class Evidence(Protocol):
    """Where the truth about a call is asked for."""

    def of(self, sid: str) -> Findings:
        """By the carrier's sid; nothing found is ``Findings()``."""
        ...


class RecordedEvidence:
    """``Evidence`` out of the records."""

    def __init__(self, records: Records, carrier: str, account: str) -> None:
        self._records, self._carrier, self._account = records, carrier, account

    def of(self, sid: str) -> Findings:
        with self._records.read() as kept:
            call = kept.calls.find(CarrierKey(self._carrier, self._account, sid))
            if call is None:
                return Findings()
            events = kept.log.of_call(call.id)
            customer = kept.customers.get(call.customer)
            voicemails = [v for v in kept.voicemails.of(customer.id) if v.call == call.id]
            promises = [p for p in kept.promises.of(customer.id) if p.call == call.id]
        return Findings(
            ended=call.state is CallState.ENDED,
            outcome=call.outcome,
            customer=frozenset(
                str(word) for word in (customer.id, customer.name, customer.number, *customer.numbers) if word
            ),
            path=tuple(str(e.data["node"]) for e in events if e.kind == "node.entered"),
            exits=tuple(
                (str(e.data["flow"]), str(e.data["node"]), str(e.data["exit"])) for e in events if e.kind == "node.left"
            ),
            transcript=next((v.transcript for v in voicemails if v.transcript), None),
            reading=any(v.text is TextState.WAITING for v in voicemails),
            promise=promises[0] if promises else None,
            answered_by=answered_by(events),
            started_at=call.started_at,
            records={
                "call": asdict(call),
                "customer": asdict(customer),
                "events": [{"at": e.happened_at, "seq": e.seq, "kind": e.kind, **e.data} for e in events],
                "voicemails": [asdict(v) for v in voicemails],
                "promises": [asdict(p) for p in promises],
            },
        )


def answered_by(events: Sequence[StoredEvent]) -> tuple[str, ...]:
    """The agents who took a call, in that order."""
    return tuple(dict.fromkeys(str(e.data["agent"]) for e in events if e.kind == AgentJoined.kind))


def not_as_expected(findings: Findings, expected: Expected) -> Sequence[str]:
    """What of ``expected`` does not hold, a sentence each."""
    checks = (_outcome, _customer, _path, _transcript, _promise, _answered_by, _agent_heard)
    return [wrong for check in checks if (wrong := check(findings, expected))]


def _outcome(found: Findings, expected: Expected) -> str | None:
    if expected.outcome is None or found.outcome == expected.outcome:
        return None
    return f"the outcome is {found.outcome or 'not known'}, not {expected.outcome}"


def _customer(found: Findings, expected: Expected) -> str | None:
    if expected.customer is None or expected.customer in found.customer:
        return None
    return f"the customer is {', '.join(sorted(found.customer)) or 'not on record'}, not {expected.customer}"


def _path(found: Findings, expected: Expected) -> str | None:
    if expected.path is None:
        return None
    passed = found.path[-len(expected.path) :] if expected.path_open and expected.path else found.path
    if tuple(passed) == tuple(expected.path):
        return None
    wanted = ["…", *expected.path] if expected.path_open else expected.path
    return f"the path is [{', '.join(found.path)}], not [{', '.join(wanted)}]"


def _transcript(found: Findings, expected: Expected) -> str | None:
    wanted, read = expected.transcript, found.transcript
    if wanted is None:
        return None
    if read is None:
        return "there is no transcript" + (" yet" if found.reading else "")
    if wanted.language and read.language != wanted.language:
        return f"the transcript's language is {read.language}, not {wanted.language}"
    missing = [words for words in wanted.contains if not said_in(words, read.text)]
    if missing:
        return f"the transcript lacks {', '.join(map(repr, missing))}; it is {read.text!r} ({read.state})"
    return None


def _promise(found: Findings, expected: Expected) -> str | None:
    within, made = expected.promise_due_within, found.promise
    if within is None:
        return None
    if made is None:
        return "nothing was promised"
    if made.due_at - made.made_at > within:
        return f"the promise is due {made.due_at - made.made_at} after it was made, not within {within}"
    return None


def _answered_by(found: Findings, expected: Expected) -> str | None:
    wanted = expected.answered_by
    if wanted is None:
        return None
    if wanted not in found.answered_by:
        return f"on record {' and '.join(found.answered_by) or 'nobody'} answered, not {wanted}"
    if found.put_through is not None and wanted not in found.put_through:
        return f"on record {wanted} answered, but their phone was never put through to the caller's"
    return None


def _agent_heard(found: Findings, expected: Expected) -> str | None:
    missing = [words for words in expected.agent_heard if not any(said_in(words, one) for one in found.agents_heard)]
    if not missing:
        return None
    heard = " / ".join(f"«{one}»" for one in found.agents_heard) or "nothing"
    return f"no agent heard {', '.join(map(repr, missing))}, but {heard}"


def plain(text: str) -> str:
    """Without case, accents, punctuation and double spaces: what matters of words that are heard."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    return " ".join(kept.split())


def said_in(words: str, text: str) -> bool:
    """Whether the text contains the words, whole words only: ``premi 1`` is not in ``premi 12``."""
    return f" {plain(words)} " in f" {plain(text)} "
